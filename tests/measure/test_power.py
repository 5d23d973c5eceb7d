"""The detectable effect is the one that is found four times in five, counted and simulated."""

from itertools import product
from math import comb

import numpy as np
import pytest

from overproof.measure.estimates import Column, mean_difference
from overproof.measure.intervals import mcnemar_p
from overproof.measure.power import (
    detectable_clustered,
    detectable_from_limits,
    detectable_paired,
    mcnemar_power,
    mean_error,
)
from overproof.measure.simulated import World, verdicts


@pytest.mark.parametrize(("discordance", "difference"), [(0.9, 0.7), (0.6, 0.6), (0.5, 0.0)])
def test_power_is_the_sum_over_all_tables(discordance: float, difference: float) -> None:
    n = 13
    first, second = (discordance + difference) / 2, (discordance - difference) / 2
    expected = 0.0
    for wins, losses in product(range(n + 1), repeat=2):
        if wins + losses <= n and mcnemar_p(losses, wins) <= 0.05:
            ways = comb(n, wins) * comb(n - wins, losses)
            expected += (
                ways * first**wins * second**losses * (1 - discordance) ** (n - wins - losses)
            )
    assert mcnemar_power(n, discordance, difference) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("discordance", [0.05, 0.1, 0.2, 0.4])
def test_a_detectable_difference_is_found_four_times_in_five(discordance: float) -> None:
    least = detectable_paired(164, discordance)
    assert least is not None
    differing = max(discordance, least)
    cells = [(differing + least) / 2, (differing - least) / 2, 1 - differing]
    drawn = np.random.default_rng(1).multinomial(164, cells, size=2000)
    found = np.mean([mcnemar_p(int(row[1]), int(row[0])) <= 0.05 for row in drawn])
    assert found == pytest.approx(0.8, abs=0.03)


def test_more_tasks_find_less_and_more_noise_hides_more() -> None:
    by_size = [detectable_paired(n, 0.2) or 1 for n in (20, 164, 378, 1000)]
    assert by_size == sorted(by_size, reverse=True)
    by_noise = [detectable_paired(164, d) or 0 for d in (0.02, 0.1, 0.3, 0.6)]
    assert by_noise == sorted(by_noise)
    # Near the normal approximation that is often quoted, and never below it.
    assert 2.8 * (0.2 / 164) ** 0.5 < by_size[1] < 1.1 * 2.8 * (0.2 / 164) ** 0.5


def test_a_handful_of_tasks_detects_nothing() -> None:
    assert detectable_paired(5, 0.5) is None
    assert detectable_paired(0, 0.0) is None
    assert detectable_clustered(0.1, 1) is None
    with pytest.raises(ValueError, match="discordance"):
        mcnemar_power(10, 0.1, 0.2)


@pytest.mark.parametrize(("prompts", "samples"), [(13, 1), (1, 5)])
def test_the_detectable_difference_of_clusters_holds_in_simulation(
    prompts: int, samples: int
) -> None:
    generator = np.random.default_rng(2)
    ids = np.repeat(np.arange(164), prompts)

    def columns(world: World, runs: int) -> list[tuple[Column, Column]]:
        pairs = zip(*verdicts(generator, world, runs), strict=True)
        return [
            (Column(a.mean(-1).ravel(), ids), Column(b.mean(-1).ravel(), ids)) for a, b in pairs
        ]

    alike = World(first=0.4, second=0.4, prompts=prompts, samples=samples)
    told = [mean_difference(*pair).detectable for pair in columns(alike, 50)]
    least = float(np.mean([x for x in told if x is not None]))
    apart = World(first=0.4 + least, second=0.4, prompts=prompts, samples=samples)
    limits = [mean_difference(*pair).low for pair in columns(apart, 400)]
    found = np.mean([low is not None and low > 0 for low in limits])
    assert 0.72 < found < 0.88


def test_an_interval_alone_tells_the_same() -> None:
    generator = np.random.default_rng(3)
    values, ids = generator.normal(size=400), np.arange(400)
    error = mean_error(values, ids)
    assert error == pytest.approx(values.std(ddof=1) / 20)
    by_error = detectable_clustered(error, 400)
    assert by_error == pytest.approx(detectable_from_limits(-1.96 * error, 1.96 * error), rel=0.01)
