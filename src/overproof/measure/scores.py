"""The door of this room: rows of a run in, `Score` rows out.

    scores = measure(problems, variants, samples, outcomes, timings, ks=(1, 10))

Covered: pass@k, robust pass, drop and relative per operator, family and over all; paired
differences between models; latency medians and ratios.
Not covered: corrections for looking at many operators at once. The intervals hold one by one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import chain

from overproof.errors import UsageError
from overproof.measure.quality import Finding, quality_findings
from overproof.measure.speed import speed_findings
from overproof.measure.tables import Verdicts, collect
from overproof.records import Outcome, Problem, Sample, Score, Timing, Variant, content_key

METHOD_VERSION = 1
"""Part of every key: raise it when a formula changes."""


def measure(
    tasks: Iterable[Problem] | Iterable[str],
    variants: Iterable[Variant],
    samples: Iterable[Sample],
    outcomes: Iterable[Outcome],
    timings: Iterable[Timing] = (),
    *,
    ks: Sequence[int] = (1,),
    models: Sequence[str] | None = None,
    pairs: Sequence[tuple[str, str]] | None = None,
    seen: Iterable[str] = (),
    seed: int = 0,
) -> list[Score]:
    """Return one row per model, metric and operator, then per pair of models.

    `tasks` are problems or task ids; rows of other tasks are left aside. `ks` above the number
    of samples give no row. `models` fixes the order (by default that of the samples); `pairs`
    says which models are subtracted (by default `default_pairs`). `seen` names the operators that
    training has seen: no aggregate mixes them with others. The same rows and seed give
    the same scores, in whatever order the rows come.

    Raises: UsageError for a k below 1 or a pair of unknown models; DataError if a sample
    belongs to a variant that is not given.
    """
    if any(k < 1 for k in ks):
        raise UsageError(f"pass@k with k = {min(ks)}", hint="k starts at 1")
    times = list(timings)
    if models is None:
        samples = list(samples)
        named = chain((row.model for row in samples), (row.model for row in times))
        models = list(dict.fromkeys(named))
    verdicts = collect(tasks, variants, samples, outcomes, models, seen)
    chosen = default_pairs(models) if pairs is None else list(pairs)
    for name in chain.from_iterable(chosen):
        if name not in models:
            raise UsageError(
                f"no model {name!r} to compare", hint=f"the run has: {', '.join(models)}"
            )
    inputs = _digest(verdicts, times, seed)
    findings = chain(
        quality_findings(verdicts, ks, chosen, seed), speed_findings(times, models, seed)
    )
    return [_score(finding, verdicts.num_seeds, inputs) for finding in findings]


def default_pairs(models: Sequence[str]) -> list[tuple[str, str]]:
    """Return (first, second) pairs, each meaning first minus second.

    Arms are compared with `undistilled`, and `teacher` with the arms. Where no model has such
    a name, every later model is compared with the first.

    >>> default_pairs(["teacher", "undistilled", "distilled"])
    [('distilled', 'undistilled'), ('teacher', 'distilled')]
    """
    arms = [name for name in models if name not in ("teacher", "undistilled")]
    if len(arms) == len(models):
        return [(later, models[0]) for later in models[1:]]
    if not arms and len(models) == 2:
        return [("teacher", "undistilled")]
    pairs = [(arm, "undistilled") for arm in arms if "undistilled" in models]
    return pairs + [("teacher", arm) for arm in arms if "teacher" in models]


def _score(finding: Finding, num_seeds: int, inputs: str) -> Score:
    scope, estimate = finding.scope, finding.estimate
    identity = (finding.model, finding.metric, scope.operator, scope.family, finding.against)
    return Score(
        key=content_key("score", METHOD_VERSION, *identity, asdict(scope), inputs),
        model=finding.model,
        metric=finding.metric,
        operator=scope.operator,
        family=scope.family,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        n=finding.n,
        against=finding.against,
        method="; ".join(filter(None, (estimate.method, _worst_of(finding, num_seeds)))),
        counts=finding.counts,
    )


def _worst_of(finding: Finding, num_seeds: int) -> str:
    """Say over how many prompts the worst case is taken, and what a drop is relative to."""
    scope = finding.scope
    if not finding.metric.startswith("robust"):
        return ""
    if scope.draws is not None:
        whose = "all variants" if scope.family == "all" else "the family's variants"
        width = f"s = {num_seeds}, drawn from {whose}"
    elif len(scope.members) > 1:
        width = f"worst over all variants, s = {num_seeds} per random operator"
    else:
        width = f"s = {finding.counts.get('variants_per_task', 0)}"
    return f"{width}; against the {scope.control} prompt"


def _digest(verdicts: Verdicts, timings: Sequence[Timing], seed: int) -> str:
    """Return a hash of everything that the scores depend on."""
    statuses = sorted(
        (model, variant, index, status)
        for (model, variant), cell in verdicts.statuses.items()
        for index, status in cell.items()
    )
    chosen = sorted((name, *unit, *keys) for (name, unit), keys in verdicts.chosen.items())
    return content_key(statuses, chosen, sorted(timing.key for timing in timings), seed)
