"""The report's figures as SVG text: drawn by Altair, no script, colours from the page's CSS.

Each figure comes twice, wide and narrow, and CSS shows the one that fits, so that labels keep
their size on a phone. Colours in the chart are placeholders that become CSS variables: the same
SVG serves light and dark.

    quality_against_latency(index, models)["wide"]
"""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from overproof.report.facts import (
    Model,
    ScoreIndex,
    label_of,
    visible,
)

Figure = dict[str, str]
"""`wide` and `narrow` SVG, and `text`, the alternative in words."""

INK, FAINT = "#0a0b0c", "#dad9d8"
SLOTS = (
    *("#004488", "#997700", "#994455", "#117733", "#882255", "#44aa99", "#aa4499", "#332288"),
    *("#aa3300", "#557799", "#666633", "#cc6677"),
)
"""Placeholders of the models' colours; slot i becomes var(--model-i). After Paul Tol's palettes."""
SHAPES = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross")
WIDTHS = {"wide": 440, "narrow": 190}
FONT = "system-ui, sans-serif"


def slots(models: Sequence[Model]) -> dict[str, int]:
    """Return each model's colour slot: 0 teacher, 1 undistilled, then the others in order."""
    fixed = {"teacher": 0, "undistilled": 1}
    names = [model["name"] for model in models]
    free = [i for i in range(len(SLOTS)) if i not in {fixed.get(name) for name in names}]
    others = [name for name in names if name not in fixed]
    first = 2 if len(others) < len(names) else 0
    free = [i for i in free if i >= first] or list(range(len(SLOTS)))
    numbered = {name: free[i % len(free)] for i, name in enumerate(others)}
    return {name: fixed.get(name, numbered.get(name, 0)) for name in names}


def quality_against_latency(index: ScoreIndex, models: Sequence[Model]) -> Figure | None:
    """Return nominal and robust pass@1 over TPOT; None if nothing was timed."""
    import altair as alt

    rows = _quality_rows(index, models)
    if not rows:
        return None
    right = 1.25 * max(float(row["tpot"]) for row in rows)
    top = min(100.0, 1.2 * max(float(row["nominal"]) for row in rows) + 2)
    _spread_names(rows, gap=0.075 * top)

    def draw(width: int) -> Any:
        x = alt.X(
            "tpot:Q",
            title="time per output token, ms (median)",
            scale=alt.Scale(domain=[0, right], nice=False),
        )
        scale = alt.Scale(domain=[0, top], nice=False)
        base = alt.Chart(alt.Data(values=rows)).encode(x=x, color=colour(models))
        stems = base.mark_rule(strokeWidth=1.5).encode(
            y=alt.Y("robust:Q", title="pass@1, %", scale=scale), y2="nominal:Q"
        )
        hollow = base.mark_point(size=70, filled=False, strokeWidth=1.8).encode(
            y=alt.Y("nominal:Q", scale=scale), shape=shape(models)
        )
        solid = base.mark_point(size=70, filled=True, opacity=1).encode(
            y=alt.Y("robust:Q", scale=scale), shape=shape(models)
        )
        names = [
            base.mark_text(fontSize=12, font=FONT, align=align, dx=dx)
            .transform_filter(f"datum.tpot {side} {0.6 * right}")
            .encode(y=alt.Y("name_at:Q", scale=scale), text="model:N")
            for side, align, dx in (("<=", "left", 10), (">", "right", -10))
        ]
        return alt.layer(stems, hollow, solid, *names).properties(
            width=width + 60, height=230 if width > 300 else 200
        )

    spoken = "; ".join(
        f"{row['model']}: {row['nominal']:.1f} % nominal, {row['robust']:.1f} % robust, "
        f"{row['tpot']:.3g} ms per token"
        for row in rows
    )
    return figure("quality", draw, f"Quality against latency. {spoken}.")


def _quality_rows(index: ScoreIndex, models: Sequence[Model]) -> list[dict[str, Any]]:
    """Return a point per model that was both scored and timed, in percent and ms."""
    rows: list[dict[str, Any]] = []
    for model in models:
        nominal = index.nominal(model["name"], "pass@1")
        robust = index.overall(model["name"], "robust_pass@1")
        tpot = index.nominal(model["name"], "tpot_ms")
        if nominal is None or nominal.value is None or tpot is None or tpot.value is None:
            continue
        floor = nominal.value if robust is None or robust.value is None else robust.value
        rows.append(
            {
                "model": label_of(model),
                "tpot": tpot.value,
                "nominal": 100 * nominal.value,
                "robust": 100 * floor,
            }
        )
    return rows


