"""The estimators cover what they claim, by simulation; and what they refuse to say."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from overproof.bench.turns import turn_orders
from overproof.measure.costs import cost_per_success, share, success_rate
from overproof.measure.speed import (
    LEAST_PROMPTS,
    quantile_estimate,
    signed_rank_place,
    typical_ratio,
)

PROMPTS = 164
Floats = NDArray[np.float64]


def busy_machine(generator: np.random.Generator, count: int, slow: float) -> Floats:
    """Slowdown of each of `count` answers: another program comes and goes, about every ten."""
    toggles = generator.random(count) < 0.1
    on = (np.cumsum(toggles) + generator.integers(2)) % 2 == 1
    return np.where(on, slow * generator.lognormal(0, 0.15, count), 1.0)


def measured(
    generator: np.random.Generator, ratio: float, slow: float, jitter: float, blocks: bool
) -> tuple[Floats, Floats]:
    """Times of model A, `ratio` times as slow as B, and of B, for the same prompts."""
    load = busy_machine(generator, 2 * PROMPTS, slow) * generator.lognormal(0, jitter, 2 * PROMPTS)
    length = generator.lognormal(0, 0.5, PROMPTS)
    if blocks:
        first, second = load[:PROMPTS], load[PROMPTS:]
    else:
        orders = turn_orders("AB", PROMPTS, int(generator.integers(1 << 30)))
        is_first = np.array([order[0] == "A" for order in orders])
        pairs = load.reshape(PROMPTS, 2)
        first = np.where(is_first, pairs[:, 0], pairs[:, 1])
        second = np.where(is_first, pairs[:, 1], pairs[:, 0])
    return ratio * length * first, length * second


@pytest.mark.parametrize(
    ("slow", "jitter", "width"),
    [(2.0, 0.15, 0.12), (1.08, 0.047, 0.05)],
    ids=["wall", "cpu"],
)
@pytest.mark.parametrize("ratio", [1.0, 1.15])
def test_164_prompts_in_turns(ratio: float, slow: float, jitter: float, width: float) -> None:
    """On a machine that slows down twofold now and then: covered, and as narrow as is promised."""
    generator = np.random.default_rng(5)
    held, widths = [], []
    for _ in range(300):
        estimate = typical_ratio(*measured(generator, ratio, slow, jitter, blocks=False))
        assert estimate.low is not None
        assert estimate.high is not None
        held.append(estimate.low <= ratio <= estimate.high)
        widths.append((estimate.high - estimate.low) / 2)
    # 95 % less three standard errors of 300 trials
    assert np.mean(held) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 300)
    assert np.median(widths) <= width * ratio


def test_blocks_compare_the_hours() -> None:
    """The same noise, one model after the other: an interval that looks as sure, and is not."""
    generator = np.random.default_rng(6)
    held = []
    for _ in range(200):
        estimate = typical_ratio(*measured(generator, 1.0, 2.0, 0.15, blocks=True))
        assert estimate.low is not None
        assert estimate.high is not None
        held.append(estimate.low <= 1 <= estimate.high)
    assert np.mean(held) < 0.85


def test_the_signed_rank_interval_is_exact() -> None:
    """The chance that the median lies outside is what enumeration of all signs says."""
    for n in (6, 8, 11):
        place = signed_rank_place(n)
        assert place is not None
        ranks = np.arange(1, n + 1)
        sums = np.array([ranks @ np.array(signs) for signs in product((0, 1), repeat=n)])
        assert np.mean(sums < place) <= 0.025 < np.mean(sums < place + 1)
    assert signed_rank_place(5) is None
    # the normal curve takes over where the two agree
    exact, normal = signed_rank_place(50), signed_rank_place(51)
    assert exact == 435  # published tables for n = 50 have 434 as the largest sum to reject at
    assert normal == pytest.approx(453, abs=1)


def test_a_ratio_knows_its_limits() -> None:
    one = np.array([2.0, 2.0, 2.0, 2.0, 2.0])
    estimate = typical_ratio(one, one / 2)
    assert (estimate.value, estimate.low, estimate.high) == (pytest.approx(2), None, None)
    six = typical_ratio(np.full(6, 3.0), np.full(6, 1.0))
    assert six.low == six.value == six.high == pytest.approx(3)
    with pytest.raises(ValueError, match="0 or negative"):
        typical_ratio(np.array([0.0]), np.array([1.0]))
    with pytest.raises(ValueError, match="as many"):
        typical_ratio(np.array([1.0]), np.array([1.0, 2.0]))


@pytest.mark.parametrize(("point", "least"), [(0.9, 29), (0.95, 59), (0.99, 299)])
def test_no_percentile_that_the_sample_cannot_support(point: float, least: int) -> None:
    assert LEAST_PROMPTS[point] == least
    assert point**least < 0.05 <= point ** (least - 1)
    assert quantile_estimate(np.arange(least - 1.0), point) is None
    assert quantile_estimate(np.arange(float(least)), point) is not None


def test_percentile_limits_cover() -> None:
    generator = np.random.default_rng(7)
    for point, truth in ((0.5, np.log(2)), (0.9, np.log(10))):
        held = []
        for _ in range(400):
            estimate = quantile_estimate(generator.exponential(size=PROMPTS), point)
            assert estimate is not None
            assert estimate.low is not None
            assert estimate.high is not None
            held.append(estimate.low <= truth <= estimate.high)
        assert np.mean(held) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 400)


def test_cost_per_success_covers() -> None:
    """Cost 1 to 3 s a task, solved with 40 %: 2 / 0.4 = 5 s per solved task."""
    generator = np.random.default_rng(8)
    held = []
    for _ in range(200):
        costs = generator.uniform(1, 3, PROMPTS)
        solved = (generator.random(PROMPTS) < 0.4).astype(float)
        estimate = cost_per_success(costs, solved)
        assert estimate.low is not None
        assert estimate.high is not None
        held.append(estimate.low <= 5 <= estimate.high)
    assert np.mean(held) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 200)


def test_no_success_has_no_cost() -> None:
    assert cost_per_success(np.ones(9), np.zeros(9)).value is None
    rare = cost_per_success(np.ones(9), np.eye(9)[0])
    assert rare.value == 9
    assert rare.low is None  # too many resamples without a success
    assert success_rate(np.ones(4), np.full(4, 0.5)).value == 2
    assert share(np.array([1.0, 0.0, 1.0, 1.0])).value == 0.75


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_orders_are_balanced_and_do_not_depend_on_how_many(count: int) -> None:
    names = [f"m{number}" for number in range(count)]
    orders = turn_orders(names, 60, seed=3)
    for place in range(count):
        assert {name: sum(o[place] == name for o in orders) for name in names} == dict.fromkeys(
            names, 60 // count
        )
    assert turn_orders(names, 20, seed=3) == orders[:20]
    if count > 1:
        assert turn_orders(names, 60, seed=4) != orders
