"""The types of a problem's parameters and result, from annotations and from every recorded value.

Annotations that say something (`List[int]`, `Optional[str]`) are joined with what the calls show;
a bare `list` or none at all leaves it to the calls. Where a few calls
alone would make a type a union, the type is that of the others, and those few are left to the
languages that have no types.
"""

import ast
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from overproof.languages.types import ANY, NONE, UNKNOWN, Type, fits, join, joined, settled, type_of
from overproof.suites.multicode.calls import Call

_BARE = {"list": "list", "dict": "dict", "tuple": "tuple", "set": "set"}
_PLAIN = {"int", "float", "str", "bool"}
FEW = 0.15
"""The largest share of the calls that may be left out to keep a type simple."""


@dataclass(frozen=True)
class Signature:
    """A Python function's name and types."""

    name: str
    parameters: tuple[tuple[str, Type], ...]
    result: Type


def signature_of(prompt: str, entry_point: str, calls: Sequence[Call]) -> Signature:
    """Return the signature of the function that a Python prompt begins."""
    function = find_function(prompt, entry_point)
    names = [argument.arg for argument in function.args.args]
    annotated = [annotation_type(argument.annotation) for argument in function.args.args]
    parameters = [
        _settle(kind, [call.args[place] for call in calls if place < len(call.args)])
        for place, kind in enumerate(annotated)
    ]
    result = _settle(annotation_type(function.returns), [call.result for call in calls])
    return Signature(entry_point, tuple(zip(names, parameters, strict=True)), result)


def find_function(prompt: str, entry_point: str) -> ast.FunctionDef:
    """Return the function in a prompt that may end without a body.

    Raises: SyntaxError for a broken prompt, KeyError for one without this function.
    """
    try:
        tree = ast.parse(prompt)
    except SyntaxError:
        tree = ast.parse(f"{prompt.rstrip()}\n    pass\n")
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    return functions[entry_point]


def annotation_type(node: ast.expr | None) -> Type:
    """Return the type that an annotation names; `unknown` as far as it does not say.

    >>> str(annotation_type(ast.parse("List[Tuple[int, str]]", mode="eval").body))
    'list[tuple[int, str]]'
    """
    if node is None:
        return UNKNOWN
    if isinstance(node, ast.Constant) and node.value is None:
        return NONE
    if isinstance(node, ast.Name):
        if node.id in _PLAIN:
            return Type(node.id)  # type: ignore[arg-type]
        return ANY if node.id == "Any" else UNKNOWN
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        args = tuple(map(annotation_type, inner))
        head = node.value.id.lower()
        if head == "optional":
            return join(NONE, args[0])
        if head == "union":
            return joined(args)
        if head in _BARE:
            return Type(head, args)  # type: ignore[arg-type]
    return UNKNOWN


def _settle(annotated: Type, values: Sequence[Any]) -> Type:
    """Return the type of these values, simple if a few of them may be left out for it."""
    kinds = [type_of(value) for value in values]
    whole = join(annotated, joined(kinds))
    if annotated.holds("any") or not whole.holds("union", "any"):
        return settled(whole)
    best, most = whole, (1 - FEW) * len(values)
    distinct = list(dict.fromkeys(kinds))
    for size in range(1, min(4, len(distinct)) + 1):
        for group in itertools.combinations(distinct, size):
            kind = join(annotated, joined(group))
            count = sum(fits(value, kind) for value in values)
            if not kind.holds("union", "any") and count >= most:
                best, most = kind, count + 0.5
    return settled(best)
