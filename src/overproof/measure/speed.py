"""Latency from paired timings: medians per model and ratios between models, with intervals.

TTFT is the time to the first token, E2E to the last; TPOT is (E2E - TTFT) / (tokens - 1), as
vLLM defines it (GuideLLM's includes the first token). Tokens per second are all of an answer's
tokens over its E2E. The unit is the prompt: repeats of one prompt are reduced to their median.
Warm-up rows are dropped.

`typical_ratio` assumes nothing about the noise but that it does not know whose turn it is;
`quantile_estimate` gives no percentile that the sample is too small for.

Limit: wall times of two runs on a busy machine do not compare; only the ratios do, because the
models took turns on the same prompt.

    findings = list(speed_findings(timings, ["teacher", "distilled"], seed=0))
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from math import exp, sqrt
from statistics import median

import numpy as np

from overproof.measure.estimates import Estimate
from overproof.measure.intervals import Floats, bootstrap_rows
from overproof.measure.quality import Finding
from overproof.measure.scopes import Scope
from overproof.measure.tables import NOMINAL
from overproof.records import Timing

MIN_PROMPTS_P90 = 29
"""0.9 ** 29 < 0.05: with fewer prompts the largest may well lie below the 90th percentile."""

LEAST_PROMPTS = {0.5: 1, 0.9: MIN_PROMPTS_P90, 0.95: 59, 0.99: 299}
"""Fewest values that support a percentile: so many that the largest lies above it with 95 %."""

EXACT_PAIRS = 50
"""Pairs up to which the signed-rank distribution is counted; beyond, it is normal."""

SCOPE = Scope(operator=NOMINAL, family=NOMINAL, members=(NOMINAL,), control=NOMINAL)


def tokens_per_s(timing: Timing) -> float | None:
    """Return an answer's tokens per second of E2E; None if there are none."""
    if timing.completion_tokens < 1 or timing.e2e_ms <= 0:
        return None
    return 1000 * timing.completion_tokens / timing.e2e_ms


def cpu_ms_per_token(timing: Timing) -> float | None:
    """Return CPU-milliseconds per token; None where no CPU time was measured."""
    if timing.completion_tokens < 1 or timing.cpu_seconds <= 0:
        return None
    return 1000 * timing.cpu_seconds / timing.completion_tokens


SPEED: dict[str, Callable[[Timing], float | None]] = {
    "ttft_ms": lambda timing: timing.ttft_ms,
    "tpot_ms": lambda timing: timing.tpot_ms,
    "e2e_ms": lambda timing: timing.e2e_ms,
    "tokens_per_s": tokens_per_s,
    "cpu_s": lambda timing: timing.cpu_seconds or None,
    "cpu_ms_per_token": cpu_ms_per_token,
    "completion_tokens": lambda timing: float(timing.completion_tokens),
}


def speed_findings(
    timings: Iterable[Timing], models: Sequence[str], seed: int
) -> Iterator[Finding]:
    """Yield medians, p90s and paired ratios of every metric that was measured."""
    rows = [timing for timing in timings if not timing.warmup]
    for metric, read in SPEED.items():
        values = {model: prompt_values(rows, model, read) for model in models}
        for model in models:
            if values[model]:
                yield from _levels(model, metric, values[model], seed)
        for first, second in ratio_pairs(models):
            yield from _ratio(first, second, metric, values)


def prompt_values(
    timings: Iterable[Timing], model: str, read: Callable[[Timing], float | None]
) -> dict[str, float]:
    """Return each prompt's median over its repeats; prompts without a value are absent."""
    repeats: dict[str, list[float]] = defaultdict(list)
    for timing in timings:
        value = read(timing)
        if timing.model == model and value is not None:
            repeats[timing.task_id].append(value)
    return {task_id: median(found) for task_id, found in repeats.items()}


def ratio_pairs(models: Sequence[str]) -> list[tuple[str, str]]:
    """Return which model's times are divided by which other's.

    All against the teacher, arms also against the undistilled student; where no model has such
    a name, all against the first.
    """
    named = [name for name in ("teacher", "undistilled") if name in models]
    if not named:
        return [(model, models[0]) for model in models[1:]]
    rank = {"teacher": 0, "undistilled": 1}
    return [
        (model, other) for other in named for model in models if rank.get(model, 2) > rank[other]
    ]


