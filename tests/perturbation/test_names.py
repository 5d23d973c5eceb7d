"""Renaming: everywhere where it is the name, and nowhere else; and what the new names are."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overproof.perturbation.certificate import check_draft, gold_program
from overproof.perturbation.draft import Operator, generator_for
from overproof.perturbation.names import meanings, slips
from overproof.perturbation.names.meanings import joined, parts_of
from overproof.perturbation.names.slips import convert_case, mention_of, rename
from overproof.perturbation.names.vocabulary import MISLEADING, NOUNS, OPAQUE, SYNONYMS, VERBS
from overproof.records import Problem

OPERATORS = {each.name: each for each in (*slips.OPERATORS, *meanings.OPERATORS)}


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


def new_names(operator: Operator, problem: Problem, seeds: int = 20) -> list[str]:
    """The new names of one problem, one per seed, each checked."""
    found = []
    for seed in range(seeds):
        rng = generator_for(problem.task_id, operator.name, seed)
        draft = operator.apply(problem, rng, operator.intensity)
        if draft is not None:
            assert check_draft(problem, draft, operator).passed
            found.append(draft.entry_point)
    return found


@pytest.mark.parametrize("name", OPERATORS)
def test_every_name_can_be_given_another(name: str, toys: dict[str, Problem]) -> None:
    operator = OPERATORS[name]
    for problem in toys.values():
        found = new_names(operator, problem, 5 if operator.random else 1)
        if name == "name_abbreviated" and problem.entry_point == "f":
            assert found == []
        else:
            assert len(found) == (5 if operator.random else 1)


@pytest.mark.parametrize("name", [name for name in OPERATORS if OPERATORS[name].random])
def test_seeds_give_different_names(name: str, toys: dict[str, Problem]) -> None:
    for problem in (toys["decode_text"], toys["split_lines"], toys["count_digits"]):
        assert len(set(new_names(OPERATORS[name], problem))) >= 10


def test_a_name_that_the_description_speaks_of_is_not_taken(toys: dict[str, Problem]) -> None:
    assert "Fib4" in toys["fib4"].prompt
    assert new_names(OPERATORS["camel_case"], toys["fib4"], 1) == ["fib_4"]


def test_slips_keep_what_they_say_they_keep(toys: dict[str, Problem]) -> None:
    old = toys["decode_text"].entry_point
    for new in new_names(OPERATORS["name_keyboard_typo"], toys["decode_text"]):
        assert len(new) == len(old)
        assert 1 <= sum(a != b for a, b in zip(old, new, strict=True)) <= 2
    for new in new_names(OPERATORS["name_swap_characters"], toys["decode_text"]):
        assert new != old
        assert Counter(new) == Counter(old)
        assert new.index("_") == old.index("_"), "words stay apart"
    for new in new_names(OPERATORS["name_change_case"], toys["decode_text"]):
        assert new != old
        assert new.lower() == old


def test_one_letter_is_lengthened_before_letters_are_swapped(toys: dict[str, Problem]) -> None:
    for new in new_names(OPERATORS["name_swap_characters"], toys["f"]):
        assert len(new) > 3
        assert new not in {form.format("f") for form in slips.LENGTHENINGS}


def test_inflections_are_forms_of_the_same_words(toys: dict[str, Problem]) -> None:
    stems, fillers = ("decod", "text"), {*NOUNS, *VERBS}
    for new in new_names(OPERATORS["name_inflect"], toys["decode_text"]):
        words = [word for word in parts_of(new) if word not in fillers]
        assert all(word.startswith(stem) for word, stem in zip(words, stems, strict=True))
        assert new != "decode_text"


def test_synonyms_come_from_the_list_or_the_lexicon(toys: dict[str, Problem]) -> None:
    found = new_names(OPERATORS["name_synonym"], toys["split_lines"])
    assert any(new.split("_")[0] in SYNONYMS["split"] for new in found)
    assert all(new != "split_lines" for new in found)
    assert "starts" in meanings._synonyms("begins"), "which our own list lacks"


def test_camel_humps_stay_camel_humps(toys: dict[str, Problem]) -> None:
    for name in ("name_synonym", "name_inflect", "name_affix"):
        found = new_names(OPERATORS[name], toys["keepEven"])
        assert not any("_" in new for new in found)
        assert all(new[0].islower() and new != new.lower() for new in found)


def test_opaque_and_misleading_names_come_from_their_lists(toys: dict[str, Problem]) -> None:
    for problem in toys.values():
        assert set(new_names(OPERATORS["name_opaque"], problem)) <= set(OPAQUE)
        assert set(new_names(OPERATORS["name_misleading"], problem)) <= set(MISLEADING)


def test_a_misleading_name_never_tells_of_the_task_itself() -> None:
    prompt = "def combine(a, b):\n    'Merge two lists into one of all elements.'\n"
    problem = problem_named("combine", prompt, "    return a + b\n")
    others = meanings._other_tasks(problem)
    assert "merge_lists" not in others
    assert len(others) > 20
    assert all(any(sign in name for sign in signs) for name, signs in MISLEADING.items())


def test_abbreviations_are_shorter_and_begin_alike(toys: dict[str, Problem]) -> None:
    for problem in toys.values():
        for new in new_names(OPERATORS["name_abbreviated"], problem):
            assert len(new) < len(problem.entry_point)
            assert new[0] == problem.entry_point[0]


def test_an_affix_leaves_the_name_whole(toys: dict[str, Problem]) -> None:
    for problem in toys.values():
        for new in new_names(OPERATORS["name_affix"], problem):
            assert problem.entry_point.lower() in new.lower()
            assert new != problem.entry_point


@given(
    st.from_regex(r"[a-z]{1,5}(_[a-z]{1,4}){0,3}|[a-z]{2,3}([A-Z][a-z]{1,3}){1,2}", fullmatch=True)
)
def test_a_name_taken_apart_can_be_put_together(name: str) -> None:
    assert joined(parts_of(name), like=name) == name


def test_the_vocabulary_is_made_of_names() -> None:
    for word, others in SYNONYMS.items():
        assert word not in others
        assert all(other.isidentifier() for other in others)
    assert all(name.isidentifier() for name in (*OPAQUE, *MISLEADING, *VERBS, *NOUNS))
    assert len(set(OPAQUE)) == len(OPAQUE)
