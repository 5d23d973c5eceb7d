"""Types of a problem's arguments and results, learnt from annotations and from values.

    >>> str(type_of([1, 2.5])), str(type_of([(1, "a"), (2, "b")])), str(type_of({}))
    ('list[float]', 'list[tuple[int, str]]', 'dict[unknown, unknown]')

`unknown` is what an empty list holds; joined with anything it vanishes. Two types that have
nothing in common become a union; `None` beside another type makes it optional. Where all that is
known is that values are many, the type is `any`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

Kind = Literal[
    "unknown", "none", "bool", "int", "float", "str",
    "list", "set", "tuple", "dict", "optional", "union", "any",
]  # fmt: skip


@dataclass(frozen=True)
class Type:
    """One type; `args` are those of its elements, members or alternatives."""

    kind: Kind
    args: tuple["Type", ...] = ()

    def __str__(self) -> str:
        """Return it as Python would write it."""
        inner = ", ".join(map(str, self.args))
        return f"{self.kind}[{inner}]" if self.args else self.kind

    def holds(self, *kinds: Kind) -> bool:
        """Return whether one of these kinds is anywhere in it."""
        return self.kind in kinds or any(arg.holds(*kinds) for arg in self.args)


UNKNOWN, NONE, ANY = Type("unknown"), Type("none"), Type("any")
BOOL, INT, FLOAT, STR = Type("bool"), Type("int"), Type("float"), Type("str")
MAX_ALTERNATIVES = 4
"""A union of more is `any`."""


def list_of(item: Type) -> Type:
    """Return the type of a list of these."""
    return Type("list", (item,))


def type_of(value: Any) -> Type:
    """Return the type of one plain value. Raises: TypeError for anything else."""
    if value is None:
        return NONE
    for kind, plain in ((bool, BOOL), (int, INT), (float, FLOAT), (str, STR)):
        if type(value) is kind:
            return plain
    if type(value) in (list, set, frozenset):
        kind_name: Kind = "list" if type(value) is list else "set"
        return Type(kind_name, (joined(map(type_of, value)),))
    if type(value) is tuple:
        return Type("tuple", tuple(map(type_of, value)))
    if type(value) is dict:
        return Type("dict", (joined(map(type_of, value)), joined(map(type_of, value.values()))))
    raise TypeError(f"no plain value: {type(value).__name__}")


def joined(types: Iterable[Type]) -> Type:
    """Return the narrowest type that all of these fit in; `unknown` for none of them."""
    return reduce(join, types, UNKNOWN)


def join(first: Type, second: Type) -> Type:
    """Return the narrowest type that both fit in.

    >>> str(join(INT, FLOAT)), str(join(NONE, STR)), str(join(INT, STR))
    ('float', 'optional[str]', 'union[int, str]')
    """
    if first == second or second.kind == "unknown":
        return first
    if first.kind == "unknown":
        return second
    if "any" in (first.kind, second.kind):
        return ANY
    if {first.kind, second.kind} == {"int", "float"}:
        return FLOAT
    if {first.kind, second.kind} & {"none", "optional"}:
        inner = join(_present(first), _present(second))
        return ANY if inner == ANY else Type("optional", (inner,)) if inner != UNKNOWN else NONE
    same_shape = first.kind == second.kind and len(first.args) == len(second.args)
    if same_shape and first.kind in ("list", "set", "dict", "tuple"):
        return Type(first.kind, tuple(map(join, first.args, second.args)))
    if {first.kind, second.kind} <= {"list", "tuple"}:
        # tuples of different lengths are sequences of one kind
        return list_of(joined([*first.args, *second.args]))
    return _union(first, second)


def _present(kind: Type) -> Type:
    """Return what an optional value is when there is one."""
    if kind == NONE:
        return UNKNOWN
    return kind.args[0] if kind.kind == "optional" else kind


def _union(first: Type, second: Type) -> Type:
    found: list[Type] = []
    for one in (first, second):
        for alternative in one.args if one.kind == "union" else (one,):
            same = [n for n, each in enumerate(found) if _alike(each, alternative)]
            if same:
                found[same[0]] = join(found[same[0]], alternative)
            else:
                found.append(alternative)
    if len(found) == 1:
        return found[0]
    if len(found) > MAX_ALTERNATIVES:
        return ANY
    return Type("union", tuple(sorted(found, key=str)))


def _alike(first: Type, second: Type) -> bool:
    """Return whether two alternatives of a union are better joined."""
    kinds = {first.kind, second.kind}
    return len(kinds) == 1 or kinds in ({"int", "float"}, {"list", "tuple"})


def settled(kind: Type, default: Type = INT) -> Type:
    """Return the type with every `unknown` replaced: what an always empty list may hold."""
    if kind.kind == "unknown":
        return default
    return Type(kind.kind, tuple(settled(arg, default) for arg in kind.args))


def fits(value: Any, kind: Type) -> bool:
    """Return whether a value is of this type, an integer being a float where one is meant.

    >>> fits([1, 2], list_of(FLOAT)), fits({1: "a"}, Type("dict", (STR, STR)))
    (True, False)
    """
    own = type_of(value)
    return join(own, kind) == kind
