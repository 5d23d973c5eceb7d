"""What makes a bench less than it seems, in sentences: other programs, caches, lengths, failures.

for sentence in warnings_for(trials, contenders, recipe): print(sentence)
"""

from collections.abc import Iterator, Sequence
from statistics import median

from overproof.bench.machine import disturbed
from overproof.bench.rows import Reply, Trial
from overproof.bench.verdicts import counted
from overproof.engines.generate import Contender
from overproof.recipe import Recipe

DISTURBED_SHARE = 0.1
"""Share of trials with too many other programs from which on it is said."""
LENGTH_WINDOW = (0.9, 1.1)
"""Tokens of an answer over the other model's: outside, times per token mislead.
Source: MLPerf Inference rules, token length window."""


def warnings_for(
    trials: Sequence[Trial], contenders: Sequence[Contender], recipe: Recipe
) -> list[str]:
    """Return what a reader must know before trusting the figures; empty if nothing."""
    replies = counted(trials)
    return [
        *_others(trials, recipe.models.threads),
        *_failures(replies),
        *_counts(replies),
        *_warm_when_cold(replies),
        *_lengths(replies, [contender.name for contender in contenders]),
    ]


def _others(trials: Sequence[Trial], threads: int) -> Iterator[str]:
    known = [trial for trial in trials if trial.others is not None]
    busy = [trial for trial in known if disturbed(trial.others, threads)]
    if known and len(busy) > DISTURBED_SHARE * len(known):
        cores = median(trial.others or 0.0 for trial in busy)
        yield (
            f"other programs kept {cores:.1f} cores busy in {len(busy)} of {len(known)} trials, "
            "more than were free: trust ratios and CPU seconds, not wall times"
        )
    if trials and not known:
        yield (
            "the models run in another process: what else its machine does, and its CPU time, "
            "are not known here"
        )


def _failures(replies: Sequence[Reply]) -> Iterator[str]:
    for model in dict.fromkeys(reply.model for reply in replies):
        failed = [reply for reply in replies if reply.model == model and reply.failure]
        if failed:
            yield f"{model}: {len(failed)} requests had no answer; {failed[0].failure}"


def _counts(replies: Sequence[Reply]) -> Iterator[str]:
    done = [reply for reply in replies if not reply.failure]
    pieces = {reply.model for reply in done if reply.counted == "pieces"}
    for model in sorted(pieces):
        yield (
            f"{model}: the server does not count its tokens, so pieces of text were counted: "
            "times per token are times per piece"
        )


def _warm_when_cold(replies: Sequence[Reply]) -> Iterator[str]:
    for model in dict.fromkeys(reply.model for reply in replies):
        cold = [r for r in replies if r.model == model and r.cache == "cold" and not r.failure]
        kept = [r for r in cold if r.cached_tokens and 2 * r.cached_tokens > r.prompt_tokens]
        if kept:
            yield (
                f"{model}: in {len(kept)} of {len(cold)} cold answers the server had most of the "
                "prompt in its cache: its times to the first token are warm ones"
            )


def _lengths(replies: Sequence[Reply], models: Sequence[str]) -> Iterator[str]:
    tokens: dict[str, float] = {}
    for model in models:
        own = [r.completion_tokens for r in replies if r.model == model and not r.failure]
        tokens[model] = sum(own) / len(own) if own else 0.0
    base = tokens[models[0]]
    for model in models[1:]:
        share = tokens[model] / base if base else 1.0
        if not LENGTH_WINDOW[0] <= share <= LENGTH_WINDOW[1]:
            yield (
                f"{model} writes {share:.0%} of the tokens of {models[0]}: compare whole answers "
                "(E2E, seconds per solved task), not times per token"
            )
