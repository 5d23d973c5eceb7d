"""Renaming: everywhere where it is the name, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overproof.perturb.certificate import gold_program
from overproof.perturb.names import convert_case, mention_of, rename
from overproof.records import Problem


def problem_named(name: str, prompt: str, body: str = "    pass\n") -> Problem:
    return Problem(task_id="t", prompt=prompt, entry_point=name, canonical_solution=body, test="")


def test_one_letter_is_not_renamed_inside_words(toys: dict[str, Problem]) -> None:
    draft = rename(toys["f"], "gg")
    assert draft is not None
    assert draft.prompt.startswith("def gg(n):\n")
    assert "the function gg that takes n as a parameter, and for every" in draft.prompt
    assert "gg(3) == [0, 0, 1]" in draft.prompt
    assert draft.prompt.replace("gg", "f") == toys["f"].prompt


def test_recursion_and_helpers_follow(toys: dict[str, Problem]) -> None:
    recursive = rename(toys["fib4"], "tetra")
    assert recursive is not None
    assert recursive.gold is not None
    assert "tetra(n - 1)" in recursive.gold
    assert "tetra(0) -> 0" in recursive.prompt
    assert "Fib4 numbers" in recursive.prompt
    helper = rename(toys["decode_text"], "decodeText")
    assert helper is not None
    assert "encode_text" in helper.prompt
    assert "def decodeText" in helper.prompt
    assert "decodeText undoes it" in helper.prompt


def test_sentences_keep_a_verb_that_is_also_the_name() -> None:
    prompt = (
        'def add(x, y):\n    """add two numbers; the function add.\n    >>> add(2, 3)\n    5"""\n'
    )
    draft = rename(
        problem_named("add", prompt, "    s = set()\n    s.add(x)\n    return x + y\n"), "Add"
    )
    assert draft is not None
    assert "add two numbers; the function Add." in draft.prompt
    assert ">>> Add(2, 3)" in draft.prompt
    assert draft.gold is not None
    assert "s.add(x)" in draft.gold


@pytest.mark.parametrize("name", ["class", "2x", "a b", "match", "sum", "other", "x", "f", ""])
def test_names_that_cannot_be_given_are_refused(name: str) -> None:
    prompt = "def other():\n    return 1\n\n\ndef f(x):\n    'Do it.'\n"
    assert rename(problem_named("f", prompt), name) is None


@pytest.mark.parametrize(
    "body",
    [
        "    return f'{f(x - 1)}'\n",
        "    global f\n    return 1\n",
        "    from math import floor as f\n    return f(x)\n",
    ],
)
def test_where_the_place_of_a_name_is_unsure_nothing_is_renamed(body: str) -> None:
    assert rename(problem_named("f", "def f(x):\n    'Do it.'\n", body), "g") is None


def test_decorators_and_async_functions() -> None:
    prompt = "def wrap(x):\n    return x\n\n\n@wrap\nasync  def f(x):\n    'Do `f` it.'\n"
    draft = rename(problem_named("f", prompt, "    return await f(x)\n"), "go")
    assert draft is not None
    assert draft.prompt == prompt.replace("def f", "def go").replace("`f`", "`go`")
    assert draft.gold == "    return await go(x)\n"


@given(st.from_regex(r"[a-z]{1,4}(_[a-z]{1,3}){0,2}|[a-z]{1,3}[A-Z][a-z]{1,3}", fullmatch=True))
def test_converted_names_are_new_and_are_names(name: str) -> None:
    assert convert_case(name) != name
    assert convert_case(name).isidentifier()


@given(st.text("ad_.( `x\n", max_size=30))
def test_mentions_are_whole_words(text: str) -> None:
    for match in mention_of("ad").finditer(text):
        around = (
            text[max(0, match.start() - 1) : match.start()],
            text[match.end() : match.end() + 1],
        )
        assert not any(each.isalnum() or each == "_" for each in around)


def test_the_renamed_program_is_the_old_one_up_to_the_name(toys: dict[str, Problem]) -> None:
    for problem in toys.values():
        draft = rename(problem, "quite_new_name")
        assert draft is not None
        back = gold_program(problem, draft).replace("quite_new_name", problem.entry_point)
        assert back == problem.prompt + problem.canonical_solution
