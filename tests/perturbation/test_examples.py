"""Worked examples in all notations: read, left out, restyled, reordered; and numbers in words."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overproof.perturbation.docstring import description_of
from overproof.perturbation.draft import Draft, generator_for
from overproof.perturbation.text import notation
from overproof.perturbation.text.examples import (
    NUMBER_WORDS,
    closing_bracket,
    digits_for_words,
    example_pairs,
    without_examples,
)
from overproof.records import Problem

PAIRS = [("f([1, 2], 'a')", "3")]


def described(text: str) -> Problem:
    return Problem(
        task_id="t",
        prompt=f'def f(x):\n    """{text}\n    """\n',
        entry_point="f",
        canonical_solution="    return x\n",
        test="",
    )


def description(draft: Draft | None) -> str:
    assert draft is not None
    return description_of(draft.prompt, "f")


@pytest.mark.parametrize(
    "text",
    [
        ">>> f([1,2], 'a')\n    3",
        ">>> f([1, 2],\n    ...   'a')\n    3",
        ">>> f([1, 2], 'a') == 3",
        ">>> f([1, 2], 'a') 3",
        "f([1, 2], 'a') == 3",
        "* f([1, 2], 'a') ➞ 3",
        "- f([1, 2], 'a') =>3",
        "1. f([1, 2], 'a') ==> 3",
        "f([1, 2], 'a') -> 3",
        "f([1, 2], 'a') = 3  # by counting",
        "for f([1, 2], 'a') == 3",
        "assert f([1, 2], 'a') == 3",
        "f([1, 2], 'a') returns 3",
        "f([1, 2], 'a') should return 3.",
        "f([1, 2], 'a')  # => 3",
        "f([1, 2], 'a')  # returns 3",
        "f([1,\n       2], 'a') == 3",
        "Input: [1, 2], 'a'\n    Output: 3",
        "- input: [1, 2],\n    'a'\n    - output: 3",
    ],
)
def test_every_notation_is_read_and_left_out(text: str) -> None:
    whole = f"Count up.\n\n    Examples:\n    {text}\n\n    Mind the gap.\n    "
    assert example_pairs(whole, "f") == PAIRS
    assert without_examples(whole, "f").split("\n") == [
        "Count up.",
        "",
        "    Mind the gap.",
        "    ",
    ]


def test_named_values_and_values_in_words() -> None:
    text = (
        "Add.\n    Input:\n      a : 1\n      b : 2\n    Output: 3\n"
        "    For a = 1, b=3 the output should be 4."
    )
    assert example_pairs(text, "f") == [("f(a=1, b=2)", "3"), ("f(a=1, b=3)", "4")]


@pytest.mark.parametrize(
    "text",
    [
        "Write f(x) that returns x.",
        "f(0) == 0\n    f(n) == f(n - 1) + 1",
        "other(3) == 4",
        "f(3",
        "f(3) and more",
        "f(3) ==",
        "For x, the output should be 4",
        "Input: 3",
        "The input: nothing special",
    ],
)
def test_what_is_no_example_is_let_alone(text: str) -> None:
    assert example_pairs(text, "f") == []
    assert without_examples(text, "f") == text


def test_other_names_count_under_a_heading_only() -> None:
    assert example_pairs("For example:\n    g(1) == 2", "f") == [("g(1)", "2")]
    assert example_pairs("As g(1) shows:\n    g(1) == 2", "f") == []


def test_a_doctest_without_output_returns_none() -> None:
    assert example_pairs(">>> f(1)\n\n>>> f(2)\n3", "f") == [("f(1)", "None"), ("f(2)", "3")]


def test_explanations_go_with_their_example() -> None:
    text = (
        "Add.\n\n    Example 1:\n        Input: 1\n        Output: 2\n        Explanation: one\n"
        "          more.\n\n    Example 2:\n        f(2) ➞ 3\n        # two more\n\n"
        "    f(3) == 4\n    4 = 3 + 1\n    f(4) == 5\n    Constraints hold.\n    "
    )
    assert len(example_pairs(text, "f")) == 4
    assert without_examples(text, "f") == "Add.\n\n    Constraints hold.\n    "
    once = without_examples(text, "f")
    assert without_examples(once, "f") == once


def test_odd_results_keep_their_words() -> None:
    assert example_pairs("f(1)  ->  1 +  2 = 3", "f") == [("f(1)", "1 + 2 = 3")]
    assert example_pairs("f(a b) -> 3", "f") == [("f(a b)", "3")]


@given(st.lists(st.text("()[]{}'\"\\ab", max_size=6), max_size=4))
def test_brackets_in_strings_close_nothing(values: list[str]) -> None:
    call = f"f({values!r})"
    assert closing_bracket(f"{call} == [')']", 1) == len(call)
    assert closing_bracket(call[:-1], 1) is None


def test_dropping_keeps_the_prose_and_needs_some() -> None:
    problem = described("Add one to x.\n\n    >>> f(1)\n    2")
    assert description(notation.drop_examples(problem, random.Random(0), 1.0)) == (
        "Add one to x.\n    "
    )
    for text in ("Add one to x.", "\n    >>> f(1)\n    2"):
        assert notation.drop_examples(described(text), random.Random(0), 1.0) is None
    bare = Problem(
        task_id="t", prompt="def f(x):\n", entry_point="f", canonical_solution="", test=""
    )
    for operator in notation.OPERATORS:
        assert operator.apply(bare, random.Random(0), 1.0) is None


TEXTS = (
    "Add.\n    >>> f(1)\n    2\n    >>> f(2)\n    3",
    "Add.\n    >>> round(f(1), 2) # exactly\n    2\n\n    And so on.",
    "Add.\n    Example:\n    f('a') ➞ 'b'\n    That is all.",
    "Add.\n    Example 1:\n        Input: x = 1\n        Output: 2\n        Explanation: easy.",
    "Add.\n    For x = 'ab' the output should be 3.\n\n    Done.",
    "Add.\n    >>> f(None)\n\n    >>> f([1,\n    ...    2])\n    [2,\n     3]",
)


@pytest.mark.parametrize("text", TEXTS)
def test_restyled_examples_say_the_same(text: str) -> None:
    problem = described(text)
    before, seen = description_of(problem.prompt, "f"), set()
    for seed in range(60):
        rng = generator_for("t", "restyle_examples", seed)
        after = description(notation.restyle_examples(problem, rng, 1.0))
        assert after != before
        assert example_pairs(after, "f") == example_pairs(before, "f")
        assert without_examples(after, "f").split() == without_examples(before, "f").split()
        seen.add(after)
    assert len(seen) >= 15


def test_restyled_doctests_do_not_swallow_the_sentence_below() -> None:
    problem = described(TEXTS[2])
    texts = [
        description(notation.restyle_examples(problem, generator_for("t", "r", seed), 1.0))
        for seed in range(60)
    ]
    assert "Add.\n    Example:\n    >>> f('a')\n    'b'\n\n    That is all.\n    " in texts
    assert "Add.\n    Example:\n    Input: 'a'\n    Output: 'b'\n    That is all.\n    " in texts


def test_reordering_turns_each_section_round_with_its_explanations() -> None:
    text = (
        "Add.\n    Example 1:\n    f(1) == 2\n    # two\n\n    Example 2:\n    f(2) == 3\n"
        "    More:\n    f(3) == 4\n    f(4) == 5"
    )
    after = description(notation.reorder_examples(described(text), random.Random(0), 1.0))
    assert after == (
        "Add.\n    Example 1:\n    f(2) == 3\n\n    Example 2:\n    f(1) == 2\n    # two\n"
        "    More:\n    f(4) == 5\n    f(3) == 4\n    "
    )
    single = described("Add.\n    >>> f(1)\n    2")
    assert notation.reorder_examples(single, random.Random(0), 1.0) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("At most 3 of the 12 values.", "At most three of the twelve values."),
        (
            "From 0 to 10 and 13, or one of 2, 5 and 7.",
            "From zero to ten and 13, or one of 2, 5 and 7.",
        ),
        ("Take 2-digit numbers, 1.5, 2nd, x1 and -1.", None),
        ("See 2 + 3, x > 4, '5', (6), [7] and 13.", None),
        ("\n    1. The months 1,3,5 of a year.", None),
        ("Return 1.\n    >>> f(1)\n    2", "Return one.\n    >>> f(1)\n    2"),
    ],
)
def test_numbers_in_sentences_are_spelled(text: str, expected: str | None) -> None:
    draft = notation.numbers_as_words(described(text), random.Random(0), 1.0)
    assert (None if draft is None else description(draft).rstrip()) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Two of the twelve.", "2 of the 12."),
        ("The longest one of three, at least one.", "The longest one of 3, at least 1."),
        ("A two-digit number, someone's 'two' (three), the zero point.", None),
        ("Add two.\n    For example, two and two.", "Add 2.\n    For example, two and two."),
    ],
)
def test_number_words_are_written_as_digits(text: str, expected: str | None) -> None:
    draft = notation.words_as_numbers(described(text), random.Random(0), 1.0)
    assert (None if draft is None else description(draft).rstrip()) == expected


@pytest.mark.parametrize("value", range(13))
def test_words_and_digits_are_the_same_numbers(value: int) -> None:
    assert digits_for_words(f"the {NUMBER_WORDS[value].upper()}.") == f"the {value}."
    assert digits_for_words(f"some{NUMBER_WORDS[value]}") == f"some{NUMBER_WORDS[value]}"
