"""HumanEval in every language: all problems, all calls, nothing dropped without a reason."""

import random
from functools import cache

import pytest

from overproof.languages import NAMES, load_language
from overproof.records import Problem
from overproof.suites import load_suite
from overproof.suites.multicode.calls import Call, record_calls
from overproof.suites.multicode.describe import docstring_of, find_examples
from overproof.suites.multicode.load import exceptions, exported, translated
from overproof.suites.multicode.prove import mutants, prove
from overproof.suites.multicode.signatures import signature_of
from overproof.suites.multicode.translate import translate

CALLS = 1534
FOREIGN = [name for name in NAMES if name != "python"]


@cache
def humaneval() -> dict[int, Problem]:
    return dict(enumerate(load_suite("humaneval")))


def test_every_call_of_the_published_tests_is_recorded() -> None:
    calls = {number: record_calls(problem) for number, problem in humaneval().items()}
    assert sum(map(len, calls.values())) == CALLS
    assert len(calls[32]) == len(calls[38]) == 100, "loops and random draws"
    assert len(calls[53]) == 105
    close = {number for number, found in calls.items() if any(call.close for call in found)}
    assert {2, 4, 32} <= close
    state = random.getstate()
    assert record_calls(humaneval()[53]) == calls[53], "draws are seeded"
    assert random.getstate() == state, "and nobody else's are"


@pytest.mark.parametrize("name", FOREIGN)
def test_nearly_all_problems_and_calls_are_there_and_the_rest_has_reasons(name: str) -> None:
    problems = list(humaneval().values())
    rows = translated(problems, name)
    assert len(rows) >= 160
    left_out = list(exceptions(problems, name))
    assert CALLS - len(left_out) >= 1450
    assert all(reason for *_, reason in left_out)
    assert len({row.task_id for row in rows}) == len(rows)
    assert all(row.language == name and row.source for row in rows)
    for row in exported(problems[:20], name):
        assert len(row["tests"]) + len(row["excluded_calls"]) == len(
            record_calls(humaneval()[int(row["task_id"].split("/")[1])])
        )
        assert row["entry_point"] in row["prompt"] and row["signature"].strip() in row["prompt"]


def test_python_is_whole() -> None:
    problems = list(humaneval().values())
    rows = translated(problems, "python")
    assert len(rows) == 164 and not list(exceptions(problems, "python"))
    assert [row.prompt for row in rows] == [problem.prompt for problem in problems]


@pytest.mark.parametrize("name", FOREIGN)
def test_contradictions_are_found_where_types_make_two_calls_one(name: str) -> None:
    task = translate(humaneval()[92], load_language(name))
    same = [reason for reason in task.excluded.values() if "the same call" in reason]
    language = load_language(name)
    conflated = language.translation.typed or "int_float" in language.conflates
    assert bool(same) == conflated


@pytest.mark.parametrize("name", FOREIGN)
def test_wrong_answers_fail_whatever_the_language_conflates(name: str) -> None:
    problems = [humaneval()[number] for number in range(0, 164, 6)]
    proofs = list(prove(problems, name))
    assert len(proofs) > 200
    accepted = [proof for proof in proofs if proof.passed]
    assert not accepted


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "(numbers: list[float], threshold: float) -> bool"),
        (8, "(numbers: list[int]) -> tuple[int, int]"),
        (12, "(strings: list[str]) -> optional[str]"),
        (22, "(values: list[any]) -> list[int]"),
        (87, "(lst: list[list[int]], x: int) -> list[tuple[int, int]]"),
        (95, "(dict: dict[str, str]) -> bool"),
        (125, "(txt: str) -> union[int, list[str]]"),
        (127, "(interval1: tuple[int, int], interval2: tuple[int, int]) -> str"),
        (148, "(planet1: str, planet2: str) -> list[str]"),
    ],
)
def test_types_come_from_annotations_and_values(number: int, expected: str) -> None:
    problem = humaneval()[number]
    signature = signature_of(problem.prompt, problem.entry_point, record_calls(problem))
    parameters = ", ".join(f"{name}: {kind}" for name, kind in signature.parameters)
    assert f"({parameters}) -> {signature.result}" == expected


def test_examples_are_found_in_every_way_they_are_written() -> None:
    text = (
        ">>> f([1, 2])\n(3, 'a')\nf(2) == 4\nf(\"a)\", {}) ➞ None\nf(3) # => no\n"
        "For f(5) return 1. f(x) stays; f(1 should stay"
    )
    found = [(each.args, each.has_result, each.result) for each in find_examples(text, "f")]
    assert found == [
        (([1, 2],), True, (3, "a")),
        ((2,), True, 4),
        (("a)", {}), True, None),
        ((3,), False, None),
        ((5,), True, 1),
    ]


def test_a_docstring_in_comments_or_below_an_import_is_found() -> None:
    below = 'def f(x):\n    import math\n    """Text."""\n'
    comments = "def f(x):\n    # Text\n    #   more\n"
    assert docstring_of(below, "f") == "Text."
    assert docstring_of(comments, "f") == "Text\n  more"


def test_mutants_differ_and_keep_the_type() -> None:
    for problem in list(humaneval().values())[::10]:
        for call in record_calls(problem)[:3]:
            wrong = mutants(call.result)
            assert wrong and all(each != call.result for each in wrong)


def test_a_wrong_solution_is_no_source_of_calls() -> None:
    problem = humaneval()[0]
    broken = Problem(
        task_id="mine/0",
        prompt=problem.prompt,
        entry_point=problem.entry_point,
        canonical_solution="    return True\n",
        test=problem.test,
    )
    with pytest.raises(Exception, match="does not pass its own test"):
        record_calls(broken)


def test_perturbed_prompts_are_translated_with_their_names() -> None:
    problem = humaneval()[0]
    prompt = problem.prompt.replace("has_close_elements", "check_near_pairs").replace(
        "closer", "cloesr"
    )
    task = translate(problem, load_language("javascript"), prompt, "check_near_pairs")
    assert task.entry_point == "check_near_pairs"
    assert "cloesr" in task.prompt and ">>> check_near_pairs([1.0" in task.prompt
    assert "has_close_elements" not in task.prompt


def test_calls_hold_copies_of_what_was_passed() -> None:
    problem = Problem(
        task_id="mine/1",
        prompt='def clear(items):\n    """Empty it."""\n',
        entry_point="clear",
        canonical_solution="    n = len(items)\n    items.clear()\n    return n\n",
        test="def check(candidate):\n    assert candidate([1, 2]) == 2\n",
    )
    assert record_calls(problem) == [Call(([1, 2],), 2)]
