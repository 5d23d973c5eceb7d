"""The report's tables as plain data: a caption, headings, and rows of text.

operator_table(ScoreIndex(scores), models).rows
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from overproof.records import Score
from overproof.report.facts import (
    AGGREGATES,
    MISSING,
    Model,
    ScoreIndex,
    SummaryRow,
    holm_text,
    label_of,
    number,
    operator_name,
    p_text,
    percent,
    points,
    ratio,
    value_only,
    verdict,
)

SPEED_COLUMNS = {
    "ttft_ms": "TTFT, ms",
    "tpot_ms": "TPOT, ms",
    "e2e_ms": "E2E, ms",
    "tokens_per_s": "tokens/s",
    "cpu_ms_per_token": "CPU ms/token",
    "completion_tokens": "tokens per answer",
}


@dataclass(frozen=True)
class TextTable:
    """A table ready for layout; the first column heads its row."""

    headings: list[str]
    rows: list[list[str]]
    marks: list[str]
    """Per row: `head` is one cell over all columns, `group` starts a group, `quiet` a control."""


def summary_table(rows: Sequence[SummaryRow]) -> TextTable:
    """Return what every model reaches, and what it costs; engines where they differ."""
    mixed = len({row.build for row in rows}) > 1
    cells = [
        [
            *(row.label, row.pass_at_1, row.robust, row.drop, row.tpot, row.tokens_per_s, row.size),
            *([row.build] if mixed else []),
        ]
        for row in rows
    ]
    headings = ["model", "pass@1", "robust pass@1", "robust drop", "TPOT, ms", "tokens/s", "size"]
    return TextTable([*headings, *(["engine"] if mixed else [])], cells, [""] * len(rows))


def operator_table(index: ScoreIndex, models: Sequence[Model]) -> TextTable:
    """Return robust drops with intervals, a row per operator and a column per model."""
    rows, marks, family_before = [], [], ""
    for operator, family in index.places():
        found = [index.get(m["name"], "robust_drop@1", operator, family) for m in models]
        robust = [index.get(m["name"], "robust_pass@1", operator, family) for m in models]
        rows.append(
            [
                operator_name(operator, family),
                _range([score.n for score in found if score]),
                _range([s.counts.get("variants_per_task", 0) for s in robust if s]),
                *(percent(score) for score in found),
            ]
        )
        mark = "group" if family != family_before and family_before else ""
        marks.append("quiet" if family == "null" else mark)
        family_before = family
    headings = ["operator", "tasks", "prompts per task", *(label_of(m) for m in models)]
    return TextTable(headings, rows, marks)


def detail_table(index: ScoreIndex, models: Sequence[Model]) -> TextTable:
    """Return mean pass@1, RP, RR, the drop beyond noise and flips of every operator and model."""
    rows, marks = [], []
    for operator, family in index.places():
        for position, model in enumerate(models):
            scores = {
                metric: index.get(model["name"], f"{metric}@1", operator, family)
                for metric in ("pass", "robust_pass", "robust_relative", "robust_drop_corrected")
            }
            flips = scores["robust_relative"].counts if scores["robust_relative"] else {}
            rows.append(
                [
                    operator_name(operator, family),
                    label_of(model),
                    *(percent(score) for score in scores.values()),
                    str(flips.get("broken", MISSING)),
                    str(flips.get("repaired", MISSING)),
                ]
            )
            marks.append("group" if position == 0 and operator in AGGREGATES else "")
    headings = ["operator", "model", "mean pass@1", "RP@1", "RR@1"]
    headings += ["drop beyond noise", "broken", "repaired"]
    return TextTable(headings, rows, marks)


def difference_table(
    index: ScoreIndex, models: Sequence[Model], *, brief: bool = False
) -> TextTable:
    """Return the paired differences between models: nominal, null, each family, all.

    `brief` leaves out null and families. p after Holm has a column where it changes any p.
    """
    labels = {model["name"]: label_of(model) for model in models}
    adjusted = any(row.p_adjusted not in (None, row.p) for row in index.rows)
    rows, marks = [], []
    for first, second in index.pairs():
        rows.append([f"{labels.get(first, first)} minus {labels.get(second, second)}"])
        marks.append("head")
        for what, score in _differences(index, first, second, brief):
            p = [p_text(score), holm_text(score)] if adjusted else [p_text(score)]
            cells = [*flip_cells(score), *(text or MISSING for text in p)]
            rows.append([what, points(score), *cells, verdict(score)])
            marks.append("")
    headings = ["metric", "difference, points", "broken", "repaired", "p"]
    headings += ["p, Holm", "at 95 %"] if adjusted else ["at 95 %"]
    return TextTable(headings, rows, marks)


def _differences(
    index: ScoreIndex, first: str, second: str, brief: bool
) -> Iterator[tuple[str, Score]]:
    """Yield the differences of one pair that there are, with what each is about."""
    wanted = [("pass@1, nominal", index.nominal(first, "pass@1", second))]
    for operator, family in index.places(single_families=True):
        if operator in (*AGGREGATES, "null") and (family == "all" or not brief):
            row = index.get(first, "robust_pass@1", operator, family, second)
            wanted.append((f"robust pass@1, {operator_name(operator, family)}", row))
    drop = index.overall(first, "robust_drop@1", second)
    unseen = drop is not None and drop.operator == "unseen"
    wanted.append((f"robust drop, all {'unseen ' if unseen else ''}operators", drop))
    yield from ((what, score) for what, score in wanted if score is not None)


def flip_cells(score: Score | None) -> list[str]:
    """Return how many tasks a model lost and won against the other one."""
    counts = score.counts if score else {}
    return [str(counts.get(name, MISSING)) for name in ("broken", "repaired")]


def speed_table(index: ScoreIndex, models: Sequence[Model]) -> TextTable:
    """Return latency medians and 90th percentiles per model, then the paired ratios."""
    labels = {model["name"]: label_of(model) for model in models}
    rows, marks = [], []
    for suffix, what in (("", "median"), ("_p90", "90th percentile")):
        for position, (name, label) in enumerate(labels.items()):
            cells = [number(index.nominal(name, metric + suffix)) for metric in SPEED_COLUMNS]
            if set(cells) != {MISSING}:
                rows.append([f"{label}, {what}", *cells])
                marks.append("group" if position == 0 and len(rows) > 1 else "")
    for position, (first, second) in enumerate(index.ratio_pairs()):
        cells = [ratio(index.nominal(first, f"{m}_ratio", second)) for m in SPEED_COLUMNS]
        rows.append([f"{labels.get(first, first)} ÷ {labels.get(second, second)}", *cells])
        marks.append("group" if position == 0 else "")
    table = TextTable(["model", *SPEED_COLUMNS.values()], rows, marks)
    return compact(table, [list(SPEED_COLUMNS).index("completion_tokens") + 1])


def side_table(content: Any) -> TextTable | None:
    """Return a side table: a list of rows, or a mapping of names to values; None for text."""
    if isinstance(content, Mapping):
        rows = [[str(name), cell_text(value)] for name, value in content.items()]
        return TextTable(["what", "value"], rows, [""] * len(rows)) if rows else None
    if isinstance(content, Sequence) and not isinstance(content, str) and content:
        names = list(dict.fromkeys(name for row in content for name in row))
        rows = [[cell_text(row.get(name)) for name in names] for row in content]
        return TextTable([name.replace("_", " ") for name in names], rows, [""] * len(rows))
    return None


def cell_text(value: Any) -> str:
    """Return a value as a cell: whole numbers with thousands, others to four digits.

    >>> cell_text(12345), cell_text(0.123456), cell_text(None)
    ('12,345', '0.1235', '–')
    """
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def word_columns(table: TextTable) -> list[int]:
    """Return the columns that hold words rather than numbers, to be set flush left."""
    return [
        column
        for column in range(1, len(table.headings))
        if any(row[column][:1].isalpha() for row in table.rows)
    ]


def compact(table: TextTable, columns: Sequence[int]) -> TextTable:
    """Drop the intervals of the given columns."""
    rows = [
        [value_only(cell) if i in columns else cell for i, cell in enumerate(row)]
        for row in table.rows
    ]
    return TextTable(table.headings, rows, table.marks)


def _range(counts: Sequence[int]) -> str:
    """Return one count, or the span if the models differ."""
    if not counts:
        return MISSING
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low}–{high}"
