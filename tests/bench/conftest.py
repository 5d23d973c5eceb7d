"""Makes `streaming` importable beside the tests; a scripted server, and problems to ask about."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from overproof.records import Problem, Variant, encode_row

sys.path.append(str(Path(__file__).parent))

from streaming import Script, Streaming

Start = Callable[..., Streaming]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start scripted servers; all are closed at the end."""
    for name in ("OVERPROOF_API_KEY", "OPENAI_API_KEY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    running: list[Streaming] = []

    def begin(script: Callable[[dict[str, Any]], Script] | Script, workers: int = 64) -> Streaming:
        answer = script if callable(script) else lambda _: script
        running.append(Streaming(answer, workers))
        return running[-1]

    yield begin
    for server in running:
        server.close()


def make_problems(count: int) -> list[Problem]:
    """Problems whose answer is their number."""
    return [
        Problem(
            task_id=f"t/{number}",
            prompt=f'def f{number}():\n    """Return {number}."""\n',
            entry_point=f"f{number}",
            canonical_solution=f"    return {number}\n",
            test=f"def check(candidate):\n    assert candidate() == {number}\n",
            suite="ours",
        )
        for number in range(count)
    ]


def make_variants(count: int) -> list[Variant]:
    """The published prompts of these problems."""
    return [
        Variant(
            key=f"v{number}",
            task_id=problem.task_id,
            suite="ours",
            operator="nominal",
            family="nominal",
            seed=0,
            prompt=problem.prompt,
            entry_point=problem.entry_point,
        )
        for number, problem in enumerate(make_problems(count))
    ]


@pytest.fixture
def suite_file(tmp_path: Path) -> Path:
    """Four problems in a file that `--suite` reads."""
    path = tmp_path / "ours.jsonl"
    path.write_bytes(b"".join(encode_row(row) + b"\n" for row in make_problems(4)))
    return path
