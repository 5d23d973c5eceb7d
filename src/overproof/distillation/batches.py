"""From examples to tensors: one row per prompt, and per target token what it is compared with.

Shapes in a batch (R rows, clean ones first; W tokens; N target tokens in all rows; K kept ids):

    input_ids, attention_mask, labels   (R, W)
    predicts                            (R, W) bool, true where the *next* token is a target
    row                                 (N,) row of each target token
    ids, logprobs                       (N, K); tail, gold, place (N,): place of gold among ids
    kd, ce, robust, policy              (N,) weight of each term for that token, 0 where it has none
    direct                              (N,) bool: compared as a distribution, else as a piece
    chunk, chunk_logprobs               (N,) number of its piece, and the teacher's log-likelihood
    twin                                (R,) number of the example that a perturbed row belongs to
    span                                (R, 2) tokens pooled for the alignment term
    vectors                             (B, 2, D) teacher's text and code of the aligned pairs
    aligned                             (B, 2) rows of their text and their code

Labels mark clean targets only: they are what the loss is divided by.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from overproof.distillation.examples import Example
from overproof.engines.sparse import ABSENT
from overproof.recipe import DistillConfig

IGNORED = -100
"""Label of tokens that are not targets, as torch has it."""
TERMS = ("kd", "ce", "robust", "policy")

Batch = dict[str, Any]


def collate(examples: Sequence[Example], config: DistillConfig, pad: int) -> Batch:
    """Return a batch of torch tensors; see the module for the shapes."""
    import torch

    rows = [(number, example, example.clean) for number, example in enumerate(examples)]
    rows += [
        (number, example, twin)
        for number, example in enumerate(examples)
        if config.robust_weight > 0
        for twin in example.twins
    ]
    arrays = _texts(rows, len(examples), pad)
    arrays |= _targets(rows, len(examples), config)
    arrays |= _alignment(examples, config)
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}


def take_rows(batch: Batch, keep: Any) -> Batch:
    """Return the batch with these rows only.

    Shapes: keep (R,) bool; the clean rows are kept or left out together.
    """
    tokens = keep[batch["row"]]
    number = keep.long().cumsum(0) - 1
    kept = dict(batch)
    for name in ("input_ids", "attention_mask", "labels", "predicts", "twin", "span"):
        kept[name] = batch[name][keep]
    for name in ("ids", "logprobs", "tail", "gold", "place", "direct", "chunk", "chunk_logprobs"):
        kept[name] = batch[name][tokens]
    for name in TERMS:
        kept[name] = batch[name][tokens]
    kept["row"] = number[batch["row"][tokens]]
    return kept


def view_weight(example: Example, config: DistillConfig) -> float:
    """Return the weight of the divergence on the clean prompt of this example."""
    return {
        "text_to_code": config.kd_weight,
        "code_to_text": config.describe_weight,
        "repair": config.repair_weight,
        "fill_in_middle": config.infill_weight,
    }[example.view]


def _texts(rows: Sequence[tuple[int, Example, list[int]]], clean: int, pad: int) -> Batch:
    width = max(len(prompt) + len(example.signal.token_ids) for _, example, prompt in rows)
    shape = (len(rows), width)
    input_ids = np.full(shape, pad, dtype=np.int64)
    attention = np.zeros(shape, dtype=np.int64)
    labels = np.full(shape, IGNORED, dtype=np.int64)
    predicts = np.zeros(shape, dtype=bool)
    for place, (_, example, prompt) in enumerate(rows):
        target = example.signal.token_ids
        start, end = len(prompt), len(prompt) + len(target)
        input_ids[place, :end] = [*prompt, *target]
        attention[place, :end] = 1
        predicts[place, start - 1 : end - 1] = True
        if place < clean:
            labels[place, start:end] = target
    return {
        "input_ids": input_ids,
        "attention_mask": attention,
        "labels": labels,
        "predicts": predicts,
        "twin": np.array([number for number, _, _ in rows], dtype=np.int64),
        "span": np.array([example.span for _, example, _ in rows], dtype=np.int64),
    }


def _targets(
    rows: Sequence[tuple[int, Example, list[int]]], clean: int, config: DistillConfig
) -> Batch:
    signals = [example.signal for _, example, _ in rows]
    lengths = [len(signal.token_ids) for signal in signals]
    kept = max(signal.ids.shape[1] for signal in signals)
    ids = np.concatenate([_widened(signal.ids, kept, ABSENT) for signal in signals])
    gold = np.concatenate([signal.token_ids for signal in signals])
    chunk, first = [], 0
    for signal in signals:
        chunk.append(signal.chunk + first)
        first += len(signal.chunk_logprobs)
    weights: dict[str, list[Any]] = {name: [] for name in TERMS}
    for place, (_, example, _) in enumerate(rows):
        for name, value in _term_weights(example, place < clean, config).items():
            weights[name].append(example.weights * np.float32(value))
    return {
        "row": np.repeat(np.arange(len(rows)), lengths),
        "ids": ids,
        "logprobs": np.concatenate(
            [_widened(signal.logprobs, kept, -np.inf) for signal in signals]
        ).astype(np.float32),
        "tail": np.concatenate([signal.tail for signal in signals]).astype(np.float32),
        "gold": gold,
        "place": (ids == gold[:, None]).argmax(axis=1),
        "direct": np.concatenate([signal.direct for signal in signals]),
        "chunk": np.concatenate(chunk),
        "chunk_logprobs": np.concatenate(
            [signal.chunk_logprobs[signal.chunk] for signal in signals]
        ).astype(np.float32),
        **{name: np.concatenate(parts).astype(np.float32) for name, parts in weights.items()},
    }


def _term_weights(example: Example, clean: bool, config: DistillConfig) -> dict[str, float]:
    """Return what each term counts for the tokens of a row."""
    if example.on_policy:
        return {"kd": 0.0, "ce": 0.0, "robust": 0.0, "policy": config.on_policy_weight * clean}
    is_ce = clean and (
        config.ce_targets == "all" or (example.verified and example.view == "text_to_code")
    )
    return {
        "kd": view_weight(example, config) * clean,
        "ce": config.ce_weight * is_ce,
        "robust": config.robust_weight * (not clean),
        "policy": 0.0,
    }


def _alignment(examples: Sequence[Example], config: DistillConfig) -> Batch:
    """Return the pairs that stand in this batch in both views, with the teacher's vectors."""
    if config.alignment_weight == 0:
        return {}
    rows: dict[str, dict[str, int]] = {}
    for row, example in enumerate(examples):
        if example.vector is not None:
            rows.setdefault(example.pair, {}).setdefault(example.view, row)
    both = [found for found in rows.values() if len(found) == 2]
    places = [(found["text_to_code"], found["code_to_text"]) for found in both]
    if not places:
        return {}
    vectors = [[examples[row].vector for row in pair] for pair in places]
    return {
        "aligned": np.array(places, dtype=np.int64),
        "vectors": np.asarray(vectors, dtype=np.float32),
    }


def _widened(array: Any, width: int, filler: float) -> Any:
    return np.pad(array, ((0, 0), (0, width - array.shape[1])), constant_values=filler)
