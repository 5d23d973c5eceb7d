"""The engine for models elsewhere: OpenAI-compatible servers (vLLM, SGLang, llama-server, Ollama).

Covered: one model on any number of addresses (`server_pool`), limits a minute, tokens and cost;
chat and plain completions, stop strings, seeds, latency by streaming; embeddings; with the
tokenizer of the served model, the top K over given text, as a teacher needs it (see `readings`).
Not covered: signals that need the whole distribution (draws, other temperatures); which weights,
precision and prompt template the server uses; its CPU time.

    overproof eval --model http://127.0.0.1:8000/v1#coder
    overproof eval --model http://a:8000/v1,http://b:8000/v1#coder models.server.in_flight=64
"""

import dataclasses
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, TypeVar

import numpy as np

from overproof.catalog import ModelSource
from overproof.engines import readings
from overproof.engines.api import FIRST_PAUSE_S, StampedChunk
from overproof.engines.prepare import load_tokenizer
from overproof.engines.protocol import Generation, Request, Stamps, TopLogits, cut_at_stop
from overproof.engines.server_config import ServerConfig
from overproof.engines.server_pool import Addresses
from overproof.engines.server_usage import counts, is_wrong
from overproof.engines.sparse import from_listed
from overproof.errors import EngineError
from overproof.progress import say

IN_FLIGHT = ServerConfig().in_flight
"""Requests at once per address, by default; a smaller `sampling.batch_size` lowers it."""
SPARE_TOKENS = 8
"""That a server may count beyond the budget: an end token or a few."""
NEUTRAL = {
    "top_k": -1,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "repeat_penalty": 1.0,
    "cache_prompt": False,
}
"""Fields beyond OpenAI's that turn off what a server, or a model's folder, sets by default, so that
greedy is greedy. vLLM and SGLang read the first three, llama-server all but the third."""
AHEAD = {
    "ignore_eos": True,
    "return_tokens_as_token_ids": True,
    **NEUTRAL,
    "cache_prompt": True,
}
"""Fields for a server that writes ahead: on and on, from a prompt that it knows already."""
WHOLE = ("stop", "eos", "eos_token", "stop_sequence")
"""Finish reasons of an answer that ended by itself."""

Result = TypeVar("Result")


