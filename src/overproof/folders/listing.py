"""The runs below a folder: what they are, how far they came, and their headline numbers.

    for run in list_runs(Path("runs")): ...

Limits: how many samples a run wants is known where its recipe names all of its models; an
evaluation of three and more names the first and the last.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from overproof.errors import OverproofError, UsageError
from overproof.folders.rows import table_path
from overproof.folders.run import Run, is_run
from overproof.recipe import Recipe, arm_configs
from overproof.report.facts import ScoreIndex, visible

DEEPEST = 5
"""Folders below the one that is listed."""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A run in a list."""

    path: Path
    state: str
    """Of `run.State`, or `damaged`."""
    when: float
    """Seconds since the epoch at which its newest table, result or recipe was written."""
    command: str
    """What made it; before the end of a run, its recipe's name."""
    models: list[str]
    suites: list[str]
    samples: int
    samples_wanted: int | None
    """None where it cannot be told."""
    pass_at_1: dict[str, float | None]
    robust_pass_at_1: dict[str, float | None]
    """By model; over all operators, or the unseen ones."""
    problem: str = ""
    """What is damaged."""


def list_runs(folder: Path) -> list[Listed]:
    """Return the runs at and below a folder, the newest first.

    Raises: UsageError if there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(f"no folder {folder}", hint="`overproof ls FOLDER`; runs/ is the default")
    return sorted((_listed(path) for path in find_runs(folder)), key=lambda run: -run.when)


def find_runs(folder: Path) -> Iterator[Path]:
    """Yield the run folders at and below a folder; there are none inside of a run."""
    base = len(folder.parts)
    for place, folders, _ in os.walk(folder):
        path = Path(place)
        if is_run(path):
            folders.clear()
            yield path
        elif len(path.parts) - base >= DEEPEST:
            folders.clear()
        else:
            folders[:] = sorted(name for name in folders if not name.startswith("."))


def as_json(run: Listed) -> dict[str, Any]:
    """Return a run as one object, its time as ISO 8601."""
    return {
        **{name: getattr(run, name) for name in Listed.__dataclass_fields__},
        "path": str(run.path),
        "when": _time(run).isoformat(timespec="seconds"),
    }


def listing_lines(runs: Sequence[Listed], folder: Path) -> Iterator[str]:
    """Yield what a terminal shows: a line on each run, one on what made it, one on each model."""
    if not runs:
        yield f"no runs below {folder}; `overproof eval --model NAME` makes one"
    names = [str(run.path.relative_to(folder)) for run in runs]
    names = [str(folder) if name == "." else name for name in names]
    width = min(32, max(map(len, names), default=0))
    for name, run in zip(names, runs, strict=True):
        suites = ", ".join(run.suites)
        when = f"{_time(run):%Y-%m-%d %H:%M}"
        yield visible(
            f"{name:<{width}}  {run.state:<11}  {when}  {_progress(run)}  {suites}".rstrip()
        )
        if run.command or run.problem:
            yield visible(f"    {run.problem or run.command}")
        for model in run.models:
            numbers = [
                f"{what} {100 * value:.1f} %"
                for what, value in (
                    ("pass@1", run.pass_at_1.get(model)),
                    ("robust pass@1", run.robust_pass_at_1.get(model)),
                )
                if value is not None
            ]
            yield visible(f"    {model:<28}  {'  '.join(numbers)}".rstrip())


def _listed(path: Path) -> Listed:
    run = Run(path)
    files = ["recipe.yaml", "results.json", "attack.json"]
    paths = [path / name for name in files]
    paths += filter(None, (table_path(path, name) for name in ("samples", "outcomes", "lessons")))
    when = max((file.stat().st_mtime for file in paths if file.is_file()), default=0.0)
    try:
        counts = run.counts()
        index = ScoreIndex(run.scores)
        models = _models(run)
        nominal = {name: index.nominal(name, "pass@1") for name in models}
        robust = {name: index.overall(name, "robust_pass@1") for name in models}
        return Listed(
            path=path,
            state=run.state,
            when=when,
            command=str(run.manifest.get("command") or run.values.get("name", "")),
            models=models,
            suites=[str(name) for name in (run.values.get("suites") or {}).get("names", [])],
            samples=counts.get("samples", 0),
            samples_wanted=_wanted(run, counts),
            pass_at_1={name: row.value for name, row in nominal.items() if row},
            robust_pass_at_1={name: row.value for name, row in robust.items() if row},
        )
    except OverproofError as error:
        return Listed(
            path=path, state="damaged", when=when, command="", models=[], suites=[], samples=0,
            samples_wanted=None, pass_at_1={}, robust_pass_at_1={}, problem=error.message,
        )  # fmt: skip


def _models(run: Run) -> list[str]:
    """Return the models: of the manifest, else of the recipe, else of the rows."""
    named = [str(model["name"]) for model in run.manifest.get("models", [])]
    return named or (_named(run.recipe) if run.recipe else None) or run.models()


def _named(recipe: Recipe) -> list[str] | None:
    """Return the models that a recipe measures; None where it does not name them all."""
    teacher, student = recipe.models.teacher, recipe.models.student
    if not recipe.name.startswith(("eval-", "attack-")):
        served = teacher.startswith(("http://", "https://"))
        return [*(() if served else ("teacher",)), "undistilled", *arm_configs(recipe)]
    # The name of an evaluation spells out its models; see evaluation.py.
    spelled = "-".join(re.sub(r"[^\w.]+", "-", name).strip("-") for name in (teacher, student))
    if teacher == student:
        return [teacher]
    return [teacher, student] if recipe.name == f"eval-{spelled}"[:80] else None


def _wanted(run: Run, counts: dict[str, int]) -> int | None:
    """Return how many samples the run will have, or has if it is finished."""
    if run.state in ("finished", "recorded"):
        return counts.get("samples", 0)
    names = _named(run.recipe) if run.recipe else None
    if run.recipe is None or names is None or not counts.get("variants") or "queries" in counts:
        return None
    return len(names) * counts["variants"] * run.recipe.sampling.num_samples


def _progress(run: Listed) -> str:
    if run.samples_wanted in (None, run.samples):
        return f"{run.samples:,} samples"
    return f"{run.samples:,} of {run.samples_wanted:,} samples"


def _time(run: Listed) -> datetime:
    return datetime.fromtimestamp(run.when).astimezone()
