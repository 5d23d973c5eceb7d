"""The report of a run folder, written anew from its rows, whatever became of the run.

    overproof report runs/demo

What training said of itself, sizes and the machine come from the run's own results, as far as it
came to its end. Rows are read without their texts, so that a million of them fit into a gigabyte
of memory; the sample browser gets the texts of those that it shows.

Limit: problems are read from the suites that the recipe names; those of a file must still be there.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from overproof.errors import UsageError
from overproof.folders.light import full_rows, light_outcomes, light_samples
from overproof.folders.run import Run, open_run
from overproof.locks import hold
from overproof.measure.ledger import ledger
from overproof.measure.scores import measure
from overproof.perturbation import seen_operators
from overproof.records import Outcome, Sample, Variant
from overproof.report.choosing import Kept, choose_variants, note_on
from overproof.report.html import write_report
from overproof.store import storage_errors
from overproof.suites import load_suites


def rewrite_report(path: Path) -> Path:
    """Write report.html, report.md and results.json of a folder; return the report's path.

    Raises: UsageError if there is nothing to report, or the recipe is of another version;
    StorageError if a run holds the folder; DataError; what the suites raise.
    """
    run = open_run(path)
    ended = run.state in ("finished", "recorded")
    with storage_errors(path), hold(path, ends=ended):
        return _write(run)


def _write(run: Run) -> Path:
    recipe = run.recipe
    if recipe is None:
        raise UsageError(
            f"{run.path} has no recipe that this version can read",
            hint="a report needs recipe.yaml; `overproof claims` works without",
        )
    problems = load_suites(recipe.suites.names, recipe.suites.problems)
    samples = light_samples(run.path)
    if not samples or not run.verdicts:
        raise UsageError(
            f"{run.path} has no samples with verdicts yet",
            hint="finish the run with the command that made it",
        )
    kept = _kept(run, run.variants, samples)
    outcomes = light_outcomes(run.verdicts)
    vars(run).pop("verdicts")  # of a million, these take as much room as the rows themselves
    manifest, notes = _manifest(run, samples), run.results.get("notes", {})
    names = [str(model["name"]) for model in manifest["models"]]
    scores = measure(
        problems,
        run.variants,
        samples,
        outcomes,
        run.timings,
        ks=recipe.sampling.k,
        models=names,
        seen=_seen(run),
        sizes={str(model["name"]): model.get("size_bytes") or 0 for model in manifest["models"]},
        seed=recipe.seed,
    )
    return write_report(
        run.path,
        recipe.name,
        yaml.safe_dump(run.values, sort_keys=False, allow_unicode=True),
        manifest,
        problems,
        run.variants,
        samples,
        outcomes,
        scores,
        run.timings,
        notes,
        claims=ledger(scores, manifest, notes),
        kept=kept,
    )


def _kept(run: Run, variants: list[Variant], samples: list[Sample]) -> Kept:
    """Return what the browser shows, read again with its texts."""
    chosen = choose_variants(variants, (sample.variant for sample in samples))
    shown = list(full_rows(run.path, "samples", Sample, lambda row: row.variant in chosen))
    judged = {run.verdicts[row.key].key for row in shown if row.key in run.verdicts}
    return Kept(
        variants=[variant for variant in variants if variant.key in chosen],
        samples=shown,
        outcomes=list(full_rows(run.path, "outcomes", Outcome, lambda row: row.key in judged)),
        note=note_on(len(shown), len(samples)) if len(shown) < len(samples) else "",
    )


def _manifest(run: Run, samples: list[Sample]) -> dict[str, Any]:
    """Return what the run said of its models and the machine, or what its samples say."""
    told: dict[str, Any] = run.results.get("manifest") or run.manifest
    known = {str(model["name"]) for model in told.get("models", [])}
    builds = {row.model: (row.engine, row.precision) for row in reversed(samples)}
    if told and known >= set(builds):
        return told
    models = [
        {"name": name, "engine": engine, "precision": precision, "size_bytes": None, "sha256": ""}
        for name, (engine, precision) in reversed(builds.items())
    ]
    return {"models": models, "command": str(told.get("command", f"overproof report {run.path}"))}


def _seen(run: Run) -> Mapping[str, Any] | frozenset[str]:
    """Return the operators that training saw."""
    from overproof.study import trained_on

    assert run.recipe is not None
    operators = {variant.operator for variant in run.variants} - {"nominal"}
    return seen_operators(operators, trained_on(run.recipe) if run.trained else ())
