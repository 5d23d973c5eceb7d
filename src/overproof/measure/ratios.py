"""95 % intervals of two ratios of means: the difference of two drops, and a drop beyond noise.

A robust drop is one less a ratio of two means over the same tasks. Each ratio gets MOVER limits at
the variance between clusters, and the correlation of the two is that of their linear parts, so
that models which lose the same tasks are compared on what they lose apart.

Limit: where only a handful of tasks pass, the intervals are too wide rather than too narrow (cover
97 to 99.5 %), where a percentile bootstrap covers 87 to 91 %; see docs/concepts/statistics.md.

    >>> ones, some = np.ones(20), np.array([1.0, 0.0] * 10)
    >>> low, high = ratio_gap((some, ones), (some, ones), np.arange(20))
    >>> low == -high and high < 0.2
    True
"""

from typing import NamedTuple

import numpy as np

from overproof.measure.clustered import Clusters, clustered_ratio, correlate, residuals
from overproof.measure.intervals import Floats, combine, ratio_root, unseen_share

Ratio = tuple[Floats, Floats]
"""Values above and below the line, aligned by task; shapes (N,)."""


class _Part(NamedTuple):
    value: float
    low: float
    high: float
    linear: Floats
    """Each cluster's part in the ratio, to first order; shape (C,)."""


def ratio_gap(first: Ratio, second: Ratio, clusters: Clusters) -> tuple[float, float]:
    """Return the interval of the first ratio of means less the second.

    Shapes: see `Ratio`; clusters (N,), at least two of them; no mean below the line is 0.
    Source: Zou 2008 (On the estimation of additive interaction by use of the four-by-two table and
    beyond), MOVER for a difference, with a correlation.
    """
    one, two = _part(first, clusters), _part(second, clusters)
    gap = one.value - two.value
    if np.abs(one.linear - two.linear).max() < 1e-12:
        # No task tells them apart: what so many tasks could hide.
        half = unseen_share(len(one.linear)) / float(min(first[1].mean(), second[1].mean()))
        return gap - half, gap + half
    phi = correlate(one.linear, two.linear)
    below = combine(one.value - one.low, two.high - two.value, phi)
    above = combine(one.high - one.value, two.value - two.low, phi)
    return gap - below, gap + above


def ratio_of_ratios(first: Ratio, second: Ratio, clusters: Clusters) -> tuple[float, float]:
    """Return the interval of the first ratio of means over the second.

    Shapes: as `ratio_gap`; the second ratio is above 0.
    Source: Donner and Zou 2012, MOVER for a ratio, with clustered limits and correlation.
    """
    one, two = _part(first, clusters), _part(second, clusters)
    if np.abs(one.linear * two.value - two.linear * one.value).max() < 1e-12:
        half = unseen_share(len(one.linear)) / float(second[0].mean())
        return max(0.0, one.value / two.value - half), one.value / two.value + half
    phi = correlate(one.linear, two.linear)
    below, above = one.value - one.low, one.high - one.value
    low = ratio_root(one.value, two.value, below, two.high - two.value, phi, sign=-1)
    high = ratio_root(one.value, two.value, above, two.value - two.low, phi, sign=+1)
    return low, high


def _part(ratio: Ratio, clusters: Clusters) -> _Part:
    above, below = ratio
    mean = float(below.mean())
    value = float(above.mean()) / mean
    limits = clustered_ratio(above, below, clusters)
    if limits is None:
        half = unseen_share(int(clusters.max()) + 1) / mean
        limits = max(0.0, value - half), value + half
    linear = (residuals(above, clusters) - value * residuals(below, clusters)) / mean
    return _Part(value, *limits, linear)
