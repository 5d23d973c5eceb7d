"""Examples on disk in Arrow: written once, then mapped into memory and read one at a time.

    shelf = put_on_shelf(path, build_examples(...), made_of="hash of all that determines them")
    shelf[7].signal.logprobs

The signals of a training may be larger than its memory: nothing of them stays there. What has been
read is given back to the system every `RELEASE_BYTES`, so that resident memory does not grow with
the number of examples; only their lengths are kept, 8 bytes each. Every process of a training maps
the same file.

Limits: the file is not compressed, about 8 bytes a kept token, twice what the cache of the teacher
(`teach.cache`) takes; it stands beside the checkpoints of the training and goes with them.
Source: the format is Arrow's (arrow.apache.org/docs/format/Columnar.html, "IPC File Format").
"""

import mmap
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, overload

import numpy as np

from overproof.distillation.examples import Example, Signal
from overproof.errors import RowError
from overproof.store import storage_errors

ROWS = 64
"""Examples in one record batch: what the writer holds in memory."""
RELEASE_BYTES = 32 << 20
"""After so much has been read, its pages are given back."""
AROUND_BYTES = 2 << 20
"""What the system maps around the pieces of one example, 64 KiB each."""
_MADE_OF = b"overproof.made_of"


class Shelf(Sequence[Example]):
    """The examples of one file, in the order in which they were put there."""

    def __init__(self, path: Path) -> None:
        """Map the file. Raises: RowError if it is missing, cut off or no such file."""
        import pyarrow

        self.path = path
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._file = pyarrow.ipc.open_file(pyarrow.py_buffer(self._map))
            self.made_of = self._file.schema.metadata[_MADE_OF].decode()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RowError(
                f"{path}: the examples of this training are missing or damaged",
                hint=f"delete it and rerun: they are made again ({type(error).__name__})",
            ) from error
        self._read = 0

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.sizes)

    @overload
    def __getitem__(self, place: int) -> Example: ...
    @overload
    def __getitem__(self, place: slice) -> list[Example]: ...
    def __getitem__(self, place: int | slice) -> Example | list[Example]:
        """Return copies of what is there; nothing of the file stays in memory for them."""
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        number = range(len(self))[place]
        batch = self._file.get_batch(number // ROWS)
        example, size = _example(batch, number % ROWS)
        self._release(size + AROUND_BYTES)
        return example

    @cached_property
    def sizes(self) -> Any:
        """Shapes: (N, 2) int32, the tokens of each clean prompt and of each target."""
        found = [np.zeros((0, 2), dtype=np.int32)]
        for batch in self._batches():
            lengths = (batch.column(name).value_lengths() for name in ("clean", "token_ids"))
            found.append(np.stack([length.to_numpy() for length in lengths], axis=1))
        return np.concatenate(found)

    def column(self, name: str) -> Iterator[Any]:
        """Yield one column of all examples, for what is decided before training begins."""
        for batch in self._batches():
            yield from batch.column(name).to_pylist()

    def lacks(self, name: str) -> Iterator[bool]:
        """Yield of all examples whether a column is empty there."""
        for batch in self._batches():
            yield from batch.column(name).is_null().to_pylist()

    def _batches(self) -> Iterator[Any]:
        for number in range(self._file.num_record_batches):
            batch = self._file.get_batch(number)
            yield batch
            self._release(batch.nbytes)

    def _release(self, size: int) -> None:
        """Give back what was read, once it is much: it is read from the disk's cache if needed."""
        self._read += size
        if self._read >= RELEASE_BYTES and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)
            self._read = 0


def put_on_shelf(path: Path, examples: Iterable[Example], made_of: str) -> Shelf:
    """Write examples as they come and return their shelf; one made of the same stays as it is.

    Raises: StorageError; what the iterable raises.
    """
    import pyarrow

    if path.exists():
        try:
            if (shelf := Shelf(path)).made_of == made_of:
                return shelf
        except RowError:
            pass  # damaged: written anew
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    schema = _schema().with_metadata({_MADE_OF: made_of.encode()})
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                with pyarrow.ipc.new_file(file, schema) as batches:
                    rows = iter(examples)
                    while part := list(islice(rows, ROWS)):
                        batches.write_batch(_record_batch(part, schema))
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return Shelf(path)


def _schema() -> Any:
    import pyarrow as pa

    text, flag = pa.string(), pa.bool_()
    tokens, values, flags = pa.list_(pa.int32()), pa.list_(pa.float32()), pa.list_(flag)
    kinds = {
        "key": text,
        "pair": text,
        "view": text,
        "clean": tokens,
        "twins": pa.list_(tokens),
        "span": tokens,
        "verified": flag,
        "on_policy": flag,
        "weights": values,
        "vector": values,
        "token_ids": tokens,
        "ids": tokens,
        "logprobs": values,
        "tail": values,
        "direct": flags,
        "chunk": tokens,
        "chunk_logprobs": values,
    }
    return pa.schema(
        [pa.field(name, kind, nullable=name == "vector") for name, kind in kinds.items()]
    )


def _record_batch(part: Sequence[Example], schema: Any) -> Any:
    import pyarrow as pa

    rows = [_row(example) for example in part]

    def column(field: Any) -> Any:
        values = [row[field.name] for row in rows]
        if not isinstance(values[0], np.ndarray) or field.nullable:
            return pa.array(values, type=field.type)
        ends = np.cumsum([0, *map(len, values)], dtype=np.int32)  # ten times faster
        joined = pa.array(np.concatenate(values), type=field.type.value_type)
        return pa.ListArray.from_arrays(ends, joined, type=field.type)

    return pa.record_batch([column(field) for field in schema], schema=schema)


def _row(example: Example) -> dict[str, Any]:
    """Return the values of one row; a matrix (T, K) is written row by row."""
    signal = example.signal
    vector = None if example.vector is None else np.asarray(example.vector, dtype=np.float32)
    return {
        **{name: getattr(example, name) for name in ("key", "pair", "view", "clean", "twins")},
        "span": list(example.span),
        "verified": example.verified,
        "on_policy": example.on_policy,
        "weights": np.asarray(example.weights, dtype=np.float32),
        "vector": vector,
        **{name: np.ravel(getattr(signal, name)) for name in _KINDS},
    }


_KINDS = {
    "token_ids": np.int64,
    "ids": np.int64,
    "logprobs": np.float32,
    "tail": np.float32,
    "direct": np.bool_,
    "chunk": np.int64,
    "chunk_logprobs": np.float32,
}
"""Arrays of a signal, as the collator wants them."""


def _example(batch: Any, row: int) -> tuple[Example, int]:
    """Return the example of a row of a record batch, and how many bytes its arrays have."""

    def scalar(name: str) -> Any:
        return batch.column(name)[row].as_py()

    def array(name: str, kind: Any) -> Any:
        values = batch.column(name)[row].values
        return values.to_numpy(zero_copy_only=False).astype(kind, copy=True)

    arrays = {name: array(name, kind) for name, kind in _KINDS.items()}
    shape = (len(arrays["token_ids"]), -1) if len(arrays["token_ids"]) else (0, 1)
    for name in ("ids", "logprobs"):
        arrays[name] = arrays[name].reshape(shape)
    example = Example(
        **{name: scalar(name) for name in ("key", "pair", "view", "clean", "twins")},
        span=tuple(scalar("span")),
        signal=Signal(**arrays),
        weights=array("weights", np.float32),
        verified=scalar("verified"),
        on_policy=scalar("on_policy"),
        vector=None if scalar("vector") is None else array("vector", np.float32),
    )
    return example, sum(array.nbytes for array in arrays.values())
