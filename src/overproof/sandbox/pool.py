"""Many programs over a few workers, streaming: outcomes come out as they are finished.

A worker is an oracle process with its zygote. If an oracle hangs on odd data it is killed and
started anew. Whatever was ended by wall time, or took its worker down, is run once more, alone,
so that a busy machine costs time and never a verdict.

    run_jobs(jobs, Limits(), workers=2)
"""

import contextlib
import hashlib
import json
import os
import queue
import shutil
import socket
import subprocess
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from overproof.errors import OverproofError, UsageError
from overproof.sandbox import spawn, wire
from overproof.sandbox.jobs import ExampleJob, Job, Limits

if TYPE_CHECKING:  # slow to import, and not needed in the processes of the sandbox
    from overproof.records import Outcome

_GRACE_SECONDS = 10.0
_START_SECONDS = 60.0


def run_jobs(jobs: Iterable[Job], limits: Limits, workers: int = 2) -> "Iterator[Outcome]":
    """Yield the outcome of each job, in the order in which they are finished.

    `jobs` is read only a little ahead. Identical jobs (all but key and task_id) are executed
    once and share the result. At most one worker per core is started.

    Raises: UsageError for a wrong number of workers; OverproofError if no sandbox can start.
    """
    return _run(jobs, limits, workers)


def run_examples(
    jobs: Iterable[ExampleJob], limits: Limits, workers: int = 2
) -> "Iterator[Outcome]":
    """As `run_jobs`, judged by worked examples; `detail` says how many passed.

    A job without examples passes if its program loads and defines the entry point.
    """
    return _run(jobs, limits, workers)


