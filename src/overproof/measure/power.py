"""The minimum detectable effect: the smallest true difference that a comparison is likely to find.

It says what "not shown" is worth: with a detectable effect of 10 points, a true gain of 5 would
mostly be missed. It depends on the number of tasks, on how often the two models differ, and on how
tasks hang together; never on the difference that was observed.

Limits: the discordance is the observed one, so the figure has an error of its own. It is for one
comparison at 5 %; after Holm's correction for several the detectable effect is larger.

    >>> round(detectable_paired(164, 0.2), 3)
    0.101
"""

from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from overproof.measure.intervals import Z95, Floats

ALPHA = 0.05
"""Two-sided."""
POWER = 0.8
Z80 = 0.8416212335729143
"""80 % quantile of the normal distribution."""
_REACH = 9.0
"""Standard deviations of the number of differing tasks that are counted."""


def mcnemar_power(n: int, discordance: float, difference: float) -> float:
    """Return the chance that the exact two-sided test at 5 % finds a paired difference.

    `discordance` is the true share of tasks that only one of the models passes, `difference` that
    of the first less that of the second. Exact: summed over all numbers of differing tasks.
    Raises: ValueError unless abs(difference) <= discordance <= 1.
    Source: McNemar 1947 for the test; Duffy 1984 (Asymptotic and exact power for the McNemar test
    and its analogue with R controls per case) for the sum.
    """
    from scipy.special import bdtr

    if not abs(difference) <= discordance + 1e-12 <= 1 + 1e-9:
        raise ValueError(f"difference {difference} with discordance {discordance}")
    if discordance == 0:
        return 0.0
    spread = _REACH * sqrt(n * discordance * (1 - discordance)) + 1
    first = max(0, int(n * discordance - spread))
    differing = np.arange(first, min(n, int(n * discordance + spread) + 1) + 1)
    critical = _critical(n)[differing]
    favour = min(1.0, (1 + difference / discordance) / 2)
    found = bdtr(critical, differing, favour) + bdtr(critical, differing, 1 - favour)
    # No side can be rare enough where the critical number is -1.
    found = np.where(critical < 0, 0.0, found)
    return float(_binomial(differing, n, discordance) @ found)


def _binomial(counts: NDArray[np.int64], n: int, share: float) -> Floats:
    """Return the probability of each count; what scipy.stats has, without its cost per call."""
    from scipy.special import gammaln, xlog1py, xlogy

    ways = gammaln(n + 1) - gammaln(counts + 1) - gammaln(n - counts + 1)
    chance: Floats = np.exp(ways + xlogy(counts, share) + xlog1py(n - counts, -share))
    return chance


@lru_cache(maxsize=4096)
def detectable_paired(n: int, discordance: float) -> float | None:
    """Return the smallest difference of two paired shares found with 80 % power at 5 %.

    A difference above `discordance` needs more tasks that differ: it is then taken with all of
    them on one side. None where even a difference in every task would not be found (n < 6).
    """
    from scipy.optimize import brentq

    def excess(difference: float) -> float:
        return mcnemar_power(n, min(1.0, max(discordance, difference)), difference) - POWER

    if n < 1 or excess(1.0) < 0:
        return None
    return float(brentq(excess, 0.0, 1.0, xtol=1e-5))


def detectable_clustered(error: float, clusters: int) -> float | None:
    """Return the smallest difference found with 80 % power, from its clustered standard error.

    (t_0.975 + t_0.8) times the error, at one degree of freedom less than there are clusters. Unit:
    that of `error`. None for a single cluster.
    Source: Bloom 1995 (Minimum detectable effects); Miller 2024 (Adding error bars to evals),
    section 5, has the same in terms of n.
    """
    from scipy.special import stdtrit

    if clusters < 2:
        return None
    return float(error * (stdtrit(clusters - 1, 1 - ALPHA / 2) + stdtrit(clusters - 1, POWER)))


def detectable_from_limits(low: float, high: float) -> float:
    """Return the same from a 95 % interval alone: of a bootstrap, or of a row of an older version.

    The interval is taken as that of a normal estimate: (z_0.975 + z_0.8) / (2 z_0.975) times its
    width. For a ratio pass logarithms.
    """
    return (high - low) / (2 * Z95) * (Z95 + Z80)


def mean_error(values: Floats, clusters: NDArray[np.int64]) -> float:
    """Return the standard error of a mean whose values hang together within clusters.

    Shapes: values (N,), clusters (N,) numbers 0..C-1, C at least 2.
    Source: Liang and Zeger 1986, with C / (C - 1).
    """
    centred = np.bincount(clusters, weights=values - values.mean()) / len(values)
    count = len(centred)
    return sqrt(count / (count - 1) * float(centred @ centred))


@lru_cache(maxsize=64)
def _critical(n: int) -> NDArray[np.int64]:
    """Return, by number of differing tasks, the most on the rarer side that are significant."""
    from scipy.stats import binom

    differing = np.arange(n + 1)
    critical = binom.ppf(ALPHA / 2, differing, 0.5)
    critical -= binom.cdf(critical, differing, 0.5) > ALPHA / 2
    found: NDArray[np.int64] = critical.astype(np.int64)
    return found
