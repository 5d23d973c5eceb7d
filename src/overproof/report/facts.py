"""What the report says in words and numbers, before any layout.

Proportions are shown in percent, differences of proportions in percentage points. A claim is
made only where the 95 % interval leaves out 0 and McNemar's exact test, where it applies, agrees;
otherwise the text says that it is not shown.

    headline(ScoreIndex(scores), models)
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from overproof.records import Score

Model = Mapping[str, Any]
"""An entry of the manifest: name, label, size_bytes, sha256, engine, precision."""
MISSING = "–"
AGGREGATES = ("any", "all", "seen", "unseen")
"""Rows that are about several operators."""
NBSP = "\N{NO-BREAK SPACE}"

# C0 without tab and newline, DEL and C1, zero-width and bidirectional controls, surrogates.
INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


class ScoreIndex:
    """Scores by model, metric, operator, family and other model."""

    def __init__(self, scores: Iterable[Score]) -> None:
        """Index the rows; a later row with the same place wins."""
        self.rows = list(scores)
        self._places = {
            (row.model, row.metric, row.operator, row.family, row.against): row for row in self.rows
        }

    def get(
        self, model: str, metric: str, operator: str, family: str, against: str = ""
    ) -> Score | None:
        """Return the row at this place, if there is one."""
        return self._places.get((model, metric, operator, family, against))

    def nominal(self, model: str, metric: str, against: str = "") -> Score | None:
        """Return a row that is about the prompts as published, or about speed."""
        return self.get(model, metric, "nominal", "nominal", against)

    def overall(self, model: str, metric: str, against: str = "") -> Score | None:
        """Return the worst case over all perturbing operators, or over those unseen in training."""
        found = (
            self.get(model, metric, operator, "all", against) for operator in ("all", "unseen")
        )
        return next((row for row in found if row is not None), None)

    def places(self, *, single_families: bool = False) -> list[tuple[str, str]]:
        """Return (operator, family) of all robust rows: null first, then families, then all.

        A family's aggregate is left out where it only repeats its single operator, unless
        `single_families` asks for it.
        """
        found = dict.fromkeys(
            (row.operator, row.family) for row in self.rows if row.metric == "robust_pass@1"
        )
        families = list(dict.fromkeys(family for _, family in found))
        families.sort(key=lambda family: (family != "null", family == "all"))
        sizes = Counter(family for operator, family in found if operator not in AGGREGATES)
        kept = [
            (operator, family)
            for operator, family in found
            if single_families or operator not in AGGREGATES or sizes[family] != 1
        ]

        def order(place: tuple[str, str]) -> tuple[int, int, str]:
            operator, family = place
            late = 1 + AGGREGATES.index(operator) if operator in AGGREGATES else 0
            return families.index(family), late, operator

        return sorted(kept, key=order)

    def pairs(self) -> list[tuple[str, str]]:
        """Return the pairs of models whose verdicts are compared, first minus second."""
        rows = [row for row in self.rows if row.against and row.metric == "pass@1"]
        return list(dict.fromkeys((row.model, row.against) for row in rows))

    def ratio_pairs(self) -> list[tuple[str, str]]:
        """Return the pairs of models whose times are divided, first over second."""
        rows = [row for row in self.rows if row.metric.endswith("_ratio")]
        return list(dict.fromkeys((row.model, row.against) for row in rows))


@dataclass(frozen=True, kw_only=True)
class SummaryRow:
    """One model in the summary, ready to print."""

    name: str
    label: str
    pass_at_1: str
    robust: str
    drop: str
    tpot: str
    tokens_per_s: str
    size: str
    build: str
    """Engine and precision."""


def summary_rows(index: ScoreIndex, models: Sequence[Model]) -> list[SummaryRow]:
    """Return a row per model, in the manifest's order."""
    return [
        SummaryRow(
            name=model["name"],
            label=label_of(model),
            pass_at_1=percent(index.nominal(model["name"], "pass@1")),
            robust=percent(index.overall(model["name"], "robust_pass@1")),
            drop=percent(index.overall(model["name"], "robust_drop@1")),
            tpot=number(index.nominal(model["name"], "tpot_ms")),
            tokens_per_s=number(index.nominal(model["name"], "tokens_per_s")),
            size=size_text(model.get("size_bytes")),
            build=" · ".join(
                dict.fromkeys(str(model[key]) for key in ("engine", "precision") if model.get(key))
            ),
        )
        for model in models
    ]


def headline(index: ScoreIndex, models: Sequence[Model]) -> list[str]:
    """Return the result in sentences: robustness first, then nominal quality, per pair.

    A run of one model gets its own numbers; so does each model where no pair was compared.
    """
    labels = {model["name"]: label_of(model) for model in models}
    sentences = [
        sentence
        for first, second in _main_pairs(index)
        for sentence in (
            _claim(index.overall(first, "robust_pass@1", second), "robust pass@1", index, labels),
            _claim(index.nominal(first, "pass@1", second), "nominal pass@1", index, labels),
        )
        if sentence
    ]
    return sentences or [_alone(index, model) for model in models]


