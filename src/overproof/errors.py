"""Every error that a user can cause, and the exit code that goes with it.

    OverproofError            exit 1   anything below, or a stage that could not finish
    ├── UsageError            exit 2   a wrong command, name or argument
    │   ├── RecipeError                an unknown key or a wrong value in a recipe
    │   └── UnknownNameError           no such model, operator, suite or recipe
    ├── DataError             exit 3   a file that does not say what it should
    │   ├── RowError                   a damaged or foreign row in a run folder or JSONL file
    │   └── IntegrityError             bytes whose SHA-256 is not the pinned one
    ├── FetchError            exit 4   a source that could not be reached
    ├── StorageError          exit 5   disk full, no permission, folder in use
    └── EngineError           exit 6   a model that cannot be loaded or run here

A message says what is wrong and where; `hint` says how to mend it. The command line prints
both, one line each, and exits with `exit_code`; `--debug` shows the traceback.
"""

from collections.abc import Iterable


class OverproofError(Exception):
    """The root: a message of one line, and a hint that mends it."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Keep the message and the hint apart, so that both can be printed."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return the message, with the hint on a line of its own."""
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


class UsageError(OverproofError):
    """A command or argument that makes no sense."""

    exit_code = 2


class RecipeError(UsageError):
    """A recipe with an unknown key or a value outside its range."""


class UnknownNameError(UsageError):
    """A model, operator, suite or recipe that does not exist."""

    listed = 40
    """More names than these are not spelled out."""

    def __init__(self, kind: str, name: str, known: Iterable[str], *, hint: str = "") -> None:
        """Name the nearest known names; without a near one, the hint lists them all."""
        names = sorted(known)
        near = nearest_names(name, names)
        shown = ", ".join(names[: self.listed]) + (" …" if len(names) > self.listed else "")
        default = f"did you mean {' or '.join(near)}?" if near else f"known: {shown}"
        super().__init__(f"unknown {kind} {name!r}", hint="; ".join(filter(None, (default, hint))))


class DataError(OverproofError):
    """A file whose content is not what was asked for."""

    exit_code = 3


class RowError(DataError):
    """A row that cannot be read: damaged, of another kind, or of a newer schema."""


class IntegrityError(DataError):
    """Bytes whose hash differs from the pinned one; they are never used."""


class FetchError(OverproofError):
    """None of the sources of a file could be reached."""

    exit_code = 4


class StorageError(OverproofError):
    """The disk is full, the folder is not writable, or another run holds it."""

    exit_code = 5


class EngineError(OverproofError):
    """A model that cannot be loaded, or an engine that is not installed."""

    exit_code = 6


def nearest_names(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """Return up to `limit` known names that look like `name`, best first.

    >>> nearest_names("trian", ["train", "teach", "seed"])
    ['train']
    """
    import difflib  # slow to import, and needed for mistakes only

    return difflib.get_close_matches(name, list(known), n=limit, cutoff=0.6)
