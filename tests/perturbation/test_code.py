"""Half-written bodies: where they are cut, and that changed halves compute the same."""

import random
from typing import Any

import pytest

from overproof.perturbation import OPERATORS
from overproof.perturbation.certificate import check_draft, gold_program
from overproof.perturbation.code.halves import halve
from overproof.perturbation.code.structure import OPERATORS as CODE
from overproof.perturbation.draft import Draft
from overproof.perturbation.source import apply_edits, own_nodes, parse, plain_code
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


MIXED = """\
    total, label, kept = 0, "", []
    other = kept
    for i, x in enumerate(xs):
        if x not in kept and 0 <= i < len(xs):
            kept += [x]
        elif x == 2:
            total += 2 * i
        else:
            label += str(x)
    n = len(xs)
    while n > 0 and total != 7:
        n -= 1
        total += 1 if n == 1 else n
    for j in range(len(xs) - 1, -1, -1):
        total -= j
        label += f"{j}{n}"
    first = [k for k in xs if k]
    parts = {k: label for k in first}
    return total, label, kept, other, first, parts
"""


@pytest.mark.parametrize("name", [operator.name for operator in CODE])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("body", [LOOPS, MIXED], ids=["loops", "mixed"])
def test_changed_code_computes_the_same(name: str, seed: int, body: str) -> None:
    draft = applied(name, body, seed)
    if draft is None:
        assert (name, body) == ("expand_assignments", LOOPS)
        return
    assert check_draft(problem_of(body), draft, OPERATORS[name]).passed
    for values in ([], [1, 1, 2], [3, 99, 4], [2, 2, 0, 2], [5, 6]):
        if body is MIXED or values:
            assert result_of(body, draft, values) == result_of(body, None, values)


@pytest.mark.parametrize("name", [operator.name for operator in CODE])
def test_the_prompt_keeps_its_bytes_and_parses(name: str) -> None:
    draft = applied(name, MIXED)
    assert draft is not None
    assert draft.prompt == problem_of(MIXED).prompt + draft.partial
    assert parse(draft.prompt) is not None, "the half parses alone"


def test_every_loop_of_the_half_becomes_a_while_and_comments_stay() -> None:
    draft = applied("for_to_while", LOOPS)
    assert draft is not None
    assert "for a, b" not in draft.partial
    assert "remaining_2 = list((a, b))\n        while remaining_2:  # both\n" in draft.partial


def changed(name: str, *lines: str) -> str | None:
    """Return the first half of a body after an operator; the second half is `return …`."""
    body = "".join(f"    {line}\n" for line in lines)
    # As many lines as the first half has, so that the cut comes between them.
    tail = "    return (\n" + "        xs,\n" * (len(lines) - 1) + "    )\n"
    draft = applied(name, body + tail)
    assert draft is None or draft.gold == tail
    return None if draft is None else draft.partial


@pytest.mark.parametrize(
    "loop",
    [
        ("for x in xs:", "    xs.append(x)"),
        ("for x in xs:", "    xs[0] = x"),
        ("for x in iter(xs):", "    print(x)"),
        ("for x in itertools.count():", "    break"),
        ("while True:", "    break"),
    ],
)
def test_loops_that_another_form_would_change_stay(loop: tuple[str, ...]) -> None:
    assert changed("for_to_while", *loop) is None


@pytest.mark.parametrize(
    ("lines", "counted"),
    [
        (("for i in range(len(xs)):", "    print(i)"), True),
        (("for i in range(len(xs)):", "    xs.append(i)"), False),
        (("for i in range(9):", "    if xs: continue"), False),
        (("for i in range(9):", "    i += 1"), False),
        (("for i in range(9):", "    ys = lambda: i"), False),
        (("for i in range(xs()):", "    print(i)"), False),
        (("for i in range(9):", "    print(i)", "print(i)"), False),
        (("for i in range(9):", "    print(i)", "ys = [i for i in xs]"), True),
    ],
)
def test_an_index_is_counted_up_only_where_nothing_else_touches_it(
    lines: tuple[str, ...], counted: bool
) -> None:
    half = changed("for_to_while", *lines)
    assert half is not None
    assert ("while i < " in half) == counted
    assert ("i = remaining.pop(0)" in half) != counted


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("y = a < b", "y = b > a"),
        ("y = 0 <= a < b", "y = b > a >= 0"),
        ("y = xs[0] == len(xs)", "y = len(xs) == xs[0]"),
        ("y = f(xs) != 3", "y = 3 != f(xs)"),
        ("y = f(xs) < g(xs)", None),
        ("y = f(xs) == xs", None),
        ("y = 0 < a < xs[1]", None),
        ("y = (z := 1) < z", None),
        ("y = a in xs", None),
    ],
)
def test_operands_are_swapped_where_their_order_cannot_matter(
    before: str, after: str | None
) -> None:
    assert changed("operand_swap", before) == (after and f"    {after}\n")


