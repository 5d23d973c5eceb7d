"""The codec: exact types survive, nothing else does, and no message can do harm."""

import collections
import datetime
import enum
import itertools
import json
import socket
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from overproof.sandbox import wire
from overproof.sandbox.codec import (
    MAX_DEPTH,
    MAX_NODES,
    CodecError,
    Opaque,
    ReturnedError,
    decode,
    encode,
)
from overproof.sandbox.examples import same

HASHABLE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers()
    | st.text(st.characters(exclude_categories=())) | st.binary(),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=4),
    max_leaves=6,
)  # fmt: skip
VALUES = st.recursive(
    HASHABLE,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(HASHABLE, inner, max_size=4)
        | st.sets(HASHABLE, max_size=4)
    ),
    max_leaves=12,
)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["int", "bytes", "tuple", "set", "dict", "complex", "opaque", "iterator"]
            )
            | st.text(max_size=3),
            inner,
            max_size=2,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@example(frozenset([float("nan"), float("inf") - float("inf")]))
@given(VALUES)
def test_round_trip_keeps_value_and_types(value: Any) -> None:
    there = decode(json.loads(json.dumps(encode(value))))
    assert repr_sorted(there) == repr_sorted(value)


def repr_sorted(value: Any) -> str:
    """Return a text that is equal only for equal values of equal types, nan and -0.0 included."""
    if isinstance(value, set | frozenset):
        return f"{type(value).__name__}{sorted(map(repr_sorted, value))}"
    if isinstance(value, dict):
        return str([(repr_sorted(key), repr_sorted(item)) for key, item in value.items()])
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}{[repr_sorted(item) for item in value]}"
    return hex(value) if type(value) is int else repr(value)


@settings(max_examples=60, deadline=None)
@given(TREES)
def test_a_message_decodes_to_plain_data_or_is_refused(tree: Any) -> None:
    try:
        value = decode(tree)
    except CodecError:
        return
    check_plain(value)


def check_plain(value: Any) -> None:
    """Fail if anything in `value` is not of exactly one of the types that may cross."""
    if type(value) in (list, tuple, set, frozenset, type(iter([]))):
        for item in value:
            check_plain(item)
    elif type(value) is dict:
        check_plain([*value, *value.values()])
    else:
        plain = (bool, int, float, complex, str, bytes, Opaque)
        assert value is None or type(value) in plain


class Liar(int):
    def __eq__(self, other: object) -> bool:
        raise AssertionError("called")

    __hash__ = int.__hash__
    __add__ = __index__ = __int__ = __repr__ = __str__ = __eq__  # type: ignore


class Rows(list):  # type: ignore[type-arg]
    def __iter__(self) -> Any:
        raise AssertionError("called")

    __len__ = __getitem__ = __eq__ = __iter__  # type: ignore


class Table(dict):  # type: ignore[type-arg]
    def items(self) -> Any:
        raise AssertionError("called")

    __iter__ = keys = values = __len__ = items  # type: ignore


class Text(str):
    def __str__(self) -> str:
        raise AssertionError("called")

    __eq__ = __iter__ = encode = __str__  # type: ignore
    __hash__ = str.__hash__


class Colour(enum.IntEnum):
    red = 3


POINT = collections.namedtuple("POINT", "x y")(1, 2)


FLATTENED: dict[str, tuple[Any, Any]] = {
    "int": (Liar(7), 7),
    "list": (Rows([1, Rows([2])]), [1, [2]]),
    "dict": (Table({1: Table()}), {1: {}}),
    "str": (Text("abc"), "abc"),
    "enum": (Colour.red, 3),
    "namedtuple": (POINT, (1, 2)),
    "ordered": (collections.OrderedDict(a=1), {"a": 1}),
    "counter": (collections.Counter("aab"), {"a": 2, "b": 1}),
    "float": (type("F", (float,), {})(-0.0), -0.0),
    "bytes": (type("B", (bytes,), {})(b"x"), b"x"),
    "frozenset": (type("S", (frozenset,), {})({1}), frozenset({1})),
    "complex": (type("C", (complex,), {})(1j), 1j),
}


@pytest.mark.parametrize("name", FLATTENED)
def test_a_subclass_is_flattened_without_its_methods(name: str) -> None:
    value, plain = FLATTENED[name]
    there = decode(json.loads(json.dumps(encode(value))))
    assert repr_sorted(there) == repr_sorted(plain)


@pytest.mark.parametrize("value", [object(), print, int, memoryview(b"x"), range, ...])
def test_anything_else_is_opaque_and_equals_nothing(value: Any) -> None:
    there = decode(encode(value))
    assert type(there) is Opaque
    assert there != there
    assert there not in (value, 0, None, True, "", [])
    with pytest.raises(TypeError, match="truth"):
        bool(there)


STANDARD: list[Any] = [
    bytearray(b"x"),
    collections.deque([1, [2]], maxlen=3),
    Fraction(-2, 3),
    Decimal("1.50"),
    datetime.date(2000, 2, 3),
    datetime.datetime(2000, 2, 3, 4, 5, 6, 7),
    datetime.time(4, 5),
    datetime.timedelta(days=-1, microseconds=3),
    range(3, 20, 4),
]


