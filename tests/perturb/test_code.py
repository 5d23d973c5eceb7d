"""Half-written bodies: where they are cut, and that changed halves compute the same."""

import random
from typing import Any

import pytest

from overproof.perturb import OPERATORS
from overproof.perturb.certificate import gold_program
from overproof.perturb.code import halve
from overproof.perturb.draft import Draft
from overproof.perturb.source import apply_edits, own_nodes, parse, plain_code
from overproof.records import Problem


def problem_of(body: str, params: str = "xs") -> Problem:
    return Problem(
        task_id="t",
        prompt=f'def f({params}):\n    """Do it."""\n',
        entry_point="f",
        canonical_solution=body,
        test="",
    )


def applied(name: str, body: str, seed: int = 0, intensity: float = 1.0) -> Draft | None:
    return OPERATORS[name].apply(problem_of(body), random.Random(seed), intensity)


def result_of(body: str, draft: Draft | None, *arguments: Any) -> Any:
    problem = problem_of(body)
    space: dict[str, Any] = {}
    program = problem.prompt + body if draft is None else gold_program(problem, draft)
    exec(program, space)
    return space["f"](*arguments)


LOOPS = """\
    kept = []
    for a, b in zip(xs, xs[1:]):
        if a == b:
            continue
        elif b > 90:
            break
        for c in a, b:  # both
            kept.append(c)
    else:
        kept.append("end")
    for d in range(3): kept.append(d)
    for e in (
        x * 2 for x in kept
    ):
        last = e
    return kept, last
"""


@pytest.mark.parametrize("name", ["half_body", "dead_code", "for_to_while", "rename_variables"])
@pytest.mark.parametrize("seed", range(4))
def test_changed_code_computes_the_same(name: str, seed: int) -> None:
    draft = applied(name, LOOPS, seed)
    assert draft is not None
    for values in ([], [1, 1, 2], [3, 99, 4], list("abc")[:0], [5, 6]):
        if values and values != [1, 1]:
            assert result_of(LOOPS, draft, values) == result_of(LOOPS, None, values)


def test_every_loop_of_the_half_becomes_a_while_and_comments_stay() -> None:
    draft = applied("for_to_while", LOOPS)
    assert draft is not None
    assert "for a, b" not in draft.partial
    assert "remaining_2 = list((a, b))\n        while remaining_2:  # both\n" in draft.partial


def test_the_half_parses_alone_and_nothing_is_lost() -> None:
    problem = problem_of(LOOPS)
    draft = applied("half_body", LOOPS)
    assert draft is not None
    assert draft.prompt + str(draft.gold) == problem.prompt + LOOPS
    assert parse(draft.prompt) is not None
    share = draft.partial.count("\n") / LOOPS.count("\n")
    assert 0.3 < share < 0.7


@pytest.mark.parametrize("body", ["    return 1\n", "", "    while xs:\n        xs = xs[1:]\n"])
def test_bodies_without_a_half_are_not_applicable(body: str) -> None:
    assert halve(problem_of(body)) is None
    assert all(applied(n, body) is None for n, o in OPERATORS.items() if o.family == "code")


def test_decorated_functions_are_not_torn_from_their_decorator() -> None:
    body = "    @staticmethod\n    def g():\n        return 1\n    y = g()\n    return y\n"
    for seed in range(10):
        draft = applied("dead_code", body, seed)
        assert draft is not None
        assert "@staticmethod\n    def g" in draft.prompt


def test_nothing_is_assigned_before_a_global_statement() -> None:
    body = "    global seen\n    seen = xs\n    other = 1\n    return seen, other\n"
    for seed in range(10):
        draft = applied("dead_code", body, seed)
        assert draft is not None
        compile(gold_program(problem_of(body), draft), "gold", "exec")


def test_names_whose_place_is_unsure_are_kept() -> None:
    body = (
        "    shown = 1\n    free = 2\n    g = lambda kept: kept\n    kept = 3\n"
        "    text = f'{shown}'\n    return text, free, g(kept=kept), shown\n"
    )
    draft = applied("rename_variables", body)
    assert draft is not None
    assert "shown" in draft.partial
    assert "free" not in draft.prompt + str(draft.gold)
    assert result_of(body, draft, None) == result_of(body, None, None)


def test_dead_code_adds_whole_blocks_and_nothing_else() -> None:
    for seed in range(5):
        draft, control = applied("dead_code", LOOPS, seed, 0.1), applied("half_body", LOOPS)
        assert draft is not None
        assert control is not None
        assert draft.gold == control.gold
        kept = [line for line in control.partial.split("\n") if line]
        lines = iter(draft.partial.split("\n"))
        assert all(line in lines for line in kept), "the old lines are there, in order"
        assert plain_code(gold_program(problem_of(LOOPS), draft)) != plain_code(
            problem_of(LOOPS).prompt + LOOPS
        )


def test_own_nodes_do_not_enter_nested_scopes() -> None:
    tree = parse("def f():\n    a = 1\n    def g():\n        b = 2\n    return a\n")
    assert tree is not None
    names = [getattr(node, "id", None) for node in own_nodes(tree.body[0])]  # type: ignore[arg-type]
    assert "a" in names
    assert "b" not in names


def test_overlapping_edits_are_our_own_mistake() -> None:
    with pytest.raises(AssertionError):
        apply_edits("abc", [(0, 2, "x"), (1, 3, "y")])
