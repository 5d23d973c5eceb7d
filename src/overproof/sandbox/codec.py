"""The only data that crosses between oracle and candidate: exact plain types, as tagged JSON.

`None`, `bool`, `int`, `float`, `str`, `bytes`, `complex`, `list`, `tuple`, `set`, `frozenset`
and `dict` come out as what they were, as do ranges, views of dicts, bytearrays, deques, fractions,
decimals, dates, times and their differences. A subclass is flattened to its plain value without
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
_MAX_COLLIDING = 64
"""Keys of a set or dict that share one hash: each is compared with all others."""
_MAX_FRACTION_BITS = 100_000
"""Of the two numbers of a fraction, whose common divisor takes the square of that."""
_MAX_DECIMAL_CHARACTERS, _MAX_DECIMAL_EXPONENT = 1000, 10_000
_ITERATORS = frozenset(
    (GeneratorType, map, filter, zip, enumerate, reversed, type(iter([])), type(iter(())))
)
_VIEWS: dict[type, str] = {
    type({}.keys()): "keys",
    type({}.values()): "values",
    type({}.items()): "items",
}

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


class ReturnedError(CodecError):
    """A result that is not plain data cannot become an argument."""


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
        return _Decoder().decode(tree, 0)
    except CodecError:
        raise
    except (TypeError, ValueError, OverflowError, RecursionError, ArithmeticError) as error:
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
        if type(value) is Opaque:
            raise ReturnedError(f"a result of type {value.type_name} was passed back")
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
        if any(kind is iterator for iterator in _ITERATORS):
            return {"iterator": self.items(value, depth)}
        for view, tag in _VIEWS.items():
            if kind is view:
                return {tag: self.items(value, depth)}
        if kind is range:
            return {"range": self.items((value.start, value.stop, value.step), depth)}
        if kind is bytearray:
            return {"bytearray": value.hex()}
        library = self.encode_library(value, kind, depth)
        if library is not None:
            return library
        numpy = sys.modules.get("numpy")
        if numpy is not None and kind.__module__ == "numpy" and issubclass(kind, numpy.generic):
            item = value.item()
            return self.encode(item if type(item) is not kind else None, depth)
        return {"opaque": str(kind.__name__)[:60]}

    def encode_library(self, value: Any, kind: type, depth: int) -> Any:
        """Encode exact types of the standard library, if the program has imported them."""
        if kind is _imported("collections", "deque"):
            return {"deque": [self.items(value, depth), value.maxlen]}
        if kind is _imported("fractions", "Fraction"):
            return {"fraction": self.items((value.numerator, value.denominator), depth)}
        if kind is _imported("decimal", "Decimal"):
            return {"decimal": str(value)}
        for name in ("date", "datetime", "time"):
            if kind is _imported("datetime", name):
                return {name: value.isoformat()}
        if kind is _imported("datetime", "timedelta"):
            parts = (value.days, value.seconds, value.microseconds)
            return {"timedelta": self.items(parts, depth)}
        return None

    def items(self, values: Any, depth: int) -> list[Any]:
        return [self.encode(value, depth + 1) for value in values]


class _Decoder:
    """Counts the nodes of one message as the encoder does, so that all it lets in can go out."""

    def __init__(self) -> None:
        self.nodes = 0

    def decode(self, tree: Any, depth: int) -> Any:
        self.nodes += 1
        if depth > MAX_DEPTH:
            raise CodecError(f"deeper than {MAX_DEPTH} levels")
        if self.nodes > MAX_NODES:
            raise CodecError(f"more than {MAX_NODES} elements")
        if type(tree) is list:
            return self.items(tree, depth)
        if type(tree) is not dict:
            # JSON reads every NaN as one object, and a set would keep only one of it
            return float("nan") if tree != tree else tree
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
            return dict(self.pairs(items, depth))
        if tag == "items":
            pairs = self.items(items, depth)
            if any(type(pair) is not tuple or len(pair) != 2 for pair in pairs):
                raise CodecError("items are pairs")
            return dict(_keys(pairs, lambda pair: pair[0])).items()
        if tag == "deque":
            values, maxlen = items
            return _deque(self.items(_checked(values, list), depth), maxlen)
        if tag in _DECODE_KEYS:
            return _DECODE_KEYS[tag](_keys(self.items(items, depth)))
        if tag in _DECODE_ITEMS:
            return _DECODE_ITEMS[tag](self.items(items, depth))
        raise CodecError(f"unknown tag {tag[:20]!r}")

    def items(self, trees: list[Any], depth: int) -> list[Any]:
        return [self.decode(tree, depth + 1) for tree in trees]

    def pairs(self, trees: list[Any], depth: int) -> list[tuple[Any, Any]]:
        found = []
        for tree in trees:
            key, value = _checked(tree, list)
            found.append((self.decode(key, depth + 1), self.decode(value, depth + 1)))
        return _keys(found, lambda pair: pair[0])


def _keys(values: list[Any], key: Callable[[Any], Any] = lambda value: value) -> list[Any]:
    """Return the values if they can go into a set: equal hashes would keep the oracle busy."""
    if len(values) > _MAX_COLLIDING:
        shared: dict[int, int] = {}
        for value in values:
            number = hash(key(value))
            shared[number] = shared.get(number, 0) + 1
        if max(shared.values()) > _MAX_COLLIDING:
            raise CodecError(f"more than {_MAX_COLLIDING} keys of one hash in a set or dict")
    return values


def _checked(content: Any, kind: type) -> Any:
    if type(content) is not kind:
        raise CodecError(f"got {type(content).__name__} where {kind.__name__} belongs")
    return content


def _imported(module: str, name: str) -> Any:
    return getattr(sys.modules.get(module), name, None)


def _deque(values: list[Any], maxlen: Any) -> Any:
    from collections import deque

    return deque(values, None if maxlen is None else _checked(maxlen, int))


def _decimal(text: str) -> Any:
    from decimal import Decimal

    if len(text) > _MAX_DECIMAL_CHARACTERS:
        raise CodecError("a decimal with too many digits")
    value = Decimal(text)
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and abs(exponent) > _MAX_DECIMAL_EXPONENT:
        raise CodecError("a decimal with too large an exponent")
    return value


def _moment(name: str, text: str) -> Any:
    import datetime

    return getattr(datetime, name).fromisoformat(text[:60])


def _fraction(parts: list[Any]) -> Any:
    from fractions import Fraction

    numerator, denominator = (_checked(part, int) for part in parts)
    if max(numerator.bit_length(), denominator.bit_length()) > _MAX_FRACTION_BITS:
        raise CodecError("a fraction with too many digits")
    return Fraction(numerator, denominator)


def _timedelta(parts: list[Any]) -> Any:
    import datetime

    days, seconds, microseconds = (_checked(part, int) for part in parts)
    return datetime.timedelta(days=days, seconds=seconds, microseconds=microseconds)


def _range(parts: list[Any]) -> range:
    start, stop, step = (_checked(part, int) for part in parts)
    found = range(start, stop, step)
    if found[MAX_NODES:]:  # no `len`, which has an end
        raise CodecError(f"a range of more than {MAX_NODES} numbers")
    return found


_DECODE_TEXT: dict[str, Callable[[str], Any]] = {
    "int": lambda text: int(text, 16),
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "opaque": lambda text: Opaque(text[:60]),
    "decimal": _decimal,
    "date": lambda text: _moment("date", text),
    "datetime": lambda text: _moment("datetime", text),
    "time": lambda text: _moment("time", text),
}
_DECODE_KEYS: dict[str, Callable[[list[Any]], Any]] = {
    "set": set,
    "frozenset": frozenset,
    "keys": lambda items: dict.fromkeys(items).keys(),
}
_DECODE_ITEMS: dict[str, Callable[[list[Any]], Any]] = {
    "tuple": tuple,
    "iterator": iter,
    "values": lambda items: dict(enumerate(items)).values(),
    "range": _range,
    "fraction": _fraction,
    "timedelta": _timedelta,
}
