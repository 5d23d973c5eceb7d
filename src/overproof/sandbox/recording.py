"""What a problem's test asks, learnt once from its own reference, so that calls go out together.

The test is run against the reference with every call noted; the candidate then gets all calls in
one message and answers them in order, and the test is run once more over the answers. A test
whose calls depend on the answers is noticed when they differ, and is run call by call.

    Recording.of(prompt, reference, test, entry_point).calls
"""

import contextlib
import importlib
import marshal
import opcode
import random
import signal
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

from overproof.sandbox import codec

_MAX_CALLS = 4096
_MAX_BYTES = 2 << 20
_SECONDS = 0.008
"""CPU time for a recording: what a slow reference saves in messages, it would cost in computing."""
PATIENT_SECONDS = 10.0
"""The same where the reference's results are needed: to say which type an answer should have."""
THINKING_SECONDS = 15.0
"""CPU time of the oracle over one program's answers: what they hold may keep a test busy."""
MAX_STARTS = 64
"""How often a program that cannot read is started anew, each time with one call more."""
_KEPT = 256
_PLAIN = (type(None), bool, int, float, complex, str, bytes)
_IMPORT = opcode.opmap["IMPORT_NAME"]
_BYTES_TAG = b"s"
"""How marshal begins bytes, and whatever else has a buffer: only the former are meant."""


class ProblemError(Exception):
    """The dataset's own code is at fault; never the program's."""


class LiveObjectError(ProblemError):
    """The test passes something that is not plain data, so it must run inside."""


class EnoughError(BaseException):
    """What we do for a program has taken long enough; no test may swallow this."""


@dataclass
class Recording:
    """A problem's test, ready to be run, and what is known of its calls."""

    codes: tuple[types.CodeType, ...] = ()
    """The prompt with its reference, and the test, compiled."""
    calls: list[bytes] = field(default_factory=list)
    """The marshalled arguments of each call, in order; maybe not of all."""
    results: list[bytes] = field(default_factory=list)
    """What the reference returned for each call, as `marshal_result` writes it; empty bytes where
    that is not known. Only kept for other languages."""
    reference: Callable[..., Any] | None = None
    """The canonical function, where there is one."""
    fault: str = ""
    """Why the problem's own code cannot be used; empty if it can."""
    inside: bool = False
    """Whether arguments or the reference's results are live objects."""

    @staticmethod
    def of(
        prompt: str, reference: str, test: str, entry_point: str, with_results: bool = False
    ) -> "Recording":
        """Return the recording of a problem; made once, then remembered.

        `entry_point` may be the name in a renamed variant; the reference's own is then found.
        """
        return _record(prompt, reference, test, entry_point, with_results)

    def check(self) -> Callable[[Any], Any]:
        """Return the test's `check`, in a namespace of its own."""
        space: dict[str, Any] = {"__name__": "oracle"}
        for code in self.codes:
            exec(code, space)
        return space["check"]  # type: ignore[no-any-return]

    def result(self, number: int, call: bytes) -> bytes:
        """Return what the reference returns for a call, marshalled; empty bytes if not known."""
        if number < len(self.calls) and self.calls[number] == call:
            return self.results[number]
        found = b""
        if self.reference is not None and call:
            with limited_seconds(PATIENT_SECONDS), contextlib.suppress(Exception, EnoughError):
                args, kwargs = marshal.loads(call)
                found = marshal_result(self.reference(*args, **kwargs))
        return found


def marshal_call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
    """Return bytes that are equal only for equal arguments of equal types.

    Empty if some argument is not of a plain type, such as a named tuple or an iterator.
    """
    try:
        content = marshal.dumps((args, kwargs), 2)
    except ValueError:
        return b""
    if _BYTES_TAG in content and not (_is_plain(args) and _is_plain(kwargs)):
        return b""
    return content


def marshal_result(result: Any) -> bytes:
    """Return a result as bytes, from which `unmarshal_result` makes copies; as `marshal_call`."""
    return marshal_call((result,), {})


def unmarshal_result(content: bytes) -> Any:
    """Return a copy of what `marshal_result` was given."""
    return marshal.loads(content)[0][0]


