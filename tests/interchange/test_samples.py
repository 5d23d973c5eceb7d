"""Samples out, and in again: the same programs, the same verdicts."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from overproof.cli import main
from overproof.errors import DataError, UnknownNameError, UsageError
from overproof.interchange.answers import Answer, answers_of
from overproof.interchange.sample_files import SAMPLE_FORMATS, completion_of, write_samples
from overproof.records import Problem
from overproof.sandbox import Limits
from overproof.scoring import read_submissions, score
from overproof.suites import load_suite, read_problems
from overproof.suites.load import read_humaneval

ENDS = {"human-eval": ".jsonl", "evalplus": ".jsonl.gz", "bigcode": ".json", "multipl-e": ""}


def problems() -> list[Problem]:
    return [read_humaneval()[number] for number in (0, 82)]


def convert(*arguments: object) -> Any:
    return CliRunner().invoke(main, ["convert", *map(str, arguments)])


@pytest.mark.parametrize("form", sorted(SAMPLE_FORMATS))
def test_a_run_goes_out_and_comes_in_with_the_same_programs(
    run_folder: Path, tmp_path: Path, form: str
) -> None:
    out = tmp_path / f"theirs{ENDS[form]}"
    result = convert(run_folder, "--to", form, "--out", out, "--model", "distilled")
    assert result.exit_code == 0, result.output
    assert f"4 answers written as {form}" in result.output
    expected = sorted(
        (a.problem.task_id, a.program) for a in answers_of(run_folder, model="distilled")
    )
    known = {problem.task_id: problem for problem in problems()}
    for named in ("", form):
        found = read_submissions(out, known, Limits(), named)
        assert sorted((row.task_id, row.program) for row in found) == expected


def test_folders_of_evalplus(run_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "folders"
    assert (
        convert(run_folder, "--to", "evalplus", "--out", out, "--model", "teacher").exit_code == 0
    )
    assert sorted(str(file.relative_to(out)) for file in out.glob("*/*")) == [
        "HumanEval_0/0.py",
        "HumanEval_0/1.py",
        "HumanEval_82/0.py",
        "HumanEval_82/1.py",
    ]
    scored = score(out, problems(), Limits(), form="evalplus")
    assert [outcome.status for outcome in scored.outcomes] == ["passed"] * 4
    assert scored.outcomes[0].sample == "folders:HumanEval_0/0.py"
    with pytest.raises(DataError, match="named bigcode, but it has the shape of evalplus"):
        score(out, problems(), Limits(), form="bigcode")


def test_answers_to_renamed_prompts_pass_under_the_tests_name(
    run_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "renamed.jsonl"
    result = convert(
        run_folder,
        "--to",
        "human-eval",
        "--out",
        out,
        "--model",
        "distilled",
        "--operator",
        "camel_case",
    )
    assert result.exit_code == 0, result.output
    assert "4 whole programs put behind the prompt" in result.output
    statuses = [outcome.status for outcome in score(out, problems(), Limits()).outcomes]
    assert statuses.count("passed") == 2
    assert statuses.count("wrong_answer") + statuses.count("error") == 2


def test_a_file_converts_to_a_file(tmp_path: Path) -> None:
    rows = [
        {"task_id": problem.task_id, "completion": problem.canonical_solution, "model": "a"}
        for problem in problems()
    ] + [{"task_id": "HumanEval/0", "completion": "    return 1\n", "model": "b"}]
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = convert(source, "--to", "evalplus", "--out", out, "--model", "a")
    assert result.exit_code == 0, result.output
    assert "162 of 164 problems have no answer; EvalPlus wants them all" in result.output
    solutions = [json.loads(line)["solution"] for line in out.read_text().splitlines()]
    assert solutions == [p.prompt + p.canonical_solution for p in problems()]


def test_what_a_format_has_no_place_for_is_refused(tmp_path: Path) -> None:
    first, second = problems()
    answer = Answer(problem=second, program="x")
    with pytest.raises(DataError, match="HumanEval/0 has no answer, and the list of lists"):
        write_samples([answer], [first, second], "bigcode", tmp_path / "g.json")
    rust = load_suite("multicode:rust", 1)[0]
    for form in ("human-eval", "evalplus"):
        with pytest.raises(DataError, match="runs functions in Python only, not rust"):
            write_samples([Answer(problem=rust, program="")], [rust], form, tmp_path / "x.jsonl")
    with pytest.raises(UnknownNameError, match="format of samples 'evalpls'"):
        write_samples([answer], [second], "evalpls", tmp_path / "x")
    with pytest.raises(UsageError, match="no folder"):
        write_samples([answer], [second], "evalplus", tmp_path / "nowhere" / "x.jsonl")
    limited = write_samples(
        [Answer(problem=first, program="x")], [first, second], "bigcode", tmp_path / "g.json"
    )
    assert limited == ["pass --limit 1 to the harness: the later ones have no answer"]


def test_of_several_models_one_must_be_named(run_folder: Path, tmp_path: Path) -> None:
    result = convert(run_folder, "--to", "evalplus", "--out", tmp_path / "x.jsonl")
    assert result.exit_code == 2
    assert "answers of teacher, distilled" in result.output
    result = convert(run_folder, "--to", "evalplus", "--out", tmp_path / "x", "--model", "teachr")
    assert "did you mean teacher?" in result.output
    result = convert(
        run_folder,
        "--to",
        "evalplus",
        "--out",
        tmp_path / "x",
        "--model",
        "teacher",
        "--operator",
        "typos",
    )
    assert "no answer of teacher to prompts of 'typos'" in result.output


@pytest.mark.parametrize(
    ("program", "prompt", "expected"),
    [
        ("def f():\n    return 1\n", "def f():\n", ("    return 1\n", True)),
        ("def f():\n    return 1\n", "def f():\n\n", ("    return 1\n", True)),
        (
            "def f():\n\treturn 1\n",
            'def f():\n\t"x"\n',
            ("\tpass\n\n\ndef f():\n\treturn 1\n", False),
        ),
        ("import re\ndef f(: x", "def f():\n", ("    pass\n\n\nimport re\ndef f(: x", False)),
    ],
)
def test_what_follows_the_prompt(program: str, prompt: str, expected: tuple[str, bool]) -> None:
    assert completion_of(program, prompt) == expected


def test_results_of_multipl_e_are_read_back(tmp_path: Path) -> None:
    """Their evaluator writes the program, prompt and tests included, and drops the completions."""
    rust = load_suite("multicode:rust", 1)[0]
    body = "    unimplemented!()\n}\n"
    out = tmp_path / "humaneval-rs"
    write_samples([Answer(problem=rust, program=rust.prompt + body)], [rust], "multipl-e", out)
    (file,) = out.iterdir()
    assert file.name == "HumanEval_0_has_close_elements.json.gz"
    row = json.loads(gzip.decompress(file.read_bytes()))
    assert row["language"] == "rs"
    assert row["completions"] == ["    unimplemented!()\n"], "the tests bring the brace"
    program = row["prompt"] + row["completions"][0] + "\n" + row["tests"]
    results = {k: v for k, v in row.items() if k != "completions"}
    results["results"] = [{"program": program, "status": "Exception", "exit_code": 101}]
    file.unlink()
    path = out / "HumanEval_0_has_close_elements.results.json.gz"
    path.write_bytes(gzip.compress(json.dumps(results).encode()))
    (found,) = read_submissions(out, {rust.task_id: rust}, Limits(), "multipl-e")
    assert found.task_id == "rust/0"
    assert found.program == rust.prompt + body
    results["results"][0]["program"] = "fn main(){}"
    path.write_bytes(gzip.compress(json.dumps(results).encode()))
    with pytest.raises(DataError, match="result 1: its program is not prompt, completion and"):
        read_submissions(out, {rust.task_id: rust}, Limits())


def test_a_foreign_file_of_problems_gives_its_own_tests(tmp_path: Path) -> None:
    row = {
        "name": "HumanEval_53_add",
        "language": "js",
        "prompt": "function add(x, y){\n",
        "tests": "console.assert(add(1, 2) === 3);\n",
    }
    (tmp_path / "p.jsonl").write_text(json.dumps(row))
    (problem,) = read_problems(tmp_path / "p.jsonl")
    assert isinstance(problem, Problem)
    program = problem.prompt + "  return x + y;\n}\n"
    write_samples(
        [Answer(problem=problem, program=program)], [problem], "multipl-e", tmp_path / "o"
    )
    written = json.loads(gzip.decompress(next((tmp_path / "o").iterdir()).read_bytes()))
    assert (written["name"], written["tests"]) == (row["name"], row["tests"])
    assert written["completions"] == ["  return x + y;\n}\n"]
