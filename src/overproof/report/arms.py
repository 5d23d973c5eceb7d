"""The ablation: what each arm's training changed, and what that did to the student.

    arms = read_arms(notes)
    level_table(index, models)
    step_table(index, models)
    heldout_table(arms, models)

`notes["Arms"]` is a list of `ArmNote`s as plain objects, one per arm, in the order of the models:

    {"arm": "robust", "changes": {"robust_weight": 0.3}, "seen": ["keyboard_typos"],
     "heldout": {"clean": {"before": 0.41, "after": 0.28, "low": 0.25, "high": 0.38, "n": 64}},
     "measured": {"0": {"clean": [[4.1, 10]]}, "100": {"clean": [[2.8, 10]]}},
     "curve": [{"step": 1, "loss": 0.9, "kd": 0.8, "ce": 1.2}], "tokens": 310000, "steps": 100}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from overproof.errors import DataError
from overproof.records import Score
from overproof.report.facts import (
    MISSING,
    Model,
    ScoreIndex,
    holm_text,
    label_of,
    p_text,
    percent,
    points,
    verdict,
    visible,
)
from overproof.report.tables import TextTable, cell_text, flip_cells

ARMS = "Arms"
"""The note's name."""
TEACHER, UNDISTILLED = "teacher", "undistilled"
CONDITIONS = {
    "clean": "clean prompts",
    "code_to_text": "code to text",
    "perturbed_seen": "seen operators",
    "perturbed_unseen": "unseen operators",
}
"""On what held-out pairs are measured; others are shown under their own name."""


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Distance of the student from its teacher on pairs that training did not see."""

    before: float
    """Forward KL in nats per token, of the undistilled student."""
    after: float
    """Of the arm."""
    low: float | None = None
    """95 % limits of the fall, 1 - after / before, over lessons."""
    high: float | None = None
    n: int = 0
    """Lessons behind it."""

    @property
    def fall(self) -> float | None:
        """Return which part of the distance is gone; negative if it grew."""
        return 1 - self.after / self.before if self.before > 0 else None


@dataclass(frozen=True, kw_only=True)
class ArmNote:
    """What is known of one arm's training."""

    arm: str
    """The model's name in the tables."""
    changes: dict[str, Any] = field(default_factory=dict)
    """Keys of the recipe's `distill` with their values in this arm."""
    seen: tuple[str, ...] = ()
    """Operators that its training used."""
    heldout: dict[str, HeldOut] = field(default_factory=dict)
    """By condition; see `CONDITIONS`."""
    measured: dict[int, dict[str, list[tuple[float, int]]]] = field(default_factory=dict)
    """By step and condition, per lesson: the sum over its tokens in nats, and how many they are."""
    curve: list[dict[str, float | None]] = field(default_factory=list)
    """Per step: `step`, `loss`, and its terms."""
    tokens: int = 0
    """Target tokens that it learnt from."""
    steps: int = 0


def read_arms(notes: Mapping[str, Any]) -> list[ArmNote]:
    """Return the arms that the notes tell of; none if they do not.

    Raises: DataError if the note has another form.
    """
    try:
        return msgspec.convert(
            msgspec.to_builtins(notes.get(ARMS, [])), list[ArmNote], str_keys=True
        )
    except msgspec.ValidationError as error:
        raise DataError(
            f"notes[{ARMS!r}]: {error}", hint="see report/arms.py for its form"
        ) from None


def is_ablation(index: ScoreIndex, models: Sequence[Model]) -> bool:
    """Return whether there are an undistilled student and at least two arms to compare."""
    return len([first for first, second in index.pairs() if second == UNDISTILLED]) > 1 and any(
        model["name"] == UNDISTILLED for model in models
    )


def level_table(index: ScoreIndex, models: Sequence[Model]) -> TextTable:
    """Return what each model reaches: nominal, and robust over unseen, seen and all operators."""
    columns = _robust_columns(index)
    rows = []
    for model in _in_order(models):
        name = model["name"]
        robust = [index.get(name, "robust_pass@1", operator, "all") for operator in columns]
        cells = [percent(score) for score in (index.nominal(name, "pass@1"), *robust)]
        if columns:
            cells.append(percent(index.overall(name, "robust_drop@1")))
        rows.append([label_of(model), *cells])
    headings = ["model", "pass@1", *(f"robust, {words}" for words in columns.values())]
    if columns:
        headings.append("drop, unseen" if "unseen" in columns else "drop")
    marks = ["quiet" if model["name"] == TEACHER else "" for model in _in_order(models)]
    return TextTable(headings, rows, marks)


def step_table(index: ScoreIndex, models: Sequence[Model]) -> TextTable:
    """Return each arm's paired differences: to the undistilled student, then to another arm."""
    labels = {model["name"]: label_of(model) for model in models}
    own = [pair for pair in index.pairs() if pair[0] != TEACHER]
    steps = [pair for pair in own if pair[1] != UNDISTILLED]
    several = len({second for _, second in steps}) > 1
    other = f"against {labels.get(steps[0][1], '')}" if steps else ""
    groups = {
        "against undistilled": [pair for pair in own if pair[1] == UNDISTILLED],
        "against the arm before" if several or len(steps) == 1 else other: steps,
    }
    rows, marks = [], []
    for head, pairs in groups.items():
        if pairs:
            rows.append([head])
            marks.append("head")
        for first, second in pairs:
            nominal = index.nominal(first, "pass@1", second)
            robust = index.overall(first, "robust_pass@1", second)
            named = labels.get(first, first)
            if head == "against the arm before":
                named = f"{named} minus {labels.get(second, second)}"
            rows.append([named, *_tested(nominal), *_tested(robust)])
            marks.append("")
    unseen = ", unseen" if "unseen" in _robust_columns(index) else ""
    headings = ["arm", "pass@1", "flips", "p", f"robust pass@1{unseen}", "flips", "p"]
    return TextTable(headings, rows, marks)


