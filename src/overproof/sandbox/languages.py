"""Languages that the sandbox can run besides Python: a file, a build step, a run step.

A program is called through a driver, compiled or loaded together with it, that speaks the
protocol of `overproof.sandbox.candidate` over descriptor 3; a whole program that reads standard
input needs none. To add a language, write one `Language` and one line in `LANGUAGES`.

    >>> LANGUAGES["cpp"].tool
    'g++'
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from overproof.sandbox.environment import ENVIRONMENT

_DRIVERS = Path(__file__).with_name("drivers")
_CPP_DRIVER = tuple(f"overproof_{part}.hpp" for part in ("driver", "containers", "scalars", "json"))
_VERSION_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class Language:
    """How programs of one language are built and run, in a working folder of their own."""

    name: str
    tool: str
    """The command that must be installed; its absence is `missing_tool`."""
    version: tuple[str, ...]
    """Command whose first line of output names the version."""
    install: str
    """The command that adds the tool, for `overproof doctor`."""
    files: Callable[[str, str], dict[str, str]]
    """(program, entry_point) -> the files to write; an empty entry point means a whole program."""
    build: tuple[str, ...]
    """The command that compiles, run in the folder; empty for an interpreted language."""
    built: str
    """The file that the build leaves, the only one that is kept; empty if nothing is built."""
    run: tuple[str, ...]
    """The command that runs it."""
    no_entry_point: str = ""
    """How the compiler's complaint begins if the program does not define the entry point."""
    limits_address_space: bool = True
    """False for runtimes that reserve far more address space than memory (node, java, go)."""


@functools.cache
def toolchain(language: Language) -> str | None:
    """Return the tool with its version, or None if it is missing or does not run."""
    import shutil  # not in an oracle that runs Python only
    import subprocess

    tool = shutil.which(language.version[0], path=ENVIRONMENT["PATH"])
    if tool is None or shutil.which(language.tool, path=ENVIRONMENT["PATH"]) is None:
        return None
    try:
        done = subprocess.run(
            [tool, *language.version[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT,
            timeout=_VERSION_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    line = done.stdout.decode(errors="replace").strip().partition("\n")[0]
    return line if line.startswith(language.tool) else f"{language.tool} {line}"


@functools.cache
def _driver(name: str) -> str:
    return (_DRIVERS / name).read_text(encoding="utf-8")


def _cpp_files(program: str, entry_point: str) -> dict[str, str]:
    if not entry_point:
        return {"main.cpp": '#include "program.cpp"\n', "program.cpp": program}
    return {
        **{name: _driver(name) for name in _CPP_DRIVER},
        "program.cpp": program,
        "main.cpp": '#include "overproof_driver.hpp"\n#include "program.cpp"\n'
        f"OVERPROOF_SERVE({entry_point})\n",
    }


LANGUAGES: dict[str, Language] = {
    "cpp": Language(
        name="cpp",
        tool="g++",
        version=("g++", "-dumpfullversion", "-dumpversion"),
        install="apt-get install g++",
        files=_cpp_files,
        # C++20 takes a third longer to compile, -O2 a fifth; -O0 runs five times slower.
        build=(
            *("g++", "-std=c++17", "-O1", "-w", "-pipe", "-fmax-errors=3"),
            *("main.cpp", "-o", "program"),
        ),
        built="program",
        run=("./program",),
        no_entry_point="main.cpp:3:",
    ),
}
