"""Inspect's door to this sandbox and these perturbations: a task, and a scorer for tasks of yours.

    inspect eval overproof/problems --model openai/gpt-4o-mini -T operators=quick -T limit=20

    from overproof.interchange.inspect import tests
    Task(dataset=…, solver=generate(), scorer=tests("humaneval"))       # sample ids: HumanEval/0 …

`inspect_ai` finds this file by its entry point and imports it; without that package it defines the
plain functions and registers nothing.

Limits: verdicts of other languages than Python need their toolchains on the machine that scores.

Source: inspect_ai 0.3, "Extensions".
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from importlib.util import find_spec
from typing import Any

from overproof.errors import EngineError, UnknownNameError
from overproof.records import EXCLUDED, Problem, Variant

FOUND = find_spec("inspect_ai") is not None
"""Whether Inspect is installed here."""
Scoring = Callable[[Any, Any], Awaitable[Any]]


def tests(suite: str = "humaneval") -> Scoring:
    """Return a scorer that runs the tests of a suite; a sample's id is the task_id.

    Raises: what `load_suite` raises; EngineError, at scoring, if a sample can't be judged.
    """
    from overproof.suites import load_suite

    return _scorer(load_suite(suite), {})


def perturbed_tests(
    suite: str = "humaneval", operators: str = "", seeds: int = 1, limit: int | None = None
) -> Scoring:
    """Return the scorer of the task `problems` with the same arguments."""
    from overproof.interchange.judge import asked

    rows, variants = asked(suite, operators, seeds, limit)
    return _scorer(rows, {_id(variant): variant for variant in variants})


def problems(
    suite: str = "humaneval", operators: str = "", seeds: int = 1, limit: int | None = None
) -> Any:
    """Return a task: the prompts of a suite, as published and perturbed, and the tests.

    Raises: what `load_suite` and `perturb_suite` raise.
    """
    from inspect_ai import Task
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.solver import generate

    from overproof.engines.prompts import INSTRUCTION
    from overproof.interchange.judge import asked
    from overproof.languages import load_language

    _, variants = asked(suite, operators, seeds, limit)
    samples = [
        Sample(
            id=_id(variant),
            input=f"{INSTRUCTION.format(title=load_language(variant.language).title)}\n\n"
            f"```{load_language(variant.language).fence}\n{variant.prompt}\n```",
            target="passed",
            metadata={
                "task_id": variant.task_id,
                "operator": variant.operator,
                "family": variant.family,
                "seed": variant.seed,
            },
        )
        for variant in variants
    ]
    return Task(
        dataset=MemoryDataset(samples, name=suite),
        solver=generate(),
        scorer=perturbed_tests(suite, operators, seeds, limit),
    )


def robust_pass() -> Callable[[Sequence[Any]], float]:
    """Return the metric: the share of tasks whose every perturbed prompt was solved.

    Tasks without a perturbed prompt are left aside; 0 if that is all of them.
    """

    def measured(scores: Sequence[Any]) -> float:
        tasks: dict[str, list[bool]] = defaultdict(list)
        for row in scores:
            about = row.sample_metadata or {}
            if about.get("operator", "nominal") not in ("nominal", "null"):
                tasks[str(about.get("task_id"))].append(bool(row.score.as_float() == 1.0))
        return sum(map(all, tasks.values())) / len(tasks) if tasks else 0.0

    return measured


def _id(variant: Variant) -> str:
    if variant.operator == "nominal":
        return variant.task_id
    return f"{variant.task_id} {variant.operator} {variant.seed}"


def _scorer(rows: Sequence[Problem], variants: dict[str, Variant]) -> Scoring:
    from inspect_ai.scorer import CORRECT, INCORRECT, Score

    from overproof.interchange.judge import Judge

    judge = Judge(rows)

    async def score(state: Any, target: Any) -> Any:
        name = str(state.sample_id)
        if variants and name not in variants:
            raise UnknownNameError("prompt of this task", name, variants)
        variant = variants.get(name)
        task_id, answer = (variant.task_id if variant else name), state.output.completion
        (outcome,) = await asyncio.to_thread(judge.verdicts, task_id, [answer], variant)
        if outcome.status in EXCLUDED:
            raise EngineError(
                f"{name}: {outcome.status} ({outcome.detail})", hint="`overproof doctor` says more"
            )
        return Score(
            value=CORRECT if outcome.passed else INCORRECT,
            answer=answer,
            explanation=f"{outcome.status}: {outcome.detail}".rstrip(": "),
            metadata={"status": outcome.status, "cpu_seconds": outcome.cpu_seconds},
        )

    return score


if FOUND:
    from inspect_ai import task
    from inspect_ai.scorer import accuracy, grouped, metric, scorer, stderr

    robust_pass = metric(robust_pass)
    _by_operator = grouped(accuracy(), "operator", all=False)
    tests = scorer(metrics=[accuracy(), stderr()])(tests)
    perturbed_tests = scorer(metrics=[accuracy(), stderr(), _by_operator, robust_pass()])(
        perturbed_tests
    )
    problems = task(problems)
