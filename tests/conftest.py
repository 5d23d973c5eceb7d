"""Run folders made from rows, as a run writes them, for tests of what reads them."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from overproof.measure.scores import measure
from overproof.recipe import dump_recipe, recipe_from
from overproof.records import Certificate, Outcome, Sample, Status, Timing, Variant, content_key
from overproof.sandbox.execute import EXECUTION
from overproof.store import RunFolder, write_atomically

Rule = Callable[[str, str, int, int, int], Status]
"""(model, operator, task, seed, sample_index) to status."""
FAMILIES = {"nominal": "nominal", "null": "null", "keyboard_typos": "text", "camel_case": "names"}
CERTIFICATE = Certificate(
    parses=True,
    differs=True,
    gold_passes=True,
    examples_intact=True,
    entry_point_intact=True,
    edit_distance=3,
    naturalness=0.97,
)


def prompt_of(task: int, operator: str, seed: int) -> str:
    word = "sum" if operator in ("nominal", "null") else "smu" + "m" * seed
    return f'def add_{task}(a, b):\n    """Return the {word} of two numbers."""\n'


def make_variant(task_id: str, task: int, operator: str, seed: int, suite: str) -> Variant:
    return Variant(
        key=content_key(task_id, operator, seed, suite),
        task_id=task_id,
        suite=suite,
        operator=operator,
        family=FAMILIES[operator],  # type: ignore[arg-type]
        seed=seed,
        prompt=prompt_of(task, operator, seed),
        entry_point=f"add_{task}",
        language=suite.partition(":")[2] or "python",
        certificate=None if operator == "nominal" else CERTIFICATE,
    )


def make_sample(variant: Variant, model: str, index: int, engine: str, status: Status) -> Sample:
    body = "    return a + b\n" if status == "passed" else "    return a - b\n"
    return Sample(
        key=content_key(variant.key, model, index, engine),
        task_id=variant.task_id,
        variant=variant.key,
        operator=variant.operator,
        seed=variant.seed,
        model=model,
        sample_index=index,
        completion=body,
        solution=variant.prompt + body,
        engine=engine,
        precision="int8",
        finish_reason="stop",
        prompt_tokens=20,
        completion_tokens=9,
        seconds=0.1,
    )


def make_run(
    folder: Path,
    rule: Rule,
    *,
    models: Sequence[str] = ("one",),
    tasks: Sequence[int] = range(20),
    operators: dict[str, int] | None = None,
    samples: int = 1,
    suites: Sequence[str] = ("humaneval",),
    tpot_ms: dict[str, float] | None = None,
    engine: str = "ctranslate2",
    changes: dict[str, Any] | None = None,
    finished: bool = True,
) -> Path:
    """Write a run folder; `operators` maps names to seeds, `changes` are sections of the recipe."""
    values = {"name": f"eval-{'-'.join(models)}", "suites": {"names": list(suites)}}
    recipe = recipe_from(
        {
            **values,
            "models": {"teacher": models[0], "student": models[-1], "engine": engine},
            "sampling": {"num_samples": samples, "temperature": 0.8 if samples > 1 else 0.0},
            **(changes or {}),
        }
    )
    run = RunFolder(folder)
    write_atomically(folder / "recipe.yaml", dump_recipe(recipe).encode())
    variants, answers, verdicts = [], [], []
    for suite in suites:
        prefix = suite.partition(":")[2] or "HumanEval"
        for task in tasks:
            for operator, seeds in (operators or {"nominal": 1}).items():
                for seed in range(seeds):
                    variant = make_variant(f"{prefix}/{task}", task, operator, seed, suite)
                    variants.append(variant)
                    for model in models:
                        for index in range(samples):
                            status = rule(model, operator, task, seed, index)
                            sample = make_sample(variant, model, index, engine, status)
                            answers.append(sample)
                            verdicts.append(
                                Outcome(
                                    key=content_key(
                                        sample.key, msgspec.to_builtins(recipe.limits), EXECUTION
                                    ),
                                    task_id=sample.task_id,
                                    status=status,
                                    detail="" if status == "passed" else "add(1, 2) == 3",
                                    tier="A",
                                    sample=sample.key,
                                )
                            )
    timings = [
        Timing(
            key=content_key(folder.name, task, model),
            task_id=f"HumanEval/{task}",
            model=model,
            position=0,
            warmup=False,
            ttft_ms=50.0,
            e2e_ms=50.0 + tpot * (1 + 0.01 * (task % 5)) * 10,
            completion_tokens=11,
            cpu_seconds=0.1,
        )
        for model, tpot in (tpot_ms or {}).items()
        for task in tasks
    ]
    run.table("variants", Variant).append(variants)
    run.table("samples", Sample).append(answers)
    run.table("outcomes", Outcome).append(verdicts)
    run.table("timings", Timing).append(timings)
    if finished:
        scores = measure(
            list({variant.task_id: None for variant in variants}),
            variants,
            answers,
            [Outcome(key=row.sample, task_id=row.task_id, status=row.status) for row in verdicts],
            timings,
            models=list(models),
        )
        manifest = {
            "command": f"overproof eval --model {models[0]}",
            "overproof": "0.1.0",
            "models": [
                {
                    "name": model,
                    "label": model,
                    "size_bytes": 1000,
                    "sha256": hashlib.sha256(f"{model}{folder.name}".encode()).hexdigest(),
                    "engine": engine,
                    "precision": "int8",
                }
                for model in models
            ],
        }
        run.write_json("manifest.json", manifest)
        results = {
            "title": recipe.name,
            "manifest": manifest,
            "scores": msgspec.to_builtins(scores),
            "notes": {},
        }
        write_atomically(folder / "results.json", json.dumps(results).encode())
        (folder / "report.html").write_text("<p>report</p>")
    return folder


@pytest.fixture
def write_run() -> Callable[..., Path]:
    """Return the function that writes a run folder from a rule."""
    return make_run
