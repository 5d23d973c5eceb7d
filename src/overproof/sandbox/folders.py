"""Folders for programs: made for a worker, and removed however a program has arranged them.

    folder, owner = make_box()
    remove_tree(Path("work"))

A process that is killed leaves its folders behind. The next one that makes a folder removes them:
as long as a worker lives it holds a lock on its own, and the kernel gives that back.
"""

import contextlib
import fcntl
import os
import tempfile
from pathlib import Path

_PREFIX = "overproof-worker-"
_SETTLED_SECONDS = 60.0
"""A folder that is younger may belong to a process that has not locked it yet."""


def make_box() -> tuple[str, int]:
    """Make a folder for a worker; return it, and the descriptor that holds it while it is open."""
    folder = tempfile.mkdtemp(prefix=_PREFIX)
    owner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    with contextlib.suppress(OSError):
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    prune_boxes(Path(folder))
    return folder, owner


def prune_boxes(newest: Path) -> None:
    """Remove the folders beside this one whose processes are gone."""
    young = newest.stat().st_mtime - _SETTLED_SECONDS
    for path in newest.parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            about = path.lstat()
            if about.st_mtime > young or about.st_uid != os.getuid() or path.is_symlink():
                continue
            owner = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_tree(path)
            finally:
                os.close(owner)


def remove_tree(top: Path) -> bool:
    """Remove a file, or a folder that may be locked, or nested deeper than a path can be long.

    Folders are emptied level by level into the topmost one: nothing recurses, no link is
    followed. Return whether all is gone.
    """
    prefix = f"moved-{os.urandom(8).hex()}"  # a name that nobody has prepared
    with contextlib.suppress(OSError):
        if not top.is_dir() or top.is_symlink():
            top.unlink()
            return True
        top.chmod(0o700)
        moved = 0
        while entries := list(top.iterdir()):
            for entry in entries:
                if not entry.is_dir() or entry.is_symlink():
                    entry.unlink()
                    continue
                entry.chmod(0o700)
                for child in list(entry.iterdir()):  # its turn comes in the next round
                    if child.is_dir() and not child.is_symlink():
                        child.chmod(0o700)
                    child.rename(top / f"{prefix}-{moved}")
                    moved += 1
                entry.rmdir()
        top.rmdir()
        return True
    return False
