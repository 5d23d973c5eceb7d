"""The warm process that forks one candidate per program, watches it, ends it and reaps it.

It never sees a program or a test: both go over a socket that it hands to the candidate. In its
own pid namespace it is pid 1, so that one kill(-1) ends all that a program has started; without
namespaces it is the sub-reaper to which orphans come.

    control, from the oracle:  b"f" + a socket  fork a candidate       b"k"  it is no longer needed
    control, to the oracle:    {"tier": …}  ready        {"status": …, "cpu": …, …}  how it ended
"""

import contextlib
import gc
import importlib
import os
import random
import select
import shutil
import signal
import socket
import time
from pathlib import Path
from typing import Any

from overproof.sandbox import candidate, kernel, wire
from overproof.sandbox.confine import Confinement, confine_program, confine_worker
from overproof.sandbox.jobs import Limits

_PRELOAD = (
    *("abc", "array", "bisect", "collections", "contextlib", "copy", "dataclasses", "datetime"),
    *("decimal", "enum", "fractions", "functools", "hashlib", "heapq", "inspect", "itertools"),
    *("json", "linecache", "math", "operator", "re", "statistics", "string", "tempfile"),
    *("textwrap", "traceback", "typing", "unicodedata"),
)
_TICK_SECONDS, _MAX_TICK_SECONDS = 0.02, 0.1
_REAP_SECONDS = 5.0


def main(descriptor: int) -> None:
    """Set up the confinement, then serve until the oracle is gone."""
    control = socket.socket(fileno=descriptor)
    try:
        config = wire.receive(control)
        for name in _PRELOAD:
            importlib.import_module(name)
        confinement = confine_worker(config["folder"], Limits(**config["limits"]))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except Exception as error:
        wire.send(control, {"failed": f"{type(error).__name__}: {error}"})
        os._exit(1)
    gc.disable()
    gc.freeze()
    wire.send(control, {"tier": confinement.tier})
    with contextlib.suppress(wire.ClosedError):
        while channel := _next_channel(control):
            report = run_candidate(control, channel, confinement)
            report["clean"] = clear(Path(config["folder"]))
            wire.send(control, report)
    os._exit(0)


def run_candidate(control: socket.socket, channel: int, confinement: Confinement) -> dict[str, Any]:
    """Fork a candidate, watch it until it ends or is not needed, end all that it started."""
    Path(confinement.folder).mkdir(mode=0o700)
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _be_candidate(control, channel, confinement)
    os.close(channel)
    reason = _watch(control, pid, confinement, started)
    status, cpu = end_all(pid, confinement.namespaces)
    if reason == "cpu":  # spent by children that were never waited for, maybe
        cpu = max(cpu, confinement.limits.cpu_seconds)
    return {"status": status, "cpu": cpu, "reason": reason}


def end_all(pid: int, namespaces: bool) -> tuple[int, float]:
    """Kill and reap the candidate and its descendants; return its wait status and CPU time.

    CPU time includes the children that it waited for.
    """
    _kill(pid, namespaces)
    _, status, usage = os.wait4(pid, 0)
    deadline = time.monotonic() + _REAP_SECONDS
    while time.monotonic() < deadline:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                _kill(None, namespaces)
                time.sleep(0.001)
        except ChildProcessError:
            break
    return status, usage.ru_utime + usage.ru_stime


def clear(box: Path) -> bool:
    """Empty the folder of all programs; return whether it is empty."""
    with contextlib.suppress(OSError, RecursionError):
        for entry in list(box.iterdir()):
            if entry.is_symlink() or not entry.is_dir():
                entry.unlink()
                continue
            shutil.rmtree(entry, ignore_errors=True)
            if entry.exists():
                _open_folders(entry)
                shutil.rmtree(entry, ignore_errors=True)
        return not any(box.iterdir())
    return False


def _open_folders(root: Path) -> None:
    root.chmod(0o700)
    for folder, names, _ in os.walk(root):  # lists a folder after we have opened it
        for path in (Path(folder, name) for name in names):
            if not path.is_symlink():
                path.chmod(0o700)


def _next_channel(control: socket.socket) -> int | None:
    message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
    return descriptors[0] if message and descriptors else None


def _be_candidate(control: socket.socket, channel: int, confinement: Confinement) -> None:
    """Become a candidate; never returns."""
    try:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, 9)
        os.setsid()
        os.umask(0o077)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        control.close()
        confine_program(confinement)
        random.seed(0)
        candidate.serve(socket.socket(fileno=channel))
    except BaseException:
        os._exit(1)
    os._exit(0)


def _watch(control: socket.socket, pid: int, confinement: Confinement, started: float) -> str:
    """Wait until the oracle is done with the candidate; return why it was ended before that."""
    reason, tick = "", _TICK_SECONDS
    while not select.select([control], [], [], tick)[0]:
        tick = min(2 * tick, _MAX_TICK_SECONDS)
        reason = reason or _overstepped(pid, confinement, time.monotonic() - started)
        if reason:
            _kill(pid, confinement.namespaces)
            _kill(None, confinement.namespaces)
    if not control.recv(1):
        end_all(pid, confinement.namespaces)
        os._exit(0)
    return reason


def _overstepped(pid: int, confinement: Confinement, wall: float) -> str:
    limits = confinement.limits
    if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
        return "exited"
    if wall > limits.wall_seconds:
        return "wall"
    started = kernel.descendants(os.getpid()).values()
    if sum(cpu for _, _, cpu in started) > limits.cpu_seconds:
        return "cpu"
    if sum(threads for _, threads, _ in started) > limits.max_processes:
        return "processes"
    return ""


def _kill(pid: int | None, namespaces: bool) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if namespaces:
            os.kill(-1, signal.SIGKILL)
            return
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            os.killpg(pid, signal.SIGKILL)
            return
        for descendant in kernel.descendants(os.getpid()):
            os.kill(descendant, signal.SIGKILL)