def verdict(score: Score) -> str:
    """Return `higher` or `lower` if the interval leaves out 0, else why nothing is shown.

    Where the row has an exact McNemar p as well, that must be below 0.05 too: with a handful of
    flips the interval is the more optimistic of the two.

    >>> row = Score(key="", model="a", metric="pass@1", operator="nominal", family="nominal",
    ...             value=0.1, low=-0.1, high=0.3, n=20, against="b")
    >>> verdict(row)
    'not shown: the interval includes 0'
    """
    if score.value is None or score.low is None or score.high is None:
        return "not shown: no interval"
    if score.low <= 0 <= score.high:
        return "not shown: the interval includes 0"
    p = mcnemar_text(score)
    if p and float(p) >= 0.05:
        return f"not shown: McNemar p = {p}"
    return "higher" if score.low > 0 else "lower"


def mcnemar_text(score: Score) -> str:
    """Return the exact McNemar p that the row's method names; empty if it names none."""
    found = re.search(r"McNemar p = ([\d.e+-]+)", score.method)
    return found[1] if found else ""


def percent(score: Score | None, digits: int = 1) -> str:
    """Return `41.5 [34.2, 49.1]`, the dash if there is no value."""
    return _with_interval(score, 100, digits)


def points(score: Score | None) -> str:
    """Return a difference in percentage points, with its sign: `+6.1 [+0.2, +12.0]`."""
    return _with_interval(score, 100, 1, sign="+")


def number(score: Score | None) -> str:
    """Return a value in its own unit, to three significant digits or one decimal."""
    if score is None or score.value is None:
        return MISSING
    return _with_interval(score, 1, _decimals(score.value))


def ratio(score: Score | None) -> str:
    """Return a ratio to two decimals, with its interval."""
    return _with_interval(score, 1, 2)


def value_only(text: str) -> str:
    """Return what stands before the interval.

    >>> value_only("41.5 [34.2, 49.1]")
    '41.5'
    """
    return text.split(" [", 1)[0]


def size_text(size_bytes: int | None) -> str:
    """Return a size on disk in decimal units.

    >>> size_text(491_400_064)
    '491 MB'
    """
    if not size_bytes:
        return MISSING
    if size_bytes >= 1e9:
        return f"{size_bytes / 1e9:.2f} GB"
    return f"{size_bytes / 1e6:.0f} MB" if size_bytes >= 1e7 else f"{size_bytes / 1e6:.1f} MB"


def label_of(model: Model) -> str:
    """Return the label, or the name if there is none, fit to be shown."""
    return visible(str(model.get("label") or model["name"]))


def operator_name(operator: str, family: str) -> str:
    """Return how a row of the operator tables is called.

    >>> operator_name("swap_characters", "text"), operator_name("all", "text")
    ('swap characters', 'all of text')
    """
    if operator in AGGREGATES:
        which = {"any": "s of all"}.get(operator, f"all {operator}" if operator != "all" else "all")
        return f"{which} operators" if family == "all" else f"{which} of {family}"
    if operator == "null":
        return "null (nothing changed)"
    return visible(operator.replace("_", " "))


def visible(text: str) -> str:
    r"""Replace characters that a reader cannot see by their code points.

    >>> visible("a\u202eb")
    'a⟨U+202E⟩b'
    """
    return INVISIBLE.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)


def _main_pairs(index: ScoreIndex) -> list[tuple[str, str]]:
    """Return the pairs of the headline: arms against `undistilled`, or else all pairs."""
    pairs = index.pairs()
    return [pair for pair in pairs if pair[1] == "undistilled"] or pairs


def _claim(
    difference: Score | None, what: str, index: ScoreIndex, labels: Mapping[str, str]
) -> str:
    if difference is None or difference.value is None:
        return ""
    place = (difference.metric, difference.operator, difference.family)
    first, second = difference.model, difference.against
    new, old = index.get(first, *place), index.get(second, *place)
    change = f"{points(difference).replace(' ', NBSP)} points"
    numbers = f"{value_only(percent(new))}{NBSP}% against {value_only(percent(old))}{NBSP}%"
    subject = f"{what} of {labels.get(first, first)} over {labels.get(second, second)}"
    outcome = verdict(difference)
    if outcome.startswith("not shown"):
        return f"A difference in {subject} is {outcome} ({numbers}; {change})."
    return f"The {subject} is {outcome}: {numbers}, {change}."


def _alone(index: ScoreIndex, model: Model) -> str:
    name = model["name"]
    nominal, robust = index.nominal(name, "pass@1"), index.overall(name, "robust_pass@1")
    if nominal is None or nominal.value is None:
        return f"{label_of(model)}: no task was scored."
    text = f"{label_of(model)} solves {percent(nominal)}{NBSP}% of {nominal.n} tasks"
    if robust is None or robust.value is None:
        return f"{text}."
    return f"{text}, and {percent(robust)}{NBSP}% under every perturbation."


def _decimals(value: float) -> int:
    size = abs(value)
    return 0 if size >= 100 else 1 if size >= 10 else 2


def _with_interval(score: Score | None, scale: float, digits: int, sign: str = "-") -> str:
    if score is None or score.value is None:
        return MISSING
    value, *limits = (
        MISSING if x is None else _rounded(x * scale, digits, sign)
        for x in (score.value, score.low, score.high)
    )
    return value if MISSING in limits else f"{value} [{', '.join(limits)}]"


def _rounded(value: float, digits: int, sign: str) -> str:
    # Adding 0 turns a negative zero, as after rounding -0.04, into a plain one.
    return f"{round(value, digits) + 0.0:{sign}.{digits}f}".replace("-", "\N{MINUS SIGN}")
