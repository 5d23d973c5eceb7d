r"""Read the rows of a folder that another process may be writing to.

    read_table(Path("runs/demo"), "samples", Sample)

A file is `NAME.jsonl`, or `NAME.jsonl.gz` as studies keep it. What is read is what `store.Table`
would read: a last line without its newline is left out, and of two rows with one key the first
counts. Unlike there nothing is cut off: the line may be half of what is being written just now.
"""

import gzip
import zlib
from pathlib import Path
from typing import TypeVar

from overproof.errors import DataError, UsageError
from overproof.records import decode_row
from overproof.store import Keyed

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
        row = decode_row(line, kind, where=f"{path}:{number}")
        rows.setdefault(row.key, row)
    return list(rows.values())


def count_lines(folder: Path, name: str) -> int:
    """Return how many whole lines a table has, without reading what they say."""
    path = table_path(folder, name)
    return 0 if path is None else _content(path).count(b"\n")


def table_path(folder: Path, name: str) -> Path | None:
    """Return the file of a table, plain or gzipped; None if there is none."""
    found = (folder / f"{name}{suffix}" for suffix in (".jsonl", ".jsonl.gz"))
    return next((path for path in found if path.is_file()), None)


def whole_lines(path: Path) -> list[bytes]:
    """Return the lines that end in a newline.

    Raises: UsageError if the file can't be opened; DataError if it is not what its name says.
    """
    whole, newline, _ = _content(path).rpartition(b"\n")
    return whole.split(b"\n") if newline else []


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.name.endswith(".gz") else content
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"{path}: not a whole gzip file ({error})",
            hint="copy it again, or unpack what is there",
        ) from None
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror}", hint="a run folder, or a file of verdicts"
        ) from None
