"""From lessons to token rows: the clean prompt, its perturbed twins, and the teacher's signal.

    examples = build_examples(lessons, pairs, tokenizers, form, config, seed)

Everything here is decided before training begins, from the seed: which operator perturbs which
prompt, how much each token weighs. Which twin is taken in a step is the schedule's business.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from overproof.distillation.crossing import at_starts, cross
from overproof.distillation.syntax import token_weights
from overproof.distillation.tokenizers import true_vocabulary
from overproof.engines.prompts import PromptForm
from overproof.engines.protocol import TopLogits
from overproof.engines.sparse import ABSENT
from overproof.pairs.ranking import as_problem
from overproof.perturbation import perturb_prompt
from overproof.recipe import DistillConfig
from overproof.records import Lesson, Pair, View, content_key
from overproof.teach.cache import load_logits
from overproof.teach.views import lesson_prompt

TRIES = 4
"""Draws per wanted twin, since some operators leave some prompts as they are."""


@dataclass(frozen=True, kw_only=True)
class Signal:
    """The teacher on one target, in the student's tokens.

    Shapes: T target tokens, K kept ids, C pieces of text.
    """

    token_ids: Any
    """(T,) the target."""
    ids: Any
    """(T, K) kept ids, the target's own among them; ABSENT fills a row."""
    logprobs: Any
    """(T, K) the teacher's; -inf where an id stands only because it is the target's."""
    tail: Any
    """(T,) log of the teacher's mass outside."""
    direct: Any
    """(T,) bool: the row is a distribution; else the token is part of a longer piece."""
    chunk: Any
    """(T,) number of the piece of text that the token belongs to."""
    chunk_logprobs: Any
    """(C,) the teacher's log-likelihood of each piece."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """One lesson in tokens."""

    key: str
    pair: str
    view: View
    clean: list[int]
    """The prompt as it is, without the target."""
    twins: list[list[int]]
    """The prompt perturbed, once per draw; empty where this lesson has none."""
    span: tuple[int, int]
    """Tokens of the clean prompt that are the pair's own text or code."""
    signal: Signal
    weights: Any
    """(T,) what each target token weighs, 1 on average."""
    verified: bool
    """Whether the target is a program that passed its checks."""
    on_policy: bool = False
    """Whether the student wrote the target."""
    vector: Any = None
    """The teacher's embedding of the span, for the alignment term."""


@dataclass(frozen=True)
class Tokenizers:
    """Teacher's and student's; the same object twice where they encode alike."""

    teacher: Any
    student: Any

    @property
    def alike(self) -> bool:
        """Whether the teacher's token ids are the student's."""
        return self.teacher is self.student


def build_examples(
    lessons: Sequence[Lesson],
    pairs: Sequence[Pair],
    tokenizers: Tokenizers,
    form: PromptForm,
    config: DistillConfig,
    seed: int,
    *,
    operators: Sequence[str] | None = None,
    draws: int | None = None,
    vectors: Mapping[str, tuple[Any, Any]] | None = None,
) -> Iterator[Example]:
    """Yield one example per lesson, in order; every perturbation is drawn from the seed.

    `operators` and `draws` replace those of the robust term; `vectors` holds the teacher's
    embeddings of text and code by the pair's key.
    """
    by_key = {pair.key: pair for pair in pairs}
    operators = config.robust_operators if operators is None else operators
    draws = (config.robust_draws if config.robust_weight > 0 else 0) if draws is None else draws
    for lesson in lessons:
        pair = by_key[lesson.pair]
        twins: list[str] = []
        if lesson.view == "text_to_code" and lesson.author != "student":
            twins = perturbed_prompts(pair, operators, draws, seed)
        text = lesson_prompt(lesson.view, lesson.material, form, pair.language)
        clean, span = _encode_with_span(tokenizers.student, text, lesson.material[0])
        vector = None
        if vectors and lesson.pair in vectors and lesson.view in ("text_to_code", "code_to_text"):
            vector = vectors[lesson.pair][lesson.view == "code_to_text"]
        yield Example(
            key=lesson.key,
            pair=lesson.pair,
            view=lesson.view,
            clean=clean,
            twins=[
                _encode(
                    tokenizers.student, lesson_prompt(lesson.view, (twin,), form, pair.language)
                )
                for twin in twins
            ],
            span=span,
            signal=_signal(lesson, tokenizers, config.crossing),
            weights=_weights(lesson, pair, tokenizers.student, config),
            verified=lesson.verified,
            on_policy=lesson.author == "student",
            vector=vector,
        )


