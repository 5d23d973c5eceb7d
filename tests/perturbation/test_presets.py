"""Presets: their sizes, their names, and that every name is an operator."""

import pytest

from overproof.errors import UnknownNameError
from overproof.perturbation import OPERATORS, get_operator, perturb_prompt, seen_operators
from overproof.perturbation.presets import (
    ALIASES,
    NLPERTURBATOR,
    PRESETS,
    QUICK,
    alias,
    expand,
    get_preset,
)
from overproof.perturbation.rewriting import REWRITINGS, rewriting_of
from overproof.records import FAMILIES, Problem


def test_the_catalogue_is_larger_than_all_known_ones_together() -> None:
    assert len(OPERATORS) + len(REWRITINGS) >= 45
    assert {operator.family for operator in OPERATORS.values()} == {"null", *FAMILIES}


def test_recode_has_its_28_names_and_88_prompts_a_problem() -> None:
    names = get_preset("recode")
    assert len(names) == len(set(names)) == 28
    drawn = [5 if not rewriting_of(n) and get_operator(n).random else 1 for n in names]
    assert sum(drawn) == 88


def test_nlperturbator_has_18_categories_and_3_pairs() -> None:
    assert len(NLPERTURBATOR) == 21
    assert [name for name in NLPERTURBATOR if name.startswith("C")] == ["C1", "C2", "C3"]


@pytest.mark.parametrize("name", ALIASES)
def test_every_alias_is_one_of_ours_under_its_own_name(name: str) -> None:
    found = alias(name)
    if rewriting_of(name):
        assert found is None
        return
    assert found is not None
    ours = OPERATORS[ALIASES[name].ours]
    assert (found.name, found.apply, found.family) == (name, ours.apply, ours.family)
    assert get_operator(name) == found
    assert name not in OPERATORS, "a name means one thing"


def test_quick_covers_the_families() -> None:
    assert len(QUICK) == 8
    assert {get_operator(name).family for name in QUICK} >= set(FAMILIES) - {"combined"}


def test_an_alias_draws_a_stream_of_its_own(toys: dict[str, Problem]) -> None:
    ours, theirs = (
        perturb_prompt(toys["f"], name, 0)
        for name in ("keyboard_typos", "ButterFingersPerturbation")
    )
    assert ours != theirs


def test_all_leaves_the_controls_out_and_bad_names_are_refused() -> None:
    names = get_preset("all")
    assert "null" not in names and "half_body" not in names and "camel_case" in names
    assert expand(["quick", "null", "quick"]) == (*QUICK, "null")
    with pytest.raises(UnknownNameError, match="recode"):
        get_preset("recod")
    assert all(get_preset(name) for name in PRESETS)


def test_seen_goes_by_what_an_operator_does_not_by_its_name() -> None:
    names = ["ButterFingersPerturbation", "spaces_and_typos", "swap_characters", "tab_indent"]
    seen = seen_operators(names, ["keyboard_typos"])
    assert seen == {"ButterFingersPerturbation", "spaces_and_typos"}
    assert seen_operators(names, []) == frozenset()
