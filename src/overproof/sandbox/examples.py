r"""Worked examples of a docstring, as calls with literal arguments and literal results.

Only what can be judged outside the program is kept: `f(1, [2])` with a literal below it. Calls
inside other expressions, variables, tracebacks, ellipses and options are left out.

    >>> parse_examples("def f(x):\n    '\\n>>> f(2)\\n4'\n", "f")
    (('f(2)', '4'),)
"""

import ast
from typing import Any

_NAMED_FLOATS = {"inf": float("inf"), "-inf": float("-inf"), "nan": float("nan")}


def parse_examples(prompt: str, entry_point: str) -> tuple[tuple[str, str], ...]:
    """Return (call, expected) for the examples in the docstring of `entry_point`.

    `prompt` is trusted text that parses: imports, helpers, signature and docstring. Where there
    is no such docstring, or it is malformed, there are no examples.
    """
    import doctest  # slow to import, and not needed in the processes of the sandbox

    try:
        functions = [
            node
            for node in ast.parse(prompt).body
            if isinstance(node, ast.FunctionDef) and node.name == entry_point
        ]
        text = ast.get_docstring(functions[-1]) if functions else None
        found = doctest.DocTestParser().get_examples(text or "")
    except (SyntaxError, ValueError):
        return ()
    return tuple(
        (example.source.strip(), example.want.strip())
        for example in found
        if not example.options
        and "..." not in example.want
        and literal_call(example.source, entry_point) is not None
        and is_literal(example.want)
    )


def literal_call(source: str, entry_point: str) -> tuple[list[Any], dict[str, Any]] | None:
    """Return positional and keyword arguments of a call with literals only; else None.

    >>> literal_call("f(1, key=[2])", "f")
    ([1], {'key': [2]})
    """
    try:
        call = ast.parse(source.strip(), mode="eval").body
    except SyntaxError:
        return None
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
        return None
    if call.func.id != entry_point or any(keyword.arg is None for keyword in call.keywords):
        return None
    try:
        args = [ast.literal_eval(node) for node in call.args]
        kwargs = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
    except (ValueError, TypeError):
        return None
    return args, kwargs


def is_literal(want: str) -> bool:
    """Return whether `want` is a Python literal, `inf`, `-inf` or `nan`."""
    try:
        read_literal(want)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return False
    return True


def read_literal(want: str) -> Any:
    """Return the value that an expected result writes down. Raises: as `ast.literal_eval`."""
    text = want.strip()
    return _NAMED_FLOATS[text] if text in _NAMED_FLOATS else ast.literal_eval(text)


def same(value: Any, expected: Any) -> bool:
    """Return whether two plain values are equal and of the same types all the way down.

    As with doctest, `1`, `1.0` and `True` differ and `nan` matches `nan`; unlike with doctest,
    the order of a set or dict does not matter.

    >>> same([1, {2: "a"}], [1, {2: "a"}]), same([1], [1.0]), same({1, 2}, {2, 1})
    (True, False, True)
    """
    if type(value) is not type(expected):
        return False
    if isinstance(value, list | tuple):
        return len(value) == len(expected) and all(map(same, value, expected))
    if isinstance(value, dict):
        return len(value) == len(expected) and all(
            any(same(key, other) and same(item, value[other]) for other in value)
            for key, item in expected.items()
        )
    if isinstance(value, set | frozenset):
        return len(value) == len(expected) and all(
            any(same(item, other) for other in value) for item in expected
        )
    return bool(value == expected or (value != value and expected != expected))
