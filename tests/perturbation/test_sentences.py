"""Questions, padding and links: added on a sentence's own line, without breaking anything."""

import ast
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overproof.perturbation.docstring import description_of, literals, worked_examples
from overproof.perturbation.draft import generator_for
from overproof.perturbation.text.prose import sentences
from overproof.perturbation.text.sentences import CLOSING, COURTESY, FIRST, HOSTS, LATER, OPERATORS
from overproof.records import Problem

BY_NAME = {operator.name: operator for operator in OPERATORS}


def describe(text: str, quotes: str = '"""') -> Problem:
    return Problem(
        task_id="t",
        prompt=f"def scale(xs, n):\n    {quotes}{text}{quotes}\n",
        entry_point="scale",
        canonical_solution="    return None\n",
        test="",
    )


def made(name: str, text: str, intensity: float = 1.0, seed: int = 0) -> str:
    draft = BY_NAME[name].apply(describe(text), generator_for("t", name, seed), intensity)
    assert draft is not None
    return draft.prompt.split('"""')[1]


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Return the sum of xs.", "Can you return the sum of xs?"),
        ("Check if xs is empty", "Can you check if xs is empty?"),
        ("Given xs, find out n.", "Given xs, can you find out n?"),
        ("You should return n (or xs).", "Can you return n (or xs)?"),
        ("Returns xs.\n\n    >>> scale(1)", "Can you return xs?\n\n    >>> scale(1)"),
        ("Your task is to sort xs. It works.", "Can you sort xs? It works."),
        ("Return these:\n    - all of it", "Can you write this function? Return these:\n    - all"),
        ("It holds xs.", "Can you write this function? It holds xs."),
    ],
)
def test_orders_become_questions(text: str, asked: str) -> None:
    assert made("as_question", text).startswith(asked)


def test_a_share_of_the_orders_is_asked_for() -> None:
    text = "Sort xs. Remove n. Count them. Return all."
    assert made("as_question", text, 0.5).count("?") == 2


def test_padding_leads_in_and_thanks() -> None:
    new = made("filler_phrases", "Return the sum. It is odd.\n\n    >>> scale(1)\n    2", 0.1)
    lead = next(each for each in FIRST + LATER if each in new)
    assert new != lead
    assert any(each in new for each in CLOSING)
    assert re.search(r"[.!] [A-Z].*\n\n    >>> scale\(1\)\n    2$", new)
    assert not any(mark in "".join(FIRST + LATER + COURTESY + CLOSING) for mark in "'\"\\0123`")


def test_what_is_appended_comes_before_the_examples() -> None:
    text = "Return the sum\n    >>> scale(1)\n    2\n\n    That is all."
    question, link = made("question_suffix", text), made("url_suffix", text)
    assert re.match(r"Return the sum\. [A-Z][^?\n]+\?\n    >>> scale", question)
    assert re.match(r"Return the sum\. https://(\S+?)/\S+\n    >>> scale", link)
    assert all(host.split(".")[-2] == "example" for host in HOSTS)


def test_sentences_end_with_marks_blank_lines_and_bullets() -> None:
    text = (
        "Sort it (well, now). Then\n    stop. Say:\n    - one of it\n    - two (or more).\n\n"
        "    Be kind, e.g. here\n    >>> scale(1)\n    2\n"
    )
    found = [" ".join(word.text for word in sentence) for sentence in sentences(describe(text))]
    assert found == ["Sort it", "Then stop", "Say", "one of it", "two", "Be kind"]


WORDS = ["Return", "sort", "the", "values", "of", "xs", "n", "3", "'a b'", "(or so)", "is", "and"]
WORDS += ["that", "it.", "then,", "if", "so:", "\n    >>> scale(1)\n    2\n\n", "\n    - ", "."]


@given(text=st.lists(st.sampled_from(WORDS), min_size=1), seed=st.integers(0, 9))
@pytest.mark.parametrize("quotes", ['"""', "'''"])
@pytest.mark.parametrize("name", list(BY_NAME))
def test_no_text_makes_a_sentence_break_the_program(
    name: str, quotes: str, text: list[str], seed: int
) -> None:
    problem = describe(" ".join(text) + " ", quotes)
    draft = BY_NAME[name].apply(problem, generator_for("t", name, seed), 0.5)
    if draft is None:
        assert not sentences(problem)
        return
    (function,) = ast.parse(draft.prompt).body
    assert isinstance(function, ast.FunctionDef)
    before = description_of(problem.prompt, "scale", "    return None\n")
    after = description_of(draft.prompt, "scale", "    return None\n")
    assert worked_examples(after, "scale") == worked_examples(before, "scale")
    assert literals(after) == literals(before)
    assert before.count("\n") == after.count("\n")
