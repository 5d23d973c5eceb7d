"""The summaries for a terminal: 80 columns, readable without colour.

for table in summary_tables(scores, manifest["models"], notes):
    rich.print(table)
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from overproof.records import Score
from overproof.report.arms import (
    TEACHER,
    UNDISTILLED,
    ArmNote,
    is_ablation,
    read_arms,
)
from overproof.report.facts import (
    Model,
    ScoreIndex,
    label_of,
    percent,
    points,
    summary_rows,
    value_only,
    verdict,
)
from overproof.report.languages import language_table
from overproof.report.sentences import pooled_sentence

if TYPE_CHECKING:
    from rich.table import Table

WITH_INTERVALS = 2
"""Models up to which a table by language has room for intervals."""
WITHOUT = 5
"""Models side by side without intervals."""


def summary_tables(
    scores: Iterable[Score], models: Sequence[Model], notes: Mapping[str, Any] | None = None
) -> "Iterator[Table]":
    """Yield the summary, then the languages and the arms where a run has several.

    Raises: DataError for notes on arms of another form.
    """
    index = ScoreIndex(scores)
    yield summary_table(index, models)
    yield from language_tables(index, models)
    if is_ablation(index, models):
        yield ablation_table(index, models, read_arms(notes or {}))


def summary_table(scores: Iterable[Score] | ScoreIndex, models: Sequence[Model]) -> "Table":
    """Return pass@1 and robust pass@1 with intervals, drop, TPOT and tokens/s per model."""
    index = scores if isinstance(scores, ScoreIndex) else ScoreIndex(scores)
    table = _table(pooled_sentence(index, models))
    table.add_column("model", overflow="fold", max_width=16)
    for heading in ("pass@1 %", "robust pass@1 %", "drop %", "TPOT ms", "tokens/s"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in summary_rows(index, models):
        short = (value_only(text) for text in (row.drop, row.tpot, row.tokens_per_s))
        # Text, not str: a label with [brackets] is not markup.
        _add(table, row.label, row.pass_at_1, row.robust, *short)
    return table


def language_tables(index: ScoreIndex, models: Sequence[Model]) -> "Iterator[Table]":
    """Yield pass@1 per language and model, a few models at a time; none for one Python suite."""
    size = WITH_INTERVALS if len(models) <= WITH_INTERVALS else WITHOUT
    for start in range(0, len(models), size):
        part = models[start : start + size]
        found = language_table(index, part, "pass@1")
        if not found.rows:
            return
        table = _table("pass@1 in percent" if start == 0 else "")
        table.add_column(found.headings[0], no_wrap=True, max_width=20)
        for heading in found.headings[1 : -len(part)]:
            table.add_column(heading, justify="right", no_wrap=True)
        for model in part:
            table.add_column(label_of(model), justify="right", overflow="fold", min_width=5)
        for row in found.rows:
            numbers = row[-len(part) :]
            if len(models) > WITH_INTERVALS:
                numbers = [value_only(cell) for cell in numbers]
            _add(table, *row[: -len(part)], *numbers)
        yield table


def ablation_table(index: ScoreIndex, models: Sequence[Model], arms: Sequence[ArmNote]) -> "Table":
    """Return what every arm reaches, its differences to `undistilled`, and its held-out KL."""
    trained = {arm.arm: arm for arm in arms}
    unseen = index.get(UNDISTILLED, "robust_pass@1", "unseen", "all") is not None
    table = _table("differences to undistilled in points; * shown at 95 %, after Holm")
    table.add_column("arm", overflow="fold", max_width=14)
    table.add_column("pass@1", justify="right", no_wrap=True)
    table.add_column("unseen" if unseen else "robust", justify="right", no_wrap=True)
    table.add_column("Δ pass@1", justify="right", no_wrap=True)
    table.add_column("Δ unseen" if unseen else "Δ robust", justify="right", no_wrap=True)
    table.add_column("KL %", justify="right", no_wrap=True)
    for model in models:
        name = model["name"]
        if name == TEACHER:
            continue
        arm = trained.get(name)
        held = arm.heldout.get("clean") if arm else None
        kl = "" if held is None or held.fall is None else f"{-100 * held.fall:+.0f}"
        _add(
            table,
            label_of(model),
            value_only(percent(index.nominal(name, "pass@1"))),
            value_only(percent(index.overall(name, "robust_pass@1"))),
            _marked(index.nominal(name, "pass@1", UNDISTILLED)),
            _marked(index.overall(name, "robust_pass@1", UNDISTILLED)),
            kl.replace("-", "\N{MINUS SIGN}"),
        )
    return table


def _marked(score: Score | None) -> str:
    """Return a difference, with a star where it is shown."""
    if score is None or score.value is None:
        return ""
    return points(score) + (" " if verdict(score).startswith("not shown") else "*")


def _table(caption: str) -> "Table":
    from rich.table import Table

    return Table(
        box=None,
        pad_edge=False,
        padding=(0, 1),
        header_style="bold",
        caption=caption or None,
        caption_justify="left",
        caption_style="",
    )


def _add(table: "Table", *cells: str) -> None:
    from rich.text import Text

    table.add_row(*(Text(cell) for cell in cells))
