"""Which compiler or interpreter of a language is here, as programs in the sandbox find it.

First where the system keeps its programs, then in the wheel that brings the tool, if `pip` has
installed it beside Overproof.

toolchain(load_language("lua"))
"""

import functools
import os
from dataclasses import dataclass
from pathlib import Path

from overproof.languages.language import Language, Toolchain
from overproof.sandbox.environment import ENVIRONMENT

_VERSION_SECONDS = 10


@dataclass(frozen=True)
class Tool:
    """A tool that is here."""

    label: str
    """Its name and version."""
    path: str
    """PATH for the language's commands."""


def toolchain(language: Language) -> str | None:
    """Return the tool with its version, or None if it is missing or does not run."""
    tool = find(language.toolchain)
    return tool.label if tool else None


@functools.cache
def find(needed: Toolchain) -> Tool | None:
    """Return the tool, or None if it is missing or does not run."""
    import subprocess  # not in an oracle that runs Python only

    path = search_path(needed)
    if path is None:
        return None
    try:
        done = subprocess.run(
            needed.version,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**ENVIRONMENT, "PATH": path},
            timeout=_VERSION_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    line = done.stdout.decode(errors="replace").strip().partition("\n")[0]
    return Tool(line if line.startswith(needed.tool) else f"{needed.tool} {line}", path)


def search_path(needed: Toolchain) -> str | None:
    """Return the PATH on which the tool and what tells its version are, or None."""
    import shutil

    system: str = ENVIRONMENT["PATH"]
    folder = folder_in_wheel(needed)
    paths: list[str] = [system, *([f"{folder}{os.pathsep}{system}"] if folder else ())]
    for path in paths:
        if all(shutil.which(name, path=path) for name in (needed.tool, needed.version[0])):
            return path
    return None


def folder_in_wheel(needed: Toolchain) -> str:
    """Return the folder of an installed wheel that holds the tool itself; empty if there is none.

    A script that `pip` has made for it does not count: it would start a Python each time.
    """
    if not needed.wheel:
        return ""
    from importlib import metadata

    try:
        files = metadata.files(needed.wheel) or []
    except metadata.PackageNotFoundError:
        return ""
    for file in files:
        place = Path(str(file.locate()))
        if file.name == needed.tool and file.parent.name == "bin" and os.access(place, os.X_OK):
            with place.open("rb") as content:
                if content.read(2) != b"#!":
                    return os.path.realpath(place.parent)
    return ""
