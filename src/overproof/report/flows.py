"""What became of each task from model to model: robust, fragile or unsolved.

    flow = task_flow(problems, variants, samples, outcomes, models)
    flow_figure(flow)["wide"]

A count of the run's own tasks, not an estimate: it is judged by the same rows and rules as the
scores (measure/tables.py), by the first sample of each prompt. A task that some model has no
verdict on, for the published prompt or any perturbed one, is in no ribbon.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from overproof.measure.tables import CONTROLS, NOMINAL, Unit, Verdicts, collect
from overproof.records import Outcome, Problem, Sample, Variant
from overproof.report.facts import Model, label_of
from overproof.report.pictures import FONT, Figure
from overproof.report.tables import TextTable

ROBUST, FRAGILE, UNSOLVED = "robust", "fragile", "unsolved"
STATES = (ROBUST, FRAGILE, UNSOLVED)
"""Solved under every prompt; as published only; not as published."""
NOT_PERTURBED = ("solved", UNSOLVED)
"""The states of a run without perturbed prompts."""
MOST = 3
"""Models that one can follow a ribbon through."""


@dataclass(frozen=True)
class Flow:
    """The state of every task, model by model."""

    models: list[str]
    """Labels, in the order in which they are drawn."""
    states: tuple[str, ...]
    tasks: list[tuple[str, ...]]
    """Per task its state under each model."""
    left_out: int
    """Tasks without a verdict somewhere."""

    def steps(self, place: int) -> Counter[tuple[str, str]]:
        """Return how many tasks go from one state to another between two neighbours."""
        return Counter((task[place], task[place + 1]) for task in self.tasks)


def task_flow(
    problems: Sequence[Problem],
    variants: Sequence[Variant],
    samples: Sequence[Sample],
    outcomes: Sequence[Outcome],
    models: Sequence[Model],
) -> Flow | None:
    """Return the flow over the run's models; None for a single one, or without a shared task.

    Of more than `MOST` models the undistilled student, the last arm and the teacher are taken.
    """
    chosen = _chosen(models)
    names = [model["name"] for model in chosen]
    if len(chosen) < 2:
        return None
    wanted = {problem.task_id for problem in problems}
    known = {variant.key for variant in variants}
    own = [row for row in samples if row.model in names and row.variant in known]
    verdicts = collect(wanted, variants, own, outcomes, names)
    perturbing = [name for name in verdicts.families if name not in CONTROLS]
    found = [
        tuple(_state(verdicts, name, perturbing, unit) for name in names) for unit in verdicts.units
    ]
    tasks = [states for states in found if "" not in states]
    if not tasks:
        return None
    labels = [label_of(model) for model in chosen]
    states = STATES if perturbing else NOT_PERTURBED
    return Flow(labels, states, tasks, len(found) - len(tasks))


def flow_table(flow: Flow) -> TextTable:
    """Return how many tasks move from which state to which, between neighbours."""
    rows, marks = [], []
    for place, (first, second) in enumerate(pairwise(flow.models)):
        rows.append([f"from {first} to {second}"])
        marks.append("head")
        steps = flow.steps(place)
        for start in flow.states:
            counts = [steps[start, end] for end in flow.states]
            rows.append([start, *map(str, counts), str(sum(counts))])
            marks.append("")
    return TextTable(["tasks that are", *flow.states, "together"], rows, marks)


def flow_sentence(flow: Flow) -> str:
    """Return what the ribbons show, neighbour by neighbour."""
    told = []
    for place, (first, second) in enumerate(pairwise(flow.models)):
        steps = flow.steps(place)
        order = {state: rank for rank, state in enumerate(flow.states)}
        better = sum(n for (a, b), n in steps.items() if order[b] < order[a])
        worse = sum(n for (a, b), n in steps.items() if order[b] > order[a])
        told.append(f"from {first} to {second} {better} improve and {worse} get worse")
    text = f"Of {len(flow.tasks)} tasks, {'; '.join(told)}."
    out = f" {flow.left_out} without a verdict somewhere are left out." if flow.left_out else ""
    return text + out


def flow_figure(flow: Flow) -> Figure:
    """Return the picture: a column of states per model, a ribbon per move, as wide as its tasks."""
    spoken = f"How tasks move between states. {flow_sentence(flow)}"
    return {
        "text": spoken,
        "wide": _draw(flow, 600, 300, spoken),
        "narrow": _draw(flow, 330, 300, spoken),
    }


BAR, TOP, GAP = 14, 26, 10
"""Width of a column, room for names above it, and space between states, in pixels."""


def _draw(flow: Flow, width: int, height: int, spoken: str) -> str:
    columns = len(flow.models)
    scale = (height - TOP - GAP * len(flow.states)) / len(flow.tasks)
    step = (width - BAR) / (columns - 1)
    parts = []
    tops = [_tops(flow, place, scale) for place in range(columns)]
    for place in range(columns - 1):
        parts += _ribbons(flow, place, tops, scale, step)
    for place, label in enumerate(flow.models):
        parts += _column(flow, place, label, tops[place], scale, step)
    return (
        f'<svg role="img" aria-label="{escape(spoken)}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="{FONT}" font-size="12">{"".join(parts)}</svg>'
    )


def _tops(flow: Flow, place: int, scale: float) -> dict[str, float]:
    """Return where each state of a column begins."""
    found, y = {}, float(TOP)
    for state in flow.states:
        found[state] = y
        y += scale * sum(task[place] == state for task in flow.tasks) + GAP
    return found


def _column(
    flow: Flow, place: int, label: str, tops: dict[str, float], scale: float, step: float
) -> list[str]:
    """Return a model's bars with its name above and counts beside them."""
    x = place * step
    last = place == len(flow.models) - 1
    anchor = "start" if place == 0 else "end" if last else "middle"
    middle = x + (0 if place == 0 else BAR if last else BAR / 2)
    parts = [
        f'<text x="{middle:.1f}" y="14" {_ink(anchor)} font-weight="600">{escape(label)}</text>'
    ]
    for state in flow.states:
        count = sum(task[place] == state for task in flow.tasks)
        if not count:
            continue
        y, tall = tops[state], scale * count
        side, at = ("end", x - 6) if last else ("start", x + BAR + 6)
        parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{BAR}" height="{tall:.1f}" '
            f'fill="var(--{state})"/>'
            f'<text x="{at:.1f}" y="{y + tall / 2 + 4:.1f}" {_ink(side)} class="over">'
            f"{count} {state}</text>"
        )
    return parts


