"""Ctrl-C once finishes the row under way and says how to go on; twice ends at once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from overproof import interrupts

RUN = """
import sys, time
from pathlib import Path
from overproof.cli import main
from overproof.records import Outcome
from overproof.store import RunFolder
import click

@main.command("slowly")
@click.argument("path", type=click.Path(path_type=Path))
@click.argument("seconds", type=float)
def slowly(path, seconds):
    folder = RunFolder(path)
    with folder.locked():
        table = folder.table("outcomes", Outcome)
        def work(part):
            print("begun", part[0], flush=True)
            SLEEP
            return [Outcome(key=f"k{n}", task_id="t", status="passed") for n in part]
        table.fill(list(range(5)), lambda n: f"k{n}", work)
    print("finished", flush=True)

main(["slowly", *sys.argv[1:]])
"""
PATIENT = "time.sleep(seconds)"
DEAF = """
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                try: time.sleep(0.1)
                except KeyboardInterrupt: pass
"""


def start(path: Path, seconds: float, sleep: str = PATIENT) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", RUN.replace("SLEEP", sleep.strip()), str(path), str(seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "begun 0\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_once_the_row_under_way_is_finished(number: signal.Signals, tmp_path: Path) -> None:
    process = start(tmp_path / "run", 1.0)
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (output, (tmp_path / "run" / "outcomes.jsonl").read_bytes().count(b"\n")) == ("", 1)
    assert "stopping once what is under way is stored; Ctrl-C again ends now" in errors
    assert "run the same command again to go on" in errors
    again = subprocess.run(
        [sys.executable, "-c", RUN.replace("SLEEP", PATIENT), str(tmp_path / "run"), "0"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert again.stdout.splitlines() == [*(f"begun {n}" for n in range(1, 5)), "finished"]


def test_twice_it_ends_at_once(tmp_path: Path) -> None:
    process = start(tmp_path / "run", 120)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and time.monotonic() - began < 30
    assert "run the same command again to go on" in errors
    assert not (tmp_path / "run" / "outcomes.jsonl").exists()


def test_twice_it_ends_even_where_python_is_not_heard(tmp_path: Path) -> None:
    process = start(tmp_path / "run", 120, DEAF)
    began = time.monotonic()
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    process.communicate(timeout=60)
    assert process.returncode == interrupts.EXIT_CODE
    assert time.monotonic() - began < interrupts.GRACE_SECONDS + 25


def open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    files = open_files()
    with interrupts.two_steps():
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupts.asked()
        with pytest.raises(KeyboardInterrupt):
            interrupts.settle()
    assert not interrupts.asked()
    interrupts.settle()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert open_files() == files


def test_training_stops_after_a_step_that_is_saved() -> None:
    """The loop asks after each step, so that a Ctrl-C costs none; test_kills shows the resume."""
    from overproof.distillation.trainer import make_watcher

    class Control:
        should_save = should_training_stop = False

    class State:
        global_step = 3

    class Transformers:
        TrainerCallback = object

    class Ruler:
        def look(self, step: int) -> bool:
            return False

    class Trainer:
        last = 0.0

    watcher = make_watcher(Transformers, Trainer(), Ruler(), lambda count, note="": None)  # type: ignore[arg-type]
    control = Control()
    watcher.on_step_end(None, State(), control)
    assert not control.should_save
    with interrupts.two_steps():
        os.kill(os.getpid(), signal.SIGINT)
        watcher.on_step_end(None, State(), control)
    assert control.should_save and control.should_training_stop
