r"""Read the rows of a folder that another process may be writing to.

    read_table(Path("runs/demo"), "samples", Sample)

A file is `NAME.jsonl`, or `NAME.jsonl.gz` as studies keep it. What is read is what `store.Table`
would read: a last line without its newline is left out, and of two rows with one key the first
counts. Unlike there nothing is cut off: the line may be half of what is being written just now.
Files are read line by line: what a million rows take in memory is what is kept of them.
"""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from overproof.errors import DataError, UsageError
from overproof.store import Keyed, read_row

Row = TypeVar("Row", bound=Keyed)


def read_table(folder: Path, name: str, kind: type[Row]) -> list[Row]:
    """Return the rows of one kind, in order; none if there is no such file.

    Raises: RowError for a damaged line, with file and line; DataError; UsageError.
    """
    path = table_path(folder, name)
    return [] if path is None else read_lines(path, kind)


def read_lines(path: Path, kind: type[Row]) -> list[Row]:
    """Return the rows of a file, in order, of each key the first.

    Raises: as `read_table`.
    """
    rows: dict[str, Row] = {}
    for number, line in enumerate(whole_lines(path), start=1):
        row = read_row(line, kind, path, number)
        rows.setdefault(row.key, row)
    return list(rows.values())


def count_lines(folder: Path, name: str) -> int:
    """Return how many whole lines a table has, without reading what they say."""
    path = table_path(folder, name)
    if path is None:
        return 0
    with _opened(path) as file:
        return sum(part.count(b"\n") for part in iter(lambda: file.read(1 << 20), b""))


def table_path(folder: Path, name: str) -> Path | None:
    """Return the file of a table, plain or gzipped; None if there is none."""
    found = (folder / f"{name}{suffix}" for suffix in (".jsonl", ".jsonl.gz"))
    return next((path for path in found if path.is_file()), None)


def whole_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines that end in a newline, without it.

    Raises: UsageError if the file can't be opened; DataError if it is not what its name says.
    """
    for line in raw_lines(path):
        if line.endswith(b"\n"):
            yield line[:-1]


def raw_lines(path: Path) -> Iterator[bytes]:
    """Yield all lines as they are; the last one may be half a row. Raises: as `whole_lines`."""
    with _opened(path) as file:
        yield from file


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, unpacked where it is packed."""
    try:
        packed = path.name.endswith(".gz")
        with cast(BinaryIO, gzip.open(path) if packed else path.open("rb")) as file:
            yield file
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"{path}: not a whole gzip file ({error})",
            hint="copy it again, or unpack what is there",
        ) from None
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror}", hint="a run folder, or a file of verdicts"
        ) from None
