import dataclasses

import pytest

from overproof.pairs.files import make_pair
from overproof.pairs.ranking import as_problem, has_examples, is_self_contained, rank
from overproof.pairs.rules import Dropped, summarise

CODE = "def half(n):\n    return n / 2"


def described(examples):
    return make_pair(f"Return half of n.\n\n{examples}", CODE)


@pytest.mark.parametrize(
    ("examples", "expected"),
    [
        (">>> half(2)\n1.0", True),
        (">>> half(n=-2)\n-1.0", True),
        (">>> half([2, {'a': 1}])\n[1]", True),
        (">>> [half(1), half(2)]\n[0.5, 1.0]", False),
        (">>> half(2)\nsomething", False),
        (">>> x = 2\n>>> half(x)\n1.0", False),
        (">>> half(2)", False),
        (">>> double(2)\n4", False),
        (">>> maths.half(2)\n1.0", False),
        (">>> half(*[2])\n1.0", False),
        (">>> half(\n1.0", False),
        ("    >>> half(2)\n  1.0", False),
        ("half(2) == 1.0", False),
    ],
)
def test_examples_call_the_function_with_literals_and_say_what_comes_out(examples, expected):
    assert has_examples(described(examples)) is expected


def test_rank_puts_what_can_be_checked_first_and_shuffles_by_content():
    checked = [described(f">>> half({n})\n{n / 2}") for n in range(10)]
    alone = [make_pair(f"Return half of {n}.", CODE) for n in range(10)]
    others = [make_pair(f"Return {n} of n.", "def half(n):\n    return n / TWO") for n in range(10)]
    ranked = rank([*others, *alone, *checked], seed=1)
    keys = {pair.key for pair in checked}
    assert {pair.key for pair in ranked[:10]} == keys
    assert {pair.key for pair in ranked[10:20]} == {pair.key for pair in alone}
    assert ranked == rank([*reversed(checked), *others, *alone], seed=1)
    assert ranked[:10] != checked
    assert ranked != rank([*others, *alone, *checked], seed=2)
    java = [dataclasses.replace(pair, language="java") for pair in others]
    assert {pair.key for pair in rank([*alone, *java])[:20]} == {p.key for p in [*alone, *java]}


def test_self_contained_is_told_for_python_only():
    pair = make_pair("Return half of n.", "import math\n" + CODE.replace("n / 2", "math.ceil(n)"))
    assert is_self_contained(pair)
    assert not is_self_contained(dataclasses.replace(pair, prompt=pair.prompt[12:]))
    assert not is_self_contained(dataclasses.replace(pair, body="    return ("))
    assert not is_self_contained(dataclasses.replace(pair, language="java"))


def test_a_pair_as_a_problem_runs():
    pair = described(">>> half(2)\n1.0")
    problem = as_problem(pair)
    namespace = {}
    exec(problem.prompt + problem.canonical_solution, namespace)
    assert namespace[problem.entry_point](3) == 1.5
    assert problem.task_id == f"pair/{pair.key[:12]}"
    assert (problem.suite, problem.test) == ("pairs", "")


def test_summary_is_sorted_by_count_then_name():
    rows = [Dropped(origin="", name="", reason=r) for r in ("stub", "async", "stub", "method")]
    assert list(summarise(rows).items()) == [("stub", 2), ("async", 1), ("method", 1)]
