"""A margin is judged by the whole interval, p agrees with it, and the level holds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overproof.measure.equivalence import judge, p_above, tasks_needed
from overproof.measure.estimates import Column, mean_difference
from overproof.measure.simulated import World, verdicts


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-0.01, 0.015, "equivalent"),
        (-0.01, 0.08, "non-inferior"),
        (-0.05, 0.01, "inconclusive"),
        (-0.09, -0.03, "inferior"),
        (-0.02, 0.01, "inconclusive"),
    ],
)
def test_the_whole_interval_must_be_within_the_margin(
    low: float, high: float, expected: str
) -> None:
    found = judge((low + high) / 2, low, high, margin=0.02)
    assert found.verdict == expected
    assert (found.p_non_inferior < 0.05) == (expected in ("equivalent", "non-inferior"))
    assert (found.p_equivalent < 0.05) == (expected == "equivalent")


def test_a_margin_below_zero_and_limits_in_disorder_are_refused() -> None:
    with pytest.raises(ValueError, match="margin"):
        judge(0, -1, 1, margin=-0.1)
    with pytest.raises(ValueError, match="above the estimate"):
        p_above(0.0, 0.1, 0.0)


@given(st.floats(-1, 1), st.floats(1e-3, 1), st.floats(-2, 2))
def test_p_is_below_five_percent_where_the_limit_is_beyond(
    estimate: float, below: float, threshold: float
) -> None:
    low = estimate - below
    if abs(low - threshold) < 1e-9:
        return
    p = p_above(estimate, low, threshold)
    assert 0 <= p <= 1
    assert (p < 0.05) == (low > threshold)


def test_p_of_a_normal_estimate_is_the_usual_one() -> None:
    from scipy.stats import norm

    for z in (0.5, 1.0, 3.0):
        expected = 2 * norm.sf(z)
        assert p_above(z, z - norm.ppf(0.975), 0.0) == pytest.approx(expected)


@pytest.mark.parametrize(("prompts", "samples"), [(1, 1), (5, 1), (1, 5)])
def test_what_is_worse_by_the_margin_is_rarely_called_no_worse(prompts: int, samples: int) -> None:
    world = World(first=0.4, second=0.5, prompts=prompts, samples=samples)
    ids = np.repeat(np.arange(world.tasks), prompts)
    wrong = right = 0
    runs = 600
    for pair in zip(*verdicts(np.random.default_rng(4), world, runs), strict=True):
        found = mean_difference(*(Column(table.mean(-1).ravel(), ids) for table in pair))
        assert found.value is not None and found.low is not None and found.high is not None
        said = judge(found.value, found.low, found.high, margin=0.1).verdict
        wrong += said in ("non-inferior", "equivalent")
        right += judge(found.value, found.low, found.high, margin=0.25).verdict == "equivalent"
    assert wrong / runs < 0.05
    assert right / runs > 0.8


def test_a_margin_of_half_needs_four_times_the_tasks() -> None:
    assert tasks_needed(0.08, 164, 0.04) == 4 * 164
    assert tasks_needed(0.02, 164, 0.02) == 164
