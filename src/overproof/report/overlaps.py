"""Which pairs were too near to a suite to learn from: the note `Decontamination` as tables.

    overlap_tables({"pairs before": 900, "pairs after": 897, "removed": [...]})

`removed` holds one object per pair, as in the certificate (name, origin, rule, suite, task_id,
evidence), or in older runs one text per pair.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from overproof.report.facts import MISSING, visible
from overproof.report.tables import TextTable

NOTE = "Decontamination"
RULES = {
    "docstring": "same docstring",
    "tree": "same syntax tree",
    "text": "words in a row",
    "code": "tokens in a row",
    "name": "same name, similar text",
    "near_text": "similar text",
    "near_code": "similar code",
}
"""The rules by which a pair is removed, in the order in which they are tried; see
pairs/contamination.py. Others are shown under their own name."""
PREFIX = "removed by "
MOST = 200
"""Removed pairs that are listed; all of them stand in the certificate."""


def overlap_sentence(note: Mapping[str, Any]) -> str:
    """Return how many pairs were compared, removed and used.

    >>> overlap_sentence({"pairs before": 900, "pairs after": 897, "pairs used": 400})
    'Of 900 pairs 3 overlap with a suite and were removed (0.3 %); 400 of the others are used.'
    """
    before, after = note.get("pairs before"), note.get("pairs after")
    if not isinstance(before, int) or not isinstance(after, int):
        return ""
    gone = before - after
    share = f" ({100 * gone / before:.1f} %)" if gone else ""
    text = f"Of {before:,} pairs {gone:,} overlap with a suite and were removed{share}"
    used = note.get("pairs used")
    return f"{text}; {used:,} of the others are used." if isinstance(used, int) else f"{text}."


def overlap_tables(note: Mapping[str, Any]) -> tuple[TextTable | None, TextTable | None]:
    """Return removals by suite and rule, and the removed pairs; None for what there is none of."""
    removed = note.get("removed") or []
    rows = [row for row in removed if isinstance(row, Mapping)]
    return _by_rule(note, rows), _listed(rows) if rows else _texts(removed)


def other_rows(note: Mapping[str, Any]) -> dict[str, Any]:
    """Return what else the note says: what the pairs were compared with, how, and licences."""
    told = {"pairs before", "pairs after", "pairs used", "removed"}
    rest = {key: value for key, value in note.items() if key not in told}
    return {key: value for key, value in rest.items() if not key.startswith(PREFIX)}


def _by_rule(note: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> TextTable | None:
    """Return a row per suite and a column per rule, or without suites one row of all."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(str(row.get("suite", "")), Counter())[str(row.get("rule", ""))] += 1
    if not rows:
        named = {key[len(PREFIX) :]: note[key] for key in note if key.startswith(PREFIX)}
        counts = {"all": Counter(named)} if named else {}
    if not counts:
        return None
    found = {rule for counter in counts.values() for rule in counter}
    rules = [rule for rule in RULES if rule in found] + sorted(found - set(RULES))
    table = [
        [visible(suite), *(_count(counter[rule]) for rule in rules), _count(counter.total())]
        for suite, counter in sorted(counts.items())
    ]
    marks = [""] * len(table)
    if len(table) > 1:
        totals = [sum(counter[rule] for counter in counts.values()) for rule in rules]
        table.append(["all", *map(_count, totals), _count(sum(totals))])
        marks.append("group")
    headings = ["suite", *(RULES.get(rule, visible(rule)) for rule in rules), "removed"]
    return TextTable(headings, table, marks)


def _listed(rows: Sequence[Mapping[str, Any]]) -> TextTable:
    names = ("name", "origin", "rule", "task_id", "evidence")
    cells = [[visible(str(row.get(name, ""))) for name in names] for row in rows[:MOST]]
    if len(rows) > MOST:
        cells.append([f"… and {len(rows) - MOST:,} more, in the certificate", *[""] * 4])
    headings = ["pair", "from", "rule", "overlaps with", "what they share"]
    return TextTable(headings, cells, [""] * len(cells))


def _texts(removed: Sequence[Any]) -> TextTable | None:
    if not removed:
        return None
    cells = [[visible(str(text))] for text in removed[:MOST]]
    if len(removed) > MOST:
        cells.append([f"… and {len(removed) - MOST:,} more, in the certificate"])
    return TextTable(["pair"], cells, [""] * len(cells))


def _count(count: int) -> str:
    return f"{count:,}" if count else MISSING
