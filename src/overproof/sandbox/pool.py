"""Many programs over a few workers, streaming: outcomes come out as they are finished.

A worker is an oracle process with its zygote. If an oracle hangs on odd data it is killed and
started anew. Whatever was ended by wall time, or took its worker down, is run once more, alone,
so that a busy machine costs time and never a verdict. Where a language compiles many programs at
once, jobs are read some way ahead and wait until a worker has built their group.

    run_jobs(jobs, Limits(), workers=2)

    with Pool(Limits(), workers=2) as pool:     # keeps its workers between runs
        outcomes = list(pool.run(jobs))
"""

import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from overproof.errors import OverproofError, UsageError
from overproof.languages import is_language, load_language
from overproof.sandbox import spawn, wire
from overproof.sandbox.builds import ROUNDS, prune
from overproof.sandbox.confine import UnconfinedError
from overproof.sandbox.folders import make_box, remove_tree
from overproof.sandbox.jobs import (
    MAX_PROGRAM_CHARACTERS,
    SHARED_FACTOR,
    AnyJob,
    Job,
    Limits,
    StdioJob,
)
from overproof.sandbox.recording import MAX_STARTS, PATIENT_SECONDS, THINKING_SECONDS
from overproof.sandbox.waiting import readable

if TYPE_CHECKING:  # slow to import, and not needed in the processes of the sandbox
    from overproof.records import Outcome

_GRACE_SECONDS = 10.0
_START_SECONDS = 60.0
_AHEAD_BYTES = 32 << 10
"""A task up to this size is sent while its worker is still busy with the one before."""
_AHEAD = 2
_READ_AHEAD = 64
"""Jobs that are read together where their language compiles many at once."""
_MAX_KNOWN = 2048
"""Verdicts remembered, so that identical jobs which are not far apart are executed once."""


def run_jobs(jobs: Iterable[AnyJob], limits: Limits, workers: int = 2) -> "Iterator[Outcome]":
    """Yield the outcome of each job, in the order in which they are finished.

    `jobs` is read only a little ahead, 64 of them where a language compiles many at once.
    Identical jobs (all but key and task_id) are executed once and share the result.

    Raises: UsageError for a wrong number of workers; UnconfinedError if nothing on this machine
    holds a program; OverproofError if no sandbox can start.
    """
    with Pool(limits, workers) as pool:
        yield from pool.run(jobs)


class Pool:
    """Workers that are started when first needed, and kept until the pool is closed."""

    def __init__(self, limits: Limits, workers: int = 2) -> None:
        """Keep the settings; nothing is started yet. Raises: UsageError."""
        if workers < 1:
            raise UsageError(
                f"workers: got {workers}, but at least 1 is needed", hint="try workers=1"
            )
        self.crew = [Worker(limits) for _ in range(workers)]
        self.known: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        """Return the pool."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all processes and remove their folders."""
        self.close(now=kind is not None)

    def close(self, now: bool = False) -> None:
        """End all processes and remove their folders; with `now`, what is under way as well."""
        for worker in self.crew:
            if now:
                worker.kill()
            worker.hang_up()
        for worker in self.crew:
            worker.close()

    def start(self) -> str:
        """Start all workers, and return the tier that programs will get. Raises: as `run_jobs`."""
        for worker in self.crew:
            if worker.channel is None:
                worker.start()
        for worker in self.crew:
            worker.await_ready()
        return self.crew[0].tier

    def run(self, jobs: Iterable[AnyJob]) -> "Iterator[Outcome]":
        """Yield the outcome of each job; as `run_jobs`."""
        stream = _Stream(self)
        try:
            yield from stream.outcomes(iter(jobs))
        finally:
            if stream.under_way():  # nobody wants the outcomes that are still to come
                for worker in self.crew:
                    worker.kill()
                    worker.close()


