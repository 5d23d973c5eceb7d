"""The stand-in for the candidate's function in the oracle: calls go out, plain values come back.

Arguments are copies, so that a candidate that changes its input changes nothing here. What a
candidate raises becomes the built-in exception of that name, so that tests may expect it.
"""

import builtins
import socket
from collections.abc import Callable
from typing import Any, Never

from overproof.sandbox import codec, wire
from overproof.sandbox.recording import Recording, encode_call, marshal_call


class CandidateError(Exception):
    """What a call to the candidate raised, where no built-in exception has that name."""


class CandidateGoneError(BaseException):
    """The candidate's process ended or broke the protocol; no test may swallow this."""


class DivergedError(BaseException):
    """The test asks something else than was foreseen; it must be run anew, call by call."""


class Proxy:
    """Stands for the candidate's function: encodes arguments, decodes results."""

    def __init__(
        self, channel: socket.socket, foreseen: Recording | None = None, in_json: bool = False
    ) -> None:
        """Talk to the candidate over `channel`; it has been sent the calls of `foreseen`.

        Drivers in other languages are sent JSON, ours is sent marshal.
        """
        self.channel = channel
        self.foreseen = foreseen.calls if foreseen else []
        self.in_json = in_json
        self.gone = ""
        self.broke_protocol = False
        self.diverged = False
        self.raised: Exception | None = None
        self.raised_kind = ""
        self.raised_detail = ""
        self.last_result: Any = None
        self.calls = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the candidate with copies of the arguments."""
        if self.gone:
            raise CandidateGoneError(self.gone)
        if self.calls < len(self.foreseen):
            if self.diverged or marshal_call(args, kwargs) != self.foreseen[self.calls]:
                self.diverged = True
                raise DivergedError
        else:
            tree = encode_call(args, kwargs)
            self.ask([tree] if self.in_json else [marshal_call(args, kwargs) or tree])
        self.calls += 1
        reply = self.receive()
        if "value" in reply:
            try:
                self.last_result = codec.decode(reply["value"])
            except codec.CodecError as error:
                self.violated(str(error))
            return self.last_result
        if not (_is_text(reply.get("raised")) and _is_text(reply.get("detail"))):
            self.violated("neither a value nor an exception")
        return self.fail(reply["raised"], reply["detail"])

    def ask(self, calls: list[Any]) -> None:
        """Send calls. Raises: CandidateGoneError."""
        try:
            if self.in_json:
                wire.send(self.channel, {"calls": calls}, wire.MAX_JOB)
            else:
                wire.send_job(self.channel, calls)
        except wire.ClosedError:
            self.leave("")
        except (wire.WireError, OSError) as error:
            self.leave(str(error))

    def receive(self) -> dict[str, Any]:
        """Return the next message of the candidate. Raises: CandidateGoneError."""
        return self.read(lambda: wire.receive(self.channel))

    def read(self, receive: Callable[[], Any]) -> dict[str, Any]:
        """Return the message that `receive` reads. Raises: CandidateGoneError."""
        try:
            reply = receive()
        except wire.ClosedError:
            self.leave("")
        except wire.WireError as error:
            self.violated(str(error))
        except OSError as error:
            self.leave(str(error))
        if type(reply) is not dict:
            self.violated("not a message")
        return dict(reply)

    def fail(self, kind: str, detail: str) -> Never:
        """Raise what the candidate raised, as the built-in exception of that name if any."""
        known = getattr(builtins, kind, None)
        usable = isinstance(known, type) and issubclass(known, Exception)
        # these would not fail a test, but end its loops
        usable = usable and kind not in ("StopIteration", "StopAsyncIteration")
        try:
            self.raised = known(detail) if usable and known else CandidateError(detail)
        except TypeError:  # UnicodeDecodeError and its kin want more arguments
            self.raised = CandidateError(detail)
        self.raised_kind, self.raised_detail = kind, detail
        raise self.raised

    def violated(self, why: str) -> Never:
        """Note that the candidate sent what is not an answer."""
        self.broke_protocol = True
        self.leave(f"broke the protocol: {why}")

    def leave(self, why: str) -> Never:
        """Note that the candidate is gone, for good."""
        self.gone = why or "the process ended"
        raise CandidateGoneError(self.gone)


def _is_text(value: Any) -> bool:
    return type(value) is str
