"""What `fuzz_sandbox.py` feeds with bytes: the code that reads what a hostile program sends.

Every target returns for any bytes at all, or raises `Found`, or lets an exception out that its
subject does not document: the fuzzer takes either for a crash. A target without atheris:

    PYTHONPATH=src:tools python -c "import fuzz_targets; fuzz_targets.run(open('FILE','rb').read())"
"""

import collections
import contextlib
import datetime
import itertools
import json
import secrets
import socket
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

from overproof.sandbox import codec, judge, wire
from overproof.sandbox.proxy import CandidateGoneError, Proxy
from overproof.sandbox.recording import marshal_call

SECRET = secrets.token_hex(16)
"""What the test expects; no input can know it."""
_TAGS = (
    *("int", "bytes", "opaque", "complex", "dict", "tuple", "set", "frozenset", "iterator", "x"),
    *("keys", "values", "items", "range", "bytearray", "deque", "fraction", "decimal"),
    *("date", "datetime", "time", "timedelta"),
)
_TESTS = (
    f"assert candidate(1) and candidate(2) == {SECRET!r}",
    f"assert abs(candidate(1) - 0.5) < 9 and sorted(candidate(2)) == [{SECRET!r}]",
    f"assert len(candidate(1)[0]) and candidate(2) in ({SECRET!r},)",
    f"try: candidate(1)\n    except: pass\n    assert {SECRET!r} == candidate(2)",
)
"""Bodies of tests that no result satisfies unless it holds the secret."""
_PLAIN = (
    *(type(None), bool, int, float, str, bytes, complex, codec.Opaque, range, bytearray),
    *(Fraction, Decimal, datetime.date, datetime.datetime, datetime.time, datetime.timedelta),
)
_CONTAINERS: tuple[type, ...] = (
    *(list, tuple, set, frozenset, type(iter([])), collections.deque),
    *(type({}.keys()), type({}.values()), type({}.items())),
)
_MAX_DEPTH = 8


class Found(Exception):  # noqa: N818 - it is what a fuzzer looks for
    """Something that must not be."""


class Source:
    """Turns bytes into choices; at their end every choice is the first one."""

    def __init__(self, content: bytes) -> None:
        """Read `content` from the start."""
        self.content = content
        self.place = 0

    def take(self, count: int) -> bytes:
        """Return up to `count` bytes."""
        self.place += count
        return self.content[self.place - count : self.place]

    def below(self, bound: int) -> int:
        """Return a number in [0, bound), bound being at most 256."""
        return int.from_bytes(self.take(1), "little") % bound

    def text(self) -> str:
        """Return a short text."""
        return self.take(self.below(24)).decode("utf-8", "replace")

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(len(self.content))


def run(content: bytes) -> None:
    """Give the bytes to the target that the first of them names."""
    source = Source(content)
    TARGETS[source.below(len(TARGETS))](source)


def decode_json(source: Source) -> None:
    """Decode whatever JSON the bytes are."""
    try:
        tree = wire.unpack(source.rest())
    except wire.WireError:
        return
    decode(tree)


def decode_tree(source: Source) -> None:
    """Decode a tree that looks like one of ours."""
    decode(build_tree(source, 0))


def decode(tree: Any) -> None:
    """Decode, and look at what comes out; it must also be fit to be sent on."""
    try:
        value = codec.decode(tree)
    except codec.CodecError:
        return
    with contextlib.suppress(codec.CodecError):
        codec.encode(value)
    check_plain(codec.decode(tree))


def check_plain(value: Any) -> None:
    """Raise Found if a decoded value holds anything but plain data."""
    kind = type(value)
    if kind is dict:
        value = [item for pair in value.items() for item in pair]
    elif kind in _PLAIN:
        return
    elif kind not in _CONTAINERS:
        raise Found(f"decoded to a {kind}")
    for item in value:
        check_plain(item)


def receive(source: Source) -> None:
    """Read messages from a peer that sends bytes and leaves."""
    with peer(source.rest()) as channel, contextlib.suppress(wire.WireError):
        while True:
            wire.receive(channel)


def receive_with(source: Source) -> None:
    """Read a message that may come with descriptors."""
    with peer(source.rest()) as channel, contextlib.suppress(wire.WireError):
        wire.receive_with(channel, wire.MAX_MESSAGE, 1)


def call_raw(source: Source) -> None:
    """Call a candidate that answers with bytes."""
    call(source.below(4), source.rest())


