"""From trials and verdicts to figures: levels, ratios, what is in time, what a right answer costs.

The unit is the task: repeats of one prompt are reduced to their median, shares to their mean.
Under load the requests of a phase wait for each other, so models are compared by rounds, each
round's median against the other model's, and rates have no interval.
Not covered: a correction for many figures; each interval holds one by one.

    figures = all_figures(trials, verdicts, ["a", "b"], slo, seed=0)
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median

import numpy as np

from overproof.bench.config import Slo
from overproof.bench.rows import Reply, Trial
from overproof.bench.verdicts import Verdicts, counted
from overproof.measure.costs import cost_per_success, share, success_rate
from overproof.measure.estimates import Estimate
from overproof.measure.intervals import Floats
from overproof.measure.speed import LEAST_PROMPTS, quantile_estimate, ratio_pairs, typical_ratio

NOMINAL = "nominal"
PAIRED = "paired"
Read = Callable[[Reply], float | None]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number with what it is about and its 95 % interval."""

    load: str
    cache: str
    model: str
    operator: str
    """`nominal` for the published prompts, `all` for these and all perturbed ones."""
    metric: str
    """Its unit is in its name; `_ratio` is over `against`, `_change` over the published prompt."""
    value: float | None
    low: float | None
    high: float | None
    n: int
    """Tasks behind it; for ratios under load, rounds."""
    method: str
    against: str = ""


def _tokens_per_s(reply: Reply) -> float | None:
    if reply.e2e_ms is None or reply.e2e_ms <= 0:
        return None
    return 1000 * reply.completion_tokens / reply.e2e_ms


def _cpu_ms_per_token(reply: Reply) -> float | None:
    if not reply.completion_tokens or not reply.cpu_seconds:
        return None
    return 1000 * reply.cpu_seconds / reply.completion_tokens


READS: dict[str, Read] = {
    "ttft_ms": lambda reply: reply.ttft_ms,
    "ttft_due_ms": lambda reply: reply.due_ttft_ms,
    "tpot_ms": lambda reply: reply.tpot_ms,
    "e2e_ms": lambda reply: reply.e2e_ms,
    "e2e_due_ms": lambda reply: reply.due_e2e_ms,
    "tokens_per_s": _tokens_per_s,
    "cpu_s": lambda reply: reply.cpu_seconds or None,
    "cpu_ms_per_token": _cpu_ms_per_token,
    "completion_tokens": lambda reply: float(reply.completion_tokens) or None,
}
"""Levels of one reply; `_due_` counts from when it was due."""
COMPARED = ("ttft_ms", "tpot_ms", "e2e_ms", "cpu_s", "cpu_ms_per_token", "completion_tokens")
COMPARED_UNDER_LOAD = ("ttft_due_ms", "tpot_ms", "e2e_due_ms", "completion_tokens")


def in_time(reply: Reply, slo: Slo) -> bool:
    """Return whether an answer came, and kept all objectives, counted from when it was due."""
    if reply.failure:
        return False
    kept = (
        (slo.ttft_ms, reply.due_ttft_ms),
        (slo.tpot_ms, reply.tpot_ms or 0.0),
        (slo.e2e_ms, reply.due_e2e_ms),
    )
    return all(limit is None or (time is not None and time <= limit) for limit, time in kept)


def all_figures(
    trials: Sequence[Trial],
    verdicts: Verdicts,
    models: Sequence[str],
    slo: Slo,
    seed: int = 0,
) -> list[Figure]:
    """Return every figure that the trials support, load by load."""
    found: list[Figure] = []
    for load in dict.fromkeys(trial.load for trial in trials):
        own = [trial for trial in trials if trial.load == load]
        replies = counted(own)
        for cache in dict.fromkeys(reply.cache for reply in replies):
            part = [reply for reply in replies if reply.cache == cache]
            count = _Counter(load, cache, part, verdicts, slo, seed)
            for model in models:
                found += count.levels(model)
                found += count.costs(model) if load == PAIRED else count.rates(model, own)
                found += count.changes(model)
            for first, second in ratio_pairs(models):
                found += count.ratios(first, second, own)
    return found


