"""How servers are asked: how much at once, how often, how long one waits, and what it costs.

    >>> ServerConfig(prompt_price=0.5, completion_price=1.5).cost(2_000_000, 1_000_000)
    2.5

None of it decides what a model writes, so none of it is part of a sample's key. Imported by the
recipe, so it imports nothing.
"""

import dataclasses
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """How models on servers are asked; every limit is of one address."""

    in_flight: int = 16
    """Requests at once per address; more of `sampling.batch_size` than that waits."""
    requests_per_minute: int = 0
    """Of all addresses of a model together; 0 is no limit."""
    tokens_per_minute: int = 0
    """Prompt and answer, likewise; what an answer may cost is reserved, the rest given back."""
    retries: int = 4
    """Of one request that failed for a reason that may pass."""
    read_timeout_s: float = 600.0
    """Silence after which an answer is given up: it may wait in the server's queue."""
    prompt_price: float = 0.0
    """Of a million tokens that are read, in your currency."""
    completion_price: float = 0.0
    """Of a million tokens that are written."""
    start_timeout_s: float = 900.0
    """Of a server that is started for you: until it is healthy."""
    arguments: str = ""
    """Of a server that is started for you: more of its own options, as on a command line."""

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Return what these tokens cost."""
        read, written = prompt_tokens * self.prompt_price, completion_tokens * self.completion_price
        return (read + written) / 1e6

    def shared_by(self, world: int) -> "ServerConfig":
        """Return one rank's part of limits that hold for all ranks together; at least 1."""

        def part(limit: int) -> int:
            return max(1, limit // world) if limit else 0

        return dataclasses.replace(
            self,
            in_flight=max(1, self.in_flight // world),
            requests_per_minute=part(self.requests_per_minute),
            tokens_per_minute=part(self.tokens_per_minute),
        )

    def problem(self) -> str:
        """Return what is wrong with these values, naming the key; empty if nothing is."""
        for name in ("in_flight", "read_timeout_s", "start_timeout_s"):
            if getattr(self, name) <= 0:
                return f"{name} must be above 0, got {getattr(self, name)}"
        rates = ("requests_per_minute", "tokens_per_minute", "retries")
        for name in (*rates, "prompt_price", "completion_price"):
            if getattr(self, name) < 0:
                return f"{name} must not be negative, got {getattr(self, name)}"
        return ""