def call_messages(source: Source) -> None:
    """Call a candidate that answers with messages that look like ours."""
    call(source.below(4), build_replies(source))


def call(foreseen: int, answers: bytes) -> None:
    """Call until the candidate is gone: only what the proxy documents may come out.

    The first `foreseen` calls count as sent already.
    """
    with peer(answers) as channel:
        calls = [marshal_call((1, [2.5]), {"key": "text"})] * foreseen
        proxy = Proxy(channel, calls)
        for _ in range(8):
            try:
                check_plain(proxy(1, [2.5], key="text"))
            except CandidateGoneError:
                if not proxy.gone:
                    raise Found("gone, and the proxy does not know") from None
            except Exception as error:
                if error is not proxy.raised:
                    raise


def judge_test(source: Source) -> None:
    """Judge by a test: there is a finding, and it is not that the program is right."""
    test = f"def check(candidate):\n    {_TESTS[source.below(len(_TESTS))]}\n"
    space: dict[str, Any] = {}
    exec(test, space)
    judged(source, lambda proxy: judge.run_check(proxy, space["check"], test))


def judge_examples(source: Source) -> None:
    """Judge by worked examples, as `judge_test`."""
    examples = [["f(1)", repr(SECRET)], ["f(2)", "3"]]
    judged(source, lambda proxy: judge.run_examples(proxy, examples, "f"))


def judged(source: Source, run_test: Callable[[Proxy], judge.Finding]) -> None:
    """Let a test run against answers that cannot be right."""
    with peer(build_replies(source)) as channel:
        try:
            finding = run_test(Proxy(channel))
        except CandidateGoneError:
            return
    if finding.status == "passed":
        raise Found("passed without knowing the answer")
    judge.one_line(finding.detail).encode()


def judge_reports(source: Source) -> None:
    """Read what a program reports about loading, or about a test that ran inside it."""
    names = ("failed", "status", "detail", "loaded")
    count = source.below(4)
    reply = {names[source.below(len(names))]: build_tree(source, 0) for _ in range(count)}
    for finding in (judge.refused_load(reply), judge.judged_inside(reply)):
        judge.one_line(finding.detail).encode()


def round_trip(source: Source) -> None:
    """Send plain data through codec and wire: it must come out as what it was."""
    value = build_value(source, 0)
    try:
        tree = codec.encode(value)
    except codec.CodecError as error:
        raise Found(f"could not be encoded: {error}") from None
    back = codec.decode(wire.unpack(wire.pack(tree)[4:]))
    if spell(back) != spell(value):
        raise Found(f"{spell(value)} came back as {spell(back)}")


