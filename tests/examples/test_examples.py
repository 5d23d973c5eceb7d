"""The scripts of examples/, run as a user runs them, at small size."""

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples"
SMALL = {
    "score_samples": [],
    "perturb_prompts": [],
    "evaluate_models": ["--limit", "1", "--out", "run"],
    "distil_first_model": ["--steps", "1", "--limit", "1", "--out", "run"],
}
SAYS = {
    "score_samples": "4 of 12 samples passed",
    "perturb_prompts": "6 certified variants",
    "evaluate_models": "of 1 problems",
    "distil_first_model": "checkpoint:",
}


@pytest.mark.models
@pytest.mark.parametrize("name", sorted(SMALL))
def test_an_example_runs(name: str, tmp_path: Path) -> None:
    command = [sys.executable, str(FOLDER / f"{name}.py"), *SMALL[name]]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    assert SAYS[name] in done.stdout


def test_every_example_is_run_and_listed() -> None:
    names = {path.stem for path in FOLDER.glob("*.py")}
    assert names == set(SMALL)
    readme = (FOLDER / "README.md").read_text()
    assert all(f"({name}.py)" in readme for name in names)
