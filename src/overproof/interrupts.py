"""Ctrl-C in two steps: the first finishes the rows under way, the second ends at once.

    with two_steps():
        study.run(recipe, out, command)

A stage stores its rows and calls `settle`, which raises KeyboardInterrupt if a Ctrl-C has come in
the meantime. A second Ctrl-C raises it wherever the process is; if that does not get through to
Python within `GRACE_SECONDS`, because a model's library is computing, the process ends without it.
Rows that are stored stay; the workers of a sandbox end with their parent.

Covered: SIGINT and SIGTERM (as `kill` and schedulers send it; one of them counts as one step).
Not covered: other threads than the main one, where Python handles no signals: `two_steps` does
nothing there.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from overproof.progress import say

GRACE_SECONDS = 5.0
"""After the second Ctrl-C, for closing what is open."""
EXIT_CODE = 130

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_asked = 0


def asked() -> bool:
    """Return whether the run is to end where that costs least."""
    return _asked > 0


def settle() -> None:
    """Say that rows have been stored. Raises: KeyboardInterrupt if the run is to end."""
    if _asked:
        raise KeyboardInterrupt


@contextmanager
def two_steps() -> Iterator[None]:
    """Handle Ctrl-C in two steps within."""
    global _asked
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _asked = 0
    before = {number: signal.signal(number, _handle) for number in _SIGNALS}
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    woken = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    watcher = threading.Thread(target=_watch, args=(reading,), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(woken)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(writing)  # the watcher reads the end of it
        watcher.join(timeout=1)
        _asked = 0


def _handle(_number: int, _frame: Any) -> None:
    """Count; Python calls this between two of its own instructions, so maybe late."""
    global _asked
    _asked += 1
    if _asked > 1:
        raise KeyboardInterrupt


def _watch(reading: int) -> None:
    """Answer at once, even while the main thread is deep in a model's library."""
    steps = 0
    with open(reading, "rb", buffering=0) as signals:
        while number := signals.read(1):
            if number[0] not in _SIGNALS:
                continue
            steps += 1
            if steps == 1:
                say("stopping once what is under way is stored; Ctrl-C again ends now")
            else:
                timer = threading.Timer(GRACE_SECONDS, os._exit, (EXIT_CODE,))
                timer.daemon = True
                timer.start()
