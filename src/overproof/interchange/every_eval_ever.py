"""A run as records of Every Eval Ever: aggregates, and every sample with tokens and latency.

    write_every_eval_ever(read_run(Path("runs/demo")), "teacher", Path("out"), "me/my-model")

    out/data/overproof/me/my-model/UUID.json
    out/data/overproof/me/my-model/UUID_samples.jsonl

pass@k, robust metrics and latency are results with their intervals; a sample says what was asked,
what came, the verdict, the tokens. `performance` holds the paired timing of its prompt, where there
is one: another generation of the same prompt, of bounded length, and `additional_details` says so.

Limits: answers that could not be judged are left out. The schema has no confidence interval for
a worst case over seeds, so what kind of mean a number is stands in its method and parameters.

Source: Every Eval Ever, schema 0.3.0 (eval.schema.json, instance_level_eval.schema.json).
"""

import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from overproof import __version__
from overproof.errors import UsageError
from overproof.interchange.measured import LATENCY, Aggregate, Answered, Part, latency_of, parts_of
from overproof.interchange.runs import Run
from overproof.records import content_key
from overproof.store import storage_errors, write_atomically

SCHEMA = "0.3.0"
COLLECTION = "overproof"
_ORGANISATION = "unstated"


def write_every_eval_ever(run: Run, model: str, out: Path, model_id: str = "") -> list[str]:
    """Write the record of one model and its samples, and return what there is to say.

    `model_id` is OWNER/NAME as on the hub; by default what the run loaded, or local/NAME.

    Raises: UsageError for an id of another form; StorageError.
    """
    model_id = model_id or default_id(run, model)
    if not re.fullmatch(r"[\w.+-]+/[\w.+-]+", model_id):
        raise UsageError(f"model id {model_id!r} is not OWNER/NAME", hint="--model-id me/my-model")
    parts = list(parts_of(run, model))
    evaluation = f"{COLLECTION}/{model_id}/{int(run.ended.timestamp())}"
    rows = [row for part in parts for row in instances(part, evaluation, model_id)]
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    name = _uuid(evaluation, content_key(*sorted(row.key for row in run.outcomes.values())))
    relative = Path("data", COLLECTION, *model_id.split("/"))
    folder = out / relative
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / f"{name}_samples.jsonl", lines)
    record = aggregate(run, model, parts, evaluation, model_id) | {
        "detailed_evaluation_results": {
            "format": "jsonl",
            "file_path": (relative / f"{name}_samples.jsonl").as_posix(),
            "hash_algorithm": "sha256",
            "checksum": hashlib.sha256(lines).hexdigest(),
            "total_rows": len(rows),
        }
    }
    path = write_atomically(folder / f"{name}.json", json.dumps(record, indent=2).encode() + b"\n")
    notes = [f"written: {path}"]
    if left_out := sum(part.left_out for part in parts):
        notes.append(f"{left_out} answers that could not be judged are left out")
    if model_id.startswith("local/"):
        notes.append("the model has no public name: --model-id OWNER/NAME gives it one")
    return notes


def default_id(run: Run, model: str) -> str:
    """Return what the run loaded if that is a name on the hub, else local/NAME."""
    source = str(run.described(model).get("source", ""))
    if re.fullmatch(r"[A-Za-z][\w.-]*/[\w.-]+", source):
        return source
    return f"local/{re.sub(r'[^A-Za-z0-9_.-]+', '-', model).strip('-.') or 'model'}"


def aggregate(
    run: Run, model: str, parts: Sequence[Part], evaluation: str, model_id: str
) -> dict[str, Any]:
    """Return the record of one model, without the reference to its samples."""
    about, stamp = run.described(model), str(int(run.ended.timestamp()))
    server = "#" in str(about.get("source", ""))
    results = [_result(run, part, row, evaluation) for part in parts for row in part.aggregates]
    results += [_latency(run, row, evaluation) for row in latency_of(run, model)]
    details = {
        name: str(about[name]) for name in ("precision", "sha256", "size_bytes") if name in about
    }
    return {
        "schema_version": SCHEMA,
        "evaluation_id": evaluation,
        "evaluation_timestamp": stamp,
        "retrieved_timestamp": stamp,
        "source_metadata": {
            "source_name": run.recipe.name,
            "source_type": "evaluation_run",
            "source_organization_name": _ORGANISATION,
            "evaluator_relationship": "other",
        },
        "eval_library": {"name": "overproof", "version": __version__},
        "model_info": {
            "name": model,
            "id": model_id,
            "developer": model_id.partition("/")[0],
            "inference_engine": {"name": str(about.get("engine") or "unknown")},
            "additional_details": {
                "deployment_type": "unknown" if server else "self_deployed",
                "model_availability": "unknown",
                **details,
            },
        },
        "evaluation_results": results,
    }


