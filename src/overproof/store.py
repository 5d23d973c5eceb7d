"""The run folder: append-only rows keyed by content, so that a rerun does only what is missing.

    runs/demo/
        recipe.yaml      the resolved recipe
        manifest.json    versions, machine, model hashes
        pairs.jsonl …    one file per kind of row
        results.json     the scores
        report.html      the report

Covered: kill -9 at any moment (a half-written last line is cut off on the next start, nothing
else is touched), a full disk, damage to a row (its checksum no longer fits, see seals.py), two
runs on one folder (the second is refused, see locks.py), Ctrl-C (the rows under way are finished
first, see interrupts.py).
Not covered: network file systems without working `flock`; rows that are missing as a whole, which
the next run makes again and `overproof fsck` names.
"""

import errno
import json
import os
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from overproof import interrupts
from overproof.errors import RowError, StorageError
from overproof.locks import hold
from overproof.records import decode_row, encode_row
from overproof.seals import check_seal, seal


class Keyed(Protocol):
    """Any row with a content key."""

    @property
    def key(self) -> str:
        """Hash of all that determines the row."""


Row = TypeVar("Row", bound=Keyed)
Item = TypeVar("Item")


class Table(Generic[Row]):
    """One JSONL file of rows of one kind: read once, then appended to."""

    def __init__(self, path: Path, kind: type[Row]) -> None:
        """Read what is there; a torn last line is cut off.

        Raises: RowError for any other damaged line, with file and line.
        """
        self.path = path
        self._rows: dict[str, Row] = {}
        self._unsynced = False
        if not path.exists():
            return
        whole = 0
        with storage_errors(path), path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                row = read_row(line[:-1], kind, path, number)
                self._rows.setdefault(row.key, row)
        if whole < path.stat().st_size:
            with storage_errors(path), path.open("r+b") as file:
                file.truncate(whole)

    def __contains__(self, key: str) -> bool:
        """Return whether a row with this key is there."""
        return key in self._rows

    def __getitem__(self, key: str) -> Row:
        """Return the row with this key."""
        return self._rows[key]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def rows(self) -> list[Row]:
        """Return all rows, in the order in which they were written."""
        return list(self._rows.values())

    def append(self, rows: Iterable[Row], *, sync: bool = True) -> None:
        """Write the rows that are new, in one go, and make sure that they are on disk.

        Without `sync` they are with the kernel, safe from a kill; `sync` makes them safe from a
        loss of power, too. After a Ctrl-C this is where the run ends: the rows are stored.

        Raises: StorageError if the disk is full or the folder is not writable; KeyboardInterrupt.
        """
        new = {row.key: row for row in rows if row.key not in self._rows}
        if not new:
            return
        lines = b"".join(seal(encode_row(row)) + b"\n" for row in new.values())
        # Unbuffered: a buffer that could not be written would be written once more on closing.
        with storage_errors(self.path), self.path.open("ab", buffering=0) as file:
            start = file.seek(0, os.SEEK_END)
            try:
                left = memoryview(lines)
                while left:
                    left = left[file.write(left) :]
                if sync:
                    os.fsync(file.fileno())
            except OSError:
                os.ftruncate(file.fileno(), start)
                raise
        self._rows.update(new)
        self._unsynced = not sync
        interrupts.settle()

    def sync(self) -> None:
        """Make sure that all rows are on disk. Raises: StorageError."""
        if self._unsynced:
            with storage_errors(self.path), self.path.open("ab") as file:
                os.fsync(file.fileno())
            self._unsynced = False

    def fill(
        self,
        items: Sequence[Item],
        key: Callable[[Item], str],
        work: Callable[[list[Item]], Iterable[Row]],
        *,
        batch: int = 1,
        group: Callable[[Item], Hashable] | None = None,
        on_batch: Callable[[int], None] | None = None,
    ) -> list[Row]:
        """Return the rows for `items`, in order; those not yet stored are made by `work`.

        Batches are cut from *all* items, not from the missing ones, and never mix groups: a
        batch that was half done is done again whole, so that what a row says cannot depend on
        when an earlier run was killed. `on_batch` is told how many items each batch settled.
        """
        for part in batches(items, batch, group):
            if any(key(item) not in self for item in part):
                self.append(work(part))
            if on_batch is not None:
                on_batch(len(part))
        return [self[key(item)] for item in items]


