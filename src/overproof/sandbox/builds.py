"""Programs that must be compiled: built once in the sandbox, kept by the hash of their source.

A build runs under the same confinement as a program, with limits of its own; the compiler's
result comes out as a descriptor and is copied to the cache, never executed outside.

    OVERPROOF_HOME/builds/<first two of the hash>/<hash>

Covered: two processes that build the same at once; a cache that grows (the oldest go). Batches
(`prepare_many`) only fill the cache, so a batch that fails, or is killed, costs nothing but time.
"""

import contextlib
import json
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from overproof.languages.language import Language
from overproof.sandbox import wire
from overproof.sandbox.folders import remove_tree
from overproof.sandbox.judge import Finding, limit_hit
from overproof.sandbox.launch import Launch
from overproof.sandbox.shared import letter_for, provide
from overproof.sandbox.toolchains import Tool, find

if TYPE_CHECKING:
    from overproof.sandbox.warm import Zygote

ROUNDS = 3
"""How often a batch is tried, each time without the programs that were blamed."""
_MAX_BUILT_BYTES = 128 << 20
_KEPT_BYTES = 2 << 30
_CHUNK = 1 << 20
_LOG_CHARACTERS = 2000


def prepare(
    zygote: "Zygote",
    language: Language,
    files: dict[str, str],
    limits: dict[str, Any],
    cache: Path,
) -> Launch | Finding:
    """Return how to start the program in `files`, built if need be, or why it cannot be started."""
    tool = find(language.toolchain)
    if tool is None:
        return _missing(language)
    if language.sees_itself and zygote.tier.startswith("B"):
        why = f"{language.toolchain.tool} reads /proc/self, which needs user namespaces"
        return Finding("missing_tool", f"{why}: see `overproof doctor`")
    shared = provide(zygote, language, tool, limits, cache)
    if isinstance(shared, Finding):
        return shared
    built = None
    if language.build:
        built = _place(language, tool, files, cache)
        if not built.is_file():
            job = _job(files, language.build, [language.built], shared, tool)
            failure = _build(zygote, language, job, limits, built)
            if failure is not None:
                return failure
        files = {}
    letter = letter_for(language, b"s" if language.limits_address_space else b"v")
    job = {
        "kind": "command",
        "path": tool.path,
        "files": files,
        "shared": shared,
        "built": language.built if built else "",
        "command": list(language.run),
    }
    return Launch(letter, job, built)


def prepare_many(
    zygote: "Zygote",
    language: Language,
    programs: Sequence[dict[str, str]],
    limits: dict[str, Any],
    cache: Path,
) -> int:
    """Build programs, given by their files, in as few commands as may be; return how many.

    Those that are in the cache already are left alone. What is not built afterwards waits for
    a build of its own, which alone can say that a program does not compile.
    """
    tool = find(language.toolchain)
    seen = not (language.sees_itself and zygote.tier.startswith("B"))
    if tool is None or language.batch is None or not seen:
        return 0
    shared = provide(zygote, language, tool, limits, cache)
    if isinstance(shared, Finding):
        return 0
    todo = {_place(language, tool, files, cache): files for files in programs}
    todo = {place: files for place, files in todo.items() if not place.is_file()}
    number = 0
    for _ in range(ROUNDS):
        if len(todo) < 2:
            break
        blamed, built = _build_batch(zygote, language, todo, shared, tool)
        number += len(built)
        todo = {p: files for p, files in todo.items() if p not in blamed and p not in built}
        if not blamed:
            break
    return number


def prune(cache: Path) -> None:
    """Remove the least recently built files beyond what is kept."""
    with contextlib.suppress(OSError):
        entries = [(entry.stat().st_mtime, _size(entry), entry) for entry in cache.glob("??/*")]
        total = sum(size for _, size, _ in entries)
        for _, size, entry in sorted(entries):
            if total <= _KEPT_BYTES:
                break
            gone = entry.with_name(f".gone-{os.getpid()}-{entry.name[-64:]}")
            entry.rename(gone)  # at once: a folder that is half removed would pass for a whole one
            remove_tree(gone)
            total -= size


def _size(entry: Path) -> int:
    files = entry.rglob("*") if entry.is_dir() else [entry]
    return sum(file.stat().st_size for file in files if file.is_file())


def _missing(language: Language) -> Finding:
    needed = language.toolchain
    wheel = f", or pip install {needed.wheel}" if needed.wheel else ""
    return Finding("missing_tool", f"{needed.tool}: {needed.install}{wheel}")