class Worker:
    """One oracle process with its zygote and folder, and the tasks that it has been sent."""

    def __init__(self, limits: Limits) -> None:
        """Keep the limits; nothing is started yet."""
        self.limits = limits
        self.process: subprocess.Popen[bytes] | None = None
        self.channel: socket.socket | None = None
        self.folder, self.owner = "", -1
        self.tier = ""
        self.sent: deque[tuple[str, float]] = deque()
        """Names of the tasks that it has, and how long it may take over each, in seconds."""
        self.since = 0.0

    def fileno(self) -> int:
        """Return the descriptor of the channel; -1 if there is none."""
        return self.channel.fileno() if self.channel is not None else -1

    @property
    def deadline(self) -> float:
        """When the first of its tasks should be done, in `time.monotonic` seconds."""
        return self.since + self.sent[0][1]

    def start(self) -> None:
        """Start the oracle; it starts the zygote."""
        from overproof.catalog import cache_folder

        cache = cache_folder() / "builds"
        prune(cache)
        self.folder, self.owner = make_box()
        Path(self.folder).chmod(0o711)  # if we are root, candidates may run as nobody
        self.channel, theirs = socket.socketpair()
        with theirs:
            self.process = spawn.start("oracle", theirs)
        config = {"folder": self.folder, "cache": str(cache), "limits": asdict(self.limits)}
        with contextlib.suppress(wire.ClosedError):  # await_ready will notice
            wire.send(self.channel, config)
        self.tier = ""

    def await_ready(self) -> None:
        """Wait until the oracle has a zygote.

        Raises: UnconfinedError, OverproofError; all is closed then.
        """
        if self.tier:
            return
        hello = self._hello()
        if not hello.get("tier") and not hello.get("hint"):  # killed, maybe: once more
            self.close()
            self.start()
            hello = self._hello()
        self.tier = str(hello.get("tier", ""))
        if not self.tier:
            self.close()
            refuse(hello)

    def _hello(self) -> dict[str, Any]:
        """Return what the oracle says first, or why it says nothing."""
        assert self.channel is not None
        readable([self.fileno()], _START_SECONDS)
        self.channel.settimeout(_GRACE_SECONDS)
        try:
            return dict(wire.receive(self.channel))
        except (wire.WireError, OSError) as error:
            return {"failed": str(error) or "the oracle ended"}

    def send(self, name: str, content: bytes, patience_s: float) -> None:
        """Hand a task to the oracle."""
        assert self.channel is not None
        if not self.sent:
            self.since = time.monotonic()
        self.sent.append((name, patience_s))
        self.channel.settimeout(patience_s)
        with contextlib.suppress(OSError):  # its verdict will be that the oracle ended
            self.channel.sendall(content)

    def receive(self) -> dict[str, Any]:
        """Return the oracle's verdict on the task that was sent first.

        Raises: OverproofError if the sandbox cannot be started any more.
        """
        assert self.channel is not None
        verdict = {"cpu": 0.0, "memory": 0.0, "tier": self.tier, "inside": False, "toolchain": ""}
        self.channel.settimeout(max(self.deadline - time.monotonic(), 0.01))
        try:
            reply = dict(wire.receive(self.channel))
        except TimeoutError:
            self.close()
            detail = "the test did not come to an end"
            return verdict | {"status": "timeout", "detail": detail, "again": True}
        except (wire.WireError, OSError) as error:
            if self.close() == -signal.SIGPROF:  # it would have gone on computing
                detail = f"the test took over {THINKING_SECONDS:g} s of CPU time over the answers"
                return verdict | {"status": "timeout", "detail": detail, "again": False}
            detail = f"the oracle ended: {error}"
            return verdict | {"status": "harness_error", "detail": detail, "again": True}
        if "failed" in reply:
            self.close()
            refuse(reply)
        self.since = time.monotonic()
        return reply

    def kill(self) -> None:
        """End what is under way, at once."""
        if self.process is not None:
            self.process.kill()

    def hang_up(self) -> None:
        """Let the oracle know that no task will follow."""
        if self.channel is not None:
            self.channel.close()

    def close(self) -> int | None:
        """End the processes and remove the folder; return how the oracle ended."""
        self.hang_up()
        status = None
        if self.process is not None:
            try:
                status = self.process.wait(timeout=2)  # it ends its zygote and itself
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.folder:
            remove_tree(Path(self.folder))
            os.close(self.owner)
        self.process, self.channel, self.folder, self.tier = None, None, "", ""
        return status


