"""Progress on stderr: a bar with an ETA on a terminal, a line now and then elsewhere, fewer in CI.

with stage("generate", total=164) as advance:
    advance(16)
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Protocol

from overproof.terminal import line_seconds, lively


class Advance(Protocol):
    """Tells a stage how far it is."""

    def __call__(self, count: int, note: str = "", /) -> None:
        """Count items that were settled; the note says how it goes, in a few words."""


_muted = False


@contextmanager
def muted() -> Iterator[None]:
    """Show no stage within: for one that is repeated, and reported on as a whole."""
    global _muted
    before, _muted = _muted, True
    try:
        yield
    finally:
        _muted = before


@contextmanager
def stage(title: str, total: int, unit: str = "") -> Iterator[Advance]:
    """Show how far a stage is; the yielded function is told how many items were settled."""
    if _muted:
        yield lambda count, note="": None
    elif lively(sys.stderr):
        with _bar(title, total, unit) as advance:
            yield advance
    else:
        with _lines(title, total, unit) as advance:
            yield advance


def say(text: str) -> None:
    """Print one line of news to stderr."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Drop what libraries print while they load or save: their bars, advice to developers."""
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        yield


@contextmanager
def _bar(title: str, total: int, unit: str) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(file=sys.stderr)) as bars:
        task = bars.add_task(title, total=total, note="")

        def advance(count: int, note: str = "", /) -> None:
            bars.advance(task, count)
            if note:
                bars.update(task, note=note)

        yield advance


@contextmanager
def _lines(title: str, total: int, unit: str) -> Iterator[Advance]:
    start = last = time.monotonic()
    pause = line_seconds()
    done, latest = 0, ""

    def advance(count: int, note: str = "", /) -> None:
        nonlocal done, last, latest
        done += count
        latest = note or latest
        now = time.monotonic()
        if now - last >= pause and done < total:
            left = (now - start) / done * (total - done) if done else 0.0
            told = f"; {latest}" if latest else ""
            say(f"{title}: {done}/{total} {unit}, about {left:.0f} s left{told}")
            last = now

    yield advance
    say(f"{title}: {done}/{total} {unit} in {time.monotonic() - start:.1f} s")
