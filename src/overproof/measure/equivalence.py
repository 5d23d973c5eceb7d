"""No worse than, and as good as: what an interval says beside a margin that was stated before.

A difference is *non-inferior* if its whole 95 % interval lies above minus the margin, *inferior* if
it lies below, and *equivalent* if it lies between both margins. That is two one-sided tests at
2.5 % each. Any interval of this room will do: paired or clustered, closed or from a bootstrap.

Limits: the margin must come before the data. A difference that is not shown is not a
difference that is ruled out: only an interval inside the margins is.

    >>> judge(estimate=-0.005, low=-0.015, high=0.006, margin=0.02).verdict
    'equivalent'
"""

from math import ceil, erfc, sqrt
from typing import Literal, NamedTuple

from overproof.measure.intervals import Z95

Verdict = Literal["equivalent", "non-inferior", "inferior", "inconclusive"]


class Judged(NamedTuple):
    """What an interval says beside a margin."""

    verdict: Verdict
    p_non_inferior: float
    """Two-sided p that the difference is not above minus the margin; below 0.05 as the interval."""
    p_equivalent: float
    """The larger of the two one-sided tests', on the same scale."""


def judge(estimate: float, low: float, high: float, margin: float) -> Judged:
    """Return whether a difference (new less old, more is better) is within a margin.

    Raises: ValueError for a negative margin, or limits that do not enclose the estimate.
    Source: Schuirmann 1987 (A comparison of the two one-sided tests procedure and the power
    approach); Piaggio et al. 2012 (the CONSORT extension to non-inferiority and equivalence).
    """
    if margin < 0:
        raise ValueError(f"margin {margin}: expected 0 or more")
    above = p_above(estimate, low, -margin)
    below = p_above(-estimate, -high, -margin)
    found: Verdict = "inconclusive"
    if low > -margin:
        found = "equivalent" if high < margin else "non-inferior"
    elif high < -margin:
        found = "inferior"
    return Judged(found, above, max(above, below))


def p_above(estimate: float, low: float, threshold: float) -> float:
    """Return the two-sided p that the truth is not above a threshold, read off a 95 % limit.

    The distance from estimate to threshold is taken in units of that from estimate to limit, as for
    a normal estimate. It is below 0.05 exactly where the limit is above the threshold; 1 where the
    estimate is not above it.
    Raises: ValueError if the limit is above the estimate.
    Source: Altman and Bland 2011 (How to obtain the P value from a confidence interval), with the
    limit of one side.
    """
    if low > estimate:
        raise ValueError(f"limit {low} above the estimate {estimate}")
    if estimate <= threshold:
        return 1.0
    if low == estimate:
        return 0.0
    return erfc(Z95 * (estimate - threshold) / (estimate - low) / sqrt(2))


def tasks_needed(half_width: float, n: int, margin: float) -> int:
    """Return about how many tasks would make an interval's half a margin, at the same spread."""
    return ceil(n * (half_width / margin) ** 2)
