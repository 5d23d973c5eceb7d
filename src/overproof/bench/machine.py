"""What the machine does meanwhile: CPU time, other programs, joules; and holding on to cores.

Covered: Linux. CPU time of this process; cores that all others keep busy, stolen ones included
(/proc/stat); energy of the processor packages, from counters only (/sys/class/powercap).
Not covered: CPU time of a server in another process; energy where there is no counter or it may
not be read: it is then absent, never estimated. Elsewhere than on Linux: CPU time only.

    meter = Meter(); …; print(meter.read().cpu_seconds)
"""

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
STAT = Path("/proc/stat")
SLACK_CORES = 0.25
"""What others may use beyond the free cores before a measurement counts as disturbed: the clock
tick of /proc/stat is 10 ms."""
_BUSY = (0, 1, 2, 5, 6, 7)
"""Columns user, nice, system, irq, softirq, steal; guest time is within user."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What was used between two readings."""

    seconds: float
    cpu_seconds: float
    """Of this process, user and system."""
    joules: float | None
    others: float | None
    """Cores that other processes kept busy."""

    def since(self, earlier: "Usage") -> "Usage":
        """Return what was used after an earlier reading of the same meter."""
        seconds = self.seconds - earlier.seconds
        joules = others = None
        if self.joules is not None and earlier.joules is not None:
            joules = round(self.joules - earlier.joules, 6)
        if self.others is not None and seconds > 0:
            before = (earlier.others or 0.0) * earlier.seconds
            others = round(max(0.0, self.others * self.seconds - before) / seconds, 3)
        return Usage(
            seconds=seconds,
            cpu_seconds=self.cpu_seconds - earlier.cpu_seconds,
            joules=joules,
            others=others,
        )


class Meter:
    """A stopwatch for wall time, CPU time, other programs and joules."""

    def __init__(self, powercap: Path = POWERCAP, stat: Path = STAT) -> None:
        """Start; `powercap` and `stat` are where the counters are."""
        self._powercap, self._stat = powercap, stat
        self._joules, self._busy = _energy_uj(powercap), _busy_seconds(stat)
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def read(self) -> Usage:
        """Return what was used since the start; the meter runs on."""
        seconds = time.perf_counter() - self._wall
        cpu = time.process_time() - self._cpu
        busy = _busy_seconds(self._stat)
        others = None
        if busy is not None and self._busy is not None and seconds > 0:
            others = round(max(0.0, (busy - self._busy - cpu) / seconds), 3)
        return Usage(seconds=seconds, cpu_seconds=cpu, joules=self._spent(), others=others)

    def _spent(self) -> float | None:
        """Return the joules of all packages; a counter that ran over is read on from zero."""
        now = _energy_uj(self._powercap)
        if not now or now.keys() != self._joules.keys():
            return None
        total = 0.0
        for place, (after, span) in now.items():
            total += (after - self._joules[place][0]) % (span + 1)
        return round(total / 1e6, 6)


def disturbed(others: float | None, threads: int) -> bool:
    """Return whether other programs wanted more cores than were left to them."""
    return others is not None and others > (os.cpu_count() or 1) - threads + SLACK_CORES


def free_threads(seconds: float = 0.5) -> int:
    """Return how many cores nobody else uses now, at least one: more threads wait for each other.

    Takes `seconds` to find out.
    """
    cores = len(_allowed())
    meter = Meter()
    time.sleep(seconds)
    return max(1, int(cores - (meter.read().others or 0.0) + 0.5))


@contextlib.contextmanager
def pinned(threads: int) -> Iterator[tuple[int, ...]]:
    """Keep this thread, and those that it starts, on as many cores, those that idle most.

    Yields the cores; none where the system cannot pin.
    """
    before = _allowed()
    if not hasattr(os, "sched_setaffinity"):
        yield ()
        return
    chosen = sorted(_idlest(before)[:threads])
    os.sched_setaffinity(0, chosen)
    try:
        yield tuple(chosen)
    finally:
        os.sched_setaffinity(0, before)


def _allowed() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def _idlest(cores: set[int], seconds: float = 0.2) -> list[int]:
    """Return cores, the one that was least busy in the next moment first."""
    before = _busy_by_core()
    time.sleep(seconds)
    after = _busy_by_core()
    return sorted(cores, key=lambda core: (after.get(core, 0.0) - before.get(core, 0.0), core))


def _busy_by_core(stat: Path = STAT) -> dict[int, float]:
    found = {}
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in stat.read_text().splitlines():
            name, *numbers = line.split()
            if name.startswith("cpu") and name != "cpu":
                found[int(name[3:])] = _busy(numbers)
    return found


def _busy_seconds(stat: Path) -> float | None:
    """Return the busy seconds of all cores since the system started; None if not known."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        name, *numbers = stat.read_text().partition("\n")[0].split()
        if name == "cpu":
            return _busy(numbers)
    return None


def _busy(numbers: list[str]) -> float:
    return sum(int(numbers[column]) for column in _BUSY) / os.sysconf("SC_CLK_TCK")


def _energy_uj(powercap: Path) -> dict[Path, tuple[int, int]]:
    """Return each package's counter, in microjoules, and where it runs over.

    Parts of a package (cores, memory) are within it, so only the upper level is read.
    Source: the kernel's documentation of the power capping framework.
    """
    found = {}
    with contextlib.suppress(OSError, ValueError):
        for zone in sorted(powercap.glob("intel-rapl:*")):
            is_package = zone.name.count(":") == 1
            if is_package and (zone / "name").read_text().startswith("package"):
                span = int((zone / "max_energy_range_uj").read_text())
                found[zone] = (int((zone / "energy_uj").read_text()), span)
        return found
    return {}