def _place(language: Language, tool: Tool, files: dict[str, str], cache: Path) -> Path:
    """Return where the result of a build is kept."""
    import hashlib  # brings a large library, and only compiled languages need it

    shared = language.shared
    made = [shared.command, sorted(shared.files().items())] if shared else []
    text = json.dumps([tool.label, made, language.build, language.built, sorted(files.items())])
    name = hashlib.sha256(text.encode()).hexdigest()
    return cache / name[:2] / name


def _job(
    files: dict[str, str], command: Sequence[str], results: list[str], shared: str, tool: Tool
) -> dict[str, Any]:
    return {
        "kind": "build",
        "path": tool.path,
        "files": files,
        "shared": shared,
        "command": list(command),
        "results": results,
        "partial": False,
    }


def _build(
    zygote: "Zygote", language: Language, job: dict[str, Any], limits: dict[str, Any], target: Path
) -> Finding | None:
    """Build into the cache; return why that failed, or None."""
    failure: Finding | None = None
    with zygote.start(letter_for(language, b"b"), job, []) as channel:
        try:
            reply, descriptors = wire.receive_with(channel, wire.MAX_MESSAGE, 1)
            failure = _read_reply(language, reply, descriptors, target)
        except wire.WireError:
            failure = Finding("compile_error", "the compiler did not come to its end")
        report = zygote.finish()
    if not report["ready"]:
        return Finding("harness_error", "the compiler could not be started")
    hit = limit_hit(report, limits["build_seconds"], limits)
    if failure is None or hit is None:
        return failure
    slept = report["reason"] == "wall"
    wall_seconds = limits["build_seconds"] + limits["wall_seconds"]
    detail = f"wall time limit of {wall_seconds:g} s" if slept else hit.detail
    return Finding("compile_error", f"compiling: {detail}", again=slept)


def _read_reply(
    language: Language, reply: Any, descriptors: list[int], target: Path
) -> Finding | None:
    try:
        if not wire.is_build(reply):
            return Finding("compile_error", "broke the protocol while compiling")
        if reply["missing"]:
            return Finding("missing_tool", f"{reply['log']} cannot be run in the sandbox")
        if reply["status"] or not descriptors:
            detail = _telling(reply["log"])
            missing = language.no_entry_point and detail.startswith(language.no_entry_point)
            status = "no_code" if missing else "compile_error"
            return Finding(status, detail or "the compiler failed")
        return _keep(descriptors[0], target)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _telling(log: str) -> str:
    """Return the lines of a compiler's log that say what is wrong."""
    words = ("error", "undefined reference")
    lines = [line for line in log.splitlines() if any(word in line for word in words)]
    return "\n".join(lines or log.splitlines())[:_LOG_CHARACTERS]


def _build_batch(
    zygote: "Zygote",
    language: Language,
    todo: dict[Path, dict[str, str]],
    shared: str,
    tool: Tool,
) -> tuple[set[Path], set[Path]]:
    """Build programs together; return the places of those that the log blames, and of the built."""
    batch = language.batch
    assert batch is not None
    folders = {f"p{number}-{os.urandom(8).hex()}": place for number, place in enumerate(todo)}
    names = list(folders)
    files = dict(batch.files(names))
    for folder, place in folders.items():
        files |= {f"{folder}/{name}": content for name, content in todo[place].items()}
    results = [f"{folder}/{language.built}" for folder in names]
    job = _job(files, batch.command(names), results, shared, tool) | {"partial": batch.partial}
    reply: Any = None
    descriptors: list[int] = []
    with zygote.start(letter_for(language, b"b"), job, []) as channel:
        with contextlib.suppress(wire.WireError):
            reply, descriptors = wire.receive_with(channel, wire.MAX_MESSAGE, len(names))
        report = zygote.finish()
    try:
        if (
            not report["ready"]
            or not wire.is_build(reply)
            or len(reply["found"]) != len(descriptors)
        ):
            return set(), set()
        found = [re.search(batch.blames, line) for line in reply["log"].splitlines()]
        blamed = {folders[hit[1]] for hit in found if hit and hit[1] in folders}
        built = set()
        for number, descriptor in zip(reply["found"], descriptors, strict=True):
            if not 0 <= number < len(names):
                continue
            place = folders[names[number]]
            if place not in blamed and _keep(descriptor, place) is None:
                built.add(place)
        return blamed, built
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
