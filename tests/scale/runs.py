"""A small evaluation over a scripted server, and what two runs of it must have in common."""

import hashlib
import json
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from scripted import completion, send

from overproof.scale.crew import MEASURING
from overproof.scale.deal import Place
from overproof.scale.lead import begin, lead
from overproof.scale.stages import run_rank

CHANGES = (
    "suites.problems=3",
    "perturb.operators=[camel_case, keyboard_typos]",
    "models.form=raw",
    "sampling.batch_size=2",
    "limits.cpu_seconds=3",
)
MEASURED = ("seconds", "cpu_seconds", "memory_mib")
"""What a clock or the kernel said: no two runs have the same."""


def answer(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
    """A program for the prompt: right for some, wrong for others, always the same."""
    asked = str(body.get("prompt") or body["messages"])
    number = int(hashlib.sha256(asked.encode()).hexdigest()[:4], 16)
    send(handler, 200, completion(f"    return {number % 3}\n"), {})


def slow_answer(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
    time.sleep(0.4)
    answer(handler, body)


def start(out: Path, *models: str, changes: tuple[str, ...] = ()) -> Path:
    return begin(None, (*CHANGES, *changes), models, out, command="overproof scale submit")


def finish(run: Path, world: int) -> None:
    """All ranks of all stages, one after the other, then the lead."""
    lead(run, until="variants")
    for stage in MEASURING:
        for rank in range(world):
            run_rank(run, stage, Place(rank, world))
    finished = lead(run)
    assert finished is not None
    assert finished.report.is_file()


def rows(run: Path, name: str) -> list[dict[str, Any]]:
    """A table's rows without what was measured, and without the seals, which cover that."""
    lines = (run / f"{name}.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    return [
        {key: value for key, value in row.items() if key not in (*MEASURED, "crc32")}
        for row in found
    ]


def results(run: Path) -> list[dict[str, Any]]:
    scores: list[dict[str, Any]] = json.loads((run / "results.json").read_text())["scores"]
    return [row for row in scores if not row["metric"].startswith("seconds")]


def by_key(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    assert len({row["key"] for row in found}) == len(found)
    return {row["key"]: row for row in found}
