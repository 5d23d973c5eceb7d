"""What other packages add: operators, suites, engines and languages, found by entry points.

A package names what it adds in its `pyproject.toml`, and after `pip install` it is there by name:

    [project.entry-points."overproof.operators"]
    shout = "my_package.operators:shout"

| group | what it points at |
|---|---|
| `overproof.operators` | `(problem, rng, intensity) -> Draft | None`, or an `Operator` |
| `overproof.suites` | `() -> list[Problem]`, or the path of a file of problems |
| `overproof.engines` | `(source, precision, threads) -> Engine` |
| `overproof.languages` | a `Language` |

Names of this package win over those of another; nothing is imported before it is asked for by name.

    >>> load_plugin("suite", "no-such-suite") is None
    True
"""

from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from overproof.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Kind = Literal["operator", "suite", "engine", "language"]


@cache
def plugins(kind: Kind) -> dict[str, "EntryPoint"]:
    """Return what installed packages add of this kind, by name and in its order.

    Raises: UsageError if two packages add the same name.
    """
    from importlib.metadata import entry_points  # slow to import, and seldom needed

    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=f"overproof.{kind}s"):
        other = found.get(entry.name)
        if other is not None and other.value != entry.value:
            raise UsageError(
                f"{kind} {entry.name!r} comes from two packages: {_home(other)} and {_home(entry)}",
                hint="uninstall one of them",
            )
        found[entry.name] = entry
    return dict(sorted(found.items()))


def load_plugin(kind: Kind, name: str) -> Any | None:
    """Return what a package added under this name; None if none did.

    Raises: UsageError if it cannot be imported, naming the package.
    """
    entry = plugins(kind).get(name)
    if entry is None:
        return None
    try:
        return entry.load()
    except Exception as error:
        raise UsageError(
            f"{kind} {name!r} of {_home(entry)} cannot be loaded: "
            f"{type(error).__name__}: {' '.join(str(error).split())}",
            hint=f"it points at {entry.value}; mend or uninstall the package",
        ) from error


def check_callable(kind: Kind, name: str, found: Any) -> None:
    """Make sure that what a package added can be called. Raises: UsageError."""
    if not callable(found):
        raise UsageError(
            f"{kind} {name!r}: got {type(found).__name__}, not a function",
            hint="overproof.plugins says what each entry point must be",
        )


def _home(entry: "EntryPoint") -> str:
    return entry.dist.name if entry.dist else entry.value
