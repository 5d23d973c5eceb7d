"""Differences of drops, and drops beyond noise, cover what they claim at few passes too."""

import numpy as np
import pytest
from numpy.typing import NDArray

from overproof.measure.estimates import Column, corrected_drop_estimate, drop_difference
from overproof.measure.intervals import unseen_share
from overproof.measure.ratios import ratio_gap, ratio_of_ratios
from overproof.measure.simulated import World, verdicts

IDS = np.arange(164)
Parts = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def parts(table: NDArray[np.bool_]) -> Parts:
    """Return nominal verdicts, the worst of three variants, and the worst of three others."""
    flat = table[..., 0].astype(np.float64)
    return flat[:, 0], flat[:, 1:4].min(axis=1), flat[:, 4:].min(axis=1)


@pytest.mark.parametrize(("first", "second"), [(0.5, 0.4), (0.15, 0.1)])
def test_the_gap_and_the_drop_beyond_noise_cover(first: float, second: float) -> None:
    generator = np.random.default_rng(6)
    world = World(first=first, second=second, prompts=7)
    big = [[float(c.mean()) for c in parts(t[0])] for t in verdicts(generator, world, 1, 200_000)]
    gap = big[1][1] / big[1][0] - big[0][1] / big[0][0]
    beyond = 1 - big[0][1] / big[0][2]
    runs, hits = 500, np.zeros(2)
    for pair in zip(*verdicts(generator, world, runs), strict=True):
        (n1, r1, z1), (n2, r2, _) = ([Column(c, IDS) for c in parts(t)] for t in pair)
        estimates = (
            drop_difference((n1, r1), (n2, r2)),
            corrected_drop_estimate(n1, r1, n1, z1),
        )
        for place, (found, truth) in enumerate(zip(estimates, (gap, beyond), strict=True)):
            assert found.low is not None and found.high is not None
            hits[place] += found.low <= truth <= found.high
    assert (hits / runs > 0.93).all(), hits / runs


def test_gaps_are_antisymmetric_and_ratios_agree_with_them_on_the_sign() -> None:
    generator = np.random.default_rng(7)
    for _ in range(50):
        base = generator.random((2, 60)) < 0.7
        kept = base & (generator.random((2, 60)) < np.array([[0.9], [0.6]]))
        one, two = ((k.astype(float), b.astype(float)) for k, b in zip(kept, base, strict=True))
        low, high = ratio_gap(one, two, np.arange(60))
        assert ratio_gap(two, one, np.arange(60)) == pytest.approx((-high, -low))
        below, above = ratio_of_ratios(one, two, np.arange(60))
        if min(abs(low), abs(high)) > 1e-6:
            assert ((below > 1), (above < 1)) == ((low > 0), (high < 0))


def test_where_no_task_tells_them_apart_there_is_what_so_many_could_hide() -> None:
    ones, half = np.ones(20), np.array([1.0, 0.0] * 10)
    expected = unseen_share(20)
    assert ratio_gap((half, ones), (half, ones), np.arange(20)) == (-expected, expected)
    low, high = ratio_of_ratios((half, ones), (half, ones), np.arange(20))
    assert low == pytest.approx(1 - 2 * expected) and high == pytest.approx(1 + 2 * expected)
