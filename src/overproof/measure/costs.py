"""What a right answer costs: seconds, CPU-seconds or joules per solved task, and what is in time.

All answers are paid for, the wrong ones too: the cost of everything over the number of solved
tasks. A robustly solved task is solved under the published prompt and under every certified
variant; it costs one answer (the mean over its prompts), so that trying more variants makes robust
tasks rarer, never a task dearer.

    >>> cost_per_success(np.array([2.0, 4.0]), np.array([1.0, 0.0])).value
    6.0
"""

import numpy as np

from overproof.measure.estimates import BOOTSTRAP, Estimate
from overproof.measure.intervals import Floats, bootstrap_means, percentile_interval, wilson


def cost_per_success(costs: Floats, successes: Floats, seed: int = 0) -> Estimate:
    """Return the cost of all tasks over the number that succeed; no value if none does.

    Limits are None where too many resamples of the tasks hold no success.

    Shapes: costs (N,) per task; successes (N,) in [0, 1], aligned.
    Source: own; the interval is the percentile bootstrap of a ratio of two means.
    """
    method = f"all cost over successes; {BOOTSTRAP}"
    if not len(costs) or successes.sum() == 0:
        return Estimate(None, None, None, method)
    columns = np.stack([costs, successes], axis=1).astype(np.float64)
    means = bootstrap_means(columns, np.arange(len(costs)), seed=seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        limits = percentile_interval(means[:, 0] / means[:, 1])
    low, high = limits or (None, None)
    return Estimate(float(costs.sum() / successes.sum()), low, high, method)


def success_rate(successes: Floats, seconds: Floats, seed: int = 0) -> Estimate:
    """Return successes per second of one request after the other, with its bootstrap interval.

    Shapes: successes (N,) in [0, 1] and seconds (N,) per task, aligned.
    """
    method = f"successes over seconds; {BOOTSTRAP}"
    if not len(seconds) or seconds.sum() <= 0:
        return Estimate(None, None, None, method)
    columns = np.stack([successes, seconds], axis=1).astype(np.float64)
    means = bootstrap_means(columns, np.arange(len(seconds)), seed=seed)
    low, high = percentile_interval(means[:, 0] / means[:, 1]) or (None, None)
    return Estimate(float(successes.sum() / seconds.sum()), low, high, method)


def share(successes: Floats) -> Estimate:
    """Return the share of tasks that succeed, with Wilson's interval.

    Shapes: successes (N,) in [0, 1], one per task: repeats are averaged before.
    """
    if not len(successes):
        return Estimate(None, None, None, "share of tasks; Wilson")
    low, high = wilson(float(successes.sum()), len(successes))
    return Estimate(float(successes.mean()), low, high, "share of tasks; Wilson")
