"""Who holds a run folder: a lock that ends with its process, and a note on who that is.

    with hold(Path("runs/demo")): ...

The lock is `flock` on the file `.lock`: the kernel lets go of it when the process is gone, however
it ended, so no lock is ever left over. What stands in the file is only for people, and for telling
a run that ended from one that was killed, whatever the clock says.

Covered: two runs on one folder, the second is told who is in its way; processes forked meanwhile,
which give their copy of the lock back. Not covered: network file systems that do not pass `flock`
on to other machines; those without any lock are refused.
"""

import contextlib
import errno
import fcntl
import json
import os
import shlex
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from overproof.errors import StorageError

NAME = ".lock"
PATIENCE_SECONDS = 0.5
"""How long a held lock is tried again: who only looks holds it for an instant."""

_LOCKLESS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)
"""How a file system says that it has no locks."""
_held: set[int] = set()
"""Descriptors of the locks of this process."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """The process that holds a folder, or held it last."""

    pid: int
    host: str = ""
    since: str = ""
    """When it began, ISO 8601."""
    command: str = ""
    ended: bool = False
    """Whether it came to its end, and was not killed or stopped."""

    def __str__(self) -> str:
        """Return who that is, in words."""
        since = f", since {self.since}" if self.since else ""
        command = f": {self.command}" if self.command else ""
        return f"process {self.pid} on {self.host or 'this machine'}{since}{command}"


@contextmanager
def hold(folder: Path, *, passing: bool = False, ends: bool = True) -> Iterator[None]:
    """Hold a folder; `passing` is for who is no run: what stood in the note is then put back.

    Without `ends` the note will not say that the run came to its end.

    Raises: StorageError if another process holds it, or nothing can be locked there; OSError.
    """
    descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        _lock(descriptor, folder)
        _held.add(descriptor)
        before = holder_of(folder)
        me = Holder(
            pid=os.getpid(),
            host=socket.gethostname(),
            since=datetime.now(UTC).isoformat(timespec="seconds"),
            command=shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])[:500],
        )
        _write(descriptor, me)
        try:
            yield
            after: Holder | None = Holder(**{**asdict(me), "ended": ends})
        except BaseException:
            after = me
            raise
        finally:
            _write(descriptor, before if passing else after)
    finally:
        _held.discard(descriptor)
        os.close(descriptor)


@contextmanager
def hold_file(path: Path) -> Iterator[None]:
    """Hold a file of rows that belongs to no run folder, for as long as it is written to.

    The file is made if it is not there. Replacing it ends the hold for whoever comes next. Where a
    file system has no locks, nothing is held.

    Raises: StorageError if another process holds it; OSError.
    """
    while True:
        descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            if not _is_free(descriptor):
                raise StorageError(
                    f"{path} is being written by another process",
                    hint="wait for it, or name another file with --out",
                )
            if os.path.samestat(path.stat(), os.fstat(descriptor)):
                break
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # it was replaced before we had it
    _held.add(descriptor)
    try:
        yield
    finally:
        _held.discard(descriptor)
        os.close(descriptor)


def _is_free(descriptor: int) -> bool:
    """Lock a file if nobody else has, or if nothing can be locked there; return whether it is so.

    Raises: OSError.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _LOCKLESS:
            raise
    return True


def holder_of(folder: Path) -> Holder | None:
    """Return who holds a folder or held it last; None if nothing tells."""
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        told: Any = json.loads((folder / NAME).read_bytes())
        known = {field.name for field in fields(Holder)}
        return Holder(**{name: value for name, value in told.items() if name in known})
    return None


def is_held(folder: Path) -> bool:
    """Return whether a process holds a folder.

    The lock is tried for an instant, shared, and nothing is created.
    """
    try:
        with (folder / NAME).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _lock(descriptor: int, folder: Path) -> None:
    """Take the lock. Raises: StorageError."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            holder = holder_of(folder)
            raise StorageError(
                f"{folder} is in use by {holder or 'another run'}",
                hint="wait for it, or choose another folder with --out",
            ) from None
        except OSError as error:
            if error.errno not in _LOCKLESS:
                raise
            raise StorageError(
                f"{folder}: its file system has no locks ({error.strerror}), so that two runs on "
                "it could mix",
                hint="choose a folder on a local disk with --out",
            ) from None


def _write(descriptor: int, holder: Holder | None) -> None:
    """Say who holds the lock; it holds without that, too, as on a full disk."""
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        if holder is not None:
            os.pwrite(descriptor, json.dumps(asdict(holder)).encode() + b"\n", 0)


def _let_go() -> None:
    """Close the copies that a fork has made: the lock stays with the parent alone."""
    while _held:
        os.close(_held.pop())


os.register_at_fork(after_in_child=_let_go)
