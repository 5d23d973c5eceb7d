"""Messages over a stream socket: four bytes of length, then JSON; jobs in marshal.

Only what we ourselves have written is read as marshal, by a candidate that can harm nobody but
itself; what a candidate has written is JSON. Marshal keeps exact types and costs no Python code.

>>> left, right = socket.socketpair()
>>> send(left, {"call": [1, 2]}); receive(right)
{'call': [1, 2]}
>>> left.close(); right.close()
"""

import json
import marshal
import os
import socket
import struct
from collections.abc import Sequence
from typing import Any

MAX_MESSAGE = 8 << 20
"""Bytes of one message from a candidate."""
MAX_JOB = 64 << 20
"""Bytes of one message from our own side."""

REPORT = struct.Struct("<iddB??")
"""How a candidate ended, from the zygote: wait status, CPU seconds, resident bytes, reason (its
place in `REASONS`), whether it was confined, whether the folders are empty again."""
REASONS = ("", "exited", "wall", "cpu", "memory", "processes")

_SIZE = struct.Struct("<I")
_MARSHAL_VERSION = 2
"""Without references: equal content has equal bytes."""
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


def send_job(channel: socket.socket, job: Any, descriptors: Sequence[int] = ()) -> None:
    """Send a job or more calls to a candidate, in marshal, with descriptors.

    Raises: TooLargeError, ClosedError.
    """
    _send_with(channel, _framed(marshal.dumps(job, _MARSHAL_VERSION), MAX_JOB), descriptors)


def receive_job(channel: int) -> Any:
    """Return the next job that our own side has sent. Raises: ClosedError at the end."""
    size = int.from_bytes(_read_exactly(channel, 4), "little")
    return marshal.loads(_read_exactly(channel, size))


def receive_job_with(channel: int, most: int) -> tuple[Any, list[int]]:
    """Return the next job and the descriptors that came with its first bytes."""
    with socket.socket(fileno=os.dup(channel)) as stream:
        first, descriptors, _, _ = socket.recv_fds(stream, 4, most)
    first += _read_exactly(channel, 4 - len(first))
    return marshal.loads(_read_exactly(channel, int.from_bytes(first, "little"))), descriptors


def reply(channel: int, message: Any) -> None:
    """Send an answer, in JSON. Raises: TooLargeError, ClosedError."""
    content = memoryview(pack(message))
    try:
        while content:
            content = content[os.write(channel, content) :]
    except (BrokenPipeError, ConnectionResetError):
        raise ClosedError("the other side closed the channel") from None


def reply_with(channel: int, message: Any, descriptors: Sequence[int]) -> None:
    """Send an answer with descriptors. Raises: as `reply`."""
    with socket.socket(fileno=os.dup(channel)) as stream:
        _send_with(stream, pack(message), descriptors)


def _send_with(channel: socket.socket, content: bytes, descriptors: Sequence[int]) -> None:
    try:
        sent = socket.send_fds(channel, [content[: 1 << 16]], descriptors) if descriptors else 0
        channel.sendall(memoryview(content)[sent:] if sent else content)
    except (BrokenPipeError, ConnectionResetError):
        raise ClosedError("the other side closed the channel") from None


def _read_exactly(channel: int, size: int) -> bytes:
    content = b""
    while len(content) < size:
        part = os.read(channel, size - len(content))
        if not part:
            raise ClosedError("the other side closed the channel")
        content += part
    return content


def receive_with(channel: socket.socket, limit: int, most: int) -> tuple[Any, list[int]]:
    """Return the next message and at most `most` descriptors that came with its first bytes.

    Raises: as `receive`; the descriptors are closed then.
    """
    descriptors: list[int] = []
    try:
        try:
            first, descriptors, _, _ = socket.recv_fds(channel, 4, most)
        except ConnectionResetError:
            first = b""
        first += _receive_exactly(channel, 4 - len(first))
        (size,) = _SIZE.unpack(first)
        if size > limit:
            raise WireError(f"{size} bytes announced, but at most {limit} are read")
        return unpack(_receive_exactly(channel, size)), descriptors
    except BaseException:
        for descriptor in descriptors:
            os.close(descriptor)
        raise


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
    return _framed(_encode(message).encode(), limit)


def _framed(content: bytes, limit: int) -> bytes:
    if len(content) > limit:
        raise TooLargeError(f"{len(content)} bytes, but at most {limit} may be sent")
    return _SIZE.pack(len(content)) + content


def unpack(content: bytes) -> Any:
    """Return the message in these bytes. Raises: WireError."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise WireError("not JSON, or nested too deeply") from None


def is_build(reply: Any) -> bool:
    """Return whether a message from a compiler's process has the form of `run_build`."""
    kinds = {"status": int, "missing": bool, "log": str, "found": list, "folders": list}
    if type(reply) is not dict or any(type(reply.get(k)) is not kind for k, kind in kinds.items()):
        return False
    return all(type(number) is int for number in (*reply["found"], *reply["folders"]))


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
