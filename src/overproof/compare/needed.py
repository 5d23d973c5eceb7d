"""What would decide an undecided gate: more tasks, or another margin.

An interval narrows with the square root of the number of tasks. From its half-width and the
distance between estimate and margin follows how many tasks a gate needs, if the true difference is
the one that was seen; and from the half-width alone the margin that a model of equal quality can
pass with as many tasks as there were.

    needed(row, ">=", -0.02)

Limits: it takes the interval for symmetric about the estimate, and the new tasks for such as the
old ones. Where the estimate is near the margin the number is huge, and says just that.
"""

from dataclasses import dataclass
from math import ceil, exp, floor, log, log10
from typing import Literal

from overproof.compare.comparison import Row
from overproof.measure.intervals import Z95
from overproof.measure.power import Z80, detectable_from_limits

POWER = (Z95 + Z80) / Z95
"""How many half-widths away from the margin a difference must be, to be found in 4 of 5 tries."""
MOST = 1_000_000
"""More tasks than these are as good as none."""


@dataclass(frozen=True, kw_only=True)
class Needed:
    """What would decide a gate."""

    tasks: int | None
    """Tasks (prompts for times) for 80 % power, if the difference is what was seen; None if none
    would do."""
    equal: float
    """The margin that a model of equal quality passes in 4 of 5 tries, with the tasks there are."""
    detectable: float | None
    """The smallest true difference from 0 that is found in 4 of 5 tries."""
    words: str


def needed(row: Row, sense: Literal[">=", "<="], margin: float) -> Needed | None:
    """Return what would decide the gate; None where there is no interval to reckon from."""
    found = row.difference
    if found.value is None or found.low is None or found.high is None or not found.n:
        return None
    scale = log if row.is_ratio else float
    try:
        value, low, high, edge = (scale(x) for x in (found.value, found.low, found.high, margin))
    except ValueError:
        return None
    right = value >= edge if sense == ">=" else value <= edge
    # The limit that must come over to the estimate's side of the margin.
    below = (sense == ">=") == right
    half = value - low if below else high - value
    distance = abs(value - edge)
    tasks = None
    if distance > 0 and half > 0:
        exact = found.n * (POWER * half / distance) ** 2
        tasks = _rounded(exact) if exact < MOST else None
    reach = POWER * (value - low if sense == ">=" else high - value)
    equal = -reach if sense == ">=" else reach
    detectable, whence = found.detectable, "as for a test of no difference"
    if detectable is None:
        detectable, whence = detectable_from_limits(low, high), "from the interval's half-width"
        detectable = exp(detectable) if row.is_ratio else detectable
    equal = exp(equal) if row.is_ratio else equal
    words = [
        _tasks_words(row, tasks, "pass" if right else "fail"),
        f"an equal model passes {sense} {_margin(row, equal)} in 4 of 5 tries",
        f"the least true difference found in 4 of 5: {_least(row, detectable)} ({whence})",
    ]
    return Needed(tasks=tasks, equal=equal, detectable=detectable, words="; ".join(words))


def _tasks_words(row: Row, tasks: int | None, end: str) -> str:
    over = "prompts" if row.is_ratio else "tasks"
    if tasks is None:
        return f"so near the margin that no number of {over} settles it"
    return f"to {end} at this difference: about {tasks:,} {over} in place of {row.difference.n:,}"


def _margin(row: Row, margin: float) -> str:
    return f"{margin:.2f}" if row.is_ratio else f"{margin:+.3f}".replace("+-", "-")


def _least(row: Row, least: float) -> str:
    return f"a ratio of {least:.2f}" if row.is_ratio else f"{100 * least:.1f} points"


def _rounded(tasks: float) -> int:
    """Round up to two digits.

    >>> _rounded(1234.5)
    1300
    """
    unit = 10 ** max(0, floor(log10(tasks)) - 1)
    return int(ceil(tasks / unit) * unit)