def _spread_names(rows: Sequence[dict[str, Any]], gap: float) -> None:
    """Give every row a height for its name, at least `gap` from the next, near its point."""
    height = -gap
    for row in sorted(rows, key=lambda row: float(row["nominal"])):
        height = max(row["nominal"], height + gap)
        row["name_at"] = height


def curve(name: str, rows: Sequence[Mapping[str, Any]]) -> Figure | None:
    """Return the first numeric column of rows with a `step`, one line per `arm` if there is one."""
    import altair as alt

    if not rows or "step" not in rows[0]:
        return None
    skipped = ("step", "arm")
    numeric = [
        key
        for key, value in rows[0].items()
        if key not in skipped and isinstance(value, int | float) and not isinstance(value, bool)
    ]
    if not numeric:
        return None
    column = numeric[0]
    data = [
        {"step": row["step"], "y": row.get(column), "arm": visible(str(row.get("arm", "")))}
        for row in rows
    ]
    arms = list(dict.fromkeys(row["arm"] for row in data))

    def draw(width: int) -> Any:
        dashes = alt.StrokeDash("arm:N", legend=None, sort=arms)
        line = alt.Chart(alt.Data(values=data)).mark_line(color=SLOTS[2], strokeWidth=1.6)
        return line.encode(
            x=alt.X("step:Q", title="step", axis=alt.Axis(tickCount=width // 45)),
            y=alt.Y("y:Q", title=visible(column), scale=alt.Scale(zero=False)),
            strokeDash=dashes,
        ).properties(width=width + 60, height=170)

    text = visible(f"{name}: {column} over {len(data)} steps, {_ends(data)}.")
    return figure("curve", draw, text)


def _ends(data: Sequence[Mapping[str, Any]]) -> str:
    first, last = data[0]["y"], data[-1]["y"]
    return f"from {first:.4g} to {last:.4g}" if first is not None and last is not None else "gaps"


def colour(models: Sequence[Model]) -> Any:
    """Return the encoding that gives each model its colour."""
    import altair as alt

    chosen = slots(models)
    scale = alt.Scale(
        domain=[label_of(model) for model in models],
        range=[SLOTS[chosen[model["name"]]] for model in models],
    )
    return alt.Color("model:N", scale=scale, legend=None)


def shape(models: Sequence[Model]) -> Any:
    """Return the encoding that gives each model its shape."""
    import altair as alt

    chosen = slots(models)
    scale = alt.Scale(
        domain=[label_of(model) for model in models],
        range=[SHAPES[chosen[model["name"]] % len(SHAPES)] for model in models],
    )
    return alt.Shape("model:N", scale=scale, legend=None)


def figure(name: str, draw: Any, text: str) -> Figure:
    """Return the SVG of `draw(width)`, wide and narrow; ids begin with the name."""
    return {
        "text": text,
        **{size: _svg(draw(width), f"{name}-{size}-", text) for size, width in WIDTHS.items()},
    }


def _svg(chart: Any, prefix: str, text: str) -> str:
    """Render a chart; give it a label, ids of its own, and the page's colours."""
    import vl_convert

    axis = {
        "labelColor": INK,
        "titleColor": INK,
        "labelFont": FONT,
        "titleFont": FONT,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 10,
        "domainColor": INK,
        "tickColor": INK,
        "gridColor": FAINT,
        "labelLimit": 240,
    }
    words = {name: axis[name] for name in ("labelColor", "labelFont", "labelFontSize")}
    chart = chart.configure(background="transparent").configure_axis(**axis)
    chart = chart.configure_view(stroke=None).configure_legend(**words)
    chart = chart.configure_title(color=INK, font=FONT, fontSize=12, fontWeight="normal")
    svg: str = vl_convert.vegalite_to_svg(chart.to_dict(), allowed_base_urls=[])
    # The renderer counts its ids over the whole process: number them per figure instead, so
    # that the same scores give the same bytes.
    ids = list(dict.fromkeys(re.findall(r'\bid="([^"]*)"', svg)))
    svg = re.sub(r'(\bid="|url\(#)([\w-]+)', lambda m: f"{m[1]}{prefix}{ids.index(m[2])}", svg)
    for colour, variable in [(INK, "--ink"), (FAINT, "--faint")] + [
        (colour, f"--model-{i}") for i, colour in enumerate(SLOTS)
    ]:
        svg = re.sub(f'"{colour}"', f'"var({variable})"', svg, flags=re.IGNORECASE)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(text)}" ', 1)
