"""Suites by name and by path, and the even spread that a limit takes."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overproof.errors import DataError, UnknownNameError, UsageError
from overproof.records import Problem
from overproof.suites import SUITES, load_suite, load_suites
from overproof.suites.load import spread


def problem(number: int) -> Problem:
    return Problem(
        task_id=f"toy/{number}",
        prompt="def f():\n",
        entry_point="f",
        canonical_solution="    return 1\n",
        test="def check(candidate):\n    pass\n",
        suite="toy",
    )


def write(path: Path, numbers: range) -> str:
    rows = [problem(number).__dict__ for number in numbers]
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


@given(total=st.integers(1, 300), limit=st.integers(1, 300))
def test_a_spread_is_even_ordered_and_of_the_size_asked(total: int, limit: int) -> None:
    chosen = [int(each.task_id[4:]) for each in spread([problem(n) for n in range(total)], limit)]
    assert len(chosen) == min(total, limit)
    assert chosen[0] == 0
    steps = {right - left for left, right in pairwise(chosen)}
    assert all(step > 0 for step in steps)
    assert max(steps, default=1) - min(steps, default=1) <= 1


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(limit: int) -> None:
    with pytest.raises(UsageError, match=f"got {limit}"):
        spread([problem(0)], limit)


def test_names_and_paths_mix_and_the_limit_holds_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SUITES, "toy", lambda: [problem(number) for number in range(4)])
    path = write(tmp_path / "mine.jsonl", range(10, 14))
    assert [each.task_id for each in load_suites(["toy", path], limit=2)] == [
        "toy/0",
        "toy/2",
        "toy/10",
        "toy/12",
    ]
    assert [each.suite for each in load_suite(path)] == ["mine"] * 4


def test_one_task_in_two_suites_is_refused(tmp_path: Path) -> None:
    left = write(tmp_path / "left.jsonl", range(3))
    right = write(tmp_path / "right.jsonl", range(2, 4))
    with pytest.raises(DataError, match=r"'toy/2' is also in 'left'"):
        load_suites([left, right])


def test_unknown_names_are_told_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="humaneval"):
        load_suite("humanevl")


@pytest.mark.models
def test_humaneval_is_whole() -> None:
    problems = load_suite("humaneval")
    assert [each.task_id for each in problems] == [f"HumanEval/{number}" for number in range(164)]
    assert {each.suite for each in problems} == {"humaneval"}
    assert all(each.canonical_solution for each in problems)
