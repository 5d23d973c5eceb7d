"""The stand-in for the candidate's function in the oracle: calls go out, plain values come back.

Arguments are copies, so that a candidate that changes its input changes nothing here. What a
candidate raises becomes the built-in exception of that name, so that tests may expect it.
"""

import builtins
import socket
from typing import Any, Never

from overproof.sandbox import codec, wire


class CandidateError(Exception):
    """What a call to the candidate raised, where no built-in exception has that name."""


class CandidateGoneError(BaseException):
    """The candidate's process ended or broke the protocol; no test may swallow this."""


class ProblemError(Exception):
    """The dataset's own code is at fault; never the program's."""


class Proxy:
    """Stands for the candidate's function: encodes arguments, decodes results."""

    def __init__(self, channel: socket.socket) -> None:
        """Talk to the candidate over `channel`."""
        self.channel = channel
        self.gone = ""
        self.raised: Exception | None = None
        self.raised_kind = ""
        self.raised_detail = ""
        self.last_result: Any = None
        self.calls = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the candidate with copies of the arguments."""
        if self.gone:
            raise CandidateGoneError(self.gone)
        call = {
            "args": [_encode_argument(value) for value in args],
            "kwargs": {name: _encode_argument(value) for name, value in kwargs.items()},
        }
        self.calls += 1
        reply = self.exchange(call)
        if "value" in reply:
            try:
                self.last_result = codec.decode(reply["value"])
            except codec.CodecError as error:
                self.leave(f"broke the protocol: {error}")
            return self.last_result
        if not (_is_text(reply.get("raised")) and _is_text(reply.get("detail"))):
            self.leave("broke the protocol: neither a value nor an exception")
        return self.fail(reply["raised"], reply["detail"])

    def exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a message, return the reply. Raises: CandidateGoneError."""
        try:
            wire.send(self.channel, message, wire.MAX_JOB)
            reply = wire.receive(self.channel)
        except wire.ClosedError:
            self.leave("")
        except (wire.WireError, OSError) as error:
            self.leave(f"broke the protocol: {error}")
        if type(reply) is not dict:
            self.leave("broke the protocol: not a message")
        return dict(reply)

    def fail(self, kind: str, detail: str) -> Never:
        """Raise what the candidate raised, as the built-in exception of that name if any."""
        known = getattr(builtins, kind, None)
        usable = isinstance(known, type) and issubclass(known, Exception)
        try:
            self.raised = known(detail) if usable and known else CandidateError(detail)
        except TypeError:  # UnicodeDecodeError and its kin want more arguments
            self.raised = CandidateError(detail)
        self.raised_kind, self.raised_detail = kind, detail
        raise self.raised

    def leave(self, why: str) -> Never:
        """Note that the candidate is gone, for good."""
        self.gone = why or "the process ended"
        raise CandidateGoneError(self.gone)


def _encode_argument(value: Any) -> Any:
    try:
        tree = codec.encode(value)
    except codec.CodecError as error:
        raise ProblemError(f"an argument cannot be sent: {error}") from None
    if type(tree) is dict and "opaque" in tree:
        raise ProblemError(f"an argument of type {type(value).__name__} cannot be sent")
    return tree


def _is_text(value: Any) -> bool:
    return type(value) is str
