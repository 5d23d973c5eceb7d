"""A run as Inspect's log files, one for each suite and operator: for `inspect view` and its API.

    write_inspect(read_run(Path("runs/demo")), "teacher", Path("logs"))

Limits: a log says what was asked, what came, verdict and tokens. Events, and messages with roles
beyond prompt and answer, are not there: nothing else took place.

Source: inspect_ai 0.3.285, version 2 of the log's form (`inspect_ai.log.EvalLog`).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from overproof import __version__
from overproof.interchange.measured import Answered, Part, parts_of
from overproof.interchange.runs import Run
from overproof.records import content_key
from overproof.store import storage_errors, write_atomically

SCORER = "overproof/tests"


def write_inspect(run: Run, model: str, out: Path) -> list[str]:
    """Write a log for each suite and operator and return what there is to say.

    Raises: StorageError.
    """
    with storage_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    parts = list(parts_of(run, model))
    for part in parts:
        log = inspect_log(run, model, part)
        stamp = run.ended.strftime("%Y-%m-%dT%H-%M-%S+00-00")
        task = part.task.replace(":", "-").replace("_", "-")
        name = f"{stamp}_{task}_{log['eval']['task_id']}.json"
        write_atomically(out / name, json.dumps(log, indent=2).encode() + b"\n")
    notes = [f"written: {len(parts)} logs in {out}"]
    if left_out := sum(part.left_out for part in parts):
        notes.append(f"{left_out} answers that could not be judged are left out")
    return notes


def inspect_log(run: Run, model: str, part: Part) -> dict[str, Any]:
    """Return the content of one log."""
    about, sampling, when = run.described(model), run.recipe.sampling, run.ended.isoformat()
    engine = about.get("engine") or "overproof"
    name = f"{engine}/{model}"
    samples = list(_samples(part, name))
    identity = content_key("inspect", part.task, model, *(row["uuid"] for row in samples))[:22]
    generation = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_new_tokens,
    }
    return {
        "version": 2,
        "status": "success",
        "eval": {
            "eval_id": identity,
            "run_id": identity,
            "created": when,
            "task": part.task,
            "task_id": identity,
            "task_version": 0,
            "task_args": {"operator": part.operator, "seed": run.recipe.seed},
            "dataset": {
                "name": part.suite,
                "samples": len({row["id"] for row in samples}),
                "sample_ids": list(dict.fromkeys(row["id"] for row in samples)),
                "shuffled": False,
            },
            "model": name,
            "model_generate_config": generation,
            "model_args": {"precision": about.get("precision", "")},
            "config": {"epochs": max((row["epoch"] for row in samples), default=1)},
            "packages": {"overproof": __version__},
            "metadata": {"overproof_run": run.recipe.name, "left_out": part.left_out},
            "scorers": [{"name": SCORER}],
        },
        "plan": {"name": "plan", "steps": [], "config": generation},
        "results": {
            "total_samples": len(samples),
            "completed_samples": len(samples),
            "scores": [
                {
                    "name": SCORER,
                    "scorer": SCORER,
                    "params": {},
                    "metrics": {
                        metric: {"name": metric, "value": value, "params": {}}
                        for metric, value in _metrics(part)
                    },
                }
            ],
        },
        "stats": {"started_at": when, "completed_at": when, "model_usage": {}},
        "samples": samples,
    }


def _metrics(part: Part) -> Iterator[tuple[str, float]]:
    for row in part.aggregates:
        yield ("accuracy" if row.metric == "pass@1" else row.metric), row.value
        if row.metric == "pass@1" and row.stderr is not None:
            yield "stderr", row.stderr


def _samples(part: Part, model: str) -> Iterator[dict[str, Any]]:
    """Yield each answer; several to one prompt are its epochs."""
    for answer in part.answers:
        sample, outcome, variant = answer.sample, answer.outcome, answer.variant
        task_id = sample.task_id
        name = (
            task_id
            if sample.operator == "nominal"
            else f"{task_id} {sample.operator} {sample.seed}"
        )
        message = {"role": "assistant", "content": sample.completion, "source": "generate"}
        yield {
            "id": name,
            "epoch": sample.sample_index + 1,
            "input": variant.prompt,
            "target": answer.problem.canonical_solution,
            "messages": [{"role": "user", "content": variant.prompt}, message],
            "output": {
                "model": model,
                "choices": [
                    {
                        "message": message,
                        "stop_reason": "max_tokens" if sample.finish_reason == "length" else "stop",
                    }
                ],
                "usage": _usage(answer),
                "time": _seconds(answer),
            },
            "scores": {
                SCORER: {
                    "value": "C" if outcome.passed else "I",
                    "answer": sample.solution,
                    "explanation": f"{outcome.status}: {outcome.detail}".rstrip(": "),
                    "metadata": {"status": outcome.status, "cpu_seconds": outcome.cpu_seconds},
                }
            },
            "metadata": {
                "task_id": task_id,
                "operator": variant.operator,
                "family": variant.family,
                "seed": variant.seed,
            },
            "model_usage": {model: _usage(answer)},
            "uuid": sample.key,
        }


def _usage(answer: Answered) -> dict[str, int]:
    read, written = answer.sample.prompt_tokens, answer.sample.completion_tokens
    return {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}


def _seconds(answer: Answered) -> float:
    """Return the paired timing of the prompt if there is one, else the share of the batch."""
    return answer.timing.e2e_ms / 1000 if answer.timing else answer.sample.seconds
