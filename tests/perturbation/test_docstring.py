"""The words that may be touched, and proof that nothing else ever is."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overproof.perturbation import OPERATORS
from overproof.perturbation.docstring import find_docstring, literals, prose_words, worked_examples
from overproof.perturbation.draft import generator_for
from overproof.perturbation.source import find_function, parse
from overproof.records import Problem

TEXT = [name for name, each in OPERATORS.items() if each.kind not in ("", "sentence")]


def describe(text: str, *, quotes: str = '"""', name: str = "scale", params: str = "xs") -> Problem:
    return Problem(
        task_id="t",
        prompt=f"def {name}({params}):\n    {quotes}{text}{quotes}\n",
        entry_point=name,
        canonical_solution="    return None\n",
        test="",
    )


def touched(text: str, **options: str) -> list[str]:
    problem = describe(text, **options)
    return [problem.prompt[start:end] for start, end in prose_words(problem)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Scale xs by some factor.", ["Scale", "by", "some", "factor"]),
        ("Return True or not, at most 10 times two.", ["Return", "or", "at", "most", "times"]),
        ("Use snake_case or camelCase or CAPS now.", ["Use", "or", "or", "now"]),
        ("Put 'a b' and \"c d\" and `e f` in it.", ["Put", "and", "and", "in", "it"]),
        ("It's l' such that", ["such", "that"]),
        ("Map (old to new) and [big ones] too", ["Map", "and", "too"]),
        ("Split at line\\nbreak or tab\\t here.", ["Split", "at", "or", "here"]),
        ("Sum all.\n\n    :param xs: the value\n", ["Sum", "all", "the", "value"]),
        (
            "Sum it, e.g. the ones here,\n    or these.\n\n    Then stop.",
            ["Sum", "it", "Then", "stop"],
        ),
        ("Sum it.\n    Examples:\n    any words at all\n\n    more words", ["Sum", "it"]),
        ("Sum it.\n    Example 2:\n        Input: no word", ["Sum", "it"]),
        ("Sum it.\n    xs is good -> bad output\n    more.", ["Sum", "it", "more"]),
        ("Sum it.\n    scale(words) equals this\n    more.", ["Sum", "it", "more"]),
        ("Sum.\n    >>> print(a)\n    all of this\n\n    but that", ["Sum", "but", "that"]),
        ("Code::\n\n        some code\n\n    then prose", ["Code", "then", "prose"]),
        ("Code\n    ```\n    some code\n    ```\n    then prose", ["Code", "then", "prose"]),
        ("An unmatched ( stays open here", ["An", "unmatched", "stays", "open", "here"]),
    ],
)
def test_only_prose_may_be_touched(text: str, words: list[str]) -> None:
    assert touched(text) == words


@pytest.mark.parametrize("quotes", ['"""', "'''", '"', "'"])
@pytest.mark.parametrize("prefix", ["", "r", "R", "u"])
def test_any_kind_of_literal_is_found(quotes: str, prefix: str) -> None:
    prompt = f"def f():\n    {prefix}{quotes}Say it.{quotes}\n"
    found = find_docstring(prompt, "f")
    assert found is not None
    assert prompt[found.inner_start : found.inner_end] == "Say it."
    assert prompt[found.start : found.end] == f"{prefix}{quotes}Say it.{quotes}"


@pytest.mark.parametrize(
    "prompt",
    [
        "def f():\n    return 1\n",
        "def g():\n    'Not this one.'\n",
        "def f():\n    'glued ' 'together'\n",
        "def f():\n    f'formatted {1}'\n",
        "not python at all",
        "",
    ],
)
def test_without_a_docstring_of_its_own_there_is_none(prompt: str) -> None:
    assert find_docstring(prompt, "f") is None


def test_the_docstring_of_the_last_definition_counts(toys: dict[str, Problem]) -> None:
    problem = toys["decode_text"]
    found = find_docstring(problem.prompt, "decode_text", problem.canonical_solution)
    assert found is not None
    assert problem.prompt[found.inner_start :].lstrip().startswith("Takes as input")


def test_text_beyond_ascii_does_not_shift_the_place() -> None:
    prompt = "É = 'é➞'; import os\ndef f():\n    'Ünï ➞ cödé it.'; é = 'é'\n"
    found = find_docstring(prompt, "f")
    assert found is not None
    assert prompt[found.inner_start : found.inner_end] == "Ünï ➞ cödé it."


ANY_TEXT = st.text(st.sampled_from("ab Zq\n'\"\\`()[]{}>.,:;-=#1_é") | st.characters(codec="utf-8"))


@given(text=ANY_TEXT, name=st.sampled_from(TEXT), seed=st.integers(0, 9))
def test_no_text_makes_an_operator_break_the_program(text: str, name: str, seed: int) -> None:
    problem = describe(f" many words and {text} a few more words \n    ")
    if "\r" in text or "\x00" in text or parse(problem.prompt) is None:
        return
    function = find_function(parse(problem.prompt), "scale")
    if function is None or len(function.body) > 1:
        return
    draft = OPERATORS[name].apply(problem, generator_for("t", name, seed), 0.3)
    if draft is None:
        return
    tree = parse(draft.prompt)  # the room's own: quiet about escapes that were there before
    assert tree is not None
    (perturbed,) = tree.body
    assert isinstance(perturbed, ast.FunctionDef)
    assert len(perturbed.body) == 1
    value = ast.get_docstring(perturbed, clean=False)
    assert value is not None
    # Letters of words are all that changed: without them the docstrings are the same.
    before = ast.get_docstring(function, clean=False) or ""
    assert skeleton(before) == skeleton(value)


def skeleton(text: str) -> list[str]:
    return [each for each in text if not (each.isascii() and each.isalpha()) and each != " "]


def test_worked_examples_are_doctests_outputs_and_calls() -> None:
    text = "Adds f.\n >>> x = 1\n >>> f(x)\n 2\n\n prose\n f(3) == 4\n of(3)"
    assert worked_examples(text, "f") == [">>> x = 1", ">>> f(x)", "2", "f(3) == 4"]


def test_literals_are_numbers_and_quoted_texts() -> None:
    assert literals("2 or 3.5 of 'it' and \"x y\", not fib4, isn't") == [
        "2",
        "3.5",
        '"x y"',
        "'it'",
    ]
