"""The whole command against a scripted server: rows, verdicts, figures, a kill in the middle."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from streaming import Script, Streaming, steady

from conftest import Start, make_problems
from overproof.bench.rows import Trial, as_timing
from overproof.bench.verdicts import counted
from overproof.cli import main
from overproof.measure.scores import measure
from overproof.records import Outcome, Sample, Timing, Variant, read_rows
from overproof.store import RunFolder


def right_for(body: dict[str, Any], wrong: tuple[int, ...] = (), gap_s: float = 0.002) -> Script:
    """Write the function that the prompt asks for, line by line; some of them wrongly."""
    text = body["messages"][0]["content"] if "messages" in body else body["prompt"]
    number = next(n for n in range(9) if f"Return {n}." in text)
    value = number + 100 if number in wrong else number
    lines = ["```python\n", f"def f{number}():\n", f"    return {value}\n", "```\n"]
    pieces = [(0.02 if place == 0 else gap_s, line) for place, line in enumerate(lines)]
    return Script(pieces=pieces, usage=8)


def run(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(main, ["bench", *arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    content: dict[str, Any] = json.loads(result.stdout)
    return content


def value(found: dict[str, Any], metric: str, model: str, **more: Any) -> Any:
    wanted = {"load": "paired", "metric": metric, "model": model, **more}
    rows = [row for row in found["figures"] if wanted.items() <= row.items()]
    assert len(rows) == 1, (wanted, rows)
    return rows[0]["value"]


def test_what_a_right_answer_costs(start: Start, suite_file: Path, tmp_path: Path) -> None:
    """Both models take the same time; one is right in all four tasks, one in two of them."""
    sharp = start(lambda body: right_for(body))
    dull = start(lambda body: right_for(body, wrong=(1, 2), gap_s=0.05))
    out = tmp_path / "run"
    arguments = [
        *("--model", f"{sharp.url}#sharp", "--model", f"{dull.url}#dull"),
        *("--suite", str(suite_file), "--slo", "ttft=10s,e2e=60s", "--out", str(out)),
    ]
    found = run(*arguments)
    assert value(found, "solved", "sharp") == 1
    assert value(found, "solved", "dull") == 0.5
    replies = counted(read_rows(out / "trials.jsonl", Trial))
    for model, solved in (("sharp", 4), ("dull", 2)):
        seconds = sum(reply.ended_ms for reply in replies if reply.model == model) / 1000
        assert value(found, "s_per_solved", model) == pytest.approx(seconds / solved, rel=1e-6)
        correct = value(found, "correct_goodput_per_s", model)
        assert correct == pytest.approx(solved / seconds, rel=1e-6)
        assert value(found, "goodput_per_s", model) == pytest.approx(4 / seconds, rel=1e-6)
    assert value(found, "tpot_ms_ratio", "dull", against="sharp") > 3
    metrics = {row["metric"] for row in found["figures"]}
    # four prompts support no 90th percentile; a server's CPU time and joules are not known
    assert not {name for name in metrics if "_p9" in name or "cpu" in name or "joule" in name}
    assert {"ttft_ms", "itl_ms", "e2e_ms", "tokens_per_piece"} <= metrics
    assert value(found, "tokens_per_piece", "sharp") == 2
    assert any("another process" in line for line in found["warnings"])

    asked = len(sharp.seen)
    again = run(*arguments)
    assert len(sharp.seen) == asked  # nothing was asked again
    assert again["figures"] == found["figures"]


def test_the_rows_are_those_that_other_stages_read(
    start: Start, suite_file: Path, tmp_path: Path
) -> None:
    server = start(lambda body: right_for(body, wrong=(3,)))
    out = tmp_path / "run"
    found = run("--model", f"{server.url}#a", "--suite", str(suite_file), "--out", str(out))
    samples = read_rows(out / "samples.jsonl", Sample)
    timings = read_rows(out / "timings.jsonl", Timing)
    variants = read_rows(out / "variants.jsonl", Variant)
    stored = read_rows(out / "outcomes.jsonl", Outcome)
    assert (len(samples), len(stored)) == (4, 4)
    assert sum(not timing.warmup for timing in timings) == 4
    assert sum(timing.warmup for timing in timings) == 2
    passed = {outcome.sample for outcome in stored if outcome.passed}
    assert len(passed) == 3
    scores = {(row["metric"], row["operator"]): row["value"] for row in found["scores"]}
    assert scores["pass@1", "nominal"] == 0.75
    assert scores["ttft_ms", "nominal"] > 15
    levels = {s.metric for s in measure(make_problems(4), variants, [], [], timings)}
    assert {"ttft_ms", "tpot_ms", "e2e_ms"} <= levels
    reply = counted(read_rows(out / "trials.jsonl", Trial))[0]
    assert as_timing(reply).tpot_ms == pytest.approx(reply.tpot_ms, abs=1e-3)


def test_under_perturbation(start: Start, suite_file: Path, tmp_path: Path) -> None:
    """Perturbed prompts of task 0 are answered wrongly, and slowly: robust costs more."""

    def answer(body: dict[str, Any]) -> Script:
        text = str(body)
        number = next((n for n in range(4) if f"f{n}(" in text), 0)
        published = f"Return {number}." in text and "'" not in text.split("def")[0]
        script = right_for({"prompt": f"Return {number}."}, wrong=() if published else (0,))
        pause, first = script.pieces[0]
        script.pieces[0] = (pause if published else 4 * pause, first)
        return script

    server = start(answer)
    out = tmp_path / "run"
    found = run(
        *("--model", f"{server.url}#a", "--suite", str(suite_file), "--out", str(out)),
        *("--operators", "swap_characters,null"),
    )
    operators = {row["operator"] for row in found["figures"]}
    assert "swap_characters" in operators
    replies = counted(read_rows(out / "trials.jsonl", Trial))
    per_task = {}
    for task in {reply.task_id for reply in replies}:
        own = [reply.ended_ms / 1000 for reply in replies if reply.task_id == task]
        per_task[task] = sum(own) / len(own)
    robust = value(found, "robust", "a")
    assert 0 < robust <= value(found, "solved", "a")
    cost = value(found, "s_per_robust", "a")
    assert cost == pytest.approx(sum(per_task.values()) / (4 * robust), rel=1e-6)
    assert value(found, "ttft_ms_change", "a", operator="swap_characters") > 0


def test_loads_side_by_side(start: Start, suite_file: Path, tmp_path: Path) -> None:
    server = start(lambda body: right_for(body, wrong=(1,)), workers=2)
    url = server.url
    found = run(
        *("--model", f"{url}#a", "--model", f"{url}#b", "--suite", str(suite_file)),
        *("--load", "closed:2", "--load", "open:20", "--slo", "e2e=30s", "--rounds", "2"),
        *("--out", str(tmp_path / "run")),
    )
    for load in ("closed:2", "open:20"):
        answers = value(found, "answers_per_s", "a", load=load)
        assert value(found, "goodput_per_s", "a", load=load) == pytest.approx(answers)
        right = value(found, "correct_goodput_per_s", "a", load=load)
        assert right == pytest.approx(0.75 * answers)
        assert value(found, "failed", "b", load=load) == 0
        ratio = [
            r for r in found["figures"] if r["load"] == load and r["metric"].endswith("_ratio")
        ]
        assert ratio
        assert all(row["n"] == 2 and row["low"] is None for row in ratio)  # two rounds: no interval
    assert {row["load"] for row in found["figures"]} == {"closed:2", "open:20"}


def test_a_kill_costs_the_trial_it_fell_into(
    start: Start, suite_file: Path, tmp_path: Path
) -> None:
    server = start(lambda body: right_for(body, gap_s=0.15))
    out = tmp_path / "run"
    arguments = [
        *("--model", f"{server.url}#a", "--model", f"{server.url}#b", "--suite", str(suite_file)),
        *("--out", str(out), "--warmup", "1"),
    ]
    command = [sys.executable, "-m", "overproof", "bench", *arguments]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    path = out / "trials.jsonl"
    deadline = time.monotonic() + 120
    while not (path.exists() and path.read_bytes().count(b"\n") >= 2):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    with path.open("ab") as file:
        file.write(b'{"schema":1,"key":"torn')  # what a kill while writing leaves
    kept = path.read_bytes().rpartition(b"\n")[0]
    before = len(server.seen)
    found = run(*arguments)
    assert path.read_bytes().startswith(kept)
    trials = RunFolder(out).table("trials", Trial).rows()
    assert len(trials) == 5
    assert all(len(trial.replies) == 2 for trial in trials)
    missing = 5 - (kept.count(b"\n") + 1)
    assert len(server.seen) - before == 2 * missing + 2  # and a greeting to each model
    assert value(found, "solved", "a") == 1


def test_tables_fit_a_terminal(start: Start, suite_file: Path, tmp_path: Path) -> None:
    server: Streaming = start(lambda body: right_for(body))
    arguments = [
        *("bench", "--model", f"{server.url}#a", "--model", f"{server.url}#b"),
        *("--suite", str(suite_file), "--out", str(tmp_path / "run"), "--slo", "ttft=5s"),
    ]
    result = CliRunner(env={"COLUMNS": "80"}).invoke(main, arguments)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    for words in ("TTFT ms", "s per solved", "correct goodput/s", "solved"):
        assert any(words in line for line in lines), words
    assert all(len(line) <= 80 for line in lines if not line.startswith(("figures", "beware")))


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--load", "closed:0"),
        ("--load", "closed:1.5"),
        ("--load", "open:nan"),
        ("--load", "burst:3"),
        ("--slo", "ttft=fast"),
        ("--slo", "ttft=1.2.3s"),
        ("--slo", "ttft=1s,ttft=2s"),
        ("--repeats", "0"),
    ],
)
def test_what_makes_no_sense_is_refused(option: str, text: str) -> None:
    result = CliRunner().invoke(main, ["bench", "--model", "smollm2-135m-instruct", option, text])
    assert result.exit_code == 2
    assert "error:" in result.output


@pytest.mark.models
def test_in_process(suite_file: Path, tmp_path: Path) -> None:
    """Two of the same model, one thread: CPU time is known, and all stamps are in order."""
    out = tmp_path / "run"
    model = "smollm2-135m-instruct"
    found = run(
        *("--model", model, "--model", model, "--suite", str(suite_file), "--limit", "2"),
        *("--max-new-tokens", "6", "--warmup", "0", "--threads", "1", "--cache", "both"),
        *("--out", str(out)),
    )
    replies = counted(read_rows(out / "trials.jsonl", Trial))
    assert len(replies) == 2 * 2 * 2
    assert all(reply.cpu_seconds > 0 for reply in replies)
    assert all(list(reply.pieces_ms) == sorted(reply.pieces_ms) for reply in replies)
    assert all(reply.others is not None for reply in replies)
    kept = {
        cache: [r.cached_tokens or 0 for r in replies if r.cache == cache]
        for cache in ("cold", "warm")
    }
    assert max(kept["cold"]) == 0 < min(kept["warm"])
    assert found["settings"]["threads"] == len(found["settings"]["cores"]) == 1
    first = next(r for r in replies if r.model == model)
    same = [r.completion for r in replies if r.task_id == first.task_id and r.cache == "cold"]
    assert len(set(same)) == 1


def test_steady_is_steady() -> None:
    assert [pause for pause, _ in steady(0.2, 0.02, 3).pieces] == [0.2, 0.02, 0.02]
