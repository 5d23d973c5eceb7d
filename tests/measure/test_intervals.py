"""Intervals cover what they claim, by simulation, and never collapse to a point."""

from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overproof.measure.estimates import (
    Column,
    drop_difference,
    drop_estimate,
    mean_difference,
    mean_estimate,
)
from overproof.measure.intervals import (
    bootstrap_rows,
    mcnemar_p,
    newcombe,
    paired_ratio,
    unseen_share,
    wilson,
)

cells = st.tuples(*[st.integers(0, 40)] * 4).filter(lambda table: sum(table) > 0)
cached_newcombe = lru_cache(newcombe)
cached_ratio = lru_cache(paired_ratio)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.95])
def test_wilson_covers(share: float) -> None:
    from scipy.stats import binom

    n = 20
    limits = [wilson(c, n) for c in range(n + 1)]
    covered = sum(binom.pmf(c, n, share) for c, (lo, hi) in enumerate(limits) if lo <= share <= hi)
    assert covered > 0.91  # Wilson's known worst dips at n = 20; Wald falls to 0.33 at 0.02


def test_wilson_agrees_with_scipy() -> None:
    from scipy.stats import binomtest

    for successes, n in [(0, 7), (7, 7), (41, 164), (100, 164)]:
        expected = binomtest(successes, n).proportion_ci(method="wilson")
        assert wilson(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize("n", [20, 164])
@pytest.mark.parametrize(
    "shares", [(0.5, 0.1, 0.1, 0.3), (0.3, 0.02, 0.15, 0.53), (0.9, 0.04, 0.01, 0.05)]
)
def test_newcombe_and_mover_cover_the_difference_and_the_ratio(
    n: int, shares: tuple[float, ...]
) -> None:
    draws = np.random.default_rng(1).multinomial(n, shares, size=3000)
    difference = shares[1] - shares[2]
    ratio = (shares[0] + shares[1]) / (shares[0] + shares[2])
    hits, ratio_hits, ratios = 0, 0, 0
    for drawn in draws:
        table = tuple(int(cell) for cell in drawn)
        low, high = cached_newcombe(*table)
        hits += low <= difference <= high
        if table[0] + table[2]:
            low, high = cached_ratio(*table)
            ratios += 1
            ratio_hits += low <= ratio <= high
    assert hits / len(draws) > 0.93
    assert ratio_hits / ratios > 0.93


@given(cells)
def test_newcombe_is_antisymmetric_holds_its_value_and_has_a_width(
    table: tuple[int, int, int, int],
) -> None:
    both, first, second, neither = table
    low, high = newcombe(both, first, second, neither)
    value = (first - second) / sum(table)
    assert low <= value + 1e-12 and value <= high + 1e-12
    assert high - low > 0
    mirrored = newcombe(both, second, first, neither)
    assert mirrored == pytest.approx((-high, -low), abs=1e-9)


@given(cells.filter(lambda table: table[0] + table[2] > 0))
def test_ratio_limits_enclose_the_ratio_and_agree_with_the_difference_on_sign(
    table: tuple[int, int, int, int],
) -> None:
    both, first, second, neither = table
    low, high = paired_ratio(both, first, second, neither)
    assert low - 1e-9 <= (both + first) / (both + second) <= high + 1e-9
    below, above = newcombe(both, first, second, neither)
    # Both say "no difference" together: the ratio solves the difference's equation at 1.
    if abs(below) > 1e-6:
        assert (low > 1) == (below > 0)
    if abs(above) > 1e-6:
        assert (high < 1) == (above < 0)


def test_mcnemar_is_the_sign_test_of_the_flips() -> None:
    assert mcnemar_p(0, 0) == 1
    assert mcnemar_p(0, 6) == pytest.approx(2 / 64)
    assert mcnemar_p(3, 9) == mcnemar_p(9, 3)


def test_clustered_bootstrap_covers_where_the_naive_interval_does_not() -> None:
    # 40 tasks in 5 languages; a task is easy or hard, and its languages follow it.
    generator = np.random.default_rng(7)
    names = [str(i // 5) for i in range(200)]
    clustered, naive = 0, 0
    for _ in range(200):
        ease = generator.uniform(size=40) < 0.5
        values = np.where(np.repeat(ease, 5), 0.95, 0.05) > generator.uniform(size=200)
        estimate = mean_estimate(Column.of(values.astype(float).tolist(), names))
        assert estimate.low is not None and estimate.high is not None
        clustered += estimate.low <= 0.5 <= estimate.high
        low, high = wilson(int(values.sum()), 200)
        naive += low <= 0.5 <= high
    assert clustered / 200 > 0.9
    assert naive / 200 < 0.75


def test_plain_and_clustered_mover_tell_the_same_story_about_a_drop() -> None:
    nominal = [1.0] * 60 + [0.0] * 40
    robust = [1.0] * 45 + [0.0] * 55
    closed = drop_estimate(Column.of(nominal), Column.of(robust))
    # A third value needs the variance between tasks.
    forced = drop_estimate(Column.of([*nominal, 0.5]), Column.of([*robust, 0.5]))
    assert "variance between 101 tasks" in forced.method and "variance" not in closed.method
    assert closed[:3] == pytest.approx((0.25, 0.15, 0.37), abs=0.02)
    assert forced[:3] == pytest.approx(closed[:3], abs=0.025)


def test_no_difference_in_n_tasks_still_has_a_width() -> None:
    values = Column.of([1.0, 0.5, 0.0, 0.5] * 5)
    half = unseen_share(20)
    assert mean_difference(values, values)[:3] == pytest.approx((0, -half, half))
    drop = drop_estimate(values, values)
    assert drop[:3] == pytest.approx((0, -2 * half, 2 * half))
    gap = drop_difference((values, values), (values, values))
    assert gap[:3] == pytest.approx((0, -2 * half, 2 * half))
    zeros = mean_estimate(Column.of([0.0] * 10, [str(i // 2) for i in range(10)]))
    assert zeros.high == pytest.approx(wilson(0, 5)[1])


def test_a_drop_from_nothing_is_not_a_number() -> None:
    zero, one = Column.of([0.0, 0.0]), Column.of([0.0, 1.0])
    assert drop_estimate(zero, zero).value is None
    assert "nothing passes" in drop_estimate(zero, zero).method
    assert drop_difference((zero, zero), (one, one)).value is None
    assert mean_estimate(Column.of([])).value is None


def test_one_cluster_gives_a_value_without_an_interval() -> None:
    estimate = mean_estimate(Column.of([0.25, 0.75], ["a", "a"]))
    assert estimate[:3] == (0.5, None, None)


def test_intervals_repeat_with_the_seed_and_move_with_it() -> None:
    rows = np.random.default_rng(0).normal(size=30)

    def interval(seed: int) -> tuple[float, float] | None:
        return bootstrap_rows(rows, lambda drawn: np.median(drawn, axis=1), seed=seed)

    assert interval(1) == interval(1)
    assert interval(1) != interval(2)
    assert bootstrap_rows(rows[:1], lambda drawn: drawn[:, 0]) is None