@pytest.mark.parametrize(
    ("lines", "after"),
    [
        (("n = 0", "n += xs[0]"), "n = n + xs[0]"),
        (("t = ''", "t += 'a' + xs[0]"), "t = t + ('a' + xs[0])"),
        (("xs[0] -= 1", "pass"), "xs[0] = xs[0] - 1"),
        (("a, b = 0, xs", "pass"), "a = 0\n    b = xs"),
        (("ys = []", "ys += xs"), None),
        (("xs += ys", "pass"), None),
        (("ys = xs", "ys *= 2"), None),
        (("xs[f()] += 1", "pass"), None),
        (("a, b = b, a", "pass"), None),
        (("a, b = 1, f()", "pass"), None),
        (("n = 0", "n, m = xs", "n += m"), None),
    ],
)
def test_assignments_are_written_out_where_no_list_can_be_shared(
    lines: tuple[str, ...], after: str | None
) -> None:
    half = changed("expand_assignments", *lines)
    if after is None:
        assert half is None
    else:
        assert half is not None
        assert f"    {after}\n" in half


def test_order_is_negated_between_whole_numbers_only() -> None:
    numbers = changed("swap_branches", "n = 0", "if n < len(xs): n = 1", "else: n = 2")
    assert numbers == "    n = 0\n    if n >= len(xs): n = 2\n    else: n = 1\n"
    unknown = changed("swap_branches", "n = xs", "if n < xs: n = 1", "else: n = 2")
    assert unknown == "    n = xs\n    if not (n < xs): n = 2\n    else: n = 1\n"


def test_elif_becomes_an_if_of_its_own() -> None:
    half = changed("swap_branches", "if xs: a = 1", "elif not xs: a = 2", "else: a = 3")
    assert half == ("    if not xs:\n        if xs: a = 3\n        else: a = 2\n    else: a = 1\n")


@pytest.mark.parametrize("name", ["rename_variable_naive", "rename_variable_random"])
def test_the_most_frequent_variable_is_renamed_and_no_other(name: str) -> None:
    half = changed(name, "rare = 1", "often = rare", "often = often + 1")
    assert half is not None
    assert "rare = 1" in half
    assert "often" not in half


def test_a_random_name_is_half_letters_half_digits() -> None:
    draft = applied("rename_variable_random", "    result = 1\n    return result\n")
    assert draft is not None
    name = draft.partial.split()[0]
    assert name.isidentifier()
    assert sum(letter.isdigit() for letter in name) == len(name) // 2 == 3


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("r = []", "collected"),
        ("r = sorted(xs)", "ordered"),
        ("r = len(xs)", "length"),
        ("r = 'abc'", "text"),
        ("r = xs[1:]", "part"),
    ],
)
def test_natural_names_fit_the_value(line: str, name: str) -> None:
    assert changed("rename_variable_natural", line) == "    " + line.replace("r", name, 1) + "\n"


def test_prints_stay_out_of_loops_and_need_the_builtin() -> None:
    for seed in range(5):
        draft = applied("misleading_prints", LOOPS, seed)
        assert draft is not None
        assert "\n        print(" not in draft.partial
    assert applied("misleading_prints", "    print = xs\n    y = 1\n    return print\n") is None


def test_a_dead_block_ends_the_half_and_the_rest_stays() -> None:
    draft, control = applied("dead_code_last", MIXED), applied("half_body", MIXED)
    assert draft is not None
    assert control is not None
    assert draft.partial.startswith(control.partial)
    assert draft.gold == control.gold


def test_what_only_the_second_half_holds_is_left_alone() -> None:
    body = (
        "    y = 1\n    y = y\n    y = y\n"
        "    while y == xs:\n        if y < 2: y += 1\n        else: y = 2\n    return y\n"
    )
    draft = applied("half_body", body)
    assert draft is not None
    assert draft.partial.count("\n") == 3
    for name in ("for_to_while", "operand_swap", "swap_branches", "expand_assignments"):
        assert applied(name, body) is None


def test_all_at_once_needs_more_than_garbage() -> None:
    assert applied("all_structural", "    print(xs)\n    return xs\n") is None
    draft = applied("all_structural", "    ys = xs\n    return ys\n")
    assert draft is not None
    assert "ys" not in draft.partial


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
    assert all(applied(operator.name, body) is None for operator in CODE)


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
        "    shown = 1\n    free = 2\n    g = lambda kept: kept\n    kept = 3\n    len = 4\n"
        "    text = f'{shown=}{free:{free}}'\n    return text, free, g(kept=kept), shown, len\n"
    )
    draft = applied("rename_variables", body)
    assert draft is not None
    assert "shown" in draft.partial
    assert "free" not in draft.prompt + str(draft.gold)
    assert "{shown=}{var_" in str(draft.gold)
    assert "len = 4" in draft.prompt + str(draft.gold)
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
