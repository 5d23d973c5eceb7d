"""Pairs from the rows of data sets: shaped, filtered, counted where they are not fit.

    found = import_pairs(parse_source("train-*.parquet#licence=MIT"))

Rows that `write_pairs` wrote are taken as they are, and must be whole. Rows of a published shape
(see shapes.py) must pass the filters of mining, except that what was written to be learnt from
may have a single line. All others are the user's own (see files.py): only lengths are looked at.

A row that is not fit is counted by its reason; a file that cannot be read is an error. What a row
says of its licence goes before what the user or the data set's card says of all of them; rows with
none are left out, apart from the user's own files.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from overproof.errors import DataError
from overproof.pairs.files import CODE_FIELDS, TEXT_FIELDS, own_pair, pair_of_row
from overproof.pairs.fitting import pair_of_draft
from overproof.pairs.hub import card_licence, fetch_dataset, read_card
from overproof.pairs.licences import is_usable, recognise
from overproof.pairs.mbpp import LICENCE, function_draft, in_split, is_function_form
from overproof.pairs.rules import DEFAULT_RULES, REASONS, MiningRules, UnfitError
from overproof.pairs.shapes import SHAPES, draft_row
from overproof.pairs.specs import SourceSpec
from overproof.pairs.tables import find_tables, table_rows
from overproof.records import Pair

_OWN = frozenset({"key", "text", "code", "prompt", "body"})
COLUMNS = frozenset(
    [
        *("prompt", "entry_point", "name", "origin", "task_id", "language", "licence", "license"),
        *("schema", *(field.name for field in dataclasses.fields(Pair))),
        *(*TEXT_FIELDS, *CODE_FIELDS),
        *(name for shape in SHAPES.values() for name in (*shape.fields, *shape.more)),
    ]
)
"""All fields that any row is read by; other columns of Parquet files stay on the disk."""


@dataclass(frozen=True, kw_only=True)
class Imported:
    """The pairs of a source in the order of its rows, and how many rows were not fit, and why."""

    pairs: list[Pair]
    dropped: Counter[str]
    rows: int


def import_pairs(
    spec: SourceSpec,
    languages: Sequence[str] = ("python",),
    rules: MiningRules = DEFAULT_RULES,
    *,
    licence: str = "",
    limit: int | None = None,
) -> Imported:
    """Return the pairs of a source of rows, at most `limit`, the first that are fit.

    `limit` goes before the source's own, `licence` is for sources that neither tell nor are told.

    Raises: UsageError if no such file or split exists; RowError for a damaged file; DataError if
    not one row is fit; FetchError if the hub is out of reach; EngineError if a library or a
    grammar is missing.
    """
    files, known = _files(spec)
    usual = spec.licence or known or licence
    limit = limit or spec.limit
    pairs: list[Pair] = []
    dropped: Counter[str] = Counter()
    rows = 0
    first = ""
    for where, origin, row in _rows(files, spec):
        if limit is not None and len(pairs) >= limit:
            break
        try:
            if spec.kind == "mbpp" and not in_split(row, spec.split):
                continue
            rows += 1
            pairs.append(_pair(row, spec, usual, languages, rules, where, origin))
        except UnfitError as error:
            dropped[error.reason] += 1
            first = first or f"{where}: {error}"
    if not pairs:
        reasons = ", ".join(f"{REASONS[name]} {count}" for name, count in dropped.most_common())
        raise DataError(
            f"source {spec.text!r}: none of its {rows} rows makes a pair"
            + (f"; the first, {first}" if first else ""),
            hint=reasons or "see overproof.pairs.shapes for the fields that rows can have",
        )
    return Imported(pairs=pairs, dropped=dropped, rows=rows)


def _files(spec: SourceSpec) -> tuple[list[Path], str]:
    """Return the files of a source, and the licence that is known of all of it."""
    if spec.kind == "hub":
        return fetch_dataset(spec.place, spec.split)
    files = find_tables(spec.place)
    if spec.kind == "mbpp":
        return files, LICENCE
    folder = files[0].parent
    cards = (card_licence(read_card(place)) for place in (folder, folder / ".."))
    return files, next(filter(None, cards), "")


def _rows(files: Sequence[Path], spec: SourceSpec) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield where each row is, what its origin is called, and the row."""
    start = f"{spec.place}/" if spec.kind == "hub" else ""
    for file in files:
        for (name, number), row in table_rows(file, COLUMNS):
            yield f"{file}:{number}", f"{start}{name}:{number}", row


def _pair(
    row: dict[str, Any],
    spec: SourceSpec,
    licence: str,
    languages: Sequence[str],
    rules: MiningRules,
    where: str,
    origin: str,
) -> Pair:
    """Return the pair of a row. Raises: UnfitError; RowError for a damaged row of ours."""
    if row.keys() >= _OWN:
        return _short(own_pair(msgspec.json.encode(row), where), rules)
    draft = function_draft(row) if is_function_form(row) else draft_row(row)
    stated = row.get("licence") or row.get("license")
    own = (stated,) if isinstance(stated, str) else ()
    if draft is None:
        pair = pair_of_row(row, origin)
        if own and spec.kind == "rows":
            return _short(pair, rules)
        known = _licence(own, licence or ("user" if spec.kind == "rows" else ""))
        return _short(dataclasses.replace(pair, licence=known), rules)
    if draft.language not in languages:
        raise UnfitError("language", f"language {draft.language}")
    known = _licence(draft.licences or own, licence)
    return pair_of_draft(draft, draft.origin or origin, known, rules)


def _licence(stated: Sequence[str], usual: str) -> str:
    """Return the licence of a row; what it states goes before what is usual there."""
    names = [recognise(name) or name for name in stated] or [usual]
    if not all(names):
        raise UnfitError("licence_unknown", "no licence; the source may end in #licence=NAME")
    if not all(map(is_usable, names)):
        raise UnfitError("licence", f"licence {' AND '.join(names)!r}")
    return " AND ".join(dict.fromkeys(names))


def _short(pair: Pair, rules: MiningRules) -> Pair:
    """Return a pair that keeps to the limits on length."""
    if len(pair.code) > rules.max_code_chars:
        raise UnfitError("long_code", f"{len(pair.code)} characters of code")
    if len(pair.prompt) > rules.max_prompt_chars:
        raise UnfitError("long_prompt", f"{len(pair.prompt)} characters of prompt")
    return pair
