"""Types: joining is a least upper bound; what fits a type stays within it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overproof.languages.types import (
    ANY,
    BOOL,
    FLOAT,
    INT,
    NONE,
    STR,
    UNKNOWN,
    Type,
    fits,
    join,
    list_of,
    settled,
    type_of,
)

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=8,
)


@given(PLAIN, PLAIN)
def test_both_values_fit_the_joined_type(first: object, second: object) -> None:
    joined = join(type_of(first), type_of(second))
    assert fits(first, joined)
    assert fits(second, joined)


@given(PLAIN, PLAIN)
def test_joining_is_commutative_and_idempotent(first: object, second: object) -> None:
    one, other = type_of(first), type_of(second)
    assert join(one, other) == join(other, one)
    assert join(one, one) == one
    assert join(one, UNKNOWN) == one


@given(PLAIN)
def test_a_settled_type_holds_no_unknown(value: object) -> None:
    assert not settled(type_of(value)).holds("unknown")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2.5], "float"),
        ([None, 1, 2.5], "optional[float]"),
        ([True, False], "bool"),
        ([1, "a"], "union[int, str]"),
        ([1, "a", None], "optional[union[int, str]]"),
        ([(1, 2), (3,)], "list[int]"),
        ([(1, 2), (3, 4.5)], "tuple[int, float]"),
        ([[], [1]], "list[int]"),
        ([{"a": 1}, {}], "dict[str, int]"),
        ([[1], "x"], "union[list[int], str]"),
        ([1, "a", [1], {"a": 1}, {1}], "any"),
    ],
)
def test_join_says_what_the_values_have_in_common(values: list[object], expected: str) -> None:
    kind = UNKNOWN
    for value in values:
        kind = join(kind, type_of(value))
    assert str(kind) == expected


def test_only_an_integer_is_taken_for_another_type() -> None:
    assert fits(3, FLOAT) and not fits(3.0, INT)
    assert not fits(True, INT) and not fits(1, BOOL)
    assert fits(None, Type("optional", (STR,))) and not fits(None, STR) and fits(None, NONE)
    assert fits([1, "a"], ANY) and not fits(["a"], list_of(INT))
