"""A folder that takes its place only when it is whole.

with placed_folder(Path("out")) as folder: ...
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from overproof.store import storage_errors


@contextmanager
def placed_folder(target: Path) -> Iterator[Path]:
    """Yield a folder to fill; what stood in its place is replaced at the end.

    Raises: StorageError.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    with storage_errors(target):
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            yield temporary
            shutil.rmtree(target, ignore_errors=True)
            temporary.replace(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