def _ribbons(
    flow: Flow, place: int, tops: list[dict[str, float]], scale: float, step: float
) -> list[str]:
    """Return the moves between two neighbours; colour tells where they come from."""
    steps = flow.steps(place)
    left, right = dict(tops[place]), dict(tops[place + 1])
    x0, x1 = place * step + BAR, (place + 1) * step
    bend = (x1 - x0) / 2
    parts = []
    for start in flow.states:
        for end in flow.states:
            count = steps[start, end]
            if not count:
                continue
            tall = scale * count
            a, b = left[start], right[end]
            left[start], right[end] = a + tall, b + tall
            parts.append(
                f'<path d="M{x0:.1f} {a:.1f}C{x0 + bend:.1f} {a:.1f} {x1 - bend:.1f} {b:.1f} '
                f"{x1:.1f} {b:.1f}V{b + tall:.1f}C{x1 - bend:.1f} {b + tall:.1f} {x0 + bend:.1f} "
                f'{a + tall:.1f} {x0:.1f} {a + tall:.1f}Z" fill="var(--{start})" '
                f'fill-opacity="{0.22 if start == end else 0.55}"><title>{count} tasks, {start} to '
                f"{end}</title></path>"
            )
    return parts


def _ink(anchor: str) -> str:
    return f'fill="var(--ink)" text-anchor="{anchor}"'


def _state(verdicts: Verdicts, model: str, perturbing: Sequence[str], unit: Unit) -> str:
    """Return a task's state under one model; empty where a verdict is missing."""
    operators = [name for name in perturbing if verdicts.variants([name], unit)]
    table = verdicts.table(model, NOMINAL, operators or [NOMINAL], unit)
    if not table.nominal:
        return ""
    if not table.nominal[0]:
        return UNSOLVED
    if not perturbing:
        return NOT_PERTURBED[0]
    return ROBUST if all(table.correct[0]) else FRAGILE


def _chosen(models: Sequence[Model]) -> list[Model]:
    """Return the models to draw: the student before and after, and the teacher."""
    rank = {"undistilled": 0, "teacher": 2}
    ordered = sorted(models, key=lambda model: rank.get(model["name"], 1))
    if len(ordered) <= MOST:
        return ordered
    arms = [model for model in ordered if model["name"] not in rank]
    named = [model for model in ordered if model["name"] in rank]
    return sorted([*named, *arms[-(MOST - len(named)) :]], key=lambda m: rank.get(m["name"], 1))
