r"""Python with indentation of any width, indented anew with four spaces a level.

    >>> reindent("def f(x):\n  if x:\n     return 1\n  return 0\n")
    'def f(x):\n    if x:\n        return 1\n    return 0\n'

Comments go with the statement below them, lines in brackets keep their distance from the first
line, and strings stay as they are: the result is the same program, and that is checked.
"""

import ast
import io
import tokenize
from collections.abc import Iterator

from overproof.pairs.rules import UnfitError
from overproof.pairs.source import parse

WIDTH = 4
_TAB = 8


def reindent(program: str) -> str:
    """Return a program with four spaces a level, comments and lines in brackets moved along.

    Raises: UnfitError if it is not Python.
    """
    if parse(program) is None:
        raise UnfitError("syntax", "the code is not Python")
    lines = program.split("\n")
    moved = list(lines)
    for row, width in _indents(program, lines):
        moved[row] = " " * width + lines[row].lstrip()
    if not same_program("\n".join(moved), program):
        raise UnfitError("layout", "the code cannot be indented anew")
    return "\n".join(moved)


def same_program(one: str, other: str) -> bool:
    """Return whether two programs mean the same, docstrings included."""
    left, right = parse(one), parse(other)
    return left is not None and right is not None and ast.dump(left) == ast.dump(right)


def _indents(program: str, lines: list[str]) -> Iterator[tuple[int, int]]:
    """Yield each row that begins with a token, and its new indentation."""
    depth = shift = last = 0
    begun = False
    remarks: list[int] = []
    for token in tokenize.generate_tokens(io.StringIO(program + "\n").readline):
        row = token.start[0] - 1
        if token.type in (tokenize.INDENT, tokenize.DEDENT):
            depth += 1 if token.type == tokenize.INDENT else -1
        elif token.type == tokenize.NEWLINE:
            begun = False
        elif token.type == tokenize.COMMENT and not begun:
            # A comment with a row of its own goes with the statement below it.
            remarks.append(row)
        elif token.type not in (tokenize.NL, tokenize.ENDMARKER):
            if not begun:
                begun = True
                shift = WIDTH * depth - _indent(lines[row])
                yield from ((above, WIDTH * depth) for above in (*remarks, row))
                remarks.clear()
            elif row > last:
                yield row, max(0, _indent(lines[row]) + shift)
            last = token.end[0] - 1


def _indent(line: str) -> int:
    return len(line.expandtabs(_TAB)) - len(line.expandtabs(_TAB).lstrip())
