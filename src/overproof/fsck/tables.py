"""One table, line by line: which rows are good, and what is wrong with the others.

    scan = scan_table(Path("runs/demo/samples.jsonl"), Sample)
    scan.keys, scan.bad

Rows are looked at one at a time; of a million, their keys are kept.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from overproof.errors import OverproofError, RowError
from overproof.folders.rows import raw_lines
from overproof.fsck.findings import Finding, Remedy
from overproof.records import decode_row
from overproof.seals import check_seal, is_intact
from overproof.store import Keyed

Look = Callable[[Any], str]
"""From a row to what is wrong with what it says of other rows; empty if nothing is."""


@dataclass
class Scan:
    """What a table holds."""

    path: Path
    name: str
    keys: set[str] = field(default_factory=set)
    """Of the good rows."""
    unsealed: int = 0
    bad: list[Finding] = field(default_factory=list)


def scan_table(
    path: Path,
    kind: type[Keyed],
    look: Look | None = None,
    *,
    name: str = "",
    live: bool = False,
    remedy: Remedy = "move line",
    missing: Remedy = "move line",
) -> Scan:
    """Return the good keys of a table, and what is wrong.

    `name` is what findings call it, by default that of the file. `look` says what is wrong with a
    row's references, `missing` what to do about that. With `live` a run is on, whose last line may
    be half written.
    """
    scan = Scan(path, name or path.name)

    def found(number: int, what: str, how: Remedy) -> None:
        scan.bad.append(Finding(file=scan.name, line=number, what=what, remedy=how))

    for number, line, ended in _lines(scan):
        where = f"{scan.name}:{number}"
        if not ended and (live or is_intact(line) is not True):
            if not live:
                found(number, "half a row at the end", "cut tail")
            break
        try:
            check_seal(line, where)
            row = decode_row(line, kind, where=where)
        except RowError as error:
            newer = "newer overproof" in error.message
            found(number, error.message.removeprefix(f"{where}: "), "upgrade" if newer else remedy)
            continue
        wrong = look(row) if look else ""
        if row.key in scan.keys:
            found(number, f"the key {row.key} is there already", remedy)
        elif wrong and missing == "move line":
            found(number, wrong, missing)
        else:
            if wrong:
                found(number, wrong, missing)
            if not ended:
                found(number, "the row is whole, but its line has no end", "end line")
            scan.keys.add(row.key)
            scan.unsealed += is_intact(line) is None
    return scan


def _lines(scan: Scan) -> Iterator[tuple[int, bytes, bool]]:
    """Yield number, line without its newline, and whether it had one."""
    number = 0
    try:
        for number, line in enumerate(raw_lines(scan.path), start=1):
            yield number, line.removesuffix(b"\n"), line.endswith(b"\n")
    except OverproofError as error:  # a packed table that cannot be unpacked to its end
        what = error.message.removeprefix(f"{scan.path}: ")
        scan.bad.append(Finding(file=scan.name, line=number, what=what, remedy="move file"))


def refers(field_name: str, known: set[str], where: str) -> Look:
    """Return the look that finds out whether a row's field is one of the known keys.

    >>> from overproof.records import Outcome
    >>> look = refers("sample", {"ab"}, "samples.jsonl")
    >>> look(Outcome(key="k", task_id="t", status="passed", sample="cd"))
    'its sample cd is not in samples.jsonl'
    """

    def look(row: Any) -> str:
        named = getattr(row, field_name)
        if named in known or not named:
            return ""
        return f"its {field_name} {named} is not in {where}"

    return look


def all_keys(*scans: Scan) -> set[str]:
    """Return the keys of several tables."""
    return set(chain.from_iterable(scan.keys for scan in scans))
