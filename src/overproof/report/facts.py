"""What the report says in words and numbers, before any layout.

Proportions are shown in percent, differences of proportions in percentage points. A claim is
made only where the 95 % interval leaves out 0 and the exact test, where there is one, agrees after
Holm's correction; otherwise the text says that it is not shown.

    percent(ScoreIndex(scores).nominal("distilled", "pass@1"))
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
AGGREGATES = ("any", "all", "seen", "unseen", "mixed")
"""Rows that are about several operators."""

# C0 without tab and newline, DEL and C1, zero-width and bidirectional controls, surrogates.
INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


class ScoreIndex:
    """Scores by model, metric, operator, family and other model, and by suite and language."""

    def __init__(self, scores: Iterable[Score]) -> None:
        """Index the rows; a later row with the same place wins."""
        every = list(scores)
        self.rows = [row for row in every if not row.suite and not row.language]
        """Those about all tasks of the run."""
        self.parts = list(
            dict.fromkeys((row.suite, row.language) for row in every if row.suite or row.language)
        )
        """Suite and language of the others, in the order of the rows."""
        self._places: dict[tuple[str, ...], Score] = {}
        for row in every:
            place = (row.model, row.metric, row.operator, row.family, row.against)
            self._places[row.suite, row.language, *place] = row

    def get(
        self,
        model: str,
        metric: str,
        operator: str,
        family: str,
        against: str = "",
        part: tuple[str, str] = ("", ""),
    ) -> Score | None:
        """Return the row at this place, if there is one; `part` is a suite and a language."""
        return self._places.get((*part, model, metric, operator, family, against))

    def nominal(
        self, model: str, metric: str, against: str = "", part: tuple[str, str] = ("", "")
    ) -> Score | None:
        """Return a row that is about the prompts as published, or about speed."""
        return self.get(model, metric, "nominal", "nominal", against, part)

    def overall(
        self, model: str, metric: str, against: str = "", part: tuple[str, str] = ("", "")
    ) -> Score | None:
        """Return the worst case over all perturbing operators, or over those unseen in training."""
        found = (
            self.get(model, metric, operator, "all", against, part)
            for operator in ("all", "unseen")
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


def verdict(score: Score) -> str:
    """Return `higher` or `lower` if the interval leaves out 0, else why nothing is shown.

    Where the row has an exact p as well, that must be below 0.05 too, after Holm's correction
    where the row is one of several claims: with a handful of flips the interval is the more
    optimistic of the two.

    >>> row = Score(key="", model="a", metric="pass@1", operator="nominal", family="nominal",
    ...             value=0.1, low=-0.1, high=0.3, n=20, against="b")
    >>> verdict(row)
    'not shown: the interval includes 0'
    """
    if score.value is None or score.low is None or score.high is None:
        return "not shown: no interval"
    if score.low <= 0 <= score.high:
        return "not shown: the interval includes 0"
    p = p_text(score)
    if p and float(p) >= 0.05:
        test = "McNemar " if "McNemar" in score.method else ""
        return f"not shown: {test}p = {p}"
    if score.p_adjusted is not None and score.p_adjusted >= 0.05:
        return f"not shown: p = {holm_text(score)} after Holm"
    return "higher" if score.low > 0 else "lower"


def p_text(score: Score) -> str:
    """Return the p of a difference; in older results its method names it. Empty if there is none.

    >>> p_text(Score(key="", model="a", metric="pass@1", operator="nominal", family="nominal",
    ...              value=0.1, low=0, high=1, n=9, method="exact McNemar p = 0.0625; s = 1"))
    '0.0625'
    """
    if score.p is not None:
        return f"{score.p:.3g}"
    found = re.search(r"McNemar p = ([\d.e+-]+)", score.method)
    return found[1] if found else ""


def holm_text(score: Score) -> str:
    """Return the p after Holm's correction; empty if there is none."""
    return "" if score.p_adjusted is None else f"{score.p_adjusted:.3g}"


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
        if operator == "mixed":
            return "all operators, seen and unseen"
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
