"""A comparison for people and programs: a terminal table, Markdown, JSON.

for part in terminal_parts(compared, judged):
    rich.print(part)
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from overproof.compare.comparison import Comparison, Row
from overproof.compare.gates import SHARES, Judged
from overproof.compare.sides import Side
from overproof.report.facts import (
    MISSING,
    ScoreIndex,
    operator_name,
    p_text,
    percent,
    points,
    ratio,
    value_only,
    verdict,
    visible,
)

if TYPE_CHECKING:
    from rich.table import Table

Axis = Literal["operator", "language"]
TOLD = ("pass", "robust_pass", "robust_drop")
"""Metrics that tables show; JSON has the others as well."""
HEADINGS = ("A %", "B %", "B − A, points", "lost", "won", "p", "shown")


def table_rows(compared: Comparison, by: Sequence[Axis] = ()) -> dict[str, list[Row]]:
    """Return the rows to show, under a heading each: the summary, then what `by` asks for."""
    pooled = [row for row in compared.rows if not row.difference.suite + row.difference.language]
    found = {"": [row for row in pooled if row.overall and _told(row)]}
    if "operator" in by:
        order = ScoreIndex(row.difference for row in pooled).places()
        for row in sorted(
            (row for row in pooled if not row.overall and _place(row) in order),
            key=lambda row: (SHARES.index(_base(row)), order.index(_place(row))),
        ):
            if _base(row) in TOLD and not _repeats(row):
                found.setdefault(f"{row.difference.metric} by operator", []).append(row)
    if "language" in by:
        for row in compared.rows:
            if row.difference.suite + row.difference.language and row.overall and _told(row):
                heading = f"{row.difference.metric} by language"
                found.setdefault(heading, []).append(row)
    return {heading: rows for heading, rows in found.items() if rows}


def _told(row: Row) -> bool:
    """Return whether a headline row is shown; the mean over perturbed prompts is not one."""
    published = row.difference.operator == "nominal"
    return not row.is_ratio and _base(row) in TOLD and published == (_base(row) == "pass")


def _base(row: Row) -> str:
    return row.difference.metric.partition("@")[0]


def _repeats(row: Row) -> bool:
    """Return whether the mean over one prompt says what the robust row says."""
    return row.difference.counts.get("variants_per_task") == 1 and _base(row) == "pass"


def terminal_parts(
    compared: Comparison, judged: Sequence[Judged], by: Sequence[Axis] = ()
) -> "Iterator[Table | str]":
    """Yield tables and lines, to be printed one by one; 80 columns, readable without colour."""
    yield f"A  {visible(compared.a.label)}"
    yield f"B  {visible(compared.b.label)}"
    counts = compared.shared.counts
    yield (
        f"compared on {counts['tasks']['compared']} tasks, {counts['samples']['compared']:,} "
        "samples that both have; differences are B − A\n"
    )
    for heading, rows in table_rows(compared, by).items():
        if heading:
            yield f"\n{heading}"
        yield _table(_first_heading(heading), HEADINGS, [_cells(row) for row in rows])
    if times := _times(compared):
        yield ""
        yield _table("times", ("A", "B", "B / A"), times)
    if notes := _notes(compared):
        yield ""
        yield from (f"note: {visible(text)}" for text in notes)
    for each in judged:
        yield f"\n{each.result.upper():<9} {visible(each.gate.text)}"
        yield f"  {each.why}"
        if each.needed:
            yield from (f"  {words}" for words in each.needed.words.split("; "))


def markdown(compared: Comparison, judged: Sequence[Judged], by: Sequence[Axis] = ()) -> str:
    """Return the same for a comment or a step summary."""
    counts = compared.shared.counts
    lines = [f"### {_headline(judged)}", ""] if judged else ["### B − A", ""]
    lines += [
        f"**A** {_code(compared.a.label)} · **B** {_code(compared.b.label)} · "
        f"{counts['tasks']['compared']} tasks, {counts['samples']['compared']:,} samples in both",
        "",
    ]
    if judged:
        rows = [
            (each.result, _code(each.gate.text), _escaped(_with_needed(each))) for each in judged
        ]
        lines += [*_markdown_table(("", "gate", "why"), rows), ""]
    for heading, shown in table_rows(compared, by).items():
        if heading:
            lines += [f"**{_escaped(heading)}**", ""]
        cells = [[_escaped(cell) for cell in _cells(row, short=False)] for row in shown]
        lines += [*_markdown_table((_first_heading(heading), *HEADINGS), cells), ""]
    if times := _times(compared):
        cells = [[_escaped(cell) for cell in row] for row in times]
        lines += [*_markdown_table(("times", "A", "B", "B / A"), cells), ""]
    lines += [f"- {_escaped(visible(text))}" for text in _notes(compared)]
    return "\n".join(lines).rstrip() + "\n"


def as_json_text(compared: Comparison, judged: Sequence[Judged], exit_code: int) -> str:
    """Return everything as one JSON object; shares are shares, not percent."""
    found = {
        "difference": "B - A",
        "a": _side_json(compared.a),
        "b": _side_json(compared.b),
        "counts": compared.shared.counts,
        "warnings": compared.shared.warnings,
        "no_times": compared.timed,
        "rows": [_row_json(row) for row in compared.rows],
        "gates": [
            {
                "gate": each.gate.text,
                "by": each.by,
                "result": each.result,
                "why": each.why,
                "margin": each.gate.margin,
                "needed": msgspec.to_builtins(each.needed),
                "row": _row_json(each.row),
            }
            for each in judged
        ],
        "exit_code": exit_code,
    }
    return json.dumps(found, allow_nan=False)


def _side_json(side: Side) -> dict[str, Any]:
    return {
        "label": side.label,
        "model": side.model,
        "sha256": side.sha256,
        "setup": side.setup,
    }


def _row_json(row: Row) -> dict[str, Any]:
    found = row.difference
    return {
        "metric": found.metric,
        "operator": found.operator,
        "family": found.family,
        "suite": found.suite,
        "language": found.language,
        "a": row.a.value if row.a else None,
        "b": row.b.value if row.b else None,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "broken": found.counts.get("broken"),
        "repaired": found.counts.get("repaired"),
        "n": found.n,
        "verdict": None if row.is_ratio else verdict(found),
        "method": found.method,
    }


def _notes(compared: Comparison) -> list[str]:
    notes = list(compared.shared.warnings)
    if compared.a.timings or compared.b.timings:
        notes += [compared.timed] if compared.timed else []
    return notes


def _headline(judged: Sequence[Judged]) -> str:
    results = [each.result for each in judged]
    for result in ("fail", "undecided"):
        if count := results.count(result):
            return f"{count} of {len(results)} gates: {result}"
    return f"{len(results)} of {len(results)} gates: pass"


def _with_needed(each: Judged) -> str:
    return f"{each.why}; {each.needed.words}" if each.needed else each.why


def _first_heading(heading: str) -> str:
    if not heading:
        return "metric"
    return heading.rpartition(" ")[2]


def _place(row: Row) -> tuple[str, str]:
    return row.difference.operator, row.difference.family


def _name(row: Row) -> str:
    """Return how a row is called in its table."""
    found = row.difference
    if found.suite or found.language:
        return visible(found.language or found.suite)
    if found.operator == "nominal":
        return found.metric
    if row.overall:
        return found.metric + (" unseen" if found.operator == "unseen" else "")
    return operator_name(found.operator, found.family)


def _cells(row: Row, *, short: bool = True) -> list[str]:
    found = row.difference
    sides = [percent(side) for side in (row.a, row.b)]
    word = verdict(found)
    return [
        _name(row),
        *(value_only(side) if short else side for side in sides),
        points(found),
        *(str(found.counts.get(flip, MISSING)) for flip in ("broken", "repaired")),
        p_text(found) or MISSING,
        "no" if word.startswith("not shown") else word,
    ]


def _times(compared: Comparison) -> list[list[str]]:
    found = []
    for row in compared.rows:
        if row.is_ratio and row.a and row.b and row.a.value is not None and row.b.value is not None:
            name = row.difference.metric.removesuffix("_ratio")
            levels = (f"{side.value:.3g}" for side in (row.a, row.b))
            found.append([name, *levels, ratio(row.difference)])
    return found


def _table(first: str, headings: Iterable[str], rows: Iterable[Sequence[str]]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    table.add_column(first, overflow="fold", max_width=24)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for cells in rows:
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"
    for cells in rows:
        yield f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Return text that Markdown shows as it is, in a table's cell."""
    for char in "\\`*_[]<>|#":
        text = text.replace(char, f"\\{char}")
    return " ".join(text.split())


def _code(text: str) -> str:
    """Return a name as code, safe in a table's cell."""
    return f"`{' '.join(visible(text).replace('`', chr(39)).replace('|', '∣').split())}`"
