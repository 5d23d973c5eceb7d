r"""Assertions about a function, as worked examples of its docstring, which a sandbox can run.

    >>> worked_examples(["assert half(3) == 1.5", "assert half(x) == 1"], "half")
    '>>> half(3)\n1.5'

An assertion is taken if it compares a call of the function, with literal arguments, with a
literal: that can be judged outside the program (see sandbox/examples.py).

Not covered: tolerances, truth of something that is not compared, calls inside other expressions.
"""

import ast
from collections.abc import Iterable, Iterator

from overproof.pairs.source import parse

MOST = 3
"""Examples of one function; more would only make the prompt longer."""
_LONGEST = 300


def worked_examples(checks: Iterable[str], name: str) -> str:
    """Return up to `MOST` examples, one after another; empty if none can be written."""
    written = dict.fromkeys(
        example
        for check in checks
        for test in _asserted(check)
        if (example := _example(test, name)) and len(example) <= _LONGEST
    )
    return "\n".join([*written][:MOST])


def is_literal(node: ast.expr) -> bool:
    """Return whether an expression is a plain value written down."""
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return True


def _asserted(check: str) -> Iterator[ast.expr]:
    tree = parse(check.strip())
    for statement in tree.body if tree else []:
        if isinstance(statement, ast.Assert):
            yield statement.test


def _example(test: ast.expr, name: str) -> str:
    """Return the example that an asserted comparison amounts to; empty if it is none."""
    if not (isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq | ast.Is)):
        return ""
    call, result = test.left, _as_display(test.comparators[0])
    if len(test.ops) > 1 or not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
        return ""
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    if call.func.id != name or not all(map(is_literal, [*arguments, result])):
        return ""
    return f">>> {ast.unparse(call)}\n{ast.literal_eval(result)!r}"


def _as_display(node: ast.expr) -> ast.expr:
    """Return `{1, 2}` for `set([1, 2])`, and everything else as it is."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "set":
        values = node.args[0] if len(node.args) == 1 else None
        if isinstance(values, ast.List | ast.Tuple | ast.Set) and values.elts:
            return ast.Set(elts=values.elts)
    return node
