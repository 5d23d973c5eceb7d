"""What a language cannot tell apart is put in the meant type; nothing else, never the value."""

import math
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overproof.languages import NAMES, load_language
from overproof.languages.conform import conform
from overproof.languages.language import Conflation

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)
EVERYTHING = frozenset(get_args(Conflation))


@given(PLAIN)
def test_a_right_answer_stays_right(value: Any) -> None:
    for conflates in (frozenset(), *(load_language(name).conflates for name in NAMES)):
        assert conform(value, value, conflates) == value


@given(PLAIN, PLAIN)
def test_without_conflation_nothing_changes(value: Any, expected: Any) -> None:
    assert conform(value, expected, frozenset()) == value


@given(st.integers(), st.integers())
def test_a_wrong_number_stays_wrong(value: int, expected: int) -> None:
    for shown in (value, str(value)):
        assert (conform(shown, expected, EVERYTHING) == expected) == (value == expected)


@given(st.text(), st.text())
def test_a_wrong_text_stays_wrong(value: str, expected: str) -> None:
    assert (conform(value, expected, EVERYTHING) == expected) == (value == expected)


@pytest.mark.parametrize(
    ("value", "expected", "conflates", "result"),
    [
        ([1, 2], (1, 2), {"tuple_list"}, (1, 2)),
        ([[1], [2]], [(1,), (2,)], {"tuple_list"}, [(1,), (2,)]),
        ([1, 2, 3], (1, 2), {"tuple_list"}, (1, 2, 3)),
        (3.0, 3, {"int_float"}, 3),
        (3.5, 3, {"int_float"}, 3.5),
        (1, True, {"bool_int"}, True),
        ("", False, {"bool_int"}, False),
        ("2", True, {"bool_int"}, "2"),
        ("12", 12, {"number_str"}, 12),
        ("12.5", 12.5, {"text"}, 12.5),
        (12, "12", {"number_str"}, "12"),
        ([], {}, {"dict_list"}, {}),
        ({}, [], {"dict_list"}, []),
        ([2, 1], {1, 2}, {"set_list"}, {1, 2}),
        ([1, 1, 2], {1, 2}, {"set_list"}, [1, 1, 2]),
        ({1, 2}, [1, 2], {"tuple_list"}, {1, 2}),
        ({1, 2}, [1, 2], {"set_list"}, [1, 2]),
        ({"1": 3, "01": 2}, {1: 2}, {"number_str"}, {"1": 3, "01": 2}),
        ("nil", None, {"none_str"}, None),
        ("x", None, {"none_str"}, "x"),
        ({"1": "2"}, {1: 2}, {"number_str"}, {1: 2}),
        ({"1": "3"}, {1: 2}, {"number_str"}, {1: 3}),
    ],
)
def test_what_is_conflated_is_put_right(
    value: Any, expected: Any, conflates: set[str], result: Any
) -> None:
    found = conform(value, expected, conflates)
    assert found == result
    assert type(found) is type(result)


def test_keys_that_would_share_one_hash_stay_what_they_are() -> None:
    texts = [str(n * (2**61 - 1)) for n in range(5000)]
    assert conform(dict.fromkeys(texts, 1), {1: 1}, EVERYTHING) == dict.fromkeys(texts, 1)
    assert conform(texts, {1}, EVERYTHING) == texts


def test_a_number_that_is_none_stays_none() -> None:
    assert math.isnan(conform(math.nan, 3, EVERYTHING))
    assert conform(math.inf, 3, EVERYTHING) == math.inf
