"""How far the student is from its teacher on pairs that training never sees.

    before = measure_heldout(causal, heldout, setting, pad)

Three conditions: the prompt as it is, perturbed by operators that training sees, and perturbed
by others. The teacher is always the one on the clean prompt. Kept per lesson, so that intervals
can be drawn over lessons.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from overproof.distillation.batches import Batch, collate
from overproof.distillation.examples import Example
from overproof.distillation.objective import Setting, token_divergences
from overproof.records import Pair, content_key

MOST = 64
"""Pairs held out at most: enough for the interval, and each costs three forward passes."""
LEAST = 5
"""Lessons that an interval needs at least: a draw from one or two is always the same."""
Measured = dict[str, list[tuple[float, int]]]
"""Per condition and lesson: the sum of the divergences of its tokens, and how many they are."""


def hold_out(pairs: Sequence[Pair], share: float, seed: int) -> set[str]:
    """Return the keys of the pairs that training must not see, drawn by the seed.

    >>> hold_out([], 0.05, 0)
    set()
    """
    count = min(MOST, math.ceil(share * len(pairs)), len(pairs) // 2)
    order = sorted(pair.key for pair in pairs)
    return set(sorted(order, key=lambda key: content_key("held out", seed, key))[:count])


def measure_heldout(
    causal: Any,
    conditions: Mapping[str, Sequence[Example]],
    setting: Setting,
    pad: int,
    batch_size: int,
    ask: Callable[[Batch, Setting], Any] | None = None,
) -> Measured:
    """Return the divergence of the student from the teacher, per condition and lesson, in nats.

    It is the forward KL over kept tokens and tail, whatever training minimises. `ask` replaces the
    way to the divergences of a batch, where the model cannot be run in parts.
    """
    import torch

    plain = replace(setting, config=replace(setting.config, divergence="forward_kl"))
    device = next(causal.parameters()).device
    ask = ask or partial(token_divergences, causal)
    was_training = causal.training
    causal.eval()
    found: Measured = {}
    for name, examples in conditions.items():
        rows = found.setdefault(name, [])
        for start in range(0, len(examples), batch_size):
            part = examples[start : start + batch_size]
            batch = collate(part, replace(plain.config, robust_weight=0.0), pad)
            batch = {key: value.to(device) for key, value in batch.items()}
            values = ask(batch, plain)
            sums = torch.zeros(len(part), device=device).index_add_(0, batch["row"], values)
            counts = torch.bincount(batch["row"], minlength=len(part))
            rows += [
                (round(float(value), 5), int(count))
                for value, count in zip(sums, counts, strict=True)
            ]
    causal.train(was_training)
    return found


def as_perturbed(examples: Iterable[Example]) -> Iterator[Example]:
    """Yield the examples with their first twin in place of the clean prompt."""
    return (replace(one, clean=one.twins[0], twins=[]) for one in examples if one.twins)


def per_token(rows: Sequence[tuple[float, int]]) -> float:
    """Return the mean per token.

    >>> per_token([(1.0, 3), (2.0, 1)])
    0.75
    """
    return sum(value for value, _ in rows) / max(1, sum(count for _, count in rows))


def summarise(
    measured: Mapping[int, Measured], kept_step: int, seed: int
) -> dict[str, dict[str, float | None]]:
    """Return per condition the means before and at the kept step, and the fall with its interval.

    The interval is the percentile bootstrap over lessons, the same draws before and after; None for
    fewer than LEAST.
    """
    import numpy as np

    if not measured:
        return {}
    first, last = measured[min(measured)], measured[kept_step]
    found = {}
    for name, rows in first.items():
        before, after = np.array(rows, dtype=float), np.array(last[name], dtype=float)
        rng = np.random.default_rng([seed, len(rows)])
        draws = rng.integers(0, len(rows), (2000, len(rows)))
        falls = 1 - after[draws, 0].sum(1) / np.maximum(before[draws, 0].sum(1), 1e-12)
        low, high = np.quantile(falls, [0.025, 0.975]) if len(rows) >= LEAST else (None, None)
        found[name] = {
            "before": round(per_token(rows), 5),
            "after": round(per_token(last[name]), 5),
            "fall": round(1 - per_token(last[name]) / max(per_token(rows), 1e-12), 4),
            "low": None if low is None else round(float(low), 4),
            "high": None if high is None else round(float(high), 4),
            "n": len(rows),
        }
    return found
