"""Made-up but realistic runs, scored by the real `measure`.

`trial`: 3 models, 20 tasks, 8 operators. `ablation`: teacher, undistilled and ten arms on eight
tasks in Python, Go, Bash (one task less) and C# (no compiler), with notes on their training.
"""

import random
from dataclasses import dataclass, replace
from typing import Any

import pytest

from overproof.measure.scores import measure
from overproof.records import (
    Certificate,
    Claim,
    Family,
    Outcome,
    Problem,
    Sample,
    Score,
    Source,
    Status,
    Timing,
    Variant,
    content_key,
)

OPERATORS: dict[str, tuple[Family, int, float]] = {
    "nominal": ("nominal", 1, 0.0),
    "null": ("null", 3, 0.02),
    "swap_characters": ("text", 3, 0.18),
    "keyboard_typos": ("text", 3, 0.15),
    "camel_case": ("names", 1, 0.08),
    "synonym_names": ("names", 3, 0.10),
    "dead_code": ("code", 3, 0.20),
    "half_body": ("code", 1, 0.0),
    "new_lines": ("layout", 3, 0.05),
    "polite_frame": ("prompt", 1, 0.06),
}
"""Family, seeds, and the chance that the operator breaks an answer."""
SKILL = {"teacher": 0.62, "undistilled": 0.40, "distilled": 0.50}
FRAGILITY = {"teacher": 0.7, "undistilled": 1.2, "distilled": 0.6}
TPOT = {"teacher": 34.0, "undistilled": 7.1, "distilled": 7.2}


@dataclass
class Trial:
    """All that `write_report` takes."""

    manifest: dict[str, Any]
    problems: list[Problem]
    variants: list[Variant]
    samples: list[Sample]
    outcomes: list[Outcome]
    timings: list[Timing]
    scores: list[Score]
    notes: dict[str, Any]
    recipe: str = "name: demo\nseed: 0\nsampling:\n  num_samples: 1\n  temperature: 0.0\n"


def make_trial(
    models: tuple[str, ...] = ("teacher", "undistilled", "distilled"), tasks: int = 20
) -> Trial:
    generator = random.Random(11)
    problems = [make_problem(number) for number in range(tasks)]
    ease = {problem.task_id: generator.random() for problem in problems}
    variants = [variant for problem in problems for variant in make_variants(problem, generator)]
    samples, outcomes = [], []
    for variant in variants:
        for model in models:
            sample, status = answer(variant, model, ease[variant.task_id], generator)
            samples.append(sample)
            detail = "AssertionError: add(2, 3) == 5" if status == "wrong_answer" else ""
            outcomes.append(
                Outcome(key=sample.key, task_id=sample.task_id, status=status, detail=detail)
            )
    timings = [
        timing
        for problem in problems
        for model in models
        for timing in make_timings(problem, model, generator)
    ]
    return Trial(
        manifest=make_manifest(models),
        problems=problems,
        variants=variants,
        samples=samples,
        outcomes=outcomes,
        timings=timings,
        scores=measure(problems, variants, samples, outcomes, timings, models=models),
        notes=make_notes(generator),
    )


def make_problem(number: int) -> Problem:
    body = "    return left + right\n"
    prompt = (
        f"def add_{number}(left: int, right: int) -> int:\n"
        '    """Return the sum of two whole numbers.\n\n'
        f"    >>> add_{number}(2, {number})\n    {2 + number}\n"
        '    """\n'
    )
    return Problem(
        task_id=f"HumanEval/{number}",
        prompt=prompt,
        entry_point=f"add_{number}",
        canonical_solution=body,
        test="def check(candidate):\n    assert candidate(2, 3) == 5\n",
    )


def make_variants(problem: Problem, generator: random.Random) -> list[Variant]:
    certificate = Certificate(
        parses=True,
        differs=True,
        gold_passes=True,
        examples_intact=True,
        entry_point_intact=True,
        edit_distance=4,
        naturalness=0.96,
    )
    found = []
    for operator, (family, seeds, _) in OPERATORS.items():
        for seed in range(seeds):
            prompt = problem.prompt
            if family not in ("nominal", "null"):
                place = prompt.index("whole") + generator.randrange(4)
                prompt = prompt[:place] + prompt[place + 1] + prompt[place] + prompt[place + 2 :]
            found.append(
                Variant(
                    key=content_key(problem.task_id, operator, seed),
                    task_id=problem.task_id,
                    suite=problem.suite,
                    language=problem.language,
                    operator=operator,
                    family=family,
                    seed=seed,
                    prompt=prompt,
                    entry_point=problem.entry_point,
                    partial="    found = []\n" if family == "code" else "",
                    certificate=None if operator == "nominal" else certificate,
                )
            )
    return found


