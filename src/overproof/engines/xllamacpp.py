"""The GGUF engine: llama.cpp in process, through xllamacpp. It runs what users run.

Covered: any GGUF file, continuous batching, stop strings, seeds.
Not covered: scoring of given text, so it cannot be a teacher; GPU offload.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from overproof.catalog import ModelSource
from overproof.engines.protocol import (
    Generation,
    Request,
    Stamps,
    TopLogits,
    cpu_threads,
    missing_engine,
)
from overproof.errors import EngineError

CONTEXT_TOKENS = 2048
"""Per slot: prompt and completion together."""
SLOTS = 8
"""Requests in flight at once."""


class XllamacppEngine:
    """A GGUF file in llama.cpp's own server, without the network."""

    name = "xllamacpp"
    parallel_scores = 1

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
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(source.path)
        parameters.n_parallel = SLOTS
        parameters.n_ctx = CONTEXT_TOKENS * SLOTS
        parameters.cpuparams.n_threads = self.threads
        parameters.cpuparams_batch.n_threads = self.threads
        parameters.verbosity = -1
        parameters.warmup = False
        try:
            self._server = xllamacpp.Server(parameters)
            self._used = False
        except Exception as error:  # the binding raises its own kinds
            raise EngineError(f"{source.name}: llama.cpp cannot load it ({error})") from error

    def generate(self, requests: Sequence[Request]) -> list[Generation]:
        """Answer a batch; the server keeps its slots filled."""
        self._used = True
        with ThreadPoolExecutor(SLOTS) as pool:
            return list(pool.map(self._answer, requests))

    def time(self, request: Request) -> Stamps:
        """Answer one request greedily and stamp every token."""
        stamps: list[int] = []

        def watch(chunk: Any) -> bool:
            choice = (chunk.get("choices") or [{}])[0]
            if choice.get("finish_reason") is None:
                stamps.append(time.perf_counter_ns())
            return False

        self._used = True
        cpu = time.process_time()
        sent = time.perf_counter_ns()
        self._server.handle_completions({**self._body(request), "stream": True}, watch)
        used = time.process_time() - cpu
        return Stamps(sent_ns=sent, token_ns=tuple(stamps), cpu_seconds=used)

    def score(self, prompt: str, target: str, top_k: int) -> TopLogits:
        """Refuse: llama.cpp's server gives no logits for given text."""
        raise EngineError(
            "xllamacpp cannot score given text, so it cannot be the teacher's engine",
            hint="use models.engine=ctranslate2 or transformers",
        )

    def losses(self, texts: Sequence[tuple[str, str]]) -> list[float]:
        """Refuse: llama.cpp's server gives no log-probabilities of given text."""
        raise EngineError(
            "xllamacpp cannot score given text",
            hint="use the engine ctranslate2 or transformers",
        )

    def close(self) -> None:
        """Stop the server, once it is at work: told to stop before, it would never end."""
        if not self._used:
            self._server.handle_completions({"prompt": "a", "n_predict": 1})
        del self._server

    def _answer(self, request: Request) -> Generation:
        reply = self._server.handle_completions(self._body(request))
        if "error" in reply:
            raise EngineError(f"llama.cpp: {reply['error'].get('message', reply['error'])}")
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
