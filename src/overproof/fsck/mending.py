"""Mend what `check` found: bad lines and files go aside, good rows stay as they are, byte for byte.

    mend(Path("runs/demo"), checked)

A table is written anew beside the old one and takes its place whole, so that a kill while mending
leaves the one or the other. What is taken out is appended to `NAME.damaged` first.
"""

import gzip
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path

from overproof.folders.rows import raw_lines
from overproof.fsck.findings import NOT_HERE, Checked, Finding
from overproof.locks import hold
from overproof.store import storage_errors

LINES = ("move line", "cut tail", "end line")


def mend(path: Path, checked: Checked) -> None:
    """Mend a folder as far as that can be done here; `checked.open` is what the next run mends.

    The folder must not have changed since it was checked: it is to be held, as `check_and_mend`
    does. Raises: StorageError if it cannot be written to.
    """
    moved = {f.file for f in checked.findings if f.remedy == "move file"}
    for finding in checked.findings:
        if finding.remedy == "remove":
            _remove(path / finding.file)
    for name in sorted(moved):
        for file in _with_its_own(path / name):
            _move_aside(file)
    for name, found in _by_file(checked.findings).items():
        if name not in moved:
            mend_lines(path / name, found)
    checked.mended = [f for f in checked.findings if f.remedy not in NOT_HERE]


def mend_lines(table: Path, findings: Iterable[Finding]) -> None:
    """Take the named lines out of a table. Raises: StorageError."""
    out = {f.line for f in findings if f.remedy in ("move line", "cut tail")}
    temporary = table.with_name(f".{table.name}.{os.getpid()}.tmp")
    damaged = table.with_name(f"{table.name}.damaged")
    with storage_errors(table):
        try:
            with damaged.open("ab") as aside:
                aside.writelines(_ended(line for number, line in _numbered(table) if number in out))
                aside.flush()
                os.fsync(aside.fileno())
            with temporary.open("wb") as file:
                packed = table.name.endswith(".gz")
                with gzip.open(file, "wb") if packed else nullcontext(file) as kept:
                    kept.writelines(
                        _ended(line for number, line in _numbered(table) if number not in out)
                    )
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(table)
        finally:
            temporary.unlink(missing_ok=True)
        if not damaged.stat().st_size:
            damaged.unlink()


def _by_file(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.remedy in LINES:
            found.setdefault(finding.file, []).append(finding)
    return found


def _numbered(table: Path) -> Iterator[tuple[int, bytes]]:
    return enumerate(raw_lines(table), start=1)


def _ended(lines: Iterable[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield line if line.endswith(b"\n") else line + b"\n"


def _with_its_own(file: Path) -> list[Path]:
    """Return a file and what means nothing without it: pairs have a certificate."""
    if file.name.startswith("pairs-") and file.suffix == ".jsonl":
        return [file, file.with_suffix(".certificate.json")]
    return [file]


def _move_aside(file: Path) -> None:
    """Rename a file or folder; a name that is taken gets a number. Raises: StorageError."""
    number, target = 1, file.with_name(f"{file.name}.damaged")
    while target.exists():
        number += 1
        target = file.with_name(f"{file.name}.damaged-{number}")
    with storage_errors(file):
        if file.exists():
            file.rename(target)


def _remove(path: Path) -> None:
    with storage_errors(path):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def check_and_mend(path: Path) -> Checked:
    """Verify a folder and mend it, no run being let in meanwhile.

    Raises: StorageError if a run holds it, or it cannot be written to; UsageError.
    """
    from overproof.fsck.checking import check

    check(path)  # refuses what is no run folder, before anything is created there
    with storage_errors(path), ExitStack() as stack:
        for folder in (path, *(lock.parent for lock in sorted(path.glob("shards/*/*/.lock")))):
            stack.enter_context(hold(folder, passing=True))
        checked = check(path, held=True)
        mend(path, checked)
    return checked