def changes_table(arms: Sequence[ArmNote], models: Sequence[Model]) -> TextTable:
    """Return what each arm changes in the recipe's objective, and what it was trained on."""
    labels = {model["name"]: label_of(model) for model in models}
    rows = [
        [
            labels.get(arm.arm, visible(arm.arm)),
            changes_text(arm.changes),
            f"{arm.steps:,}",
            f"{arm.tokens:,}",
        ]
        for arm in arms
    ]
    return TextTable(["arm", "what it changes", "steps", "target tokens"], rows, [""] * len(rows))


def heldout_table(arms: Sequence[ArmNote], models: Sequence[Model]) -> TextTable | None:
    """Return how near each arm came to the teacher on held-out pairs; None if nothing says."""
    labels = {model["name"]: label_of(model) for model in models}
    conditions = list(dict.fromkeys(name for arm in arms for name in arm.heldout))
    if not conditions:
        return None
    rows = [
        [
            labels.get(arm.arm, visible(arm.arm)),
            *(_heldout_text(arm.heldout.get(name)) for name in conditions),
            _span([found.n for found in arm.heldout.values()]),
        ]
        for arm in arms
    ]
    headings = [CONDITIONS.get(name, visible(name)) for name in conditions]
    return TextTable(["arm", *headings, "lessons"], rows, [""] * len(rows))


def changes_text(changes: Mapping[str, Any]) -> str:
    """Return an arm's changes as one line.

    >>> changes_text({"kd_weight": 0.0, "robust_operators": ["a", "b"]})
    'kd_weight 0, robust_operators a + b'
    """

    def value_text(value: Any) -> str:
        if isinstance(value, list | tuple):
            return " + ".join(map(str, value)) or "none"
        return cell_text(value)

    texts = [f"{key} {value_text(value)}" for key, value in changes.items()]
    return visible(", ".join(texts)) or "nothing"


def seen_sentence(index: ScoreIndex, arms: Sequence[ArmNote], models: Sequence[Model]) -> str:
    """Return why all arms have the same seen operators, and who saw which; empty if none did."""
    if "seen" not in _robust_columns(index):
        return ""
    labels = {model["name"]: label_of(model) for model in models}
    by_operators: dict[tuple[str, ...], list[str]] = {}
    for arm in arms:
        by_operators.setdefault(arm.seen, []).append(labels.get(arm.arm, visible(arm.arm)))
    who = "; ".join(
        f"with {', '.join(map(visible, operators)) or 'none'}: {', '.join(names)}"
        for operators, names in sorted(by_operators.items(), reverse=True)
    )
    told = f" Trained {who}." if set(by_operators) - {()} else ""
    return (
        "An operator counts as seen if any arm was trained with it, so that all arms are judged on "
        f"the same prompts.{told}"
    )


def _in_order(models: Sequence[Model]) -> list[Model]:
    """Return the models from the undistilled student over the arms to the teacher."""
    rank = {UNDISTILLED: 0, TEACHER: 2}
    return sorted(models, key=lambda model: rank.get(model["name"], 1))


def _robust_columns(index: ScoreIndex) -> dict[str, str]:
    """Return the aggregates over all families that there are, with their words."""
    names = {"all": "all", "unseen": "unseen", "seen": "seen", "mixed": "both"}
    there = {row.operator for row in index.rows if row.family == "all" and "robust" in row.metric}
    return {name: words for name, words in names.items() if name in there}


def _span(counts: Sequence[int]) -> str:
    known = sorted({count for count in counts if count})
    return "–".join(map(str, dict.fromkeys((known[0], known[-1])))) if known else MISSING


def _tested(score: Score | None) -> list[str]:
    """Return a difference, with a star where it is shown, its flips, and its p."""
    if score is None or score.value is None:
        return [MISSING] * 3
    broken, repaired = flip_cells(score)
    star = "" if verdict(score).startswith("not shown") else " *"
    p = holm_text(score) or p_text(score) or MISSING
    return [points(score) + star, f"+{repaired} −{broken}", p]


def _heldout_text(found: HeldOut | None) -> str:
    """Return `0.41 → 0.30, −27 % [−31, −22]`."""
    if found is None:
        return MISSING
    digits = 2 if min(found.before, found.after) >= 0.1 else 3
    text = f"{found.before:.{digits}f} → {found.after:.{digits}f}"
    if found.fall is None:
        return text
    limits = [found.fall, found.high, found.low]
    value, *ends = [None if x is None else f"{round(-100 * x) + 0:+d}" for x in limits]
    span = f" [{', '.join(map(str, ends))}]" if None not in ends else ""
    return f"{text}, {value} %{span}".replace("-", "\N{MINUS SIGN}")
