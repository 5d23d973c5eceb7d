"""95 % intervals for means whose values hang together: one task in thirteen languages, say.

What Wilson, Newcombe and MOVER do for one verdict per task is done here for whole clusters: the
variance of a mean is that between clusters, and Wilson's interval is taken at the number of
independent verdicts that would have this variance. It never collapses to a point, and holds its
level where few tasks pass, where a bootstrap is too narrow.

Limits: clusters are taken as draws from a larger population. With a few dozen clusters and shares
below 5 %, coverage falls to 83–90 %: nearly all clusters are zeros, and the others too few.

    >>> low, high = clustered_wilson(np.array([1.0, 1, 0, 0, 1, 0]), np.array([0, 0, 1, 1, 2, 2]))
    >>> f"{low:.2f} {high:.2f}"
    '0.04 0.96'
"""

from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from overproof.measure.intervals import Floats, combine, mcnemar_p, ratio_root, wilson

Clusters = NDArray[np.int64]
FLIPS = 9999
"""Random sign flips where there are too many to count them all."""
MOST_ENUMERATED = 14
"""Clusters that differ, up to which all flips are counted: 2 ** 14."""


def clustered_wilson(values: Floats, clusters: Clusters) -> tuple[float, float]:
    """Return Wilson's interval of a mean in [0, 1], at the effective number of verdicts.

    n = p (1 - p) / v, with v the variance between clusters, and Student's quantile for their
    number. Where v is 0, n is the number of clusters.
    Shapes: values (N,) in [0, 1]; clusters (N,) numbers 0..C-1, at least two of them.
    Source: Korn and Graubard 1998 (Confidence intervals for proportions with small expected number
    of positive counts estimated from survey data), with Wilson's in place of Clopper's limits, as
    Dean and Pagano 2015 recommend.
    """
    return _limits(float(values.mean()), residuals(values, clusters))


def clustered_difference(
    first: Floats, second: Floats, clusters: Clusters
) -> tuple[float, float] | None:
    """Return the interval of mean(first) - mean(second); None if they differ in no cluster.

    Shapes: as `clustered_wilson`, both aligned.
    Source: Newcombe 1998, method 10, with clustered limits and correlation.
    """
    one, two = residuals(first, clusters), residuals(second, clusters)
    if np.abs(_sums(first - second, clusters)).max() < 1e-12:
        return None
    p, q = float(first.mean()), float(second.mean())
    (p_low, p_high), (q_low, q_high) = _limits(p, one), _limits(q, two)
    phi = correlate(one, two)
    below = combine(p - p_low, q_high - q, phi)
    above = combine(p_high - p, q - q_low, phi)
    return p - q - below, p - q + above


def clustered_ratio(
    first: Floats, second: Floats, clusters: Clusters
) -> tuple[float, float] | None:
    """Return the interval of mean(first) / mean(second); None if they differ in no cluster.

    Shapes: as `clustered_difference`; the second mean is above 0.
    Source: Donner and Zou 2012, MOVER for a ratio, with clustered limits and correlation.
    """
    one, two = residuals(first, clusters), residuals(second, clusters)
    if np.abs(_sums(first - second, clusters)).max() < 1e-12:
        return None
    p, q = float(first.mean()), float(second.mean())
    (p_low, p_high), (q_low, q_high) = _limits(p, one), _limits(q, two)
    phi = correlate(one, two)
    low = ratio_root(p, q, p - p_low, q_high - q, phi, sign=-1)
    high = ratio_root(p, q, p_high - p, q - q_low, phi, sign=+1)
    return low, high


def sign_flip_p(differences: Floats, clusters: Clusters, seed: int = 0) -> float:
    """Return the two-sided p that in every cluster either sign is as likely.

    All flips are counted where at most 14 clusters differ, else 9,999 are drawn. With one verdict
    per cluster it is McNemar's exact test.
    Shapes: differences (N,), clusters (N,).
    Source: Fisher 1935 (The Design of Experiments), section 21.
    """
    sums = _sums(differences, clusters)
    sums = sums[np.abs(sums) > 1e-12]
    if not len(sums) or np.ptp(np.abs(sums)) < 1e-12:
        return mcnemar_p(int((sums < 0).sum()), int((sums > 0).sum()))
    exact = len(sums) <= MOST_ENUMERATED
    signs = _all_signs(len(sums)) if exact else _random_signs(len(sums), seed)
    as_far = int((np.abs(signs @ sums) >= abs(sums.sum()) - 1e-9).sum())
    return as_far / len(signs) if exact else (1 + as_far) / (1 + len(signs))


def _sums(values: Floats, clusters: Clusters) -> Floats:
    return np.bincount(clusters, weights=values).astype(np.float64)


def residuals(values: Floats, clusters: Clusters) -> Floats:
    """Return each cluster's part in mean less expectation, to first order; shape (C,)."""
    centred: Floats = _sums(values - values.mean(), clusters) / len(values)
    return centred


def _limits(share: float, residuals: Floats) -> tuple[float, float]:
    from scipy.special import stdtrit

    count = len(residuals)
    variance = count / (count - 1) * float(residuals @ residuals)
    spread = share * (1 - share)
    if variance < 1e-15 or spread < 1e-15:
        return wilson(share * count, count)
    n = spread / variance
    return wilson(share * n, n, quantile=float(stdtrit(count - 1, 0.975)))


def correlate(one: Floats, two: Floats) -> float:
    """Return the correlation of two estimates from their clusters' parts, (C,) each; 0 if none."""
    scale = sqrt(float(one @ one) * float(two @ two))
    return float(one @ two) / scale if scale > 0 else 0.0


def _all_signs(count: int) -> Floats:
    """Return every choice of count signs; shape (2 ** count, count)."""
    numbers = np.arange(2**count)[:, None] >> np.arange(count)
    return np.where(numbers & 1, 1.0, -1.0)


def _random_signs(count: int, seed: int) -> Floats:
    """Return drawn signs, shape (FLIPS, count): the first columns of a table drawn once."""
    return _signs(max(64, 1 << (count - 1).bit_length()), seed)[:, :count]


@lru_cache(maxsize=4)
def _signs(width: int, seed: int) -> Floats:
    generator = np.random.default_rng([seed, width, FLIPS])
    signs: Floats = generator.choice([-1.0, 1.0], size=(FLIPS, width))
    signs.flags.writeable = False
    return signs
