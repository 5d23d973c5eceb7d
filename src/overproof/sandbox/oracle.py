"""The trusted process that runs the tests: it calls the candidate and judges what comes back.

It holds the dataset's test code and the expected values; the program's text passes through it
to the candidate and is never executed here. Helpers that a prompt defines (HumanEval/32, 38, 50)
come from the dataset's own prompt.

    channel, to the pool:  {"ready": true} before each task, then its verdict
    channel, from the pool:  a task
"""

import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
from typing import Any

from overproof.sandbox import kernel, spawn, wire
from overproof.sandbox.judge import examine, judge, one_line, refuse

_MEMORY_BYTES = 4 << 30


class ZygoteError(Exception):
    """The sandbox itself failed."""


class Zygote:
    """The oracle's handle on a zygote process, its folder and the candidates in it."""

    def __init__(self, limits: dict[str, Any], base: str) -> None:
        """Start a zygote. Raises: ZygoteError if it cannot be started."""
        self.folder = tempfile.mkdtemp(dir=base)
        self.control, theirs = socket.socketpair()
        with theirs:
            self.process = spawn.start("zygote", theirs)
        try:
            wire.send(self.control, {"folder": self.folder, "limits": limits})
            hello = wire.receive(self.control)
        except (wire.WireError, OSError) as error:
            raise ZygoteError(f"the zygote did not start: {error}") from None
        if "tier" not in hello:
            raise ZygoteError(f"the zygote did not start: {hello.get('failed')}")
        self.tier = str(hello["tier"])

    def fork(self) -> socket.socket:
        """Return the channel to a new candidate, whose limits are in place.

        Raises: ZygoteError.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(self.control, [b"f"], [theirs.fileno()])
            if wire.receive(ours) != {"ready": True}:
                raise ZygoteError("a candidate did not become ready")
        except (wire.WireError, OSError) as error:
            raise ZygoteError(f"a candidate could not be started: {error}") from None
        return ours

    def finish(self) -> dict[str, Any]:
        """End the candidate and all that it started; return how it ended. Raises: ZygoteError."""
        try:
            self.control.sendall(b"k")
            return dict(wire.receive(self.control))
        except (wire.WireError, OSError) as error:
            raise ZygoteError(f"the zygote ended: {error}") from None

    def close(self) -> None:
        """End the zygote, and with it all that is left in its namespaces."""
        self.control.close()
        try:
            self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def main(descriptor: int) -> None:
    """Serve tasks until the pool is gone."""
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    # The soft limit only: the zygote lowers the hard one for candidates.
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard == resource.RLIM_INFINITY or hard > _MEMORY_BYTES:
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, hard))
    pool = socket.socket(fileno=descriptor)
    config = wire.receive(pool)
    zygote: Zygote | None = None
    with contextlib.suppress(wire.ClosedError):
        while True:
            try:
                zygote = zygote or Zygote(config["limits"], config["folder"])
            except ZygoteError as error:
                wire.send(pool, {"failed": str(error)})
                break
            wire.send(pool, {"ready": True})
            task = wire.receive(pool, wire.MAX_JOB)
            verdict, clean = run_task(zygote, task, config["limits"])
            if not clean:
                zygote.close()
                zygote = None
            wire.send(pool, verdict)
    if zygote is not None:
        zygote.close()
    os._exit(0)


def run_task(
    zygote: Zygote, task: dict[str, Any], limits: dict[str, Any]
) -> tuple[dict[str, Any], bool]:
    """Return the verdict on a task, and whether the zygote may serve on."""
    verdict = {"status": "", "detail": "", "cpu": 0.0, "tier": zygote.tier, "again": False}
    refused = refuse(task)
    if refused is not None:
        return verdict | {"status": refused.status, "detail": refused.detail}, True
    ready = False
    try:
        with zygote.fork() as channel:
            ready = True
            finding, gone = examine(channel, task)
            report = zygote.finish()
    except ZygoteError as error:
        # With a program at work, the program is the suspect: it is run again, alone.
        status = "error" if ready else "harness_error"
        return verdict | {"status": status, "detail": one_line(str(error)), "again": True}, False
    finding = judge(finding, gone, report, limits)
    verdict |= {"status": finding.status, "detail": one_line(finding.detail), "cpu": report["cpu"]}
    verdict["again"] = report["reason"] == "wall"
    return verdict, bool(report["clean"])
