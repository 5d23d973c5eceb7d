"""Every field of `Limits` changes what a program can do; a limit that makes no sense is refused."""

import os
from typing import Any

import pytest

from overproof.errors import UsageError
from overproof.records import Outcome
from overproof.sandbox import Job, Limits, StdioJob, kernel, run_jobs
from overproof.sandbox.confine import UnconfinedError
from overproof.sandbox.stdio import Streams

CHECK = "def check(candidate):\n    assert candidate() == 'done'\n"


def run_one(program: str, **limits: Any) -> Outcome:
    job = Job(key="k", task_id="t", program=program, entry_point="f", test=CHECK)
    (outcome,) = run_jobs([job], Limits(**limits), workers=1)
    return outcome


SPIN = """
import time
def f():
    while time.process_time() < 0.6: pass
    return 'done'
"""
SLEEP = "import time\ndef f():\n    time.sleep(1)\n    return 'done'\n"
ALLOCATE = "def f():\n    block = bytes(300 << 20)\n    return 'done'\n"
THREADS = """
import threading, time
def f():
    end = threading.Event()
    threads = [threading.Thread(target=end.wait) for _ in range(20)]
    for thread in threads: thread.start()
    time.sleep(0.3)
    end.set()
    return 'done'
"""
ONE_FILE = "def f():\n    open('x', 'wb').write(bytes(3 << 20))\n    return 'done'\n"
MANY_FILES = """
def f():
    for n in range(4): open(str(n), 'wb').write(bytes(3 << 20))
    return 'done'
"""
OPEN_FILES = "def f():\n    files = [open('candidate.py') for _ in range(40)]\n    return 'done'\n"


@pytest.mark.parametrize(
    ("program", "field", "low", "status"),
    [
        (SPIN, "cpu_seconds", 0.3, "timeout"),
        (SLEEP, "wall_seconds", 0.5, "timeout"),
        (ALLOCATE, "memory_mib", 200, "out_of_memory"),
        (THREADS, "max_processes", 10, "error"),
        (ONE_FILE, "file_mib", 2, "error"),
        (OPEN_FILES, "open_files", 20, "error"),
        (MANY_FILES, "folder_mib", 8, "error"),
    ],
)
def test_a_limit_is_what_decides(program: str, field: str, low: float, status: str) -> None:
    outcome = run_one(program, **{field: low})
    if field == "folder_mib" and "namespaces" not in outcome.tier:
        pytest.skip("the size of the folder is enforced with namespaces only")
    assert outcome.status == status


def test_the_same_programs_pass_under_the_default_limits() -> None:
    programs = (SPIN, SLEEP, ALLOCATE, THREADS, ONE_FILE, OPEN_FILES, MANY_FILES)
    jobs = [Job(key=p, task_id="t", program=p, entry_point="f", test=CHECK) for p in programs]
    assert [o for o in run_jobs(jobs, Limits()) if not o.passed] == []


def test_isolation_is_written_into_the_outcome() -> None:
    program = "def f(): return 'done'\n"
    assert run_one(program, isolation="rlimits", unsafe=True).tier == "unsafe: rlimits"
    assert "namespaces" not in run_one(program, isolation="landlock").tier
    assert run_one(program).tier.endswith("rlimits")


def test_without_a_layer_that_holds_it_nothing_is_run_unless_asked_for() -> None:
    with pytest.raises(UnconfinedError, match="nothing on this machine holds") as refusal:
        run_one("def f(): return 'done'\n", isolation="rlimits")
    assert "--unsafe" in refusal.value.hint


def test_cpu_time_is_reported_and_waiting_is_free() -> None:
    outcome = run_one(SLEEP, cpu_seconds=0.5)
    assert outcome.passed
    assert 0 < outcome.cpu_seconds < 0.5


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_limits_that_make_no_sense_are_refused(value: float) -> None:
    with pytest.raises(UsageError, match=r"limits\.cpu_seconds"):
        Limits(cpu_seconds=value)


def test_unknown_isolation_is_refused() -> None:
    with pytest.raises(UsageError, match="isolation"):
        Limits(isolation="none")  # type: ignore[arg-type]


def test_ps_tells_what_proc_tells() -> None:
    mine = kernel.processes_by_ps()[os.getpid()]
    assert mine.parent == os.getppid()
    assert 0.5 < mine.resident_bytes / kernel.processes()[os.getpid()].resident_bytes < 2


def test_a_standard_input_without_memory_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    job = StdioJob(key="k", task_id="t", program="print(input())", cases=(("x", "x"),))
    streams = Streams.open("text")
    try:
        assert os.read(streams.theirs[0], 99) == b"text"
    finally:
        streams.close()
    (outcome,) = run_jobs([job], Limits(), workers=1)
    assert outcome.passed
