"""Slips of the fingers: how many, where, and that none makes a word of the contract."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overproof.perturbation.docstring import literals, prose_words
from overproof.perturbation.draft import generator_for
from overproof.perturbation.text.characters import OPERATORS, delete_characters, keyboard_typos
from overproof.perturbation.text.prose import CONTRACT, NEIGHBOURS, gaps, makes_contract
from overproof.records import Problem

TEXT = "Then the function returns every word that is longer than ten letters, as the done ones do."
BY_NAME = {operator.name: operator for operator in OPERATORS}


def describe(text: str, name: str = "pick_long") -> Problem:
    return Problem(
        task_id="t",
        prompt=f'def {name}(words):\n    """{text}\n    """\n',
        entry_point=name,
        canonical_solution="    return None\n",
        test="",
    )


def perturbed(name: str, text: str = TEXT, seed: int = 0, intensity: float = 0.1) -> str:
    problem = describe(text)
    draft = BY_NAME[name].apply(problem, generator_for("t", name, seed), intensity)
    assert draft is not None
    return draft.prompt.split('"""')[1].removesuffix("\n    ")


def letters(problem: Problem) -> int:
    return sum(end - start for start, end in prose_words(problem))


@pytest.mark.parametrize("name", ["keyboard_typos", "replace_characters", "change_case"])
def test_a_share_of_the_letters_changes_in_place(name: str) -> None:
    new = perturbed(name)
    assert len(new) == len(TEXT)
    changed = [(old, made) for old, made in zip(TEXT, new, strict=True) if old != made]
    # A slip that would make a word of the contract is left out.
    assert 0 <= round(0.1 * letters(describe(TEXT))) - len(changed) <= 1
    assert all(old.isalpha() and made.isalpha() for old, made in changed)
    assert all(old.isupper() == made.isupper() for old, made in changed) == (name != "change_case")


def test_typos_are_neighbouring_keys() -> None:
    new = perturbed("keyboard_typos", intensity=1.0)
    for old, made in zip(TEXT, new, strict=True):
        assert old == made or made.lower() in NEIGHBOURS[old.lower()]
    assert new != TEXT


def test_swapped_letters_stay_in_their_words() -> None:
    new = perturbed("swap_characters")
    assert new != TEXT
    pairs = zip(TEXT.split(), new.split(), strict=True)
    assert all(sorted(old) == sorted(made) for old, made in pairs)


def test_capitals_are_added_never_taken() -> None:
    new = perturbed("extra_capitals", intensity=0.2)
    assert new.lower() == TEXT.lower()
    assert sum(map(str.isupper, new)) > sum(map(str.isupper, TEXT))
    assert new[0] == "T"


def test_deleted_letters_leave_something_of_every_word() -> None:
    new = perturbed("delete_characters", intensity=1.0)
    assert len(new.split()) == len(TEXT.split())
    assert 5 <= len(TEXT) - len(perturbed("delete_characters")) <= 7


def test_repeated_letters_stand_beside_their_twins() -> None:
    new = perturbed("repeat_characters", intensity=0.5)
    for old, made in zip(TEXT.split(), new.split(), strict=True):
        assert old == made or any(
            made.lower() == (old[:at] + old[at] + old[at:]).lower() for at in range(len(old))
        )
    assert len(new) > len(TEXT)


@pytest.mark.parametrize("name", [each.name for each in OPERATORS if each.kind == "space"])
def test_space_operators_change_spaces_only(name: str) -> None:
    new = perturbed(name, intensity=0.3)
    assert new != TEXT
    assert new.replace(" ", "") == TEXT.replace(" ", "")
    longer = {"spaces_between_words": True, "spaces_within_words": True, "delete_spaces": False}
    assert longer.get(name, len(new) > len(TEXT)) == (len(new) > len(TEXT))


def test_a_space_beside_a_name_or_a_line_break_stays() -> None:
    problem = describe("Take words and\n    sort them twice by `key` now")
    words = [problem.prompt[a:b] + "|" + problem.prompt[c:d] for a, b, c, d in gaps(problem)]
    assert words == ["sort|them", "them|twice", "twice|by"]


@given(
    text=st.lists(st.sampled_from([*TEXT.split(), "one", "'ten'", "3"])), seed=st.integers(0, 99)
)
@pytest.mark.parametrize("name", list(BY_NAME))
def test_no_slip_makes_a_word_of_the_contract(name: str, text: list[str], seed: int) -> None:
    problem = describe("Sort " + " ".join(text))
    draft = BY_NAME[name].apply(problem, generator_for("t", name, seed), 0.3)
    if draft is not None:
        before = problem.prompt.lower().replace(".", "").replace(",", "").split()
        after = draft.prompt.lower().replace(".", "").replace(",", "").split()
        assert [word for word in after if word in CONTRACT and word not in before] == []
        assert literals(draft.prompt) == literals(problem.prompt)


def test_then_never_loses_its_h() -> None:
    problem = describe("then", "f")
    drafts = [delete_characters(problem, generator_for("t", "", seed), 0.1) for seed in range(40)]
    made = {draft.prompt.split('"""')[1].strip() for draft in drafts if draft}
    assert len(made) == 3
    assert "ten" not in made
    assert "hen" in made
    assert makes_contract("then", "ten")


def test_nothing_to_touch_is_told() -> None:
    problem = describe("42", "f")
    assert all(op.apply(problem, generator_for("t", "", 0), 0.1) is None for op in OPERATORS)
    assert keyboard_typos(problem, generator_for("t", "", 0), 1.0) is None
