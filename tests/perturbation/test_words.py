"""Words left out, doubled, swapped and replaced, and which ones never are."""

import pytest

from overproof.perturbation.draft import generator_for
from overproof.perturbation.text.words import OPERATORS
from overproof.records import Problem

BY_NAME = {operator.name: operator for operator in OPERATORS}


def describe(text: str, params: str = "xs, n") -> Problem:
    return Problem(
        task_id="t",
        prompt=f'def scale({params}):\n    """{text}\n    """\n',
        entry_point="scale",
        canonical_solution="    return None\n",
        test="",
    )


def made(name: str, text: str, intensity: float = 0.1, seeds: int = 30, **options: str) -> set[str]:
    """Return all that some seeds make of a docstring."""
    found = set()
    for seed in range(seeds):
        problem = describe(text, **options)
        draft = BY_NAME[name].apply(problem, generator_for("t", name, seed), intensity)
        found.add(draft.prompt.split('"""')[1].removesuffix("\n    ") if draft else "")
    return found


def test_words_are_repeated_at_once() -> None:
    assert made("repeat_words", "Sort it") == {"Sort Sort it", "Sort it it"}


def test_only_what_a_reader_fills_in_is_left_out() -> None:
    text = "Return at least n of the values in xs up to the limit, or above it."
    assert made("delete_prepositions", text, 0.0) == {
        text.replace("n of the", "n the"),
        text.replace("values in xs", "values xs"),
    }
    assert made("delete_prepositions", "Convert it from x to y, to see all.") == {""}
    assert made("delete_prepositions", "Sort it by\n    size of it.", 0.0) == {
        "Sort it\n    size of it.",
        "Sort it by\n    size it.",
    }


def test_determiners_are_articles_and_pointers() -> None:
    assert made("delete_determiners", "Return a list of the values in each row.", 0.0) == {
        "Return list of the values in each row.",
        "Return a list of values in each row.",
    }
    assert made("delete_determiners", "The list goes on.") == {"List goes on."}
    assert made("delete_determiners", "Every value and all rows.") == {""}


def test_a_parameter_called_a_is_no_article() -> None:
    text = "Multiply a number by a and b."
    assert made("delete_determiners", text, params="a, b") == {""}
    assert made("delete_determiners", text) == {"Multiply number by a and b."}


def test_neighbours_swap_and_the_first_word_keeps_its_capital() -> None:
    assert made("swap_words", "Sort these values") == {"These sort values", "Sort values these"}
    assert made("swap_words", "Sort xs now, twice xs") == {""}


def test_synonyms_come_in_the_same_form_and_case() -> None:
    found = made("synonym_substitution", "It takes lists. Returns lists.", 1.0)
    assert found <= {
        f"It {verb} lists. {other} lists."
        for verb in ("accepts", "receives")
        for other in ("Gives", "Provides", "Produces", "Delivers")
    }
    assert len(found) > 4


def test_terms_keep_their_words() -> None:
    text = "Sorted odd numbers, the minimum index, every prefix and vowel."
    assert made("synonym_substitution", text, 1.0) == {""}


def test_articles_follow_the_new_word() -> None:
    assert made("synonym_substitution", "An additional list", 1.0) == {
        "An extra list",
        "A further list",
    }
    found = made("synonym_substitution", "A simple list", 1.0)
    assert found == {"A plain list", "A basic list", "An easy list"}


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("Check if xs holds.", "Check whether xs holds."),
        ("Stop if xs holds.", ""),
        ("Those such that xs holds.", ""),
    ],
)
def test_if_and_that_are_replaced_where_they_can_be(text: str, new: str) -> None:
    found = made("synonym_substitution", text, 0.1)
    assert any("whether" in each for each in found) == bool("whether" in new)
    assert not any("such which" in each for each in found)


def test_inserted_synonyms_stand_before_their_words() -> None:
    assert made("synonym_insertion", "Return each list", 0.1) == {
        f"{new} return each list" for new in ("Give", "Provide", "Produce", "Deliver")
    }


def test_word_class_keeps_the_root_and_the_degree() -> None:
    assert made("word_class", "Sort the largest", 1.0) == {"Sorting the largest"}
    assert "Creation" in next(iter(made("word_class", "Create it", 1.0)))


def test_shares_are_honoured() -> None:
    text = "Sort it and then print it and then close it and go on"
    for wanted in (0.1, 0.5, 1.0):
        (doubled,) = made("repeat_words", text, wanted, 1)
        assert len(doubled.split()) == 13 + int(13 * wanted + 0.5)
    (swapped,) = made("swap_words", text, 0.1, 1)
    assert 2 <= sum(a != b for a, b in zip(text.split(), swapped.split(), strict=True)) <= 4
