"""pass@k and the robust metrics of every model, operator and family, and their differences.

An operator's row is the worst of its s variants. A family's row is what s variants drawn from
all of the family's would leave, so that families with many operators are not punished for
their number; `any` is the same over all families. `all` of `all` is the plain worst case over
every variant of every perturbing operator. Beside each drop stands one that is corrected for
noise: what as many repeats of the unchanged prompt (`null`) lose is not counted.

Operators that training has seen are never mixed with others in one number: where there are
some, every aggregate is split in two, `seen` and `unseen`.
Prompts that begin the body (family `code`, and a few others) are compared with the half-written
prompt as it is (`half_body`), where that was run; no family's row mixes the two.

    values = task_values(verdicts, "distilled", scopes(verdicts)[0], k=1)
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

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
from overproof.measure.passk import pass_at_k
from overproof.measure.robust import (
    expected_relative,
    expected_worst,
    flips,
    robust_pass_at_k,
    robust_relative_at_k,
)
from overproof.measure.tables import CONTROLS, HALF_BODY, NOMINAL, NULL, Unit, Verdicts


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Which variants a row is about, and which prompt they are compared with."""

    operator: str
    """As it stands in the row: an operator, or `all`, `any`, `seen`, `unseen` for an aggregate."""
    family: str
    members: tuple[str, ...]
    control: str
    draws: int | None = None
    """Variants drawn for a family's row; None for the worst of all."""

    @property
    def is_control(self) -> bool:
        """Whether nothing is perturbed, and no drop can be taken."""
        return self.members == (self.control,)


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


def scopes(verdicts: Verdicts) -> list[Scope]:
    """Return the nominal scope, one per operator, one per perturbing family, and `all`."""
    families = verdicts.families

    def control(name: str) -> str:
        begun = name == HALF_BODY or name in verdicts.begun
        return HALF_BODY if begun and HALF_BODY in families else NOMINAL

    found = [
        Scope(operator=name, family=family, members=(name,), control=control(name))
        for name, family in families.items()
    ]
    found.sort(key=lambda scope: scope.operator != NOMINAL)
    perturbing = [name for name in families if name not in CONTROLS]
    for family in dict.fromkeys(families[name] for name in perturbing):
        members = [name for name in perturbing if families[name] == family]
        by_control = {
            start: [name for name in members if control(name) == start]
            for start in dict.fromkeys(control(name) for name in members)
        }
        for start, part in by_control.items():
            mixed = len(by_control) > 1 and start == HALF_BODY
            label = f"half-written {family}" if mixed else family
            found += _aggregates(verdicts, label, part, start, verdicts.num_seeds)
    if perturbing:
        found += _aggregates(verdicts, "all", perturbing, NOMINAL, None)
        if not verdicts.seen.intersection(perturbing):
            found.append(
                Scope(
                    operator="any",
                    family="all",
                    members=tuple(perturbing),
                    control=NOMINAL,
                    draws=verdicts.num_seeds,
                )
            )
    return found


def _aggregates(
    verdicts: Verdicts, family: str, members: Sequence[str], control: str, draws: int | None
) -> list[Scope]:
    """Return one scope over these operators, or one over the seen and one over the unseen."""
    seen = tuple(name for name in members if name in verdicts.seen)
    unseen = tuple(name for name in members if name not in verdicts.seen)
    parts = {"seen": seen, "unseen": unseen} if verdicts.seen else {"all": unseen}
    return [
        Scope(operator=label, family=family, members=part, control=control, draws=draws)
        for label, part in parts.items()
        if part
    ]


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
    """Yield every quality number of every model and of every pair of models."""
    for scope in scopes(verdicts):
        for k in ks if scope.draws is None else [1]:
            values = {model: task_values(verdicts, model, scope, k) for model in verdicts.models}
            if k > 1 and not any(values.values()):
                continue
            for model in verdicts.models:
                counts = _scope_counts(verdicts, model, scope, values[model])
                yield from _one_model(model, scope, k, values[model], counts, seed)
                if k == 1 and not scope.is_control and NULL in verdicts.families:
                    yield from _beyond_noise(verdicts, model, scope, values[model], counts, seed)
            width = _variants_per_task(verdicts, scope)
            for first, second in pairs:
                yield from _two_models(first, second, scope, k, values, width, seed)


