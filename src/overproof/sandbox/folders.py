"""Remove what a program has left, however it has arranged it.

remove_tree(Path("/tmp/work"))
"""

import contextlib
import os
from pathlib import Path


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
