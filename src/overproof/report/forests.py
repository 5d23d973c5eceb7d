"""Figures of dots with their intervals: drops by operator, pass@1 by language.

forest(ScoreIndex(scores), models)["wide"]
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from overproof.records import Score
from overproof.report.facts import AGGREGATES, Model, ScoreIndex, label_of, operator_name
from overproof.report.pictures import INK, Figure, colour, figure, shape

MANY = 5
"""With more models than this a row per operator is more than one can read."""


def forest(index: ScoreIndex, models: Sequence[Model]) -> Figure | None:
    """Return the robust drop of every operator and model with its interval; None without any.

    With more than `MANY` models it shows families and aggregates only.
    """
    spans: list[Span] = []
    for operator, family in index.places(single_families=len(models) > MANY):
        if len(models) > MANY and operator not in (*AGGREGATES, "null"):
            continue
        for model in models:
            score = index.get(model["name"], "robust_drop@1", operator, family)
            if score is not None and score.value is not None:
                spans.append(Span(operator_name(operator, family), label_of(model), score))
    if not spans:
        return None
    worst = max(spans, key=lambda span: span.score.value or 0.0)
    text = (
        f"Robust drop with 95 % intervals for {len({span.row for span in spans})} operators and "
        f"{len(models)} models. Largest: {worst.model} under {worst.row}, "
        f"{100 * (worst.score.value or 0.0):.1f} %. The numbers are in the table below."
    )
    title = "robust drop, % of nominal pass@1"
    noise = null_drop(index, models)
    return intervals("forest", spans, models, title, (-60, 100), text, noise=noise)


def null_drop(index: ScoreIndex, models: Sequence[Model]) -> float:
    """Return the most that unchanged prompts lose in any model, in percent; 0 if nothing."""
    rows = [index.get(model["name"], "robust_drop@1", "null", "null") for model in models]
    return 100 * max([row.value for row in rows if row and row.value is not None], default=0.0)


def languages(
    index: ScoreIndex, models: Sequence[Model], rows: Sequence[tuple[tuple[str, str], str]]
) -> Figure | None:
    """Return pass@1 of every language and model; `rows` are parts with labels.

    With more than `MANY` models the dots of a language share a line, without intervals.
    """
    spans = [
        Span(label, label_of(model), score)
        for part, label in rows
        for model in models
        if (score := index.nominal(model["name"], "pass@1", part=part)) and score.value is not None
    ]
    if not spans:
        return None
    text = (
        f"pass@1 with 95 % intervals in {len({span.row for span in spans})} rows of languages, for "
        f"{len(models)} models. The numbers are in the table below."
    )
    if len(models) > MANY:
        text = text.replace(" with 95 % intervals", "")
    return intervals("languages", spans, models, "pass@1, %", (0, 100), text, len(models) <= MANY)


class Span(NamedTuple):
    """One dot with its interval: in which row, of which model."""

    row: str
    model: str
    score: Score


def intervals(
    name: str,
    spans: Sequence[Span],
    models: Sequence[Model],
    title: str,
    limits: tuple[int, int],
    text: str,
    spread: bool = True,
    noise: float = 0.0,
) -> Figure:
    """Return a figure with a row per label and a dot with its interval per model, in percent.

    The axis reaches from 0, or as far below as anything does, to the upper limit; intervals are
    cut at the limits. Unless `spread`, a row's dots share one line, and have no intervals. From 0
    to `noise` the ground is shaded: so much shows where nothing was changed.
    """
    import altair as alt

    labels = list(dict.fromkeys(span.row for span in spans))
    low, high = limits
    rows: list[dict[str, Any]] = [
        {
            "row": span.row,
            "model": span.model,
            "value": 100 * (span.score.value or 0.0),
            "low": max(100 * _or(span.score.low, span.score.value or 0.0), low),
            "high": min(100 * _or(span.score.high, span.score.value or 0.0), high),
        }
        for span in spans
    ]
    # The reader's font may be wider than the one that the labels were measured with.
    extent = 7 * max(map(len, labels)) + 6
    left = min(-5.0 if low < 0 else 0.0, *(row["low"] for row in rows))

    def draw(width: int) -> Any:
        scale = alt.Scale(domain=[left, high], nice=False)
        base = alt.Chart(alt.Data(values=rows)).encode(
            y=alt.Y("row:N", sort=labels, title=None, axis=alt.Axis(minExtent=extent)),
            color=colour(models),
        )
        if spread:
            offset = alt.YOffset("model:N", sort=[label_of(model) for model in models])
            base = base.encode(yOffset=offset)
        axis = alt.Axis(title=title, tickCount=5 if width < 300 else 9)
        rules = base.mark_rule(strokeWidth=1.5, clip=True).encode(
            x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q"
        )
        dots = base.mark_point(filled=True, size=38, opacity=1, clip=low < 0).encode(
            x=alt.X("value:Q", scale=scale, axis=axis), shape=shape(models)
        )
        zero = alt.Chart(alt.Data(values=[{"x": 0}])).mark_rule(color=INK, strokeWidth=1)
        ground = alt.Chart(alt.Data(values=[{"from": 0, "to": noise}] if noise > 0 else []))
        shade = ground.mark_rect(color=INK, opacity=0.08).encode(x="from:Q", x2="to:Q")
        step = max(16, 9 * len(models) + 6) if spread else 20
        layers = (shade, zero.encode(x="x:Q"), *([rules] if spread else []), dots)
        return alt.layer(*layers).properties(
            width=width, height=alt.Step(step, **{"for": "position"})
        )

    return figure(name, draw, text)


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
