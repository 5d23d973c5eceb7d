"""Endings, tenses, persons and voices, and what grammar must not touch."""

import pytest

from overproof.perturbation.draft import generator_for
from overproof.perturbation.text.grammar import OPERATORS
from overproof.perturbation.text.prose import sentences
from overproof.perturbation.text.tagging import tag
from overproof.records import Problem

BY_NAME = {operator.name: operator for operator in OPERATORS}


def describe(text: str) -> Problem:
    return Problem(
        task_id="t",
        prompt=f'def scale(xs, n):\n    """{text}\n    """\n',
        entry_point="scale",
        canonical_solution="    return None\n",
        test="",
    )


def made(name: str, text: str, intensity: float = 1.0, seed: int = 0) -> str:
    problem = describe(text)
    draft = BY_NAME[name].apply(problem, generator_for("t", name, seed), intensity)
    return draft.prompt.split('"""')[1].removesuffix("\n    ") if draft else ""


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("Return the lists that hold n.", "v det ns rel v name"),
        ("The function returns a sorted list.", "det n vz det vn n"),
        ("You should check if it holds.", "pron modal v conj pron vz"),
        ("Separate groups are balanced.", "a ns be vn"),
        ("Given xs, find and return both.", "vn name v conj v det"),
        ("Make a pile of n levels of it.", "v det n prep name ns prep pron"),
    ],
)
def test_parts_of_speech(text: str, tags: str) -> None:
    (sentence,) = sentences(describe(text))
    assert [each.tag for each in tag(sentence)] == tags.split()


@pytest.mark.parametrize(
    ("text", "past", "future"),
    [
        ("Return the sum.", "Returned the sum.", "You will return the sum."),
        (
            "It takes xs and returns what is left.",
            "It took xs and returned what was left.",
            "It will take xs and will return what will be left.",
        ),
        (
            "You should write it, it can not be empty.",
            "You should write it, it could not be empty.",
            "You will write it, it will be able to not be empty.",
        ),
        (
            "Given xs, check if they are not sorted.",
            "Given xs, checked if they were not sorted.",
            "Given xs, you will check if they will not be sorted.",
        ),
    ],
)
def test_tenses(text: str, past: str, future: str) -> None:
    assert made("tense_past", text) == past
    assert made("tense_future", text) == future


def test_a_share_of_the_verbs_can_be_put_into_the_past() -> None:
    text = "It takes xs and returns them. It is fast and holds."
    assert made("tense_past", text, 0.25) in {
        text.replace("takes", "took"),
        text.replace("returns", "returned"),
        text.replace(" is ", " was "),
        text.replace("holds", "held"),
    }


def test_verbs_lose_their_agreement() -> None:
    text = "Return xs. It takes them and they are kept."
    assert made("change_person", text) == "Returns xs. It take them and they is kept."


@pytest.mark.parametrize(
    ("active", "passive"),
    [
        ("Return the sum of all values.", "The sum of all values should be returned."),
        ("Returns the sums of it.", "The sums of it are returned."),
        (
            "Write a function that doubles xs.",
            "A function should be written that doubles xs.",
        ),
        ("Given xs, return n, please.", "Given xs, n should be returned, please."),
        ("Your task is to remove all spaces.", "All spaces should be removed."),
        ("The function should return True if so.", "True should be returned if so."),
        ("Check if xs is empty.", "It should be checked if xs is empty."),
        (
            "Replace all spaces in it with dots.",
            "All spaces should be replaced in it with dots.",
        ),
        ("It is what xs holds.", ""),
        ("Return\n    the sum.", ""),
    ],
)
def test_orders_become_passive(active: str, passive: str) -> None:
    assert made("passive_voice", active) == passive


def test_endings_change_where_the_number_is_told_by_another_word() -> None:
    found = {made("inflect_words", "Take a list of values.", 0.1, seed) for seed in range(60)}
    assert "Take a lists of values." in found
    assert "Takes a list of values." in found
    assert all(each.endswith(("of values.", "of value.")) for each in found)
    assert made("inflect_words", "The largest sum.") == ""


def test_names_and_literals_are_never_inflected() -> None:
    for name in BY_NAME:
        for seed in range(5):
            new = made(name, "Sort xs, print n and see 'returns it' or `is kept`.", 1.0, seed)
            assert all(part in new for part in ("xs", " n ", "'returns it'", "`is kept`"))
