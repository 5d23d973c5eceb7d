"""Clustered intervals cover, agree with the plain ones where they should, and never collapse."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from overproof.measure.clustered import (
    clustered_difference,
    clustered_ratio,
    clustered_wilson,
    sign_flip_p,
)
from overproof.measure.estimates import Column, drop_estimate, mean_difference, mean_estimate
from overproof.measure.intervals import mcnemar_p, unseen_share, wilson

Floats = NDArray[np.float64]
verdicts = st.lists(st.booleans(), min_size=6, max_size=30)


def as_floats(values: list[bool]) -> Floats:
    return np.array(values, dtype=np.float64)


@settings(deadline=None)
@given(verdicts, st.integers(2, 5))
def test_a_task_repeated_in_several_languages_says_no_more_than_once(
    values: list[bool], times: int
) -> None:
    column = as_floats(values)
    alone = clustered_wilson(column, np.arange(len(column)))
    repeated = clustered_wilson(np.repeat(column, times), np.repeat(np.arange(len(column)), times))
    assert repeated == pytest.approx(alone, abs=1e-9)
    # One verdict per cluster is Wilson's, widened by the sample variance and Student's quantile.
    low, high = wilson(int(column.sum()), len(column))
    assert alone[0] <= low + 1e-9 and high - 1e-9 <= alone[1]


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=8, max_size=40))
def test_differences_are_antisymmetric_and_agree_with_ratios_on_the_sign(
    pairs: list[tuple[bool, bool]],
) -> None:
    one, two = (as_floats(list(column)) for column in zip(*pairs, strict=True))
    clusters = np.arange(len(pairs)) // 2
    limits = clustered_difference(one, two, clusters)
    if limits is None:
        return
    low, high = limits
    value = float(one.mean() - two.mean())
    assert low <= value + 1e-9 and value <= high + 1e-9
    assert clustered_difference(two, one, clusters) == pytest.approx((-high, -low), abs=1e-9)
    if two.sum():
        ratio = clustered_ratio(one, two, clusters)
        assert ratio is not None and ratio[0] <= one.mean() / two.mean() + 1e-9 <= ratio[1] + 2e-9
        if min(abs(low), abs(high)) > 1e-6:
            assert ((ratio[0] > 1), (ratio[1] < 1)) == ((low > 0), (high < 0))


def draw_pairs(
    generator: np.random.Generator, tasks: int, languages: int, first: float, second: float
) -> tuple[Floats, Floats]:
    """Return verdicts of two models on tasks whose languages hang together; first <= second."""
    ease = generator.beta(1.5 * second, 1.5 * (1 - second), size=(tasks, 1))
    two = generator.uniform(size=(tasks, languages)) < ease
    one = two & (generator.uniform(size=two.shape) < first / second)
    return one.ravel().astype(np.float64), two.ravel().astype(np.float64)


@pytest.mark.parametrize("languages", [3, 13])
@pytest.mark.parametrize(("first", "second"), [(0.03, 0.06), (0.3, 0.4), (0.55, 0.6)])
def test_intervals_of_pooled_figures_cover_what_they_claim(
    first: float, second: float, languages: int
) -> None:
    generator = np.random.default_rng(8)
    names = [str(i // languages) for i in range(164 * languages)]
    runs, hits, naive = 250, np.zeros(3), 0
    for _ in range(runs):
        one, two = (
            Column.of(list(values), names)
            for values in draw_pairs(generator, 164, languages, first, second)
        )
        estimates = (mean_estimate(two), mean_difference(one, two), drop_estimate(two, one))
        truths = (second, first - second, 1 - first / second)
        for place, (estimate, truth) in enumerate(zip(estimates, truths, strict=True)):
            assert estimate.low is not None and estimate.high is not None
            hits[place] += estimate.low <= truth <= estimate.high
        low, high = wilson(int(two.values.sum()), len(two))
        naive += low <= second <= high
    assert (hits / runs > 0.92).all(), hits / runs
    assert naive / runs < 0.9


def test_methods_say_how_many_source_tasks_there_are() -> None:
    names = [str(i // 3) for i in range(30)]
    one = Column.of([float(i % 7 < 3) for i in range(30)], names)
    two = Column.of([float(i % 5 < 3) for i in range(30)], names)
    for estimate in (mean_estimate(one), mean_difference(one, two), drop_estimate(two, one)):
        assert "variance between 10 source tasks" in estimate.method


def test_no_difference_between_nested_columns_still_has_a_width() -> None:
    values = Column.of([1.0, 0.0, 1.0, 1.0] * 5, [str(i // 2) for i in range(20)])
    half = unseen_share(10)
    assert mean_difference(values, values)[:3] == pytest.approx((0, -half, half))
    assert drop_estimate(values, values)[:3] == pytest.approx((0, -half / 0.75, half / 0.75))


def test_one_source_task_has_no_interval() -> None:
    estimate = mean_estimate(Column.of([0.0, 1.0, 1.0], ["a"] * 3))
    assert estimate[:3] == (pytest.approx(2 / 3), None, None)


@settings(deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9))
def test_few_flips_are_counted_one_by_one(differences: list[int]) -> None:
    values = np.array(differences, dtype=np.float64)
    total = abs(values.sum())
    flips = [abs(np.dot(signs, values)) for signs in product((-1, 1), repeat=len(values))]
    expected = np.mean([flip >= total - 1e-9 for flip in flips])
    assert sign_flip_p(values, np.arange(len(values))) == pytest.approx(expected)


@settings(deadline=None)
@given(st.lists(st.integers(-1, 1), min_size=1, max_size=40))
def test_flips_of_single_verdicts_are_mcnemar(differences: list[int]) -> None:
    values = np.array(differences, dtype=np.float64)
    expected = mcnemar_p(int((values < 0).sum()), int((values > 0).sum()))
    assert sign_flip_p(values, np.arange(len(values))) == pytest.approx(expected)


def test_flips_of_whole_tasks_hold_their_level_where_mcnemar_does_not() -> None:
    generator = np.random.default_rng(5)
    clusters = np.repeat(np.arange(40), 5)
    found, naive, runs = 0, 0, 300
    for _ in range(runs):
        # Which model a task favours is a coin; its languages mostly follow it.
        favours = np.repeat(generator.choice([-1.0, 1.0], size=40), 5)
        differences = np.where(generator.uniform(size=200) < 0.3, favours, 0.0)
        found += sign_flip_p(differences, clusters) <= 0.05
        naive += mcnemar_p(int((differences < 0).sum()), int((differences > 0).sum())) <= 0.05
    assert found / runs < 0.08
    assert naive / runs > 0.1
