"""Python source as text with exact positions: everything that is not edited keeps its bytes.

Operators find what to change with `ast` and change it by text edits, so that no printer ever
reformats a prompt (a reformatted prompt would be a second, unnamed perturbation).

    >>> apply_edits("a + b", [(0, 1, "x"), (5, 5, " * c")])
    'x + b * c'
"""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache

Edit = tuple[int, int, str]
"""Replace the characters from start to end by a text."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Return the text with all edits made; they must not overlap."""
    parts, position = [], 0
    for start, end, new in sorted(edits):
        assert position <= start <= end, "overlapping edits"
        parts += [text[position:start], new]
        position = end
    return "".join([*parts, text[position:]])


@lru_cache(maxsize=2048)
def parse(program: str) -> ast.Module | None:
    """Return the syntax tree, or None if there is none; the tree is shared: don't change it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def compiles(program: str) -> bool:
    """Return whether the program compiles, warnings about odd escapes aside."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(program, "<variant>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


class Positions:
    """Turns the line and column of a syntax tree into an offset in the text."""

    def __init__(self, text: str) -> None:
        """Index the lines of `text`."""
        self.lines = text.split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)

    def at(self, line: int, column: int) -> int:
        """Return the offset of a 1-based line and a column in UTF-8 bytes."""
        text = self.lines[line - 1]
        prefix = text[:column] if text.isascii() else text.encode()[:column].decode()
        return self.starts[line - 1] + len(prefix)

    def start(self, node: ast.stmt | ast.expr | ast.arg) -> int:
        """Return the offset of a node's first character."""
        return self.at(node.lineno, node.col_offset)

    def end(self, node: ast.stmt | ast.expr | ast.arg) -> int:
        """Return the offset after a node's last character."""
        return self.at(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def line_start(self, node: ast.stmt) -> int:
        """Return the offset at which the statement's first line begins, decorators included."""
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        return self.starts[min([node.lineno, *(each.lineno for each in decorators)]) - 1]

    def indent(self, node: ast.stmt) -> str | None:
        """Return the white space before a node; None if it does not begin its line."""
        before = self.lines[node.lineno - 1][: self.start(node) - self.starts[node.lineno - 1]]
        return before if not before.strip() else None


def find_function(tree: ast.Module | None, name: str) -> Function | None:
    """Return the last function of that name at module level: the one that a caller gets."""
    found: Function | None = None
    for node in tree.body if tree else []:
        if isinstance(node, Function) and node.name == name:
            found = node
    return found


def own_nodes(function: Function) -> Iterator[ast.AST]:
    """Yield the nodes of a function's body, in source order, without those of nested scopes."""
    waiting: list[ast.AST] = list(reversed(function.body))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Scope):
            waiting += reversed(list(ast.iter_child_nodes(node)))


def is_text(node: ast.AST) -> bool:
    """Return whether a statement is nothing but a string: a docstring, or a stray one."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@lru_cache(maxsize=4096)
def plain_code(program: str) -> str | None:
    r"""Return what a program does, layout, comments and docstrings aside; None if unparsable.

    Two programs with the same text here run the same, unless they read `__doc__`.

    >>> plain_code("def f():\n  'x'\n  return 1") == plain_code("def f(): # y\n    return 1")
    True
    """
    tree = parse(program)
    if tree is None or "__doc__" in program:
        return None if tree is None else ast.dump(tree)
    # The shared tree stays as it is: we work on a second one.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(program)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            node.body = [item for item in node.body if not is_text(item)]
    return ast.dump(tree)


@lru_cache(maxsize=2048)
def identifiers(program: str) -> frozenset[str]:
    r"""Return every name that the code binds or reads, attributes included.

    >>> sorted(identifiers("def f(x):\n    'Not here.'\n    return x.y"))
    ['f', 'x', 'y']
    """
    tree = parse(program)
    found: set[str] = set()
    for node in ast.walk(tree) if tree else ():
        for field in ("id", "arg", "name", "attr", "asname"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                found.update(value.split("."))
    return frozenset(found)


def fresh_name(program: str, stem: str, taken: Iterable[str] = ()) -> str:
    """Return `stem`, or `stem_2`, `stem_3` …: the first that the program does not contain."""
    used = {*re.findall(r"\w+", program), *taken}
    number = 1
    while (name := stem if number == 1 else f"{stem}_{number}") in used:
        number += 1
    return name