class ServerEngine:
    """One model of one server; how it runs there is the server's business."""

    name = "server"
    precision = "server"
    threads = 0
    """Not known."""

    def __init__(
        self,
        source: ModelSource,
        *,
        tokenizer: ModelSource | None = None,
        config: ServerConfig | None = None,
        read_timeout_s: float = 0.0,
        first_pause_s: float = FIRST_PAUSE_S,
        connections: int = 0,
        retries: int | None = None,
    ) -> None:
        """Prepare the connections; the first request shows whether a server is there.

        `tokenizer` is a model with the tokenizer of the served one, which `score` needs. Who
        measures load needs a connection for each request in flight, and no retry that hides a
        failure; what is given by itself is used instead of what `config` says.
        Raises: EngineError if the model is not on a server.
        """
        if source.kind != "server":
            raise EngineError(
                f"{source.name} is not on a server",
                hint="choose another engine, or serve it and name http://host:port/v1#name",
            )
        config = config or ServerConfig()
        config = dataclasses.replace(
            config,
            read_timeout_s=read_timeout_s or config.read_timeout_s,
            retries=config.retries if retries is None else retries,
        )
        self._api = Addresses(source, config, connections=connections, first_pause_s=first_pause_s)
        self.parallel_scores = self._api.slots
        self._lock = threading.Lock()
        self._told_wrong = False
        """Whether it was said that counts of tokens are not believed."""
        self._plain = False
        """Whether the server refuses fields beyond OpenAI's."""
        self._tokenizer = tokenizer
        self._names: readings.TokenNames | None = None
        self._way = readings.WAYS[0]
        """The first of the ways to read text that may still work here."""
        self._refused: set[str] = set()
        """Fields beyond OpenAI's that the server refused when it was to read text."""
        self._told = 0
        """The most log-probabilities of a token that it has told."""

    def generate(self, requests: Sequence[Request]) -> list[Generation]:
        """Answer a batch, several at once; the first error ends it."""
        with ThreadPoolExecutor(min(self._api.slots, max(1, len(requests)))) as pool:
            answers = [pool.submit(self._answer, request) for request in requests]
            try:
                return [answer.result() for answer in answers]
            except BaseException:
                for answer in answers:
                    answer.cancel()
                raise

    def time(self, request: Request) -> Stamps:
        """Answer one request greedily and stamp every token as it arrives here.

        If the server counts more tokens than it sent chunks, the rest is stamped with the last
        chunk; if it does not count, a chunk is a token. Unless `reuse` is asked for, the prompt is
        read afresh where a server can be told so (vLLM, llama-server); elsewhere a repeated prompt
        may be cached.
        """
        fresh = {**NEUTRAL, "cache_salt": secrets.token_hex(8)}
        return self._send(
            request,
            {"stream_options": {"include_usage": True}},
            {**NEUTRAL, "cache_prompt": True} if request.reuse else fresh,
            lambda path, body: self._api.stream(
                path, body, lambda sent_ns, chunks: self._read_stamps(sent_ns, chunks, request)
            ),
        )

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
        """Return the top K over each token of the target, as far as the server tells them."""
        if sampled or temperature != 1:
            raise EngineError(
                f"{self._api.where}: a server tells the likeliest tokens at temperature 1, and "
                "neither draws nor other temperatures",
                hint="set teach.signal=top and teach.temperature=1, or run the teacher here",
            )
        names = self._token_names()
        before, after = names.encode(prompt), names.encode(target)
        rows = self._read(before, after, top_k, names)
        most = max(map(len, rows), default=top_k)
        if not self._told and most < top_k:
            say(f"{self._api.where} tells {most} tokens at most in a place, not {top_k}")
        self._told = max(self._told, most)
        return from_listed(rows, after, top_k)

    def losses(self, texts: Sequence[tuple[str, str]]) -> list[float]:
        """Refuse: the chat API gives no log-probabilities of given text."""
        raise EngineError(
            "a server cannot score given text",
            hint="use the engine ctranslate2 or transformers",
        )

    def embed(self, texts: Sequence[str]) -> Any:
        """Return the embeddings that the server makes: pooled as it was told when it started."""
        try:
            reply = self._api.ask("/embeddings", {"input": list(texts), "embd_normalize": -1})
        except EngineError as error:
            raise EngineError(
                error.message,
                hint="llama-server embeds with --embeddings --pooling mean, vLLM with "
                f"--runner pooling; {error.hint}",
            ) from None
        try:
            rows = sorted(reply["data"], key=lambda row: row["index"])
            return np.asarray([row["embedding"] for row in rows], dtype=np.float32)
        except (KeyError, TypeError, ValueError):
            raise self._api.broken("an answer without embeddings") from None

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
        prompt_tokens, completion_tokens = self._counts(reply, request)
        return Generation(
            text=text,
            finish_reason="stop" if stopped else finish_reason,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
        )

    def _counts(self, reply: dict[str, Any], request: Request) -> tuple[int, int]:
        """Return the tokens read and written; 0 where the server tells none that can be true."""
        size, most = len(request.prompt.encode()), request.max_new_tokens + SPARE_TOKENS
        found = counts(reply, size, most)
        if is_wrong(reply, found):
            with self._lock:
                said, self._told_wrong = self._told_wrong, True
            if not said:
                say(f"{self._api.where} counts tokens that cannot be: left out where it does")
        return found

    def _token_names(self) -> readings.TokenNames:
        if self._tokenizer is None:
            raise EngineError(
                f"{self._api.where}: to be a teacher, its tokenizer must be named",
                hint="name a model with the same tokenizer: catalogue, folder or hub id",
            )
        if self._names is None:
            self._names = readings.TokenNames(load_tokenizer(self._tokenizer))
        return self._names

    def _read(
        self, before: list[int], after: list[int], top_k: int, names: readings.TokenNames
    ) -> list[readings.Row]:
        """Return a row per token of `after`, in the first way that this server knows."""
        text, start = [*before, *after], len(before)
        if self._way == "prompt":
            choice = self._written(text, 1, {"prompt_logprobs": top_k}, top_k)
            if rows := readings.read_prompt(choice, start, after, names):
                return rows
            self._way = "echo"
        if self._way == "echo":
            fields = {"echo": True, "logprobs": top_k, "return_tokens_as_token_ids": True}
            choice = self._written(text, 1, fields, top_k)
            if rows := readings.read_echo(choice, start, after, names):
                return rows
            self._way = "ahead"

        def write(ids: list[int], count: int) -> list[readings.Told]:
            fields = {"logprobs": top_k, **AHEAD}
            return readings.read_written(self._written(ids, count, fields, top_k), names)

        return readings.read_ahead(write, before, after)

    def _written(
        self, ids: list[int], count: int, fields: dict[str, Any], top_k: int
    ) -> dict[str, Any]:
        """Return the choice for a prompt of token ids; {} if the server refuses what is asked.

        It is asked again without the fields that it refuses and that it can do without.
        """
        asked = {name: value for name, value in fields.items() if name not in self._refused}
        body = {"prompt": ids, "max_tokens": count, "temperature": 0.0, **asked}
        try:
            return next(self._choices(self._api.ask("/completions", body)), {})
        except EngineError as error:
            said = error.message.removeprefix(self._api.where)
            if "greater than" in said and "logprobs" in said:
                raise EngineError(
                    error.message,
                    hint=f"start the server with --max-logprobs {top_k}, or lower teach.top_k",
                ) from None
            named = {name for name in asked if name in said}
            if not named:
                raise
        if not named <= AHEAD.keys():
            return {}
        self._refused |= named
        return self._written(ids, count, fields, top_k)

    def _send(
        self,
        request: Request,
        more: dict[str, Any],
        beyond: dict[str, Any],
        ask: Callable[[str, dict[str, Any]], Result],
    ) -> Result:
        """Ask; again without the fields beyond OpenAI's if the server names one in its refusal."""
        path = "/chat/completions" if request.chat else "/completions"
        body = {**self._asked(request), **more}
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

    def _asked(self, request: Request) -> dict[str, Any]:
        """Return the fields of a request that are OpenAI's."""
        return _body(request)

    def _read_stamps(
        self, sent_ns: int, chunks: Iterator[StampedChunk], request: Request
    ) -> Stamps:
        stamps: list[int] = []
        written: list[str] = []
        usage: dict[str, Any] = {}
        last_ns, finish = 0, ""
        for arrived_ns, chunk in chunks:
            usage = chunk if isinstance(chunk.get("usage"), dict) else usage
            for choice in self._choices(chunk):
                last_ns = arrived_ns
                finish = choice.get("finish_reason") or finish
                if _piece(choice):
                    stamps.append(arrived_ns)
                    written.append(_content(choice))
        if not last_ns:
            raise self._api.broken("a stream without choices")
        prompt_tokens, tokens = self._counts(usage, request)
        text, stopped = cut_at_stop("".join(written), request.stop)
        return Stamps(
            sent_ns=sent_ns,
            token_ns=(*stamps, *[last_ns] * (tokens - len(stamps))),
            cpu_seconds=0.0,
            text=text,
            finish_reason="length" if finish == "length" and not stopped else "stop",
            told_tokens=tokens,
            prompt_tokens=prompt_tokens,
            cached_tokens=_cached(usage),
            pieces_ns=tuple(stamps),
            ended_ns=last_ns,
        )

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


def _cached(reply: dict[str, Any]) -> int | None:
    """Return how many tokens of the prompt the server had kept; None if it does not say."""
    usage = reply.get("usage")
    details = usage.get("prompt_tokens_details") if isinstance(usage, dict) else None
    count = details.get("cached_tokens") if isinstance(details, dict) else None
    return count if isinstance(count, int) else None


def _content(choice: dict[str, Any]) -> str:
    """Return the text that a chunk adds to the answer; reasoning is none of it."""
    delta = choice.get("delta")
    text = delta.get("content") if isinstance(delta, dict) else choice.get("text")
    return text if isinstance(text, str) else ""


def _piece(choice: dict[str, Any]) -> Any:
    """Return the text that a chunk adds, be it answer or reasoning; falsy if none."""
    delta = choice.get("delta")
    if not isinstance(delta, dict):
        return choice.get("text")
    return delta.get("content") or delta.get("reasoning_content") or delta.get("reasoning")
