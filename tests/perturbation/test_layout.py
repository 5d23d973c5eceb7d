"""Layout: what may move, what may not, and half-written prompts set differently."""

import ast
import random

import pytest

from overproof.perturbation import OPERATORS
from overproof.perturbation.certificate import check_draft, gold_program
from overproof.perturbation.draft import Draft
from overproof.perturbation.layout.settings import OPERATORS as LAYOUT
from overproof.perturbation.source import plain_code
from overproof.records import Problem

PROMPT = '''\
import math


def spread(values: list, limit: int = 3, *, strict: bool = False) -> float:
    """Return how far the given values lie apart, at most
    as far as the limit says (the second
    argument). Empty input gives zero.

    - the first item of a list
    - the second one
    >>> spread([1, 3])
    2.0
    """
'''
BODY = """\
    if not values:
        return 0.0
    text = '''kept
  as it is'''
    width = max(values) - min(values)
    assert text.endswith("it is") and f"{limit:>{3 + 1}} {text}" != math.pi
    return float(min(width, limit))
"""


def problem_of(prompt: str = PROMPT, body: str = BODY) -> Problem:
    return Problem(
        task_id="t", prompt=prompt, entry_point="spread", canonical_solution=body, test=""
    )


def applied(name: str, problem: Problem | None = None, seed: int = 0) -> Draft:
    operator = OPERATORS[name]
    draft = operator.apply(problem or problem_of(), random.Random(seed), operator.intensity)
    assert draft is not None
    return draft


@pytest.mark.parametrize("name", [operator.name for operator in LAYOUT])
@pytest.mark.parametrize("seed", range(3))
def test_only_layout_changes(name: str, seed: int) -> None:
    problem, draft = problem_of(), applied(name, seed=seed)
    assert check_draft(problem, draft, OPERATORS[name]).passed
    assert plain_code(gold_program(problem, draft)) == plain_code(PROMPT + BODY)
    space: dict[str, object] = {}
    exec(gold_program(problem, draft), space)
    assert space["spread"]([1, 3]) == 2.0  # type: ignore[operator]


@pytest.mark.parametrize("name", [each.name for each in LAYOUT if each.control == "half_body"])
def test_the_half_is_begun_and_told(name: str) -> None:
    draft = applied(name)
    assert draft.prompt.endswith(draft.partial)
    assert draft.partial.split() == applied("half_body").partial.split() or "split" in name
    assert "def spread" not in draft.partial
    one = problem_of(body="    return 0.0\n")
    assert OPERATORS[name].apply(one, random.Random(0), 1.0) is None


def test_blank_lines_are_where_they_mean_nothing() -> None:
    for seed in range(10):
        draft = applied("blank_lines", seed=seed)
        assert [line for line in draft.prompt.split("\n") if line] == [
            line for line in PROMPT.split("\n") if line
        ]
        assert ">>> spread([1, 3])\n    2.0" in draft.prompt


def test_blank_lines_follow_the_docstring_and_the_code() -> None:
    docstring = applied("half_blank_line_after_docstring")
    assert '"""\n\n    if not values' in docstring.prompt
    code = applied("half_blank_line_after_code")
    assert code.prompt == applied("half_body").prompt + "\n"
    assert applied("blank_line_after_code").prompt == PROMPT + "\n"


def test_a_prompt_without_a_last_newline_gets_two_and_loses_none() -> None:
    cut = problem_of(PROMPT.rstrip("\n"), "\n" + BODY)
    draft = applied("blank_line_after_code", cut)
    assert draft.prompt == PROMPT + "\n"
    assert draft.gold == BODY
    assert OPERATORS["strip_trailing_newline"].apply(cut, random.Random(0), 1.0) is None


def test_the_last_newline_is_left_for_the_completion() -> None:
    draft = applied("strip_trailing_newline")
    assert draft.prompt == PROMPT.rstrip("\n")
    assert draft.prompt + str(draft.gold) == PROMPT + BODY


def test_blanks_at_line_ends_spare_examples_and_strings() -> None:
    for seed in range(10):
        draft = applied("trailing_spaces", seed=seed)
        assert draft.prompt != PROMPT
        assert [line.rstrip() for line in draft.prompt.split("\n")] == PROMPT.split("\n")
        assert ">>> spread([1, 3])\n    2.0\n" in draft.prompt
    text = problem_of('X = """a\nb"""\nY = 1 + \\\n    2\n' + PROMPT)
    for seed in range(10):
        assert 'X = """a\nb"""' in applied("trailing_spaces", text, seed).prompt
        assert "+ \\\n" in applied("trailing_spaces", text, seed).prompt


@pytest.mark.parametrize(
    ("header", "broken"),
    [
        ("def spread(values, limit):", "def spread(values,\n        limit):"),
        ("def spread(values):", "def spread(\n        values):"),
        ("def spread():", "def spread(\n        ):"),
    ],
)
def test_the_longest_line_of_code_is_broken_within_brackets(header: str, broken: str) -> None:
    problem = problem_of(f'{header}\n    "A far longer line, which is no line of code."\n')
    assert applied("split_long_lines", problem).prompt.startswith(broken + "\n")


def test_a_backslash_where_there_are_no_brackets() -> None:
    long = "    wide = 100000 + 200000 + 300000 + 400000 - 500000\n"
    problem = problem_of("def spread(values):\n", f"{long}    return wide\n")
    draft = applied("half_split_long_lines", problem)
    assert draft.partial == (
        "    wide = 100000 + 200000 \\\n            + 300000 + 400000 - 500000\n"
    )


def test_no_string_is_broken_not_even_one_with_expressions() -> None:
    long = '    wide = f"{values + [limit, 1]!r:>{len(values) + 1}} and a long text, of words"\n'
    problem = problem_of("def spread(values, limit):\n", f"{long}    return wide\n")
    partial = applied("half_split_long_lines", problem).partial
    assert partial == long.replace("= f", "= \\\n            f")


def test_paragraphs_are_wrapped_and_lists_and_examples_are_not() -> None:
    prompt = applied("join_docstring").prompt
    assert "Return how far the given values lie apart, at most as far as the limit says" in prompt
    assert "    - the first item of a list\n    - the second one\n" in prompt
    assert "    >>> spread([1, 3])\n    2.0\n" in prompt
    assert prompt.split() == PROMPT.split()


def test_an_indent_that_cannot_be_halved_or_is_made_of_tabs_stays() -> None:
    body = "\tif not values:\n\t\treturn 0.0\n\treturn 1.0\n"
    tabs = problem_of("def spread(values):\n", body)
    single = problem_of("def spread(values):\n", " return 0.0\n")
    for name in ("indent_with_tabs", "wide_indent", "narrow_indent"):
        assert OPERATORS[name].apply(tabs, random.Random(0), 1.0) is None
    assert OPERATORS["narrow_indent"].apply(single, random.Random(0), 1.0) is None


@pytest.mark.parametrize(
    ("name", "indent"),
    [("indent_with_tabs", "\t"), ("wide_indent", " " * 8), ("narrow_indent", "  ")],
)
def test_prompt_and_gold_are_indented_alike_and_strings_are_not(name: str, indent: str) -> None:
    draft = applied(name)
    assert f'\n{indent}"""Return how' in draft.prompt
    assert str(draft.gold).startswith(f"{indent}if not values:\n{indent * 2}return 0.0\n")
    assert "\n  as it is" in str(draft.gold)
    ast.parse(gold_program(problem_of(), draft))