def instances(part: Part, evaluation: str, model_id: str) -> Iterator[dict[str, Any]]:
    """Yield one row per sample."""
    for answer in part.answers:
        variant, sample, outcome = answer.variant, answer.sample, answer.outcome
        reference = variant.canonical_solution or answer.problem.canonical_solution
        yield {
            "schema_version": SCHEMA,
            "evaluation_id": evaluation,
            "model_id": model_id,
            "evaluation_name": part.task,
            "evaluation_result_id": _result_id(evaluation, part.task, "pass@1"),
            "sample_id": f"{sample.task_id}#{sample.seed}.{sample.sample_index}",
            "sample_hash": hashlib.sha256((variant.prompt + reference).encode()).hexdigest(),
            "interaction_type": "single_turn",
            "input": {"raw": variant.prompt, "reference": [reference] if reference else []},
            "output": {"raw": [sample.completion]},
            "answer_attribution": [
                {
                    "turn_idx": 0,
                    "source": "output.raw",
                    "extracted_value": sample.solution,
                    "extraction_method": "code from prose, joined with the prompt",
                    "is_terminal": True,
                }
            ],
            "evaluation": {"score": float(outcome.passed), "is_correct": outcome.passed},
            "token_usage": _tokens(answer),
            "performance": _performance(answer),
            "error": None,
            "metadata": {
                "status": outcome.status,
                "detail": outcome.detail,
                "operator": variant.operator,
                "family": variant.family,
                "seed": str(variant.seed),
                "language": variant.language,
                "cpu_seconds": str(round(outcome.cpu_seconds, 4)),
                "isolation": outcome.tier,
            },
        }


def _tokens(answer: Answered) -> dict[str, int] | None:
    """Return the tokens, or None where a server did not say."""
    read, written = answer.sample.prompt_tokens, answer.sample.completion_tokens
    if not read and not written:
        return None
    return {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}


def _performance(answer: Answered) -> dict[str, Any]:
    timing, sample = answer.timing, answer.sample
    share = {"batch_share_ms": f"{1000 * sample.seconds:.3f}"}
    if timing is None:
        return {"additional_details": share}
    return {
        "latency_ms": timing.e2e_ms,
        "time_to_first_token_ms": timing.ttft_ms,
        "generation_time_ms": timing.e2e_ms - timing.ttft_ms,
        "additional_details": {
            **share,
            "measured": "a paired timing of the same prompt, a generation of its own",
            "timed_output_tokens": str(timing.completion_tokens),
            "position": str(timing.position),
        },
    }


def _result(run: Run, part: Part, row: Aggregate, evaluation: str) -> dict[str, Any]:
    kind, _, k = row.metric.partition("@")
    drop = kind == "robust_drop"
    parameters = {"k": int(k) if k.isdecimal() else 1, "operator": part.operator}
    sampling = run.recipe.sampling
    return {
        "evaluation_result_id": _result_id(evaluation, part.task, row.metric),
        "evaluation_name": part.task,
        "source_data": {"dataset_name": part.suite, "source_type": "other"},
        "metric_config": {
            "evaluation_description": f"{row.metric} on {part.task}, executed in a sandbox",
            "metric_id": row.metric,
            "metric_name": row.metric,
            "metric_kind": kind,
            "metric_unit": "proportion",
            "metric_parameters": parameters,
            "lower_is_better": not row.higher_is_better,
            "score_type": "continuous",
            "min_score": "-Infinity" if drop else 0.0,
            "max_score": 1.0,
        },
        "score_details": {"score": row.value, "uncertainty": _uncertainty(row)},
        "generation_config": {
            "generation_args": {
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "max_tokens": sampling.max_new_tokens,
                "execution_command": str(run.manifest.get("command", "")),
            },
            "additional_details": {"num_samples": str(sampling.num_samples)},
        },
    }


def _latency(run: Run, row: Aggregate, evaluation: str) -> dict[str, Any]:
    suite = "+".join(run.recipe.suites.names)
    assert row.metric.startswith(LATENCY)
    return {
        "evaluation_result_id": _result_id(evaluation, f"{suite} latency", row.metric),
        "evaluation_name": f"{suite} latency",
        "source_data": {"dataset_name": suite, "source_type": "other"},
        "metric_config": {
            "evaluation_description": f"{row.metric}: models timed in random order per prompt",
            "metric_id": row.metric,
            "metric_name": row.metric,
            "metric_kind": "latency",
            "metric_unit": "ms",
            "lower_is_better": True,
            "score_type": "continuous",
            "min_score": 0.0,
            "max_score": "Infinity",
        },
        "score_details": {"score": row.value, "uncertainty": _uncertainty(row)},
    }


def _uncertainty(row: Aggregate) -> dict[str, Any]:
    found: dict[str, Any] = {"num_samples": row.n}
    if row.stderr is not None:
        found["standard_error"] = {"value": row.stderr, "method": "analytic"}
    if row.low is not None and row.high is not None:
        found["confidence_interval"] = {
            "lower": row.low,
            "upper": row.high,
            "confidence_level": 0.95,
            "method": row.method,
        }
    return found


def _result_id(evaluation: str, task: str, metric: str) -> str:
    return f"{evaluation}/{task}/{metric}"


def _uuid(*parts: str) -> str:
    """Return a UUID that the content determines, in the form of version 4, which is asked for."""
    return str(uuid.UUID(bytes=hashlib.sha256("\n".join(parts).encode()).digest()[:16], version=4))
