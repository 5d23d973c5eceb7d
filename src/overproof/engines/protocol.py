"""What every engine does: answer prompts, answer one while the clock runs, score and embed text.

An engine takes finished prompt text, special tokens included; `overproof.engines.prompts` writes
it. So the same bytes go to every engine, and what differs between two is arithmetic alone. Only a
server, which alone knows its model's template, is given the user's turn.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from overproof.errors import EngineError
from overproof.extras import missing


@dataclass(frozen=True, kw_only=True)
class Request:
    """One prompt to complete."""

    prompt: str
    """Text with special tokens, exactly as the model sees it; if `chat`, the user's turn."""
    stop: tuple[str, ...]
    """Generation ends before the first of these; they are not part of the text."""
    max_new_tokens: int
    temperature: float = 0.0
    """0 is greedy."""
    top_p: float = 1.0
    seed: int = 0
    """Fixes the draw when the temperature is above 0."""
    chat: bool = False
    """Whether the engine has to put the chat template around `prompt`; only `server` can."""
    reuse: bool = False
    """Whether `time` may go on from what the engine kept of an earlier prompt (a warm cache)."""


@dataclass(frozen=True, kw_only=True)
class Generation:
    """What an engine wrote for one request."""

    text: str
    finish_reason: Literal["stop", "length"]
    prompt_tokens: int
    """0 where a server does not say."""
    completion_tokens: int
    """0 where a server does not say."""


@dataclass(frozen=True, kw_only=True)
class Stamps:
    """When the tokens of one answer arrived."""

    sent_ns: int
    token_ns: tuple[int, ...]
    """One stamp per generated token, `time.perf_counter_ns`."""
    cpu_seconds: float
    """Process CPU time, user and system, from send to last token; 0 where not known (servers)."""
    text: str = ""
    """What was written, without the stop string."""
    finish_reason: Literal["stop", "length"] = "stop"
    told_tokens: int = 0
    """The engine's own count of what it wrote; 0 where a server does not say."""
    prompt_tokens: int = 0
    """0 where a server does not say."""
    cached_tokens: int | None = None
    """Tokens of the prompt that were not read anew; None where nothing says."""
    pieces_ns: tuple[int, ...] = ()
    """When text arrived: several tokens may share a piece."""
    ended_ns: int = 0
    """When the answer was known to be over."""


@dataclass(frozen=True, kw_only=True)
class TopLogits:
    """A teacher's distribution over the target tokens of one text, cut to its top K.

    Shapes: token_ids (T,) int32, the target; ids (T, K) int32; logprobs (T, K) float16, natural log
    at the temperature of the signal; tail (T,) float16, log of the mass outside the K. An id of -1
    means that there is no token: its logprob is -inf, and such ids stand at the end of their row.
    """

    token_ids: Any
    ids: Any
    logprobs: Any
    tail: Any
    sampled: bool = False
    """Whether the K are draws: ids are then the distinct ones, logprobs, in float32, the logs of
    their weights (how often each was drawn, over K), the tail is -inf, and the gold token need not
    be among them."""


class Engine(Protocol):
    """One loaded model."""

    name: str
    precision: str
    threads: int
    parallel_scores: int
    """How many calls of `score` it serves at once."""

    def generate(self, requests: Sequence[Request]) -> list[Generation]:
        """Answer a batch, in order; the same batch with the same seeds gives the same text."""

    def time(self, request: Request) -> Stamps:
        """Answer one request greedily, alone, and stamp every token."""

    def score(
        self,
        prompt: str,
        target: str,
        top_k: int,
        *,
        temperature: float = 1.0,
        sampled: bool = False,
        seed: int = 0,
    ) -> TopLogits:
        """Return the model's top K over each token of `target` after `prompt`.

        With `sampled`, K draws of the seed instead; logits are divided by the temperature.
        Raises: EngineError if this engine cannot score given text, or not so.
        """

    def losses(self, texts: Sequence[tuple[str, str]]) -> list[float]:
        """Return, per (prompt, target), the mean -log p of the target's tokens, in nats.

        The target is tokenised by itself; with an empty prompt its first token is not counted.
        Raises: EngineError if this engine cannot score given text.
        """

    def embed(self, texts: Sequence[str]) -> Any:
        """Return the mean of the last hidden states of each text, as it is, without a template.

        Shapes: (N, H) float32, not normalised.
        Raises: EngineError if this engine gives no hidden states.
        """

    def close(self) -> None:
        """Give the memory back."""


def cpu_threads(threads: int) -> int:
    """Return the number of threads to use: as asked, or all that this process may run on."""
    return threads or len(os.sched_getaffinity(0))


def cut_at_stop(text: str, stop: Sequence[str]) -> tuple[str, bool]:
    r"""Return the text before the first stop string, and whether one was there.

    >>> cut_at_stop("return 1\n```\nThis", ["\n```"])
    ('return 1', True)
    """
    found = [place for place in (text.find(string) for string in stop) if place >= 0]
    return (text[: min(found)], True) if found else (text, False)


def missing_engine(package: str) -> EngineError:
    """Return the error for an engine whose package is not installed."""
    return missing(package)
