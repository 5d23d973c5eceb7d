"""What other tools want to know of a run: values per task, aggregates with their uncertainty.

    for part in parts_of(read_run(Path("runs/demo")), "teacher"): part.task, part.aggregates

A part is one suite under one operator. pass@k is made here from the verdicts, with the standard
error of the mean over tasks; robust metrics come from the run's own scores, with their intervals.

Limits: verdicts that say nothing about the program (`harness_error`, `missing_tool`) are left out
and counted; worst cases over families and over all operators are in results.json alone.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from overproof.interchange.runs import Run
from overproof.measure.passk import pass_at_k
from overproof.records import EXCLUDED, Outcome, Problem, Sample, Score, Timing, Variant

ROBUST = ("robust_pass", "robust_drop", "robust_relative")
LATENCY = ("ttft_ms", "tpot_ms", "e2e_ms")
HIGHER_IS_BETTER = {
    "pass": True,
    "robust_pass": True,
    "robust_drop": False,
    "robust_relative": False,
}
"""By what stands before the @."""


@dataclass(frozen=True, kw_only=True)
class Aggregate:
    """One number with its uncertainty."""

    metric: str
    value: float
    stderr: float | None
    """Of the mean over tasks; None where there is no such thing, or one task."""
    low: float | None
    high: float | None
    """95 % interval."""
    n: int
    """Tasks behind it."""
    method: str
    """Of the interval, in words."""

    @property
    def higher_is_better(self) -> bool:
        """Return whether more is better."""
        return HIGHER_IS_BETTER.get(self.metric.partition("@")[0], False)


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One sample with its prompt, its verdict, and its timing if the prompt was timed."""

    problem: Problem
    variant: Variant
    sample: Sample
    outcome: Outcome
    timing: Timing | None


@dataclass(frozen=True, kw_only=True)
class Part:
    """One suite under one operator, as one model answered it."""

    suite: str
    operator: str
    family: str
    problems: int
    """In the suite, answered or not."""
    answers: list[Answered]
    """Without those that could not be judged."""
    left_out: int
    scores: list[Score]
    """Of this part and model: robust metrics."""
    ks: tuple[int, ...]

    @property
    def task(self) -> str:
        """Return the name of this part: that of the suite, and of the operator if it is one."""
        return self.suite if self.operator == "nominal" else f"{self.suite}+{self.operator}"

    def values(self, k: int) -> dict[str, float]:
        """Return pass@k of each task that has k samples."""
        verdicts: dict[str, list[bool]] = defaultdict(list)
        for answer in self.answers:
            verdicts[answer.sample.task_id].append(answer.outcome.passed)
        return {
            task_id: pass_at_k(len(passed), sum(passed), k)
            for task_id, passed in verdicts.items()
            if len(passed) >= k
        }

    @cached_property
    def aggregates(self) -> list[Aggregate]:
        """Return pass@k for each k of the run, then what its scores say of this operator."""
        found = [
            _mean(f"pass@{k}", list(values.values())) for k in self.ks if (values := self.values(k))
        ]
        return found + [_aggregate(score) for score in self.scores if score.value is not None]


def parts_of(run: Run, model: str) -> Iterator[Part]:
    """Yield a part for each suite and operator of a run, in the order of its answers."""
    timings = {(row.task_id, row.model): row for row in run.timings if not row.warmup}
    groups: dict[tuple[str, str, str], list[Answered]] = defaultdict(list)
    for sample, variant, outcome in run.answered(model):
        problem = run.tasks[sample.task_id]
        timed = sample.operator == "nominal"
        groups[problem.suite, sample.operator, variant.family].append(
            Answered(
                problem=problem,
                variant=variant,
                sample=sample,
                outcome=outcome,
                timing=timings.get((sample.task_id, model)) if timed else None,
            )
        )
    suites = {suite for suite, _, _ in groups}
    for (suite, operator, family), rows in groups.items():
        kept = [row for row in rows if row.outcome.status not in EXCLUDED]
        yield Part(
            suite=suite,
            operator=operator,
            family=family,
            problems=sum(problem.suite == suite for problem in run.problems),
            answers=kept,
            left_out=len(rows) - len(kept),
            scores=_robust(run.scores, model, suite, operator, len(suites) == 1),
            ks=run.recipe.sampling.k,
        )


def latency_of(run: Run, model: str) -> list[Aggregate]:
    """Return the run's latency of a model: medians with intervals, in milliseconds."""
    return [
        _aggregate(score)
        for score in run.scores
        if score.model == model
        and not score.against
        and score.metric.startswith(LATENCY)
        and score.value is not None
    ]


def _robust(
    scores: Iterable[Score], model: str, suite: str, operator: str, only: bool
) -> list[Score]:
    return [
        score
        for score in scores
        if score.model == model
        and score.operator == operator
        and not score.against
        and not score.language
        and score.metric.partition("@")[0] in ROBUST
        and (score.suite == suite or (only and not score.suite))
    ]


def _mean(metric: str, values: Sequence[float]) -> Aggregate:
    """Return the mean with its standard error and interval.

    Source: the standard error as lm-eval's `mean`: the sample's deviation over the root of n.
    """
    from overproof.measure.intervals import wilson

    n = len(values)
    mean = sum(values) / n
    stderr = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1) / n) if n > 1 else None
    if all(value in (0.0, 1.0) for value in values):
        low, high = wilson(int(sum(values)), n)
        return Aggregate(
            metric=metric, value=mean, stderr=stderr, low=low, high=high, n=n, method="Wilson"
        )
    spread = 1.959964 * (stderr or 0.0)
    return Aggregate(
        metric=metric,
        value=mean,
        stderr=stderr,
        low=max(0.0, mean - spread) if stderr is not None else None,
        high=min(1.0, mean + spread) if stderr is not None else None,
        n=n,
        method="normal, over tasks",
    )


def _aggregate(score: Score) -> Aggregate:
    assert score.value is not None
    return Aggregate(
        metric=score.metric,
        value=score.value,
        stderr=None,
        low=score.low,
        high=score.high,
        n=score.n,
        method=score.method,
    )
