"""From lessons to token batches: the clean text, its perturbed twin, and the teacher's rows.

Shapes in a batch (R rows, clean ones first; T tokens; N target tokens in all rows; K kept):
input_ids, attention_mask, labels (R, T); predicts (R, T) bool, true where the *next* token is a
target; ids, logprobs (N, K); tail, gold, kd, ce, robust (N,), the last three being the weight of
each term for that token, 0 where it does not apply.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from overproof.engines.prompts import PromptForm
from overproof.engines.protocol import TopLogits
from overproof.pairs.ranking import as_problem
from overproof.perturb import perturb_prompt
from overproof.recipe import DistillConfig
from overproof.records import Lesson, Pair, content_key
from overproof.teach.lessons import lesson_prompt
from overproof.teach.logits import load_logits

IGNORED = -100
"""Label of tokens that are not targets, as torch has it."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """One lesson in tokens."""

    clean: list[int]
    """The prompt as it is, without the target."""
    perturbed: list[int] | None
    """The perturbed prompt, or None where this lesson has none."""
    top: TopLogits
    """The teacher on the clean prompt, over the target."""
    verified: bool
    """Whether the target is a program that passed its examples: cross-entropy applies."""


def build_examples(
    lessons: Sequence[Lesson],
    pairs: Sequence[Pair],
    tokenizer: Any,
    form: PromptForm,
    config: DistillConfig,
    seed: int,
) -> list[Example]:
    """Return one example per lesson, in order; every perturbation is drawn from the seed."""
    by_key = {pair.key: pair for pair in pairs}
    examples = []
    for lesson in lessons:
        pair = by_key[lesson.pair]

        def encode(text: str) -> list[int]:
            return list(tokenizer.encode(text, add_special_tokens=False))

        noisy = None
        if lesson.view == "text_to_code" and config.robust_weight > 0:
            noisy = perturbed_prompt(pair, config.robust_operators, seed)
        examples.append(
            Example(
                clean=encode(lesson_prompt(pair, lesson.view, form)),
                perturbed=None
                if noisy is None
                else encode(lesson_prompt(pair, lesson.view, form, noisy)),
                top=load_logits(lesson.key),
                verified=lesson.author == "teacher",
            )
        )
    return examples


def perturbed_prompt(pair: Pair, operators: Sequence[str], seed: int) -> str | None:
    """Return the pair's prompt under one of the operators, or None if none applies.

    Operators that rename the entry point are skipped: the target would no longer fit.
    """
    if not operators:
        return None
    first = int(content_key(pair.key, seed)[:8], 16) % len(operators)
    for step in range(len(operators)):
        operator = operators[(first + step) % len(operators)]
        draft = perturb_prompt(as_problem(pair), operator, seed)
        if draft and draft.entry_point == pair.name and not draft.partial and draft.gold is None:
            return draft.prompt
    return None


def collate(examples: Sequence[Example], config: DistillConfig, pad: int) -> dict[str, Any]:
    """Return a batch of torch tensors; see the module for the shapes."""
    import torch

    rows = [(example, example.clean, True) for example in examples]
    rows += [(example, example.perturbed, False) for example in examples if example.perturbed]
    width = max(len(prompt) + len(example.top.token_ids) for example, prompt, _ in rows)
    shape = (len(rows), width)
    input_ids = np.full(shape, pad, dtype=np.int64)
    attention = np.zeros(shape, dtype=np.int64)
    labels = np.full(shape, IGNORED, dtype=np.int64)
    predicts = np.zeros(shape, dtype=bool)
    weights: dict[str, list[Any]] = {"kd": [], "ce": [], "robust": []}
    for place, (example, prompt, clean) in enumerate(rows):
        target = example.top.token_ids
        start, end = len(prompt), len(prompt) + len(target)
        input_ids[place, :end] = [*prompt, *target]
        attention[place, :end] = 1
        predicts[place, start - 1 : end - 1] = True
        if clean:
            labels[place, start:end] = target
        ones = np.ones(len(target), dtype=np.float32)
        weights["kd"].append(ones * config.kd_weight * clean)
        weights["ce"].append(ones * config.ce_weight * (clean and example.verified))
        weights["robust"].append(ones * config.robust_weight * (not clean))
    tops = [example.top for example, _, _ in rows]
    batch = {
        "input_ids": input_ids,
        "attention_mask": attention,
        "labels": labels,
        "predicts": predicts,
        "ids": np.concatenate([top.ids for top in tops]).astype(np.int64),
        "logprobs": np.concatenate([top.logprobs for top in tops]).astype(np.float32),
        "tail": np.concatenate([top.tail for top in tops]).astype(np.float32),
        "gold": np.concatenate([top.token_ids for top in tops]).astype(np.int64),
        **{name: np.concatenate(parts) for name, parts in weights.items()},
    }
    return {name: torch.from_numpy(array) for name, array in batch.items()}
