"""`overproof score`: samples of any tool in, verdicts and pass@k out."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from overproof.cli import main
from overproof.scoring import Scored

PROBLEMS = [
    {
        "task_id": "mine/0",
        "prompt": 'def add(a, b):\n    "Add."\n',
        "entry_point": "add",
        "canonical_solution": "    return a + b\n",
        "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
    },
    {
        "task_id": "mine/1",
        "prompt": "Read two numbers, print their sum.",
        "cases": [{"stdin": "1 2", "stdout": "3"}, {"stdin": "5 5", "stdout": "10"}],
    },
    {
        "task_id": "mine/2",
        "prompt": "def never(a):\n",
        "entry_point": "never",
        "test": "def check(candidate):\n    assert candidate(1)\n",
    },
]
SAMPLES = [
    {"task_id": "mine/0", "completion": "    return a + b\n"},
    {"task_id": "mine/0", "completion": "    return a - b\n"},
    {"task_id": "mine/0", "solution": "def add(a, b): return b + a", "completion": "wrong"},
    {"task_id": "mine/1", "solution": "print(sum(map(int, input().split())))"},
    {"task_id": "mine/1", "solution": "print(3)"},
    {"task_id": "mine/1", "solution": "print("},
]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def problems(tmp_path: Path) -> Path:
    return write(tmp_path / "problems.jsonl", PROBLEMS)


def run(*arguments: object) -> Any:
    return CliRunner().invoke(main, ["score", *map(str, arguments)])


def test_counts_pass_at_k_and_rows(tmp_path: Path, problems: Path) -> None:
    samples, out = write(tmp_path / "samples.jsonl", SAMPLES), tmp_path / "results.jsonl"
    result = run(samples, "--problems", problems, "--out", out, "--json")
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert (summary["passed"], summary["total"]) == (3, 6)
    assert summary["statuses"] == {"passed": 3, "wrong_answer": 2, "compile_error": 1}
    assert summary["pass@k"] == {"pass@1": pytest.approx((2 / 3 + 1 / 3) / 2)}
    assert (summary["problems"], summary["problems_with_samples"]) == (3, 2)
    assert summary["tier"] and summary["seconds"] > 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert sorted((row["sample"], row["status"]) for row in rows) == [
        ("samples.jsonl:1", "passed"),
        ("samples.jsonl:2", "wrong_answer"),
        ("samples.jsonl:3", "passed"),
        ("samples.jsonl:4", "passed"),
        ("samples.jsonl:5", "wrong_answer"),
        ("samples.jsonl:6", "compile_error"),
    ]


def test_samples_of_other_tools_are_read(tmp_path: Path, problems: Path) -> None:
    right, wrong = PROBLEMS[0]["prompt"] + "    return a + b\n", "def add(a, b): return a - b\n"
    lists = tmp_path / "generations.json"
    lists.write_text(json.dumps([[right, wrong, "    return b + a\n"], ["print(3)"]]))
    result = run(lists, "--problems", problems, "--json")
    summary = json.loads(result.stdout)
    assert (summary["passed"], summary["total"]) == (2, 4), result.output
    rows = [{"name": "mine/0", "completions": ["    return a + b\n", "    return 0\n"]}]
    rows.append({"task_id": "mine/0", "generation": right})
    out = tmp_path / "results.jsonl"
    run(write(tmp_path / "samples.jsonl", rows), "--problems", problems, "--out", out)
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert sorted((row["sample"], row["status"]) for row in found) == [
        ("samples.jsonl:1.1", "passed"),
        ("samples.jsonl:1.2", "wrong_answer"),
        ("samples.jsonl:2", "passed"),
    ]


def test_a_rerun_executes_only_what_is_missing(tmp_path: Path, problems: Path) -> None:
    samples, out = write(tmp_path / "samples.jsonl", SAMPLES), tmp_path / "results.jsonl"
    run(samples, "--problems", problems, "--out", out)
    lines = out.read_bytes().splitlines(keepends=True)
    kept = [json.loads(line) | {"detail": "kept"} for line in lines[:4]]
    torn = b"".join(json.dumps(row).encode() + b"\n" for row in kept) + lines[4][:20]
    out.write_bytes(torn)
    result = run(samples, "--problems", problems, "--out", out, "--json")
    assert json.loads(result.stdout)["passed"] == 3
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["detail"] for row in rows[:4]] == ["kept"] * 4
    assert len({row["key"] for row in rows}) == len(rows) == 6


def test_what_we_could_not_judge_is_tried_again(tmp_path: Path, problems: Path) -> None:
    samples, out = write(tmp_path / "samples.jsonl", SAMPLES[:1]), tmp_path / "results.jsonl"
    run(samples, "--problems", problems, "--out", out)
    row = json.loads(out.read_text()) | {"status": "harness_error"}
    out.write_text(json.dumps(row) + "\n")
    run(samples, "--problems", problems, "--out", out)
    assert [json.loads(line)["status"] for line in out.read_text().splitlines()] == ["passed"]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([{"task_id": "mine/00", "completion": ""}], ":1: no problem 'mine/00'"),
        ([{"completion": "x"}], ":1: no task_id"),
        ([SAMPLES[0], {"task_id": "mine/0"}], ":2: neither completion nor solution"),
        ([{"task_id": "mine/0", "completion": 3}], ":1: field 'completion': got int"),
        ([], "no sample in it"),
    ],
)
def test_a_bad_line_is_named(
    rows: list[dict[str, Any]], says: str, tmp_path: Path, problems: Path
) -> None:
    out = tmp_path / "results.jsonl"
    out.write_bytes(b"")
    result = run(write(tmp_path / "s.jsonl", rows), "--problems", problems, "--out", out)
    assert result.exit_code == 3
    assert says in result.stderr
    assert "hint:" in result.stderr
    assert out.read_bytes() == b""


def test_suite_and_problems_exclude_each_other(tmp_path: Path, problems: Path) -> None:
    samples = write(tmp_path / "s.jsonl", SAMPLES)
    result = run(samples, "--problems", problems, "--suite", "humaneval")
    assert result.exit_code == 2
    assert "choose one" in result.stderr


def test_excluded_samples_are_in_no_figure() -> None:
    from overproof.records import Outcome

    def outcome(key: str, status: Any) -> Outcome:
        return Outcome(key=key, task_id=key[0], status=status)

    outcomes = [outcome("a1", "passed"), outcome("b1", "harness_error"), outcome("c1", "error")]
    scored = Scored(outcomes=outcomes, problems=3, seconds=1.0, tier="A")
    assert scored.pass_at_k()["pass@1"]["value"] == 0.5
    assert any("could not be judged" in line for line in scored.as_lines())
