"""Messages over a stream socket: four bytes of length, then JSON.

>>> left, right = socket.socketpair()
>>> send(left, {"call": [1, 2]}); receive(right)
{'call': [1, 2]}
>>> left.close(); right.close()
"""

import json
import socket
import struct
from typing import Any

MAX_MESSAGE = 8 << 20
"""Bytes of one message from a candidate."""
MAX_JOB = 64 << 20
"""Bytes of one message from our own side."""


class WireError(Exception):
    """A message that is too large or not JSON: the other side broke the protocol."""


class ClosedError(WireError):
    """The other side is gone."""


def send(channel: socket.socket, message: Any, limit: int = MAX_MESSAGE) -> None:
    """Send one message.

    Raises: WireError if it is larger than `limit` bytes; ClosedError if nobody reads it.
    """
    content = json.dumps(message, separators=(",", ":")).encode()
    if len(content) > limit:
        raise WireError(f"{len(content)} bytes, but at most {limit} may be sent")
    try:
        channel.sendall(struct.pack("<I", len(content)) + content)
    except (BrokenPipeError, ConnectionResetError):
        raise ClosedError("the other side closed the channel") from None


def receive(channel: socket.socket, limit: int = MAX_MESSAGE) -> Any:
    """Return the next message.

    Raises: WireError if it is larger than `limit` bytes or not JSON; ClosedError at the end;
    TimeoutError if the socket has a timeout and it runs out.
    """
    (size,) = struct.unpack("<I", _receive_exactly(channel, 4))
    if size > limit:
        raise WireError(f"{size} bytes announced, but at most {limit} are read")
    content = _receive_exactly(channel, size)
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise WireError("not JSON, or nested too deeply") from None


def _receive_exactly(channel: socket.socket, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        try:
            part = channel.recv(min(size - len(content), 1 << 20))
        except ConnectionResetError:
            part = b""
        if not part:
            raise ClosedError("the other side closed the channel")
        content += part
    return bytes(content)
