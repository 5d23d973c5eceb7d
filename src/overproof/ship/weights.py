"""The weights of a checkpoint folder, row by row, without loading the model.

with Weights(Path("checkpoints/student")) as weights:
    weights.rows("model.norm.weight")
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from overproof.engines.protocol import missing_engine
from overproof.errors import DataError

CHUNK_WEIGHTS = 8_000_000
"""Read at once: 32 MB in float32."""


class Weights:
    """All tensors of a folder's `*.safetensors`, whichever file they are in."""

    shapes: Mapping[str, tuple[int, ...]]

    def __init__(self, folder: Path) -> None:
        """Open the files; they are mapped, not read.

        Raises: EngineError without the packages; DataError for a damaged file.
        """
        try:
            from safetensors import SafetensorError, safe_open
        except ImportError:
            raise missing_engine("safetensors") from None
        self._stack = ExitStack()
        self._files: dict[str, Any] = {}
        for path in sorted(folder.glob("*.safetensors")):
            try:
                file = self._stack.enter_context(safe_open(path, framework="pt"))
            except SafetensorError as error:
                raise DataError(f"{path}: {error}", hint="write the checkpoint again") from None
            self._files |= dict.fromkeys(file.keys(), file)
        self.shapes = {
            name: tuple(file.get_slice(name).get_shape()) for name, file in self._files.items()
        }

    def rows(self, name: str, start: int = 0, stop: int | None = None) -> Any:
        """Return rows of a tensor as float32; a vector is one row. Shapes: (R, C)."""
        shape = self.shapes[name]
        found = self._files[name].get_slice(name)
        part = found[:] if len(shape) == 1 else found[start : shape[0] if stop is None else stop]
        return part.float().numpy().reshape(-1, shape[-1])

    def chunks(self, name: str) -> Iterator[tuple[int, Any]]:
        """Yield the first row's number and rows, a few million weights at a time."""
        shape = self.shapes[name]
        count = 1 if len(shape) == 1 else shape[0]
        step = max(1, CHUNK_WEIGHTS // shape[-1])
        for start in range(0, count, step):
            yield start, self.rows(name, start, min(count, start + step))

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the files."""
        self._stack.close()
