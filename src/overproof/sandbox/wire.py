"""Messages over a stream socket: four bytes of length, then JSON.

>>> left, right = socket.socketpair()
>>> send(left, {"call": [1, 2]}); receive(right)
{'call': [1, 2]}
>>> left.close(); right.close()
"""

import json
import socket
import struct
from collections.abc import Sequence
from typing import Any

MAX_MESSAGE = 8 << 20
"""Bytes of one message from a candidate."""
MAX_JOB = 64 << 20
"""Bytes of one message from our own side."""

_SIZE = struct.Struct("<I")
_encode = json.JSONEncoder(separators=(",", ":")).encode


class WireError(Exception):
    """A message that is too large or not JSON: the other side broke the protocol."""


class TooLargeError(WireError):
    """A message of our own side is larger than may be sent."""


class ClosedError(WireError):
    """The other side is gone."""


def send(channel: socket.socket, message: Any, limit: int = MAX_MESSAGE) -> None:
    """Send one message.

    Raises: WireError if it is larger than `limit` bytes; ClosedError if nobody reads it.
    """
    content = pack(message, limit)
    try:
        channel.sendall(content)
    except (BrokenPipeError, ConnectionResetError):
        raise ClosedError("the other side closed the channel") from None


def send_with(channel: socket.socket, message: Any, descriptors: Sequence[int]) -> None:
    """Send one message of our own side, with descriptors; as `send`."""
    content = pack(message, MAX_JOB)
    try:
        sent = socket.send_fds(channel, [content[: 1 << 16]], descriptors) if descriptors else 0
        channel.sendall(memoryview(content)[sent:])
    except (BrokenPipeError, ConnectionResetError):
        raise ClosedError("the other side closed the channel") from None


def receive_with(channel: socket.socket, limit: int, most: int) -> tuple[Any, list[int]]:
    """Return the next message and at most `most` descriptors that came with its first bytes.

    Nothing may follow the message before it is answered. Raises: as `receive`.
    """
    try:
        first, descriptors, _, _ = socket.recv_fds(channel, 1 << 16, most)
    except ConnectionResetError:
        first, descriptors = b"", []
    if len(first) < 4:
        first += _receive_exactly(channel, 4 - len(first))
    (size,) = _SIZE.unpack(first[:4])
    if size > limit:
        raise WireError(f"{size} bytes announced, but at most {limit} are read")
    return unpack(first[4:] + _receive_exactly(channel, size + 4 - len(first))), descriptors


def receive(channel: socket.socket, limit: int = MAX_MESSAGE) -> Any:
    """Return the next message.

    Raises: WireError if it is larger than `limit` bytes or not JSON; ClosedError at the end;
    TimeoutError if the socket has a timeout and it runs out.
    """
    (size,) = _SIZE.unpack(_receive_exactly(channel, 4))
    if size > limit:
        raise WireError(f"{size} bytes announced, but at most {limit} are read")
    return unpack(_receive_exactly(channel, size))


def pack(message: Any, limit: int = MAX_MESSAGE) -> bytes:
    """Return the bytes of one message. Raises: TooLargeError."""
    content = _encode(message).encode()
    if len(content) > limit:
        raise TooLargeError(f"{len(content)} bytes, but at most {limit} may be sent")
    return _SIZE.pack(len(content)) + content


def unpack(content: bytes) -> Any:
    """Return the message in these bytes. Raises: WireError."""
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