class _Counter:
    """The replies of one load and cache state, and what can be counted of them."""

    def __init__(
        self,
        load: str,
        cache: str,
        replies: Sequence[Reply],
        verdicts: Verdicts,
        slo: Slo,
        seed: int,
    ) -> None:
        self.load, self.cache, self.verdicts = load, cache, verdicts
        self.slo, self.seed = slo, seed
        self.by_model: dict[str, list[Reply]] = defaultdict(list)
        for reply in replies:
            self.by_model[reply.model].append(reply)

    def levels(self, model: str) -> Iterator[Figure]:
        """Yield the percentiles of every time, as far as the sample supports them."""
        nominal = [reply for reply in self.by_model[model] if reply.operator == NOMINAL]
        for metric, read in READS.items():
            if self.load == PAIRED and "_due_" in metric:
                continue  # due is when it is sent
            values = _array(_by_task(nominal, read).values())
            yield from self._percentiles(model, metric, values)
        gaps = _array(gap for reply in nominal for gap in reply.gaps_ms)
        for name, estimate in _quantiles("itl_ms", gaps):
            # gaps of one answer hang together: a percentile of them is told, no interval
            bare = Estimate(estimate.value, None, None, "gaps of all answers, pooled")
            yield self._figure(model, NOMINAL, name, bare, len(gaps))
        pieces = sum(len(reply.pieces_ms) for reply in nominal)
        if pieces:
            tokens = sum(reply.completion_tokens for reply in nominal)
            value = Estimate(tokens / pieces, None, None, "tokens over pieces of text")
            yield self._figure(model, NOMINAL, "tokens_per_piece", value, len(nominal))

    def costs(self, model: str) -> Iterator[Figure]:
        """Yield what a solved task costs, and right answers per second, one at a time."""
        replies = self.by_model[model]
        nominal = [reply for reply in replies if reply.operator == NOMINAL]
        judged = [reply for reply in nominal if reply.key in self.verdicts]
        right = _means(judged, lambda reply: float(self.verdicts[reply.key]))
        yield self._figure(model, NOMINAL, "solved", share(_array(right.values())), len(right))
        robust = _robust(replies, self.verdicts)
        perturbed = any(reply.operator not in (NOMINAL, "null") for reply in replies)
        if perturbed:
            yield self._figure(model, "all", "robust", share(_array(robust.values())), len(robust))
        for unit, spent in _SPENT.items():
            cost = _means(judged, spent)
            if set(cost) == set(right) and cost:
                yield self._cost(model, NOMINAL, f"{unit}_per_solved", cost, right)
            cost = _means([reply for reply in replies if reply.task_id in robust], spent)
            if perturbed and set(cost) == set(robust) and cost:
                yield self._cost(model, "all", f"{unit}_per_robust", cost, robust)
        yield from self._in_time(model, nominal, judged)

    def rates(self, model: str, trials: Sequence[Trial]) -> Iterator[Figure]:
        """Yield throughput and goodput under load: counts over the phases' seconds."""
        own = [trial for trial in trials if trial.model == model]
        seconds = sum(trial.seconds for trial in own)
        replies = counted(own)
        done = [reply for reply in replies if not reply.failure]
        right = [reply for reply in done if self.verdicts.get(reply.key)]
        rates = {
            "answers_per_s": float(len(done)),
            "output_tokens_per_s": float(sum(reply.completion_tokens for reply in done)),
            "goodput_per_s": float(sum(in_time(reply, self.slo) for reply in done)),
            "correct_goodput_per_s": float(sum(in_time(reply, self.slo) for reply in right)),
        }
        for metric, amount in rates.items():
            if ("goodput" not in metric or self.slo) and seconds > 0:
                value = Estimate(amount / seconds, None, None, "count over the phases' seconds")
                yield self._figure(model, NOMINAL, metric, value, len(replies))
        if self.slo:
            kept = _means(replies, lambda reply: float(in_time(reply, self.slo)))
            yield self._figure(model, NOMINAL, "in_time", share(_array(kept.values())), len(kept))
        failed = Estimate(float(len(replies) - len(done)), None, None, "count")
        yield self._figure(model, NOMINAL, "failed", failed, len(replies))
        for unit, read in (("s", _phase_s), ("cpu_s", _phase_cpu), ("joules", _phase_joules)):
            spent = [used for trial in own if (used := read(trial)) is not None]
            if len(spent) == len(own) and sum(spent) > 0 and right:
                cost = Estimate(sum(spent) / len(right), None, None, "all cost over right answers")
                yield self._figure(model, NOMINAL, f"{unit}_per_solved", cost, len(replies))

    def changes(self, model: str) -> Iterator[Figure]:
        """Yield by what factor each operator changes each time, on the same task."""
        replies = self.by_model[model]
        operators = [name for name in dict.fromkeys(r.operator for r in replies) if name != NOMINAL]
        for metric in ("ttft_ms", "tpot_ms", "e2e_ms", "cpu_s", "completion_tokens"):
            before = _by_task([r for r in replies if r.operator == NOMINAL], READS[metric])
            for operator in operators:
                after = _by_task([r for r in replies if r.operator == operator], READS[metric])
                if estimate := _paired(after, before):
                    yield self._figure(model, operator, f"{metric}_change", *estimate)

    def ratios(self, first: str, second: str, trials: Sequence[Trial]) -> Iterator[Figure]:
        """Yield by what factor the first model is slower: on published, and on all prompts."""
        if self.load != PAIRED:
            for metric in COMPARED_UNDER_LOAD:
                one, two = (_by_round(trials, model, READS[metric]) for model in (first, second))
                if estimate := _paired(one, two):
                    yield self._figure(first, NOMINAL, f"{metric}_ratio", *estimate, against=second)
            return
        for metric in COMPARED:
            for operator, wanted in ((NOMINAL, {NOMINAL}), ("all", None)):
                parts = [
                    [r for r in self.by_model[m] if wanted is None or r.operator in wanted]
                    for m in (first, second)
                ]
                if wanted is None and all(r.operator == NOMINAL for part in parts for r in part):
                    continue
                estimate = _paired_logs(*(_by_prompt(part, READS[metric]) for part in parts))
                if estimate:
                    name = f"{metric}_ratio"
                    yield self._figure(first, operator, name, *estimate, against=second)

    def _in_time(
        self, model: str, nominal: Sequence[Reply], judged: Sequence[Reply]
    ) -> Iterator[Figure]:
        seconds = _means(nominal, lambda reply: reply.ended_ms / 1000)
        tokens = _means(nominal, lambda reply: float(reply.completion_tokens))
        pairs = {"answers_per_s": _means(nominal, lambda r: float(not r.failure))}
        pairs["output_tokens_per_s"] = tokens
        if self.slo:
            kept = _means(nominal, lambda reply: float(in_time(reply, self.slo)))
            yield self._figure(model, NOMINAL, "in_time", share(_array(kept.values())), len(kept))
            pairs["goodput_per_s"] = kept
            pairs["correct_goodput_per_s"] = _means(
                judged, lambda r: float(self.verdicts[r.key] and in_time(r, self.slo))
            )
        for metric, amount in pairs.items():
            clock = _array(seconds[task_id] for task_id in amount)
            rate = success_rate(_array(amount.values()), clock, self.seed)
            yield self._figure(model, NOMINAL, metric, rate, len(amount))

    def _cost(
        self,
        model: str,
        operator: str,
        metric: str,
        cost: Mapping[str, float],
        right: Mapping[str, float],
    ) -> Figure:
        tasks = list(right)
        estimate = cost_per_success(
            _array(cost[task] for task in tasks), _array(right[task] for task in tasks), self.seed
        )
        return self._figure(model, operator, metric, estimate, len(tasks))

    def _percentiles(self, model: str, metric: str, values: Floats) -> Iterator[Figure]:
        for name, estimate in _quantiles(metric, values):
            yield self._figure(model, NOMINAL, name, estimate, len(values))

    def _figure(
        self,
        model: str,
        operator: str,
        metric: str,
        estimate: Estimate,
        n: int,
        *,
        against: str = "",
    ) -> Figure:
        return Figure(
            load=self.load,
            cache=self.cache,
            model=model,
            operator=operator,
            metric=metric,
            value=estimate.value,
            low=estimate.low,
            high=estimate.high,
            n=n,
            method=estimate.method,
            against=against,
        )


