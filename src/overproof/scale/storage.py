r"""Rows of a run to and from any storage that fsspec knows: a folder, s3://, gs://, and others.

    push(Path("runs/demo"), "s3://bucket/demo")
    pull("s3://bucket/demo", Path("runs/demo"))

Tables are joined by the key of their rows, on both ways, so that no copy ever loses a row; a line
is copied as it is, checksum and all. Other files are replaced: the lead's word counts. A file whose
size and last 4 KiB are equal on both sides is taken for the same, for rows are only ever appended.

Not covered: two processes that push the same file at the same time (each rank has files of its own,
so only two leads could); signals of lessons, which are in the cache folder, not in the run.
Needs 'overproof[cluster]', and s3fs or gcsfs for s3:// or gs://.
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from overproof.errors import DataError, EngineError, FetchError, StorageError
from overproof.extras import require
from overproof.scale.deal import Place
from overproof.scale.tables import SHARDS, shard_folder
from overproof.store import storage_errors

TAIL_BYTES = 4096
SKIPPED_SUFFIXES = (".lock", ".tmp", ".log")


def push(run: Path, url: str) -> str:
    """Copy a run folder to `url`; return how many files were new, joined and equal.

    Raises: StorageError, FetchError, EngineError, DataError.
    """
    return _push(run, run, url)


def push_rank(run: Path, stage: str, place: Place, url: str) -> str:
    """Copy one rank's files only. Raises: as `push`."""
    return _push(run, shard_folder(run, stage, place), url)


def pull(url: str, run: Path, *, begun: bool = True) -> str:
    """Copy a run from `url` into a folder; return how many files were new, joined and equal.

    Raises: as `push`; FetchError if nothing is there though the run has `begun`.
    """
    remote = Remote(url)
    with storage_errors(run):
        run.mkdir(parents=True, exist_ok=True)
    names = list(remote.names())
    if not names and begun:
        raise FetchError(f"{url}: no run there", hint="`overproof scale push RUN URL` puts one")
    counts: Counter[str] = Counter()
    for name in names:
        target = run / name
        with storage_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            remote.get(name, target)
            counts["new"] += 1
        elif remote.equals(name, target):
            counts["equal"] += 1
        elif target.suffix == ".jsonl":
            _append_lines(target, _unknown(remote.lines(name), _keys_of(target), name))
            counts["joined"] += 1
        else:
            remote.get(name, target)
            counts["replaced"] += 1
    return _summary(counts)


def _push(run: Path, folder: Path, url: str) -> str:
    remote = Remote(url)
    counts: Counter[str] = Counter()
    there = set(remote.names())
    for path in sorted(_own_files(folder)):
        name = path.relative_to(run).as_posix()
        if name not in there:
            remote.put(path, name)
            counts["new"] += 1
        elif remote.equals(name, path):
            counts["equal"] += 1
        elif path.suffix == ".jsonl":
            more = list(_unknown(remote.lines(name), _keys_of(path), name))
            remote.put(path, name, more)
            counts["joined"] += 1
        else:
            remote.put(path, name)
            counts["replaced"] += 1
    return _summary(counts)


