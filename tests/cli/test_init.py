"""`overproof init` writes recipes that load, `overproof completion` scripts that complete."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from overproof.cli import init as cli_init
from overproof.cli import main
from overproof.recipe import load_recipe

OVERPROOF = [sys.executable, "-m", "overproof"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def invoke(*words: str, said: str | None = None) -> Result:
    return CliRunner().invoke(main, list(words), input=said)


def written(*words: str) -> str:
    result = invoke("init", "mine.yaml", *words)
    assert result.exit_code == 0, result.output
    return Path("mine.yaml").read_text()


@pytest.mark.parametrize("task", ["evaluate", "distil", "gate"])
def test_what_is_proposed_is_a_recipe_with_comments(task: str) -> None:
    text = written("--task", task)
    recipe = load_recipe("mine.yaml")
    assert recipe.name == "mine"
    assert recipe.suites.names[0] == "humaneval"
    assert text.count("#") >= 8
    assert max(map(len, text.splitlines())) <= 100


def test_answers_are_in_the_recipe() -> None:
    options = ("--model", "smollm2-135m-instruct", "--data", "humaneval", "--data", "rust")
    written("--task", "evaluate", *options, "--language", "go")
    recipe = load_recipe("mine.yaml")
    assert recipe.models.teacher == recipe.models.student == "smollm2-135m-instruct"
    assert recipe.models.engine == "xllamacpp"
    assert recipe.suites.names == ("humaneval", "multicode:go", "multicode:rust")


def test_a_language_alone_is_no_python() -> None:
    written("--task", "evaluate", "--language", "rust")
    assert load_recipe("mine.yaml").suites.names == ("multicode:rust",)


def test_servers_get_the_engine_and_the_budget_of_servers() -> None:
    address = "http://127.0.0.1:1/v1#a"
    written("--task", "evaluate", "--model", address)
    recipe = load_recipe("mine.yaml")
    assert (recipe.models.teacher, recipe.models.engine) == (address, "server")
    assert recipe.sampling.max_new_tokens == 768


def test_a_distillation_names_sources_and_a_served_teacher_is_warned_of() -> None:
    Path("code").mkdir()
    models = ("--model", "http://127.0.0.1:1/v1#a", "--model", "smollm2-135m-instruct")
    text = written("--task", "distil", *models, "--data", "code", "--data", "go")
    recipe = load_recipe("mine.yaml")
    assert recipe.pairs.sources == ("code",)
    assert recipe.pairs.languages == ("go",)
    assert recipe.suites.names == ("humaneval", "multicode:go")
    assert "# tokenizer:" in text


def test_the_next_commands_are_understood() -> None:
    result = invoke("init", "gate.yaml", "--task", "gate", "--json")
    found = json.loads(result.stdout)
    assert found["recipe"] == "gate.yaml"
    first, second = (shlex.split(command) for command in found["next"])
    assert first[1:] == ["eval", "--recipe", "gate.yaml"]
    assert "unknown" not in invoke(*first[1:], "--help").output
    assert second[1:3] == ["compare", "runs/gate"]
    assert [second[at + 1] for at, word in enumerate(second) if word == "--model"] == [
        "qwen2.5-coder-0.5b-instruct",
        "candidate",
    ]
    distil = json.loads(invoke("init", "d.yaml", "--task", "distil", "--json").stdout)["next"]
    dry = invoke(*shlex.split(distil[0])[1:], "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert yaml.safe_load(dry.stdout)["distill"]["steps"] == 8


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--task", "gate", "--model", "smollm2-135m-instruct"), "got 1 models"),
        (("--task", "evaluate", "--model", "smollm"), "unknown model"),
        (("--task", "evaluate", "--data", "humanevil"), "unknown suite"),
        (("--task", "evaluate", "--language", "cobol"), "unknown language"),
        (("--task", "distil", "--data", "./nowhere"), "nowhere"),
        (
            ("--task", "gate", "--model", "http://h:1/v1#a", "--model", "smollm2-135m-instruct"),
            "one engine",
        ),
        ((), "no terminal"),
    ],
)
def test_a_mistake_writes_nothing(words: tuple[str, ...], message: str) -> None:
    result = invoke("init", "mine.yaml", *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not Path("mine.yaml").exists()


def test_a_file_that_is_there_is_kept() -> None:
    Path("mine.yaml").write_text("mine")
    assert invoke("init", "mine.yaml", "--task", "gate").exit_code == 2
    assert Path("mine.yaml").read_text() == "mine"
    assert "name: mine" in written("--task", "gate", "--force")
    assert invoke("init", "mine.txt", "--task", "gate").exit_code == 2


def test_three_questions_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_init, "_terminal", lambda: True)
    said = "gate\nqwen2.5-coder-0.5b-instruct, smollm2-135m-instruct\nhumaneval, lua\n"
    result = invoke("init", "--json", said=said)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["recipe"] == "recipe.yaml"
    assert result.stderr.count("?") + result.stderr.count("languages") >= 3
    recipe = load_recipe("recipe.yaml")
    assert recipe.models.student == "smollm2-135m-instruct"
    assert recipe.suites.names == ("humaneval", "multicode:lua")


def test_eval_takes_a_recipe_and_refuses_to_be_told_twice(tmp_path: Path) -> None:
    written("--task", "evaluate")
    told = {("--seeds", "1"): "perturb.seeds", ("--engine", "auto"): "models.engine"}
    for option, key in told.items():
        result = invoke("eval", "--recipe", "mine.yaml", *option)
        assert result.exit_code == 2
        assert key in result.stderr
    assert invoke("eval").exit_code == 2


def complete(*words: str) -> list[str]:
    place = {"COMP_WORDS": " ".join(["overproof", *words]), "COMP_CWORD": str(len(words))}
    script = (
        "import sys; sys.argv = ['overproof']; from overproof.cli import main; "
        "main(prog_name='overproof')"
    )
    env = {**os.environ, **place, "_OVERPROOF_COMPLETE": "bash_complete"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, check=True, capture_output=True, text=True
    )
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


def test_commands_and_options_are_completed() -> None:
    assert complete("mod") == ["models"]
    assert {"list", "fetch", "verify"} <= set(complete("models", ""))
    assert "--json" in complete("score", "--")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_on_stdout_and_its_place_on_stderr(shell: str) -> None:
    result = invoke("completion", shell)
    assert result.exit_code == 0, result.output
    assert f"{shell}_complete" in result.stdout
    assert "put it into" not in result.stdout
    assert "overproof" in result.stderr
    program = shutil.which(shell)
    if program:
        subprocess.run([program, "-n", "-c", result.stdout], check=True)


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash")
def test_bash_completes_after_reading_the_script(tmp_path: Path) -> None:
    command = tmp_path / "overproof"
    command.write_text(
        f"#!{sys.executable}\nfrom overproof.cli import main\nmain(prog_name='overproof')\n"
    )
    command.chmod(0o755)
    script = invoke("completion", "bash").stdout
    asked = f"COMP_WORDS=({command} sel); COMP_CWORD=1; _overproof_completion {command}; "
    done = subprocess.run(
        ["bash", "-c", f"{script}\n{asked}\necho ${{COMPREPLY[@]}}"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "selftest"
