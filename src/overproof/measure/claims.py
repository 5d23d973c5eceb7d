"""Which comparisons a report claims something from, and what looking at many of them costs.

    >>> [round(p, 4) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]

Claims are the differences between two models on the prompts as published and over all operators.
They are of one kind if they ask the same question: every arm against the undistilled student, every
arm against the one before it (or a named one), the teacher against every arm. Holm's correction is
taken within a kind, metric by metric, so that ten arms have the chance of a false one that one has.

That is for the tables. What the report says in sentences is corrected over all of them at once, see
ledger.py.

Not covered: rows of single operators, families, suites and languages; they hold one by one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from overproof.measure.scopes import AGGREGATES
from overproof.records import Score

TEACHER, UNDISTILLED = "teacher", "undistilled"
ALPHA = 0.05
"""Two-sided, as the 95 % of the intervals."""


def default_pairs(models: Sequence[str], reference: str | None = None) -> list[tuple[str, str]]:
    """Return (first, second) pairs, each meaning first minus second.

    Arms are compared with `undistilled`, `teacher` with the arms, and each arm with `reference`,
    or without one with the arm before it. Where no model has such a name, every other model is
    compared with `reference`, or without one with the first.

    >>> default_pairs(["teacher", "undistilled", "distilled"])
    [('distilled', 'undistilled'), ('teacher', 'distilled')]
    >>> default_pairs(["undistilled", "sft", "kd"])
    [('sft', 'undistilled'), ('kd', 'undistilled'), ('kd', 'sft')]
    """
    arms = [name for name in models if name not in (TEACHER, UNDISTILLED)]
    if len(arms) == len(models):
        first = reference or next(iter(models), "")
        return [(other, first) for other in models if other != first]
    if not arms and len(models) == 2:
        return [(TEACHER, UNDISTILLED)]
    pairs = [(arm, UNDISTILLED) for arm in arms if UNDISTILLED in models]
    pairs += [(TEACHER, arm) for arm in arms if TEACHER in models]
    if reference:
        pairs += [(arm, reference) for arm in arms]
    else:
        pairs += [(arm, before) for before, arm in pairwise(arms)]
    return [(one, two) for one, two in dict.fromkeys(pairs) if one != two]


def holm(ps: Sequence[float]) -> list[float]:
    """Return the p values adjusted so that any false claim among them is as rare as one of them.

    Source: Holm 1979 (A simple sequentially rejective multiple test procedure).
    """
    adjusted, largest = [0.0] * len(ps), 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=lambda place: ps[place])):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[place]))
        adjusted[place] = largest
    return adjusted


def adjust(scores: Iterable[Score]) -> list[Score]:
    """Return the rows, those of claims with `p_adjusted`."""
    rows = list(scores)
    groups: dict[tuple[str, ...], list[int]] = {}
    for number, row in enumerate(rows):
        if is_claim(row):
            place = (_kind(row), row.metric, row.operator, row.family)
            groups.setdefault(place, []).append(number)
    for numbers in groups.values():
        ps = [rows[number].p for number in numbers]
        known = holm([p for p in ps if p is not None])
        for number, p in zip(numbers, known, strict=True):
            rows[number] = replace(rows[number], p_adjusted=p)
    return rows


def is_claim(row: Score) -> bool:
    """Return whether the row is a tested difference between models that a report speaks about."""
    if row.p is None or row.suite or row.language:
        return False
    if row.operator == "nominal":
        return row.metric.startswith("pass@")
    whole = row.operator in AGGREGATES and row.family == "all"
    return whole and row.metric.startswith("robust_pass@")


def _kind(row: Score) -> str:
    if row.against == UNDISTILLED:
        return UNDISTILLED
    return TEACHER if row.model == TEACHER else "arms"
