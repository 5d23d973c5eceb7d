"""What a file of this folder says about its language: everything, as one `Language`.

To add a language, write such a file, and its name in `overproof.languages.NAMES`.

The oracle hands a program its calls through a driver (a file of `drivers/`), compiled or loaded
together with it. Over descriptor 3, a stream socket, both sides send messages: four bytes of
length, least significant first, then JSON in UTF-8.

    from the driver   {"loaded": true} once the program is loaded, or
                      {"failed": "no_code" | "compile_error" | "error", "detail": …} and the end
    to the driver     {"calls": [{"args": [value, …]}, …]}
    from the driver   {"value": value} or {"raised": type, "detail": …} for each call, in order

A value is null, a boolean, a number, a string, a list, or an object with one tag: {"tuple": […]},
{"set": […]}, {"dict": [[key, value], …]}, {"int": "0xff"} for an integer of 2**53 or more either
way, {"opaque": type} for what cannot be sent. A float always has a point or an exponent
("1.0"), and NaN, Infinity, -Infinity are bare words. What the program prints goes elsewhere.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from overproof.languages.types import Type

Case = Literal["snake", "camel", "pascal"]
Conflation = Literal[
    "tuple_list",  # a tuple comes back as a list, or the other way round
    "int_float",  # 3 and 3.0 are one number
    "dict_list",  # an empty map comes back as an empty list
    "set_list",  # there are no sets
    "bool_int",  # true is 1, false is 0 or ""
    "number_str",  # "3" and 3 are one scalar
    "none_str",  # nothing is the empty string, or the word for it
    "text",  # whatever comes back is text, as the translation writes values
]
"""What a language, or this translation to it, does not tell apart in a result."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of a function."""

    name: str
    type: Type


@dataclass(frozen=True, kw_only=True)
class Function:
    """What is asked for: names in the language's own style, types in ours."""

    name: str
    parameters: tuple[Parameter, ...]
    result: Type


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """What must be installed, and how."""

    tool: str
    """The command whose absence is `missing_tool`."""
    version: tuple[str, ...]
    """Command whose first line of output names the version."""
    packages: tuple[str, ...]
    """Debian's packages that bring it; empty where every system has it."""
    wheel: str = ""
    """What `pip install` takes to bring it without root; empty if nothing does."""

    @property
    def install(self) -> str:
        """The one command that adds it."""
        return f"apt-get install -y --no-install-recommends {' '.join(self.packages)}"


