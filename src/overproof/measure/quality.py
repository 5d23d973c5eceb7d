"""pass@k and the robust metrics of every model, operator and family, and their differences.

What a row is about: scopes.py says which prompts, parts.py which suites and languages. Beside each
drop stands one that is corrected for noise: what as many repeats of the unchanged prompt (`null`)
lose is not counted. The parts of a pooled figure have the same rows for each model; differences
between models they have for the published prompts and over all operators only.

    values = task_values(verdicts, "distilled", scopes(verdicts)[0], k=1)
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from overproof.measure.clustered import sign_flip_p
from overproof.measure.estimates import (
    Column,
    Estimate,
    corrected_drop_estimate,
    drop_difference,
    drop_estimate,
    mean_difference,
    mean_estimate,
)
from overproof.measure.intervals import mcnemar_p
from overproof.measure.parts import Part, part_counts, parts, pooled_words
from overproof.measure.passk import pass_at_k
from overproof.measure.robust import (
    expected_relative,
    expected_worst,
    flips,
    robust_pass_at_k,
    robust_relative_at_k,
)
from overproof.measure.scopes import Scope, scopes
from overproof.measure.tables import NOMINAL, NULL, Unit, Verdicts


class TaskValue(NamedTuple):
    """One task's part in each metric."""

    nominal: float
    """pass@k on the control prompt."""
    mean: float
    """pass@k on the perturbed prompts, averaged over them."""
    robust: float
    relative: float
    broken: int
    repaired: int


Values = Mapping[Unit, TaskValue]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A number on its way to becoming a `Score`."""

    model: str
    metric: str
    scope: Scope
    estimate: Estimate
    n: int
    against: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    suite: str = ""
    language: str = ""
    p: float | None = None
    pooled: str = ""
    """What the figure pools, in words."""


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where a finding stands, and what all findings of one place share."""

    verdicts: Verdicts
    scope: Scope
    part: Part
    k: int
    seed: int

    def within(self, values: Values) -> dict[Unit, TaskValue]:
        """Return the values of this part's tasks, in the order of the run."""
        return {unit: values[unit] for unit in self.part.units if unit in values}

    def columns(self, values: Values, units: Iterable[Unit]) -> dict[str, Column]:
        """Return each metric's column; the cluster is the source task, whatever the language."""
        rows = list(units)
        clusters = [self.verdicts.cluster(unit) for unit in rows]
        return {
            name: Column.of([getattr(values[unit], name) for unit in rows], clusters)
            for name in ("nominal", "mean", "robust", "relative")
        }

    def finding(
        self,
        model: str,
        metric: str,
        estimate: Estimate,
        units: Sequence[Unit],
        counts: Mapping[str, int],
    ) -> Finding:
        """Return a finding of this place about these tasks."""
        full = self.scope.operator == NOMINAL
        return Finding(
            model=model,
            metric=f"{metric}@{self.k}",
            scope=self.scope,
            estimate=estimate,
            n=len(units),
            counts=dict(counts),
            suite=self.part.suite,
            language=self.part.language,
            pooled=pooled_words(units, full=full),
        )


def task_values(verdicts: Verdicts, model: str, scope: Scope, k: int) -> dict[Unit, TaskValue]:
    """Return every task's values; tasks with fewer than k scored samples are absent.

    A scope with `draws` is defined for k = 1 only: its samples count by probability.
    """
    values: dict[Unit, TaskValue] = {}
    for unit in verdicts.units:
        nominal, correct = verdicts.table(model, scope.control, scope.members, unit)
        n = len(nominal)
        if n < k:
            continue
        broken, repaired = flips(nominal, correct)
        if scope.draws is None:
            robust = robust_pass_at_k(correct, k)
            relative = robust_relative_at_k(nominal, correct, k)
        else:
            draws = scope.draws
            robust = sum(expected_worst(row, draws) for row in correct) / n
            rows = zip(nominal, correct, strict=True)
            relative = sum(expected_relative(before, row, draws) for before, row in rows) / n
        by_variant = [pass_at_k(n, sum(column), k) for column in zip(*correct, strict=True)]
        mean = sum(by_variant) / len(by_variant)
        values[unit] = TaskValue(
            pass_at_k(n, sum(nominal), k), mean, robust, relative, broken, repaired
        )
    return values


def quality_findings(
    verdicts: Verdicts, ks: Sequence[int], pairs: Sequence[tuple[str, str]], seed: int
) -> Iterator[Finding]:
    """Yield every quality number of every model and pair of models: all tasks, then each part."""
    among = parts(verdicts)
    repeats: dict[int, dict[str, dict[Unit, TaskValue]]] = {0: {}}
    for scope in scopes(verdicts):
        width = _null_width(verdicts, scope)
        if width not in repeats:
            repeats[width] = _null_values(verdicts, width)
        for k in ks if scope.draws is None else [1]:
            values = {model: task_values(verdicts, model, scope, k) for model in verdicts.models}
            if k > 1 and not any(values.values()):
                continue
            for part in among:
                place = _Place(verdicts=verdicts, scope=scope, part=part, k=k, seed=seed)
                nulls = repeats[width] if k == 1 else {}
                yield from _at(place, values, nulls, pairs, len(among) > 1)


def _at(
    place: _Place,
    values: Mapping[str, Values],
    nulls: Mapping[str, Values],
    pairs: Sequence[tuple[str, str]],
    several: bool,
) -> Iterator[Finding]:
    """Yield the numbers of one scope and one part."""
    scope, part = place.scope, place.part
    own = {model: place.within(values[model]) for model in place.verdicts.models}
    for model in place.verdicts.models:
        counts = _scope_counts(place, model, own[model])
        if several and scope.operator == NOMINAL:
            counts |= part_counts(place.verdicts, part)
        yield from _one_model(place, model, own[model], counts)
        if model in nulls:
            yield from _beyond_noise(place, model, own[model], nulls[model], counts)
    if part.pooled or scope.operator == NOMINAL or scope.family == "all":
        for first, second in pairs:
            yield from _two_models(place, first, second, own)


