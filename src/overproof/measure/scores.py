"""The door of this room: rows of a run in, `Score` rows out.

    scores = measure(problems, variants, samples, outcomes, timings, ks=(1, 10))

Covered: pass@k, robust pass, drop and relative per operator, family and over all, for all tasks
and per suite and language; paired differences between models, with Holm's correction over those
that claims are made from; latency medians and ratios.
Not covered: corrections for looking at many operators or languages. Their intervals hold one by
one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from math import exp, log

from overproof.errors import UsageError
from overproof.measure.claims import adjust, default_pairs
from overproof.measure.power import detectable_from_limits
from overproof.measure.quality import Finding, quality_findings
from overproof.measure.speed import speed_findings
from overproof.measure.tables import Verdicts, collect
from overproof.measure.trends import trend_findings
from overproof.records import Outcome, Problem, Sample, Score, Timing, Variant, content_key

METHOD_VERSION = 2
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
    reference: str | None = None,
    seen: Iterable[str] | Mapping[str, Iterable[str]] = (),
    sizes: Mapping[str, float] | None = None,
    seed: int = 0,
) -> list[Score]:
    """Return one row per model, metric and operator, then per pair of models.

    `tasks` are problems or task ids (problems tell which tasks are one in several languages);
    rows of other tasks are left aside. `ks` above the number of samples give no row. `models` fixes
    the order (by default that of the samples); `pairs` says which models are subtracted (by default
    `default_pairs`, whose arm of comparison is `reference`). `seen` names the operators that
    training has seen, or for each arm those that it has: what any arm has seen counts as seen, so
    that all are compared on the same rows; no aggregate but `mixed` holds seen and unseen ones.
    `sizes` (bytes or parameters) give rows on larger models against smaller ones, see trends.py.
    The same rows and seed give the same scores, in whatever order the rows come.

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
    if isinstance(seen, Mapping):
        seen = {name for names in seen.values() for name in names}
    verdicts = collect(tasks, variants, samples, outcomes, models, seen)
    chosen = default_pairs(models, reference) if pairs is None else list(pairs)
    for name in chain.from_iterable(chosen):
        if name not in models:
            raise UsageError(
                f"no model {name!r} to compare", hint=f"the run has: {', '.join(models)}"
            )
    inputs = _digest(verdicts, times, seed)
    findings = chain(
        quality_findings(verdicts, ks, chosen, seed),
        trend_findings(verdicts, sizes or {}, seed),
        speed_findings(times, models, seed),
    )
    return adjust(_score(finding, verdicts.num_seeds, inputs) for finding in findings)


def _score(finding: Finding, num_seeds: int, inputs: str) -> Score:
    scope, estimate = finding.scope, finding.estimate
    identity = (finding.model, finding.metric, scope.operator, scope.family, finding.against)
    part = (finding.suite, finding.language) if finding.suite or finding.language else ()
    words = (estimate.method, _worst_of(finding, num_seeds), finding.pooled)
    return Score(
        key=content_key("score", METHOD_VERSION, *identity, asdict(scope), inputs, *part),
        model=finding.model,
        metric=finding.metric,
        operator=scope.operator,
        family=scope.family,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        n=finding.n,
        against=finding.against,
        suite=finding.suite,
        language=finding.language,
        p=finding.p,
        method="; ".join(filter(None, words)),
        counts=finding.counts,
        detectable=_detectable(finding),
    )


def _detectable(finding: Finding) -> float | None:
    """Return what the estimate says, or for a ratio the smallest one above 1 that is found."""
    estimate = finding.estimate
    if estimate.detectable is not None or not finding.metric.endswith("_ratio"):
        return estimate.detectable
    if not estimate.low or not estimate.high or estimate.low < 0:
        return None
    return exp(detectable_from_limits(log(estimate.low), log(estimate.high)))


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
    clusters = sorted({(unit.task_id, verdicts.cluster(unit)) for unit in verdicts.units})
    nested = [clusters] if len({cluster for _, cluster in clusters}) < len(clusters) else []
    return content_key(statuses, chosen, sorted(timing.key for timing in timings), seed, *nested)
