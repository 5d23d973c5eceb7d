"""The rows of JSONL, JSON and Parquet files, one after another, as plain dicts.

    for place, row in table_rows(Path("train-00000-of-00001.parquet")): ...

JSONL and Parquet are streamed: no more than a batch of rows is in memory. A `.json` file is a list
of objects, or JSONL after all. Parquet needs pyarrow (`pip install 'overproof[data]'`).

Not covered: CSV, Arrow files, nested tables (a nested field comes as lists and dicts).
"""

import gzip
import json
import zlib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from overproof.errors import EngineError, RowError, UsageError

Place = tuple[str, int]
"""Name of the file, and number of the line or row, from 1."""

BATCH = 500
"""Parquet rows that are in memory at a time."""


def find_tables(pattern: str) -> list[Path]:
    """Return the files that a path with wild cards names, sorted.

    Raises: UsageError if there is none.
    """
    path = Path(pattern)
    if path.is_file():
        return [path]
    parts = path.parts[1:] if path.anchor else path.parts
    found = sorted(Path(path.anchor or ".").glob(str(Path(*parts)))) if parts else []
    files = [file for file in found if file.is_file()]
    if not files:
        raise UsageError(
            f"no file {pattern}", hint="name a JSONL or Parquet file; `*` matches parts of names"
        )
    return files


def table_rows(
    path: Path, columns: Collection[str] | None = None
) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yield the rows of a file with their places; empty lines are skipped.

    Of Parquet, only `columns` are read, if they are given.

    Raises: RowError, with file and line, if the file is damaged, is not of the form that its name
    says, or cannot be read; EngineError if pyarrow is needed and missing.
    """
    rows = _parquet(path, columns) if path.suffix == ".parquet" else _json(path)
    for number, row in rows:
        if not isinstance(row, dict):
            raise RowError(
                f"{path}:{number}: a {type(row).__name__}, not an object",
                hint="each row must be an object with named fields",
            )
        yield (path.name, number), row


def _json(path: Path) -> Iterator[tuple[int, Any]]:
    number = 0
    try:
        with _opened(path) as lines:
            if ".json" in path.suffixes:
                yield from enumerate(_whole(lines), start=1)
                return
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise RowError(
            f"{path}:{number or 1}: not JSON ({error})", hint="one JSON object on each line"
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise RowError(
            f"{path}: cannot be read ({reason})", hint="name a readable JSONL or Parquet file"
        ) from None


def _opened(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def _whole(file: BinaryIO) -> Iterable[Any]:
    """Return the elements of a JSON list, or the values on the lines."""
    content = file.read()
    try:
        value = json.loads(content)
    except ValueError:
        return [json.loads(line) for line in content.splitlines() if line.strip()]
    return value if isinstance(value, list) else [value]


def _parquet(path: Path, columns: Collection[str] | None) -> Iterator[tuple[int, Any]]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise EngineError(
            f"{path}: Parquet needs pyarrow", hint="pip install 'overproof[data]'"
        ) from None
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            wanted = names if columns is None else [name for name in names if name in columns]
            for batch in file.iter_batches(batch_size=BATCH, columns=wanted, use_threads=False):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (pyarrow.ArrowException, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise RowError(
            f"{path}: cannot be read as Parquet ({reason})", hint="fetch the file again"
        ) from None
