"""Compositions: what holds of every step holds of the whole."""

import pytest

from overproof.errors import UnknownNameError
from overproof.perturbation.compose import Step, apply_steps, in_order
from overproof.perturbation.source import plain_code
from overproof.perturbation.variants import certify_compositions
from overproof.records import Problem

STEPS = (Step("keyboard_typos", 3), Step("camel_case", 0), Step("misleading_hint", 1))


def test_all_steps_are_there_and_the_program_is_the_same(toys: dict[str, Problem]) -> None:
    problem = toys["decode_text"]
    draft = apply_steps(problem, STEPS)
    assert draft is not None and draft.gold is not None
    assert draft.entry_point == "decodeText"
    assert "decode_text" not in draft.prompt
    assert draft.prompt.rstrip().rsplit("\n", 1)[1].lstrip().startswith("# ")
    renamed = (draft.prompt + draft.gold).replace("decodeText", "decode_text")
    assert plain_code(renamed) == plain_code(problem.prompt + problem.canonical_solution)


def test_a_single_step_is_the_operator_alone(toys: dict[str, Problem]) -> None:
    from overproof.perturbation import perturb_prompt

    for name in ("swap_characters", "name_opaque", "dead_code"):
        alone = perturb_prompt(toys["f"], name, 5)
        composed = apply_steps(toys["f"], (Step(name, 5),))
        assert alone is not None and composed is not None
        assert (composed.prompt, composed.entry_point) == (alone.prompt, alone.entry_point)
        assert composed.partial == alone.partial


def test_what_begins_the_body_comes_last(toys: dict[str, Problem]) -> None:
    steps = (Step("dead_code", 0), Step("keyboard_typos", 0))
    assert [step.operator for step in in_order(steps)] == ["keyboard_typos", "dead_code"]
    draft = apply_steps(toys["f"], steps)
    assert draft is not None and draft.partial and draft.prompt.endswith(draft.partial)


def test_nothing_to_change_and_bad_names(toys: dict[str, Problem]) -> None:
    assert apply_steps(toys["count_digits"], (Step("words_as_numbers", 0),)) is None
    with pytest.raises(UnknownNameError):
        apply_steps(toys["f"], (Step("no_such", 0),))
    with pytest.raises(ValueError, match="at least one"):
        apply_steps(toys["f"], ())


def test_certified_compositions_pass_their_gold_run(toys: dict[str, Problem]) -> None:
    wanted = [(problem, STEPS) for problem in toys.values()]
    rows = certify_compositions(wanted, seed=7)
    assert len(rows) >= 6
    for row in rows:
        variant = row.variant
        assert variant.operator == "keyboard_typos+camel_case+misleading_hint"
        assert (variant.family, variant.seed) == ("combined", 7)
        assert variant.certificate is not None and variant.certificate.valid
        compile(variant.prompt + variant.canonical_solution, "gold", "exec")


def test_a_gold_that_fails_is_left_out(toys: dict[str, Problem]) -> None:
    from dataclasses import replace

    wrong = replace(toys["f"], test="def check(candidate):\n    assert candidate(3) == 7\n")
    assert certify_compositions([(wrong, STEPS[:1])], seed=0) == []


def test_null_alone_is_no_change_and_is_let_in(toys: dict[str, Problem]) -> None:
    (row,) = certify_compositions([(toys["f"], (Step("null", 4),))], seed=4)
    assert row.variant.prompt == toys["f"].prompt
    assert row.variant.family == "null"
