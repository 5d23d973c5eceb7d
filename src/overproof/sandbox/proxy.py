"""The stand-in for the candidate's function in the oracle: calls go out, plain values come back.

Arguments are copies, so that a candidate that changes its input changes nothing here. What a
candidate raises becomes the built-in exception of that name, so that tests may expect it.
"""

import builtins
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Never

from overproof.sandbox import codec, wire
from overproof.sandbox.recording import (
    ProblemError,
    encode_call,
    marshal_call,
    marshal_result,
)

if TYPE_CHECKING:  # an oracle that runs Python only needs nothing of other languages
    from overproof.sandbox.answers import Answers


class CandidateError(Exception):
    """What a call to the candidate raised, where no built-in exception has that name."""


class CandidateGoneError(BaseException):
    """The candidate's process ended or broke the protocol; no test may swallow this."""


class DivergedError(BaseException):
    """The test asks something else than was foreseen; it must be run anew."""


class Proxy:
    """Stands for the candidate's function: encodes arguments, decodes results."""

    def __init__(
        self,
        channel: socket.socket,
        foreseen: Sequence[bytes] = (),
        answers: "Answers | None" = None,
    ) -> None:
        """Talk to the candidate over `channel`; it has been sent the calls `foreseen`.

        Drivers in other languages are sent JSON, ours is sent marshal; `answers` says how theirs
        are read.
        """
        self.channel = channel
        self.foreseen = foreseen
        self.answers = answers
        self.made: list[bytes] = []
        """The calls that other languages were sent, in order; the last may have diverged."""
        self.instead = 0
        """How many calls were answered for the program, since its language lacks them."""
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
        if self.answers is not None:
            return self.call_other(self.answers, args, kwargs)
        if self.calls < len(self.foreseen):
            if self.diverged or marshal_call(args, kwargs) != self.foreseen[self.calls]:
                self.diverged = True
                raise DivergedError
        else:
            tree = encode_call(args, kwargs)
            self.ask([marshal_call(args, kwargs) or tree])
        self.calls += 1
        return self.receive_value()

    def call_other(self, answers: "Answers", args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a program of another language."""
        call = marshal_call(args, kwargs)
        number = self.calls + self.instead
        if answers.excludes(number, call):
            self.instead += 1
            return answers.instead(number)
        if not call and not answers.language.reads_calls:
            raise ProblemError("an argument cannot be sent ahead")
        self.made.append(call)
        expected = self.foreseen[self.calls] if self.calls < len(self.foreseen) else None
        if self.diverged or (expected is None and not answers.language.reads_calls):
            self.diverged = True
            raise DivergedError
        if expected is None:
            self.ask([encode_call(args, kwargs)])
        elif call != expected:
            self.diverged = True
            raise DivergedError
        self.calls += 1
        value = answers.read(number, call, self.receive_value())
        if not answers.language.reads_calls and not marshal_result(value):
            self.violated("an answer that is no plain data")  # it could not be sent ahead again
        self.last_result = value
        return value

    def receive_value(self) -> Any:
        """Return the candidate's next answer. Raises: what it raised; CandidateGoneError."""
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
            if self.answers is not None:
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
