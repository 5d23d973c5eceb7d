"""The warm process that forks one candidate per program, watches it, ends it and reaps it.

It never sees a program or a test: both go over a socket that it hands to the candidate. In its
own pid namespace it is pid 1, so that one kill(-1) ends all that a program has started; without
namespaces it is the sub-reaper to which orphans come.

    control, from the oracle:  one letter + a socket   fork a candidate: `f` program, `s` program
                               that gets descriptors, `v` the same where the runtime reserves
                               address space, `b` compiler, `m` the same for what is shared;
                               capitals for those that must see themselves in /proc
                               b"k"  it is no longer needed; b"e" the same, but it seems to end
                               by itself; b"w" wait until it does
    control, to the oracle:    {"tier": …}  ready, then a REPORT on how each candidate ended
"""

import contextlib
import gc
import importlib
import marshal
import mmap
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from overproof.sandbox import candidate, kernel, wire
from overproof.sandbox.confine import Confinement, confine_program, confine_worker
from overproof.sandbox.folders import remove_tree
from overproof.sandbox.jobs import SHARED_FACTOR, Limits

_PRELOAD = (
    *("abc", "bisect", "collections", "contextlib", "copy", "functools", "itertools", "json"),
    *("math", "operator", "re", "string", "types", "typing"),
)
"""What programs use most. Each module makes every fork dearer: `threading` by 0.3 ms."""
_WARM_ROUNDS = 30
_WARM_PROGRAM = """
from typing import List, Optional
import math
def warm(numbers: List[int], text: str = "", table: Optional[dict] = None) -> List[int]:
    total = 0
    for place, number in enumerate(numbers):
        if number % 2 == 0 and place > 0:
            total += sum(value * value for value in range(abs(number)))
    words = [word.upper() for word in text.split() if word]
    return sorted(numbers, key=lambda number: -number)[: len(words) + 2] + [math.floor(total)]
"""
_TICK_MS, _MAX_TICK_MS = 20, 100
_LONGEST_SECONDS = 1.0
"""What a look at a candidate adds to its wall time at most: the rest of the time we were stopped
ourselves (Ctrl-Z, a closed lid), and so was it."""
_REAP_SECONDS = 5.0
_MOMENT_SECONDS = 0.1
_COMPILER_MEMORY_MIB = 3072
_COMPILED_MIB = 1024


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What one candidate may use."""

    cpu_seconds: float
    wall_seconds: float
    memory_bytes: int
    """Resident, of all its processes together."""
    address_space_bytes: int | None
    """Of each process; None where that number means nothing."""
    file_bytes: int
    """Size of one file."""
    building: bool = False
    """Whether it works in the folder for compilers."""
    sees_itself: bool = False
    """Whether it may read its own entries of `/proc`."""


@dataclass(frozen=True)
class Watch:
    """Waits for the oracle, for the end of a candidate, and for its limits."""

    control: socket.socket
    confinement: Confinement
    poll: select.poll

    def wait(self, pid: int, allowance: Allowance, started: float) -> str:
        """Wait until the oracle is done with a candidate; return why it was ended before that."""
        ended = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else -1
        if ended >= 0:
            self.poll.register(ended, select.POLLIN)
        try:
            return self._wait(pid, allowance, started, ended)
        finally:
            if ended >= 0:
                os.close(ended)

    def _wait(self, pid: int, allowance: Allowance, started: float, ended: int) -> str:
        reason, wish, tick = "", b"", _TICK_MS
        wall, last = 0.0, started
        control, namespaces = self.control.fileno(), self.confinement.namespaces
        registered = ended >= 0
        while not wish or (wish == b"w" and not reason):
            found = [descriptor for descriptor, _ in self.poll.poll(tick)]
            tick = min(2 * tick, _MAX_TICK_MS)
            if control in found:
                wish = self.control.recv(1)
                if not wish:
                    end_all(pid, namespaces)
                    os._exit(0)
                if wish == b"e" and not reason and ended >= 0 and _ends(ended):
                    reason = "exited"
                continue
            if ended in found:
                self.poll.unregister(ended)
                registered, reason = False, reason or "exited"
            else:
                now = time.monotonic()
                wall += min(now - last, _LONGEST_SECONDS)
                last = now
                reason = reason or _overstepped(pid, self.confinement, allowance, wall)
            if reason:
                _kill(pid, namespaces)
                _kill(None, namespaces)
        if registered:
            self.poll.unregister(ended)
        return reason


def main(descriptor: int) -> None:
    """Set up the confinement, then serve until the oracle is gone."""
    control = socket.socket(fileno=descriptor)
    try:
        config = wire.receive(control)
        for name in _PRELOAD:
            importlib.import_module(name)
        import_seeded_random()
        limits = Limits(**config["limits"])
        confinement = confine_worker(config["folder"], config["shared"], limits, descriptor)
    except Exception as error:
        hint = getattr(error, "hint", "")
        message = getattr(error, "message", f"{type(error).__name__}: {error}")
        wire.send(control, {"failed": message, "hint": hint})
        os._exit(1)
    ready = mmap.mmap(-1, mmap.PAGESIZE)  # shared: a candidate sets it before it reads anything
    allowances = make_allowances(limits, confinement.base_bytes)
    watch = Watch(control, confinement, select.poll())
    watch.poll.register(control, select.POLLIN)
    warm_up(confinement)
    gc.collect()
    gc.disable()
    gc.freeze()
    wire.send(control, {"tier": confinement.tier})
    while True:
        letter, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not (letter and descriptors):
            break
        ready[0] = 0
        allowance = allowances[letter]
        report = run_candidate(watch, letter, descriptors[0], allowance, ready)
        clean = clear_all(confinement.build_boxes if allowance.building else confinement.boxes)
        try:
            control.sendall(wire.REPORT.pack(*report, ready[0] != 0, clean))
        except OSError:
            break
    os._exit(0)


def import_seeded_random() -> None:
    """Import `random` so that every program starts from the same state, at no cost.

    The module seeds itself anew after each fork, which takes a tenth of a whole execution and
    makes verdicts depend on luck; here it is kept from asking for that.
    """
    register = os.register_at_fork
    os.register_at_fork = lambda **_: None
    try:
        import random
    finally:
        os.register_at_fork = register
    random.seed(0)


def warm_up(confinement: Confinement) -> None:
    """Serve a program of our own a few times in this process, before the first fork.

    What the interpreter does once (its syntax tree's types, a millisecond) or after a few calls
    (specialised bytecode, written into pages that every fork would copy) is done then.
    """
    os.mkdir(confinement.folder, 0o700)
    os.chdir(confinement.folder)
    call = marshal.dumps((([3, -2, 1], "text", {"key": 1.5}), {}), 2)
    job = {"program": _WARM_PROGRAM, "entry_point": "warm", "calls": [call] * 3}
    for _ in range(_WARM_ROUNDS):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            wire.send_job(ours, {"kind": "calls"} | job)
            ours.shutdown(socket.SHUT_WR)
            candidate.serve(theirs.fileno(), with_descriptors=False)
    sys.modules.pop(candidate.MODULE)
    os.chdir("/")
    clear_all(confinement.boxes)


def make_allowances(limits: Limits, base_bytes: int) -> dict[bytes, Allowance]:
    """Return what each kind of candidate may use, by the letter that asks for it."""
    program = Allowance(
        cpu_seconds=limits.cpu_seconds,
        wall_seconds=limits.wall_seconds,
        memory_bytes=limits.memory_mib << 20,
        address_space_bytes=(limits.memory_mib << 20) + base_bytes,
        file_bytes=limits.file_mib << 20,
    )
    compiler = Allowance(
        cpu_seconds=limits.build_seconds,
        wall_seconds=limits.build_seconds + limits.wall_seconds,
        memory_bytes=max(limits.memory_mib, _COMPILER_MEMORY_MIB) << 20,
        address_space_bytes=None,
        file_bytes=_COMPILED_MIB << 20,
        building=True,
    )
    maker_seconds = SHARED_FACTOR * limits.build_seconds
    maker = replace(
        compiler,
        cpu_seconds=maker_seconds,
        wall_seconds=maker_seconds + limits.wall_seconds,
    )
    reserving = replace(program, address_space_bytes=None)
    others = {b"s": program, b"v": reserving, b"b": compiler, b"m": maker}
    seeing = {key.upper(): replace(other, sees_itself=True) for key, other in others.items()}
    return {b"f": program, **others, **seeing}


def run_candidate(
    watch: Watch, letter: bytes, channel: int, allowance: Allowance, ready: mmap.mmap
) -> tuple[int, float, float, int]:
    """Fork a candidate, watch it until it ends or is not needed, end all that it started.

    Return its wait status, CPU seconds, resident bytes, and the place of the reason in REASONS.
    """
    confinement = watch.confinement
    os.mkdir(confinement.build_folder if allowance.building else confinement.folder, 0o700)
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _be_candidate(watch.control, letter != b"f", channel, confinement, allowance, ready)
    os.close(channel)
    reason = watch.wait(pid, allowance, started)
    status, cpu, resident = end_all(pid, confinement.namespaces)
    if reason == "cpu":  # spent by children that were never waited for, maybe
        cpu = max(cpu, allowance.cpu_seconds)
    return status, cpu, resident, wire.REASONS.index(reason)


def end_all(pid: int, namespaces: bool) -> tuple[int, float, int]:
    """Kill and reap the candidate and its descendants.

    Return its wait status, the CPU time of all in seconds, and the most that one of them had
    resident, in bytes.
    """
    _kill(pid, namespaces)
    _, status, usage = os.wait4(pid, 0)
    cpu, resident = usage.ru_utime + usage.ru_stime, usage.ru_maxrss
    deadline = time.monotonic() + _REAP_SECONDS
    while time.monotonic() < deadline:
        try:
            found, _, usage = os.wait4(-1, 0 if namespaces else os.WNOHANG)
        except ChildProcessError:
            break
        if found:
            cpu += usage.ru_utime + usage.ru_stime
            resident = max(resident, usage.ru_maxrss)
        else:
            _kill(None, namespaces)
            time.sleep(0.001)
    return status, cpu, resident * 1024


def clear_all(boxes: Sequence[str]) -> bool:
    """Empty all folders that programs may write to; return whether they are empty."""
    return min([clear(box) for box in boxes])  # no short cut: each must be tried


def clear(box: str) -> bool:
    """Empty the folder of all programs; return whether it is empty."""
    work = f"{box}/work"
    with contextlib.suppress(OSError):  # the common case: the program's own file and no more
        os.unlink(f"{work}/{candidate.FILE}")
        os.rmdir(work)
    with contextlib.suppress(OSError):
        for name in os.listdir(box):
            remove_tree(Path(box, name))
        return not os.listdir(box)
    return False


def _be_candidate(
    control: socket.socket,
    with_descriptors: bool,
    channel: int,
    confinement: Confinement,
    allowance: Allowance,
    ready: mmap.mmap,
) -> None:
    """Become a candidate; never returns."""
    try:
        control.close()
        confine_program(
            confinement,
            allowance.cpu_seconds,
            allowance.address_space_bytes,
            allowance.file_bytes,
            allowance.building,
            allowance.sees_itself,
        )
        ready[0] = 1
        ready.close()
        candidate.serve(channel, with_descriptors)
    except BaseException:
        os._exit(1)
    os._exit(0)


def _ends(descriptor: int) -> bool:
    """Return whether a process that has closed its channel is gone within a moment."""
    return bool(select.select([descriptor], [], [], _MOMENT_SECONDS)[0])


def _overstepped(pid: int, confinement: Confinement, allowance: Allowance, wall: float) -> str:
    if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
        return "exited"
    if wall > allowance.wall_seconds:
        return "wall"
    started = kernel.descendants(os.getpid())
    if sum(usage.cpu_seconds for usage in started.values()) > allowance.cpu_seconds:
        return "cpu"
    if wall > allowance.cpu_seconds and any(map(kernel.disowns_children, started)):
        return "cpu"  # what they used is counted nowhere: it may be all of that time
    # pages that a child shares with its parent are counted for both: a second, dearer look
    if sum(usage.resident_bytes for usage in started.values()) > allowance.memory_bytes and (
        sum(map(kernel.proportional_bytes, started)) > allowance.memory_bytes
    ):
        return "memory"
    if sum(usage.threads for usage in started.values()) > confinement.limits.max_processes:
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
