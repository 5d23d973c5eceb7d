"""The core works without its optional packages, and names the extra that brings each of them."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

from overproof.errors import EngineError
from overproof.extras import EXTRAS, REPORT, TRAINING, missing_from, require

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PACKAGES = {"vl_convert": "vl-convert-python"}
"""Where the module has another name than its package."""

SAMPLES = [
    {"task_id": "mine/0", "completion": "    return a + b\n"},
    {"task_id": "mine/0", "completion": "    return a - b\n"},
]
PROBLEM = {
    "task_id": "mine/0",
    "prompt": 'def add(a, b):\n    "Add."\n',
    "entry_point": "add",
    "canonical_solution": "    return a + b\n",
    "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
}


def needed(requirements: list[str], seen: set[str]) -> set[str]:
    """The distributions that these requirements bring, and what those bring."""
    for text in requirements:
        requirement = Requirement(text)
        marker = requirement.marker
        if marker and not marker.evaluate({**default_environment(), "extra": ""}):
            continue
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name not in seen:
            seen.add(name)
            needed(metadata.distribution(name).requires or [], seen)
    return seen


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the core's packages and nothing else, linked from this environment."""
    folder = tmp_path_factory.mktemp("core")
    for name in needed(PROJECT["dependencies"], set()):
        files = metadata.distribution(name).files or []
        for top in {file.parts[0] for file in files if not file.parts[0].startswith(".")}:
            (folder / top).symlink_to(metadata.distribution(name).locate_file(top))
    (folder / "overproof").symlink_to(ROOT / "src" / "overproof")
    return folder


def run(core: Path, *words: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-S", "-m", "overproof", *map(str, words)]
    env = {"PYTHONPATH": str(core), "PATH": "/usr/bin:/bin", "HOME": str(core)}
    return subprocess.run(command, env=env, capture_output=True, text=True)


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_core_is_small_in_what_it_asks_for() -> None:
    brought = needed(PROJECT["dependencies"], set())
    assert not brought & {PACKAGES.get(module, module.replace("_", "-")) for module in EXTRAS}
    assert len(brought) < 25


def test_every_optional_module_is_in_the_extra_that_is_named() -> None:
    for module, extra in EXTRAS.items():
        package = PACKAGES.get(module, module.replace("_", "-"))
        listed = PROJECT["optional-dependencies"][extra]
        if module == "tokenizers":  # comes with transformers
            package = "transformers"
        assert package in {Requirement(text).name for text in listed}, module


def test_the_whole_is_all_of_it_and_the_older_name_still_stands() -> None:
    extras: dict[str, list[str]] = PROJECT["optional-dependencies"]

    def brought(name: str) -> Iterator[str]:
        for text in extras[name]:
            requirement = Requirement(text)
            if requirement.name != "overproof":
                yield requirement.name
            for inner in requirement.extras if requirement.name == "overproof" else ():
                yield from brought(inner)

    everything = set(brought("all"))
    for name in ("report", "gguf", "train", "data", "cluster", "languages"):
        assert set(brought(name)) <= everything
    assert {"torch", "transformers", "xllamacpp", "scipy", "altair"} <= set(brought("models"))


def test_the_doctor_and_score_need_the_core_alone(core: Path, tmp_path: Path) -> None:
    checks = json.loads(run(core, "doctor", "--json").stdout)
    hints = {row["name"]: row["remedy"] for row in checks if row["area"] == "engines"}
    assert hints["torch"] == "pip install 'overproof[train]'"
    assert hints["xllamacpp"] == "pip install 'overproof[gguf]'"

    samples = write(tmp_path / "samples.jsonl", SAMPLES)
    problems = write(tmp_path / "problems.jsonl", [PROBLEM])
    scored = run(core, "score", samples, "--problems", problems, "--json")
    assert scored.returncode == 0, scored.stderr
    found = json.loads(scored.stdout)
    assert (found["passed"], found["total"]) == (1, 2)

    perturbed = run(core, "perturb", "--suite", problems, "--preset", "quick", "--json")
    assert perturbed.returncode == 0, perturbed.stderr
    assert json.loads(perturbed.stdout)["variants"] > 0


def test_what_needs_more_says_which_extra_before_it_begins(core: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    problems = write(tmp_path / "problems.jsonl", [PROBLEM])
    model = ("--model", "http://127.0.0.1:1/v1#none", "--suite", problems, "--out", out)
    needed_by = (
        (("eval", *model), "report"),
        (("bench", *model), "report"),
        (("run", "demo", "--out", out), "train"),
    )
    for words, extra in needed_by:
        done = run(core, *words)
        assert done.returncode == EngineError.exit_code
        assert f"pip install 'overproof[{extra}]'" in done.stderr
        assert "Traceback" not in done.stderr
        assert not out.exists()


def test_an_import_that_fails_later_is_named_too(
    core: Path, tmp_path: Path, write_run: Any
) -> None:
    def rule(model: str, _operator: str, task: int, *_: int) -> str:
        return "passed" if model == "a" or task % 3 else "wrong_answer"

    folder = write_run(tmp_path / "run", rule, models=("a", "b"))
    done = run(core, "compare", folder, "--model", "a", "--model", "b")
    assert done.returncode == EngineError.exit_code
    assert "the package scipy is not installed" in done.stderr
    assert "overproof[report]" in done.stderr


def test_what_is_there_is_not_asked_for() -> None:
    require("json", *REPORT, *TRAINING)
    with pytest.raises(EngineError, match="no_such_package"):
        require("json", "no_such_package")
    assert missing_from(ModuleNotFoundError(name="overproof_of_yours")) is None
