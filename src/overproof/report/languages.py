"""The report per language and suite: pass@1, robust pass@1 and drops, and what was left out.

    language_table(ScoreIndex(scores), models, "pass@1").rows

What has no verdict is counted in columns of its own, and a language without any has a dash, never
a zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from overproof.languages import is_language, load_language
from overproof.records import Score
from overproof.report.facts import (
    AGGREGATES,
    MISSING,
    Model,
    ScoreIndex,
    label_of,
    operator_name,
    percent,
    visible,
)
from overproof.report.tables import TextTable

Part = tuple[str, str]
"""Suite and language; empty for several."""
POOLED: Part = ("", "")

LEFT_OUT: dict[str, str] = {
    "absent": "not in this language",
    "calls_left_out": "calls left out",
    "missing_tool": "missing tool",
    "harness_error": "failed on our side",
    "tasks_without_score": "problems without a verdict",
}
"""Counts of a part's nominal row, as they are headed."""


@dataclass(frozen=True)
class PartRow:
    """A suite or language with its name in the tables."""

    part: Part
    label: str
    mark: str = ""


def part_rows(index: ScoreIndex) -> list[PartRow]:
    """Return the languages of the run, or its suites where all are in one; the pooled row last."""
    rows = []
    for part in index.parts:
        suite, language = part
        cells = [cell for cell in index.parts if cell[1] == language and cell[0]]
        if not by_language(index):
            label = suite or title_of(language)
        elif not language:
            label = f"all of {suite}"
        elif suite and len(cells) > 1:
            label = f"{title_of(language)}, {suite.partition(':')[0]}"
        else:
            label = title_of(language)
        rows.append(PartRow(part, visible(label)))
    if len(rows) > 1:
        rows.append(PartRow(POOLED, "all, pooled", "group"))
    return rows


def title_of(language: str) -> str:
    """Return a language as one writes it in prose.

    >>> title_of("cpp"), title_of("fortran")
    ('C++', 'fortran')
    """
    return load_language(language).title if is_language(language) else language


def by_language(index: ScoreIndex) -> bool:
    """Return whether the rows are languages, or several suites in one."""
    return len({language for _, language in index.parts if language}) > 1 or len(index.parts) == 1


def language_table(index: ScoreIndex, models: Sequence[Model], metric: str) -> TextTable:
    """Return a metric per language and model, with the number of problems.

    `metric` is `pass@1`, on the prompts as published, beside which stands how many problems are
    left out, or one of the robust ones over all perturbing operators.
    """
    found = part_rows(index)
    nominal = metric == "pass@1"
    rows = []
    for row in found:
        scores = [_score(index, model, metric, row.part) for model in models]
        counts = _counts(index, models, row.part)
        problems = max((score.n for score in scores if score is not None), default=0)
        sizes = [counts.get("problems", 0), _left_out(counts)] if nominal else [problems]
        cells = [f"{size:,}" if size else MISSING for size in sizes]
        rows.append([row.label, *cells, *(percent(score) for score in scores)])
    headings = ["language" if by_language(index) else "suite", "problems"]
    headings += [*(["left out"] if nominal else []), *(label_of(model) for model in models)]
    return TextTable(headings, rows, [row.mark for row in found])


def left_out_table(index: ScoreIndex, models: Sequence[Model]) -> TextTable | None:
    """Return why problems and calls are left out, per language; None if none are."""
    found = part_rows(index)
    counted = [_counts(index, models, row.part) for row in found]
    shown = [name for name in LEFT_OUT if any(counts.get(name) for counts in counted)]
    if not shown:
        return None
    rows = [
        [row.label, *(str(counts.get(name, 0) or MISSING) for name in shown)]
        for row, counts in zip(found, counted, strict=True)
    ]
    headings = ["language" if by_language(index) else "suite"]
    headings += [LEFT_OUT[name] for name in shown]
    return TextTable(headings, rows, [row.mark for row in found])


def drop_table(index: ScoreIndex, model: Model) -> TextTable:
    """Return one model's robust drop: a row per operator, a column per language."""
    columns = part_rows(index)
    rows, marks, before = [], [], ""
    for operator, family in index.places():
        cells = [
            percent(
                index.get(model["name"], "robust_drop@1", operator, family, part=column.part), 0
            )
            for column in columns
        ]
        rows.append([operator_name(operator, family), *cells])
        group = bool(before) and family != before
        marks.append("quiet" if family == "null" else "group" if group else "")
        before = family
    if rows:
        rows.append(["prompts per task, all operators", *_widths(index, model, columns)])
        marks.append("group")
    return TextTable(["operator", *(column.label for column in columns)], rows, marks)


def _score(index: ScoreIndex, model: Model, metric: str, part: Part) -> Score | None:
    get = index.nominal if metric == "pass@1" else index.overall
    return get(model["name"], metric, part=part)


def _left_out(counts: dict[str, int]) -> int:
    return counts.get("tasks_without_score", 0) + counts.get("absent", 0)


def _counts(index: ScoreIndex, models: Sequence[Model], part: Part) -> dict[str, int]:
    """Return the largest count over the models: they were asked the same."""
    found: dict[str, int] = {}
    for model in models:
        row = index.nominal(model["name"], "pass@1", part=part)
        for name, count in (row.counts if row else {}).items():
            found[name] = max(found.get(name, 0), count)
    return found


def _widths(index: ScoreIndex, model: Model, columns: Sequence[PartRow]) -> list[str]:
    """Return over how many prompts the worst of all operators is taken, per column."""
    wanted = [name for name in ("all", "mixed", "unseen") if name in AGGREGATES]
    cells = []
    for column in columns:
        rows = [
            index.get(model["name"], "robust_pass@1", name, "all", part=column.part)
            for name in wanted
        ]
        width = next((row.counts.get("variants_per_task", 0) for row in rows if row), 0)
        cells.append(str(width or MISSING))
    return cells
