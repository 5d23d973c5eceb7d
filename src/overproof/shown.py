"""One way to be shown: what knows how to draw itself in a terminal is HTML in a notebook.

What can be drawn has `__rich__`; with `Shown` as a base it has `str()` and HTML, too. Colours are
left out: the tables must be read in any notebook, light or dark.
"""

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

WIDTH = 100
"""Columns of a table that is shown where no terminal tells its width."""


class Shown:
    """Mix-in: subclasses have `__rich__`, and get `str()` and HTML from it."""

    def __rich__(self) -> "RenderableType":
        """Return what rich draws."""
        raise NotImplementedError

    def __str__(self) -> str:
        """Return what a terminal shows, without colour."""
        return _drawn(self).export_text().rstrip()

    def _repr_html_(self) -> str:
        """Return the same as HTML; notebooks call this."""
        frame = '<pre style="font-family:monospace;line-height:1.2;white-space:pre">{code}</pre>'
        return _drawn(self).export_html(inline_styles=True, code_format=frame)


def _drawn(shown: Shown) -> "Console":
    from rich.console import Console

    console = Console(file=io.StringIO(), record=True, width=WIDTH, force_terminal=False)
    console.print(shown)
    return console
