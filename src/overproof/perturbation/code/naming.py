"""Plausible other names for a variable, from what the program and its description say of it.

In place of a model that is asked for a name: the value that a variable is bound to, what a loop
runs over, the types of the parameters, and the words with which the description says what is
returned.

Not covered: how well a name fits; the first one is usual for such a value, no more.

    >>> natural_names("x", [ast.parse("0", mode="eval").body], {})[:3]
    ['count', 'total', 'result']
"""

import ast
import re
from collections.abc import Iterable, Mapping, Sequence

from overproof.perturbation.code.halves import Half
from overproof.perturbation.docstring import description_of
from overproof.perturbation.source import Function

TYPE_NAMES = {
    "int": ("number", "value", "count"),
    "float": ("value", "number", "amount"),
    "str": ("text", "word", "token"),
    "bool": ("flag", "found", "is_valid"),
    "list": ("items", "values", "collected"),
    "dict": ("mapping", "table", "lookup"),
    "set": ("unique", "seen", "members"),
    "tuple": ("pair", "entries", "parts"),
}
"""Usual names for a value of a type."""

CALL_NAMES = {
    "len": ("length", "size", "total_length"),
    "sorted": ("ordered", "sorted_values", "in_order"),
    "max": ("largest", "maximum", "highest"),
    "min": ("smallest", "minimum", "lowest"),
    "sum": ("total", "sum_total", "amount"),
    "split": ("parts", "words", "pieces"),
    "join": ("joined", "text", "combined"),
    "range": ("indices", "positions", "steps"),
    "enumerate": ("index", "position", "idx"),
    "zip": ("pairs", "paired", "combined"),
    "filter": ("kept", "filtered", "selected"),
    "map": ("mapped", "converted", "values"),
    "Counter": ("counts", "frequencies", "histogram"),
    "defaultdict": ("groups", "table", "lookup"),
}
"""Usual names for what a call returns."""

SHORT_NAMES = {"i": "j", "j": "k", "k": "m", "x": "y", "y": "z", "a": "b", "b": "c", "n": "m"}


def other_names(name: str, half: Half) -> list[str]:
    """Return plausible names for a variable of a half, the best first."""
    function, prompt = half.function, half.program[: half.body]
    values = list(_values_of(name, function))
    found = natural_names(name, values, _types(function))
    returned = any(
        isinstance(node, ast.Return) and isinstance(node.value, ast.Name) and node.value.id == name
        for node in ast.walk(function)
    )
    if not returned:
        return found
    text = description_of(prompt, half.entry_point, half.program[half.body :])
    return [*_words_returned(text), *found]


def natural_names(
    name: str, values: Sequence[ast.expr], types: Mapping[str, str]
) -> list[str]:  # fmt: skip
    """Return plausible names, the best first, for a variable that takes these values.

    A `for` target's value is given as `Subscript`: an item of what it runs over.
    """
    found: list[str] = []
    for value in values:
        found += _names_for(value, types)
    if name in SHORT_NAMES:
        found.append(SHORT_NAMES[name])
    found += ["current", "value", "item", "result", "entry", "data", "temp", "local_value"]
    return [each for each in dict.fromkeys(found) if each != name]


def _names_for(value: ast.expr, types: Mapping[str, str]) -> Iterable[str]:
    """Return the usual names for one value."""
    match value:
        case ast.Subscript(value=ast.Call(func=ast.Name(id="range" | "reversed" | "enumerate"))):
            return ("idx", "index", "pos", "step")
        case ast.Subscript(slice=ast.Slice()):
            return ("part", "selected", "values")
        case ast.Subscript(value=ast.Name(id=many)):
            if types.get(many) == "str" or many in ("text", "string", "s", "word", "sentence"):
                return ("char", "letter", "ch", "symbol")
            single = re.sub(r"(?<=[a-z]{2})(?<!s)s$", "", many)
            return (*([single] if single != many else ()), "element", "item", "entry")
        case ast.Subscript():
            return ("element", "item", "entry")
        case ast.Constant(value=bool()):
            return TYPE_NAMES["bool"]
        case ast.Constant(value=0):
            return ("count", "total", "result", "counter")
        case ast.Constant(value=int() | float()):
            return ("number", "current", "factor")
        case ast.Constant(value=str()) | ast.JoinedStr():
            return ("text", "output", "built")
        case ast.List() | ast.ListComp():
            return ("collected", "items", "output", "values")
        case ast.Dict() | ast.DictComp():
            return TYPE_NAMES["dict"]
        case ast.Set() | ast.SetComp():
            return TYPE_NAMES["set"]
        case ast.Tuple():
            return TYPE_NAMES["tuple"]
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            return ("is_match", "check", "flag")
        case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)):
            return (*CALL_NAMES.get(called, ()), *TYPE_NAMES.get(called, ()))
        case ast.BinOp():
            return ("value", "computed", "current")
    return ()


def _values_of(name: str, function: Function) -> Iterable[ast.expr]:
    """Yield what a variable is bound to; an item of it in loops, a sum if it is added up."""
    for node in ast.walk(function):
        match node:
            case ast.AugAssign(target=ast.Name(id=bound), op=ast.Add(), value=value) if (
                bound == name and not isinstance(value, ast.Constant | ast.JoinedStr)
            ):
                yield ast.Call(func=ast.Name(id="sum", ctx=ast.Load()), args=[], keywords=[])
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=bound)], value=value) if bound == name:
                yield value
            case ast.AnnAssign(target=ast.Name(id=bound), value=ast.expr() as value) if (
                bound == name
            ):
                yield value
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                for target, each in zip(targets, values, strict=False):
                    if isinstance(target, ast.Name) and target.id == name:
                        yield each
            case (
                ast.For(target=target, iter=many) | ast.comprehension(target=target, iter=many)
            ) if name in _first_of(target, many):
                yield ast.Subscript(value=many, slice=ast.Constant(value=0), ctx=ast.Load())


def _first_of(target: ast.expr, many: ast.expr) -> tuple[str, ...]:
    """Return the target if it is one name, or the counter of an `enumerate`."""
    counted = isinstance(many, ast.Call) and isinstance(many.func, ast.Name)
    match target:
        case ast.Name(id=name):
            return (name,)
        case ast.Tuple(elts=[ast.Name(id=name), *_]) if counted:
            return (name,) if many.func.id == "enumerate" else ()  # type: ignore[attr-defined]
    return ()


def _types(function: Function) -> dict[str, str]:
    """Return the annotated type of each parameter that has a plain one."""
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return {each.arg: each.annotation.id for each in arguments
            if isinstance(each.annotation, ast.Name)}  # fmt: skip


def _words_returned(description: str) -> list[str]:
    """Return names made of the words that follow "return the" in a description.

    >>> _words_returned("Return the longest palindrome of the text.")
    ['longest_palindrome', 'palindrome', 'longest']
    """
    found = re.search(
        r"\breturns?\s+(?:only\s+)?(?:an?\s+|the\s+)([a-z]{4,12})\s+([a-z]{4,12})\b",
        description,
        re.IGNORECASE,
    )
    if found is None:
        return []
    first, second = found[1].lower(), found[2].lower()
    if second in ("that", "from", "with", "into", "after", "which", "where", "such", "between"):
        return [first]
    return [f"{first}_{second}", second, first]
