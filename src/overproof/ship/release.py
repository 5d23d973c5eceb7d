"""The card of an exported model: what it is, what was measured, what was checked, and for the hub.

    write_release_card(Path("out"), read_origin(checkpoint), Path("runs/demo"), "distilled")

The hub reads the results from the front matter, as `model-index`.
Source: Hugging Face, model cards, "Evaluation results"; pwc's model-index.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from overproof import __version__
from overproof.errors import DataError, UnknownNameError
from overproof.ship.origin import Origin
from overproof.store import write_atomically

METRICS = ("pass@1", "robust_pass@1", "robust_drop@1", "robust_relative@1")
"""What of a run goes into the card, in this order."""


def write_release_card(out: Path, origin: Origin, run: Path | None = None, model: str = "") -> Path:
    """Write README.md of an export folder, from its export.json and the checkpoint's own card.

    `run` is a run folder whose results belong into the card, `model` the name there.
    Raises: DataError if the run has no results; UnknownNameError for another model.
    """
    rows = run_rows(run, model) if run else []
    record = json.loads((out / "export.json").read_text())
    front = {
        **origin.card,
        "license": origin.licence,
        "pipeline_tag": "text-generation",
        "tags": sorted({*(origin.card.get("tags") or ()), "code", "overproof"}),
    }
    if not any(file["to"] == "safetensors" for file in record["files"]):
        front["library_name"] = "gguf"
    name = record["checkpoint"]["name"]
    if rows:
        front["model-index"] = [_index(name, rows)]
    parts = [
        f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---\n",
        f"# {name}\n",
        _results(rows, run),
        _files(record["files"]),
        _provenance(origin, record),
    ]
    return write_atomically(out / "README.md", "\n".join(filter(None, parts)).encode())


def run_rows(run: Path, model: str) -> list[dict[str, Any]]:
    """Return the pooled scores of one model in a run.

    Raises: DataError if results.json is missing or damaged; UnknownNameError for another model.
    """
    path = run / "results.json"
    try:
        scores = json.loads(path.read_text())["scores"]
        names = list(dict.fromkeys(row["model"] for row in scores))
        chosen = model or ("distilled" if "distilled" in names else names[-1])
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise DataError(
            f"{path}: no results there ({type(error).__name__})",
            hint="name the folder of a finished run",
        ) from None
    if chosen not in names:
        raise UnknownNameError("model of the run", chosen, names)
    return [
        row
        for metric in METRICS
        for row in scores
        if row["metric"] == metric
        and row["model"] == chosen
        and not row["against"]
        and not row["language"]
        and row["operator"] in ("nominal", "all")
        and row["value"] is not None
    ]


def _index(name: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return one entry of `model-index`."""
    results = []
    for row in rows:
        dataset = row["suite"] or "all suites of the run"
        metric = {
            "type": row["metric"],
            "name": f"{row['metric']}, {row['operator']} prompts, {row['n']} tasks",
            "value": row["value"],
        }
        if row["low"] is not None:
            metric["confidence_interval"] = [row["low"], row["high"]]
        results.append(
            {
                "task": {"type": "text-generation"},
                "dataset": {"type": row["suite"] or "code", "name": dataset},
                "metrics": [metric],
            }
        )
    return {"name": name, "results": results}


def _results(rows: Sequence[Mapping[str, Any]], run: Path | None) -> str:
    if not rows:
        return "## Results\n\nNone are named here: `overproof export … --run RUN` puts them in.\n"
    lines = ["| metric | prompts | value | 95 % interval | tasks |", "|---|---|---|---|---|"]
    for row in rows:
        known = row["low"] is not None
        span = f"{row['low']:.1%} to {row['high']:.1%}" if known else "not known"
        suite = f", {row['suite']}" if row["suite"] else ""
        lines.append(
            f"| {row['metric']} | {row['operator']}{suite} | {row['value']:.1%} | {span} | "
            f"{row['n']} |"
        )
    said = (
        "They were measured on the checkpoint, in the engine and precision that the run's report "
        f"names (`{run.name if run else ''}`)."
    )
    return "## Results\n\n" + "\n".join(lines) + f"\n\n{said}\n"


def _files(files: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of files, with what the checks found."""
    lines = ["| file | MB | SHA-256 | same greedy answers | KL, nats per token |"]
    lines.append("|---|---|---|---|---|")
    for file in files:
        answers = file.get("answers")
        same = f"{answers['same_answers']} of {answers['prompts']}" if answers else "not checked"
        kl = "not told" if not answers or answers["kl"] is None else f"{answers['kl']:g}"
        hashes = file["sha256"]
        sha256 = next(iter(hashes.values()))[:16] if len(hashes) == 1 else "see export.json"
        lines.append(
            f"| `{file['file']}` | {file['size_bytes'] / 1e6:,.1f} | {sha256} | {same} | {kl} |"
        )
    said = "Compared with the checkpoint in float32; KL is of the checkpoint from the file."
    return "## Files\n\n" + "\n".join(lines) + f"\n\n{said}\n"


def _provenance(origin: Origin, record: Mapping[str, Any]) -> str:
    """Return where the weights come from: the checkpoint's own card, or what is known without."""
    told = f"Exported with overproof {__version__} from weights {record['checkpoint']['sha256']}.\n"
    trained = ""
    if origin.training:
        seen = ", ".join(origin.training.get("seen") or ()) or "none"
        trained = (
            f"Trained for {origin.training.get('steps', '?')} steps on "
            f"{origin.training.get('tokens', '?')} target tokens; operators seen: {seen}.\n"
        )
    own = origin.body.strip()
    licence = f"Licence: {origin.licence}.\n"
    return "\n".join(filter(None, ("## Where it comes from\n", told, trained, licence, own)))