def _null_width(verdicts: Verdicts, scope: Scope) -> int:
    """Return how many repeats of the same prompt a scope is set against; 0 where there are none."""
    width = scope.draws or _variants_per_task(verdicts, scope, verdicts.units)
    if scope.is_control or NULL not in verdicts.families or scope.members == (NULL,):
        return 0
    null = _null_scope(width)
    return width if width <= _variants_per_task(verdicts, null, verdicts.units) else 0


def _null_values(verdicts: Verdicts, width: int) -> dict[str, dict[Unit, TaskValue]]:
    """Return what so many repeats of the same prompt leave, for every model."""
    null = _null_scope(width)
    return {model: task_values(verdicts, model, null, k=1) for model in verdicts.models}


def _null_scope(width: int) -> Scope:
    return Scope(operator=NULL, family=NULL, members=(NULL,), control=NOMINAL, draws=width)


def _one_model(
    place: _Place, model: str, values: Values, counts: Mapping[str, int]
) -> Iterator[Finding]:
    columns, units = place.columns(values, values), list(values)
    pass_at = mean_estimate(columns["mean"])
    yield place.finding(model, "pass", pass_at, units, counts)
    if place.scope.is_control:
        return
    robust = mean_estimate(columns["robust"])
    drop = drop_estimate(columns["nominal"], columns["robust"])
    relative = mean_estimate(columns["relative"])
    flipped = {
        "broken": sum(value.broken for value in values.values()),
        "repaired": sum(value.repaired for value in values.values()),
    }
    yield place.finding(model, "robust_pass", robust, units, counts)
    yield place.finding(model, "robust_drop", drop, units, counts)
    yield place.finding(model, "robust_relative", relative, units, {**counts, **flipped})


def _beyond_noise(
    place: _Place, model: str, values: Values, nulls: Values, counts: Mapping[str, int]
) -> Iterator[Finding]:
    """Yield the drop beyond that of as many repeats of the same prompt."""
    shared = [unit for unit in values if unit in nulls]
    own, repeats = place.columns(values, shared), place.columns(nulls, shared)
    estimate = corrected_drop_estimate(
        own["nominal"], own["robust"], repeats["nominal"], repeats["robust"]
    )
    yield place.finding(model, "robust_drop_corrected", estimate, shared, counts)


def _two_models(
    place: _Place, first: str, second: str, values: Mapping[str, Values]
) -> Iterator[Finding]:
    shared = [unit for unit in values[first] if unit in values[second]]
    one, two = place.columns(values[first], shared), place.columns(values[second], shared)
    width = _variants_per_task(place.verdicts, place.scope, place.part.units)

    def paired(metric: str, estimate: Estimate, counts: Mapping[str, int]) -> Finding:
        counts = {"variants_per_task": width, **counts}
        return replace(place.finding(first, metric, estimate, shared, counts), against=second)

    def tested(metric: str, column: str) -> Finding:
        estimate = mean_difference(one[column], two[column])
        p, words, flipped = _test(one[column], two[column], place)
        found = paired(metric, estimate._replace(method=estimate.method + words), flipped)
        return replace(found, p=p)

    yield tested("pass", "mean")
    if place.scope.is_control:
        return
    yield tested("robust_pass", "robust")
    relative = mean_difference(one["relative"], two["relative"])
    yield paired("robust_relative", relative, {})
    drops = drop_difference((one["nominal"], one["robust"]), (two["nominal"], two["robust"]))
    yield paired("robust_drop", drops, {})


def _test(one: Column, two: Column, place: _Place) -> tuple[float | None, str, dict[str, int]]:
    """Return p, its test in words, and the tasks lost and won against the other model.

    McNemar's test where it holds; flips of whole tasks for headline figures only, as they cost.
    """
    counts = {
        "broken": int((one.values < two.values).sum()),
        "repaired": int((one.values > two.values).sum()),
    }
    if not len(one):
        return None, "", counts
    if one.one_verdict_per_task and two.one_verdict_per_task:
        p = mcnemar_p(counts["broken"], counts["repaired"])
        return p, f"; exact McNemar p = {p:.3g}", counts
    if place.scope.operator == NOMINAL or place.scope.family == "all":
        p = sign_flip_p(one.values - two.values, one.clusters, place.seed)
        return p, f"; sign flips of whole tasks, p = {p:.3g}", counts
    return None, "", counts


def _scope_counts(place: _Place, model: str, values: Values) -> dict[str, int]:
    """Count statuses, variants per task, and what is missing."""
    verdicts, members, units = place.verdicts, place.scope.members, place.part.units
    cells = [(name, unit) for name in members for unit in units]
    counts = {
        **verdicts.count_statuses(model, members, units),
        "variants_per_task": _variants_per_task(verdicts, place.scope, units),
        "tasks_without_score": len(units) - len(values),
        "too_few_variants": sum(cell in verdicts.too_few for cell in cells),
        "uncertified": sum(verdicts.uncertified[cell] for cell in cells),
    }
    return {name: count for name, count in counts.items() if count}


def _variants_per_task(verdicts: Verdicts, scope: Scope, units: Iterable[Unit]) -> int:
    """Return how many variants the best covered task has in this scope."""
    return max((len(verdicts.variants(scope.members, unit)) for unit in units), default=0)
