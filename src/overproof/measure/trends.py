"""Whether larger models do better: points of pass@1 per doubling of the size, paired by task.

    for finding in trend_findings(verdicts, {"teacher": 1.1e9, "undistilled": 4.9e8}, seed=0): ...

On every task the verdicts of all models give one slope over the binary logarithm of their sizes;
the mean slope over tasks has an interval from the variance between tasks, so that models which fail
the same tasks are compared on the others. With two models it is their difference, over the
number of doublings between them.

Limits: sizes differ together with data, training and tokenizer, and a few models are not a law:
the interval is about these models on other tasks, not about other models. Arms are left out: they
are one size, trained in other ways. pass@1 only.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import log2

import numpy as np

from overproof.measure.claims import TEACHER, UNDISTILLED
from overproof.measure.clustered import sign_flip_p
from overproof.measure.estimates import Column, Estimate, bootstrap_estimate
from overproof.measure.intervals import Floats, unseen_share
from overproof.measure.power import detectable_clustered, detectable_from_limits, mean_error
from overproof.measure.quality import Finding, task_values
from overproof.measure.scopes import AGGREGATES, Scope, scopes
from overproof.measure.tables import Unit, Verdicts

SAME_SIZE = 1.05
"""Models whose sizes differ by less are of one size."""


def sized(models: Sequence[str], sizes: Mapping[str, float]) -> list[str]:
    """Return the models to compare by size, the smallest first; none if all are of one size.

    Where there are a teacher and an undistilled student, these two; otherwise all of known size.

    >>> sized(["teacher", "undistilled", "kd"], {"teacher": 3, "undistilled": 1, "kd": 1})
    ['undistilled', 'teacher']
    """
    as_made = [name for name in models if name in (TEACHER, UNDISTILLED)] or list(models)
    known = sorted((n for n in as_made if sizes.get(n, 0) > 0), key=lambda name: sizes[name])
    if len(known) < 2 or sizes[known[-1]] < SAME_SIZE * sizes[known[0]]:
        return []
    return known


def trend_findings(verdicts: Verdicts, sizes: Mapping[str, float], seed: int) -> Iterator[Finding]:
    """Yield the slopes of pass@1, robust pass@1, verdict flips and drop, in shares per doubling.

    Each row's model is the largest, `against` the smallest; its counts tell how many there are.
    """
    models = sized(verdicts.models, sizes)
    if not models:
        return
    weights = slope_weights([sizes[name] for name in models])
    for scope in scopes(verdicts):
        if not _claimed(scope):
            continue
        values = [task_values(verdicts, model, scope, k=1) for model in models]
        units = [unit for unit in values[0] if all(unit in other for other in values)]
        metrics = {"pass": "mean"}
        if not scope.is_control:
            metrics = {"robust_pass": "robust", "robust_relative": "relative"}
        for metric, name in metrics.items():
            table = np.array([[getattr(of[unit], name) for unit in units] for of in values])
            estimate, p = slope_estimate(table, _clusters(verdicts, units), weights, seed)
            yield _finding(models, metric, scope, estimate, p, len(units))
        if not scope.is_control and units:
            drops = _drops(values, units, _clusters(verdicts, units), weights, seed)
            yield _finding(models, "robust_drop", scope, drops, None, len(units))


def slope_weights(sizes: Sequence[float]) -> Floats:
    """Return what each model's value counts in the least-squares slope over log2 of the size."""
    logs = np.array([log2(size) for size in sizes])
    centred = logs - logs.mean()
    weights: Floats = centred / (centred @ centred)
    return weights


def slope_estimate(
    table: Floats, clusters: Sequence[str], weights: Floats, seed: int = 0
) -> tuple[Estimate, float | None]:
    """Return the mean slope with a t interval at the variance between clusters, and p.

    p is that of flipping the sign of whole tasks: exact for two models under no effect of size, for
    more of them checked by simulation. Shapes: table (M, N), models by tasks; weights (M,).
    """
    from scipy.special import stdtrit

    what = "mean over tasks of the slope over log2 of the size"
    if not table.shape[-1]:
        return Estimate(None, None, None, "no task scored for all"), None
    column = Column.of((weights @ table).tolist(), clusters)
    value = float(column.values.mean())
    if not column.clustered:
        return Estimate(value, None, None, f"{what}; no interval from one task"), None
    p = sign_flip_p(column.values, column.clusters, seed)
    error = mean_error(column.values, column.clusters)
    half = error * float(stdtrit(column.num_clusters - 1, 0.975))
    if half < 1e-12:
        half = float(np.abs(weights).max()) * unseen_share(column.num_clusters)
    least = detectable_clustered(error, column.num_clusters) or None
    method = f"{what}; t with the variance between {column.num_clusters} tasks"
    method += f"; sign flips of whole tasks, p = {p:.3g}"
    return Estimate(value, value - half, value + half, method, least), p


def _drops(
    values: Sequence[Mapping[Unit, object]],
    units: Sequence[Unit],
    clusters: Sequence[str],
    weights: Floats,
    seed: int,
) -> Estimate:
    """Return the slope of the robust drops: not linear in the means, so from the bootstrap."""
    columns = [
        Column.of([getattr(of[unit], name) for unit in units], clusters)
        for name in ("nominal", "robust")
        for of in values
    ]
    count = len(values)

    def slope(means: Floats) -> Floats:
        nominal = np.where(means[:, :count] > 0, means[:, :count], np.nan)
        found: Floats = (1 - means[:, count:] / nominal) @ weights
        return found

    means = np.array([[column.values.mean() for column in columns]])
    what = "slope of the robust drops over log2 of the size"
    if not means[0, :count].all():
        return Estimate(None, None, None, f"{what}: not defined, nothing passes nominally")
    unit = float(np.abs(weights).max() / means[0, :count].min())
    estimate = bootstrap_estimate(float(slope(means)[0]), what, columns, slope, seed, unit)
    if estimate.low is None or estimate.high is None:
        return estimate
    return estimate._replace(detectable=detectable_from_limits(estimate.low, estimate.high))


def _claimed(scope: Scope) -> bool:
    return scope.operator == "nominal" or (scope.operator in AGGREGATES and scope.family == "all")


def _clusters(verdicts: Verdicts, units: Sequence[Unit]) -> list[str]:
    return [verdicts.cluster(unit) for unit in units]


def _finding(
    models: Sequence[str],
    metric: str,
    scope: Scope,
    estimate: Estimate,
    p: float | None,
    n: int,
) -> Finding:
    return Finding(
        model=models[-1],
        metric=f"{metric}_per_doubling@1",
        scope=scope,
        estimate=estimate,
        n=n,
        against=models[0],
        counts={"models": len(models)},
        p=p,
    )
