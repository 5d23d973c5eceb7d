"""Data inside HTML: JSON, gzipped, in base64, so that 50,000 samples fit into one file.

    pack({"models": ["a"]})

Base64 has no character that HTML knows, so nothing in the data can close its element or start
another, whatever a model wrote. The page unpacks it with DecompressionStream (packing.js).
The same content gives the same bytes with one zlib; other versions of it may pack otherwise.
"""

import base64
import gzip
import json
from collections.abc import Iterable
from typing import Any

LEVEL = 6
"""Of gzip: 9 takes three times as long for 2 % less."""


def pack(content: Any) -> str:
    """Return JSON content, packed.

    >>> unpack(pack({"text": "</script>"}))
    {'text': '</script>'}
    """
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode("ascii"), LEVEL, mtime=0)).decode("ascii")


def unpack(packed: str) -> Any:
    """Return what was packed."""
    return json.loads(gzip.decompress(base64.b64decode(packed)))


class Distinct:
    """A list of values without repeats; adding one returns its place.

    >>> values = Distinct()
    >>> [values.add(text) for text in ("a", "b", "a")], values.items
    ([0, 1, 0], ['a', 'b'])
    """

    def __init__(self, items: Iterable[str] = ()) -> None:
        """Begin with these values."""
        self._places = {item: place for place, item in enumerate(dict.fromkeys(items))}

    @property
    def items(self) -> list[str]:
        """The values, in the order in which they were added."""
        return list(self._places)

    def add(self, item: str) -> int:
        """Return the place of a value, a new one if it is not there yet."""
        return self._places.setdefault(item, len(self._places))


def edit_between(before: str, after: str) -> list[Any]:
    """Return [shared start, shared end, what stands between]: how `after` differs from `before`.

    >>> edit_between("the whole sum", "the whloe sum")
    [6, 5, 'lo']
    """
    shortest = min(len(before), len(after))
    start = next((i for i in range(shortest) if before[i] != after[i]), shortest)
    rest = shortest - start
    end = next((i for i in range(rest) if before[-1 - i] != after[-1 - i]), rest)
    return [start, end, after[start : len(after) - end]]


def apply_edit(before: str, edit: list[Any]) -> str:
    """Return the text that `edit_between` was given; the page does the same.

    >>> apply_edit("the whole sum", [6, 5, "lo"])
    'the whloe sum'
    """
    start, end, middle = edit
    return before[:start] + str(middle) + before[len(before) - end :]
