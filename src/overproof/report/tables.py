"""The report's tables as plain data: a caption, headings, and rows of text.

operator_table(ScoreIndex(scores), models).rows
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from overproof.records import Score
from overproof.report.facts import (
    AGGREGATES,
    MISSING,
    Model,
    ScoreIndex,
    label_of,
    mcnemar_text,
    number,
    operator_name,
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
LENGTH_WINDOW = (0.9, 1.1)
"""Answers whose lengths differ by more make E2E times incomparable (MLPerf's window)."""


@dataclass(frozen=True)
class TextTable:
    """A table ready for layout; the first column heads its row."""

    headings: list[str]
    rows: list[list[str]]
    marks: list[str]
    """Per row: `head` is one cell over all columns, `group` starts a group, `quiet` a control."""


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
                    operator_name(operator, family) if position == 0 else "",
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


def difference_table(index: ScoreIndex, models: Sequence[Model]) -> TextTable:
    """Return the paired differences between models: nominal, null, each family, all."""
    labels = {model["name"]: label_of(model) for model in models}
    rows, marks = [], []
    for first, second in index.pairs():
        pair = f"{labels.get(first, first)} minus {labels.get(second, second)}"
        wanted: list[tuple[str, Score | None]] = [
            ("pass@1, nominal", index.nominal(first, "pass@1", second))
        ]
        for operator, family in index.places(single_families=True):
            if operator in (*AGGREGATES, "null"):
                row = index.get(first, "robust_pass@1", operator, family, second)
                wanted.append((f"robust pass@1, {operator_name(operator, family)}", row))
        wanted.append(("robust drop, all operators", index.overall(first, "robust_drop@1", second)))
        rows.append([pair])
        marks.append("head")
        for what, score in wanted:
            if score is None:
                continue
            flips = [score.counts.get(name) for name in ("broken", "repaired")]
            cells = [MISSING if count is None else str(count) for count in flips]
            rows.append(
                [what, points(score), *cells, mcnemar_text(score) or MISSING, verdict(score)]
            )
            marks.append("")
    headings = [
        "metric",
        "difference, points",
        "broken",
        "repaired",
        "McNemar p",
        "at 95 %",
    ]
    return TextTable(headings, rows, marks)


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
    table = TextTable(["", *SPEED_COLUMNS.values()], rows, marks)
    return compact(table, [list(SPEED_COLUMNS).index("completion_tokens") + 1])


def coverage_warnings(index: ScoreIndex, models: Sequence[Model]) -> list[str]:
    """Return a sentence for every model whose robust pass@1 rests on fewer tasks than pass@1."""
    found = []
    for model in models:
        nominal = index.nominal(model["name"], "pass@1")
        robust = index.overall(model["name"], "robust_pass@1")
        if nominal and robust and robust.n < nominal.n:
            found.append(
                f"Robust pass@1 of {label_of(model)} rests on {robust.n} tasks, its pass@1 on "
                f"{nominal.n}: the others have no certified prompt or an execution that failed "
                "on our side; its drop compares the same tasks"
            )
    return found


def length_warnings(index: ScoreIndex, models: Sequence[Model]) -> list[str]:
    """Return a sentence for every pair whose answers differ much in length."""
    labels = {model["name"]: label_of(model) for model in models}
    low, high = LENGTH_WINDOW
    found = []
    for first, second in index.ratio_pairs():
        score = index.nominal(first, "completion_tokens_ratio", second)
        if score and score.value and not low <= score.value <= high:
            found.append(
                f"Answers of {labels.get(first, first)} have {score.value:.2f} times the tokens of "
                f"{labels.get(second, second)}: compare TPOT, not E2E"
            )
    return found


def side_table(content: Any) -> TextTable | None:
    """Return a side table: a list of rows, or a mapping of names to values; None for text."""
    if isinstance(content, Mapping):
        rows = [[str(name), cell_text(value)] for name, value in content.items()]
        return TextTable(["", "value"], rows, [""] * len(rows)) if rows else None
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
