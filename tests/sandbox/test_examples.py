"""Worked examples: which are taken from a docstring, and how a program is judged by them."""

import pytest

from overproof.records import Outcome
from overproof.sandbox import ExampleJob, Limits, parse_examples, run_jobs
from overproof.sandbox.examples import literal_call, same

PROMPT = '''from typing import List

def helper(x):
    """
    >>> helper(1)
    1
    """
    return x

def f(x, y=0):
    """Do something.

    >>> f(1)
    1
    >>> f([1, (2, "a")], y={3: None})
    [1, 2.0]
    >>> round(f(1), 2)
    1
    >>> x = 3
    >>> f(x)
    3
    >>> f(-1.5)  # a comment
    inf
    >>> f("a")
    Traceback (most recent call last):
    ValueError: no
    >>> f(2)
    [1, ..., 3]
    >>> f(3)  # doctest: +SKIP
    1
    >>> f(4)
    >>> f(5)
    <object at 0x1>
    >>> f(*[1])
    1
    >>> helper(2)
    2
    >>> f("last")
    'x'
    """
'''


def test_only_literal_calls_with_literal_results_are_taken() -> None:
    assert parse_examples(PROMPT, "f") == (
        ("f(1)", "1"),
        ('f([1, (2, "a")], y={3: None})', "[1, 2.0]"),
        ("f(-1.5)  # a comment", "inf"),
        ('f("last")', "'x'"),
    )
    assert parse_examples(PROMPT, "helper") == (("helper(1)", "1"),)


@pytest.mark.parametrize(
    "prompt", ["", "def f(:", "def g():\n    '''>>> f(1)\n    1'''", "def f(x):\n    '''>>>f(1)'''"]
)
def test_no_examples(prompt: str) -> None:
    assert parse_examples(prompt, "f") == ()


def test_nothing_is_evaluated() -> None:
    assert literal_call("f(__import__('os').getcwd())", "f") is None
    assert literal_call("f(**{'a': 1})", "f") is None
    assert literal_call("f(1); f(2)", "f") is None


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (1, 1.0, False),
        (1, True, False),
        ((1,), [1], False),
        (float("nan"), float("nan"), True),
        ({1: [2.0]}, {1: [2]}, False),
        ({1, 2, 3}, {3, 2, 1}, True),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({1: "x"}, {True: "x"}, False),
    ],
)
def test_same_is_strict_about_types(left: object, right: object, equal: bool) -> None:
    assert same(left, right) is equal
    assert same(right, left) is equal


Examples = tuple[tuple[str, str], ...]


def judge(cases: dict[str, tuple[str, Examples]]) -> dict[str, Outcome]:
    jobs = [
        ExampleJob(key=name, task_id="t", program=program, entry_point="f", examples=examples)
        for name, (program, examples) in cases.items()
    ]
    limits = Limits(cpu_seconds=1)
    return {outcome.key: outcome for outcome in run_jobs(jobs, limits, workers=1)}


def test_a_program_is_judged_by_its_examples() -> None:
    double = "def f(x): return x * 2\n"
    outcomes = judge(
        {
            "right": (double, (("f(2)", "4"), ("f([1])", "[1, 1]"), ("f(x='a')", "'aa'"))),
            "wrong": (double, (("f(2)", "4"), ("f(3)", "7"))),
            "other type": (double, (("f(2)", "4.0"),)),
            "not literal": (double, (("f(x)", "4"),)),
            "no examples": (double, ()),
            "no examples, no code": ("def g(x): return x", ()),
        }
    )
    assert {name: outcome.status for name, outcome in outcomes.items()} == {
        "right": "passed",
        "wrong": "wrong_answer",
        "other type": "wrong_answer",
        "not literal": "harness_error",
        "no examples": "passed",
        "no examples, no code": "no_code",
    }
    assert outcomes["right"].detail == "3 of 3 examples passed"
    assert outcomes["no examples"].detail == "0 of 0 examples passed"
    assert outcomes["wrong"].detail == "example 2 of 2, f(3): expected 7, got 6"


STATUSES = {
    "def f(x): raise ValueError": "error",
    "def f(x):\n    while True: pass": "timeout",
    "def f(x): return bytes(1 << 40)": "out_of_memory",
    "def f(x: return": "compile_error",
    "def g(x): return 1": "no_code",
    "class Any:\n    __eq__ = lambda s, o: True\ndef f(x): return Any()": "wrong_answer",
    "def f(x): return 1 << 100000": "wrong_answer",
}


def test_examples_have_the_same_statuses() -> None:
    outcomes = judge({program: (program, (("f(1)", "1"),)) for program in STATUSES})
    assert {program: outcome.status for program, outcome in outcomes.items()} == STATUSES
