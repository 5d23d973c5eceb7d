"""Does the exported model write what the checkpoint writes? Greedy answers, tokens, divergence.

The checkpoint answers in transformers, in float32; what was exported answers in the engine that
runs it. Two engines differ in the last bits of their sums, so a tie may fall to either side: the
answers of a faithful file agree but for such ties, and its divergence is near 0.

    reference = write_reference(checkpoint, usual_prompts(32))
    compare_answers(reference, exported, "xllamacpp")
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from overproof.catalog import ModelSource
from overproof.engines import load_engine
from overproof.engines.generate import form_for
from overproof.engines.prepare import load_tokenizer
from overproof.engines.protocol import Engine, Request, TopLogits
from overproof.errors import EngineError
from overproof.progress import stage
from overproof.ship.probe import PROBE
from overproof.suites import load_suites

TOP_K = 32
"""Tokens that are compared in each place; what lies outside is one mass."""
NEW_TOKENS = 32
"""Length of an answer."""
BATCH = 8


@dataclass(frozen=True)
class Reference:
    """What a checkpoint answers."""

    source: ModelSource
    requests: Sequence[Request]
    texts: Sequence[str]
    scores: Sequence[TopLogits]
    """Over each answer, in order; of answers with text only."""


def usual_prompts(count: int) -> tuple[str, ...]:
    """Return prompts of HumanEval, evenly spread. Raises: FetchError if it cannot be had."""
    if not count:
        return ()
    return tuple(problem.prompt for problem in load_suites(["humaneval"], count))


def write_reference(
    checkpoint: ModelSource,
    prompts: Sequence[str],
    *,
    threads: int = 0,
    new_tokens: int = NEW_TOKENS,
) -> Reference:
    """Return the greedy answers of a checkpoint, without stop strings.

    Raises: EngineError if it cannot be loaded.
    """
    form = form_for(checkpoint, "auto")
    requests = [
        Request(prompt=form.wrap(prompt).text, stop=(), max_new_tokens=new_tokens)
        for prompt in prompts
    ]
    engine = load_engine(checkpoint, "transformers", "float32", threads)
    try:
        texts = _answers(engine, requests, "ask the checkpoint")
        scores = [
            engine.score(request.prompt, text, TOP_K)
            for request, text in zip(requests, texts, strict=True)
            if text
        ]
    finally:
        engine.close()
    return Reference(checkpoint, requests, texts, scores)


def compare_answers(
    reference: Reference, exported: ModelSource, engine_name: str, *, threads: int = 0
) -> dict[str, Any]:
    """Return prompts, how many answers are the same, and the mean KL(checkpoint || exported).

    `same_prefix` is the share of the checkpoint's answers, in characters, before the first
    difference; `kl` is in nats per token, over the checkpoint's answers; None where the engine
    does not tell, and then `why_no_kl` says why. `decided_otherwise` counts the tokens of these
    answers where the file finds another one the likeliest, of `tokens`, and `widest_margin` is
    the largest lead, in nats, that the checkpoint's choice had there over its second: near 0, they
    were ties.
    Raises: EngineError if the file cannot be loaded.
    """
    engine = load_engine(exported, engine_name, "float32", threads)
    try:
        texts = _answers(engine, reference.requests, f"ask {exported.name}")
        divergence = _divergence(engine, reference)
    finally:
        engine.close()
    pairs = list(zip(reference.texts, texts, strict=True))
    shared = sum(_shared(ours, theirs) for ours, theirs in pairs)
    return {
        "engine": engine_name,
        "prompts": len(pairs),
        "same_answers": sum(ours == theirs for ours, theirs in pairs),
        "same_prefix": round(shared / max(1, sum(len(ours) for ours, _ in pairs)), 4),
        **divergence,
    }


def compare_tokens(checkpoint: ModelSource, file: ModelSource, texts: Sequence[str]) -> list[str]:
    """Return the texts that llama.cpp cuts into other tokens than the checkpoint's tokenizer.

    Raises: EngineError if llama.cpp cannot load the file.
    """
    from overproof.ship.serving import Served

    tokenizer = load_tokenizer(checkpoint)
    with Served(file, slots=1, context=512) as served:
        return [
            text
            for text in (*PROBE, *texts)
            if served.tokens(text) != tokenizer.encode(text, add_special_tokens=False)
        ]


def coarse_divergence(ours: TopLogits, theirs: TopLogits) -> Any:
    """Return KL(ours || theirs) per token, over the tokens that both list and one rest, in nats.

    A lower bound of the whole divergence, since merging outcomes cannot raise it; close to it,
    because the rest is small. Shapes: (T,).
    Source: Cover and Thomas 2006, section 2.8 (data processing).
    """
    found = np.zeros(len(ours.token_ids))
    for place in range(len(found)):
        p = _masses(ours, place)
        q = _masses(theirs, place)
        both = sorted(p.keys() & q.keys())
        mine = np.array([p[token] for token in both], dtype=np.float64)
        yours = np.array([q[token] for token in both], dtype=np.float64)
        mine = np.append(mine, max(1e-7, 1 - mine.sum()))
        yours = np.append(yours, max(1e-7, 1 - yours.sum()))
        mine, yours = mine / mine.sum(), yours / yours.sum()
        found[place] = (mine * np.log(mine / yours)).sum()
    return found


def _divergence(engine: Engine, reference: Reference) -> dict[str, Any]:
    """Return the mean divergence, and how often both find the same token the likeliest."""
    answered = [(r, t) for r, t in zip(reference.requests, reference.texts, strict=True) if t]
    unknown = {"same_next_token": None, "kl": None}
    rows, same, margins = [], [], []
    for (request, text), ours in zip(answered, reference.scores, strict=True):
        try:
            theirs = engine.score(request.prompt, text, TOP_K)
        except EngineError as error:
            return {**unknown, "why_no_kl": error.message}
        rows.append(coarse_divergence(ours, theirs))
        same.append(np.asarray(ours.ids)[:, 0] == np.asarray(theirs.ids)[:, 0])
        margins.append(ours.logprobs[:, 0].astype(float) - ours.logprobs[:, 1].astype(float))
    if not rows:
        return {**unknown, "why_no_kl": "the checkpoint writes nothing"}
    agreed, lead = np.concatenate(same), np.concatenate(margins)
    return {
        "same_next_token": round(float(agreed.mean()), 4),
        "tokens": len(agreed),
        "decided_otherwise": int((~agreed).sum()),
        "widest_margin": round(float(lead[~agreed].max(initial=0.0)), 4),
        "kl": float(f"{np.concatenate(rows).mean():.3g}"),
    }


def _answers(engine: Engine, requests: Sequence[Request], title: str) -> list[str]:
    texts: list[str] = []
    with stage(title, len(requests), "prompts") as advance:
        for start in range(0, len(requests), BATCH):
            part = requests[start : start + BATCH]
            texts += [answer.text for answer in engine.generate(part)]
            advance(len(part))
    return texts


def _masses(scores: TopLogits, place: int) -> dict[int, float]:
    listed = zip(
        scores.ids[place].tolist(), np.exp(scores.logprobs[place].astype(float)), strict=True
    )
    return {token: float(mass) for token, mass in listed if token >= 0}


def _shared(ours: str, theirs: str) -> int:
    """Return how many characters two texts begin with alike."""
    for place, (one, other) in enumerate(zip(ours, theirs, strict=False)):
        if one != other:
            return place
    return min(len(ours), len(theirs))
