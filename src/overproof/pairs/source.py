r"""Python source taken apart: functions, the names they need, docstrings without examples.

Everything here parses and never executes. A source that does not parse gives None, not an
exception, and Python's warnings about it (old escapes, `is` with a literal) stay silent.

    >>> sorted(free_names("def area(r, k=SCALE):\n    return k * pi * r"))
    ['SCALE', 'pi']
"""

import ast
import builtins
import inspect
import symtable
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

_SITE = {"copyright", "credits", "exit", "help", "license", "quit"}
BUILTINS = frozenset(
    {name for name in dir(builtins) if not name.startswith("_")} - _SITE - {"globals"}
    | {"__import__", "__debug__"}
)
"""Names that mean the same in every program: `globals` does not, and `site` may be off."""


@dataclass(frozen=True, kw_only=True)
class FunctionParts:
    """The source lines of one function, dedented; each part ends with a newline."""

    head: str
    """Decorators, signature and docstring."""
    body: str
    """What follows the docstring, without leading blank lines."""
    code: str
    """The whole function without its docstring."""


def parse(source: str) -> ast.Module | None:
    """Return the tree of a source, or None if it is not Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def compiles(source: str) -> bool:
    """Return whether a source is a whole program, checked as far as bytecode."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(source, "<pair>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


def module_functions(body: Sequence[ast.stmt]) -> Iterator[FunctionNode]:
    """Yield the functions of a module in order, those under `if`, `try` and `with` too."""
    for node in body:
        if isinstance(node, FunctionNode):
            yield node
        elif isinstance(node, ast.If | ast.Try | ast.With):
            for field in ("body", "orelse", "finalbody"):
                yield from module_functions(getattr(node, field, []))
            for handler in getattr(node, "handlers", []):
                yield from module_functions(handler.body)


def find_function(tree: ast.Module, name: str = "") -> FunctionNode | None:
    """Return the last function of a module, or the last one called `name`."""
    found = [node for node in module_functions(tree.body) if not name or node.name == name]
    return found[-1] if found else None


def split_function(lines: Sequence[str], node: FunctionNode) -> FunctionParts | None:
    """Cut a function with a docstring into parts.

    None if statements share the docstring's lines, or if the function cannot be dedented
    without changing what it means.
    """
    docstring, following = node.body[0], node.body[1:]
    end = docstring.end_lineno or docstring.lineno
    if not following or first_line(following[0]) <= end or docstring.lineno == node.lineno:
        return None
    first = first_line(node)
    source = "\n".join(lines[first - 1 : node.end_lineno])
    if node.col_offset:
        source = textwrap.dedent(source)
        tree = parse(source)
        if tree is None or not same_body(tree.body[0], node):
            return None
    rows = source.split("\n")
    above, rest = rows[: docstring.lineno - first], rows[end - first + 1 :]
    while rest and not rest[0].strip():
        del rest[0]
    return FunctionParts(
        head="\n".join(rows[: end - first + 1]) + "\n",
        body="\n".join(rest) + "\n",
        code="\n".join([*above, *rest]) + "\n",
    )


def first_line(node: ast.stmt) -> int:
    """Return the line where a statement begins, decorators included."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def same_body(left: ast.AST, right: FunctionNode) -> bool:
    """Return whether two functions are the same but for their docstrings."""
    return isinstance(left, FunctionNode) and all(
        ast.dump(mine) == ast.dump(other)
        for mine, other in zip(left.body[1:], right.body[1:], strict=True)
    )


def free_names(source: str) -> frozenset[str]:
    """Return the names that a source reads from outside itself, builtins among them.

    Annotations count, even where they are not evaluated; those in quotes do not.

    Raises: SyntaxError if the source is not Python.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        top = symtable.symtable(source, "<source>", "exec")
        tree = ast.parse(source)
    bound = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    read = {s.get_name() for s in top.get_symbols() if s.is_referenced()}
    stack = list(top.get_children())
    while stack:
        table = stack.pop()
        read |= {s.get_name() for s in table.get_symbols() if s.is_global()}
        stack.extend(table.get_children())
    # With `from __future__ import annotations` the symbol table leaves annotations out.
    read |= {n.id for a in annotations(tree) for n in ast.walk(a) if isinstance(n, ast.Name)}
    return frozenset(read - bound)


def annotations(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield the annotations of all arguments and results below `tree`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.annotation is not None:
            yield node.annotation
        elif isinstance(node, FunctionNode) and node.returns is not None:
            yield node.returns


def missing_names(program: str) -> frozenset[str]:
    r"""Return the names that a program neither binds, imports nor finds among the builtins.

    >>> sorted(missing_names("import math\ndef f(x):\n    return math.pi * scale(x)"))
    ['scale']
    """
    return free_names(program) - BUILTINS


def clean(docstring: str) -> str:
    """Return a docstring without its indentation and the blank lines around it."""
    return inspect.cleandoc(docstring).strip()


def prose(docstring: str) -> str:
    r"""Return a docstring without its worked examples: prompts, and output up to a blank line.

    >>> prose("Double it.\n\n>>> double(2)\n4\n\nFast.")
    'Double it.\n\n\nFast.'
    """
    kept = []
    example = False
    for line in docstring.split("\n"):
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        if not example:
            kept.append(line)
    return "\n".join(kept).strip()


def docstrings(source: str) -> list[tuple[str, str]]:
    """Return function name and text for each docstring of a module; empty if it does not parse.

    A bare string further down in a function counts too: some suites put an import before it.
    """
    tree = parse(source)
    return [
        (function.name, text)
        for function in module_functions(tree.body if tree else [])
        for text in map(bare_string, function.body)
        if text
    ]


def bare_string(statement: ast.stmt) -> str:
    """Return the text of a statement that is nothing but a string; empty for all others."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        value = statement.value.value
        return clean(value) if isinstance(value, str) else ""
    return ""