def _levels(model: str, metric: str, values: Mapping[str, float], seed: int) -> Iterator[Finding]:
    sample = np.array(list(values.values()), dtype=np.float64)
    points = {metric: 0.5}
    if len(sample) >= MIN_PROMPTS_P90:
        points[f"{metric}_p90"] = 0.9
    for name, point in points.items():

        def quantile(drawn: Floats, point: float = point) -> Floats:
            return np.asarray(np.quantile(drawn, point, axis=-1), dtype=np.float64)

        low, high = bootstrap_rows(sample, quantile, seed=seed) or (None, None)
        what = "median" if point == 0.5 else "90th percentile"
        method = f"{what} over prompts; bootstrap over prompts, 2,000 resamples, percentiles"
        estimate = Estimate(float(quantile(sample)), low, high, method)
        yield Finding(model=model, metric=name, scope=SCOPE, estimate=estimate, n=len(sample))


def _ratio(
    first: str,
    second: str,
    metric: str,
    values: Mapping[str, Mapping[str, float]],
) -> Iterator[Finding]:
    shared = [
        task_id
        for task_id, value in values[first].items()
        if value > 0 and values[second].get(task_id, 0) > 0
    ]
    if not shared:
        return
    one = np.array([values[first][task_id] for task_id in shared])
    two = np.array([values[second][task_id] for task_id in shared])
    estimate = typical_ratio(one, two)
    yield Finding(
        model=first,
        metric=f"{metric}_ratio",
        scope=SCOPE,
        estimate=estimate,
        n=len(shared),
        against=second,
    )


def typical_ratio(first: Floats, second: Floats) -> Estimate:
    """Return by what factor the first is slower on a typical prompt, with its exact interval.

    The Hodges-Lehmann estimate of the paired log-ratios: the median of their pairwise means. The
    interval inverts Wilcoxon's signed-rank test, which needs one thing: that noise falls on either
    model alike, as a drawn order sees to. Bursts of load that hit some prompts move it little,
    where they double the interval of a mean. No limits below six pairs.

    Shapes: first, second (N,), positive, aligned by prompt.
    Raises: ValueError for different lengths, no pair, or a value that is not positive.
    Source: Hodges and Lehmann 1963; Hollander and Wolfe, Nonparametric Statistical Methods, 3.3.
    """
    if len(first) != len(second) or len(first) == 0:
        raise ValueError(f"{len(first)} and {len(second)} values, expected as many, at least 1")
    if min(first.min(), second.min()) <= 0:
        raise ValueError("a time is 0 or negative: its logarithm is not defined")
    logs = np.log(first / second)
    upper = np.triu_indices(len(logs))
    means = np.sort((logs[upper[0]] + logs[upper[1]]) / 2)
    place = signed_rank_place(len(logs))
    method = "Hodges-Lehmann over paired log-ratios; signed-rank interval"
    value = exp(float(np.median(means)))
    if place is None:
        return Estimate(value, None, None, f"{method}, too few pairs for one")
    low, high = float(means[place - 1]), float(means[len(means) - place])
    return Estimate(value, exp(low), exp(high), method)


@lru_cache(maxsize=64)
def signed_rank_place(n: int) -> int | None:
    """Return which of the sorted pairwise means, from either end, bounds the 95 % interval.

    None where n pairs cannot be that sure.

    >>> signed_rank_place(5), signed_rank_place(6), signed_rank_place(10)
    (None, 1, 9)
    """
    if n > EXACT_PAIRS:
        centre, spread = n * (n + 1) / 4, sqrt(n * (n + 1) * (2 * n + 1) / 24)
        return int(centre - 1.959963984540054 * spread)
    ways = np.zeros(n * (n + 1) // 2 + 1)
    ways[0] = 1
    for rank in range(1, n + 1):
        ways[rank:] += ways[:-rank].copy()
    below = np.cumsum(ways) / 2.0**n
    place = int(np.searchsorted(below, 0.025, side="right"))
    return place or None


def quantile_estimate(values: Floats, point: float) -> Estimate | None:
    """Return a percentile with limits from order statistics; None if the sample is too small.

    A limit that no value of the sample bounds is None.

    Shapes: values (N,).
    Source: David and Nagaraja, Order Statistics, 7.1.
    """
    if len(values) < LEAST_PROMPTS[point]:
        return None
    from scipy.stats import binom

    ordered, n = np.sort(values), len(values)
    lower, upper = int(binom.ppf(0.025, n, point)), int(binom.ppf(0.975, n, point)) + 1
    return Estimate(
        float(np.quantile(ordered, point)),
        float(ordered[lower - 1]) if lower >= 1 else None,
        float(ordered[upper - 1]) if upper <= n else None,
        f"{100 * point:g}th percentile; interval from order statistics",
    )
