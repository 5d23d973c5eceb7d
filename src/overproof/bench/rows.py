"""The rows of `bench`: one trial a line, with every answer and every raw stamp in it.

A trial is what must not be torn apart: a turn, in which all models answer one prompt, or a phase,
in which one model answers one round under load. A kill leaves it whole or not there at all.

Times of a reply count from its sending; what they are from the moment it was due is computed, so
that a queue on this side can never hide (coordinated omission).
Source: the definitions of vLLM (TPOT) and AIPerf (inter-token latency), compared in
docs/guides/latency.md.
"""

from dataclasses import dataclass
from typing import Literal

from overproof.records import Timing


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One timed answer of one model."""

    key: str
    task_id: str
    variant: str
    """Key of the variant."""
    operator: str
    seed: int
    model: str
    cache: Literal["cold", "warm"]
    repeat: int
    position: int
    """Paired: place of the model in its turn; under load: place of the request in its phase."""
    warmup: bool
    scheduled_ms: float
    """When it was due, since the trial began."""
    sent_ms: float
    """When it was sent, since the trial began."""
    pieces_ms: tuple[float, ...]
    """Arrival of every piece of text, since sending; a piece may hold several tokens."""
    ended_ms: float
    """When the answer was known to be over, since sending."""
    completion_tokens: int
    counted: Literal["engine", "pieces"]
    """Who counted the tokens: the engine or server, or the pieces, for want of a count."""
    prompt_tokens: int
    """0 where a server does not say."""
    cached_tokens: int | None
    """Tokens of the prompt that were not read anew; None where nothing says."""
    cpu_seconds: float
    """Of this process; 0 for servers and under load, where it cannot be told apart."""
    joules: float | None
    """Of the processor packages, whoever used them; None where no counter can be read."""
    others: float | None
    """Cores that other processes kept busy meanwhile; None where not known."""
    completion: str
    solution: str
    finish_reason: Literal["stop", "length"]
    failure: str = ""
    """Why there is no answer; empty if there is one."""

    @property
    def ttft_ms(self) -> float | None:
        """Time to the first piece of text, from sending; None if none came."""
        return self.pieces_ms[0] if self.pieces_ms else None

    @property
    def e2e_ms(self) -> float | None:
        """Time to the last piece of text, from sending; None if none came."""
        return self.pieces_ms[-1] if self.pieces_ms else None

    @property
    def tpot_ms(self) -> float | None:
        """Time per token after the first; None where there is no second token."""
        if self.completion_tokens < 2 or not self.pieces_ms:
            return None
        return (self.pieces_ms[-1] - self.pieces_ms[0]) / (self.completion_tokens - 1)

    @property
    def gaps_ms(self) -> tuple[float, ...]:
        """Times between pieces of text."""
        later = zip(self.pieces_ms, self.pieces_ms[1:], strict=False)
        return tuple(second - first for first, second in later)

    @property
    def queued_ms(self) -> float:
        """Time between when it was due and when it was sent."""
        return self.sent_ms - self.scheduled_ms

    @property
    def due_ttft_ms(self) -> float | None:
        """Time to the first piece of text, from when it was due."""
        return None if self.ttft_ms is None else self.ttft_ms + self.queued_ms

    @property
    def due_e2e_ms(self) -> float | None:
        """Time to the last piece of text, from when it was due."""
        return None if self.e2e_ms is None else self.e2e_ms + self.queued_ms


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One turn or one phase, whole."""

    key: str
    load: str
    """`paired`, `closed:N` or `open:RATE`."""
    number: int
    """Of the turn or the round."""
    model: str
    """Empty for a turn, in which all models answer."""
    seconds: float
    """Under load: from the first counted request to the last counted answer's end."""
    cpu_seconds: float
    """Of this process within these seconds; 0 for servers."""
    joules: float | None
    others: float | None
    """Cores that other processes kept busy meanwhile; None where not known."""
    load_average: float
    """Of the system over the last minute, when the trial ended."""
    replies: tuple[Reply, ...]


def as_timing(reply: Reply) -> Timing:
    """Return the row that `measure` and the report read; an answer of nothing has no times."""
    return Timing(
        key=reply.key,
        task_id=reply.task_id,
        model=reply.model,
        position=reply.position,
        warmup=reply.warmup,
        ttft_ms=round(reply.ttft_ms or 0.0, 3),
        e2e_ms=round(reply.e2e_ms or 0.0, 3),
        completion_tokens=reply.completion_tokens,
        cpu_seconds=round(reply.cpu_seconds, 4),
    )
