"""Runs a server, and ends it when the process that wanted it is gone; started as a file, by path.

    python server_watch.py vllm serve model --port 8000      while standard input stays open

Standard input is a pipe that the wanting process holds open and never writes to. However that
process ends, kill -9 included, the pipe closes: the server's whole group is asked to end, and
killed if it has not in ten seconds. If this watcher is killed itself, the kernel ends the server
(Linux).
Imports nothing of the package, so that it starts at once.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from types import FrameType

GRACE_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1


def main(command: list[str]) -> int:
    """Run until the server or its owner ends; return the server's exit code."""
    server = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,
    )

    def end(_number: int = 0, _frame: FrameType | None = None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.read(0, 4096):
            pass
        end()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(GRACE_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)  # what it has started, too

    threading.Thread(target=watch, daemon=True).start()
    code = server.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    return code if code >= 0 else 128 - code


def _die_with_parent() -> None:
    """Between fork and exec, with one thread: have the kernel end us with the watcher."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
