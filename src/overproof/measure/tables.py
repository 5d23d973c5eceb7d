"""From rows to tables: which samples count for which task, and under which variants.

Three rules keep the numbers honest. A `harness_error` or `missing_tool` is taken out and
counted, never read as wrong. A variant without a valid certificate is not used. Every random
operator is measured on the same number of seeds, s; a task for which an operator yields fewer
than s variants is left out for that operator, and counted.

    verdicts = collect(["HumanEval/0"], variants, samples, outcomes)
    verdicts.num_seeds
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from overproof.errors import DataError
from overproof.records import EXCLUDED, Outcome, Problem, Sample, Status, Variant

NOMINAL = "nominal"
NULL = "null"
HALF_BODY = "half_body"
"""The control of prompts with half a body: that half, not perturbed."""
CONTROLS = frozenset({NOMINAL, NULL, HALF_BODY})


class Unit(NamedTuple):
    """What a verdict is about: one task of one suite in one language."""

    suite: str
    language: str
    task_id: str


class TaskTable(NamedTuple):
    """One model on one task: the samples that were scored on the control and all variants."""

    nominal: list[bool]
    """Per sample, on the control prompt."""
    correct: list[list[bool]]
    """correct[sample_i][variant_j]."""


@dataclass(frozen=True)
class Verdicts:
    """All verdicts of a run, by model and variant, and what was left out."""

    models: list[str]
    units: list[Unit]
    """All tasks, in the order of their nominal variants."""
    families: dict[str, str]
    """Operator to family, in order of appearance."""
    num_seeds: int
    """s: how many variants of each random operator are used."""
    chosen: Mapping[tuple[str, Unit], list[str]]
    """Operator and task to the keys of the variants that are used."""
    statuses: Mapping[tuple[str, str], dict[int, Status]]
    """Model and variant to status by sample index."""
    uncertified: Counter[tuple[str, Unit]]
    """Variants without a valid certificate, by operator and task."""
    too_few: frozenset[tuple[str, Unit]]
    """Operators and tasks with fewer than s variants."""
    seen: frozenset[str] = frozenset()
    """Operators that training has seen."""
    begun: frozenset[str] = frozenset()
    """Operators whose prompts hold half of the body, whatever their family."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """task_id to that of the problem it was translated from, where there is one."""
    calls_left_out: Mapping[str, int] = field(default_factory=dict)
    """task_id to how many of its test's calls its language cannot be asked."""

    def cluster(self, unit: Unit) -> str:
        """Return what a task shares with others: its source, the same in every language."""
        return self.sources.get(unit.task_id, unit.task_id)

    def variants(self, operators: Sequence[str], unit: Unit) -> list[str]:
        """Return the keys of a task's variants under these operators."""
        return [key for operator in operators for key in self.chosen.get((operator, unit), [])]

    def table(self, model: str, control: str, operators: Sequence[str], unit: Unit) -> TaskTable:
        """Return the model's table for a task; without rows if no sample was scored throughout."""
        controls = self.variants([control], unit)[:1]
        perturbed = self.variants(operators, unit)
        if not controls or not perturbed:
            return TaskTable([], [])
        scored = [self._scored(model, key) for key in [*controls, *perturbed]]
        shared = sorted(set.intersection(*(set(verdicts) for verdicts in scored)))
        return TaskTable(
            [scored[0][index] for index in shared],
            [[verdicts[index] for verdicts in scored[1:]] for index in shared],
        )

    def count_statuses(
        self, model: str, operators: Sequence[str], units: Iterable[Unit]
    ) -> Counter[str]:
        """Return how often each status occurs among a model's samples on these tasks."""
        return Counter(
            status
            for unit in units
            for key in self.variants(operators, unit)
            for status in self.statuses.get((model, key), {}).values()
        )

    def _scored(self, model: str, variant: str) -> dict[int, bool]:
        statuses = self.statuses.get((model, variant), {})
        return {i: status == "passed" for i, status in statuses.items() if status not in EXCLUDED}


