"""Write a GGUF file from a checkpoint folder, and read it back.

The weights pass through in pieces: a file of any size takes about as much memory as its largest
tensor, quantised. The file takes its place only when it is whole.

    write_gguf(folder, Path("model.gguf"), "q8_0", fields)
"""

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from overproof.errors import DataError
from overproof.progress import stage
from overproof.ship.ggml import dequantise, gguf_package, quantise, row_bytes
from overproof.ship.header import Fields, Header, Tensor, read_header
from overproof.ship.layout import Planned, check_architecture, plan_tensors, reorder
from overproof.ship.weights import Weights
from overproof.store import storage_errors

COPIED = ("rope_freqs.weight",)
"""Tensors that a base file may have and no checkpoint has."""


def read_config(folder: Path) -> dict[str, Any]:
    """Return config.json of a checkpoint."""
    found: dict[str, Any] = json.loads((folder / "config.json").read_text())
    return found


def write_gguf(
    folder: Path, target: Path, quantisation: str, fields: Fields, base: Header | None = None
) -> dict[str, Any]:
    """Write the file; return how many tensors have which format.

    Raises: EngineError for an architecture without a layout; DataError for weights that float16
    cannot hold; StorageError.
    """
    config = read_config(folder)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    with Weights(folder) as weights, storage_errors(target):
        planned = plan_tensors(config, weights.shapes, quantisation)
        try:
            _write(temporary, config, weights, planned, fields, _extras(base))
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    return dict(Counter(tensor.kind for tensor in planned))


def read_back(folder: Path, file: Path, quantisation: str) -> dict[str, Any]:
    """Return how far the weights in a GGUF file are from the checkpoint's.

    `rmse` is relative to the root mean square of the weights, by format; `exact` says whether all
    of them are the same numbers.
    Raises: DataError if a tensor is missing or has another shape.
    """
    config = read_config(folder)
    there = dict(read_header(file).tensors)
    squares: dict[str, Any] = {}
    with Weights(folder) as weights:
        planned = plan_tensors(config, weights.shapes, quantisation)
        with stage(f"read back: {file.name}", len(planned), "tensors") as advance:
            for tensor in planned:
                found = there.pop(tensor.name, None)
                if found is None or found.shape != tensor.shape:
                    raise DataError(f"{file}: {tensor.name} is not there as it was written")
                squares.setdefault(found.kind, np.zeros(2))
                squares[found.kind] += _distance(weights, tensor, found)
                advance(1)
    if left := set(there) - set(COPIED):
        raise DataError(f"{file}: holds {', '.join(sorted(left))}, which nobody wrote")
    rmse = {kind: float(np.sqrt(off / max(all_, 1e-30))) for kind, (off, all_) in squares.items()}
    return {
        "tensors": len(planned),
        "rmse": {kind: float(f"{value:.3g}") for kind, value in rmse.items()},
        "exact": not any(off for off, _ in squares.values()),
    }


def _write(
    path: Path,
    config: Mapping[str, Any],
    weights: Weights,
    planned: Sequence[Planned],
    fields: Fields,
    extras: Sequence[Tensor],
) -> None:
    writer = gguf_package().GGUFWriter(path, check_architecture(config))
    for key, field in fields.items():
        writer.add_key_value(key, field.value, field.kind, field.items)
    for tensor in planned:
        _announce(writer, tensor)
    for extra in extras:
        writer.add_tensor_info(extra.name, extra.data.shape, extra.data.dtype, extra.data.nbytes)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        with stage(
            f"write: {path.name[1:].rpartition('.')[0]}", len(planned), "tensors"
        ) as advance:
            for tensor in planned:
                writer.write_tensor_data(_packed(weights, tensor))
                advance(1)
        for extra in extras:
            writer.write_tensor_data(extra.data)
    finally:
        writer.close()


def _announce(writer: Any, tensor: Planned) -> None:
    """Tell the writer of a tensor whose bytes follow later."""
    gguf = gguf_package()
    size = row_bytes(tensor.kind, tensor.shape[-1])
    shape = (*tensor.shape[:-1], size)
    writer.add_tensor_info(
        tensor.name,
        shape,
        np.dtype(np.uint8),
        int(np.prod(shape)),
        gguf.GGMLQuantizationType[tensor.kind],
    )


def _packed(weights: Weights, tensor: Planned) -> Any:
    """Return the bytes of a tensor. Raises: DataError if one of its numbers overflows."""
    size = row_bytes(tensor.kind, tensor.shape[-1])
    packed = np.empty((*tensor.shape[:-1], size), dtype=np.uint8)
    for start, rows in _ordered(weights, tensor):
        part = quantise(rows, tensor.kind)
        if tensor.kind == "F16" and not np.isfinite(part.view(np.float16)).all():
            raise DataError(
                f"{tensor.ours}: a weight is beyond what float16 holds, or not a number",
                hint="export it --to safetensors in bf16",
            )
        packed.reshape(-1, size)[start : start + len(part)] = part
    return packed


def _ordered(weights: Weights, tensor: Planned) -> Any:
    """Yield the first row's number and rows, in the file's order."""
    if not tensor.heads:
        yield from weights.chunks(tensor.ours)
        return
    rows = weights.rows(tensor.ours)
    if len(tensor.shape) == 1:
        yield 0, reorder(rows.T, tensor.heads).T
    else:
        yield 0, reorder(rows, tensor.heads)


def _distance(weights: Weights, tensor: Planned, found: Tensor) -> Any:
    """Return the squared error and the squared size, summed over a tensor."""
    total = np.zeros(2)
    data = found.data.reshape(1, -1) if len(tensor.shape) == 1 else found.data
    for start, rows in _ordered(weights, tensor):
        part = data[start : start + len(rows)]
        kind = found.kind
        there = part if kind in ("F32", "F16") else dequantise(part, kind)
        off = there.astype(np.float64) - rows
        total += [float((off**2).sum()), float((rows.astype(np.float64) ** 2).sum())]
    return total


def _extras(base: Header | None) -> list[Tensor]:
    """Return what only the base file has."""
    found = base.tensors if base else {}
    return [tensor for name, tensor in found.items() if name in COPIED]
