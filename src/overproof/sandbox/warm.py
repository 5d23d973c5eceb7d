"""The oracle's handle on a zygote: it starts candidates, and tells how they ended.

with zygote.start(b"f", job, []) as channel: report = zygote.finish()
"""

import contextlib
import itertools
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from overproof.sandbox import spawn, wire
from overproof.sandbox.folders import remove_tree

_NUMBERS = itertools.count()


class ZygoteError(Exception):
    """The sandbox itself failed."""

    def __init__(self, message: str, hint: str = "") -> None:
        """Keep what would mend it apart."""
        super().__init__(message)
        self.hint = hint


class Zygote:
    """The oracle's handle on a zygote process, its folder and the candidates in it."""

    def __init__(self, limits: dict[str, Any], base: str) -> None:
        """Start a zygote. Raises: ZygoteError if it cannot be started."""
        self.folder = Path(base, f"box{next(_NUMBERS)}")
        self.folder.mkdir(0o700)
        self.shared = Path(base, "shared")
        self.shared.mkdir(exist_ok=True)
        self.shared.chmod(0o755)
        self.clean = True
        """Whether no candidate so far has left anything behind."""
        self.control, theirs = socket.socketpair()
        with theirs:
            self.process = spawn.start("zygote", theirs)
        try:
            places = {"folder": str(self.folder), "shared": str(self.shared)}
            wire.send(self.control, places | {"limits": limits})
            hello = wire.receive(self.control)
        except (wire.WireError, OSError) as error:
            raise ZygoteError(f"the zygote did not start: {error}") from None
        if "tier" not in hello:
            raise ZygoteError(str(hello.get("failed")), str(hello.get("hint", "")))
        self.tier = str(hello["tier"])

    @contextlib.contextmanager
    def start(
        self, letter: bytes, job: dict[str, Any], descriptors: Sequence[int]
    ) -> Iterator[socket.socket]:
        """Yield the channel to a new candidate that has been sent its job.

        `finish` must be called before the end of the block. Raises: ZygoteError.
        """
        ours, theirs = socket.socketpair()
        with ours:
            try:
                with theirs:
                    socket.send_fds(self.control, [letter], [theirs.fileno()])
            except OSError as error:
                raise ZygoteError(f"a candidate could not be started: {error}") from None
            with contextlib.suppress(wire.ClosedError):  # `finish` will tell
                wire.send_job(ours, job, descriptors)
            yield ours

    def finish(self, wish: bytes = b"k") -> dict[str, Any]:
        """End the candidate and all that it started; return how it ended.

        `wish` is what the zygote is told: b"k" now, b"e" in a moment, b"w" when it has ended.
        Raises: ZygoteError.
        """
        try:
            self.control.sendall(wish)
            content = self.control.recv(wire.REPORT.size, socket.MSG_WAITALL)
        except OSError as error:
            raise ZygoteError(f"the zygote ended: {error}") from None
        if len(content) < wire.REPORT.size:
            raise ZygoteError("the zygote ended")
        status, cpu, resident, reason, ready, clean = wire.REPORT.unpack(content)
        self.clean = self.clean and clean
        return {
            "status": status,
            "cpu": cpu,
            "resident": resident,
            "reason": wire.REASONS[reason],
            "ready": ready,
        }

    def close(self) -> None:
        """End the zygote, and with it all that is left in its namespaces."""
        self.control.close()
        if self.tier.startswith("A"):
            self.process.terminate()  # its parent, which only stands by
        try:
            self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        remove_tree(self.folder)
