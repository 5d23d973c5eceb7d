"""From what another language can return to the Python value that a test compares.

A language without tuples answers `(1, 2)` with a list; one whose only number is a float answers
`3` with `3.0`. What the reference returned for the same call says which type was meant, never
which value: only what the language (or the translation to it) cannot tell apart is converted.

    >>> conform([1, 2.0], (1, 2), {"tuple_list", "int_float"})
    (1, 2)
    >>> conform([1], (1, 2), set())
    [1]
"""

import re
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from overproof.languages.language import Conflation

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
NOTHING = ("", "None", "null", "nil", "undef")
TRUE, FALSE = ("true", "True", "1"), ("false", "False", "0", "")
_EXACT_FLOAT = 1 << 53
_MAX_COLLIDING = 64
"""Keys that share one hash: a set of thousands of them would take hours."""


def conform(value: Any, expected: Any, conflates: AbstractSet[str]) -> Any:
    """Return the value in the type of `expected`, as far as the language conflates the two.

    Whatever does not fit comes back as it is, and the test will find it wrong.
    """
    if expected is None:
        return None if "none_str" in conflates and value in NOTHING else value
    if type(expected) is bool:
        return _boolean(value, conflates)
    if type(expected) in (int, float):
        return _number(value, type(expected), conflates)
    if type(expected) in (list, tuple):
        return _sequence(value, expected, conflates)
    if type(expected) in (set, frozenset) and "set_list" in conflates and _is_many(value):
        items = _items(value, sorted(expected, key=repr), conflates)
        return type(expected)(items) if _are_distinct(items) else value
    if type(expected) is dict:
        return _mapping(value, expected, conflates)
    if type(expected) is str and type(value) in (int, float) and "number_str" in conflates:
        return str(int(value)) if value == int(value) else str(value)
    return value


def _boolean(value: Any, conflates: AbstractSet[str]) -> Any:
    if type(value) is str and conflates & {"text", "bool_int"}:
        return True if value in TRUE else False if value in FALSE else value
    if type(value) in (int, float) and "bool_int" in conflates and value in (0, 1):
        return bool(value)
    return value


def _number(value: Any, kind: type, conflates: AbstractSet[str]) -> Any:
    textual = conflates & {"text", "number_str"} and type(value) is str
    if textual and NUMBER.fullmatch(value.strip()):
        text = value.strip()
        value = int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
    alike = "int_float" in conflates or textual
    if alike and kind is int and type(value) is float and value.is_integer():
        return int(value)
    if alike and kind is float and type(value) is int and abs(value) <= _EXACT_FLOAT:
        return float(value)
    return value


def _sequence(value: Any, expected: Any, conflates: AbstractSet[str]) -> Any:
    kind = type(expected)
    if type(value) is dict and not value and "dict_list" in conflates:
        value = []
    alike: Conflation = "tuple_list" if type(value) in (list, tuple) else "set_list"
    if not _is_many(value) or (type(value) is not kind and alike not in conflates):
        return value
    return kind(_items(value, expected, conflates))


def _items(value: Any, expected: Any, conflates: AbstractSet[str]) -> list[Any]:
    """Return the elements, each in the type of its counterpart, or of the last one there is."""
    counterparts = list(expected)
    return [
        conform(item, counterparts[min(place, len(counterparts) - 1)], conflates)
        if counterparts
        else item
        for place, item in enumerate(value)
    ]


def _mapping(value: Any, expected: Any, conflates: AbstractSet[str]) -> Any:
    if type(value) is list and not value and "dict_list" in conflates:
        return {}
    if type(value) is not dict:
        return value
    known = {_plain(key): key for key in expected}
    keys = [
        conform(key, known.get(_plain(key), next(iter(expected), key)), conflates) for key in value
    ]
    if not _are_distinct(keys):
        return value
    example = next(iter(expected.values()), None)
    return {
        key: conform(item, expected.get(key, example), conflates) if expected else item
        for key, item in zip(keys, value.values(), strict=True)
    }


def _plain(key: Any) -> str:
    return str(int(key)) if type(key) is float and key.is_integer() else str(key)


def _are_distinct(keys: Sequence[Any]) -> bool:
    """Return whether keys are still as many when they are put together, which takes no time."""
    hashes = Counter(map(hash, keys))
    return max(hashes.values(), default=0) <= _MAX_COLLIDING and len(set(keys)) == len(keys)


def _is_many(value: Any) -> bool:
    return type(value) in (list, tuple, set, frozenset)
