"""What may be shown where: colour, bars that move, how often a line of progress.

    NO_COLOR      no colour, whatever else is set
    FORCE_COLOR   colour although nobody looks, for logs that show it
    CI            lines in place of bars, and few of them

A variable counts when it is set and not empty; of CI, `0` and `false` are no.

    python -c "import sys; from overproof import terminal; print(terminal.coloured(sys.stdout))"

Source: no-color.org, force-color.org.
"""

import os
from typing import IO

LINE_SECONDS = 20.0
"""Away from a terminal: at most one line of progress in this time."""
CI_SECONDS = 120.0
"""The same under continuous integration, where nobody watches."""


def colour_wish() -> bool | None:
    """Return whether the user wants colour; None where it depends on the terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    return True if os.environ.get("FORCE_COLOR") else None


def coloured(stream: IO[str]) -> bool:
    """Return whether text for this stream is coloured."""
    wish = colour_wish()
    if wish is not None:
        return wish
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def under_ci() -> bool:
    """Return whether this runs under continuous integration."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def lively(stream: IO[str]) -> bool:
    """Return whether this stream shows what moves: bars, text that is written over."""
    return stream.isatty() and os.environ.get("TERM") != "dumb" and not under_ci()


def line_seconds() -> float:
    """Return the least time between two lines of progress of one stage, in seconds."""
    return CI_SECONDS if under_ci() else LINE_SECONDS
