"""The ranks of a stage as processes of this machine: started, watched, started again, ended.

    run_ranks(Path("runs/demo"), "samples", workers=4, rows=656)

Each rank has cores of its own (where the system can bind processes to cores) and sees GPUs of its
own, so that four models with one thread each do not fight over them. What a rank prints goes to
shards/logs. A rank that is killed is started again, a few times; one that stops with an error ends
the others, and its error is the run's. Ctrl-C lets every rank finish the rows under way. If the
lead is killed, the kernel ends the ranks (Linux); what they have made is taken over by the next
run.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TypeVar

from overproof import interrupts
from overproof.errors import (
    DataError,
    EngineError,
    FetchError,
    OverproofError,
    StorageError,
    UsageError,
)
from overproof.progress import Advance, say, stage
from overproof.scale.deal import Place
from overproof.scale.tables import SHARDS, shard_files
from overproof.store import storage_errors

Device = TypeVar("Device")

RESTARTS = 3
"""Of one rank that is killed."""
LOOK_SECONDS = 0.2
LOGS = "logs"

_KINDS = {
    kind.exit_code: kind for kind in (UsageError, DataError, FetchError, StorageError, EngineError)
}


def run_ranks(run: Path, name: str, workers: int, rows: int) -> None:
    """Run a stage's ranks, one process each, until all are done.

    Raises: the error of a rank, as it was; OverproofError if one is killed again and again;
    KeyboardInterrupt after a Ctrl-C.
    """
    ranks = [_Rank(run, name, Place(rank, workers)) for rank in range(workers)]
    seen = _Seen(run, name)
    seen.rows()  # what is there already is no progress
    with stage(f"{name}: {workers} processes", rows, "rows") as advance:
        try:
            for rank in ranks:
                rank.start()
            _watch(ranks, seen, advance)
        finally:
            for rank in ranks:
                rank.end()
        advance(seen.rows())


def part_of(devices: Sequence[Device], place: Place) -> list[Device]:
    """Return what a rank gets of some devices: a part of its own, or one that it shares.

    >>> part_of([0, 1, 2, 3, 4], Place(1, 2)), part_of([0, 1], Place(2, 3))
    ([1, 3], [0])
    """
    return list(devices[place.rank % len(devices) :: place.world]) if devices else []


def gpus_of(place: Place, driver: Path = Path("/proc/driver/nvidia/gpus")) -> dict[str, str]:
    """Return the environment that shows a rank its GPUs; nothing where there are none."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    there = named.split(",") if named else []
    if named is None and driver.is_dir():
        there = [str(number) for number, _ in enumerate(driver.iterdir())]
    return {"CUDA_VISIBLE_DEVICES": ",".join(part_of(there, place))} if there else {}


class _Rank:
    """One rank's process."""

    def __init__(self, run: Path, name: str, place: Place) -> None:
        self.place, self.done, self.starts = place, False, 0
        self.log = run / SHARDS / LOGS / f"{name}-{place}.log"
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        own = part_of(cores, place)
        self.command = [
            *(sys.executable, "-m", "overproof", "scale", "rank", str(run), name),
            *("--rank", str(place.rank), "--of", str(place.world), "--parent", str(os.getpid())),
            *(("--cores", ",".join(map(str, own))) if own else ()),
        ]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with storage_errors(self.log):
            self.log.parent.mkdir(parents=True, exist_ok=True)
            output: IO[bytes] = self.log.open("ab" if self.starts else "wb")
        with output:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,  # a Ctrl-C is the lead's business
                env=os.environ | gpus_of(self.place),
            )
        self.starts += 1

    def look(self) -> None:
        """See whether it has ended. Raises: its error."""
        code = self.process.poll() if self.process else None
        if self.done or code is None:
            return
        if code == 0:
            self.done = True
        elif code == interrupts.EXIT_CODE:
            raise KeyboardInterrupt
        elif code > 0:
            raise error_of(self.log, code)
        elif self.starts > RESTARTS:
            raise OverproofError(
                f"rank {self.place.rank} of {self.place.world} was killed {self.starts} times",
                hint=f"see {self.log}; check free memory, or take fewer --workers",
            )
        else:
            by = signal.Signals(-code).name
            say(f"rank {self.place.rank} of {self.place.world} was ended by {by}: started again")
            self.start()

    def end(self) -> None:
        """Ask it to stop, then end it."""
        if self.process is None or self.process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=60 if interrupts.asked() else interrupts.GRACE_SECONDS)
            self.process.kill()
        self.process.wait()


class _Seen:
    """Counts new lines in the ranks' files."""

    def __init__(self, run: Path, name: str) -> None:
        self._run, self._name = run, name
        self._read: dict[Path, int] = {}

    def rows(self) -> int:
        """Return the rows that have come since the last call."""
        count = 0
        for path in shard_files(self._run, self._name):
            with contextlib.suppress(OSError), path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                new = file.read()
                self._read[path] = file.tell()
                count += new.count(b"\n")
        return count


def _watch(ranks: list[_Rank], seen: _Seen, advance: Advance) -> None:
    """Wait until all ranks are done. Raises: as `run_ranks`."""
    asked = False
    while not all(rank.done for rank in ranks):
        time.sleep(LOOK_SECONDS)
        if interrupts.asked() and not asked:
            asked = True
            for rank in ranks:
                if rank.process is not None and rank.process.poll() is None:
                    rank.process.send_signal(signal.SIGINT)
        for rank in ranks:
            rank.look()
        if count := seen.rows():
            advance(count)
    interrupts.settle()


def error_of(log: Path, code: int) -> OverproofError:
    """Return the error that a rank's log ends with, of the kind that its exit code says."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    found = [number for number, line in enumerate(lines) if line.startswith("error: ")]
    if not found:
        last = re.sub(r"\s+", " ", lines[-1])[:200] if lines else "it printed nothing"
        return OverproofError(f"a rank ended with code {code}: {last}", hint=f"see {log}")
    message, after = lines[found[-1]], lines[found[-1] + 1 :]
    hint = next((line for line in after if line.startswith("hint: ")), "")
    kind = _KINDS.get(code, OverproofError)
    return kind(message.removeprefix("error: "), hint=hint.removeprefix("hint: "))
