"""The pool: kept between runs, frugal, clean, and fair to programs on a busy machine."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from overproof.sandbox import Job, Limits, Pool, kernel, pool, run_jobs

CHECK = "def check(candidate):\n    assert candidate() == 1\n"
MEMORY_MIB = 150
"""What a pool of two workers may have resident, this process apart."""


def jobs(count: int, start: int = 0, body: str = "return 1") -> Iterator[Job]:
    for number in range(start, start + count):
        program = f"def f():\n    {body}\n# {number}\n"
        yield Job(key=str(number), task_id="t", program=program, entry_point="f", test=CHECK)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_pool_keeps_its_workers_between_runs(temporary: Path) -> None:
    with Pool(Limits(), workers=2) as pool:
        tier = pool.start()
        before = [worker.process for worker in pool.crew]
        for start in (0, 10):
            outcomes = list(pool.run(jobs(10, start)))
            assert [outcome.status for outcome in outcomes] == ["passed"] * 10
            assert {outcome.tier for outcome in outcomes} == {tier}
        assert [worker.process for worker in pool.crew] == before
        assert len(list(temporary.iterdir())) == 2
    assert list(temporary.iterdir()) == []


def test_many_samples_leave_nothing(temporary: Path) -> None:
    with Pool(Limits(), workers=1) as pool:
        list(pool.run(jobs(20)))
        (worker,) = pool.crew
        assert worker.process is not None
        files = open_files()
        theirs = Path(f"/proc/{worker.process.pid}/fd")
        counted = len(list(theirs.iterdir()))
        assert all(outcome.passed for outcome in pool.run(jobs(300, 20)))
        assert open_files() == files
        assert len(list(theirs.iterdir())) == counted
        assert [sorted(folder.rglob("*")) for folder in temporary.iterdir()] == [
            [folder / "box0", folder / "shared"] for folder in temporary.iterdir()
        ]
    assert list(temporary.iterdir()) == []


@pytest.mark.skipif(not kernel.LINUX, reason="counts resident memory in /proc")
def test_two_workers_are_small() -> None:
    with Pool(Limits(), workers=2) as pool:
        list(pool.run(jobs(20)))
        resident = sum(
            usage.resident_bytes
            for worker in pool.crew
            if worker.process is not None
            for usage in [
                kernel.processes()[worker.process.pid],
                *kernel.descendants(worker.process.pid).values(),
            ]
        )
    assert resident < MEMORY_MIB * 2**20


def test_waiting_for_the_processor_is_no_timeout() -> None:
    body = "import time\n    while time.process_time() < 0.5: pass\n    return 1"
    outcomes = list(run_jobs(jobs(6, body=body), Limits(cpu_seconds=1.2), workers=6))
    assert [outcome.status for outcome in outcomes] == ["passed"] * 6


def test_a_worker_that_is_killed_is_replaced() -> None:
    with Pool(Limits(), workers=1) as pool:
        list(pool.run(jobs(3)))
        (worker,) = pool.crew
        assert worker.process is not None
        worker.process.kill()
        worker.process.wait()
        outcomes = list(pool.run(jobs(5, 3)))
    assert [outcome.status for outcome in outcomes] == ["passed"] * 5


def test_a_zygote_loads_nothing_that_makes_its_forks_dear() -> None:
    package = Path(pool.__file__).parent
    code = (
        f"import sys, types; sys.path.insert(0, {str(package.parents[1])!r}); "
        f"package = types.ModuleType('overproof.sandbox'); package.__path__ = [{str(package)!r}]; "
        "sys.modules['overproof.sandbox'] = package; import overproof.sandbox.zygote; "
        "print([name for name in ('threading', 'subprocess', 'hashlib') if name in sys.modules])"
    )
    command = [sys.executable, "-s", "-P", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
