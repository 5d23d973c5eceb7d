"""The report's figures as SVG text: drawn by Altair, no script, colours from the page's CSS.

Each figure comes twice, wide and narrow, and CSS shows the one that fits, so that labels keep
their size on a phone. Colours in the chart are placeholders that become CSS variables: the same
SVG serves light and dark.

    curve("Training", [{"step": 0, "loss": 0.9}, {"step": 1, "loss": 0.4}])["wide"]
"""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from overproof.report.facts import Model, label_of, visible

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
    # The picture has one text for all of it; the renderer's own for every mark would be read out.
    svg = re.sub(r' (aria-label|aria-roledescription|role)="[^"]*"', "", svg)
    # The renderer counts its ids over the whole process: number them per figure instead, so
    # that the same scores give the same bytes.
    ids = list(dict.fromkeys(re.findall(r'\bid="([^"]*)"', svg)))
    svg = re.sub(r'(\bid="|url\(#)([\w-]+)', lambda m: f"{m[1]}{prefix}{ids.index(m[2])}", svg)
    for colour, variable in [(INK, "--ink"), (FAINT, "--faint")] + [
        (colour, f"--model-{i}") for i, colour in enumerate(SLOTS)
    ]:
        svg = re.sub(f'"{colour}"', f'"var({variable})"', svg, flags=re.IGNORECASE)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(text)}" ', 1)
