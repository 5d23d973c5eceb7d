"""What quality costs: nominal and robust pass@1 against latency and against size.

    pareto(ScoreIndex(scores), models)["wide"]

The step line joins the models that no other one beats: none is at once as cheap and more robust.
It joins estimates; whether a difference is shown, the intervals and the claims say.
"""

from collections.abc import Sequence
from typing import Any

from overproof.records import Score
from overproof.report.facts import Model, ScoreIndex, label_of
from overproof.report.pictures import FONT, INK, Figure, colour, figure, shape

COSTS = {"tpot": "time per output token, ms (median)", "size": "size of the weights, MB"}
"""What may be paid, with the title of its axis; each is drawn where it is known."""
ROOM = 1.3
"""The horizontal axis reaches this far past the dearest model, for the names."""


def pareto(index: ScoreIndex, models: Sequence[Model]) -> Figure | None:
    """Return a panel per cost; None if nothing was scored, or no cost is known."""
    import altair as alt

    rows = _rows(index, models)
    costs = [cost for cost in COSTS if any(row[cost] is not None for row in rows)]
    if not rows or not costs:
        return None
    top = min(100.0, 1.15 * max(max(row["nominal"], row["high"]) for row in rows) + 2)
    _spread_names(rows, gap=0.08 * top)

    def draw(width: int) -> Any:
        side = width + 90 if len(costs) == 1 or width < 300 else width * 0.68
        panels = [_panel(rows, cost, top, models, side) for cost in costs]
        return alt.hconcat(*panels) if width > 300 else alt.vconcat(*panels)

    return figure("pareto", draw, f"Quality against cost. {'; '.join(map(_spoken, rows))}.")


def frontier(rows: Sequence[dict[str, Any]], cost: str) -> list[dict[str, Any]]:
    """Return the rows that none beats: walking from cheap to dear, each more robust than before.

    >>> rows = [{"tpot": 9, "robust": 30}, {"tpot": 7, "robust": 20}, {"tpot": 8, "robust": 20}]
    >>> [row["tpot"] for row in frontier(rows, "tpot")]
    [7, 9]
    """
    kept: list[dict[str, Any]] = []
    for row in sorted(rows, key=lambda row: (row[cost], -row["robust"])):
        if not kept or row["robust"] > kept[-1]["robust"]:
            kept.append(row)
    return kept


def _panel(
    rows: Sequence[dict[str, Any]], cost: str, top: float, models: Sequence[Model], width: float
) -> Any:
    """Return nominal (hollow) and robust (filled, with its interval) over one cost."""
    import altair as alt

    known = [row for row in rows if row[cost] is not None]
    right = ROOM * max(row[cost] for row in known)
    axis = alt.Axis(tickCount=5)
    x = alt.X(
        f"{cost}:Q",
        title=COSTS[cost],
        scale=alt.Scale(domain=[0, right], nice=False),
        axis=axis,
    )
    scale = alt.Scale(domain=[0, top], nice=False)
    base = alt.Chart(alt.Data(values=known)).encode(x=x, color=colour(models))
    best = frontier(known, cost)
    edge = [*best, {**best[-1], cost: right}]
    line = (
        alt.Chart(alt.Data(values=edge))
        .mark_line(interpolate="step-after", color=INK, strokeWidth=1, strokeDash=[3, 3])
        .encode(x=x, y=alt.Y("robust:Q", title="pass@1, %", scale=scale), order=f"{cost}:Q")
    )
    spans = base.mark_rule(strokeWidth=7, opacity=0.2).encode(
        y=alt.Y("low:Q", scale=scale), y2="high:Q"
    )
    stems = base.mark_rule(strokeWidth=1.4).encode(y=alt.Y("robust:Q", scale=scale), y2="nominal:Q")
    hollow = base.mark_point(size=60, filled=False, strokeWidth=1.8, fill="var(--paper)").encode(
        y=alt.Y("nominal:Q", scale=scale), shape=shape(models)
    )
    solid = base.mark_point(size=70, filled=True, opacity=1).encode(
        y=alt.Y("robust:Q", scale=scale), shape=shape(models)
    )
    names = [
        base.mark_text(fontSize=12, font=FONT, align=align, dx=dx)
        .transform_filter(f"datum.{cost} {side} {0.55 * right}")
        .encode(y=alt.Y("name_at:Q", scale=scale), text="model:N")
        for side, align, dx in (("<=", "left", 10), (">", "right", -10))
    ]
    layers = (line, spans, stems, hollow, solid, *names)
    return alt.layer(*layers).properties(width=width, height=230)


def _rows(index: ScoreIndex, models: Sequence[Model]) -> list[dict[str, Any]]:
    """Return a point per model that was scored, in percent, ms and MB."""
    rows: list[dict[str, Any]] = []
    for model in models:
        nominal = index.nominal(model["name"], "pass@1")
        tpot = index.nominal(model["name"], "tpot_ms")
        size = model.get("size_bytes")
        if nominal is None or nominal.value is None:
            continue
        robust = _usable(index.overall(model["name"], "robust_pass@1")) or nominal
        value = robust.value or 0.0
        rows.append(
            {
                "model": label_of(model),
                "tpot": tpot.value if tpot else None,
                "size": size / 1e6 if size else None,
                "nominal": 100 * nominal.value,
                "robust": 100 * value,
                "low": 100 * (value if robust.low is None else robust.low),
                "high": 100 * (value if robust.high is None else robust.high),
            }
        )
    return rows


def _usable(score: Score | None) -> Score | None:
    return None if score is None or score.value is None else score


def _spoken(row: dict[str, Any]) -> str:
    costs = [f"{row['tpot']:.3g} ms per token"] if row["tpot"] is not None else []
    costs += [f"{row['size']:,.0f} MB"] if row["size"] is not None else []
    return (
        f"{row['model']}: {row['nominal']:.1f} % nominal, {row['robust']:.1f} % robust, "
        f"{', '.join(costs) or 'cost not known'}"
    )


def _spread_names(rows: Sequence[dict[str, Any]], gap: float) -> None:
    """Give every row a height for its name, at least `gap` from the next, near its point."""
    height = -gap
    for row in sorted(rows, key=lambda row: float(row["nominal"])):
        height = max(row["nominal"], height + gap)
        row["name_at"] = height
