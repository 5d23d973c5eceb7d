"""From per-task values to an estimate with its interval: the best method that applies is chosen.

One verdict per task gives Wilson, Newcombe or MOVER, and so do several languages per task, at the
variance between tasks; several samples per task give the bootstrap over tasks. The chosen method
is part of the estimate, in words.

    >>> estimate = mean_estimate(Column.of([1.0, 0.0, 1.0, 1.0]))
    >>> f"{estimate.value} [{estimate.low:.2f}, {estimate.high:.2f}] {estimate.method}"
    '0.75 [0.30, 0.95] mean over tasks; Wilson'
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from overproof.measure.clustered import (
    clustered_difference,
    clustered_ratio,
    clustered_wilson,
)
from overproof.measure.intervals import (
    Floats,
    bootstrap_means,
    newcombe,
    paired_ratio,
    percentile_interval,
    unseen_share,
    wilson,
)

BOOTSTRAP = "bootstrap over tasks, 2,000 resamples, percentiles"


class Estimate(NamedTuple):
    """A value, its 95 % limits (None where they are not defined) and the method in words."""

    value: float | None
    low: float | None
    high: float | None
    method: str


@dataclass(frozen=True)
class Column:
    """Per-task values and the cluster of each, aligned."""

    values: Floats
    clusters: NDArray[np.int64]

    @classmethod
    def of(cls, values: Sequence[float], clusters: Sequence[str] | None = None) -> Self:
        """Number the clusters; without names, every value is a cluster of its own."""
        names = list(clusters) if clusters is not None else [str(i) for i in range(len(values))]
        numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
        codes = np.array([numbers[name] for name in names], dtype=np.int64)
        return cls(np.array(values, dtype=np.float64), codes)

    def __len__(self) -> int:
        """Return the number of values."""
        return len(self.values)

    @property
    def num_clusters(self) -> int:
        """Number of different clusters."""
        return int(self.clusters.max()) + 1 if len(self) else 0

    @property
    def one_verdict_per_task(self) -> bool:
        """Whether the values are 0 or 1 and no two share a cluster."""
        return self.num_clusters == len(self) and bool(np.isin(self.values, (0.0, 1.0)).all())

    @property
    def nested(self) -> bool:
        """Whether some cluster holds several values, and there are clusters to compare."""
        return 1 < self.num_clusters < len(self)


def mean_estimate(column: Column, seed: int = 0) -> Estimate:
    """Return the mean, with Wilson's interval, plain or clustered, or else the bootstrap's."""
    if not len(column):
        return Estimate(None, None, None, "no scored task")
    mean = float(column.values.mean())
    if column.one_verdict_per_task:
        limits = wilson(round(column.values.sum()), len(column))
        return Estimate(mean, *limits, "mean over tasks; Wilson")
    if np.ptp(column.values) == 0:
        # A bootstrap of equal values collapses to a point; Wilson is conservative in [0, 1].
        limits = wilson(mean * column.num_clusters, column.num_clusters)
        return Estimate(mean, *limits, "mean over tasks, all equal; Wilson on their number")
    if column.nested:
        limits = clustered_wilson(column.values, column.clusters)
        return Estimate(mean, *limits, f"mean over tasks; Wilson {_between(column)}")
    return _bootstrap(mean, "mean over tasks", [column], lambda means: means[:, 0], seed)


def drop_estimate(nominal: Column, robust: Column, seed: int = 0) -> Estimate:
    """Return 1 - mean(robust) / mean(nominal) of aligned columns, the relative robust drop."""
    what = "1 - RP/Pass of the means over tasks"
    if not len(nominal):
        return Estimate(None, None, None, "no scored task")
    if nominal.values.sum() == 0:
        return Estimate(None, None, None, f"{what}: not defined, nothing passes nominally")
    value = float(1 - robust.values.mean() / nominal.values.mean())
    if nominal.one_verdict_per_task and robust.one_verdict_per_task:
        low, high = paired_ratio(*_cross_table(robust.values, nominal.values))
        return Estimate(value, 1 - high, min(1.0, 1 - low), f"{what}; MOVER for paired ratios")
    unit = 1 / float(nominal.values.mean())
    if nominal.nested:
        ratio = clustered_ratio(robust.values, nominal.values, nominal.clusters)
        if ratio is None:
            return _unmoved(value, what, nominal.num_clusters, unit)
        method = f"{what}; MOVER for paired ratios {_between(nominal)}"
        return Estimate(value, 1 - ratio[1], min(1.0, 1 - ratio[0]), method)
    estimate = _bootstrap(value, what, [nominal, robust], _drop, seed, unit)
    if estimate.high is None:
        return estimate
    return estimate._replace(high=min(1.0, estimate.high))


def corrected_drop_estimate(
    control: Column, robust: Column, nominal: Column, null: Column, seed: int = 0
) -> Estimate:
    """Return 1 - (RP / control) / (RP_null / nominal) of aligned columns: the drop beyond noise.

    RP_null is the robust pass of as many repeats of the unchanged prompt, so that what two runs
    of the same prompt differ by is not counted as fragility.
    Source: own.
    """
    what = "1 - (RP/control)/(RP_null/Pass) of the means over tasks"
    columns = [control, robust, nominal, null]
    if not len(control):
        return Estimate(None, None, None, "no task scored with and without perturbation")
    means = np.array([[column.values.mean() for column in columns]])
    if not means[0, [0, 2, 3]].all():
        return Estimate(None, None, None, f"{what}: not defined, nothing passes unperturbed")
    value = float(_corrected(means)[0])
    unit = 1 / float(means[0, [0, 3]].min())
    estimate = _bootstrap(value, what, columns, _corrected, seed, unit)
    if estimate.high is None:
        return estimate
    return estimate._replace(high=min(1.0, estimate.high))


def mean_difference(first: Column, second: Column, seed: int = 0) -> Estimate:
    """Return mean(first) - mean(second) of columns aligned by task."""
    what = "paired difference of means over tasks"
    if not len(first):
        return Estimate(None, None, None, "no task scored for both")
    value = float(first.values.mean() - second.values.mean())
    if first.one_verdict_per_task and second.one_verdict_per_task:
        limits = newcombe(*_cross_table(first.values, second.values))
        return Estimate(value, *limits, f"{what}; Newcombe's paired score interval")
    if first.nested:
        limits_or_none = clustered_difference(first.values, second.values, first.clusters)
        if limits_or_none is None:
            return _unmoved(value, what, first.num_clusters)
        return Estimate(value, *limits_or_none, f"{what}; Newcombe {_between(first)}")
    return _bootstrap(value, what, [first, second], lambda means: means[:, 0] - means[:, 1], seed)


def drop_difference(
    first: tuple[Column, Column], second: tuple[Column, Column], seed: int = 0
) -> Estimate:
    """Return the drop of the first model minus that of the second; (nominal, robust) each."""
    what = "paired difference of drops"
    columns = [*first, *second]
    if not len(first[0]):
        return Estimate(None, None, None, "no task scored for both")
    if first[0].values.sum() == 0 or second[0].values.sum() == 0:
        return Estimate(None, None, None, f"{what}: not defined, nothing passes nominally")
    means = np.array([[column.values.mean() for column in columns]])
    value = float(_drop_gap(means)[0])
    unit = 1 / float(means[0, ::2].min())
    return _bootstrap(value, what, columns, _drop_gap, seed, unit)


def _bootstrap(
    value: float,
    what: str,
    columns: Sequence[Column],
    statistic: Callable[[Floats], Floats],
    seed: int,
    unit: float = 1.0,
) -> Estimate:
    """Resample the tasks; where no task differs, widen the point by what n tasks could hide.

    `unit` is how much one unseen task in all tasks would move the statistic, times n.
    """
    clusters = columns[0].num_clusters
    if clusters < 2:
        return Estimate(value, None, None, f"{what}; no interval from one task")
    stacked = np.stack([column.values for column in columns], axis=1)
    limits = percentile_interval(
        statistic(bootstrap_means(stacked, columns[0].clusters, seed=seed))
    )
    if limits is None:
        return Estimate(value, None, None, f"{what}; undefined in over 5 % of resamples")
    low, high = limits
    if high - low < 1e-12:
        return _unmoved(value, what, clusters, unit)
    return Estimate(value, low, high, f"{what}; {BOOTSTRAP}")


def _unmoved(value: float, what: str, clusters: int, unit: float = 1.0) -> Estimate:
    """Return the point where no task differs, with what so many tasks could hide."""
    half = unit * unseen_share(clusters)
    method = f"{what}; no task differs: exact limit for 0 of {clusters}"
    return Estimate(value, value - half, value + half, method)


def _between(column: Column) -> str:
    return f"with the variance between {column.num_clusters} source tasks"


def _drop(means: Floats) -> Floats:
    """Map (R, 2) means of nominal and robust to (R,) drops; NaN where nominal is 0."""
    nominal = np.where(means[:, 0] > 0, means[:, 0], np.nan)
    drops: Floats = 1 - means[:, 1] / nominal
    return drops


def _corrected(means: Floats) -> Floats:
    """Map (R, 4) means of control, robust, nominal and null to (R,) corrected drops."""
    positive = np.where(means > 0, means, np.nan)
    drops: Floats = 1 - (means[:, 1] / positive[:, 0]) / (positive[:, 3] / positive[:, 2])
    return drops


def _drop_gap(means: Floats) -> Floats:
    gap: Floats = _drop(means[:, :2]) - _drop(means[:, 2:])
    return gap


def _cross_table(first: Floats, second: Floats) -> tuple[int, int, int, int]:
    """Count (both, only first, only second, neither) over aligned verdicts."""
    both = int((first * second).sum())
    only_first, only_second = round(first.sum()) - both, round(second.sum()) - both
    return both, only_first, only_second, len(first) - both - only_first - only_second
