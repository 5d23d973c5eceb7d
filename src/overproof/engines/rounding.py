"""Whether int8 products are exact on this processor.

x86 without VNNI multiplies int8 in pairs and keeps their sum in 16 bits, which saturates: large
sums are cut off, and what a model with large activations writes changes. SmolLM2-135M loses 0.45
nats a token that way, Qwen2.5-Coder-0.5B 0.01; with MKL's exact products the first loses 0.01.
`benchmarks/int8_rounding.py` measures it.

    >>> saturates({"avx2"}, "x86_64"), saturates({"avx2", "avx_vnni"}, "x86_64")
    (True, False)
"""

import platform
from collections.abc import Set
from functools import cache
from pathlib import Path

EXACT = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})
"""Flags of processors that sum int8 products in 32 bits."""


def saturates(flags: Set[str], machine: str) -> bool:
    """Return whether oneDNN's int8 products saturate on a processor with these flags.

    Source: oneDNN's documentation, "Nuances of int8 Computations".
    """
    return machine.lower() in ("x86_64", "amd64") and not EXACT & flags


@cache
def saturates_here() -> bool:
    """Return the same of this machine; False where its flags are not known."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.startswith("flags")), "")
    return bool(flags) and saturates(frozenset(flags.split()), platform.machine())
