"""Quantise rows of weights: ggml's own code where xllamacpp carries it, else gguf's in numpy.

F32, F16, BF16 and Q8_0 need the package gguf only. The block formats with super-blocks (Q4_K, Q6_K)
and Q5_0 come from ggml, which xllamacpp's shared library holds and exports: so the bytes are
those that llama.cpp's own quantiser writes without an importance matrix.
Not covered: importance matrices; formats below four bits.

    quantise(numpy.ones((1, 256), dtype="float32"), "Q4_K").shape     # (1, 144)
"""

import ctypes
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from overproof.engines.protocol import missing_engine
from overproof.errors import EngineError

IN_NUMPY = ("F32", "F16", "BF16", "Q8_0")
"""Formats that gguf writes by itself."""
FALLBACK = {"Q4_K": "Q5_0", "Q6_K": "Q8_0", "Q5_0": "F16", "Q8_0": "F16"}
"""For rows whose length is no multiple of the block, as llama.cpp falls back.

Source: llama.cpp, src/llama-quant.cpp.
"""


def gguf_package() -> Any:
    """Return the package gguf. Raises: EngineError if it is not installed."""
    try:
        import gguf
    except ImportError:
        raise missing_engine("gguf") from None
    return gguf


def fitting(kind: str, columns: int) -> str:
    """Return this format, or the next that takes rows of `columns` weights.

    >>> fitting("Q4_K", 896), fitting("Q4_K", 1024), fitting("Q8_0", 33)
    ('Q5_0', 'Q4_K', 'F16')
    """
    while kind in FALLBACK and columns % _block(kind)[0]:
        kind = FALLBACK[kind]
    return kind


def row_bytes(kind: str, columns: int) -> int:
    """Return how many bytes a row of `columns` weights takes.

    Source: ggml, src/ggml-common.h: sizes of the blocks, as the package gguf lists them.
    """
    weights, size = _block(kind)
    return columns // weights * size


def quantise(rows: Any, kind: str) -> Any:
    """Return rows in a format of ggml.

    Shapes: rows (R, C) float32; returns (R, row_bytes(kind, C)) uint8.
    Raises: EngineError if the format needs ggml and it cannot be reached.
    """
    gguf = gguf_package()
    if kind in IN_NUMPY:
        with np.errstate(over="ignore"):
            packed = gguf.quantize(rows, gguf.GGMLQuantizationType[kind])
        return np.ascontiguousarray(packed).view(np.uint8).reshape(len(rows), -1)
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    packed = np.zeros((len(rows), row_bytes(kind, rows.shape[1])), dtype=np.uint8)
    written = _ggml_quantiser()(
        int(gguf.GGMLQuantizationType[kind]),
        rows.ctypes.data,
        packed.ctypes.data,
        0,
        len(rows),
        rows.shape[1],
        None,
    )
    if written != packed.nbytes:
        raise EngineError(f"ggml wrote {written} bytes of {kind}, not {packed.nbytes}")
    return packed


def dequantise(packed: Any, kind: str) -> Any:
    """Return float32 rows. Shapes: packed (R, B) uint8; returns (R, C) float32."""
    gguf = gguf_package()
    return gguf.dequantize(packed, gguf.GGMLQuantizationType[kind])


def _block(kind: str) -> tuple[int, int]:
    """Return weights and bytes of a block."""
    gguf = gguf_package()
    weights, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[kind]]
    return int(weights), int(size)


@lru_cache(maxsize=1)
def _ggml_quantiser() -> Any:
    """Return `ggml_quantize_chunk` of xllamacpp's library.

    Source: ggml, include/ggml.h: (type, from, to, first weight, rows, weights per row, importance).
    """
    try:
        import xllamacpp
    except ImportError:
        raise missing_engine("xllamacpp") from None
    for library in sorted(Path(xllamacpp.__file__).parent.glob("xllamacpp*.so")):
        function = getattr(ctypes.CDLL(str(library)), "ggml_quantize_chunk", None)
        if function is not None:
            count, pointer = ctypes.c_int64, ctypes.c_void_p
            function.argtypes = [ctypes.c_int, pointer, pointer, count, count, count, pointer]
            function.restype = ctypes.c_size_t
            return function
    raise EngineError(
        "this build of xllamacpp does not export ggml's quantisers",
        hint="write f16 or q8_0, and run `llama-quantize FILE OUT Q4_K_M` of llama.cpp on it",
    )
