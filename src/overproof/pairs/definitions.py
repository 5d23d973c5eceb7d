r"""Where the functions of a source file stand, by its grammar, and the comments above them.

    file = SourceFile("/// Half.\nfn half(n: f64) -> f64 {\n    n / 2.0\n}\n", "rust")
    file.definitions[0].name, file.comment_above(file.definitions[0])      # half, ["/// Half."]

A comment documents what begins in the next row; Perl's POD may leave blank rows between. Functions
inside functions, and those without a plain name, are not looked at.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from overproof.pairs.grammars import Syntax, parser_of, syntax_of

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True, kw_only=True)
class Definition:
    """Where a function stands, in rows of its file from 0."""

    name: str
    first: int
    """Where it begins, attributes included."""
    head: int
    """Where its signature ends."""
    last: int
    reason: str
    """Why it makes no pair, whatever its comment says; empty if it may."""


class SourceFile:
    """One source file: its rows, comments and functions."""

    def __init__(self, source: str, language: str) -> None:
        """Parse a source.

        Raises: UnknownNameError; EngineError if the language's grammar is not installed.
        """
        self.language = language
        self.syntax: Syntax = syntax_of(language)
        source = source.replace("\r\n", "\n").replace("\r", "\n")
        self.lines = source.split("\n")
        self._bytes = source.encode()
        self._rows = [row.encode() for row in self.lines]
        self._comments: dict[int, int] = {}
        """First row of a comment by its last one; only those with rows of their own."""
        self._between: dict[int, int] = {}
        self.definitions: list[Definition] = []
        functions = list(self._walk(parser_of(language).parse(self._bytes).root_node))
        for node in functions:
            name = self._name(node)
            if name:
                self.definitions.append(self._definition(node, name))

    def comment_above(self, found: Definition) -> list[str]:
        """Return the rows of the comment that documents a definition; empty if there is none."""
        row = found.first
        end = row - 1
        if self.language == "perl":
            while end > 0 and not self.lines[end].strip():
                end -= 1
        start = self._comments.get(end)
        if start is None:
            return []
        first = self.lines[start].strip()
        if first.startswith(self.syntax.block) and self.syntax.block:
            rows = self.lines[start : end + 1]
            return _own_section(rows, found.name) if self.language == "perl" else rows
        marks = (*self.syntax.line, *self.syntax.more)
        if end < row - 1 or not marks:
            return []
        while self._comments.get(start - 1) == start - 1 and self._starts(start - 1, marks):
            start -= 1
        while start <= end and self._starts(start, ("#!",)):
            start += 1
        if start > end or not self._starts(start, self.syntax.line):
            return []
        return self.lines[start : end + 1]

    def _starts(self, row: int, marks: tuple[str, ...]) -> bool:
        return self.lines[row].lstrip().startswith(marks)

    def _walk(self, root: "Node") -> "Iterator[Node]":
        """Yield the functions outside functions, in order; note comments on the way."""
        stack = [root]
        while stack:
            node = stack.pop()
            kind = node.type
            if kind in self.syntax.comments or kind in self.syntax.between:
                place = self._comments if kind in self.syntax.comments else self._between
                if not self._rows[node.start_point.row][: node.start_point.column].strip():
                    place[_last_row(node)] = node.start_point.row
            elif kind in self.syntax.functions:
                yield node
            elif kind not in self.syntax.closed:
                stack.extend(reversed(node.children))

    def _name(self, node: "Node") -> str:
        """Return what a function is called; empty if it has no plain name."""
        found = node.child_by_field_name("name") or node.child_by_field_name("declarator")
        if found is None and node.parent and node.parent.type == "variable_declarator":
            found = node.parent.child_by_field_name("name")
        while found is not None:
            inner = found.child_by_field_name("declarator") or found.child_by_field_name("field")
            if inner is None:
                break
            found = inner
        plain = ("identifier", "name", "word", "bareword", "constant")
        return self._text(found) if found is not None and found.type in plain else ""

    def _definition(self, node: "Node", name: str) -> Definition:
        outer = node
        while outer.parent is not None and outer.parent.type in self.syntax.wrappers:
            outer = outer.parent
        body = node.child_by_field_name("body")
        first, last = outer.start_point.row, _last_row(outer)
        while first - 1 in self._between:
            first = self._between[first - 1]
        head = self._head(node, body)
        fits = self._fits(outer, body, head)
        reason = "method" if self._is_method(node, outer) else "syntax" if node.has_error else ""
        return Definition(
            name=name,
            first=first,
            head=head,
            last=last,
            reason=reason or ("" if fits else "layout"),
        )

    def _head(self, node: "Node", body: "Node | None") -> int:
        """Return the row where the signature ends."""
        if body is not None and self._text(body).startswith("{"):
            return body.start_point.row
        parts = [node.child_by_field_name(field) for field in ("name", "parameters", "result")]
        return max(_last_row(part) for part in parts if part) if any(parts) else _last_row(node)

    def _fits(self, outer: "Node", body: "Node | None", head: int) -> bool:
        """Whether signature and body have rows of their own."""
        start, end = outer.start_point, outer.end_point
        around = self._rows[start.row][: start.column] + self._rows[end.row][end.column :]
        if around.strip() not in (b"", b";") or body is None or head >= _last_row(outer):
            return False
        if self._text(body).startswith("{"):
            return self._rows[head].rstrip().endswith(b"{")
        return self.language in ("ruby", "lua") and body.start_point.row > head

    def _is_method(self, node: "Node", outer: "Node") -> bool:
        """Whether a function needs the object that it belongs to."""
        name = node.child_by_field_name("name")
        if self.syntax.needs_static and name is not None and node.type == "method_declaration":
            before = self._bytes[outer.start_byte : name.start_byte].decode(errors="replace")
            if not re.search(r"\bstatic\b", before):
                return True
        # `def self.name` of Ruby belongs to a module, not to an object.
        owner = node.child_by_field_name("object")
        stack = [child for child in node.children if child != owner]
        while stack:
            inner = stack.pop()
            small = inner.child_count <= 2
            if inner.type in self.syntax.own or (small and self._text(inner) in self.syntax.own):
                return True
            stack.extend(inner.children)
        return False

    def _text(self, node: "Node") -> str:
        return self._bytes[node.start_byte : node.end_byte].decode(errors="replace")


def _own_section(pod: list[str], name: str) -> list[str]:
    """Return the last section of POD, or the part of it that has the function's name as title."""
    title = re.compile(rf"=head\d|=item\b.*\b{name}\b")
    starts = [number for number, row in enumerate(pod) if title.match(row)]
    return pod[starts[-1] :] if starts else pod


def _last_row(node: "Node") -> int:
    """Return the last row that holds some of a node; Rust's comments include the line's end."""
    row, column = node.end_point
    return row - 1 if column == 0 and row > node.start_point.row else row
