"""Cut a row of logits to its top K, the gold token and one number for the rest.

    p̂ = (p_1 … p_K, 1 − Σ p_k)

so that nothing is renormalised: the student is also told how much mass lies outside the K, which a
plain top-K cut leaves free (and so biased). Source: the tail bucket is common practice; the gold
token is always kept, because it is outside the top 32 for one token in sixteen of real code.
"""

from typing import Any

import numpy as np

from overproof.engines.protocol import TopLogits


def keep_top_k(logits: Any, gold: Any, top_k: int, vocabulary: int | None = None) -> TopLogits:
    """Return the K likeliest tokens of each row, the gold one among them, and the tail.

    Shapes: logits (T, V) float; gold (T,) int. Rows of the vocabulary beyond `vocabulary`, which
    pad the matrix and encode nothing, are ignored.
    Raises: ValueError if the lengths differ or K is not below the vocabulary.
    """
    rows = np.asarray(logits, dtype=np.float32)[:, :vocabulary]
    targets = np.asarray(gold, dtype=np.int64)
    if len(rows) != len(targets):
        raise ValueError(f"{len(rows)} rows of logits for {len(targets)} gold tokens")
    if not 0 < top_k < rows.shape[1]:
        raise ValueError(f"top_k {top_k} is not below the vocabulary of {rows.shape[1]}")
    peak = rows.max(axis=1, keepdims=True)
    normaliser = peak[:, 0] + np.log(np.exp(rows - peak).sum(axis=1))
    ids = np.argpartition(rows, -top_k, axis=1)[:, -top_k:]
    order = np.argsort(-np.take_along_axis(rows, ids, axis=1), axis=1, kind="stable")
    ids = np.take_along_axis(ids, order, axis=1)
    missing = ~(ids == targets[:, None]).any(axis=1)
    ids[missing, -1] = targets[missing]  # the least likely one makes room
    logprobs = np.take_along_axis(rows, ids, axis=1) - normaliser[:, None]
    kept = np.exp(logprobs.astype(np.float64)).sum(axis=1)
    tail = np.log(np.maximum(1.0 - kept, 1e-7))
    return TopLogits(
        token_ids=targets.astype(np.int32),
        ids=ids.astype(np.int32),
        logprobs=logprobs.astype(np.float16),
        tail=tail.astype(np.float16),
    )


def captured_mass(top: TopLogits) -> float:
    """Return the mean probability mass that the K kept tokens hold.

    >>> import numpy as np
    >>> logits = np.log(np.array([[0.5, 0.25, 0.125, 0.125]]))
    >>> round(captured_mass(keep_top_k(logits, np.array([0]), 2)), 2)
    0.75
    """
    return float(np.exp(np.asarray(top.logprobs, dtype=np.float64)).sum(axis=1).mean())