class Worker:
    """One oracle process with its zygote and folder; started when first needed."""

    def __init__(self, limits: Limits) -> None:
        """Keep the limits; nothing is started yet."""
        self.limits = limits
        self.process: subprocess.Popen[bytes] | None = None
        self.channel: socket.socket | None = None
        self.folder = ""
        self.aborted = False

    def run(self, task: dict[str, Any]) -> dict[str, Any]:
        """Return the oracle's verdict on a task.

        Raises: OverproofError if the sandbox cannot be started.
        """
        channel = self.ready_channel()
        verdict = {"cpu": 0.0, "tier": "", "again": True}
        channel.settimeout(self.limits.wall_seconds + _GRACE_SECONDS)
        try:
            wire.send(channel, task, wire.MAX_JOB)
            return dict(wire.receive(channel))
        except TimeoutError:
            self.close()
            return verdict | {"status": "timeout", "detail": "the test did not come to an end"}
        except (wire.WireError, OSError) as error:
            self.close()
            return verdict | {"status": "harness_error", "detail": f"the oracle ended: {error}"}

    def ready_channel(self) -> socket.socket:
        """Return the channel to an oracle that waits for a task, started if need be.

        Raises: OverproofError if not even a fresh one gets ready.
        """
        if self.channel is not None and not self.await_ready(self.channel):
            return self.channel
        if self.aborted:
            raise OverproofError("the run was stopped")
        channel = self.start()
        failure = self.await_ready(channel)
        if failure:
            raise OverproofError(
                f"the sandbox could not be started: {failure}",
                hint="check free memory, processes and the temporary folder (TMPDIR)",
            )
        return channel

    def start(self) -> socket.socket:
        """Start the oracle; it starts the zygote."""
        self.folder = tempfile.mkdtemp(prefix="overproof-sandbox-")
        Path(self.folder).chmod(0o711)  # if we are root, candidates may run as nobody
        self.channel, theirs = socket.socketpair()
        with theirs:
            self.process = spawn.start("oracle", theirs)
        if self.aborted:
            self.process.kill()
        self.channel.settimeout(_START_SECONDS)
        with contextlib.suppress(wire.ClosedError):  # await_ready will notice
            wire.send(self.channel, {"folder": self.folder, "limits": asdict(self.limits)})
        return self.channel

    def await_ready(self, channel: socket.socket) -> str:
        """Wait until the oracle has a zygote; if it has none, close all and return why."""
        channel.settimeout(_START_SECONDS)
        try:
            failure = str(wire.receive(channel).get("failed", ""))
        except (wire.WireError, OSError) as error:
            failure = str(error) or "the oracle ended"
        if failure:
            self.close()
        return failure

    def abort(self) -> None:
        """From another thread: end what is under way, at once, and start nothing any more."""
        self.aborted = True
        process = self.process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the processes and remove the folder."""
        if self.channel is not None:
            self.channel.close()
        if self.process is not None:
            try:
                self.process.wait(timeout=1)  # it ends its zygote and itself
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.process, self.channel, self.folder = None, None, ""


def _run(jobs: Iterable[Job | ExampleJob], limits: Limits, workers: int) -> "Iterator[Outcome]":
    if workers < 1:
        raise UsageError(f"workers: got {workers}, but at least 1 is needed", hint="try workers=1")
    count = min(workers, _usable_cores())
    crew = [Worker(limits) for _ in range(count)]
    idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
    for worker in crew:
        idle.put(worker)
    executor = ThreadPoolExecutor(count)
    try:
        yield from _Stream(executor, idle, 2 * count).outcomes(iter(jobs))
    except BaseException:  # an error, Ctrl-C, or nobody wants more outcomes
        for worker in crew:
            worker.abort()
        raise
    finally:
        executor.shutdown(cancel_futures=True)
        for worker in crew:
            worker.close()


class _Stream:
    """A bounded number of tasks under way, and who waits for each."""

    def __init__(
        self, executor: ThreadPoolExecutor, idle: "queue.SimpleQueue[Worker]", bound: int
    ) -> None:
        self.executor = executor
        self.idle = idle
        self.bound = bound
        self.under_way: dict[Future[dict[str, Any]], str] = {}
        self.waiting: dict[str, list[Job | ExampleJob]] = {}
        self.known: dict[str, dict[str, Any]] = {}

    def outcomes(self, jobs: Iterator[Job | ExampleJob]) -> "Iterator[Outcome]":
        again: deque[str] = deque()
        exhausted = False
        while not exhausted or self.under_way:
            while not exhausted and len(self.under_way) < self.bound:
                job = next(jobs, None)
                if job is None:
                    exhausted = True
                elif (verdict := self.submit(job)) is not None:
                    yield _outcome(job, verdict)
            for name, verdict in self.finished():
                if verdict["again"]:
                    again.append(name)
                else:
                    yield from self.settle(name, verdict)
        for name in again:
            yield from self.settle(name, self.work(_task(self.waiting[name][0])))

    def submit(self, job: Job | ExampleJob) -> dict[str, Any] | None:
        """Start a job, or join it to the same one under way; return its verdict if known."""
        task = _task(job)
        name = _digest(task)
        if name in self.known:
            return self.known[name]
        self.waiting.setdefault(name, []).append(job)
        if len(self.waiting[name]) == 1:
            self.under_way[self.executor.submit(self.work, task)] = name
        return None

    def work(self, task: dict[str, Any]) -> dict[str, Any]:
        worker = self.idle.get()
        try:
            return worker.run(task)
        finally:
            self.idle.put(worker)

    def finished(self) -> list[tuple[str, dict[str, Any]]]:
        done, _ = wait(self.under_way, return_when=FIRST_COMPLETED)
        return [(self.under_way.pop(future), future.result()) for future in done]

    def settle(self, name: str, verdict: dict[str, Any]) -> "Iterator[Outcome]":
        self.known[name] = verdict
        for job in self.waiting.pop(name):
            yield _outcome(job, verdict)


def _task(job: Job | ExampleJob) -> dict[str, Any]:
    return {name: value for name, value in asdict(job).items() if name not in ("key", "task_id")}


def _digest(task: dict[str, Any]) -> str:
    # JSON in ASCII: a program may hold lone surrogates, which UTF-8 has no bytes for.
    return hashlib.sha256(json.dumps(task, sort_keys=True).encode()).hexdigest()


def _outcome(job: Job | ExampleJob, verdict: dict[str, Any]) -> "Outcome":
    from overproof.records import Outcome

    return Outcome(
        key=job.key,
        task_id=job.task_id,
        status=verdict["status"],
        detail=verdict["detail"],
        cpu_seconds=round(verdict["cpu"], 4),
        tier=verdict["tier"],
    )


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