@dataclass(frozen=True, kw_only=True)
class Translation:
    """How a problem is put in this language; see `overproof.suites.multicode`."""

    case: Case
    """How functions are named."""
    comment: str
    """What begins a line of a comment."""
    terms: Mapping[str, str]
    """Python's words and this language's: None, True, False, list, tuple, dictionary."""
    stop: tuple[str, ...]
    """What ends a completion of the function that the prompt begins; those of MultiPL-E, so that
    samples can be exchanged."""
    signature: Callable[[Function], str]
    """The line or lines that begin the function, without its comment."""
    prompt: Callable[[Function, Sequence[str], str], str]
    """(function, lines of the description, helpers) -> what the model is given, ending with the
    signature: imports, types that it needs, helpers, comment, signature. The description has no
    comment marks yet."""
    end: str
    """What must follow a completion that `stop` has cut off, to make a program."""
    literal: Callable[[Any, Type], str]
    """How a value of this type is written; it has passed `refusal`."""
    call: Callable[[str, Sequence[str]], str]
    """(name, literals of the arguments) -> a call, as in a worked example."""
    refusal: Callable[[Any, Type], str]
    """Why a value of this type cannot be expressed; empty if it can."""
    helpers: Mapping[str, str]
    """Task to the helper functions that its Python prompt defines, in this language."""
    definition: Callable[[str], str]
    """Name of a function to a regular expression that finds where a program defines it."""
    block_end: str = "}"
    """What closes a block that a signature has opened; empty where only the layout does."""
    in_class: bool = False
    """Whether a function stands in a class, and so with white space before it."""
    typed: bool = False
    """Whether a value that is not of the declared type cannot be passed or returned."""
    single_floats: Callable[[Function], bool] = lambda function: False
    """Whether this function's floats have 32 bits, as MultiPL-E's signatures in C++, Java, C#."""
    reserved: frozenset[str] = frozenset()
    """Words that cannot be names of parameters or functions; an underscore is put after them."""


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Files that all programs of a language share, such as a precompiled header or a driver.

    They are made once per machine and version of the toolchain, in the sandbox, by a command that
    sees no program. Every build and every run finds them in the folder `shared`, beside its own
    files, where nothing can be written: `-Ishared`, `-cp shared/driver.jar:program.jar`. It is a
    link; where it leads differs from machine to machine, and sizes do not matter.
    """

    files: Callable[[], dict[str, str]]
    """The files to begin with, such as those of `drivers/`; names may hold folders."""
    command: tuple[str, ...]
    """What makes the results, run in a folder that holds the files; up to five times the CPU time
    of a build, and 1 GiB of files."""
    results: tuple[str, ...]
    """The files, and folders with all that is in them, that are kept, by their names in that
    folder; also such as were among `files`. No more than 200; of single files the time of change
    is kept, too."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Many programs compiled by one command, to pay for the start of a compiler once.

    Each program's `files` lie in a folder of their own. What keeps the programs apart: a folder's
    name holds 64 random bits, so that no program can name another's files, and nobody but the
    command joins them. The language sees to the rest: each program is compiled for itself (a
    package, an assembly, a task of one compiler process), sees no declaration of another, and
    nothing of it is executed. What a batch builds is what `build` would build.

    A program that the log blames, whoever wrote that line, is only built on its own, by `build`;
    the others are tried again without it, three times at most, then each on its own. So no
    verdict on a program ever comes from a batch, except that it compiles.
    """

    command: Callable[[Sequence[str]], Sequence[str]]
    """Names of folders -> the command, run where they are, beside `shared`. It leaves each
    program's result as FOLDER/`built`."""
    blames: str
    """A regular expression, searched in each line of the log; its group 1 is the folder of the
    program that the line is about, such as `^(p[^/]*)/.*error`."""
    files: Callable[[Sequence[str]], dict[str, str]] = lambda folders: {}
    """Names of folders -> more files, such as a build file that names them all."""
    partial: bool = False
    """Whether programs without blame are completely built although the command failed."""
    most: int = 16
    """How many programs go into one batch."""


@dataclass(frozen=True, kw_only=True)
class Language:
    """How programs of one language are built, run and translated to."""

    name: str
    """As in `multicode:NAME`."""
    title: str
    """As one writes it in prose."""
    fence: str
    """The tag of a fenced block."""
    toolchain: Toolchain
    files: Callable[[str, str, Sequence[Any]], dict[str, str]]
    """(program, entry_point, calls) -> the files to write; an empty entry point means a whole
    program that reads standard input. `calls` are those of the message above, all of them, for a
    driver that cannot read."""
    run: tuple[str, ...]
    """The command that runs it, in a folder that holds `files`, or `built` if there is a build."""
    build: tuple[str, ...] = ()
    """The command that compiles, run in a folder that holds `files`."""
    built: str = ""
    """The file that the build leaves, or the folder, of which a zip archive is made."""
    shared: Shared | None = None
    """What all programs share; builds and runs find it in the folder `shared`."""
    batch: Batch | None = None
    """How many programs are compiled at once, if the language can; `files` must not depend on the
    calls then."""
    no_entry_point: str = ""
    """How the compiler's complaint begins if the program does not define the entry point."""
    limits_address_space: bool = True
    """False for runtimes that reserve far more address space than memory (node, java, go)."""
    sees_itself: bool = False
    """True for toolchains that do not start unless they can read `/proc/self` (mono); they run
    only where there are namespaces."""
    conflates: frozenset[Conflation] = frozenset()
    """What `conform` may take for what was expected."""
    reads_calls: bool = True
    """False where the driver gets its calls from `files` alone. A test that asks for something
    which was not foreseen starts the program anew, with that call added."""
    read_result: Callable[[Any, Any], Any] | None = None
    """(value, result of the reference) -> value, where results come as text in a form of the
    language's own; `conform` follows."""
    translation: Translation
