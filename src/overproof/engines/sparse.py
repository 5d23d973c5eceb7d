"""Cut a row of logits to K tokens: the likeliest and a tail, or draws from the whole row.

    p̂ = (p_1 … p_K, 1 − Σ p_k)

Nothing is renormalised: the student is also told how much mass lies outside the K, which a plain
top-K cut leaves free (and so biased). The gold token is always kept, because it is outside the top
32 for one token in sixteen of real code. With draws there is no tail: each token weighs how often
it was drawn, which is its probability in expectation, at any K.

    >>> import numpy as np
    >>> top = draw_tokens(np.log([[0.25, 0.75]]), [0], 64, seed=1)
    >>> top.ids[0, :3].tolist(), round(float(np.exp(top.logprobs[0, 0])), 2)
    ([1, 0, -1], 0.8)

Source: the tail bucket is common practice; draws: Anshumann et al. 2025 (random-sampling KD), with
the teacher itself as the proposal.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from overproof.engines.protocol import TopLogits

ABSENT = -1
"""In place of an id: no token here."""
LEAST_TAIL = 1e-7
"""The tail of a row whose K hold everything, in float32 arithmetic."""


def cut(
    logits: Any,
    gold: Any,
    top_k: int,
    vocabulary: int | None = None,
    *,
    temperature: float = 1.0,
    sampled: bool = False,
    seed: int = 0,
) -> TopLogits:
    """Return what is kept of a teacher's logits: the top K, or K draws if `sampled`.

    Shapes and Raises: as `keep_top_k`.
    """
    if sampled:
        return draw_tokens(logits, gold, top_k, vocabulary, temperature=temperature, seed=seed)
    return keep_top_k(logits, gold, top_k, vocabulary, temperature=temperature)


def keep_top_k(
    logits: Any,
    gold: Any,
    top_k: int,
    vocabulary: int | None = None,
    *,
    temperature: float = 1.0,
) -> TopLogits:
    """Return the K likeliest tokens of each row, the gold one among them, and the tail.

    Shapes: logits (T, V) float; gold (T,) int. Rows of the vocabulary beyond `vocabulary`, which
    pad the matrix and encode nothing, are ignored.
    Raises: ValueError if the lengths differ or K is not below the vocabulary.
    """
    rows, targets = _checked(logits, gold, vocabulary, temperature)
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
    return _with_tail(targets, ids, logprobs)


def draw_tokens(
    logits: Any,
    gold: Any,
    draws: int,
    vocabulary: int | None = None,
    *,
    temperature: float = 1.0,
    seed: int = 0,
) -> TopLogits:
    """Return the distinct tokens of `draws` draws from each row, with replacement, and weights.

    Shapes: as `keep_top_k`, with K = draws; the most drawn first, ids of -1 after the last.
    Raises: ValueError if the lengths differ or nothing is drawn.
    Source: Anshumann et al. 2025, ACL long.885, section 3.
    """
    rows, targets = _checked(logits, gold, vocabulary, temperature)
    if draws < 1:
        raise ValueError(f"{draws} draws: at least one is needed")
    random = np.random.default_rng(seed)
    ids = np.full((len(rows), draws), ABSENT, dtype=np.int32)
    weights = np.full((len(rows), draws), -np.inf, dtype=np.float32)
    for place, row in enumerate(rows):
        reached = np.cumsum(np.exp(row - row.max()), dtype=np.float64)
        drawn = np.searchsorted(reached, random.random(draws) * reached[-1], side="right")
        found, counts = np.unique(np.minimum(drawn, len(row) - 1), return_counts=True)
        order = np.argsort(-counts, kind="stable")
        ids[place, : len(found)] = found[order]
        weights[place, : len(found)] = np.log(counts[order] / draws)
    return TopLogits(
        token_ids=targets.astype(np.int32),
        ids=ids,
        logprobs=weights,
        tail=np.full(len(rows), -np.inf, dtype=np.float16),
        sampled=True,
    )


def from_listed(rows: Sequence[Mapping[int, float]], gold: Sequence[int], top_k: int) -> TopLogits:
    """Return the top K of rows that somebody else has cut: log-probability by token id.

    A row that lists fewer is filled with ids of -1; the gold token is kept if it is listed.
    Raises: ValueError if the lengths differ.

    >>> from_listed([{5: -0.5, 7: -1.5, 9: -3.0}], [9], 2).ids.tolist()
    [[5, 9]]
    """
    if len(rows) != len(gold):
        raise ValueError(f"{len(rows)} rows of log-probabilities for {len(gold)} tokens")
    ids = np.full((len(rows), top_k), ABSENT, dtype=np.int32)
    logprobs = np.full((len(rows), top_k), -np.inf, dtype=np.float32)
    for place, (row, token) in enumerate(zip(rows, gold, strict=True)):
        kept = sorted(row, key=lambda known: -row[known])[:top_k]
        if token in row and token not in kept:
            kept[-1] = token
        ids[place, : len(kept)] = kept
        logprobs[place, : len(kept)] = [min(0.0, row[known]) for known in kept]
    return _with_tail(np.asarray(gold, dtype=np.int64), ids, logprobs)


def captured_mass(top: TopLogits) -> float:
    """Return the mean probability mass that the kept tokens hold; 1 for draws, which stand for all.

    >>> import numpy as np
    >>> logits = np.log(np.array([[0.5, 0.25, 0.125, 0.125]]))
    >>> round(captured_mass(keep_top_k(logits, np.array([0]), 2)), 2)
    0.75
    """
    return float(np.exp(np.asarray(top.logprobs, dtype=np.float64)).sum(axis=1).mean())


def _checked(
    logits: Any, gold: Any, vocabulary: int | None, temperature: float
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the rows at the temperature, without padding, and the gold tokens."""
    rows = np.asarray(logits, dtype=np.float32)[:, :vocabulary]
    targets = np.asarray(gold, dtype=np.int64)
    if len(rows) != len(targets):
        raise ValueError(f"{len(rows)} rows of logits for {len(targets)} gold tokens")
    return rows if temperature == 1 else rows / np.float32(temperature), targets


def _with_tail(targets: Any, ids: Any, logprobs: Any) -> TopLogits:
    kept = np.exp(logprobs.astype(np.float64)).sum(axis=1)
    return TopLogits(
        token_ids=targets.astype(np.int32),
        ids=ids.astype(np.int32),
        logprobs=logprobs.astype(np.float16),
        tail=np.log(np.maximum(1.0 - kept, LEAST_TAIL)).astype(np.float16),
    )