def collect(
    tasks: Iterable[Problem] | Iterable[str],
    variants: Iterable[Variant],
    samples: Iterable[Sample],
    outcomes: Iterable[Outcome],
    models: Sequence[str] | None = None,
    seen: Iterable[str] = (),
) -> Verdicts:
    """Join the rows of the given tasks.

    A sample without an outcome is not scored, like one whose execution failed on our side.
    Raises: DataError if a sample belongs to a variant that is not given.
    """
    wanted: set[str] = set()
    problems: list[Problem] = []
    for task in tasks:
        wanted.add(task.task_id if isinstance(task, Problem) else task)
        if isinstance(task, Problem):
            problems.append(task)
    known = {variant.key: variant for variant in variants if variant.task_id in wanted}
    usable = [variant for variant in known.values() if _usable(variant)]
    by_operator: dict[tuple[str, Unit], list[Variant]] = defaultdict(list)
    for variant in usable:
        by_operator[variant.operator, _unit(variant)].append(variant)
    num_seeds = shared_seeds(usable)
    chosen, too_few = _choose(by_operator, num_seeds)
    statuses, sampled = _join(wanted, known, samples, outcomes)
    return Verdicts(
        models=list(models) if models is not None else sampled,
        units=list(dict.fromkeys(_unit(v) for v in known.values() if v.operator == NOMINAL)),
        families={variant.operator: variant.family for variant in known.values()},
        num_seeds=num_seeds,
        chosen=chosen,
        statuses=statuses,
        uncertified=Counter((v.operator, _unit(v)) for v in known.values() if not _usable(v)),
        too_few=too_few,
        seen=frozenset(seen),
        begun=frozenset(variant.operator for variant in known.values() if variant.partial),
        sources={task.task_id: task.source.task_id for task in problems if task.source},
        calls_left_out={
            task.task_id: len(task.source.excluded) for task in problems if task.source
        },
    )


def shared_seeds(variants: Iterable[Variant]) -> int:
    """Return s: the number of seeds that every random operator has; 1 if none is random.

    An operator is random if some task has two variants of it with different seeds.
    """
    seeds: dict[str, dict[Unit, set[int]]] = defaultdict(lambda: defaultdict(set))
    for variant in variants:
        seeds[variant.operator][_unit(variant)].add(variant.seed)
    most = [max(map(len, tasks.values())) for tasks in seeds.values()]
    return min((count for count in most if count > 1), default=1)


def _choose(
    by_operator: Mapping[tuple[str, Unit], list[Variant]], num_seeds: int
) -> tuple[dict[tuple[str, Unit], list[str]], frozenset[tuple[str, Unit]]]:
    """Take the first s seeds of random operators and the only one of the others."""
    random = {operator for (operator, _), rows in by_operator.items() if len(rows) > 1}
    chosen: dict[tuple[str, Unit], list[str]] = {}
    too_few: set[tuple[str, Unit]] = set()
    for (operator, unit), rows in by_operator.items():
        needed = num_seeds if operator in random and operator != NOMINAL else 1
        if len(rows) < needed:
            too_few.add((operator, unit))
            continue
        ordered = sorted(rows, key=lambda row: (row.seed, row.key))
        chosen[operator, unit] = [row.key for row in ordered[:needed]]
    return chosen, frozenset(too_few)


def _join(
    wanted: set[str],
    known: Mapping[str, Variant],
    samples: Iterable[Sample],
    outcomes: Iterable[Outcome],
) -> tuple[dict[tuple[str, str], dict[int, Status]], list[str]]:
    status_of = {outcome.key: outcome.status for outcome in outcomes}
    statuses: dict[tuple[str, str], dict[int, Status]] = defaultdict(dict)
    models: dict[str, None] = {}
    for sample in samples:
        if sample.task_id not in wanted:
            continue
        if sample.variant not in known:
            raise DataError(
                f"{sample.task_id}: sample {sample.key} of {sample.model} belongs to variant "
                f"{sample.variant}, which is not among the {len(known)} variants",
                hint="pass the variants that the samples were generated from",
            )
        models[sample.model] = None
        if sample.key in status_of:
            cell = statuses[sample.model, sample.variant]
            cell[sample.sample_index] = status_of[sample.key]
    return dict(statuses), list(models)


def _unit(variant: Variant) -> Unit:
    return Unit(variant.suite, variant.language, variant.task_id)


def _usable(variant: Variant) -> bool:
    if variant.operator == NOMINAL:
        return True
    return variant.certificate is not None and variant.certificate.valid
