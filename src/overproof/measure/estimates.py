"""From per-task values to an estimate with its interval: the best method that applies is chosen.

One verdict per task gives Wilson, Newcombe or MOVER; several samples or languages per task give
them at the variance between tasks; what combines more than two means gives the bootstrap over
tasks. The chosen method is part of the estimate, in words.

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
from overproof.measure.power import (
    detectable_clustered,
    detectable_from_limits,
    detectable_paired,
    mean_error,
)
from overproof.measure.ratios import ratio_gap, ratio_of_ratios

BOOTSTRAP = "bootstrap over tasks, 2,000 resamples, percentiles"
ALONE = "no interval from one task"


class Estimate(NamedTuple):
    """A value, its 95 % limits (None where they are not defined) and the method in words."""

    value: float | None
    low: float | None
    high: float | None
    method: str
    detectable: float | None = None
    """Of a difference: the smallest true one found with 80 % power, in the unit of `value`."""


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
    def clustered(self) -> bool:
        """Whether there are clusters to compare."""
        return self.num_clusters > 1


def mean_estimate(column: Column) -> Estimate:
    """Return the mean, with Wilson's interval, plain or at the variance between clusters."""
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
    if not column.clustered:
        return Estimate(mean, None, None, f"mean over tasks; {ALONE}")
    limits = clustered_wilson(column.values, column.clusters)
    return Estimate(mean, *limits, f"mean over tasks; Wilson {_between(column)}")


def drop_estimate(nominal: Column, robust: Column) -> Estimate:
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
    if not nominal.clustered:
        return Estimate(value, None, None, f"{what}; {ALONE}")
    ratio = clustered_ratio(robust.values, nominal.values, nominal.clusters)
    if ratio is None:
        return _unmoved(value, what, nominal.num_clusters, unit)
    method = f"{what}; MOVER for paired ratios {_between(nominal)}"
    return Estimate(value, 1 - ratio[1], min(1.0, 1 - ratio[0]), method)


def corrected_drop_estimate(
    control: Column, robust: Column, nominal: Column, null: Column
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
    means = [float(column.values.mean()) for column in columns]
    if not (means[0] and means[2] and means[3]):
        return Estimate(None, None, None, f"{what}: not defined, nothing passes unperturbed")
    value = 1 - (means[1] / means[0]) / (means[3] / means[2])
    if not control.clustered:
        return Estimate(value, None, None, f"{what}; {ALONE}")
    pairs = (robust.values, control.values), (null.values, nominal.values)
    low, high = ratio_of_ratios(*pairs, control.clusters)
    method = f"{what}; MOVER for paired ratios {_between(control)}"
    return Estimate(value, 1 - high, min(1.0, 1 - low), method)


def mean_difference(first: Column, second: Column) -> Estimate:
    """Return mean(first) - mean(second) of columns aligned by task, with what is detectable."""
    what = "paired difference of means over tasks"
    if not len(first):
        return Estimate(None, None, None, "no task scored for both")
    value = float(first.values.mean() - second.values.mean())
    if first.one_verdict_per_task and second.one_verdict_per_task:
        table = _cross_table(first.values, second.values)
        least = detectable_paired(len(first), (table[1] + table[2]) / len(first))
        return Estimate(
            value, *newcombe(*table), f"{what}; Newcombe's paired score interval", least
        )
    if not first.clustered:
        return Estimate(value, None, None, f"{what}; {ALONE}")
    limits = clustered_difference(first.values, second.values, first.clusters)
    if limits is None:
        least = detectable_paired(first.num_clusters, 0.0)
        return _unmoved(value, what, first.num_clusters)._replace(detectable=least)
    error = mean_error(first.values - second.values, first.clusters)
    least = detectable_clustered(error, first.num_clusters)
    return Estimate(value, *limits, f"{what}; Newcombe {_between(first)}", least)


def drop_difference(first: tuple[Column, Column], second: tuple[Column, Column]) -> Estimate:
    """Return the drop of the first model minus that of the second; (nominal, robust) each."""
    what = "paired difference of drops"
    if not len(first[0]):
        return Estimate(None, None, None, "no task scored for both")
    if first[0].values.sum() == 0 or second[0].values.sum() == 0:
        return Estimate(None, None, None, f"{what}: not defined, nothing passes nominally")
    ratios = [(robust.values, nominal.values) for nominal, robust in (second, first)]
    values = [float(above.mean() / below.mean()) for above, below in ratios]
    value, clusters = values[0] - values[1], first[0].clusters
    if not first[0].clustered:
        return Estimate(value, None, None, f"{what}; {ALONE}")
    low, high = ratio_gap(ratios[0], ratios[1], clusters)
    method = f"{what}; MOVER for paired ratios {_between(first[0])}"
    return Estimate(value, low, high, method, detectable_from_limits(low, high))


def bootstrap_estimate(
    value: float,
    what: str,
    columns: Sequence[Column],
    statistic: Callable[[Floats], Floats],
    seed: int,
    unit: float = 1.0,
) -> Estimate:
    """Resample the tasks, for a statistic of means that has no closed form.

    `statistic` maps means of the columns, (R, M), to (R,). Where no task differs, the point is
    widened by what n tasks could hide: `unit` is how much one unseen task in all tasks would move
    the statistic, times n.
    Source: Field and Welsh 2007 (Bootstrapping clustered data), for drawing whole clusters.
    """
    clusters = columns[0].num_clusters
    if clusters < 2:
        return Estimate(value, None, None, f"{what}; {ALONE}")
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
    kind = "source tasks" if column.num_clusters < len(column) else "tasks"
    return f"with the variance between {column.num_clusters} {kind}"


def _cross_table(first: Floats, second: Floats) -> tuple[int, int, int, int]:
    """Count (both, only first, only second, neither) over aligned verdicts."""
    both = int((first * second).sum())
    only_first, only_second = round(first.sum()) - both, round(second.sum()) - both
    return both, only_first, only_second, len(first) - both - only_first - only_second
