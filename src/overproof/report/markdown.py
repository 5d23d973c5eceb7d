"""The report as text: report.md has the same findings, for a terminal, a pull request or a diff.

    markdown_page(content)

Pictures become the sentence that describes them; the samples are left to report.html. Text from
outside is escaped, so that no cell breaks its table and no name becomes a heading or a link.
"""

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from overproof.report.facts import visible
from overproof.report.tables import TextTable

SPECIAL = re.compile(r"([\\`*<>|~]|(?<!\w)_|_(?!\w)|\](?=[(\[:])|^[#+-](?= )|(?<=^\d)\.(?= ))")
"""Characters that mean something to Markdown where they stand: `[34.2, 49.1]` is left as it is."""
FENCE = "```"


def markdown_page(content: Mapping[str, Any]) -> str:
    """Return the page; every table of the HTML report that is not folded, and the claims."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"md": escape, "table": text_table, "fenced": fenced}
    template = files("overproof.report").joinpath("page.md.jinja").read_text(encoding="utf-8")
    page = environment.from_string(template).render(**content)
    return re.sub(r"\n{3,}", "\n\n", page).strip() + "\n"


def escape(text: Any) -> str:
    r"""Return text that Markdown shows as it is, on one line.

    >>> print(escape("a|b\n<img> _c_"))
    a\|b \<img\> \_c\_
    """
    return SPECIAL.sub(r"\\\1", visible(" ".join(str(text).split())))


def text_table(table: TextTable) -> str:
    """Return a pipe table; rows that head a group are in bold, with empty cells after them."""
    width = len(table.headings)
    lines = [_line(map(escape, table.headings)), _line(["---"] + ["---:"] * (width - 1))]
    for row, mark in zip(table.rows, table.marks, strict=True):
        cells = [escape(cell) for cell in row]
        if mark == "head":
            cells = [f"**{cells[0]}**"]
        lines.append(_line(cells + [""] * (width - len(cells))))
    return "\n".join(lines)


def fenced(text: str) -> str:
    """Return a block of code whose fence is longer than any within.

    >>> print(fenced("a```b"))
    ````text
    a```b
    ````
    """
    inside = max((len(run) for run in re.findall("`{3,}", text)), default=0)
    fence = "`" * max(len(FENCE), inside + 1)
    lines = "\n".join(map(visible, text.rstrip("\n").split("\n")))
    return f"{fence}text\n{lines}\n{fence}"


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"
