"""Whether bfloat16 is worth it here: measured, not guessed from the name of the processor.

On a CPU without bfloat16 instructions the same product takes seventy times as long as in float32.
"""

import time
from typing import Any


def bfloat16_is_faster() -> bool:
    """Return whether a matrix product of training size is faster in bfloat16 on this device."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    return _seconds(torch, torch.bfloat16, device) < _seconds(torch, torch.float32, device)


def _seconds(torch: Any, dtype: Any, device: str) -> float:
    """Return the best of three timings of one product of shapes (64, 896) and (896, 1024)."""
    first = torch.randn(64, 896, device=device).to(dtype)
    second = torch.randn(896, 1024, device=device).to(dtype)
    timings = []
    for _ in range(4):
        start = time.perf_counter()
        product = first @ second
        if device == "cuda":
            torch.cuda.synchronize()
        timings.append(time.perf_counter() - start)
        del product
    return float(min(timings[1:]))