class Remote:
    """A folder somewhere, through fsspec."""

    def __init__(self, url: str) -> None:
        """Find the file system of a URL. Raises: EngineError if its package is not installed."""
        require("fsspec")
        import fsspec

        self.url = url
        try:
            self._fs, self._root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise EngineError(
                f"{url}: {reason}", hint="s3:// needs `pip install s3fs`, gs:// needs gcsfs"
            ) from None

    def names(self) -> Iterator[str]:
        """Yield the files below, relative to the folder, in order."""
        try:
            self._fs.invalidate_cache()
            found = self._fs.find(self._root) if self._fs.exists(self._root) else []
        except Exception as error:  # every file system has its own
            raise self._failed(error) from None
        root = PurePosixPath(self._root)
        for path in sorted(found):
            name = PurePosixPath(path).relative_to(root)
            if ".." in name.parts or name.is_absolute():
                raise DataError(f"{self.url}: holds the path {name}")
            if not name.name.startswith(".") and name.suffix not in SKIPPED_SUFFIXES:
                yield name.as_posix()

    def equals(self, name: str, path: Path) -> bool:
        """Return whether a file there has the size and the end of one here."""
        try:
            size = self._fs.info(self._at(name))["size"]
            if size != path.stat().st_size:
                return False
            if path.suffix != ".jsonl":
                return bool(self._fs.cat_file(self._at(name)) == path.read_bytes())
            start = max(0, size - TAIL_BYTES)
            tail = self._fs.cat_file(self._at(name), start=start, end=size)
        except OSError as error:
            raise self._failed(error) from None
        with path.open("rb") as file:
            file.seek(start)
            return bool(tail == file.read())

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield the whole lines of a file there."""
        try:
            with self._fs.open(self._at(name), "rb") as file:
                yield from (line for line in file if line.endswith(b"\n"))
        except OSError as error:
            raise self._failed(error) from None

    def get(self, name: str, target: Path) -> None:
        """Copy a file here, whole or not at all."""
        temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        with storage_errors(target):
            try:
                self._fs.get_file(self._at(name), str(temporary))
                temporary.replace(target)
            except FileNotFoundError as error:
                raise self._failed(error) from None
            finally:
                temporary.unlink(missing_ok=True)

    def put(self, path: Path, name: str, more: list[bytes] | None = None) -> None:
        """Copy a file there, `more` lines after it, whole or not at all."""
        try:
            self._fs.makedirs(self._fs._parent(self._at(name)), exist_ok=True)
            with self._fs.transaction, self._fs.open(self._at(name), "wb") as target:
                with path.open("rb") as source:
                    shutil.copyfileobj(source, target)
                target.writelines(more or [])
        except OSError as error:
            raise self._failed(error) from None

    def _at(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    def _failed(self, error: Exception) -> StorageError:
        reason = (" ".join(str(error).split()) or type(error).__name__)[:200]
        return StorageError(
            f"{self.url}: {reason}", hint="check the address, and the credentials in its client"
        )


def _own_files(folder: Path) -> Iterator[Path]:
    """Yield what is worth copying: no locks, no logs, nothing half-written."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in parts)
        if path.is_file() and not hidden and path.suffix not in SKIPPED_SUFFIXES:
            yield path


def _keys_of(path: Path) -> set[str]:
    """Return the keys of a table's rows; a torn last line is none."""
    with path.open("rb") as lines:
        return {_key(line, str(path)) for line in lines if line.endswith(b"\n")}


def _unknown(lines: Iterator[bytes], known: set[str], where: str) -> Iterator[bytes]:
    """Yield the lines whose row is not known yet, each once."""
    for line in lines:
        if (key := _key(line, where)) not in known:
            known.add(key)
            yield line


def _key(line: bytes, where: str) -> str:
    try:
        return str(json.loads(line)["key"])
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{where}: a line that is no row", hint="overproof fsck names it") from None


def _append_lines(path: Path, lines: Iterator[bytes]) -> None:
    """Append whole lines; a torn last line is cut off first."""
    with storage_errors(path), path.open("r+b") as file:
        content_end = file.seek(0, os.SEEK_END)
        while content_end:  # rows are far shorter than a file: a few steps back
            start = max(0, content_end - TAIL_BYTES)
            file.seek(start)
            if (place := file.read(content_end - start).rfind(b"\n")) >= 0:
                content_end = start + place + 1
                break
            content_end = start
        file.truncate(content_end)
        file.seek(content_end)
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())


def _summary(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "nothing"


def is_shared(run: Path) -> bool:
    """Return whether a run has ranks' files."""
    return (run / SHARDS).is_dir()
