r"""What a page of Markdown holds that can be wrong: links, headings, code in blocks and lines.

    >>> page = read_page("# Models on a *server*\n\nSee [it](#models-on-a-server).\n")
    >>> page.anchors, page.links
    (frozenset({'models-on-a-server'}), [Link(target='#models-on-a-server', line=3)])

Read as GitHub reads it (CommonMark with tables, its anchors). Not covered: HTML in a page, but for
the mark `<!-- runs -->` above a block.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

MARK = "<!-- runs -->"
"""Stands right above a block of Python that the tests run as it is."""


@dataclass(frozen=True)
class Link:
    """A link or picture."""

    target: str
    line: int


@dataclass(frozen=True)
class Block:
    """Code on lines of its own; `language` is empty for what is only indented."""

    language: str
    text: str
    line: int
    runs: bool = False


@dataclass(frozen=True)
class Span:
    """Code in a line of text."""

    text: str
    line: int


@dataclass(frozen=True)
class Page:
    """A page, taken apart; lines count from 1."""

    anchors: frozenset[str]
    links: list[Link]
    blocks: list[Block]
    spans: list[Span]


def read_page(text: str) -> Page:
    """Return the parts of a page."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inline = list(_inline(tokens))
    return Page(
        anchors=frozenset(_anchors(tokens)),
        links=[
            Link(str(found), line)
            for token, line in inline
            if (found := token.attrGet("href") or token.attrGet("src"))
        ],
        blocks=list(_blocks(tokens)),
        spans=[Span(token.content, line) for token, line in inline if token.type == "code_inline"],
    )


def anchor(heading: str) -> str:
    """Return GitHub's anchor of a heading's text.

    >>> anchor("`results.json`: what it holds"), anchor("… and in Inspect")
    ('resultsjson-what-it-holds', '-and-in-inspect')
    """
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _anchors(tokens: list[Token]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            name = anchor("".join(child.content for child in token.children or ()))
            yield f"{name}-{seen[name]}" if seen[name] else name
            seen[name] += 1


def _inline(tokens: list[Token]) -> Iterator[tuple[Token, int]]:
    """Yield what stands in lines of text, with the line where its paragraph begins."""
    line = 1
    for token in tokens:
        if token.map:
            line = token.map[0] + 1
        for number, child in enumerate(token.children or ()):
            earlier = (token.children or ())[:number]
            breaks = sum(one.type in ("softbreak", "hardbreak") for one in earlier)
            yield child, line + breaks
            yield from ((inner, line + breaks) for inner in child.children or ())


def _blocks(tokens: list[Token]) -> Iterator[Block]:
    marked = False
    for token in tokens:
        if token.type in ("fence", "code_block"):
            language = token.info.split()[0] if token.info.strip() else ""
            first = (token.map or [0, 0])[0] + (2 if token.type == "fence" else 1)
            yield Block(language, token.content, first, marked)
        marked = token.type == "html_block" and token.content.strip() == MARK
