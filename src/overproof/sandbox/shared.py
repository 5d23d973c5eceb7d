"""What all programs of a language share: made once in the sandbox, seen by all, written by none.

A precompiled header, a driver in an archive: the language's `Shared` says how it is made.

    OVERPROOF_HOME/builds/<first two of the hash>/<hash>/   made by the first oracle that needs it
    <folder of a worker>/shared/<hash>/                     what the programs of that worker see

The hash is of the sources, the command and the version of the compiler. Nothing is copied per
program: its working folder gets a link. Where there are namespaces, all that programs see is a
read-only mount, and the files are those of the cache (hard links); in the other tiers they are
copies, which Landlock opens for reading only.

Covered: two processes that make the same at once (the second waits); a death at any moment (a
folder appears complete or not at all). In tier B a program may change the permissions of what our
user owns: they are put right before the next build or run. Not covered: the unsafe tier, where a
program can write to all files of our user.
"""

import contextlib
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from overproof.languages.language import Language
from overproof.sandbox import wire
from overproof.sandbox.confine import shown_as
from overproof.sandbox.folders import remove_tree
from overproof.sandbox.jobs import SHARED_FACTOR
from overproof.sandbox.judge import Finding, limit_hit, one_line
from overproof.sandbox.toolchains import Tool

if TYPE_CHECKING:
    from overproof.sandbox.warm import Zygote

_MODE = 0o555
"""Of all files; folders, too, once they are filled."""
_MAX_BYTES = 1 << 30
_CHUNK = 1 << 20
_TRIES = 3


class _MakeError(Exception):
    """What a language shares could not be made, for the reason in the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.detail)
        self.finding = finding


def provide(
    zygote: "Zygote", language: Language, tool: Tool, limits: dict[str, Any], cache: Path
) -> str | Finding:
    """Return the path under which programs see what this language shares; empty if nothing.

    It is made if need be; if that fails, the finding says why, and it is not the program's fault.
    """
    shared = language.shared
    if shared is None:
        return ""
    import hashlib  # brings a large library
    import shutil

    text = json.dumps([tool.label, shared.command, shared.results, sorted(shared.files().items())])
    name = hashlib.sha256(text.encode()).hexdigest()
    made, shown = cache / name[:2] / name, zygote.shared / name
    inside = str(Path(shown_as(str(zygote.shared), zygote.tier), name))
    try:
        if shown.is_dir():
            if not zygote.tier.startswith("A"):
                _put_right(shown)
            return inside
        for _ in range(_TRIES):
            if not made.is_dir():
                with _alone(cache / f".{name}.lock"):
                    if not made.is_dir():
                        _make(zygote, language, tool.path, limits, made)
            with contextlib.suppress(FileNotFoundError, shutil.Error):  # pruned by another process
                _show(made, shown, link=zygote.tier.startswith("A"))
                return inside
    except _MakeError as error:
        return error.finding
    except OSError as error:
        return Finding("harness_error", f"what {language.title} programs share: {error}")
    return Finding("harness_error", f"what {language.title} programs share does not stay in place")


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait until no other process holds this lock; it goes when the process does."""
    import fcntl

    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def letter_for(language: Language, letter: bytes) -> bytes:
    """Return what the zygote is told, for a language that must see itself or need not."""
    return letter.upper() if language.sees_itself else letter


def _make(
    zygote: "Zygote", language: Language, path: str, limits: dict[str, Any], target: Path
) -> None:
    """Run the command and keep what it leaves. Raises: _MakeError, OSError."""
    shared = language.shared
    assert shared is not None
    job = {
        "kind": "build",
        "path": path,
        "files": shared.files(),
        "shared": "",
        "command": list(shared.command),
        "results": list(shared.results),
        "partial": False,
    }
    reply: Any = None
    descriptors: list[int] = []
    with zygote.start(letter_for(language, b"m"), job, []) as channel:
        with contextlib.suppress(wire.WireError):
            reply, descriptors = wire.receive_with(channel, wire.MAX_MESSAGE, len(shared.results))
        report = zygote.finish()
    try:
        complaint = reply.get("log", "") if type(reply) is dict else ""
        if type(reply) is dict and reply.get("missing") is True:
            detail = f"{one_line(str(complaint))} cannot be run in the sandbox"
            raise _MakeError(Finding("missing_tool", detail))
        if not wire.is_build(reply) or len(descriptors) != len(shared.results):
            hit = limit_hit(report, SHARED_FACTOR * limits["build_seconds"], limits)
            why = hit.detail if hit else str(complaint).strip() or "no result"
            raise _MakeError(Finding("harness_error", f"making what programs share: {why}"))
        _keep(shared.results, descriptors, set(reply["folders"]), target)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _keep(names: tuple[str, ...], descriptors: list[int], folders: set[int], target: Path) -> None:
    """Write results to a new folder, in one step. Raises: _MakeError, OSError."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    remove_tree(temporary)
    temporary.mkdir(parents=True)
    room = _MAX_BYTES
    try:
        for number, (name, descriptor) in enumerate(zip(names, descriptors, strict=True)):
            state = os.fstat(descriptor)
            with open(descriptor, "rb", closefd=False) as content:
                content.seek(0)
                if number in folders:
                    room = _unpack(content, temporary / name, room)
                else:
                    room = _write(content, temporary / name, room)
                    os.utime(temporary / name, ns=(state.st_mtime_ns, state.st_mtime_ns))
        _put_right(temporary)
        with contextlib.suppress(OSError):  # another process was faster
            temporary.rename(target)
    finally:
        remove_tree(temporary)


def _unpack(content: IO[bytes], top: Path, room: int) -> int:
    """Write an archive's files below `top`; return the bytes that may still be written."""
    top.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(content) as archive:
            for entry in archive.infolist():
                path = Path(entry.filename)
                if path.is_absolute() or ".." in path.parts or entry.is_dir():
                    continue
                with archive.open(entry) as file:
                    room = _write(file, top / path, room)
    except (zipfile.BadZipFile, EOFError) as error:
        raise _MakeError(Finding("harness_error", f"no archive of a folder: {error}")) from None
    return room


def _write(content: IO[bytes], path: Path, room: int) -> int:
    """Write one file that is for reading only; return the bytes that may still be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        while part := content.read(_CHUNK):
            room -= len(part)
            if room < 0:
                raise _MakeError(Finding("harness_error", "what programs share is too large"))
            file.write(part)
    path.chmod(_MODE)
    return room


def _show(made: Path, shown: Path, link: bool) -> None:
    """Let the programs of this worker see it, complete from the first moment. Raises: OSError."""
    import shutil

    temporary = shown.with_name(f".{shown.name}")
    remove_tree(temporary)
    try:
        shutil.copytree(made, temporary, copy_function=_link if link else shutil.copy2)
        temporary.rename(shown)
    finally:
        remove_tree(temporary)
    with contextlib.suppress(OSError):
        os.utime(made)  # used: not the next that `prune` removes


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        import shutil

        shutil.copy2(source, target)


def _put_right(folder: Path) -> None:
    """Undo what a program may have done to the permissions. Raises: OSError."""
    folder.chmod(_MODE)
    for entry in folder.iterdir():
        if entry.is_dir():
            _put_right(entry)
        else:
            entry.chmod(_MODE)
