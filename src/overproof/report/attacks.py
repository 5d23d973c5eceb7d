"""Robust pass@1 against an adversary's queries, from the `attack.json` of the run folder.

    curves = read_attacks(folder)
    attack_figure(curves)["wide"]

`overproof attack --out runs/demo/attack` leaves that file; several such folders in one run folder
(one per model, say) are shown together. What the curves are: docs/guides/robustness.md.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from overproof.errors import DataError
from overproof.report.facts import MISSING, visible
from overproof.report.pictures import INK, SLOTS, Figure, figure
from overproof.report.tables import TextTable

FILE = "attack.json"
MARKS = (0, 1, 2, 5, 10, 20, 50, 100)
"""Numbers of queries that have a row in the table; the last of the budget has one too."""


class Point(msgspec.Struct, frozen=True):
    """Robust pass@1 after so many queries, with its 95 % interval."""

    queries: int
    value: float
    low: float
    high: float


class Curve(msgspec.Struct, frozen=True):
    """One search against one model."""

    model: str
    strategy: str
    problems: int
    solved: int
    broken: int
    queries: int
    curve: list[Point]
    scored: int = 0

    @property
    def label(self) -> str:
        """Which search against which model."""
        return visible(f"{self.model}, {self.strategy}")


class Difference(msgspec.Struct, frozen=True):
    """Two searches on the same problems, first minus second."""

    first: str
    second: str
    queries: int
    value: float
    low: float
    high: float
    p: float


class Attack(msgspec.Struct, frozen=True):
    """What an `attack.json` says; other keys are left aside."""

    results: list[Curve]
    differences: list[Difference] = []


def read_attacks(folder: Path) -> list[Attack]:
    """Return the attacks that lie in a run folder or one folder below it.

    Raises: DataError, naming the file, if one has another form.
    """
    found = []
    for path in sorted([*folder.glob(FILE), *folder.glob(f"*/{FILE}")]):
        try:
            attack = msgspec.convert(json.loads(path.read_bytes()), Attack)
        except (ValueError, msgspec.ValidationError) as error:
            raise DataError(
                f"{path}: {error}", hint="remove it, or let `overproof attack` write it anew"
            ) from None
        found.append(attack)
    return [attack for attack in found if any(curve.curve for curve in attack.results)]


def attack_table(attacks: Sequence[Attack]) -> TextTable:
    """Return robust pass@1 after so many queries: a row per number, a column per search."""
    curves = _curves(attacks)
    budget = max(curve.curve[-1].queries for curve in curves)
    rows = []
    for mark in sorted({*(mark for mark in MARKS if mark < budget), budget}):
        points = [next((p for p in c.curve if p.queries == mark), None) for c in curves]
        rows.append([str(mark), *map(_percent, points)])
    rows.append(["solved problems broken", *(f"{c.broken} of {c.solved}" for c in curves)])
    marks = [*[""] * (len(rows) - 1), "group"]
    return TextTable(["queries", *(curve.label for curve in curves)], rows, marks)


def attack_sentences(attacks: Sequence[Attack]) -> list[str]:
    """Return the paired differences between searches, and whether they are shown."""
    found = []
    for attack in attacks:
        models = {curve.model for curve in attack.results}
        where = f" on {visible(next(iter(models)))}" if len(models) == 1 else ""
        for row in attack.differences:
            shown = row.p < 0.05 and not row.low <= 0 <= row.high
            said = "" if shown else "; not shown"
            found.append(
                f"{visible(row.first)} minus {visible(row.second)}{where} after {row.queries} "
                f"queries: {_signed(row.value)} points [{_signed(row.low)}, {_signed(row.high)}], "
                f"McNemar p = {row.p:.3g}{said}."
            )
    return found


def attack_figure(attacks: Sequence[Attack]) -> Figure:
    """Return the curves as steps, each with the band of its interval."""
    import altair as alt

    curves = _curves(attacks)
    rows: list[dict[str, Any]] = [
        {
            "line": curve.label,
            "queries": point.queries,
            "value": 100 * point.value,
            "low": 100 * point.low,
            "high": 100 * point.high,
        }
        for curve in curves
        for point in curve.curve
    ]
    labels = list(dict.fromkeys(curve.label for curve in curves))
    colours = [SLOTS[place % len(SLOTS)] for place in range(len(labels))]
    dashes = [([1, 0], [6, 3], [2, 2], [8, 2, 2, 2])[place % 4] for place in range(len(labels))]

    def draw(width: int) -> Any:
        legend = alt.Legend(
            orient="bottom", title=None, columns=1, symbolType="stroke", labelLimit=width + 60
        )
        base = alt.Chart(alt.Data(values=rows)).encode(
            x=alt.X("queries:Q", title="queries per problem", axis=alt.Axis(tickMinStep=1)),
            color=alt.Color("line:N", scale=alt.Scale(domain=labels, range=colours), legend=legend),
        )
        band = base.mark_area(opacity=0.12, interpolate="step-after").encode(
            y=alt.Y("low:Q", title="robust pass@1, %", scale=alt.Scale(domainMin=0)), y2="high:Q"
        )
        line = base.mark_line(strokeWidth=1.8, interpolate="step-after").encode(
            y="value:Q",
            strokeDash=alt.StrokeDash(
                "line:N", scale=alt.Scale(domain=labels, range=dashes), legend=legend
            ),
        )
        zero = alt.Chart(alt.Data(values=[{"y": 0}])).mark_rule(color=INK, strokeWidth=1)
        return alt.layer(band, line, zero.encode(y="y:Q")).properties(width=width + 60, height=220)

    spoken = "; ".join(
        f"{c.label}: from {100 * c.curve[0].value:.1f} to {100 * c.curve[-1].value:.1f} % after "
        f"{c.curve[-1].queries} queries"
        for c in curves
    )
    return figure("attack", draw, f"Robust pass@1 against an adversary's queries. {spoken}.")


def _curves(attacks: Sequence[Attack]) -> list[Curve]:
    return [curve for attack in attacks for curve in attack.results if curve.curve]


def _percent(point: Point | None) -> str:
    if point is None:
        return MISSING
    return f"{100 * point.value:.1f} [{100 * point.low:.1f}, {100 * point.high:.1f}]"


def _signed(share: float) -> str:
    return f"{100 * share + 0.0:+.1f}".replace("-", "\N{MINUS SIGN}")