_SPENT: dict[str, Read] = {
    "s": lambda reply: reply.ended_ms / 1000,
    "cpu_s": lambda reply: reply.cpu_seconds or None,
    "joules": lambda reply: reply.joules,
}
"""What an answer costs; what was not measured costs nothing that could be told."""


def _phase_s(trial: Trial) -> float | None:
    return trial.seconds


def _phase_cpu(trial: Trial) -> float | None:
    return trial.cpu_seconds or None


def _phase_joules(trial: Trial) -> float | None:
    return trial.joules


def _quantiles(metric: str, values: Floats) -> Iterator[tuple[str, Estimate]]:
    for point in LEAST_PROMPTS:
        estimate = quantile_estimate(values, point)
        if estimate is not None:
            yield (metric if point == 0.5 else f"{metric}_p{100 * point:g}"), estimate


def _array(values: Iterable[float]) -> Floats:
    return np.array(list(values), dtype=np.float64)


def _grouped(
    replies: Iterable[Reply], read: Read, group: Callable[[Reply], str]
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for reply in replies:
        value = read(reply)
        if value is not None:
            found[group(reply)].append(value)
    return found


def _by_task(replies: Iterable[Reply], read: Read) -> dict[str, float]:
    """Return each task's median; tasks without a value are absent."""
    groups = _grouped(replies, read, lambda reply: reply.task_id)
    return {task_id: median(values) for task_id, values in groups.items()}


def _means(replies: Iterable[Reply], read: Read) -> dict[str, float]:
    groups = _grouped(replies, read, lambda reply: reply.task_id)
    return {task_id: mean(values) for task_id, values in groups.items()}


def _by_prompt(replies: Sequence[Reply], read: Read) -> dict[tuple[str, str], float]:
    """Return each prompt's median, by task and variant."""
    groups = _grouped(replies, read, lambda reply: reply.variant)
    tasks = {reply.variant: reply.task_id for reply in replies}
    return {(tasks[variant], variant): median(values) for variant, values in groups.items()}


def _by_round(trials: Sequence[Trial], model: str, read: Read) -> dict[str, float]:
    """Return each round's median of a model."""
    found = {}
    for trial in trials:
        values = [v for reply in counted([trial]) if (v := read(reply)) is not None]
        if trial.model == model and values:
            found[str(trial.number)] = median(values)
    return found


def _paired(first: Mapping[str, float], second: Mapping[str, float]) -> tuple[Estimate, int] | None:
    shared = [unit for unit, value in first.items() if value > 0 and second.get(unit, 0) > 0]
    if not shared:
        return None
    one, two = (_array(values[unit] for unit in shared) for values in (first, second))
    return typical_ratio(one, two), len(shared)


def _paired_logs(
    first: Mapping[tuple[str, str], float], second: Mapping[tuple[str, str], float]
) -> tuple[Estimate, int] | None:
    """Return the ratio over tasks, each task's being the geometric mean over its prompts."""
    logs: dict[str, list[float]] = defaultdict(list)
    for unit, value in first.items():
        if value > 0 and second.get(unit, 0) > 0:
            logs[unit[0]].append(float(np.log(value / second[unit])))
    ratios = {task_id: float(np.exp(mean(values))) for task_id, values in logs.items()}
    return _paired(ratios, dict.fromkeys(ratios, 1.0))


def _robust(replies: Sequence[Reply], verdicts: Verdicts) -> dict[str, float]:
    """Return whether each task is right on all its prompts, in every repeat of them.

    Tasks with an answer that could not be judged are absent.
    """
    judged: dict[str, list[bool | None]] = defaultdict(list)
    for reply in replies:
        judged[reply.task_id].append(verdicts.get(reply.key))
    return {task_id: float(all(values)) for task_id, values in judged.items() if None not in values}