class _Stream:
    """The tasks of one run: who waits for each, and which are with which worker."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.known = pool.known
        self.waiting: dict[str, list[AnyJob]] = {}
        self.contents: dict[str, bytes] = {}
        self.fresh: dict[str, list[tuple[str, AnyJob]]] = {}
        self.groups: dict[str, list[str]] = {}
        """Tasks that build programs together, and the tasks that wait for them."""
        self.patience: dict[str, float] = {}
        self.ready: deque[str] = deque()
        self.again: deque[str] = deque()

    def under_way(self) -> bool:
        return any(worker.sent for worker in self.pool.crew)

    def outcomes(self, jobs: Iterator[AnyJob]) -> "Iterator[Outcome]":
        exhausted = False
        while True:
            while not exhausted and len(self.ready) < len(self.pool.crew):
                part = self.read(jobs)
                exhausted = not part
                for job in part:
                    if (verdict := self.submit(job)) is not None:
                        yield _outcome(job, verdict)
                self.gather()
            self.hand_out(self.pool.crew, _AHEAD)
            if self.under_way():
                for name, verdict in self.finished(self.pool.crew):
                    if name in self.groups:  # whatever came of it, its programs can now be run
                        self.ready.extendleft(reversed(self.groups.pop(name)))
                        del self.contents[name], self.patience[name]
                    elif verdict["again"]:
                        self.again.append(name)
                    else:
                        yield from self.settle(name, verdict)
            elif exhausted and not self.ready:
                break
        yield from self.alone()

    def alone(self) -> "Iterator[Outcome]":
        """Run once more, one at a time, what was ended by wall time or ended its worker."""
        crew = self.pool.crew[:1]
        while self.again:
            self.ready.append(self.again.popleft())
            self.hand_out(crew, 1)
            while self.under_way():
                for name, verdict in self.finished(crew):
                    yield from self.settle(name, verdict)

    def read(self, jobs: Iterator[AnyJob]) -> list[AnyJob]:
        """Return the next job, with more where its language compiles many at once."""
        first = next(jobs, None)
        if first is None:
            return []
        return [first, *islice(jobs, _READ_AHEAD - 1 if _batch_size(first) > 1 else 0)]

    def submit(self, job: AnyJob) -> dict[str, Any] | None:
        """Line a job up, or join it to the same one; return its verdict if that is known."""
        if not is_language(job.language):
            load_language(job.language)  # raises, and says which there are
        try:
            name, content = _pack(job)
        except wire.TooLargeError as error:
            return _unsent(job, str(error))
        if name in self.known:
            return self.known[name]
        self.waiting.setdefault(name, []).append(job)
        if len(self.waiting[name]) == 1:
            self.contents[name] = content
            self.patience[name] = _patience(job, self.pool.crew[0].limits)
            if _batch_size(job) > 1:
                self.fresh.setdefault(job.language, []).append((name, job))
            else:
                self.ready.append(name)
        return None

    def gather(self) -> None:
        """Line up the building of what was just read, in groups; its tasks wait for that."""
        for language, tasks in self.fresh.items():
            most = _batch_size(tasks[0][1])
            for start in range(0, len(tasks), most):
                group = tasks[start : start + most]
                programs = [(job.program, getattr(job, "entry_point", "")) for _, job in group]
                names = [name for name, _ in group]
                try:
                    content = wire.pack({"language": language, "prepare": programs}, wire.MAX_JOB)
                except wire.TooLargeError:
                    content = b""
                if len(group) < 2 or not content:
                    self.ready.extend(names)
                    continue
                together = f"build of {names[0]} and more"
                self.groups[together], self.contents[together] = names, content
                limits = self.pool.crew[0].limits
                self.patience[together] = _build_patience(language, limits, ROUNDS)
                self.ready.append(together)
        self.fresh.clear()

    def hand_out(self, crew: list[Worker], ahead: int) -> None:
        """Give tasks to idle workers, and a second small one to each that is busy."""
        for depth in range(ahead):
            for worker in crew:
                if not self.ready:
                    return
                content = self.contents[self.ready[0]]
                if len(worker.sent) != depth or (depth and len(content) > _AHEAD_BYTES):
                    continue
                if worker.channel is None:
                    worker.start()
                worker.await_ready()
                name = self.ready.popleft()
                worker.send(name, content, self.patience[name])

    def finished(self, crew: list[Worker]) -> list[tuple[str, dict[str, Any]]]:
        """Wait for a verdict; return those that have come."""
        busy = [worker for worker in crew if worker.sent]
        patience = min(worker.deadline for worker in busy) - time.monotonic()
        heard, stopped = readable([worker.fileno() for worker in busy], patience)
        for worker in busy:
            worker.since += stopped
        ready = [worker for worker in busy if worker.fileno() in heard]
        overdue = [worker for worker in busy if time.monotonic() > worker.deadline]
        found = []
        for worker in ready or overdue:
            verdict = worker.receive()
            found.append((worker.sent.popleft()[0], verdict))
            if worker.channel is None:  # what it had not begun goes to another
                self.ready.extendleft(name for name, _ in reversed(worker.sent))
                worker.sent.clear()
        return found

    def settle(self, name: str, verdict: dict[str, Any]) -> "Iterator[Outcome]":
        if len(self.known) >= _MAX_KNOWN:
            del self.known[next(iter(self.known))]
        self.known[name] = verdict
        del self.contents[name], self.patience[name]
        for job in self.waiting.pop(name):
            yield _outcome(job, verdict)


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def refuse(reply: dict[str, Any]) -> None:
    """Raise what a sandbox that cannot start has said. Raises: UnconfinedError, OverproofError."""
    if reply.get("hint"):
        raise UnconfinedError(str(reply.get("failed")), hint=str(reply["hint"]))
    raise OverproofError(
        f"the sandbox could not be started: {reply.get('failed')}",
        hint="check free memory, processes and the temporary folder (TMPDIR)",
    )


def _patience(job: AnyJob, limits: Limits) -> float:
    """Return how long an oracle may take over a job: build, run each case, make up its mind."""
    runs = len(job.cases) if isinstance(job, StdioJob) else 1
    if job.language == "python":
        return runs * limits.wall_seconds + _GRACE_SECONDS
    if isinstance(job, Job) and not load_language(job.language).reads_calls:
        runs = MAX_STARTS
    recording = PATIENT_SECONDS if isinstance(job, Job) else 0.0
    return runs * limits.wall_seconds + recording + _build_patience(job.language, limits, 1)


def _build_patience(name: str, limits: Limits, rounds: int) -> float:
    language = load_language(name)
    build = limits.build_seconds + limits.wall_seconds if language.build else 0.0
    shared = SHARED_FACTOR * limits.build_seconds + limits.wall_seconds if language.shared else 0.0
    # another process may be making it, or building the same: then we wait for that one first
    return rounds * build + 2 * shared + _GRACE_SECONDS


def _batch_size(job: AnyJob) -> int:
    """Return how many programs of this job's language are best compiled together."""
    if job.language == "python" or not is_language(job.language):
        return 1
    batch = load_language(job.language).batch
    return batch.most if batch else 1


