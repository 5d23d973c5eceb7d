"""Programs that must be compiled: built once in the sandbox, kept by the hash of their source.

A build runs under the same confinement as a program, with limits of its own; the compiler's
result comes out as a descriptor and is copied to the cache, never executed outside.

    OVERPROOF_HOME/builds/<first two of the hash>/<hash>

Covered: two processes that build the same at once; a cache that grows (the oldest go).
"""

import contextlib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from overproof.sandbox import wire
from overproof.sandbox.judge import Finding, limit_hit
from overproof.sandbox.languages import Language, toolchain

if TYPE_CHECKING:
    from overproof.sandbox.oracle import Zygote

_MAX_BUILT_BYTES = 128 << 20
_KEPT_BYTES = 2 << 30
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Launch:
    """How a candidate is started."""

    letter: bytes
    """What the zygote is told: which allowance the candidate has."""
    job: dict[str, Any]
    """The first message to it."""
    built: Path | None = None
    """The compiled file that is handed to it."""

    def descriptors(self) -> list[int]:
        """Open what is handed over before the streams; the caller closes it."""
        return [os.open(self.built, os.O_RDONLY | os.O_CLOEXEC)] if self.built else []


def prepare(
    zygote: "Zygote",
    language: Language,
    program: str,
    entry_point: str,
    limits: dict[str, Any],
    cache: Path,
) -> Launch | Finding:
    """Return how to start the program, built if need be, or why it cannot be started."""
    label = toolchain(language)
    if label is None:
        return Finding("missing_tool", f"{language.tool}: {language.install}")
    files = language.files(program, entry_point)
    built = None
    if language.build:
        import hashlib  # brings a large library, and only compiled languages need it

        text = json.dumps([label, language.build, language.built, sorted(files.items())])
        name = hashlib.sha256(text.encode()).hexdigest()
        built = cache / name[:2] / name
        if not built.is_file():
            failure = _build(zygote, language, files, limits, built)
            if failure is not None:
                return failure
        files = {}
    letter = b"s" if language.limits_address_space else b"v"
    job = {
        "kind": "command",
        "files": files,
        "built": language.built if built else "",
        "command": list(language.run),
    }
    return Launch(letter, job, built)


def prune(cache: Path) -> None:
    """Remove the least recently built files beyond what is kept."""
    with contextlib.suppress(OSError):
        entries = [(file.stat(), file) for file in cache.glob("??/*")]
        size = sum(state.st_size for state, _ in entries)
        for state, file in sorted(entries, key=lambda entry: entry[0].st_mtime):
            if size <= _KEPT_BYTES:
                break
            file.unlink(missing_ok=True)
            size -= state.st_size


def _build(
    zygote: "Zygote",
    language: Language,
    files: dict[str, str],
    limits: dict[str, Any],
    target: Path,
) -> Finding | None:
    """Build into the cache; return why that failed, or None."""
    job = {
        "kind": "build",
        "files": files,
        "command": list(language.build),
        "built": language.built,
    }
    failure: Finding | None = None
    with zygote.start(b"b", job, []) as channel:
        try:
            reply, descriptors = wire.receive_with(channel, wire.MAX_MESSAGE, 1)
            failure = _read_reply(language, reply, descriptors, target)
        except wire.WireError:
            failure = Finding("compile_error", "the compiler did not come to its end")
        report = zygote.finish()
    if not report["ready"]:
        return Finding("harness_error", "the compiler could not be started")
    hit = limit_hit(report, limits["build_seconds"], limits)
    return Finding("compile_error", f"compiling: {hit.detail}") if failure and hit else failure


def _read_reply(
    language: Language, reply: Any, descriptors: list[int], target: Path
) -> Finding | None:
    try:
        if type(reply) is not dict or type(reply.get("detail")) is not str:
            return Finding("compile_error", "broke the protocol while compiling")
        if reply.get("missing") is True:
            return Finding("missing_tool", f"{reply['detail']} cannot be run in the sandbox")
        if reply.get("built") is not True or not descriptors:
            missing = language.no_entry_point and reply["detail"].startswith(
                language.no_entry_point
            )
            status = "no_code" if missing else "compile_error"
            return Finding(status, reply["detail"] or "the compiler failed")
        return _keep(descriptors[0], target)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _keep(descriptor: int, target: Path) -> Finding | None:
    """Copy a compiled file into the cache, in one step."""
    state = os.fstat(descriptor)
    if not stat.S_ISREG(state.st_mode) or state.st_size > _MAX_BUILT_BYTES:
        return Finding("compile_error", "the compiler left no file, or one that is too large")
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            os.lseek(descriptor, 0, os.SEEK_SET)
            while part := os.read(descriptor, _CHUNK):
                file.write(part)
        temporary.replace(target)
    except OSError as error:
        return Finding("harness_error", f"cannot keep what was built: {error}")
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return None
