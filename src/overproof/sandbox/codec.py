"""The only data that crosses between oracle and candidate: exact plain types, as tagged JSON.

`None`, `bool`, `int`, `float`, `str`, `bytes`, `complex`, `list`, `tuple`, `set`, `frozenset`
and `dict` come out as what they were. A subclass is flattened to its plain value without
calling its methods; a numpy scalar becomes the Python one; a generator or another built-in
iterator becomes an iterator over its items. Anything else becomes an `Opaque`, which equals
nothing. Never pickle.

    >>> decode(encode({(1, 2): {3.5}}))
    {(1, 2): {3.5}}
"""

import sys
from collections.abc import Callable
from types import GeneratorType
from typing import Any, Never

MAX_DEPTH = 100
MAX_NODES = 1_000_000
_SAFE_INT = 1 << 63
_ITERATORS: tuple[type, ...] = (
    *(GeneratorType, map, filter, zip, enumerate, reversed, range),
    *(type(iter([])), type(iter(())), type({}.keys()), type({}.values()), type({}.items())),
)

# Unbound methods of the built-in types: an override in a subclass is never called.
_FLATTEN: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (int, lambda value: int.__add__(value, 0)),
    (float, float.__pos__),
    (complex, complex.__pos__),
    (str, str.__str__),
    (bytes, lambda value: bytes.__getitem__(value, slice(None))),
    (list, lambda value: list(list.__iter__(value))),
    (tuple, lambda value: tuple(tuple.__iter__(value))),
    (set, lambda value: set(set.__iter__(value))),
    (frozenset, lambda value: frozenset(frozenset.__iter__(value))),
    (dict, lambda value: dict(dict.items(value))),
)


class CodecError(ValueError):
    """A value too deep or too large to send, or a message that is not of our making."""


class Opaque:
    """Something that is not plain data: it equals nothing and has no truth value."""

    def __init__(self, type_name: str) -> None:
        """Keep the name of its type, for the detail of the verdict."""
        self.type_name = type_name

    def __eq__(self, other: object) -> bool:
        """Return False: an opaque result never satisfies a test, not even against itself."""
        return False

    def __hash__(self) -> int:
        """Hash by identity."""
        return id(self)

    def __bool__(self) -> Never:
        """Refuse: `assert candidate(x)` must not pass on an object that we cannot see."""
        raise TypeError(f"a result of type {self.type_name} has no truth value here")

    def __repr__(self) -> str:
        """Return the type's name in angle brackets."""
        return f"<opaque {self.type_name}>"


def encode(value: Any) -> Any:
    """Return `value` as a tree that `json` can write.

    Raises: CodecError if it is deeper than `MAX_DEPTH` or has more than `MAX_NODES` nodes.
    """
    return _Encoder().encode(value, 0)


def decode(tree: Any) -> Any:
    """Return the value that a tree stands for; the tree may come from an enemy.

    Raises: CodecError if `encode` could not have made it.
    """
    try:
        return _decode(tree, 0)
    except CodecError:
        raise
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise CodecError(f"not a message of this codec ({type(error).__name__})") from None


def holds_opaque(tree: Any) -> bool:
    """Return whether an encoded tree holds something that was not plain data."""
    if type(tree) is list:
        return any(map(holds_opaque, tree))
    if type(tree) is dict:
        return "opaque" in tree or any(map(holds_opaque, tree.values()))
    return False


class _Encoder:
    """Counts the nodes of one value."""

    def __init__(self) -> None:
        self.nodes = 0

    def encode(self, value: Any, depth: int) -> Any:
        self.nodes += 1
        if depth > MAX_DEPTH:
            raise CodecError(f"deeper than {MAX_DEPTH} levels")
        if self.nodes > MAX_NODES:
            raise CodecError(f"more than {MAX_NODES} elements")
        kind = type(value)
        if value is None or kind is bool or kind is float or kind is str:
            return value
        if kind is int:
            return value if -_SAFE_INT < value < _SAFE_INT else {"int": hex(value)}
        if kind is list:
            return self.items(value, depth)
        if kind is tuple or kind is set or kind is frozenset:
            return {kind.__name__: self.items(value, depth)}
        if kind is dict:
            pairs = value.items()
            return {"dict": [self.items(pair, depth) for pair in pairs]}
        if kind is bytes:
            return {"bytes": value.hex()}
        if kind is complex:
            return {"complex": [value.real, value.imag]}
        return self.encode_other(value, kind, depth)

    def encode_other(self, value: Any, kind: type, depth: int) -> Any:
        for plain, flatten in _FLATTEN:
            if issubclass(kind, plain):
                return self.encode(flatten(value), depth)
        if kind in _ITERATORS:
            return {"iterator": self.items(value, depth)}
        numpy = sys.modules.get("numpy")
        if numpy is not None and kind.__module__ == "numpy" and issubclass(kind, numpy.generic):
            item = value.item()
            return self.encode(item if type(item) is not kind else None, depth)
        return {"opaque": str(kind.__name__)[:60]}

    def items(self, values: Any, depth: int) -> list[Any]:
        return [self.encode(value, depth + 1) for value in values]


def _decode(tree: Any, depth: int) -> Any:
    if depth > MAX_DEPTH + 1:
        raise CodecError(f"deeper than {MAX_DEPTH} levels")
    if type(tree) is list:
        return [_decode(item, depth + 1) for item in tree]
    if type(tree) is not dict:
        return tree
    if len(tree) != 1:
        raise CodecError("a tagged value has one tag")
    ((tag, content),) = tree.items()
    if tag in _DECODE_TEXT:
        return _DECODE_TEXT[tag](_checked(content, str))
    items = _checked(content, list)
    if tag == "complex":
        real, imaginary = items
        return complex(_checked(real, float), _checked(imaginary, float))
    if tag == "dict":
        pairs = [_checked(pair, list) for pair in items]
        return {_decode(key, depth + 1): _decode(value, depth + 1) for key, value in pairs}
    if tag in _DECODE_ITEMS:
        return _DECODE_ITEMS[tag]([_decode(item, depth + 1) for item in items])
    raise CodecError(f"unknown tag {tag[:20]!r}")


def _checked(content: Any, kind: type) -> Any:
    if type(content) is not kind:
        raise CodecError(f"got {type(content).__name__} where {kind.__name__} belongs")
    return content


_DECODE_TEXT: dict[str, Callable[[str], Any]] = {
    "int": lambda text: int(text, 16),
    "bytes": bytes.fromhex,
    "opaque": lambda text: Opaque(text[:60]),
}
_DECODE_ITEMS: dict[str, Callable[[list[Any]], Any]] = {
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "iterator": iter,
}