def _pack(job: AnyJob) -> tuple[str, bytes]:
    """Return the hash of all that decides a verdict, and the message to the oracle."""
    task = {name: value for name, value in vars(job).items() if name not in ("key", "task_id")}
    content = wire.pack(task, wire.MAX_JOB)
    return hashlib.sha256(content).hexdigest(), content


def _unsent(job: AnyJob, why: str) -> dict[str, Any]:
    """Return the verdict on a job that is too large to be sent: whose fault is it?"""
    size = len(job.program)
    status = "compile_error" if size > MAX_PROGRAM_CHARACTERS else "harness_error"
    detail = f"a program of {size} characters" if status == "compile_error" else f"the job: {why}"
    unused = {"cpu": 0.0, "memory": 0.0, "tier": "", "inside": False, "toolchain": ""}
    return unused | {"status": status, "detail": detail}


def _outcome(job: AnyJob, verdict: dict[str, Any]) -> "Outcome":
    from overproof.records import Outcome

    return Outcome(
        key=job.key,
        task_id=job.task_id,
        status=verdict["status"],
        detail=verdict["detail"],
        cpu_seconds=round(verdict["cpu"], 4),
        memory_mib=verdict["memory"],
        tier=verdict["tier"],
        inside=verdict["inside"],
        toolchain=verdict["toolchain"],
    )
