"""Made-up verdicts of two models whose true figures are known: what the estimators are checked on.

    first, second = verdicts(np.random.default_rng(0), World(first=0.5, second=0.4), runs=100)

A task has an ease that all models share and one that each model has to itself; every prompt of a
task adds something of its own. Whatever hangs together in a real run (a task's variants,
languages and samples, and two models on one task) hangs together here.

Limit: eases are normal on the logit scale and tasks are exchangeable. No run is like that, but an
interval that fails here fails.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from overproof.measure.estimates import Column, Estimate, drop_difference, mean_difference
from overproof.measure.intervals import mcnemar_p
from overproof.measure.scores import measure
from overproof.measure.trends import slope_estimate, slope_weights
from overproof.records import Certificate, Outcome, Sample, Score, Variant

Floats = NDArray[np.float64]
Verdicts = NDArray[np.bool_]
POPULATION = 200_000
"""Tasks that a true figure is read from; its own error is below 0.2 points."""


@dataclass(frozen=True, kw_only=True)
class World:
    """What two models can do, on so many tasks."""

    first: float
    """Share that the first model passes on an average prompt, in (0, 1)."""
    second: float
    tasks: int = 164
    prompts: int = 1
    """Prompts per task and model: variants or languages."""
    samples: int = 1
    """Samples per prompt."""
    shared: float = 2.5
    """Spread of the ease that a task has for both models, in logits."""
    own: float = 0.8
    """Spread of the ease that it has for one of them only."""
    prompt: float = 0.8
    """Spread that a prompt adds."""


def verdicts(
    generator: np.random.Generator, world: World, runs: int = 1, tasks: int | None = None
) -> tuple[Verdicts, Verdicts]:
    """Return what both models pass; each of shape (runs, tasks, prompts, samples)."""
    shape = (runs, tasks or world.tasks)
    shared = world.shared * generator.standard_normal(shape)
    both = []
    for share in (world.first, world.second):
        ease = shared + world.own * generator.standard_normal(shape)
        prompt = world.prompt * generator.standard_normal((*shape, world.prompts))
        chance = _sigmoid(_intercept(share, world) + ease[..., None] + prompt)
        drawn = generator.random((*chance.shape, world.samples)) < chance[..., None]
        both.append(drawn)
    return both[0], both[1]


def report_scores(
    passed: Mapping[str, Verdicts], sizes: Mapping[str, float] | None = None
) -> list[Score]:
    """Return the rows that `measure` gives for verdicts of shape (tasks, 1 + s) by model.

    The first column is the prompt as published, the others are variants of one operator.
    """
    tasks, width = next(iter(passed.values())).shape
    variants = _variants(tasks, width)
    samples, outcomes = [], []
    for model, table in passed.items():
        rows = made_samples(model, tasks, width)
        samples += rows
        outcomes += [
            Outcome(key=row.key, task_id=row.task_id, status="passed" if right else "wrong_answer")
            for row, right in zip(rows, table.ravel().tolist(), strict=True)
        ]
    names = [f"T/{number}" for number in range(tasks)]
    return measure(names, variants, samples, outcomes, models=list(passed), sizes=sizes)


def claim_scores(
    passed: Mapping[str, Verdicts], sizes: Mapping[str, float] | None = None
) -> list[Score]:
    """Return those rows of `report_scores` that claims rest on, a hundred times as fast.

    Of the models `teacher`, `undistilled` and `distilled`; a test compares them with the others.
    """
    tasks = len(next(iter(passed.values())))
    ids = np.arange(tasks)
    nominal = {name: Column(table[:, 0].astype(float), ids) for name, table in passed.items()}
    robust = {n: Column(t[:, 1:].all(axis=1).astype(float), ids) for n, t in passed.items()}
    found = []
    for first, second in (("distilled", "undistilled"), ("teacher", "distilled")):
        for name, column in (("pass@1", nominal), ("robust_pass@1", robust)):
            one, two = column[first], column[second]
            lost, won = int((one.values < two.values).sum()), int((one.values > two.values).sum())
            estimate = mean_difference(one, two)
            found.append(_row(first, second, name, estimate, mcnemar_p(lost, won), tasks))
        drops = ((nominal[name], robust[name]) for name in (first, second))
        estimate = drop_difference(next(drops), next(drops))
        found.append(_row(first, second, "robust_drop@1", estimate, None, tasks))
    if sizes:
        small, large = "undistilled", "teacher"
        weights = slope_weights([sizes[small], sizes[large]])
        flips = {name: np.abs(nominal[name].values - _worst(passed[name])) for name in sizes}
        for name, values in (
            ("pass", {n: column.values for n, column in nominal.items()}),
            ("robust_pass", {n: column.values for n, column in robust.items()}),
            ("robust_relative", flips),
        ):
            table = np.stack([values[small], values[large]])
            slope, p = slope_estimate(table, [str(i) for i in range(tasks)], weights)
            found.append(_row(large, small, f"{name}_per_doubling@1", slope, p, tasks))
    return found


def _worst(table: Verdicts) -> Floats:
    """Return what a flip is measured by: the worst variant of a pass, the best of a failure."""
    worst: Floats = np.where(table[:, 0], table[:, 1:].all(axis=1), table[:, 1:].any(axis=1)) * 1.0
    return worst


def _row(
    model: str, against: str, metric: str, estimate: Estimate, p: float | None, n: int
) -> Score:
    place = "nominal" if metric.startswith("pass") else "all"
    return Score(
        key=f"{metric}-{model}-{against}",
        model=model,
        against=against,
        metric=metric,
        operator=place,
        family=place,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        n=n,
        p=p,
        detectable=estimate.detectable,
        counts={"models": 2} if "doubling" in metric else {},
    )


@lru_cache(maxsize=8)
def _variants(tasks: int, width: int) -> list[Variant]:
    sound = Certificate(
        parses=True,
        differs=True,
        gold_passes=True,
        examples_intact=True,
        entry_point_intact=True,
        edit_distance=1,
        naturalness=1.0,
    )
    return [
        Variant(
            key=f"{task}-{seed}",
            task_id=f"T/{task}",
            suite="made-up",
            operator="operator" if seed else "nominal",
            family="text" if seed else "nominal",
            seed=seed,
            prompt="",
            entry_point="f",
            certificate=sound if seed else None,
        )
        for task in range(tasks)
        for seed in range(width)
    ]


@lru_cache(maxsize=32)
def made_samples(model: str, tasks: int, width: int) -> list[Sample]:
    """Return one sample per task and prompt, tasks first: the order of a raveled verdict table."""
    return [
        Sample(
            key=f"{model}-{row.key}",
            task_id=row.task_id,
            variant=row.key,
            operator=row.operator,
            seed=row.seed,
            model=model,
            sample_index=0,
            completion="",
            solution="",
            engine="",
            precision="",
            finish_reason="stop",
            prompt_tokens=0,
            completion_tokens=0,
            seconds=0.0,
        )
        for row in _variants(tasks, width)
    ]


def _sigmoid(logits: Floats) -> Floats:
    chance: Floats = 1 / (1 + np.exp(-logits))
    return chance


@lru_cache(maxsize=256)
def _intercept(share: float, world: World) -> float:
    """Return the logit at which a prompt is passed with this probability, over all eases."""
    from scipy.optimize import brentq
    from scipy.special import roots_hermitenorm

    spread = float(np.hypot(np.hypot(world.shared, world.own), world.prompt))
    nodes, weights = roots_hermitenorm(60)
    weights = weights / weights.sum()

    def excess(logit: float) -> float:
        return float(weights @ _sigmoid(logit + spread * nodes)) - share

    return float(brentq(excess, -40, 40))
