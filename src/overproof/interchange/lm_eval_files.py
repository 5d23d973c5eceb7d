"""A run as lm-eval writes its own: results_*.json and samples_*.jsonl in a folder per model.

    write_lm_eval(read_run(Path("runs/demo")), "teacher", Path("out"))

    out/teacher/results_2026-01-31T12-00-00.json
    out/teacher/samples_humaneval_2026-01-31T12-00-00.jsonl

Each suite is a task, and each suite under an operator (`humaneval+keyboard_typos`). Metrics are
named `pass@1,none`, their standard errors `pass@1_stderr,none`; robust metrics have intervals in
place of one, so theirs is "N/A", as lm-eval says, and the interval stands in `configs`.

Limits: `resps` are the model's texts, `filtered_resps` the programs that were executed; hashes are
SHA-256 as lm-eval's, of our own documents.

Source: lm-eval 0.4.13, `result_schema` and `loggers`.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from overproof import __version__
from overproof.interchange.measured import Answered, Part, parts_of
from overproof.interchange.runs import Run
from overproof.store import storage_errors, write_atomically


def write_lm_eval(run: Run, model: str, out: Path) -> list[str]:
    """Write results and samples of one model and return what there is to say.

    Raises: StorageError.
    """
    parts = list(parts_of(run, model))
    stamp = run.ended.strftime("%Y-%m-%dT%H-%M-%S")
    folder = out / _sanitised(model)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    content = lm_eval_results(run, model, parts)
    results = write_atomically(
        folder / f"results_{stamp}.json", json.dumps(content, indent=2).encode() + b"\n"
    )
    for part in parts:
        lines = "".join(json.dumps(row) + "\n" for row in lm_eval_samples(part))
        write_atomically(folder / f"samples_{part.task}_{stamp}.jsonl", lines.encode())
    notes = [f"written: {results}"]
    if left_out := sum(part.left_out for part in parts):
        notes.append(f"{left_out} answers that could not be judged are left out")
    return notes


def lm_eval_results(run: Run, model: str, parts: Sequence[Part]) -> dict[str, Any]:
    """Return the content of results_*.json."""
    about, sampling = run.described(model), run.recipe.sampling
    return {
        "results": {part.task: _metrics(part) for part in parts},
        "group_subtasks": {part.task: [] for part in parts},
        "configs": {part.task: _config(part) for part in parts},
        "versions": {part.task: __version__ for part in parts},
        "n-shot": {part.task: 0 for part in parts},
        "higher_is_better": {
            part.task: {row.metric: row.higher_is_better for row in part.aggregates}
            for part in parts
        },
        "n-samples": {
            part.task: {"original": part.problems, "effective": len(part.values(1))}
            for part in parts
        },
        "config": {
            "model": about.get("engine") or "overproof",
            "model_args": {
                "pretrained": about.get("source", model),
                "precision": about.get("precision", ""),
                "sha256": about.get("sha256", ""),
            },
            "batch_size": str(sampling.batch_size),
            "batch_sizes": [],
            "device": None,
            "use_cache": None,
            "limit": run.recipe.suites.problems,
            "bootstrap_iters": 0,
            "gen_kwargs": {
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "max_gen_toks": sampling.max_new_tokens,
                "do_sample": sampling.temperature > 0,
                "repeats": sampling.num_samples,
            },
            "random_seed": run.recipe.seed,
            "numpy_seed": run.recipe.seed,
            "torch_seed": run.recipe.seed,
            "fewshot_seed": run.recipe.seed,
        },
        "git_hash": None,
        "date": run.ended.timestamp(),
        "model_source": about.get("engine") or "overproof",
        "model_name": model,
        "model_name_sanitized": _sanitised(model),
        "task_hashes": {part.task: _task_hash(part) for part in parts},
        "overproof_version": __version__,
    }


def lm_eval_samples(part: Part) -> Iterator[dict[str, Any]]:
    """Yield the lines of samples_*.jsonl: one for each prompt, with all answers to it."""
    prompts: dict[str, list[Answered]] = {}
    for answer in part.answers:
        prompts.setdefault(answer.variant.key, []).append(answer)
    for number, own in enumerate(prompts.values()):
        problem, variant = own[0].problem, own[0].variant
        document = {
            "task_id": problem.task_id,
            "prompt": variant.prompt,
            "canonical_solution": variant.canonical_solution or problem.canonical_solution,
            "test": problem.test,
            "entry_point": variant.entry_point,
            "operator": variant.operator,
            "seed": variant.seed,
        }
        target = f"{problem.test}\ncheck({variant.entry_point})"
        yield {
            "doc_id": number,
            "doc": document,
            "target": target,
            "arguments": {"gen_args_0": {"arg_0": variant.prompt, "arg_1": {}}},
            "resps": [[answer.sample.completion for answer in own]],
            "filtered_resps": [[answer.sample.solution for answer in own]],
            "filter": "none",
            "metrics": ["pass@1"],
            "doc_hash": _sha256(json.dumps(document, indent=2, ensure_ascii=False)),
            "prompt_hash": _sha256(variant.prompt),
            "target_hash": _sha256(target),
            "pass@1": sum(answer.outcome.passed for answer in own) / len(own),
            "statuses": [answer.outcome.status for answer in own],
        }


def _metrics(part: Part) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": part.task,
        "alias": part.task,
        "sample_len": len(part.values(1)),
    }
    for row in part.aggregates:
        found[f"{row.metric},none"] = row.value
        found[f"{row.metric}_stderr,none"] = "N/A" if row.stderr is None else row.stderr
    return found


def _config(part: Part) -> dict[str, Any]:
    return {
        "task": part.task,
        "dataset_name": part.suite,
        "output_type": "generate_until",
        "unsafe_code": True,
        "num_fewshot": 0,
        "metadata": {
            "version": __version__,
            "operator": part.operator,
            "family": part.family,
            "intervals": {
                row.metric: {"low": row.low, "high": row.high, "level": 0.95, "method": row.method}
                for row in part.aggregates
            },
        },
    }


def _task_hash(part: Part) -> str:
    prompts = dict.fromkeys(answer.variant.key for answer in part.answers)
    return _sha256("".join(prompts))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _sanitised(name: str) -> str:
    return re.sub(r"[\"<>:/|\\?*\[\]\s]+", "__", name)
