"""The engine for models elsewhere: OpenAI-compatible servers (vLLM, SGLang, llama-server, Ollama).

Covered: chat and plain completions, stop strings, seeds, latency by streaming.
Not covered: scoring of given text, so it cannot be a teacher; which weights, precision and prompt
template the server uses; its CPU time.

    overproof eval --model http://127.0.0.1:8000/v1#coder
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, TypeVar

from overproof.catalog import ModelSource
from overproof.engines.api import FIRST_PAUSE_S, READ_TIMEOUT_S, Api, StampedChunk
from overproof.engines.protocol import Generation, Request, Stamps, TopLogits, cut_at_stop
from overproof.errors import EngineError
from overproof.progress import say

IN_FLIGHT = 16
"""Requests at once; a smaller `sampling.batch_size` lowers it."""
NEUTRAL = {
    "top_k": -1,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "repeat_penalty": 1.0,
    "cache_prompt": False,
}
"""Fields beyond OpenAI's that turn off what a server, or a model's folder, sets by default, so that
greedy is greedy. vLLM and SGLang read the first three, llama-server all but the third."""
WHOLE = ("stop", "eos", "eos_token", "stop_sequence")
"""Finish reasons of an answer that ended by itself."""

Result = TypeVar("Result")


class ServerEngine:
    """One model of one server; how it runs there is the server's business."""

    name = "server"
    precision = "server"
    threads = 0
    """Not known."""
    parallel_scores = 1

    def __init__(
        self,
        source: ModelSource,
        *,
        read_timeout_s: float = READ_TIMEOUT_S,
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        """Prepare the connection; the first request shows whether the server is there.

        Raises: EngineError if the model is not on a server.
        """
        if source.kind != "server":
            raise EngineError(
                f"{source.name} is not on a server",
                hint="choose another engine, or serve it and name http://host:port/v1#name",
            )
        self._api = Api(
            source,
            connections=IN_FLIGHT,
            read_timeout_s=read_timeout_s,
            first_pause_s=first_pause_s,
        )
        self._plain = False
        """Whether the server refuses fields beyond OpenAI's."""

    def generate(self, requests: Sequence[Request]) -> list[Generation]:
        """Answer a batch, several at once; the first error ends it."""
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            return list(pool.map(self._answer, requests))

    def time(self, request: Request) -> Stamps:
        """Answer one request greedily and stamp every token as it arrives here.

        If the server counts more tokens than it sent chunks, the rest is stamped with the last
        chunk; if it does not count, a chunk is a token. The prompt is read afresh where a server
        can be told so (vLLM, llama-server); elsewhere a repeated prompt may be cached.
        """
        return self._send(
            request,
            {"stream_options": {"include_usage": True}},
            {**NEUTRAL, "cache_salt": secrets.token_hex(8)},
            lambda path, body: self._api.stream(path, body, self._read_stamps),
        )

    def score(self, prompt: str, target: str, top_k: int) -> TopLogits:
        """Refuse: servers give no logits for given text."""
        raise EngineError(
            "a server cannot score given text, so it cannot be the teacher's engine",
            hint="use models.engine=ctranslate2 or transformers",
        )

    def losses(self, texts: Sequence[tuple[str, str]]) -> list[float]:
        """Refuse: the chat API gives no log-probabilities of given text."""
        raise EngineError(
            "a server cannot score given text",
            hint="use the engine ctranslate2 or transformers",
        )

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _answer(self, request: Request) -> Generation:
        """Return one answer; token counts are 0 where the server gives none."""
        reply = self._send(request, {}, NEUTRAL, self._api.ask)
        choice = next(self._choices(reply), None)
        if choice is None:
            raise self._api.broken("an answer without choices")
        text, stopped = cut_at_stop(self._text(choice), request.stop)
        finish_reason = self._finish_reason(choice)
        return Generation(
            text=text,
            finish_reason="stop" if stopped else finish_reason,
            prompt_tokens=_count(reply, "prompt_tokens"),
            completion_tokens=_count(reply, "completion_tokens"),
        )

    def _send(
        self,
        request: Request,
        more: dict[str, Any],
        beyond: dict[str, Any],
        ask: Callable[[str, dict[str, Any]], Result],
    ) -> Result:
        """Ask; again without the fields beyond OpenAI's if the server names one in its refusal."""
        path = "/chat/completions" if request.chat else "/completions"
        body = {**_body(request), **more}
        if self._plain:
            return ask(path, body)
        try:
            return ask(path, {**body, **beyond})
        except EngineError as error:
            named = [name for name in beyond if name in error.message]
            if not named:
                raise
        if not self._plain:
            self._plain = True
            say(f"{self._api.where} takes no {', '.join(named)}: its own defaults apply")
        return ask(path, body)

    def _read_stamps(self, sent_ns: int, chunks: Iterator[StampedChunk]) -> Stamps:
        stamps: list[int] = []
        last_ns, tokens = 0, 0
        for arrived_ns, chunk in chunks:
            tokens = _count(chunk, "completion_tokens") or tokens
            for choice in self._choices(chunk):
                last_ns = arrived_ns
                if _piece(choice):
                    stamps.append(arrived_ns)
        if not last_ns:
            raise self._api.broken("a stream without choices")
        stamps += [last_ns] * (tokens - len(stamps))
        return Stamps(sent_ns=sent_ns, token_ns=tuple(stamps), cpu_seconds=0.0)

    def _choices(self, reply: dict[str, Any]) -> Iterator[dict[str, Any]]:
        choices = reply.get("choices") or []
        if not isinstance(choices, list) or not all(isinstance(item, dict) for item in choices):
            raise self._api.broken("choices that are no list of objects")
        return iter(choices)

    def _text(self, choice: dict[str, Any]) -> str:
        """Return what was written; "" if the budget went on reasoning, which is not the answer."""
        message = choice.get("message")
        holder, field = (message, "content") if isinstance(message, dict) else (choice, "text")
        text = holder.get(field, 0)
        if text is not None and not isinstance(text, str):
            raise self._api.broken(f"an answer without {field}")
        return text or ""

    def _finish_reason(self, choice: dict[str, Any]) -> Literal["stop", "length"]:
        reason = choice.get("finish_reason")
        if reason == "length":
            return "length"
        if reason not in WHOLE:
            raise self._api.broken(f"an answer that ended with finish_reason {reason!r}")
        return "stop"


def _body(request: Request) -> dict[str, Any]:
    asked: dict[str, Any] = {"prompt": request.prompt}
    if request.chat:
        asked = {"messages": [{"role": "user", "content": request.prompt}]}
    return {
        **asked,
        "max_tokens": request.max_new_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p if request.temperature > 0 else 1.0,
        "seed": request.seed,
        **({"stop": list(request.stop)} if request.stop else {}),
    }


def _count(reply: dict[str, Any], field: str) -> int:
    """Return a count of the server's `usage`, 0 if there is none."""
    usage = reply.get("usage")
    count = usage.get(field) if isinstance(usage, dict) else None
    return count if isinstance(count, int) else 0


def _piece(choice: dict[str, Any]) -> Any:
    """Return the text that a chunk adds, be it answer or reasoning; falsy if none."""
    delta = choice.get("delta")
    if not isinstance(delta, dict):
        return choice.get("text")
    return delta.get("content") or delta.get("reasoning_content") or delta.get("reasoning")