def perturbed_prompts(pair: Pair, operators: Sequence[str], draws: int, seed: int) -> list[str]:
    """Return up to `draws` different perturbed prompts of a pair, by the operators in turn.

    Operators that rename the entry point are skipped: the target would no longer fit.
    """
    found: list[str] = []
    if not operators:
        return found
    problem = as_problem(pair)
    first = int(content_key(pair.key, seed)[:8], 16)
    for step in range(TRIES * max(draws, len(operators)) if draws else 0):
        operator = operators[(first + step) % len(operators)]
        draft = perturb_prompt(problem, operator, seed + step // len(operators))
        if draft is None or draft.entry_point != pair.name or draft.partial or draft.gold:
            continue
        if draft.prompt not in found:
            found.append(draft.prompt)
        if len(found) == draws:
            break
    return found


def direct_signal(top: TopLogits, rows: int | None = None) -> Signal:
    """Return the signal of a teacher whose token ids are the student's.

    Ids from `rows` on, which the student's vocabulary does not have, go to the tail.
    """
    token_ids = np.asarray(top.token_ids, dtype=np.int64)
    ids = np.asarray(top.ids, dtype=np.int64)
    logprobs = np.asarray(top.logprobs, dtype=np.float32)
    tail = np.asarray(top.tail, dtype=np.float32)
    if rows is not None and (foreign := ids >= rows).any():
        lost = np.where(foreign, np.exp(logprobs), 0.0).sum(axis=1)
        tail = np.log(np.exp(tail) + lost).astype(np.float32)
        ids, logprobs = np.where(foreign, ABSENT, ids), np.where(foreign, -np.inf, logprobs)
    ids, logprobs = with_gold(ids, logprobs, token_ids)
    length = len(token_ids)
    return Signal(
        token_ids=token_ids,
        ids=ids,
        logprobs=logprobs,
        tail=tail,
        direct=np.ones(length, dtype=bool),
        chunk=np.arange(length),
        chunk_logprobs=np.zeros(length, dtype=np.float32),
    )


def text_signal(token_ids: Sequence[int]) -> Signal:
    """Return the signal of a teacher of whom only the text counts: no row is a distribution."""
    length = len(token_ids)
    gold = np.array(token_ids, dtype=np.int64)
    return Signal(
        token_ids=gold,
        ids=gold[:, None],
        logprobs=np.full((length, 1), -np.inf, dtype=np.float32),
        tail=np.zeros(length, dtype=np.float32),
        direct=np.zeros(length, dtype=bool),
        chunk=np.arange(length),
        chunk_logprobs=np.zeros(length, dtype=np.float32),
    )


def with_gold(ids: Any, logprobs: Any, token_ids: Any) -> tuple[Any, Any]:
    """Return rows that hold the target's token: it takes a column more where some lack it."""
    lacking = ~(ids == token_ids[:, None]).any(axis=1)
    if not lacking.any():
        return ids, logprobs
    column = np.where(lacking, token_ids, ABSENT)
    ids = np.concatenate([ids, column[:, None]], axis=1)
    nothing = np.full((len(ids), 1), -np.inf, dtype=np.float32)
    return ids, np.concatenate([logprobs, nothing], axis=1)


def _signal(lesson: Lesson, tokenizers: Tokenizers, crossing: str) -> Signal:
    top = load_logits(lesson.key)
    if tokenizers.alike:
        return direct_signal(top, true_vocabulary(tokenizers.student))
    if crossing == "sequence":
        return text_signal(tokenizers.student.encode(lesson.target, add_special_tokens=False))
    crossed = cross(top, lesson.target, tokenizers.teacher, tokenizers.student)
    ids, logprobs = with_gold(crossed.ids, crossed.logprobs, crossed.token_ids)
    tail, direct = crossed.tail, crossed.direct
    if crossing == "uld":  # the ids are chosen by the student, when it has read the text
        logprobs, tail = at_starts(top, crossed)
        ids = np.full(logprobs.shape, ABSENT, dtype=np.int64)
        ids[:, 0] = crossed.token_ids
        direct = np.zeros_like(direct)
    return Signal(
        token_ids=crossed.token_ids,
        ids=ids,
        logprobs=logprobs,
        tail=tail,
        direct=direct,
        chunk=crossed.chunk,
        chunk_logprobs=crossed.chunk_logprobs,
    )


def _weights(lesson: Lesson, pair: Pair, tokenizer: Any, config: DistillConfig) -> Any:
    """Return what each target token weighs: its part in the program's structure, 1 on average."""
    encoded = tokenizer(lesson.target, add_special_tokens=False, return_offsets_mapping=True)
    offsets = encoded["offset_mapping"]
    if config.syntax_gamma == 0 or lesson.view == "code_to_text":
        return np.ones(len(offsets), dtype=np.float32)
    weights = token_weights(lesson.target, pair.language, offsets, config.syntax_gamma)
    return (weights / weights.mean()).astype(np.float32)


def _encode(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False))


def _encode_with_span(
    tokenizer: Any, text: str, material: str
) -> tuple[list[int], tuple[int, int]]:
    """Return the tokens of a prompt, and those that hold the material (all if it is not there)."""
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids, offsets = list(encoded["input_ids"]), encoded["offset_mapping"]
    start = text.find(material.strip())
    if start < 0:
        return ids, (0, len(ids))
    end = start + len(material.strip())
    inside = [place for place, (low, high) in enumerate(offsets) if low < end and high > start]
    return ids, (inside[0], inside[-1] + 1) if inside else (0, len(ids))
