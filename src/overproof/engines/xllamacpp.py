"""The GGUF engine: llama.cpp in process, through xllamacpp. It runs what users run.

Covered: any GGUF file, continuous batching, stop strings, seeds; the top K over given text, which
llama.cpp tells of what it writes (see `readings`); pooled embeddings.
Not covered: signals that need the whole distribution (draws, other temperatures); GPU offload.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from overproof.catalog import ModelSource
from overproof.engines import readings
from overproof.engines.prepare import load_tokenizer
from overproof.engines.protocol import (
    Generation,
    Request,
    Stamps,
    TopLogits,
    cpu_threads,
    missing_engine,
)
from overproof.engines.sparse import from_listed
from overproof.errors import EngineError

CONTEXT_TOKENS = 2048
"""Per slot: prompt and completion together."""
SLOTS = 8
"""Requests in flight at once."""


class XllamacppEngine:
    """A GGUF file in llama.cpp's own server, without the network."""

    name = "xllamacpp"
    parallel_scores = SLOTS

    def __init__(self, source: ModelSource, precision: str, threads: int) -> None:
        """Load the file.

        Raises: EngineError if it is not a GGUF file, or llama.cpp cannot load it.
        """
        try:
            import xllamacpp
        except ImportError:
            raise missing_engine("xllamacpp") from None
        if source.kind != "gguf" or source.path is None:
            raise EngineError(
                f"{source.name}: xllamacpp loads GGUF files only",
                hint="choose another engine: models.engine=ctranslate2",
            )
        self.precision = "gguf" if precision in ("", "auto", "int8") else precision
        self.threads = cpu_threads(threads)
        self._source = source
        self._server = _load(xllamacpp, source, self.threads)
        self._used = False
        self._embedder: Any = None
        """The same file once more, since llama.cpp either writes or embeds."""

    def generate(self, requests: Sequence[Request]) -> list[Generation]:
        """Answer a batch; the server keeps its slots filled."""
        self._used = True
        with ThreadPoolExecutor(SLOTS) as pool:
            return list(pool.map(self._answer, requests))

    def time(self, request: Request) -> Stamps:
        """Answer one request greedily and stamp every token."""
        stamps: list[int] = []
        pieces: list[str] = []
        last: dict[str, Any] = {}

        def watch(chunk: Any) -> bool:
            choice = (chunk.get("choices") or [{}])[0]
            if choice.get("finish_reason") is None:
                stamps.append(time.perf_counter_ns())
                pieces.append(choice.get("text") or "")
            last.update(chunk)
            return False

        self._used = True
        cpu = time.process_time()
        sent = time.perf_counter_ns()
        body = {**self._body(request), "stream": True, "cache_prompt": request.reuse}
        self._server.handle_completions(body, watch)
        ended = time.perf_counter_ns()
        used = time.process_time() - cpu
        usage = _checked(last).get("usage") or {}
        finish = (last.get("choices") or [{}])[0].get("finish_reason")
        return Stamps(
            sent_ns=sent,
            token_ns=tuple(stamps),
            cpu_seconds=used,
            text="".join(pieces),
            finish_reason="length" if finish == "length" else "stop",
            told_tokens=usage.get("completion_tokens", 0),
            prompt_tokens=usage.get("prompt_tokens", 0),
            cached_tokens=(usage.get("prompt_tokens_details") or {}).get("cached_tokens"),
            pieces_ns=tuple(stamps),
            ended_ns=ended,
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
        """Return the top K over each token of the target, the gold one if it is among them."""
        if sampled or temperature != 1:
            raise EngineError(
                "llama.cpp tells the likeliest tokens at temperature 1, and neither draws nor "
                "other temperatures",
                hint="set teach.signal=top and teach.temperature=1, or use another engine",
            )
        names = readings.TokenNames(load_tokenizer(self._source))
        before, after = names.encode(prompt), names.encode(target)

        def write(ids: list[int], count: int) -> list[readings.Told]:
            asked = {"temperature": 0.0, "top_k": 1, "ignore_eos": True, "logprobs": top_k}
            reply = self._ask({"prompt": ids, "n_predict": count, "cache_prompt": True, **asked})
            return readings.read_written(reply["choices"][0], names)

        return from_listed(readings.read_ahead(write, before, after), after, top_k)

    def losses(self, texts: Sequence[tuple[str, str]]) -> list[float]:
        """Refuse: llama.cpp's server gives no log-probabilities of given text."""
        raise EngineError(
            "xllamacpp cannot score given text",
            hint="use the engine ctranslate2 or transformers",
        )

    def embed(self, texts: Sequence[str]) -> Any:
        """Return the mean hidden state of each text."""
        import xllamacpp

        if self._embedder is None:
            self._embedder = _load(xllamacpp, self._source, self.threads, embedding=True)
        tokenizer = load_tokenizer(self._source)
        means = []
        for text in texts:
            ids = tokenizer.encode(text, add_special_tokens=False)[:CONTEXT_TOKENS]
            ids = ids or [tokenizer.eos_token_id]
            reply = self._embedder.handle_embeddings({"input": ids, "embd_normalize": -1})
            means.append(_checked(reply)["data"][0]["embedding"])
        return np.asarray(means, dtype=np.float32)

    def close(self) -> None:
        """Stop the server, once it is at work: told to stop before, it would never end."""
        if not self._used:
            self._server.handle_completions({"prompt": "a", "n_predict": 1})
        del self._server
        self._embedder = None

    def _ask(self, body: dict[str, Any]) -> dict[str, Any]:
        self._used = True
        return _checked(self._server.handle_completions(body))

    def _answer(self, request: Request) -> Generation:
        reply = self._ask(self._body(request))
        choice, usage = reply["choices"][0], reply["usage"]
        return Generation(
            text=choice["text"],
            finish_reason="length" if choice["finish_reason"] == "length" else "stop",
            prompt_tokens=usage["prompt_tokens"],
            completion_tokens=usage["completion_tokens"],
        )

    def _body(self, request: Request) -> dict[str, Any]:
        return {
            "prompt": request.prompt,
            "n_predict": request.max_new_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "top_k": 0 if request.temperature > 0 else 1,
            "min_p": 0.0,
            "seed": request.seed,
            "stop": list(request.stop),
            "cache_prompt": False,
        }


def _load(library: Any, source: ModelSource, threads: int, *, embedding: bool = False) -> Any:
    """Return llama.cpp's server for a file. Raises: EngineError if it cannot load it."""
    parameters = library.CommonParams()
    parameters.model.path = str(source.path)
    parameters.n_parallel = 1 if embedding else SLOTS
    parameters.n_ctx = CONTEXT_TOKENS * parameters.n_parallel
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    parameters.verbosity = -1
    parameters.warmup = False
    if embedding:  # a text is pooled in one piece
        parameters.embedding = True
        parameters.pooling_type = library.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
        parameters.n_batch = parameters.n_ubatch = CONTEXT_TOKENS
    try:
        return library.Server(parameters)
    except Exception as error:  # the binding raises its own kinds
        raise EngineError(f"{source.name}: llama.cpp cannot load it ({error})") from error


def _checked(reply: dict[str, Any]) -> dict[str, Any]:
    if "error" in reply:
        raise EngineError(f"llama.cpp: {reply['error'].get('message', reply['error'])}")
    return reply