@contextlib.contextmanager
def peer(content: bytes) -> Iterator[socket.socket]:
    """Yield a channel whose other side has sent these bytes, and sends no more, but still reads."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(content)
        theirs.shutdown(socket.SHUT_WR)
        yield ours


def build_replies(source: Source) -> bytes:
    """Return what a candidate answers: bytes, or a few messages that are nearly right in form."""
    if source.below(4) == 0:
        return source.rest()
    kinds = ("value", "raised", "both", "raw")
    content = b""
    for _ in range(source.below(4)):
        kind = kinds[source.below(len(kinds))]
        reply: Any = {"value": build_tree(source, 0)}
        if kind == "raised":
            reply = {"raised": build_name(source), "detail": source.text()}
        elif kind == "both":
            reply = {build_name(source): build_tree(source, 0), "raised": build_tree(source, 4)}
        elif kind == "raw":
            reply = build_tree(source, 0)
        content += wire.pack(reply)
    return content + source.take(source.below(8))


def build_name(source: Source) -> str:
    """Return a name that may be one of the built-in exceptions."""
    names = ("ValueError", "StopIteration", "KeyError", "UnicodeDecodeError", "ExceptionGroup")
    choice = source.below(len(names) + 3)
    return names[choice] if choice < len(names) else source.text()


def build_tree(source: Source, depth: int) -> Any:
    """Return a tree of the codec, maybe with a fault."""
    kind = source.below(12)
    if kind < 5 or depth > _MAX_DEPTH:
        return build_leaf(source)
    children = [build_tree(source, depth + 1) for _ in range(source.below(4))]
    if kind < 7:
        return children
    if kind == 8 and depth < 2:
        return {source.text(): child for child in children}
    tag = _TAGS[source.below(len(_TAGS))]
    if kind == 7:
        return {tag: build_leaf(source)}
    if tag == "dict" and kind < 11:
        return {tag: [[key, value] for key, value in itertools.pairwise(children)]}
    return {tag: children}


def build_leaf(source: Source) -> Any:
    """Return a leaf of a tree."""
    leaves: tuple[Callable[[], Any], ...] = (
        lambda: None,
        lambda: bool(source.below(2)),
        lambda: int.from_bytes(source.take(source.below(12)), "little", signed=True),
        lambda: source.below(256) / 7 - 9,
        source.text,
        lambda: source.take(source.below(9)).hex(),
        lambda: (float("inf"), float("-inf"), float("nan"), -0.0)[source.below(4)],
    )
    return leaves[source.below(len(leaves))]()


def build_value(source: Source, depth: int) -> Any:
    """Return plain data of every kind that the codec keeps.

    Texts hold no lone surrogates: JSON reads two of them in a row as one character.
    """
    kind = source.below(14)
    if kind < 7 or depth > _MAX_DEPTH:
        return build_scalar(source)
    if kind < 10:
        makers: tuple[Callable[[list[Any]], Any], ...] = (list, tuple)
        items = [build_value(source, depth + 1) for _ in range(source.below(5))]
        return makers[kind % 2](items)
    keys = [build_key(source, 0) for _ in range(source.below(5))]
    if kind < 12:
        return {key: build_value(source, depth + 1) for key in keys}
    return set(keys) if kind == 12 else frozenset(keys)


def build_key(source: Source, depth: int) -> Any:
    """Return plain data that can be hashed; not NaN, of which JSON makes one object for all."""
    if source.below(4) or depth > 3:
        scalar = build_scalar(source)
        return None if scalar != scalar else scalar
    items = [build_key(source, depth + 1) for _ in range(source.below(4))]
    return frozenset(items) if source.below(2) else tuple(items)


def build_scalar(source: Source) -> Any:
    """Return a number, text or bytes."""
    choice = source.below(4)
    if choice == 0:
        return source.take(source.below(24))
    if choice == 1:
        return complex(source.below(9), -source.below(9))
    if choice == 2:
        return int.from_bytes(source.take(source.below(40)), "little", signed=True)
    return build_leaf(source)


def spell(value: Any) -> str:
    """Return a text that is the same only for the same types and values, sets in order."""
    kind = type(value)
    if kind is dict:
        return f"dict({', '.join(f'{spell(key)}: {spell(v)}' for key, v in value.items())})"
    if kind in (list, tuple):
        return f"{kind.__name__}({', '.join(map(spell, value))})"
    if kind in (set, frozenset):
        return f"{kind.__name__}({', '.join(sorted(map(spell, value)))})"
    if kind is int:
        return hex(value)
    return f"{kind.__name__} {value!r}"


def seeds() -> list[bytes]:
    """Return inputs to begin with, several for each target."""
    values: list[Any] = [
        {"dict": [["a", {"tuple": [1, 2.5, None]}]]},
        {"int": "-0x8000000000000000"},
        {"complex": [1.0, -0.0]},
        {"set": [{"frozenset": [True]}, {"bytes": "00ff"}]},
        {"opaque": "object"},
        {"iterator": ["text"]},
    ]
    replies = [{"value": value} for value in values]
    replies.insert(1, {"raised": "ValueError", "detail": "no"})
    wired = b"".join(map(wire.pack, replies))
    opaque = b"".join([wire.pack(replies[5])] * 3)
    texts = [json.dumps(value).encode() for value in values]
    texts += [b"[" * depth + b"]" * depth for depth in (100, 102, 103, 4000)]
    inputs = []
    for target in (bytes([number]) for number in range(len(TARGETS))):
        inputs += [target + text for text in texts]
        inputs += [target + choices + wired for choices in (b"", b"\0", b"\1", b"\0\0")]
        inputs += [target + bytes([test, 0]) + opaque for test in range(len(_TESTS))]
        inputs += [target + bytes(range(step, 256, step)) for step in (1, 3, 7, 11)]
    return inputs


TARGETS: tuple[Callable[[Source], None], ...] = (
    decode_json,
    decode_tree,
    receive,
    receive_with,
    call_raw,
    call_messages,
    judge_test,
    judge_examples,
    judge_reports,
    round_trip,
)
