"""The ablation's figures: what each arm differs by, and how its training went.

arm_differences(ScoreIndex(scores), models)
training_curve(arm)
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from overproof.report.arms import CONDITIONS, TEACHER, UNDISTILLED, ArmNote
from overproof.report.facts import Model, ScoreIndex, label_of, points, visible
from overproof.report.pictures import INK, SLOTS, Figure, figure, slots

NOT_TERMS = (
    "step",
    "epoch",
    "learning_rate",
    "grad_norm",
    "target_tokens_per_s",
    "captured_mass",
)
POINTS = 120
"""Points of a line: more steps are averaged, so that one sees a course, not the batches."""
DASHES = ([1, 0], [5, 3], [2, 2], [8, 2, 2, 2])


def arm_differences(index: ScoreIndex, models: Sequence[Model]) -> Figure | None:
    """Return every arm's difference to the undistilled student, nominal and robust."""
    import altair as alt

    chosen = slots(models)
    rows: list[dict[str, Any]] = []
    spoken: list[str] = []
    for model in models:
        name = model["name"]
        if name in (TEACHER, UNDISTILLED):
            continue
        found = {
            "nominal": index.nominal(name, "pass@1", UNDISTILLED),
            "robust": index.overall(name, "robust_pass@1", UNDISTILLED),
        }
        for kind, score in found.items():
            if score is None or score.value is None or score.low is None or score.high is None:
                continue
            rows.append(
                {
                    "arm": label_of(model),
                    "kind": kind,
                    "value": 100 * score.value,
                    "low": 100 * score.low,
                    "high": 100 * score.high,
                    "colour": SLOTS[chosen[name] % len(SLOTS)],
                }
            )
            spoken.append(f"{label_of(model)}, {kind}: {points(score)}")
    if not rows:
        return None
    labels = list(dict.fromkeys(row["arm"] for row in rows))
    extent = 7 * max(map(len, labels)) + 6

    def draw(width: int) -> Any:
        base = alt.Chart(alt.Data(values=rows)).encode(
            y=alt.Y("arm:N", sort=labels, title=None, axis=alt.Axis(minExtent=extent)),
            yOffset=alt.YOffset("kind:N", sort=["nominal", "robust"]),
            color=alt.Color("colour:N", scale=None),
        )
        axis = alt.Axis(
            title="difference to undistilled, points",
            tickCount=max(4, width // 60),
            labelOverlap=True,
        )
        x = alt.X("low:Q", axis=axis)
        spans = base.mark_rule(strokeWidth=1.5).encode(x=x, x2="high:Q")
        hollow = base.transform_filter("datum.kind == 'nominal'").mark_point(
            size=45, filled=False, strokeWidth=1.8, fill="var(--paper)"
        )
        solid = base.transform_filter("datum.kind == 'robust'").mark_point(
            size=45, filled=True, opacity=1
        )
        zero = alt.Chart(alt.Data(values=[{"x": 0}])).mark_rule(color=INK, strokeWidth=1)
        layers = (
            zero.encode(x="x:Q"),
            spans,
            hollow.encode(x="value:Q"),
            solid.encode(x="value:Q"),
        )
        return alt.layer(*layers).properties(
            width=width, height=alt.Step(26, **{"for": "position"})
        )

    return figure("arms", draw, f"Differences to undistilled in points. {'; '.join(spoken)}.")


def training_curve(arm: ArmNote, number: int) -> Figure | None:
    """Return an arm's loss terms and its distance from the teacher on held-out pairs, over steps.

    `number` keeps the ids of several figures apart.
    """
    import altair as alt

    names = {name: name.replace("_", " ") for name in _names(arm.curve) if name not in NOT_TERMS}
    terms = _long(arm.curve, names)
    measured = _per_token(arm)
    held = _long(measured, {name: CONDITIONS.get(name, name) for name in _names(measured)[1:]})
    panels = [("loss and its terms, nats per token", terms, False)] if terms else []
    panels += [("held-out KL to the teacher, nats per token", held, True)] if held else []
    if not panels:
        return None

    def draw(width: int) -> Any:
        side = width + 60 if width < 300 or len(panels) == 1 else width // 2
        charts = [_panel(title, rows, side, dots) for title, rows, dots in panels]
        joined = alt.hconcat(*charts) if width > 300 else alt.vconcat(*charts)
        return joined.resolve_scale(color="independent", strokeDash="independent")

    words = "; ".join(_course(line, rows) for _, rows, _ in panels for line in _lines(rows))
    return figure(f"training-{number}", draw, f"Training of {visible(arm.arm)}. {words}.")


def _panel(title: str, rows: Sequence[Mapping[str, Any]], width: int, dots: bool) -> Any:
    """Return lines over steps, named in a legend below."""
    import altair as alt

    lines = _lines(rows)
    colours = [SLOTS[(2 + place) % len(SLOTS)] for place in range(len(lines))]
    columns = max(1, width // 105)
    legend = alt.Legend(orient="bottom", title=None, columns=columns, symbolType="stroke")
    base = alt.Chart(alt.Data(values=list(rows)), title=alt.Title(title, anchor="start")).encode(
        x=alt.X("step:Q", title="step", axis=alt.Axis(tickCount=max(3, width // 60))),
        y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
        color=alt.Color("line:N", scale=alt.Scale(domain=lines, range=colours), legend=legend),
        strokeDash=alt.StrokeDash(
            "line:N",
            scale=alt.Scale(domain=lines, range=[DASHES[i % 4] for i in range(len(lines))]),
            legend=legend,
        ),
    )
    drawn = base.mark_line(strokeWidth=1.6)
    if dots:
        marks = base.mark_point(filled=True, size=30, opacity=1)
        drawn = drawn + marks.encode(strokeDash=alt.StrokeDash())
    return drawn.properties(width=width, height=160)


def _per_token(arm: ArmNote) -> list[dict[str, float | None]]:
    """Return a row per measurement: its step, then nats per token by condition."""
    return [
        {
            "step": float(step),
            **{
                name: sum(value for value, _ in rows) / max(1, sum(count for _, count in rows))
                for name, rows in found.items()
                if rows
            },
        }
        for step, found in sorted(arm.measured.items())
    ]


def _names(rows: Sequence[Mapping[str, float | None]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _long(
    rows: Sequence[Mapping[str, float | None]], names: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return a row per line and point; long lines are averaged over stretches of steps."""
    found: list[dict[str, Any]] = []
    for name, label in names.items():
        known = [(row.get("step"), row.get(name)) for row in rows]
        pairs = [(x, y) for x, y in known if x is not None and y is not None and isfinite(y)]
        stretch = max(1, -(-len(pairs) // POINTS))
        for start in range(0, len(pairs), stretch):
            steps, values = zip(*pairs[start : start + stretch], strict=True)
            found.append(
                {
                    "line": visible(label),
                    "step": sum(steps) / len(steps),
                    "value": sum(values) / len(values),
                }
            )
    return found


def _lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(str(row["line"]) for row in rows))


def _course(line: str, rows: Sequence[Mapping[str, Any]]) -> str:
    values = [float(row["value"]) for row in rows if row["line"] == line]
    return f"{line}: from {values[0]:.3g} to {values[-1]:.3g}"
