"""A small run folder: two models, two problems, one operator, two samples, everything executed."""

import dataclasses
import json
from pathlib import Path

import msgspec
import pytest

from overproof.measure.scores import measure
from overproof.recipe import dump_recipe, with_overrides
from overproof.records import Certificate, Outcome, Problem, Sample, Timing, Variant, encode_row
from overproof.suites.load import read_humaneval

MODELS = ("teacher", "distilled")


def problems() -> list[Problem]:
    """Return HumanEval/0 and HumanEval/82, as `limit: 2` chooses them."""
    rows = read_humaneval()
    return [rows[0], rows[82]]


def variants() -> list[Variant]:
    found = []
    for problem in problems():
        nominal = Variant(
            key=f"{problem.task_id} nominal",
            task_id=problem.task_id,
            suite="humaneval",
            operator="nominal",
            family="nominal",
            seed=0,
            prompt=problem.prompt,
            entry_point=problem.entry_point,
            canonical_solution=problem.canonical_solution,
        )
        name = "renamed_function"
        renamed = dataclasses.replace(
            nominal,
            key=f"{problem.task_id} renamed",
            operator="camel_case",
            family="names",
            prompt=problem.prompt.replace(problem.entry_point, name),
            entry_point=name,
            certificate=Certificate(
                parses=True,
                differs=True,
                gold_passes=True,
                examples_intact=True,
                entry_point_intact=True,
                edit_distance=9,
                naturalness=1.0,
            ),
        )
        found += [nominal, renamed]
    return found


def rows(kind: type, content: list[object]) -> bytes:
    assert all(isinstance(row, kind) for row in content)
    return b"".join(encode_row(row) + b"\n" for row in content)


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    values = {
        "name": "small",
        "suites": {"names": ["humaneval"], "problems": 2},
        "sampling": {"num_samples": 2, "temperature": 0.8, "k": [1, 2]},
        "perturb": {"operators": ["camel_case"], "seeds": 1},
    }
    (folder / "recipe.yaml").write_text(dump_recipe(with_overrides(values, (), "small")))
    solutions = {problem.task_id: problem.canonical_solution for problem in problems()}
    samples, outcomes, timings = [], [], []
    for model in MODELS:
        for variant in variants():
            for index in range(2):
                right = index == 0 or (model == "teacher" and variant.operator == "nominal")
                body = solutions[variant.task_id] if right else "    return None\n"
                samples.append(
                    Sample(
                        key=f"{model} {variant.key} {index}",
                        task_id=variant.task_id,
                        variant=variant.key,
                        operator=variant.operator,
                        seed=variant.seed,
                        model=model,
                        sample_index=index,
                        completion=body,
                        solution=variant.prompt + body,
                        engine="ctranslate2",
                        precision="int8",
                        finish_reason="stop",
                        prompt_tokens=100,
                        completion_tokens=20,
                        seconds=0.25,
                    )
                )
                outcomes.append(
                    Outcome(
                        key=f"verdict {samples[-1].key}",
                        task_id=variant.task_id,
                        status="passed" if right else "wrong_answer",
                        sample=samples[-1].key,
                        cpu_seconds=0.01,
                        tier="A",
                    )
                )
        timings.append(
            Timing(
                key=f"{model} timing",
                task_id="HumanEval/0",
                model=model,
                position=0,
                warmup=False,
                ttft_ms=40.0,
                e2e_ms=240.0,
                completion_tokens=21,
                cpu_seconds=0.2,
            )
        )
    (folder / "variants.jsonl").write_bytes(rows(Variant, list(variants())))
    (folder / "samples.jsonl").write_bytes(rows(Sample, list(samples)))
    (folder / "outcomes.jsonl").write_bytes(rows(Outcome, list(outcomes)))
    (folder / "timings.jsonl").write_bytes(rows(Timing, list(timings)))
    judged = [dataclasses.replace(outcome, key=outcome.sample) for outcome in outcomes]
    scores = measure(problems(), variants(), samples, judged, timings, ks=(1, 2))
    (folder / "results.json").write_text(json.dumps({"scores": msgspec.to_builtins(scores)}))
    manifest = {
        "command": "overproof run small",
        "models": [
            {
                "name": "teacher",
                "source": "Qwen/Qwen2.5-Coder-1.5B",
                "engine": "ctranslate2",
                "precision": "int8",
                "sha256": "ab",
                "size_bytes": 5,
            },
            {
                "name": "distilled",
                "source": "runs/small/models/a",
                "engine": "ctranslate2",
                "precision": "int8",
                "sha256": "cd",
                "size_bytes": 3,
            },
        ],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