def answer(
    variant: Variant, model: str, ease: float, generator: random.Random
) -> tuple[Sample, Status]:
    solved = ease < SKILL.get(model, 0.5)
    broken = generator.random() < OPERATORS[variant.operator][2] * FRAGILITY.get(model, 1.0)
    failures: list[Status] = ["wrong_answer", "wrong_answer", "error", "timeout"]
    status: Status = "passed" if solved and not broken else generator.choice(failures)
    if generator.random() < 0.001:
        status = "harness_error"
    body = "    return left + right\n" if status == "passed" else "    return left - right\n"
    sample = Sample(
        key=content_key(variant.key, model),
        task_id=variant.task_id,
        variant=variant.key,
        operator=variant.operator,
        seed=variant.seed,
        model=model,
        sample_index=0,
        completion=body,
        solution=variant.prompt + body,
        engine="xllamacpp",
        precision="Q4_K_M",
        finish_reason="stop",
        prompt_tokens=60,
        completion_tokens=12,
        seconds=0.2,
    )
    return sample, status


def make_timings(problem: Problem, model: str, generator: random.Random) -> list[Timing]:
    tokens = generator.randint(30, 90)
    rows = []
    for position, warmup in enumerate((True, False)):
        tpot = TPOT.get(model, 10.0) * generator.uniform(0.95, 1.2) * (3 if warmup else 1)
        ttft = 9 * tpot
        rows.append(
            Timing(
                key=content_key(problem.task_id, model, warmup),
                task_id=problem.task_id,
                model=model,
                position=position,
                warmup=warmup,
                ttft_ms=ttft,
                e2e_ms=ttft + tpot * (tokens - 1),
                completion_tokens=tokens,
                cpu_seconds=tpot * tokens / 1000,
            )
        )
    return rows


def make_manifest(models: tuple[str, ...]) -> dict[str, Any]:
    sizes = {"teacher": 1_117_320_768}
    labels = {"teacher": "teacher (1.5B)", "undistilled": "undistilled (0.5B)"}
    return {
        "command": "overproof run demo",
        "versions": {"overproof": "0.1.0", "numpy": "2.4"},
        "models": [
            {
                "name": name,
                "label": labels.get(name, name),
                "size_bytes": sizes.get(name, 491_400_064),
                "sha256": content_key(name) * 2,
                "engine": "xllamacpp",
                "precision": "Q4_K_M",
            }
            for name in models
        ],
    }


def make_notes(generator: random.Random) -> dict[str, Any]:
    curve = [
        {"step": step, "loss": 0.115 * 0.94**step + generator.uniform(0, 0.01), "lr": 2e-4}
        for step in range(40)
    ]
    yields = [
        {"operator": name, "made": 20 * seeds, "certified": 20 * seeds - 1}
        for name, (_, seeds, _) in OPERATORS.items()
    ]
    return {
        "Training curve": curve,
        "Operator yields": yields,
        "Captured mass": {"top 32": 0.9871, "tail": 0.0129},
        "Contamination": "No pair shares a 13-gram with a task of the suite.",
    }


ARMS = ("sft", "kd", *(f"kd+{term}" for term in "abcdefg"), "kd+robust")
SEEN = {"kd+robust": ("keyboard_typos",)}
FEW = ("nominal", "null", "swap_characters", "keyboard_typos", "camel_case")


