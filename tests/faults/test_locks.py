"""Two runs on one folder: the second is told who is there, and no lock is ever left over."""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from overproof.errors import StorageError
from overproof.folders.run import open_run
from overproof.locks import NAME, hold, hold_file, holder_of, is_held
from overproof.records import Outcome
from overproof.store import RunFolder

HOLDING = """
import sys, time
from pathlib import Path
from overproof.store import RunFolder
with RunFolder(Path(sys.argv[1])).locked():
    print("held", flush=True)
    time.sleep(600)
"""


def holding(path: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_the_second_is_told_who_holds_it_and_a_kill_frees_it(tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = holding(run)
    try:
        with (
            pytest.raises(StorageError, match=f"in use by process {process.pid} on ") as caught,
            RunFolder(run).locked(),
        ):
            raise AssertionError("the second run got in")
        assert str(run) in caught.value.message  # its command line names the folder
        assert "wait for it" in caught.value.hint
        assert is_held(run)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert not is_held(run)
    (run / "recipe.yaml").write_text("name: demo\n")
    (run / "results.json").write_text("{}")
    assert open_run(run).state == "interrupted"
    with RunFolder(run).locked():
        assert open_run(run).state == "running"
    assert open_run(run).state == "finished"


def test_a_forked_process_does_not_keep_the_lock(tmp_path: Path) -> None:
    with hold(tmp_path):
        child = os.fork()
        if child == 0:
            time.sleep(30)
            os._exit(0)
    try:
        with hold(tmp_path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_who_only_looks_refuses_nobody(tmp_path: Path) -> None:
    import fcntl

    (tmp_path / NAME).touch()
    with (tmp_path / NAME).open("rb") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        child = os.fork()
        if child == 0:
            time.sleep(0.2)
            fcntl.flock(looking, fcntl.LOCK_UN)
            os._exit(0)
        with hold(tmp_path):
            pass
        os.waitpid(child, 0)


def test_rows_of_two_runs_are_never_mixed(tmp_path: Path) -> None:
    """Ten processes want one folder at once: whoever gets in writes all of its rows."""
    program = """
import sys
from pathlib import Path
from overproof.errors import StorageError
from overproof.records import Outcome
from overproof.store import RunFolder
folder = RunFolder(Path(sys.argv[1]))
try:
    with folder.locked():
        table = folder.table("outcomes", Outcome)
        for n in range(20):
            table.append([Outcome(key=f"{sys.argv[2]}-{n}", task_id="t", status="passed")])
except StorageError:
    sys.exit(5)
"""
    run = tmp_path / "run"
    crowd = [
        subprocess.Popen([sys.executable, "-c", program, str(run), str(number)])
        for number in range(6)
    ]
    codes = [process.wait() for process in crowd]
    assert set(codes) <= {0, 5} and 0 in codes
    keys = [row.key for row in RunFolder(run).table("outcomes", Outcome).rows()]
    writers = [key.partition("-")[0] for key in keys]
    assert len(keys) == 20 * codes.count(0)
    assert sum(a != b for a, b in pairwise(writers)) == codes.count(0) - 1


@pytest.mark.parametrize("content", [b"", b"[1]", b"not json", b'{"pid": 1, "new": 2}'])
def test_an_older_or_damaged_note_is_no_obstacle(content: bytes, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(content)
    holder_of(tmp_path)
    with hold(tmp_path):
        held = holder_of(tmp_path)
        assert held is not None and held.pid == os.getpid() and not held.ended
        with pytest.raises(StorageError, match=f"process {os.getpid()} "), hold(tmp_path):
            pass
    ended = holder_of(tmp_path)
    assert ended is not None and ended.ended


def test_verdicts_of_two_commands_are_never_mixed(tmp_path: Path) -> None:
    problem = {
        "task_id": "mine/0",
        "prompt": "def f(a):\n",
        "entry_point": "f",
        "canonical_solution": "    return a\n",
        "test": "def check(candidate):\n    assert candidate(1) == 1\n",
    }
    (tmp_path / "problems.jsonl").write_text(json.dumps(problem) + "\n")
    sample = {"task_id": "mine/0", "completion": "    return a\n"}
    (tmp_path / "samples.jsonl").write_text(json.dumps(sample) + "\n")
    words = "score samples.jsonl --problems problems.jsonl --out verdicts.jsonl"
    command = [sys.executable, "-m", "overproof", *words.split()]

    def run() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    with hold_file(tmp_path / "verdicts.jsonl"):
        refused = run()
    assert refused.returncode == StorageError.exit_code
    assert "verdicts.jsonl is being written by another process" in refused.stderr
    assert (tmp_path / "verdicts.jsonl").read_bytes() == b""
    assert run().returncode == 0
    rows = (tmp_path / "verdicts.jsonl").read_bytes()
    (tmp_path / "verdicts.jsonl").chmod(0o444)
    assert run().returncode == 0  # nothing to write: it is read
    assert (tmp_path / "verdicts.jsonl").read_bytes() == rows != b""
