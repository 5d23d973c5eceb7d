"""One run of the tiny study in a process of its own, which tells where it is and what it begins.

running = Running(inputs, out)
running.finish()
"""

import os
import select
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tiny_study import run_study

START, REPORT = "start", "report"
"""What comes before the first stage that says its name, and after the last."""
PATIENCE_SECONDS = 600.0


def tell_of(pipe: int) -> None:
    """Let this process say which stage it enters and leaves, and what work it begins."""
    from overproof import progress, store
    from overproof.distillation import loop
    from overproof.measure import latency
    from overproof.sandbox import pool

    def tell(*words: str) -> None:
        os.write(pipe, " ".join(words).replace("\n", " ").encode() + b"\n")

    @contextmanager
    def stage_lines(title: str, total: int, unit: str) -> Iterator[Callable[..., None]]:
        tell("enter", title)
        yield lambda count, note="": None
        tell("leave", title)

    fill, receive = store.Table.fill, pool.Worker.receive
    objective, timing = loop.objective, latency._timing

    def told_fill(self: Any, items: Any, key: Any, work: Any, **options: Any) -> Any:
        def told(part: Any) -> Any:
            tell("work", self.path.stem)
            return work(part)

        return fill(self, items, key, told, **options)

    def told_receive(self: Any) -> Any:
        verdict = receive(self)
        tell("work", "verdict")
        return verdict

    def told_objective(*arguments: Any) -> Any:
        tell("work", "step")
        return objective(*arguments)

    def told_timing(*arguments: Any) -> Any:
        tell("work", "timing")
        return timing(*arguments)

    progress._lines = stage_lines  # type: ignore[assignment]
    store.Table.fill, pool.Worker.receive = told_fill, told_receive  # type: ignore[method-assign]
    loop.objective, latency._timing = told_objective, told_timing


class Running:
    """One run, as its killer sees it."""

    def __init__(self, inputs: Path, out: Path) -> None:
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                os.close(reading)
                log = os.open(out.parent / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.dup2(log, 1)
                os.dup2(log, 2)
                tell_of(writing)
                run_study(inputs, out)
                status = 0
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                os._exit(status)
        os.close(writing)
        self.reading, self.rest = reading, b""
        self.stage, self.inside = START, True
        self.began: Counter[str] = Counter()
        self.times: list[tuple[float, str, str]] = [(time.monotonic(), "enter", START)]
        self.status: int | None = None
        self.hurt = False
        """Whether one of its processes was killed: it may then end with an error."""

    @property
    def label(self) -> str:
        """Where it is: in a stage, or after one."""
        if self.inside:
            return self.stage
        return REPORT if self.stage == "time" else f"after {self.stage}"

    def follow(self, until: Callable[[], bool], seconds: float) -> bool:
        """Read what it tells until something is so, it ends, or time is up; return if it lives."""
        if self.status is not None:
            return False
        deadline = time.monotonic() + seconds
        while not until():
            left = deadline - time.monotonic()
            if left <= 0:
                return True
            if not select.select([self.reading], [], [], left)[0]:
                continue
            if not (found := os.read(self.reading, 1 << 16)):
                self.end()
                return False
            *lines, self.rest = (self.rest + found).split(b"\n")
            for line in lines:
                self._note(line.decode())
        return True

    def _note(self, line: str) -> None:
        what, _, name = line.partition(" ")
        if what == "work":
            self.began[name] += 1
            return
        self.times.append((time.monotonic(), what, name))
        self.stage, self.inside = name, what == "enter"

    def end(self) -> None:
        """Reap it."""
        if self.status is None:
            _, status = os.waitpid(self.pid, 0)
            self.status = os.waitstatus_to_exitcode(status)
            while found := os.read(self.reading, 1 << 16):
                self.rest += found
            for line in self.rest.split(b"\n")[:-1]:
                self._note(line.decode())
            os.close(self.reading)

    def finish(self) -> None:
        """Let it come to its end, which must be a good one."""
        alive = self.follow(lambda: False, PATIENCE_SECONDS)
        assert not alive, f"a run hangs in {self.label}"
        assert self.status == 0, f"a run failed after {self.label} with {self.status}"
