"""The claims of a run: every sentence that carries a number, judged, with what stands behind it.

    claims = ledger(scores, manifest, notes)

A claim is *verified* if its whole 95 % interval is on the right side of what it says, and its p
stays below 5 % after Holm's correction; *refuted* if the same holds of the wrong side of its
margin; else *not shown*. Holm's correction is taken over the answers to the main question, and
over all other claims together. Each allows 2.5 % on the side of the claim, so at most one
report in twenty verifies anything false; docs/concepts/statistics.md has the simulation.

Limits: the tasks are the sample; another training run, data set or machine is not in the interval.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import log
from typing import Any, Literal, NamedTuple

from overproof.measure.claims import ALPHA, TEACHER, UNDISTILLED, holm
from overproof.measure.equivalence import p_above, tasks_needed
from overproof.measure.places import Rows
from overproof.measure.propositions import Proposition, propositions
from overproof.records import Claim, Confidence, Score, Verdict, content_key

LEDGER_VERSION = 1
"""Part of every key: raise it when a rule changes."""
FEW_TASKS = 50
"""Below them, no confidence is high."""
MATTERS = 0.05
"""Of shares, and of ratios: an effect that a reader would want to know of."""
ARMS = "Arms"
"""The note that a run with training leaves."""


class _Sides(NamedTuple):
    """Two-sided p of the sentence and of its refutation; 1 where the estimate is not on a side."""

    holds: float
    fails: float


def ledger(
    scores: Iterable[Score], manifest: Mapping[str, Any], notes: Mapping[str, Any]
) -> list[Claim]:
    """Return the claims that a run can make, the answer to its main question first.

    `manifest` as in results.json: `models` and `command`; `notes` tell whether arms were trained.
    The same rows give the same claims, also those of older versions.
    """
    rows = Rows(scores)
    models = manifest.get("models", [])
    trained = bool(notes.get(ARMS)) or has_arms([model["name"] for model in models])
    found = list(propositions(rows, models, trained))
    tested = [item for item in found if _testable(item)]
    sides = [_sides(item) for item in tested]
    adjusted: dict[int, _Sides] = {}
    for primary in (True, False):
        group = [
            (item, p) for item, p in zip(tested, sides, strict=True) if item.primary == primary
        ]
        holds, fails = (holm([p[side] for _, p in group]) for side in (0, 1))
        for (item, _), *both in zip(group, holds, fails, strict=True):
            adjusted[id(item)] = _Sides(*both)
    command = str(manifest.get("command", ""))
    mixed = _mixed(models)
    return [_claim(item, adjusted.get(id(item)), command, mixed) for item in found]


def has_arms(names: Sequence[str]) -> bool:
    """Return whether some models were made from the undistilled student among them.

    >>> has_arms(["teacher", "undistilled", "kd"]), has_arms(["a", "b"])
    (True, False)
    """
    return UNDISTILLED in names and bool(set(names) - {TEACHER, UNDISTILLED})


def _testable(item: Proposition) -> bool:
    if item.low is None or item.kind == "level":
        return False
    return not item.ratio or item.low > 0


def _sides(item: Proposition) -> _Sides:
    assert item.value is not None and item.low is not None and item.high is not None
    value, low, high, threshold, refuted_at = (
        item.sign * (log(x) if item.ratio else x)
        for x in (item.value, item.low, item.high, item.threshold, item.refuted_at)
    )
    low, high = min(low, high), max(low, high)
    holds = p_above(value, min(low, value), threshold)
    fails = p_above(-value, min(-high, -value), -refuted_at)
    if item.p is not None and value > threshold:
        holds = max(holds, item.p)
    if item.ratio:  # a bootstrap of two prompts is narrow, whatever they say
        holds, fails = max(holds, _rarest(item.n)), max(fails, _rarest(item.n))
    return _Sides(holds, fails)


def _rarest(pairs: int) -> float:
    """Return the least two-sided p that so many pairs can have: all of them on one side.

    >>> _rarest(2), _rarest(6)
    (0.5, 0.03125)
    """
    return float(min(1.0, 2.0 ** (1 - pairs)))


def _claim(item: Proposition, p: _Sides | None, command: str, mixed: str) -> Claim:
    verdict, p_adjusted = _verdict(item, p)
    limits = [*item.limitations, *_unshown(item, verdict)]
    if mixed and len(item.rows) > 1:
        limits.append(mixed)
    keys = tuple(row.key for row in item.rows)
    unit = "ratio" if item.ratio else "share" if item.kind == "level" else "points"
    scale = 100 if unit == "points" else 1
    value, low, high, margin, least = (
        None if x is None else scale * x
        for x in (item.value, item.low, item.high, item.margin, item.detectable)
    )
    return Claim(
        key=content_key("claim", LEDGER_VERSION, item.kind, item.text, keys, item.margin),
        claim=item.text,
        estimate=value,
        low=low,
        high=high,
        unit=unit,
        p_adjusted=p_adjusted,
        verdict=verdict,
        confidence=_confidence(item, verdict, p_adjusted),
        rows=keys,
        command=command,
        limitations=tuple(limits),
        kind=item.kind,
        margin=margin,
        detectable=least,
        n=item.n,
        model=item.pair[0],
        against=item.pair[1],
    )


def _verdict(item: Proposition, p: _Sides | None) -> tuple[Verdict, float | None]:
    """Return the verdict with the p behind it; a level is a measurement, and has none."""
    if item.kind == "level":
        return ("not shown" if item.low is None else "verified"), None
    if p is None:
        return "not shown", None
    if p.holds < ALPHA:
        return "verified", p.holds
    if p.fails < ALPHA:
        return "refuted", p.fails
    return "not shown", p.holds


def _confidence(item: Proposition, verdict: Verdict, p: float | None) -> Confidence:
    """Return how firmly the verdict stands; the table is in docs/concepts/statistics.md."""
    if item.value is None or item.low is None or item.high is None:
        return "low"
    few = item.n < FEW_TASKS
    if item.kind == "level":
        return _grade((item.high - item.low) / 2, MATTERS, 2 * MATTERS, few)
    if verdict == "not shown":
        one = log if item.ratio else float
        if max(abs(one(item.low)), abs(one(item.high))) < MATTERS:
            return "moderate" if few else "high"
        least = item.detectable
        far = 1.0 if least is None else abs(one(least))
        return "moderate" if far <= 2 * MATTERS else "low"
    assert p is not None
    return _grade(p, 0.005, 0.02, few)


def _grade(
    value: float, high: float, moderate: float, few: bool
) -> Literal["high", "moderate", "low"]:
    if value < high:
        return "moderate" if few else "high"
    return "moderate" if value < moderate else "low"


def _unshown(item: Proposition, verdict: Verdict) -> list[str]:
    """Say what a claim that is not shown would have taken."""
    if verdict != "not shown" or item.low is None or item.high is None or item.kind == "level":
        return []
    limits = []
    if item.detectable is not None:
        least = f"a factor of {item.detectable:.2f}" if item.ratio else _points(item.detectable)
        limits.append(f"A true difference below {least} would mostly be missed (80 % power)")
    if item.kind == "kept" and item.margin:
        needed = tasks_needed((item.high - item.low) / 2, item.n, item.margin)
        limits.append(f"For this margin about {needed:,} tasks with this spread would be needed")
    return limits


def _points(share: float) -> str:
    return f"{100 * share:.1f} points"


def _mixed(models: Sequence[Mapping[str, Any]]) -> str:
    builds = {(model.get("engine"), model.get("precision")) for model in models}
    return "The models ran in different engines or precisions" if len(builds) > 1 else ""
