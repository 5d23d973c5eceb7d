"""Rows of older versions, made into rows of this one while they are read.

Every row says by which schema it was written. `MIGRATIONS` has, for each schema that was left
behind, what to do with the kinds of rows that changed: a plain function from fields to fields,
named after what is true afterwards. A row goes through all of them from its own schema to
`SCHEMA_VERSION`; files are never rewritten. To change a row: add one to `SCHEMA_VERSION`, write
the function, add its line, and keep a row of the old form in the tests. A new field whose default
says what was true before needs none of that.

    >>> migrate({"author": "teacher"}, 1, "Lesson", "lessons.jsonl:1")
    {'author': 'teacher', 'verified': True}

Covered: fields renamed, added, dropped, or with another meaning, within one row.
Not covered: what an old row does not hold. The keys of rows are kept as they are, so a stage that
computes them otherwise today makes its rows again.
"""

from collections.abc import Callable
from typing import Any

from overproof.errors import RowError

SCHEMA_VERSION = 2
"""The schema that this version writes."""

Fields = dict[str, Any]
"""A row as JSON gives it, without its schema."""
Migration = Callable[[Fields], Fields]


def lesson_says_whether_verified(row: Fields) -> Fields:
    """Until then `teacher` meant a program that passed its checks; now `verified` says so."""
    row.setdefault("verified", row.get("author") == "teacher")
    return row


MIGRATIONS: dict[int, dict[str, Migration]] = {
    1: {"Lesson": lesson_says_whether_verified},
}
"""By the schema that is left behind, then by the kind of row."""


def migrate(row: Fields, schema: Any, kind: str, where: str) -> Fields:
    """Return the fields of a row of an older schema as this version has them.

    Raises: RowError, naming `where`, for a row of a newer overproof, or of no schema at all.
    """
    if not isinstance(schema, int) or schema < 1:
        raise RowError(
            f"{where}: schema {schema!r} is none of 1 to {SCHEMA_VERSION}",
            hint="the row was edited, or is not one of overproof's",
        )
    if schema > SCHEMA_VERSION:
        raise RowError(
            f"{where}: written by a newer overproof: schema {schema}, "
            f"but this version reads up to {SCHEMA_VERSION}",
            hint="pip install --upgrade overproof",
        )
    for left in range(schema, SCHEMA_VERSION):
        step = MIGRATIONS.get(left, {}).get(kind)
        if step is None:
            continue
        try:
            row = step(row)
        except (KeyError, TypeError, ValueError) as error:
            raise RowError(f"{where}: not a {kind} row of schema {left} ({error!r})") from None
    return row
