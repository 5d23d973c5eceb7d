r"""Pieces that several languages write alike: quoted text, numbers, comments, reasons to refuse.

>>> quoted('a"\n', '"'), number(0.1), number(1e16), number(3.0)
('"a\\"\\n"', '0.1', '1e16', '3.0')
"""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

_DRIVERS = Path(__file__).with_name("drivers")
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@cache
def driver(name: str) -> str:
    """Return the text of a file of `drivers/`."""
    return (_DRIVERS / name).read_text(encoding="utf-8")


def quoted(text: str, quote: str, also: str = "") -> str:
    """Return a literal in C's manner; `also` are more characters that need a backslash."""
    special = {**_ESCAPES, **{c: f"\\{c}" for c in quote + also}}
    body = "".join(
        special.get(c, c if c.isprintable() or ord(c) > 159 else _unicode(c)) for c in text
    )
    return f"{quote}{body}{quote}"


def _unicode(character: str) -> str:
    return f"\\u{ord(character):04x}"


def number(value: float) -> str:
    """Return a finite float as most languages write it, always with a point or an exponent."""
    return repr(value).replace("e+", "e")


def commented(lines: Iterable[str], mark: str, indent: str = "") -> str:
    """Return the lines as comments, each with its mark, none with white space at its end."""
    return "".join(f"{indent}{mark} {line}".rstrip() + "\n" for line in lines)


def between(items: Sequence[str], opening: str, closing: str, separator: str = ", ") -> str:
    """Return the items, separated, in brackets."""
    return f"{opening}{separator.join(items)}{closing}"


def beyond(value: Any, bits: int) -> bool:
    """Return whether some integer in a plain value needs more than so many bits and a sign.

    >>> beyond([1, {2: 2**63}], 63), beyond(-(2**63), 63)
    (True, False)
    """
    if type(value) is int:
        return not -(1 << bits) <= value < 1 << bits
    return any(beyond(item, bits) for item in parts(value))


def parts(value: Any) -> list[Any]:
    """Return what a plain value directly holds: elements, or keys and values."""
    if type(value) is dict:
        return [*value, *value.values()]
    return list(value) if type(value) in (list, tuple, set, frozenset) else []


def keys_beside_text(value: Any) -> bool:
    """Return whether some map in a plain value has a key that is no text."""
    own = type(value) is dict and any(type(key) is not str for key in value)
    return own or any(map(keys_beside_text, parts(value)))
