r"""A checksum at the end of every row that is stored, so that damage is seen before it is believed.

    >>> line = seal(b'{"schema":1,"key":"ab"}')
    >>> line
    b'{"schema":1,"key":"ab","crc32":"2b1995ac"}'
    >>> is_intact(line), is_intact(line.replace(b"ab", b"ac")), is_intact(b'{"key":"ab"}')
    (True, False, None)

The line stays a JSON object like any other. To check one by other means: cut `,"crc32":"…"` out
and take the CRC-32 of what is left. Rows of older versions have none and are read all the same.

Covered: flipped bits, lines that were cut, spliced or edited. Not covered: rows that are missing
as a whole (see fsck.py), and anyone who computes the checksum anew; it is no signature.
Source: CRC-32 as in zlib and gzip, RFC 1952, section 8.
"""

import re
import zlib

from overproof.errors import RowError

_SEAL = b',"crc32":"%08x"}'
_LENGTH = len(_SEAL % 0)
_SHAPE = re.compile(rb',"crc32":"[0-9a-f]{8}"\}')


def seal(line: bytes) -> bytes:
    """Return the JSON object, one line without its newline, with its checksum as last field."""
    return line[:-1] + _SEAL % zlib.crc32(line)


def is_intact(line: bytes) -> bool | None:
    """Return whether a line is what was written; None if it has no checksum to tell by."""
    end = line[-_LENGTH:]
    if not _SHAPE.fullmatch(end):
        return None
    body = memoryview(line)[:-_LENGTH]
    return end == _SEAL % zlib.crc32(b"}", zlib.crc32(body))


def check_seal(line: bytes, where: str) -> None:
    """Raises: RowError, naming `where`, for a line that is not what was written."""
    if is_intact(line) is False:
        raise RowError(f"{where}: the row's checksum does not fit: it was damaged, or edited")