class RunFolder:
    """A folder that holds everything about one run."""

    def __init__(self, path: Path) -> None:
        """Create the folder if it is missing.

        Raises: StorageError if it cannot be created.
        """
        self.path = path
        with storage_errors(path):
            path.mkdir(parents=True, exist_ok=True)

    def table(self, name: str, kind: type[Row]) -> Table[Row]:
        """Return the rows stored under `name`."""
        return Table(self.path / f"{name}.jsonl", kind)

    def write_json(self, name: str, content: Any) -> Path:
        """Replace a JSON file atomically."""
        return write_atomically(self.path / name, json.dumps(content, indent=2).encode() + b"\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder: a second run on it is refused. What a killed run left half is removed.

        Within, a Ctrl-C lets the rows under way be finished; a second one ends at once.
        Raises: StorageError if another process holds it.
        """
        with storage_errors(self.path), hold(self.path), interrupts.two_steps():
            for leftover in leftovers(self.path):
                leftover.unlink(missing_ok=True)
            yield


def read_row(line: bytes, kind: type[Row], path: Path, number: int) -> Row:
    """Return the row that a stored line holds, its checksum compared.

    Raises: RowError with file and line, and how to mend it.
    """
    where = f"{path}:{number}"
    try:
        check_seal(line, where)
        return decode_row(line, kind, where=where)
    except RowError as error:
        raise RowError(
            error.message,
            hint=error.hint
            or f"delete line {number}, or run `overproof fsck {path.parent} --repair`, and rerun: "
            "only that row is made again",
        ) from None


def leftovers(folder: Path) -> list[Path]:
    """Return the halves of files that `write_atomically` was killed over; no run must be on."""
    shape = re.compile(r"\..+\.\d+\.tmp")
    return sorted(path for path in folder.iterdir() if shape.fullmatch(path.name))


def batches(
    items: Sequence[Item], size: int, group: Callable[[Item], Hashable] | None = None
) -> Iterator[list[Item]]:
    """Cut `items` into lists of at most `size`; a change of group starts a new list.

    >>> list(batches([1, 3, 2, 4, 5], 2, group=lambda n: n % 2))
    [[1, 3], [2, 4], [5]]
    """
    part: list[Item] = []
    for item in items:
        if part and (len(part) == size or (group and group(item) != group(part[0]))):
            yield part
            part = []
        part.append(item)
    if part:
        yield part


def write_atomically(path: Path, content: bytes) -> Path:
    """Write a file so that it is either the old or the new one, never a part.

    Raises: StorageError; the old file is then still there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with storage_errors(path):
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return path


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's errors about `path` into StorageError with a hint."""
    hints = {
        errno.ENOSPC: ("the disk is full", "free some space and rerun: finished rows are kept"),
        errno.EDQUOT: ("the quota is used up", "free some space and rerun: finished rows are kept"),
        errno.EACCES: ("no permission", "choose a folder that you may write to with --out"),
        errno.EPERM: ("no permission", "choose a folder that you may write to with --out"),
        errno.EROFS: ("read-only file system", "choose a folder that you may write to with --out"),
        errno.ENOTDIR: ("a file is in the way", "choose another folder with --out"),
        errno.EEXIST: ("a file is in the way", "choose another folder with --out"),
    }
    try:
        yield
    except OSError as error:
        if error.errno not in hints:
            raise
        what, hint = hints[error.errno]
        raise StorageError(f"cannot write {path}: {what}", hint=hint) from error
