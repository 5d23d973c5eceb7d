r"""What can be told about the values of a function's names without running it.

A name is a number, or text, only if every place that binds it gives it one; a parameter only if
it is annotated so. The rest is unknown, and unknown means: leave it alone.

Not covered: annotations that lie, and values that come from other functions.

    >>> tree = ast.parse("def f(n: int, xs):\n  i = 0\n  i += n\n  t = ''\n  u = xs").body[0]
    >>> sorted(values_of(tree).numbers), sorted(values_of(tree).texts)
    (['i', 'n'], ['t'])
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from overproof.perturbation.source import Function

NUMBER_CALLS = frozenset({"len", "int", "ord"})
NUMBER_METHODS = frozenset({"count", "find", "index"})
TEXT_CALLS = frozenset({"str", "chr", "hex", "bin"})
TEXT_METHODS = frozenset({"join", "lower", "upper", "strip", "replace"})
SCALAR_CALLS = frozenset({"float", "abs", "round", "bool", "sum"})
ARITHMETIC = ast.Add | ast.Sub | ast.Mult | ast.FloorDiv | ast.Mod

Binding = tuple[str, ast.expr | None, ast.operator | None]
"""A name, what it is bound to (None: unknown), and the operator of `+=` and its like."""


@dataclass(frozen=True)
class Values:
    """What is known about the names of one function."""

    numbers: frozenset[str]
    """Always whole numbers."""
    texts: frozenset[str]
    """Always text."""
    scalars: frozenset[str]
    """Always numbers of any kind, or text."""

    @property
    def sets(self) -> tuple[frozenset[str], ...]:
        """All three."""
        return self.numbers, self.texts, self.scalars

    def is_number(self, node: ast.expr) -> bool:
        """Return whether an expression is a whole number."""
        match node:
            case ast.Constant(value=int()):
                return True
            case ast.Name(id=name):
                return name in self.numbers
            case ast.Call(func=ast.Name(id=called)):
                return called in NUMBER_CALLS
            case ast.Call(func=ast.Attribute(attr=called)):
                return called in NUMBER_METHODS
            case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
                return self.is_number(operand)
            case ast.BinOp(left=left, op=operator, right=right):
                whole = isinstance(operator, ARITHMETIC)
                return whole and self.is_number(left) and self.is_number(right)
        return False

    def is_text(self, node: ast.expr) -> bool:
        """Return whether an expression is text."""
        match node:
            case ast.Constant(value=str()) | ast.JoinedStr():
                return True
            case ast.Name(id=name):
                return name in self.texts
            case ast.Call(func=ast.Name(id=called)):
                return called in TEXT_CALLS
            case ast.Call(func=ast.Attribute(attr=called)):
                return called in TEXT_METHODS
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self.is_text(left) or self.is_text(right)
        return False

    def is_scalar(self, node: ast.expr) -> bool:
        """Return whether an expression is text or any number, which no `+=` changes in place."""
        match node:
            case ast.Constant():
                return True
            case ast.Name(id=name):
                return name in self.scalars
            case ast.Call(func=ast.Name(id=called), args=[_]) if called in SCALAR_CALLS:
                return True
            case ast.UnaryOp(operand=operand):
                return self.is_scalar(operand)
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                return self.is_scalar(left) and self.is_scalar(right)
            case ast.BinOp(left=left, right=right):
                # A number or a text plus something else is one again, or an error.
                return self.is_scalar(left) or self.is_scalar(right)
            case ast.Compare():
                return True
        return self.is_number(node) or self.is_text(node)


@lru_cache(maxsize=1024)
def values_of(function: Function) -> Values:
    """Return what is known about the names of a function and of those nested in it."""
    bindings = list(_bindings(function))
    names = frozenset(name for name, *_ in bindings)
    known = Values(names, names, names)
    # Begin with everything and strike what does not hold until nothing changes.
    while True:
        numbers, texts, scalars = set(known.numbers), set(known.texts), set(known.scalars)
        for name, value, operator in bindings:
            plain = operator is None or isinstance(operator, ARITHMETIC)
            if value is None or not plain or not known.is_number(value):
                numbers.discard(name)
            # What is added to a text or a number leaves one; a factor may make it a list.
            kept = operator is not None and not isinstance(operator, ast.Mult)
            if not kept and (value is None or not known.is_text(value)):
                texts.discard(name)
            if not kept and (value is None or not known.is_scalar(value)):
                scalars.discard(name)
        if len(numbers) + len(texts) + len(scalars) == sum(map(len, known.sets)):
            return known
        known = Values(frozenset(numbers), frozenset(texts), frozenset(scalars))


def _bindings(function: Function) -> Iterator[Binding]:
    """Yield every binding of every name, in nested functions too."""
    seen: set[int] = set()
    for node in ast.walk(function):
        match node:
            case ast.arg(arg=name, annotation=annotation):
                yield name, _sample(annotation), None
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    seen.update(map(id, ast.walk(target)))
                    yield from _unpacked(target, value)
            case ast.AugAssign(target=ast.Name(id=name) as target, op=operator, value=value):
                seen.add(id(target))
                yield name, value, operator
            case (
                ast.For(target=ast.Name(id=name) as target, iter=many)
                | ast.comprehension(target=ast.Name(id=name) as target, iter=many)
            ) if isinstance(many, ast.Call) and getattr(many.func, "id", "") == "range":
                seen.add(id(target))
                yield name, ast.Constant(value=0), None
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) if id(node) not in seen:
                yield name, None, None
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                yield name, None, None
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                yield from ((name, None, None) for name in names)


def _unpacked(target: ast.expr, value: ast.expr) -> Iterator[Binding]:
    """Yield the bindings of one assignment."""
    match target, value:
        case ast.Name(id=name), _:
            yield name, value, None
        case ast.Tuple(elts=targets), ast.Tuple(elts=values) if len(targets) == len(values):
            for each, part in zip(targets, values, strict=True):
                yield from _unpacked(each, part)
        case _:
            for node in ast.walk(target):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node.id, None, None


def _sample(annotation: ast.expr | None) -> ast.expr | None:
    """Return a value of a parameter's annotated type; None if it is unknown."""
    match annotation:
        case ast.Name(id="int"):
            return ast.Constant(value=0)
        case ast.Name(id="str"):
            return ast.Constant(value="")
    return None
