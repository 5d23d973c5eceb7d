r"""Operators that do several things at once, each at a part of its own dose.

The three pairs of NLPerturbator halve both shares, as they do there. The certificate asks that
the entry point's own code stays as it is, its name aside.

    >>> from overproof.records import Problem
    >>> problem = Problem(
    ...     task_id="t", prompt='def f(x):\n    "Return the sum of all digits."\n', entry_point="f",
    ...     canonical_solution="    return x\n", test="",
    ... )
    >>> from overproof.perturbation.draft import generator_for
    >>> print(spaces_and_typos(problem, generator_for("t", "spaces_and_typos", 1), 1.0).prompt)
    def f(x):
        "Retufn the sum of  all digits."
    <BLANKLINE>
"""

import random
from dataclasses import replace

from overproof.perturbation.draft import Apply, Draft, Operator
from overproof.perturbation.layout.settings import blank_lines
from overproof.perturbation.names.slips import typo_name
from overproof.perturbation.prompt.remarks import distracting_remark, misleading_hint
from overproof.perturbation.text.characters import (
    delete_characters,
    keyboard_typos,
    repeat_characters,
    spaces_between_words,
)
from overproof.records import Problem


def spaces_and_typos(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Add spaces between words and hit neighbouring keys, each at half its usual share."""
    parts = ((spaces_between_words, 0.075), (keyboard_typos, 0.015))
    return _one_after_the_other(problem, rng, intensity, parts)


def repeats_and_typos(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Repeat letters and hit neighbouring keys, each at half its usual share."""
    parts = ((repeat_characters, 0.075), (keyboard_typos, 0.015))
    return _one_after_the_other(problem, rng, intensity, parts)


def deletions_and_typos(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Lose letters and hit neighbouring keys, each at half its usual share."""
    parts = ((delete_characters, 0.025), (keyboard_typos, 0.015))
    return _one_after_the_other(problem, rng, intensity, parts)


def typos_everywhere(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Mistype the description and the function's name, and leave blank lines."""
    parts = ((keyboard_typos, 0.03), (typo_name, 0.1), (blank_lines, 0.2))
    return _one_after_the_other(problem, rng, intensity, parts)


def distracted_comments(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Add a remark that has nothing to do with the task, and a hint that contradicts it."""
    parts = ((distracting_remark, 1.0), (misleading_hint, 1.0))
    return _one_after_the_other(problem, rng, intensity, parts)


def _one_after_the_other(
    problem: Problem,
    rng: random.Random,
    intensity: float,
    parts: tuple[tuple[Apply, float], ...],
) -> Draft | None:
    """Apply all that have something to change; None unless at least two had."""
    current, changed = problem, 0
    for apply, share in parts:
        draft = apply(current, rng, share * intensity)
        if draft is None:
            continue
        changed += 1
        gold = current.canonical_solution if draft.gold is None else draft.gold
        current = replace(
            current, prompt=draft.prompt, entry_point=draft.entry_point, canonical_solution=gold
        )
    if changed < 2:
        return None
    return Draft(current.prompt, current.entry_point, gold=current.canonical_solution)


def _combined(name: str, apply: Apply, source: str, *parts: str) -> Operator:
    return Operator(name, "combined", apply, source, True, 1.0, parts=parts)


OPERATORS = (
    _combined(
        "spaces_and_typos",
        spaces_and_typos,
        "NLPerturbator",
        "spaces_between_words",
        "keyboard_typos",
    ),
    _combined(
        "repeats_and_typos",
        repeats_and_typos,
        "NLPerturbator",
        "repeat_characters",
        "keyboard_typos",
    ),
    _combined(
        "deletions_and_typos",
        deletions_and_typos,
        "NLPerturbator",
        "delete_characters",
        "keyboard_typos",
    ),
    _combined(
        "typos_everywhere", typos_everywhere, "own", "keyboard_typos", "typo_name", "blank_lines"
    ),
    _combined(
        "distracted_comments",
        distracted_comments,
        "own",
        "distracting_remark",
        "misleading_hint",
    ),
)
