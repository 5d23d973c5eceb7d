"""The whole path on a real model (SmolLM2-135M), killed half-way and run again."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

MODEL = "smollm2-135m-instruct"
OVERRIDES = [
    f"models.teacher={MODEL}",
    f"models.student={MODEL}",
    "suites.problems=2",
    "pairs.limit=2",
    "pairs.sources=[PAIRS]",
    "teach.max_new_tokens=24",
    "teach.max_target_tokens=64",
    "distill.steps=2",
    "distill.batch_size=1",
    "distill.save_every=1",
    "perturb.operators=[keyboard_typos, camel_case]",
    "sampling.max_new_tokens=16",
    "latency.prompts=2",
    "latency.max_new_tokens=8",
]
PAIRS = [
    {
        "text": "Return the larger of two numbers.\n\n>>> larger(2, 3)\n3",
        "code": "def larger(a, b):\n    if a > b:\n        return a\n    return b\n",
        "licence": "MIT",
    },
    {
        "text": "Count how often a letter stands in a text, whatever its case.",
        "code": "def count_letter(text, letter):\n    lowered = text.lower()\n"
        "    return lowered.count(letter.lower())\n",
        "licence": "MIT",
    },
]


def start(folder: Path) -> "subprocess.Popen[str]":
    pairs = folder.parent / "pairs.jsonl"
    pairs.write_text("".join(json.dumps(pair) + "\n" for pair in PAIRS))
    overrides = [text.replace("PAIRS", str(pairs)) for text in OVERRIDES]
    return subprocess.Popen(
        [sys.executable, "-m", "overproof.cli", "run", "demo", *overrides, "--out", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(folder: Path) -> str:
    process = start(folder)
    output, _ = process.communicate(timeout=400)
    assert process.returncode == 0, output
    return output


def comparable(folder: Path, name: str) -> list[dict[str, object]]:
    rows = [json.loads(line) for line in (folder / name).read_text().splitlines()]
    for row in rows:
        for measured in ("seconds", "cpu_seconds", "crc32"):
            row.pop(measured, None)
    return sorted(rows, key=lambda row: str(row["key"]))


@pytest.mark.models
def test_the_main_path_survives_kills_and_says_the_same(tmp_path: Path) -> None:
    straight, killed = tmp_path / "straight" / "run", tmp_path / "killed" / "run"
    straight.parent.mkdir()
    killed.parent.mkdir()
    output = finish(straight)
    assert "distilled" in output
    assert "report.html" in output
    results = json.loads((straight / "results.json").read_text())
    assert {model["name"] for model in results["manifest"]["models"]} == {
        "teacher",
        "undistilled",
        "distilled",
    }
    metrics = {score["metric"] for score in results["scores"]}
    assert {"pass@1", "robust_pass@1", "robust_drop@1", "robust_relative@1", "ttft_ms"} <= metrics
    assert list((straight / "models").glob("distilled-*/model.safetensors"))

    for table in ("lessons.jsonl", "samples.jsonl"):  # kill when this stage has begun
        process = start(killed)
        deadline = time.monotonic() + 300
        while not (killed / table).exists() and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    finish(killed)
    for table in ("variants.jsonl", "solutions.jsonl", "lessons.jsonl"):
        assert comparable(killed, table) == comparable(straight, table)
    for table in ("samples.jsonl", "outcomes.jsonl"):
        rows = comparable(killed, table)
        assert len(rows) == len({row["key"] for row in rows})
        assert rows == comparable(straight, table)

    began = time.monotonic()
    finish(killed)  # all there: nothing is generated, trained or executed again
    assert time.monotonic() - began < 60