def _one_model(
    model: str,
    scope: Scope,
    k: int,
    values: Mapping[Unit, TaskValue],
    counts: dict[str, int],
    seed: int,
) -> Iterator[Finding]:
    columns = _columns(values, values)

    def finding(metric: str, estimate: Estimate, more: Mapping[str, int]) -> Finding:
        return Finding(
            model=model,
            metric=f"{metric}@{k}",
            scope=scope,
            estimate=estimate,
            n=len(values),
            counts={**counts, **more},
        )

    yield finding("pass", mean_estimate(columns["mean"], seed), {})
    if scope.is_control:
        return
    flipped = {
        "broken": sum(value.broken for value in values.values()),
        "repaired": sum(value.repaired for value in values.values()),
    }
    yield finding("robust_pass", mean_estimate(columns["robust"], seed), {})
    yield finding("robust_drop", drop_estimate(columns["nominal"], columns["robust"], seed), {})
    yield finding("robust_relative", mean_estimate(columns["relative"], seed), flipped)


def _beyond_noise(
    verdicts: Verdicts,
    model: str,
    scope: Scope,
    values: Mapping[Unit, TaskValue],
    counts: dict[str, int],
    seed: int,
) -> Iterator[Finding]:
    """Yield the drop beyond that of as many repeats of the same prompt, where there are as many."""
    width = scope.draws or _variants_per_task(verdicts, scope)
    null = Scope(operator=NULL, family=NULL, members=(NULL,), control=NOMINAL, draws=width)
    if scope.members == (NULL,) or width > _variants_per_task(verdicts, null):
        return
    nulls = task_values(verdicts, model, null, k=1)
    shared = [unit for unit in values if unit in nulls]
    own, repeats = _columns(values, shared), _columns(nulls, shared)
    estimate = corrected_drop_estimate(
        own["nominal"], own["robust"], repeats["nominal"], repeats["robust"], seed
    )
    yield Finding(
        model=model,
        metric="robust_drop_corrected@1",
        scope=scope,
        estimate=estimate,
        n=len(shared),
        counts=counts,
    )


def _two_models(
    first: str,
    second: str,
    scope: Scope,
    k: int,
    values: Mapping[str, Mapping[Unit, TaskValue]],
    width: int,
    seed: int,
) -> Iterator[Finding]:
    shared = [unit for unit in values[first] if unit in values[second]]
    one, two = _columns(values[first], shared), _columns(values[second], shared)

    def finding(metric: str, estimate: Estimate, counts: Mapping[str, int]) -> Finding:
        return Finding(
            model=first,
            metric=f"{metric}@{k}",
            scope=scope,
            estimate=estimate,
            n=len(shared),
            against=second,
            counts={"variants_per_task": width, **counts},
        )

    def difference(column: str) -> Estimate:
        return mean_difference(one[column], two[column], seed)

    yield finding("pass", *_with_flips(difference("mean"), one["mean"], two["mean"]))
    if scope.is_control:
        return
    robust = _with_flips(difference("robust"), one["robust"], two["robust"])
    yield finding("robust_pass", *robust)
    yield finding("robust_relative", difference("relative"), {})
    drops = drop_difference((one["nominal"], one["robust"]), (two["nominal"], two["robust"]), seed)
    yield finding("robust_drop", drops, {})


def _with_flips(estimate: Estimate, one: Column, two: Column) -> tuple[Estimate, dict[str, int]]:
    """Count the tasks lost and won against the other model; add McNemar's p where it holds."""
    counts = {
        "broken": int((one.values < two.values).sum()),
        "repaired": int((one.values > two.values).sum()),
    }
    if len(one) and one.one_verdict_per_task and two.one_verdict_per_task:
        p = mcnemar_p(counts["broken"], counts["repaired"])
        estimate = estimate._replace(method=f"{estimate.method}; exact McNemar p = {p:.3g}")
    return estimate, counts


def _columns(values: Mapping[Unit, TaskValue], units: Iterable[Unit]) -> dict[str, Column]:
    """Return each metric's column; the cluster is the task, whatever suite and language."""
    rows = list(units)
    clusters = [unit.task_id for unit in rows]
    return {
        name: Column.of([getattr(values[unit], name) for unit in rows], clusters)
        for name in ("nominal", "mean", "robust", "relative")
    }


def _scope_counts(
    verdicts: Verdicts, model: str, scope: Scope, values: Mapping[Unit, TaskValue]
) -> dict[str, int]:
    """Count statuses, variants per task, and what is missing."""
    counts = {
        **verdicts.count_statuses(model, scope.members),
        "variants_per_task": _variants_per_task(verdicts, scope),
        "tasks_without_score": len(verdicts.units) - len(values),
        "too_few_variants": sum(verdicts.too_few[name] for name in scope.members),
        "uncertified": sum(verdicts.uncertified[name] for name in scope.members),
    }
    return {name: count for name, count in counts.items() if count}


def _variants_per_task(verdicts: Verdicts, scope: Scope) -> int:
    """Return how many variants the best covered task has in this scope."""
    widths = (len(verdicts.variants(scope.members, unit)) for unit in verdicts.units)
    return max(widths, default=0)
