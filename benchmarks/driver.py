"""Start contenders for the benchmarks of the sandbox, and see what their processes take.

    with Contender("ours", problems, workers=2) as contender:
        contender.run(programs)

Needs psutil, which is in `.venv-bench`.
"""

import contextlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from overproof.records import Problem

_FORK_AND_EXIT = """
import os, sys, time
print('{"name": "fork"}', flush=True)
sys.stdin.readline()
for line in sys.stdin:
    times = []
    for _ in range(line.count('[') - 1):
        started = time.perf_counter()
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        times.append(1000 * (time.perf_counter() - started))
    print('{"ms": %r, "passed": %s, "wall_s": %r, "failed": [], "tiers": []}' % (
        times, str([True] * len(times)).lower(), sum(times) / 1000), flush=True)
"""
FLOOR = "fork+exit"
"""Name of the contender that runs nothing: an interpreter without modules forks and waits."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """What a contender did with some programs, in the order in which they were given."""

    ms: list[float]
    """Wall time of each program, in milliseconds."""
    passed: list[bool]
    wall_s: float
    failed: list[str]
    """`task_id: reason` of each program that did not pass."""
    tiers: list[str]


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a process and all its descendants hold at one moment."""

    rss_mib: float
    """Sum of resident memory; pages shared by forks count once for each."""
    pss_mib: float | None
    """The same with shared pages divided among their holders; None where it is not readable."""
    caller_mib: float
    """Resident memory of the first process alone."""
    processes: int
    files: int
    """Open descriptors, of the processes that show them."""


class Contender:
    """A contender's process; the folder that is its TMPDIR is removed at the end."""

    def __init__(self, name: str, problems: Sequence[Problem], **options: float) -> None:
        """Start it and wait until it is ready. Raises: RuntimeError if it ends before that."""
        self.name = name
        self.temporary = tempfile.TemporaryDirectory(prefix="overproof-bench-")
        Path(self.temporary.name).chmod(0o711)  # as /tmp: programs may run as nobody
        script = str(Path(__file__).with_name("contenders.py"))
        command = [sys.executable, script, name, json.dumps(options)]
        if name == FLOOR:
            command = [sys.executable, "-I", "-S", "-c", _FORK_AND_EXIT]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"TMPDIR": self.temporary.name},
        )
        fields = ("prompt", "canonical_solution", "test", "entry_point", "task_id")
        rows = {p.task_id: {field: getattr(p, field) for field in fields} for p in problems}
        self._write(rows)
        self._read()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def start(self, programs: Sequence[tuple[str, str]]) -> None:
        """Ask for programs to be run; `result` waits for them."""
        self._write([("", "")] * len(programs) if self.name == FLOOR else programs)

    def result(self) -> Block:
        """Return what was asked for last."""
        return Block(**self._read())

    def run(self, programs: Sequence[tuple[str, str]]) -> Block:
        """Run programs, pairs (task_id, source), and wait for them."""
        self.start(programs)
        return self.result()

    def close(self) -> None:
        """End the process and remove its folder."""
        self.finish()
        self.temporary.cleanup()

    def finish(self) -> None:
        """End the process, if it has not ended."""
        with contextlib.suppress(BrokenPipeError):
            if self.process.stdin is not None:
                self.process.stdin.close()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def leftovers(self) -> list[str]:
        """Return what lies in its folder for temporary files."""
        return sorted(entry.name for entry in Path(self.temporary.name).iterdir())

    def cpu_s(self) -> float:
        """Return the CPU seconds of all its processes, ended ones included."""
        return sum(sum(process.cpu_times()[:4]) for process in self._tree())

    def usage(self) -> Usage:
        """Return what its processes hold now."""
        psutil = importlib.import_module("psutil")
        rss, pss, files = [], 0, 0
        hidden = False
        for process in self._tree():
            try:
                rss.append(process.memory_info().rss)
            except psutil.NoSuchProcess:
                continue
            try:
                pss += process.memory_full_info().pss
                files += process.num_fds()
            except psutil.NoSuchProcess:
                continue
            except (psutil.AccessDenied, AttributeError):
                hidden = True
        return Usage(
            rss_mib=sum(rss) / 2**20,
            pss_mib=None if hidden else pss / 2**20,
            caller_mib=rss[0] / 2**20,
            processes=len(rss),
            files=files,
        )

    def _tree(self) -> list[Any]:
        psutil = importlib.import_module("psutil")
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def _write(self, message: Any) -> None:
        if self.process.stdin is not None:
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()

    def _read(self) -> Any:
        line = self.process.stdout.readline() if self.process.stdout is not None else ""
        if not line:
            raise RuntimeError(f"{self.name} ended; its message is above")
        return json.loads(line)


def programs_of(problems: Sequence[Problem], mark: object) -> list[tuple[str, str]]:
    """Return the canonical solutions, each with a comment, so that none equals an earlier one."""
    return [(p.task_id, f"{p.prompt}{p.canonical_solution}\n# {mark}\n") for p in problems]


def settle(seconds: float = 0.05) -> None:
    """Let what is still under way end, so that it does not run into the next measurement."""
    time.sleep(seconds)
