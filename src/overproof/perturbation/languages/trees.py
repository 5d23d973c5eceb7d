r"""Programs in other languages as trees: what parses, what is code, what is a name.

The counterpart of `overproof.perturbation.source`, by the grammars of `grammars`.

    >>> parses("lua", "local x = 1 -- one"), parses("lua", "local x = = 1")
    (True, False)
    >>> one, other = "package a\nvar x=1 // b", "package a\n\nvar x = 1"
    >>> plain_code_of("go", one) == plain_code_of("go", other)
    True

Covered: comments, layout and names, kept apart from the code. Not covered: what a macro, an `eval`
or a type checker makes of a program. A grammar may accept a little more than the compiler does, and
refuse rare but valid code (C++ macros, Perl); what it refuses is never perturbed.
"""

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

from overproof.languages.trees import load_grammar
from overproof.perturbation.languages.grammars import grammar_of

if TYPE_CHECKING:
    from tree_sitter import Node

VERBATIM = re.compile(
    r"string|heredoc|template_(?:literal|string)|regex|char|raw|quoted|content|^text$"
)
"""Kinds of nodes in which white space is part of the program."""


class Source:
    """A parsed program; nodes are measured in characters, not bytes."""

    def __init__(self, language: str, program: str) -> None:
        """Parse `program`; a damaged one gives a tree with errors."""
        self.grammar = grammar_of(language)
        self.program = program
        self.data = program.encode(errors="surrogatepass")
        self.root: Node = _parse(language, self.data)

    @cached_property
    def _characters(self) -> list[int] | None:
        """How many characters begin before each byte; None where both are the same."""
        if self.program.isascii():
            return None
        return list(accumulate((byte & 0xC0 != 0x80 for byte in self.data), initial=0))

    def span(self, node: "Node") -> tuple[int, int]:
        """Return the offsets of a node's first character and of the one after its last."""
        start, end = node.start_byte, node.end_byte
        return (
            (self._characters[start], self._characters[end]) if self._characters else (start, end)
        )

    def text(self, node: "Node") -> str:
        """Return a node's source."""
        start, end = self.span(node)
        return self.program[start:end]

    @cached_property
    def nodes(self) -> tuple["Node", ...]:
        """All nodes in source order, parents first."""
        return tuple(_walk(self.root))

    @cached_property
    def tokens(self) -> tuple["Node", ...]:
        """The nodes without parts, in source order, without comments and line ends."""
        comments = self.grammar.comments
        found = _walk(self.root, comments)
        return tuple(node for node in found if not node.child_count and (node.text or b"").strip())

    @cached_property
    def comments(self) -> tuple["Node", ...]:
        """All comments in source order."""
        return tuple(node for node in self.nodes if node.type in self.grammar.comments)


@lru_cache(maxsize=256)
def parsed(language: str, program: str) -> Source:
    """Return the parsed program, which is shared: don't change it.

    Raises: UnknownNameError for an unknown language; EngineError if its grammar is missing.
    """
    return Source(language, program)


def parses(language: str, program: str) -> bool:
    """Return whether the grammar accepts the whole program: no error, nothing missing."""
    return not parsed(language, program).root.has_error


@lru_cache(maxsize=2048)
def plain_code_of(language: str, program: str) -> str:
    r"""Return what a program does, comments and layout aside: equal texts are equal programs.

    One line for every node, with the text of those that have no parts. White space counts within
    strings only, and where it changes the tree.

    >>> plain_code_of("javascript", "return 1") == plain_code_of("javascript", "return\n1")
    False
    """
    source = parsed(language, program)
    lines: list[str] = []
    if language == "php":
        # What stands before `<?php` is printed, and is no part of the tree if it is blank.
        _dump_gap(source.data[: source.root.start_byte], lines, verbatim=True)
    _dump(source, source.root, lines, verbatim=False)
    return "\n".join(lines)


def _dump(source: Source, node: "Node", lines: list[str], *, verbatim: bool) -> None:
    """Add the lines of one node; `verbatim` says whether its white space counts."""
    if node.type in source.grammar.comments:
        return
    if node.child_count == 0:
        text = source.data[node.start_byte : node.end_byte].decode(errors="surrogatepass")
        if verbatim or text.strip() or VERBATIM.search(node.type) or node.is_missing:
            lines.append(f"{node.type} {text!r}")
        return
    lines.append(f"({node.type}")
    inside = VERBATIM.search(node.type) is not None
    position = node.start_byte
    for child in node.children:
        _dump_gap(source.data[position : child.start_byte], lines, verbatim=inside)
        _dump(source, child, lines, verbatim=inside)
        position = max(position, child.end_byte)
    _dump_gap(source.data[position : node.end_byte], lines, verbatim=inside)
    lines.append(")")


def _dump_gap(gap: bytes, lines: list[str], *, verbatim: bool) -> None:
    """Add what stands between two nodes: some grammars have no node for a string's text."""
    if gap if verbatim else gap.strip():
        text = gap.decode(errors="surrogatepass")
        lines.append(f"gap {text if verbatim else text.strip()!r}")


@lru_cache(maxsize=2048)
def identifiers_of(language: str, program: str, end: int | None = None) -> frozenset[str]:
    """Return every name of functions, variables, members and types, in the first `end` characters.

    >>> sorted(identifiers_of("rust", "fn f(x: Kind) -> i32 { x.y }"))
    ['Kind', 'f', 'x', 'y']
    """
    source = parsed(language, program)
    grammar = source.grammar
    kinds = grammar.names | grammar.members | grammar.types | grammar.variables
    limit = len(program) if end is None else end
    return frozenset(
        source.text(node)
        for node in source.nodes
        if node.type in kinds and source.span(node)[0] < limit
    )


def _parse(language: str, data: bytes) -> "Node":
    """Return the root of the tree; a parser costs a microsecond and is not shared by threads."""
    table = load_grammar(language)
    from tree_sitter import Parser

    return Parser(table).parse(data).root_node


def _walk(node: "Node", without: frozenset[str] = frozenset()) -> Iterator["Node"]:
    """Yield a node and everything below it, in source order; some kinds are left out whole."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if node.type in without:
            continue
        yield node
        waiting += reversed(node.children)
