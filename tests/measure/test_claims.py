"""Holm's correction is the closed test, and reaches the claims of a report and nothing else."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overproof.measure.claims import adjust, default_pairs, holm
from overproof.records import Score


def difference(model: str, against: str, p: float | None, **place: str) -> Score:
    fields = {"metric": "pass@1", "operator": "nominal", "family": "nominal", **place}
    return Score(
        key="", model=model, against=against, value=0.1, low=0.0, high=0.2, n=9, p=p, **fields
    )


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_is_the_closed_test_of_bonferroni(ps: list[float]) -> None:
    for place, adjusted in enumerate(holm(ps)):
        subsets = [
            chosen
            for size in range(1, len(ps) + 1)
            for chosen in combinations(range(len(ps)), size)
            if place in chosen
        ]
        expected = max(min(1.0, len(chosen) * min(ps[i] for i in chosen)) for chosen in subsets)
        assert adjusted == pytest.approx(expected)


def test_each_kind_of_comparison_and_each_metric_is_adjusted_on_its_own() -> None:
    overall = {"metric": "robust_pass@1", "operator": "unseen", "family": "all"}
    rows = [
        difference("a", "undistilled", 0.01),
        difference("b", "undistilled", 0.04),
        difference("b", "a", 0.02),
        difference("teacher", "a", 0.03),
        difference("teacher", "b", 0.03),
        difference("a", "undistilled", 0.03, **overall),
        difference("b", "undistilled", 0.2, **overall),
    ]
    found = [row.p_adjusted for row in adjust(rows)]
    assert found == pytest.approx([0.02, 0.04, 0.02, 0.06, 0.06, 0.06, 0.2])


def test_rows_that_no_claim_is_made_from_stay_as_they_are() -> None:
    rows = [
        difference("a", "undistilled", None),
        difference("a", "undistilled", 0.01, operator="typos", family="text"),
        difference("a", "undistilled", 0.01, operator="all", family="text"),
        difference("a", "undistilled", 0.01, suite="m:go", language="go"),
        difference("a", "undistilled", 0.01, metric="robust_relative@1"),
        difference("a", "undistilled", 0.01, operator="all", family="all"),
    ]
    assert adjust(rows) == rows


def test_one_arm_alone_is_not_adjusted() -> None:
    (row,) = adjust([difference("distilled", "undistilled", 0.04)])
    assert row.p_adjusted == 0.04


def test_ten_arms_are_compared_with_undistilled_teacher_and_the_one_before() -> None:
    arms = [f"arm{number}" for number in range(10)]
    pairs = default_pairs(["teacher", "undistilled", *arms])
    assert len(pairs) == len(set(pairs)) == 29
    assert ("arm9", "arm8") in pairs and ("teacher", "arm0") in pairs
    reference = default_pairs(["teacher", "undistilled", *arms], "arm1")
    assert ("arm0", "arm1") in reference and ("arm9", "arm8") not in reference
    assert ("arm1", "arm1") not in reference
