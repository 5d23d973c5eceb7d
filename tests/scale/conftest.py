"""Makes `runs` and `scripted` importable; a scripted server that answers like a model."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path += [str(Path(__file__).parent), str(Path(__file__).parent.parent / "engines")]

from runs import answer
from scripted import Scripted


@pytest.fixture
def coder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    for name in ("OVERPROOF_API_KEY", "OPENAI_API_KEY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = Scripted()
    server.answers = [answer]
    yield server
    server.close()
