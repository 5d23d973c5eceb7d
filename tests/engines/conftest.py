"""Makes `scripted` importable beside the tests; a real server and a scripted one."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from overproof.catalog import ModelSource
from overproof.models import resolve_model

sys.path.append(str(Path(__file__).parent))

from scripted import Scripted


@pytest.fixture(scope="module")
def served() -> Iterator[ModelSource]:
    """SmolLM2-135M behind llama.cpp's HTTP server, on a free port of this machine."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(resolve_model("smollm2-135m-instruct").path)
    parameters.n_parallel = 4
    parameters.n_ctx = 4 * 2048
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    parameters.verbosity = -1
    parameters.warmup = False
    server = xllamacpp.Server(parameters)
    yield resolve_model(f"{server.listening_address}/v1#smollm2")
    del server


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    for name in ("OVERPROOF_API_KEY", "OPENAI_API_KEY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = Scripted()
    yield server
    server.close()
