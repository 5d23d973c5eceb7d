"""The summary for a terminal: one row per model, 80 columns, readable without colour.

rich.print(summary_table(scores, manifest["models"]))
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from overproof.records import Score
from overproof.report.facts import Model, ScoreIndex, summary_rows, value_only

if TYPE_CHECKING:
    from rich.table import Table


def summary_table(scores: Iterable[Score], models: Sequence[Model]) -> "Table":
    """Return pass@1 and robust pass@1 with intervals, drop, TPOT and tokens/s per model."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    table.add_column("model", overflow="fold", max_width=16)
    for heading in ("pass@1 %", "robust pass@1 %", "drop %", "TPOT ms", "tokens/s"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in summary_rows(ScoreIndex(scores), models):
        short = (value_only(text) for text in (row.drop, row.tpot, row.tokens_per_s))
        # Text, not str: a label with [brackets] is not markup.
        table.add_row(Text(row.label), Text(row.pass_at_1), Text(row.robust), *short)
    return table
