import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from overproof.cli import main


def invoke(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        (("run", "dmeo"), 2, "unknown recipe 'dmeo'", "demo"),
        (("run", "demo", "distill.stps=3"), 2, "unknown key distill.stps", "distill.steps"),
        (("run", "demo", "models.teacher=qwen2.5-coder-1.5-instruct"), 2, "unknown model", "1.5b"),
        (("run", "demo", "perturb.operators=[keyboard_typo]"), 2, "operator", "keyboard_typos"),
        (("run", "demo", "suites.names=[humanevil]"), 2, "humanevil", "humaneval"),
        (("eval", "--model", "./nowhere.gguf"), 2, "nowhere.gguf", ""),
        (("eval", "--model", "smollm2-135m-instruct", "--operators", "nul"), 2, "nul", "null"),
        (("models", "fetch", "qwen"), 2, "unknown", "qwen2.5-coder"),
        (("operators", "show", "camelcase"), 2, "unknown operator", "camel_case"),
    ],
)
def test_a_mistake_is_one_clear_line_with_a_hint_and_a_code(
    words: tuple[str, ...], code: int, message: str, hint: str, tmp_path: Path
) -> None:
    extra = ("--out", str(tmp_path / "run")) if words[0] in ("run", "eval") else ()
    result = invoke(*words, *extra)
    lines = result.stderr.strip().splitlines()
    assert result.exit_code == code, result.output
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1
    assert message in errors[0]
    assert hint in result.stderr
    assert "Traceback" not in result.output


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    result = invoke("run", "demo", "--out", str(tmp_path / "file" / "run"))
    assert result.exit_code == 5
    assert "hint:" in result.stderr
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_a_storage_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert invoke("run", "demo", "--out", str(tmp_path / "run")).exit_code == 5


def test_dry_run_prints_the_resolved_recipe_and_touches_nothing(tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = invoke("run", "demo", "distill.steps=3", "--dry-run", "--out", str(out))
    assert result.exit_code == 0
    assert "steps: 3" in result.stdout
    assert not out.exists()


def test_lists_name_what_there_is() -> None:
    assert "demo" in invoke("recipes").stdout
    assert "keyboard_typos" in invoke("operators").stdout
    assert "qwen2.5-coder-0.5b-instruct" in invoke("models", "list").stdout


def test_debug_shows_the_traceback() -> None:
    result = invoke("--debug", "run", "dmeo")
    assert result.exception is not None
    assert "dmeo" in str(result.exception)


def best_seconds(*words: str) -> float:
    timings = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, capture_output=True)
        timings.append(time.perf_counter() - start)
    return min(timings)


def test_import_and_help_are_quick_and_load_no_torch() -> None:
    bare = best_seconds("-c", "pass")
    assert best_seconds("-c", "import overproof") - bare < 0.3
    assert best_seconds("-m", "overproof.cli", "--help") - bare < 0.5
    check = "import sys, overproof.cli, overproof.study; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
