"""95 % intervals in closed form, and the bootstrap over tasks for everything else.

Wilson, Newcombe and MOVER hold their level with a few dozen tasks and never collapse to a point;
they need one verdict per task; clustered.py has their counterparts for tasks with several. The
bootstrap resamples whole clusters (a task with all its variants, samples and languages), so that
what hangs together is drawn together.

Limits: tasks are taken as draws from a larger population of tasks; the percentile bootstrap
is a little too narrow below about 30 clusters.

    >>> low, high = wilson(100, 164)
    >>> f"{low:.3f} {high:.3f}"
    '0.533 0.681'
"""

from collections.abc import Callable
from functools import lru_cache
from math import isclose, sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RESAMPLES = 2000
Z95 = 1.959963984540054
"""97.5 % quantile of the normal distribution."""


def wilson(successes: float, n: float, quantile: float = Z95) -> tuple[float, float]:
    """Return the score interval of one proportion; `n` need not be whole.

    Raises: ValueError if n is not positive or there are more successes than trials.
    Source: Wilson 1927.
    """
    if n <= 0 or not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n}: expected 0 to n, n positive")
    share = successes / n
    centre = share + quantile**2 / (2 * n)
    half = quantile * sqrt(share * (1 - share) / n + quantile**2 / (4 * n**2))
    scale = 1 + quantile**2 / n
    # Rounding must not push the limits past the share or out of [0, 1].
    return max(0.0, min(share, (centre - half) / scale)), min(
        1.0, max(share, (centre + half) / scale)
    )


def newcombe(both: int, first: int, second: int, neither: int) -> tuple[float, float]:
    """Return the interval of the difference of two paired proportions, first minus second.

    `first` and `second` count the tasks that only the first, or only the second, passes.
    Source: Newcombe 1998 (Improved confidence intervals for the difference between binomial
    proportions based on paired data), method 10.
    """
    n = both + first + second + neither
    p, q = (both + first) / n, (both + second) / n
    (p_low, p_high), (q_low, q_high) = wilson(both + first, n), wilson(both + second, n)
    phi = correlation(both, first, second, neither)
    below = combine(p - p_low, q_high - q, phi)
    above = combine(p_high - p, q - q_low, phi)
    return p - q - below, p - q + above


def paired_ratio(both: int, first: int, second: int, neither: int) -> tuple[float, float]:
    """Return the interval of the ratio of two paired proportions, first over second.

    Raises: ValueError if the second proportion is 0.
    Source: Donner and Zou 2012 (Closed-form confidence intervals for functions of the normal
    mean and standard deviation), MOVER for a ratio, with Wilson limits.
    """
    n = both + first + second + neither
    p, q = (both + first) / n, (both + second) / n
    if q == 0:
        raise ValueError("the second proportion is 0: the ratio is not defined")
    (p_low, p_high), (q_low, q_high) = wilson(both + first, n), wilson(both + second, n)
    phi = correlation(both, first, second, neither)
    low = ratio_root(p, q, p - p_low, q_high - q, phi, sign=-1)
    high = ratio_root(p, q, p_high - p, q - q_low, phi, sign=+1)
    return low, high


def correlation(both: int, first: int, second: int, neither: int) -> float:
    """Return Newcombe's continuity-corrected phi of a 2x2 table; 0 if a margin is empty."""
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    if margins == 0:
        return 0.0
    product = float(both * neither - first * second)
    if product > 0:
        product = max(product - (both + first + second + neither) / 2, 0)
    return product / sqrt(margins)


def mcnemar_p(broken: int, repaired: int) -> float:
    """Return the exact two-sided p that broken and repaired tasks are equally likely.

    Source: McNemar 1947, exact binomial form.
    """
    from scipy.special import bdtr

    # Both tails of a fair coin are alike: the rarer one twice, but never above 1.
    return min(1.0, 2 * float(bdtr(min(broken, repaired), broken + repaired, 0.5)))


def unseen_share(n: int) -> float:
    """Return the largest share that shows no case in n tasks with probability 2.5 %.

    Source: Clopper and Pearson 1934, the upper limit at 0 of n.
    """
    return float(1 - 0.025 ** (1 / n))


@lru_cache(maxsize=64)
def resampling_weights(clusters: int, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """Return how often each cluster is drawn in each resample; shape (resamples, clusters)."""
    generator = np.random.default_rng([seed, clusters])
    drawn = generator.multinomial(clusters, np.full(clusters, 1 / clusters), size=resamples)
    weights = drawn.astype(np.float64)
    weights.flags.writeable = False
    return weights


def bootstrap_means(
    columns: Floats, clusters: NDArray[np.int64], resamples: int = RESAMPLES, seed: int = 0
) -> Floats:
    """Return the column means in every resample of whole clusters.

    Shapes: columns (N, M) per-task values; clusters (N,) numbers 0..C-1; returns (resamples, M).
    """
    count = int(clusters.max()) + 1
    sums = np.zeros((count, columns.shape[1]))
    np.add.at(sums, clusters, columns)
    sizes = np.bincount(clusters, minlength=count).astype(np.float64)
    weights = resampling_weights(count, resamples, seed)
    means: Floats = (weights @ sums) / (weights @ sizes)[:, None]
    return means


def percentile_interval(draws: Floats) -> tuple[float, float] | None:
    """Return the 2.5 % and 97.5 % points; None if over 5 % of the draws are undefined (NaN)."""
    defined = draws[np.isfinite(draws)]
    if len(defined) < 0.95 * len(draws) or len(defined) == 0:
        return None
    low, high = np.quantile(defined, [0.025, 0.975])
    return float(low), float(high)


def bootstrap_rows(
    rows: Floats,
    statistic: Callable[[Floats], Floats],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float] | None:
    """Return the percentile interval of a statistic that is not a mean, such as a median.

    Shapes: rows (N,), one value per prompt; `statistic` maps (resamples, N) to (resamples,).
    None for fewer than two prompts.
    """
    if len(rows) < 2:
        return None
    generator = np.random.default_rng([seed, len(rows)])
    picks = generator.integers(0, len(rows), size=(resamples, len(rows)))
    return percentile_interval(statistic(rows[picks]))


def combine(a: float, b: float, phi: float) -> float:
    """Return the length of a - b, where a and b are limits' distances with correlation phi."""
    return sqrt(max(0.0, a * a - 2 * phi * a * b + b * b))


def ratio_root(p: float, q: float, a: float, b: float, phi: float, sign: int) -> float:
    """Solve (p - x q)^2 = a^2 - 2 phi x a b + x^2 b^2 for the limit x on the given side."""
    square, linear, constant = q * q - b * b, p * q - phi * a * b, p * p - a * a
    if isclose(square, 0, abs_tol=1e-12):
        return constant / (2 * linear) if linear else 0.0
    root = sqrt(max(0.0, linear * linear - square * constant))
    return max(0.0, (linear + sign * root) / square)