def make_ablation(arms: tuple[str, ...] = ARMS, tasks: int = 8) -> Trial:
    generator = random.Random(7)
    models = ("teacher", "undistilled", *arms)
    problems = [
        in_language(make_problem(number), language)
        for language in ("python", "go", "bash", "csharp")
        for number in range(tasks - (language == "bash"))
    ]
    ease = {number: generator.random() for number in range(tasks)}
    variants, samples, outcomes = [], [], []
    for problem in problems:
        for variant in make_variants(problem, generator):
            if variant.operator not in FEW:
                continue
            variants.append(variant)
            for model in models:
                number = int(problem.task_id.rpartition("/")[2])
                sample, status = answer(variant, model, ease[number], generator)
                if problem.language == "csharp":
                    status = "missing_tool"
                samples.append(sample)
                outcomes.append(Outcome(key=sample.key, task_id=sample.task_id, status=status))
    return Trial(
        manifest=make_manifest(models),
        problems=problems,
        variants=variants,
        samples=samples,
        outcomes=outcomes,
        timings=[],
        scores=measure(problems, variants, samples, outcomes, models=models, seen=SEEN),
        notes={"Arms": [make_arm(name, generator) for name in arms], "Decontamination": OVERLAPS},
    )


def in_language(problem: Problem, language: str) -> Problem:
    source = Source(
        task_id=problem.task_id,
        prompt=problem.prompt,
        entry_point=problem.entry_point,
        canonical_solution=problem.canonical_solution,
        excluded=(1,) if language == "go" else (),
    )
    number = problem.task_id.rpartition("/")[2]
    return replace(
        problem,
        task_id=f"{language}/{number}",
        suite=f"multicode:{language}",
        language=language,
        source=source,
    )


def make_arm(name: str, generator: random.Random) -> dict[str, Any]:
    terms = ("loss", "kd", "ce", *(("robust",) if "robust" in name else ()))
    return {
        "arm": name,
        "changes": {"kd_weight": 0.0} if name == "sft" else {"robust_weight": 0.3},
        "seen": SEEN.get(name, ()),
        "heldout": {
            "clean": {"before": 0.41, "after": 0.30, "low": 0.2, "high": 0.33, "n": 64},
            "perturbed_unseen": {"before": 0.5, "after": 0.55, "low": -0.2, "high": 0.01, "n": 60},
        },
        "measured": {
            str(step): {"clean": [[4.1 * 0.99**step, 10], [8.2 * 0.99**step, 20]]}
            for step in (0, 20, 40)
        },
        "curve": [
            {"step": step, "learning_rate": 1e-4, **{term: generator.random() for term in terms}}
            for step in range(1, 41)
        ],
        "tokens": 31_240,
        "steps": 40,
    }


OVERLAPS = {
    "pairs before": 900,
    "pairs after": 680,
    "pairs used": 400,
    "compared with": "multicode:go (8), multicode:python (8)",
    "removed by text": 110,
    "removed by near_code": 110,
    "removed": [
        {
            "name": f"add_{number}",
            "origin": f"package/module.py:{number}",
            "rule": ("text", "near_code")[number % 2],
            "suite": ("multicode:go", "multicode:python")[number % 2],
            "task_id": f"go/{number % 8}",
            "evidence": "the sum of two whole numbers",
        }
        for number in range(220)
    ],
}


@pytest.fixture(scope="session")
def trial() -> Trial:
    return make_trial()


@pytest.fixture(scope="session")
def single() -> Trial:
    return make_trial(models=("my-model",), tasks=6)


@pytest.fixture(scope="session")
def ablation() -> Trial:
    return make_ablation()


@pytest.fixture(scope="session")
def claims() -> list[Claim]:
    """One claim of every verdict."""
    shared: dict[str, Any] = {
        "rows": (content_key("row"),),
        "command": "overproof run demo",
        "limitations": ("Twenty tasks of one suite.",),
        "n": 20,
    }
    return [
        Claim(
            key="a",
            claim="distilled solves more than undistilled under every prompt",
            estimate=12.0,
            low=2.0,
            high=22.1,
            unit="points",
            p_adjusted=0.012,
            verdict="verified",
            confidence="moderate",
            detectable=9.0,
            **shared,
        ),
        Claim(
            key="b",
            claim="distilled takes no longer per token than undistilled",
            estimate=1.01,
            low=0.98,
            high=1.04,
            unit="ratio",
            p_adjusted=None,
            verdict="not shown",
            confidence="low",
            **shared,
        ),
        Claim(
            key="c",
            claim="distilled is as robust as its teacher",
            estimate=-20.0,
            low=-31.0,
            high=-9.0,
            unit="points",
            p_adjusted=0.001,
            verdict="refuted",
            confidence="high",
            **shared,
        ),
    ]
