"""Serve a GGUF file by llama.cpp's own HTTP server, which xllamacpp carries: OpenAI's API, a page.

    with Served(resolve_model("smollm2-135m-instruct")) as served:
        print(served.url)

Not covered: keys, TLS, several models; put a proxy in front for any of them.
"""

import json
import shlex
from types import TracebackType
from typing import Any, Self

import httpx

from overproof.catalog import ModelSource
from overproof.engines.protocol import cpu_threads, missing_engine
from overproof.errors import EngineError

HOST = "127.0.0.1"
CONTEXT_TOKENS = 4096
"""Per slot: prompt and answer together."""
TIMEOUT_S = 120.0


class Served:
    """A running server; it stops when the block ends."""

    def __init__(
        self,
        source: ModelSource,
        *,
        host: str = HOST,
        port: int = 0,
        slots: int = 4,
        context: int = CONTEXT_TOKENS,
        threads: int = 0,
        alias: str = "",
    ) -> None:
        """Load the file and listen; port 0 takes one that is free.

        Raises: EngineError if it is no GGUF file, or llama.cpp cannot load it or listen there.
        """
        try:
            import xllamacpp
        except ImportError:
            raise missing_engine("xllamacpp") from None
        if source.kind != "gguf" or source.path is None:
            raise EngineError(
                f"{source.name}: llama.cpp serves GGUF files only",
                hint="export it first: overproof export CHECKPOINT --to gguf --out DIR",
            )
        self.alias = alias or source.name
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(source.path)
        parameters.model_alias = {self.alias}
        parameters.hostnames = [host]
        parameters.port = port
        parameters.n_parallel = slots
        parameters.n_ctx = context * slots
        parameters.cpuparams.n_threads = cpu_threads(threads)
        parameters.cpuparams_batch.n_threads = cpu_threads(threads)
        parameters.verbosity = -1
        parameters.warmup = False
        parameters.use_jinja = True
        try:
            self._server = xllamacpp.Server(parameters)
        except Exception as error:  # the binding raises its own kinds
            raise EngineError(
                f"{source.name}: llama.cpp cannot serve it ({error})",
                hint="is the port taken? --port 0 takes one that is free",
            ) from error
        self.address = str(self._server.listening_address)
        self.url = f"{self.address}/v1"

    def tokens(self, text: str) -> list[int]:
        """Return the tokens that llama.cpp cuts a text into, special ones recognised."""
        reply = httpx.post(
            f"{self.address}/tokenize",
            json={"content": text, "add_special": False, "parse_special": True},
            timeout=TIMEOUT_S,
            trust_env=False,
        )
        return [int(token) for token in reply.json()["tokens"]]

    def close(self) -> None:
        """Stop the server, once it is at work: told to stop before, it would never end."""
        if self._server is not None:
            self._server.handle_completions({"prompt": "a", "n_predict": 1})
            self._server = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server."""
        self.close()


def curl_line(url: str, model: str, question: str = "Write a function that adds two.") -> str:
    """Return a command that asks the server.

    >>> curl_line("http://127.0.0.1:8080/v1", "coder", "Hi").split()[1]
    'http://127.0.0.1:8080/v1/chat/completions'
    """
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": question}]}
    content = "-H 'Content-Type: application/json'"
    return f"curl {url}/chat/completions {content} -d {shlex.quote(json.dumps(body))}"
