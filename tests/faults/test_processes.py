"""Any process may be killed at any moment: none is left over, and no verdict changes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from overproof.sandbox import Job, Limits, Pool, run_jobs
from overproof.sandbox.folders import make_box, prune_boxes
from overproof.sandbox.kernel import descendants

TEST = "def check(candidate):\n    assert candidate(3) == 3\n"
SPIN = "import time\ndef f(n):\n    while time.process_time() < 0.8: pass\n    return n\n"


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


SHARING = """
import sys, time
from overproof.workers import processes
def work(seconds):
    time.sleep(seconds)
    return seconds
if __name__ == "__main__":
    with processes(2) as executor:
        jobs = [executor.submit(work, 300) for _ in range(2)]
        executor.submit(work, 0)
        print("begun", flush=True)
        [job.result() for job in jobs]
"""


def sharing(tmp_path: Path) -> "tuple[subprocess.Popen[str], set[int]]":
    script = tmp_path / "sharing.py"
    script.write_text(SHARING)
    process = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    wait_until(lambda: len(descendants(process.pid)) >= 3)  # two, and multiprocessing's tracker
    return process, set(descendants(process.pid))


def test_processes_that_share_work_end_with_their_parent(tmp_path: Path) -> None:
    process, children = sharing(tmp_path)
    time.sleep(1)  # for the last of them to have begun
    process.kill()
    process.communicate()
    wait_until(lambda: not any(map(runs, children)))


def test_the_death_of_one_is_one_clear_line(tmp_path: Path) -> None:
    process, children = sharing(tmp_path)
    busy = [pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(busy[0], signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "OverproofError: one of the processes that share the work was killed" in errors
    assert "BrokenProcessPool" not in errors


JUDGING = f"""
import json
from overproof.sandbox import Job, Limits, run_jobs
jobs = [Job(key="k", task_id="t", program={SPIN!r}, entry_point="f", test={TEST!r})]
print("begun", flush=True)
limits = Limits(wall_seconds=60, cpu_seconds=30)
print(json.dumps([outcome.status for outcome in run_jobs(jobs, limits, workers=1)]))
"""


@pytest.mark.parametrize("depth", [1, 2, 3], ids=["oracle", "zygote", "program"])
def test_no_verdict_comes_from_a_kill(depth: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", JUDGING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    chain: list[int] = []

    def found() -> bool:
        chain[:] = [process.pid]
        everything = descendants(process.pid)
        while below := [pid for pid, entry in everything.items() if entry.parent == chain[-1]]:
            chain.append(below[0])
        return len(chain) > 3

    wait_until(found)
    os.kill(chain[depth], signal.SIGKILL)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert json.loads(output) == ["passed"]
    wait_until(lambda: not any(map(runs, chain[1:])))


def test_a_program_that_kills_itself_has_crashed() -> None:
    program = "import os\ndef f(n):\n    os.kill(os.getpid(), 9)\n"
    jobs = [Job(key="k", task_id="t", program=program, entry_point="f", test=TEST)]
    (outcome,) = run_jobs(jobs, Limits(), workers=1)
    assert (outcome.status, outcome.detail) == ("crashed", "the process ended by SIGKILL")


def test_folders_of_killed_processes_are_removed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    held, owner = make_box()
    child = os.fork()
    if child == 0:
        left, _ = make_box()
        Path(left, "rest").write_text("of a program")
        os.close(owner)  # the fork's copy of the lock above
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0))
    newest, other = make_box()
    assert {path.name for path in tmp_path.iterdir()} == {Path(held).name, Path(newest).name}
    os.close(owner)
    os.close(other)
    prune_boxes(Path(newest))  # too young to be told from one that is being made
    assert Path(newest).exists()


def test_a_pool_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    tmp_path.chmod(0o755)
    with Pool(Limits(), workers=1) as pool:
        pool.start()
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())