def encode_call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the message that asks for this call. Raises: ProblemError, LiveObjectError."""
    call: dict[str, Any] = {"args": [_encode_argument(value) for value in args]}
    if kwargs:
        call["kwargs"] = {name: _encode_argument(value) for name, value in kwargs.items()}
    return call


@lru_cache(maxsize=_KEPT)
def _record(
    prompt: str, reference: str, test: str, entry_point: str, with_results: bool
) -> Recording:
    recording = Recording()
    space: dict[str, Any] = {"__name__": "oracle"}
    try:
        random.seed(0)
        recording.codes = (
            _compile_prompt(prompt, reference),
            compile(test, "<test>", "exec"),
        )
        exec(recording.codes[0], space)
        function = _reference(space, entry_point) if reference.strip() else None
        exec(recording.codes[1], space)
        check = space["check"]
    except Exception as error:
        recording.fault = f"the problem's own code: {type(error).__name__}: {str(error)[:150]}"
        return recording
    if function is not None:
        recording.reference = function
        recording.inside = isinstance(function, type)
        seconds = PATIENT_SECONDS if with_results else _SECONDS
        for code in recording.codes:
            _load_imports(code)
        with limited_seconds(seconds), contextlib.suppress(Exception, EnoughError):
            random.seed(0)
            check(_listener(recording, function, seconds, with_results))
    return recording


def _load_imports(code: types.CodeType) -> None:
    """Load what the dataset's own functions import, before a recording is timed.

    A package with compiled parts, such as numpy, that is interrupted in its import cannot be
    imported again in the same process.
    """
    for inner in code.co_consts:
        if not isinstance(inner, types.CodeType):
            continue
        if _IMPORT in inner.co_code[::2]:
            import dis

            for step in dis.get_instructions(inner):
                if step.opcode == _IMPORT:
                    with contextlib.suppress(Exception):  # who asks for it will say what is amiss
                        importlib.import_module(step.argval)
        _load_imports(inner)


def _compile_prompt(prompt: str, reference: str) -> types.CodeType:
    """Compile the prompt with its canonical body, or with none where there is none."""
    try:
        return compile(prompt + reference, "<prompt>", "exec")
    except SyntaxError:
        if reference.strip():
            raise
        return compile(f"{prompt.rstrip()}\n    pass\n", "<prompt>", "exec")


def _reference(space: dict[str, Any], entry_point: str) -> Callable[..., Any] | None:
    """Return the canonical function: the one of that name, else the last that was defined."""
    named = space.get(entry_point)
    if callable(named):
        return cast(Callable[..., Any], named)
    functions = [value for value in space.values() if isinstance(value, types.FunctionType)]
    return functions[-1] if functions else None


def _listener(
    recording: Recording, function: Callable[..., Any], seconds: float, with_results: bool
) -> Callable[..., Any]:
    """Return the reference with ears: it notes each call, then answers it."""
    size = 0
    deadline = time.process_time() + seconds

    def listen(*args: Any, **kwargs: Any) -> Any:
        nonlocal size
        if recording.inside or len(recording.calls) == _MAX_CALLS or size > _MAX_BYTES:
            raise EnoughError
        if time.process_time() > deadline:
            raise EnoughError
        call = marshal_call(args, kwargs)
        try:
            encode_call(args, kwargs)  # for what it refuses
        except LiveObjectError:
            recording.inside = True
            raise EnoughError from None
        if not call:
            raise EnoughError
        size += len(call)
        recording.calls.append(call)
        recording.results.append(b"")
        args, kwargs = marshal.loads(call)
        result = function(*args, **kwargs)
        recording.inside = _is_live(result)
        if with_results:
            recording.results[-1] = marshal_result(result)
            size += len(recording.results[-1])
        return result

    return listen


def _is_live(result: Any) -> bool:
    """Return whether a reference's result cannot be sent as plain data."""
    try:
        return codec.holds_opaque(codec.encode(result))
    except codec.CodecError:
        return False


def _is_plain(value: Any) -> bool:
    """Return whether a value that marshal takes holds nothing but what it gives back as it was."""
    kind = type(value)
    if kind in _PLAIN:
        return True
    if kind in (list, tuple, set, frozenset):
        return all(map(_is_plain, value))
    return kind is dict and all(_is_plain(key) and _is_plain(item) for key, item in value.items())


def _encode_argument(value: Any) -> Any:
    try:
        tree = codec.encode(value)
    except codec.ReturnedError:
        raise  # the program's fault: no test could do anything with it
    except codec.CodecError as error:
        raise ProblemError(f"an argument cannot be sent: {error}") from None
    if codec.holds_opaque(tree):
        raise LiveObjectError(f"an argument of type {type(value).__name__} cannot be sent")
    return tree


@contextlib.contextmanager
def limited_seconds(seconds: float) -> Iterator[None]:
    """Stop what takes more CPU time: a reference, or the reading of a program.

    Raises: EnoughError.
    """

    def stop(*_: Any) -> None:
        raise EnoughError

    try:
        before = signal.signal(signal.SIGVTALRM, stop)
    except ValueError:  # in a thread of somebody's program, not in an oracle: no limit then
        yield
        return
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
