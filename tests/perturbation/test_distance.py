"""The bit-parallel edit distance against the textbook recurrence."""

import time

from hypothesis import given
from hypothesis import strategies as st

from overproof.perturbation.distance import edit_distance


def textbook(left: str, right: str) -> int:
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        above, row[0] = row[0], i
        for j, b in enumerate(right, start=1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (a != b))
    return row[-1]


@given(st.text("abc", max_size=14), st.text("abc", max_size=14))
def test_it_is_the_textbook_distance(left: str, right: str) -> None:
    assert edit_distance(left, right) == textbook(left, right)


@given(st.text(max_size=80), st.text(max_size=80))
def test_long_and_odd_texts(left: str, right: str) -> None:
    assert edit_distance(left, right) == textbook(left, right) == edit_distance(right, left)


def test_two_thousand_characters_take_milliseconds() -> None:
    left = "the quick brown fox " * 100
    right = "x" + left.replace("quick", "qwick").replace("o", "0") + "y"
    start = time.process_time()
    for _ in range(5):
        edit_distance(left, right)
    assert (time.process_time() - start) / 5 < 0.05