@pytest.mark.parametrize("value", STANDARD, ids=lambda value: type(value).__name__)
def test_types_of_the_standard_library_come_out_as_they_were(value: Any) -> None:
    there = decode(json.loads(json.dumps(encode(value))))
    assert type(there) is type(value)
    assert there == value
    assert getattr(there, "maxlen", None) == getattr(value, "maxlen", None)


def test_views_of_dicts_keep_their_kind() -> None:
    value = {"a": 1, "b": [2]}
    for view in (value.keys(), value.items(), value.values()):
        there = decode(json.loads(json.dumps(encode(view))))
        assert type(there) is type(view)
        assert list(there) == list(view)


def test_an_opaque_result_cannot_be_passed_back() -> None:
    with pytest.raises(ReturnedError, match="passed back"):
        encode([Opaque("x")])


def test_what_is_let_in_can_go_out_again() -> None:
    deep: Any = []
    for _ in range(MAX_DEPTH + 1):
        deep = [deep]
    with pytest.raises(CodecError, match="deeper"):
        decode(deep)
    with pytest.raises(CodecError, match="more than"):
        decode([0] * (MAX_NODES + 1))


def test_hostile_keys_and_numbers_are_refused() -> None:
    same_hash = (
        [{"int": hex(n * (2**61 - 1))} for n in range(100)],
        [{"complex": [-1000003.0 * n, float(n)]} for n in range(100)],
        [{"tuple": pair} for pair in _pairs_of_one_hash(100)],
    )
    for keys in same_hash:
        for tree in ({"set": keys}, {"dict": [[key, 1] for key in keys]}, {"keys": keys}):
            with pytest.raises(CodecError, match="one hash"):
                decode(tree)
    assert len(decode({"set": [{"int": hex(2**70 + n)} for n in range(5000)]})) == 5000
    with pytest.raises(CodecError, match="digits"):
        decode({"fraction": [{"int": "0x" + "7" * 100_000}, 3]})
    with pytest.raises(CodecError, match="range"):
        decode({"range": [0, 10**40, 1]})
    for text in ("1e999999999", "1" * 2000, "x"):
        with pytest.raises(CodecError):
            decode({"decimal": text})
    for tree in ({"fraction": [1, 0]}, {"items": [{"tuple": []}]}, {"items": [1]}):
        with pytest.raises(CodecError):
            decode(tree)


def _pairs_of_one_hash(count: int) -> list[list[int]]:
    """Return pairs for tuples of one hash, by turning CPython's hash of tuples around."""
    mask, first, step = 2**64 - 1, 2870177450012600261, 14029467366897019727
    pairs: list[list[int]] = []
    for number in itertools.count():
        mixed = (first + number * step) & mask
        mixed = ((mixed << 31 | mixed >> 33) & mask) * 11400714785074694791 & mask
        other = (12345 - mixed) * pow(step, -1, 2**64) & mask
        if other < 2**61 - 1:
            pairs.append([number, other])
        if len(pairs) == count:
            break
    assert len({hash(tuple(pair)) for pair in pairs}) == 1
    return pairs


def test_iterators_become_iterators() -> None:
    for value in (
        iter([1, 2]),
        (x for x in (1, 2)),
        map(abs, (1, 2)),
    ):
        assert list(decode(encode(value))) == [1, 2]


def test_numpy_scalars_become_plain() -> None:
    numpy = pytest.importorskip("numpy")
    for value, plain in ((numpy.int64(3), 3), (numpy.float32(0.5), 0.5), (numpy.bool_(True), True)):
        assert same(decode(encode(value)), plain)
    assert type(decode(encode(numpy.array([1])))) is Opaque


def test_depth_and_size_are_capped() -> None:
    deep: list[Any] = []
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert decode(encode(deep)) == deep
    with pytest.raises(CodecError, match="deeper"):
        encode([deep])
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    with pytest.raises(CodecError, match="deeper"):
        encode(cyclic)
    with pytest.raises(CodecError, match="more than"):
        encode([0] * (MAX_NODES + 1))
    with pytest.raises(CodecError, match="deeper"):
        decode([[[deep]]])


def test_wire_refuses_what_is_too_large_or_not_json() -> None:
    left, right = socket.socketpair()
    with left, right:
        with pytest.raises(wire.WireError, match="at most"):
            wire.send(left, "x" * 100, limit=50)
        left.sendall((1 << 30).to_bytes(4, "little"))
        with pytest.raises(wire.WireError, match="announced"):
            wire.receive(right)
        for content in (b"{", b"\xff", b"[" * 100_000, b"9" * 10_000):
            left.sendall(len(content).to_bytes(4, "little") + content)
            with pytest.raises(wire.WireError, match="not JSON"):
                wire.receive(right)
        left.sendall(b"\x05\0\0\0x")
        left.close()
        with pytest.raises(wire.ClosedError):
            wire.receive(right)
        with pytest.raises(wire.ClosedError):
            wire.send(right, {})
