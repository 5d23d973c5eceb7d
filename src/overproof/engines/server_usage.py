"""What a server says that an answer cost in tokens, believed only where it can be true.

    >>> counts({"usage": {"prompt_tokens": 9, "completion_tokens": 3}}, 64, 32)
    (9, 3)
    >>> counts({"usage": {"prompt_tokens": 9, "completion_tokens": 900}}, 64, 32)
    (9, 0)

0 means that nothing is known: a count that is no whole number, negative, or beyond what was asked
for is none. Counts are never made up here from the text.
"""

from collections.abc import Iterable
from typing import Any

from overproof.engines.server_config import ServerConfig
from overproof.records import Sample

TEMPLATE_TOKENS = 4096
"""That a chat template and its system prompt may add to a prompt."""
CHARS_PER_TOKEN = 3
"""Of code and English, at the low end: for reserving, never for counting."""


def counts(reply: dict[str, Any], prompt_bytes: int, most: int) -> tuple[int, int]:
    """Return the tokens read and written that a reply tells; 0 where it tells none that can be."""
    usage = reply.get("usage")
    if not isinstance(usage, dict):
        return 0, 0
    read = _whole(usage.get("prompt_tokens"), prompt_bytes + TEMPLATE_TOKENS)
    return read, _whole(usage.get("completion_tokens"), most)


def is_wrong(reply: dict[str, Any], found: tuple[int, int]) -> bool:
    """Return whether a reply tells counts that `counts` did not believe."""
    usage = reply.get("usage")
    if not isinstance(usage, dict):
        return False
    told = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
    return any(one is not None and one != kept for one, kept in zip(told, found, strict=True))


def reserve(body: dict[str, Any]) -> int:
    """Return the most tokens that a request is likely to cost, before it is sent."""
    prompt = body.get("prompt", body.get("messages", ""))
    asked = len(prompt) if _is_ids(prompt) else len(str(prompt)) // CHARS_PER_TOKEN
    return asked + int(body.get("max_tokens") or 0)


def used(reply: Any) -> int | None:
    """Return the tokens that a reply says it cost; None if it does not say."""
    usage = reply.get("usage") if isinstance(reply, dict) else None
    if not isinstance(usage, dict):
        return None
    told = [usage.get("total_tokens")]
    if not _is_count(told[0]):
        told = [usage.get("prompt_tokens"), usage.get("completion_tokens")]
    return sum(int(part) for part in told if part is not None and _is_count(part)) or None


def usage_of(samples: Iterable[Sample], server: ServerConfig) -> dict[str, Any]:
    """Return tokens and cost of one model's samples, as the manifest has them.

    What was asked twice after a fault is counted once: a provider may bill more.
    """
    read = written = uncounted = 0
    for sample in samples:
        read += sample.prompt_tokens
        written += sample.completion_tokens
        uncounted += not (sample.prompt_tokens and sample.completion_tokens)
    usage: dict[str, Any] = {"prompt_tokens": read, "completion_tokens": written}
    if uncounted:
        usage["samples_without_count"] = uncounted
    if server.prompt_price or server.completion_price:
        usage["cost"] = round(server.cost(read, written), 6)
    return usage


def usage_line(name: str, usage: dict[str, Any]) -> str:
    """Return that in words.

    >>> usage_line("coder", {"prompt_tokens": 1200, "completion_tokens": 800, "cost": 0.0025})
    'coder: 1,200 tokens read, 800 written, cost 0.0025'
    """
    line = f"{name}: {usage['prompt_tokens']:,} tokens read, {usage['completion_tokens']:,} written"
    if usage.get("samples_without_count"):
        line += f", {usage['samples_without_count']:,} samples without a count"
    return f"{line}, cost {usage['cost']:.4g}" if "cost" in usage else line


def _whole(value: Any, most: int) -> int:
    return value if _is_count(value) and value <= most else 0


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_ids(prompt: Any) -> bool:
    return isinstance(prompt, list) and bool(prompt) and isinstance(prompt[0], int)
