"""A run that distils, by two processes and by one: the same checks, solutions, lessons, samples."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from runs import by_key, rows

MODEL = "smollm2-135m-instruct"
PAIRS = [
    {
        "text": f"Return the number {word} times {number}.\n\n>>> times_{word}(2)\n{2 * number}",
        "code": f"def times_{word}(a):\n    return a * {number}\n",
        "licence": "MIT",
    }
    for number, word in enumerate(("two", "three", "four", "five", "six", "seven"), start=2)
]


def run(folder: Path, pairs: Path, workers: int) -> None:
    changes = [
        *(f"models.teacher={MODEL}", f"models.student={MODEL}", "models.engine=ctranslate2"),
        *("suites.problems=2", f"pairs.sources=[{pairs}]", "pairs.near_duplicate=0"),
        *("teach.max_new_tokens=24", "teach.max_target_tokens=64", "models.threads=1"),
        *("distill.steps=1", "distill.batch_size=1", "distill.held_out=0", "latency.prompts=0"),
        *("perturb.operators=[camel_case]", "sampling.max_new_tokens=8", "sampling.batch_size=1"),
    ]
    command = [sys.executable, "-m", "overproof", "run", "demo", *changes, "--out", str(folder)]
    done = subprocess.run(
        [*command, "--workers", str(workers)], capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.models
def test_the_teachers_stages_are_shared_too(tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text("".join(json.dumps(pair) + "\n" for pair in PAIRS))
    for workers in (1, 2):
        run(tmp_path / str(workers), pairs, workers)
    one, two = tmp_path / "1", tmp_path / "2"
    for table in ("checks", "solutions", "lessons", "variants"):
        assert rows(one, table) == rows(two, table)
        assert by_key(rows(one, table))
    compared = ("task_id", "model", "completion")
    samples = [
        sorted(tuple(row[name] for name in compared) for row in rows(folder, "samples"))
        for folder in (one, two)
    ]
    assert samples[0] == samples[1]
    assert (two / "shards" / "samples").is_dir()
