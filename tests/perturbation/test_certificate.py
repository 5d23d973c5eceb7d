"""Attacks on the certificate: each bad draft fails the check that is meant for it."""

import random
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from overproof.perturbation import OPERATORS, Draft
from overproof.perturbation.certificate import certify, check_draft
from overproof.records import Problem

TYPOS, NAMES, NULL = OPERATORS["keyboard_typos"], OPERATORS["camel_case"], OPERATORS["null"]


def edited(problem: Problem, old: str, new: str) -> Draft:
    assert old in problem.prompt, "the attack must do something"
    return Draft(problem.prompt.replace(old, new), problem.entry_point)


def test_a_harmless_typo_passes(toys: dict[str, Problem]) -> None:
    for problem, word in ((toys["f"], "smaller"), (toys["split_lines"], "newline")):
        assert check_draft(problem, edited(problem, word, word[::-1]), TYPOS).passed


@pytest.mark.parametrize(
    ("name", "attack"),
    [
        # ReCode's released data does each of these.
        ("split_lines", lambda p: edited(p, '    """\n', '    " " "\n')),
        ("f", lambda p: Draft(p.prompt.replace("f", "F"), "F")),
        ("f", lambda p: edited(p, '"""', "")),
        ("max_fill", lambda p: edited(p, "    You", "You\x00")),
    ],
)
def test_what_does_not_compile_is_refused(
    name: str, attack: Callable[[Problem], Draft], toys: dict[str, Problem]
) -> None:
    assert not check_draft(toys[name], attack(toys[name]), TYPOS).parses


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("f", "f(3) == [0, 0, 1]", "f(3) == [0, 1, 1]"),
        ("f", "    f(3)", "    g(3)"),
        ("decode_text", "'ab'\n", "'ba'\n"),
        ("decode_text", "    >>> decode_text('bc')\n    'ab'\n", ""),
        ("keepEven", "10 of them", "11 of them"),
        ("keepEven", "10 of them", "ten of them"),
        ("count_digits", '"a1"', '"a2"'),
        ("split_lines", ">>> split_lines", "> >> split_lines"),
        ("fib4", "fib4(1) -> 1", "fib4(1) -> one"),
    ],
)
def test_altered_examples_and_literals_are_refused(
    name: str, old: str, new: str, toys: dict[str, Problem]
) -> None:
    checks = check_draft(toys[name], edited(toys[name], old, new), TYPOS)
    assert checks.parses
    assert not checks.examples_intact


def test_no_ops_and_changed_code_are_refused(toys: dict[str, Problem]) -> None:
    problem = toys["decode_text"]
    same = Draft(problem.prompt, problem.entry_point)
    assert not check_draft(problem, same, TYPOS).differs
    assert not check_draft(problem, same, NAMES).differs
    assert check_draft(problem, same, NULL).differs, "for null, the check is that nothing changed"
    other = edited(problem, "+ 1) for", "+ 2) for")
    assert not check_draft(problem, other, TYPOS).differs
    assert not check_draft(problem, edited(problem, "input", "inptu"), NULL).differs


@pytest.mark.parametrize(
    "draft",
    [
        Draft("def other(n):\n    '''f(3) == [0, 0, 1]'''\n", "f"),
        Draft("def g(n):\n    '''g(3) == [0, 0, 1]'''\n    def f(): pass\n", "g"),
        Draft("def g(n): pass\ndef g(n):\n    '''g(3) == [0, 0, 1]'''\n", "g"),
        Draft("class A:\n  def f(n):\n    '''f(3) == [0, 0, 1]'''\n", "f"),
    ],
)
def test_the_entry_point_is_defined_once_and_reachable(
    draft: Draft, toys: dict[str, Problem]
) -> None:
    assert not check_draft(toys["f"], draft, NAMES).entry_point_intact


def test_half_renamed_prompts_are_refused(toys: dict[str, Problem]) -> None:
    problem = toys["fib4"]
    good = OPERATORS["typo_name"].apply(problem, random.Random(0), 0.3)
    assert good is not None
    assert check_draft(problem, good, NAMES).passed
    line = f"{good.entry_point}(0)"
    missed = replace(good, prompt=good.prompt.replace(line, "fib4(0)"))
    assert not check_draft(problem, missed, NAMES).examples_intact
    forgotten = replace(good, gold=problem.canonical_solution)
    assert not check_draft(problem, forgotten, NAMES).differs, "the recursion still calls fib4"


def test_code_operators_must_begin_the_body_and_change_it(toys: dict[str, Problem]) -> None:
    problem, dead = toys["f"], OPERATORS["dead_code"]
    control = OPERATORS["half_body"].apply(problem, random.Random(0), 0.0)
    assert control is not None
    assert check_draft(problem, control, OPERATORS["half_body"]).passed
    assert not check_draft(problem, control, dead).differs, "identical to the control"
    spaced = Draft(
        control.prompt.replace("found = []", "found  =  []"),
        "f",
        control.partial.replace("found = []", "found  =  []"),
        control.gold,
    )
    assert not check_draft(problem, spaced, dead).differs, "the syntax tree is the control's"
    reworded = replace(control, prompt=control.prompt.replace("smaller", "larger"))
    assert not check_draft(problem, reworded, OPERATORS["half_body"]).differs


def test_distances_are_taken_to_the_control(toys: dict[str, Problem]) -> None:
    problem = toys["f"]
    typo = edited(problem, "smaller", "smxller")
    row = certify(problem, typo, TYPOS, check_draft(problem, typo, TYPOS), gold_passes=True)
    assert (row.edit_distance, row.valid) == (1, True)
    words = len(re.findall("[A-Za-z]+", typo.prompt))
    assert row.naturalness == round(1 - 1 / words, 4)
    dead = OPERATORS["dead_code"]
    draft = dead.apply(problem, random.Random(0), 0.1)
    assert draft is not None
    found = certify(problem, draft, dead, check_draft(problem, draft, dead), gold_passes=False)
    control = OPERATORS["half_body"].apply(problem, random.Random(0), 0.0)
    assert control is not None
    assert found.edit_distance == len(draft.prompt) - len(control.prompt)
    assert not found.valid
