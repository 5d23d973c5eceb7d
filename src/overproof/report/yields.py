"""How many prompts the operators made, and why others were refused: the note `Operators`.

    yield_table([{"operator": "swap_characters", "wanted": 60, "certified": 58, ...}])

The rows are those of `overproof.perturbation.Yield`; reasons without a single refusal are left out.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from overproof.report.facts import MISSING, visible
from overproof.report.tables import TextTable

NOTE = "Operators"
CAPTION = (
    "Prompts by operator. Wanted = certified + given up + not applicable; the columns after "
    "“drafts” count drafts that were refused, by the first check that they failed."
)
COUNTS = ("wanted", "certified", "given_up", "not_applicable", "attempts")
REFUSALS = {
    "no_op": "nothing changed",
    "unparsable": "does not parse",
    "code_changed": "code changed",
    "examples_broken": "examples broken",
    "entry_point_broken": "entry point broken",
    "gold_break": "gold solution fails",
    "unchecked": "not checked",
    "repeated": "repeated",
}


def is_yields(told: Any) -> bool:
    """Return whether a note holds the yields of operators."""
    return (
        isinstance(told, Sequence)
        and not isinstance(told, str)
        and bool(told)
        and all(isinstance(row, Mapping) and {"operator", *COUNTS} <= row.keys() for row in told)
    )


def yield_table(told: Sequence[Mapping[str, Any]]) -> TextTable:
    """Return a row per operator, family by family, with the share that was certified."""
    reasons = [name for name in REFUSALS if any(row.get(name) for row in told)]
    rows, marks, before = [], [], None
    for row in told:
        share = f"{100 * row['certified'] / row['wanted']:.0f} %" if row["wanted"] else MISSING
        counts = [*COUNTS, *reasons]
        cells = [f"{row.get(name, 0):,}" if row.get(name) else MISSING for name in counts]
        rows.append([visible(str(row["operator"]).replace("_", " ")), share, *cells])
        family = row.get("family")
        marks.append("group" if before not in (None, family) else "")
        before = family
    headings = ["operator", "certified", "wanted", "certified", "given up", "not applicable"]
    headings += ["drafts", *(REFUSALS[name] for name in reasons)]
    headings[1] = "share certified"
    return TextTable(headings, rows, marks)


def sentence(told: Sequence[Mapping[str, Any]]) -> str:
    """Return how many prompts were wanted and made.

    >>> sentence([{"wanted": 60, "certified": 58, "attempts": 71}])
    'Of 60 prompts that were wanted 58 were made and certified, from 71 drafts.'
    """
    sums = [sum(row[name] for row in told) for name in ("wanted", "certified", "attempts")]
    wanted, certified, drafts = (f"{count:,}" for count in sums)
    return (
        f"Of {wanted} prompts that were wanted {certified} were made and certified, from {drafts} "
        "drafts."
    )
