"""A suspended machine, Ctrl-Z, a stepped clock: lost time is nobody's time limit."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from overproof.folders.run import open_run
from overproof.records import Outcome
from overproof.sandbox import waiting
from overproof.sandbox.kernel import descendants
from overproof.store import RunFolder

SPINNING = """
import json, sys
from overproof.sandbox import Job, Limits, run_jobs
spin = "import time\\ndef f(n):\\n    while time.process_time() < 0.3: pass\\n    return n\\n"
test = "def check(candidate):\\n    assert candidate(3) == 3\\n"
jobs = [Job(key="k", task_id="t", program=spin, entry_point="f", test=test)]
print("begun", flush=True)
limits = Limits(wall_seconds=8, cpu_seconds=30)
print(json.dumps([outcome.status for outcome in run_jobs(jobs, limits, workers=1)]))
"""


@pytest.mark.slow
def test_time_in_which_everything_was_stopped_does_not_count() -> None:
    """Stopped for longer than the wall time limit, in the first try and in the second."""
    process = subprocess.Popen(
        [sys.executable, "-c", SPINNING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    stops = 0
    while process.poll() is None and stops < 2:
        if len(descendants(process.pid)) < 3:  # oracle, zygote, and the program itself
            time.sleep(0.01)
            continue
        everything = [process.pid, *descendants(process.pid)]
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for pid in everything:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    assert number == signal.SIGSTOP
            time.sleep(9 if number == signal.SIGSTOP else 0.2)
        stops += 1
    output, errors = process.communicate(timeout=60)
    assert stops, "the program was never seen"
    assert json.loads(output) == ["passed"], errors


def test_a_wait_tells_for_how_long_it_was_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    clock = iter([0.0, 3600.0, 3600.0, 3600.5, 3600.5, 3601.5, 3601.5, 3602.0])

    class Time:
        monotonic = staticmethod(lambda: next(clock))

    monkeypatch.setattr(waiting, "time", Time)
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.05)
    found, stopped = waiting.readable([reading], 0.05)
    assert (found, round(stopped)) == (set(), 3600)
    monkeypatch.undo()
    os.write(writing, b"x")
    assert waiting.readable([reading], 5) == ({reading}, 0.0)
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("step_s", [-86_400.0, 86_400.0])
def test_a_step_of_the_clock_changes_neither_rows_nor_state(
    step_s: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files get the kernel's time: a step is shown by what a run wrote before it."""
    run = RunFolder(tmp_path / "run")
    table = run.table("outcomes", Outcome)
    clock = time.time
    with run.locked():
        (run.path / "recipe.yaml").write_text("name: demo\n")
        table.append([Outcome(key="a", task_id="t", status="passed")])
        monkeypatch.setattr(time, "time", lambda: clock() + step_s)
        for name in ("recipe.yaml", "outcomes.jsonl"):
            when = clock() - step_s
            os.utime(run.path / name, (when, when))
        table.append([Outcome(key="b", task_id="t", status="passed")])
        run.write_json("results.json", {})
        assert open_run(run.path).state == "running"
    assert open_run(run.path).state == "finished"
    assert [row.key for row in run.table("outcomes", Outcome).rows()] == ["a", "b"]
    with pytest.raises(KeyError), run.locked():
        raise KeyError("stopped")
    assert open_run(run.path).state == "interrupted"


def test_no_duration_is_measured_by_the_clock_on_the_wall() -> None:
    """`time.time` may only be set against other times of day: the one use is a server's date."""
    source = Path(waiting.__file__).parents[1]
    found = [
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if "time.time()" in path.read_text() and "attacks" not in path.parts
    ]
    assert found == ["engines/api.py"]
