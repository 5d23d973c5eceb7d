"""What a run folder holds, read and joined: for whoever writes it in another form.

run = read_run(Path("runs/demo"))
run.answered("distilled")          # (sample, variant, outcome) of one model
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from overproof.errors import UnknownNameError, UsageError
from overproof.folders.run import open_run
from overproof.recipe import Recipe, load_recipe
from overproof.records import Outcome, Problem, Sample, Score, Timing, Variant
from overproof.suites import load_suites


@dataclass(frozen=True, kw_only=True)
class Run:
    """The rows of one run folder; nothing of it is changed."""

    path: Path
    recipe: Recipe
    problems: list[Problem]
    variants: list[Variant]
    samples: list[Sample]
    outcomes: dict[str, Outcome]
    """The verdict on each sample, by the sample's key."""
    timings: list[Timing]
    scores: list[Score]
    """Empty while the run has not ended."""
    manifest: dict[str, Any]
    """Empty while the run has not ended."""

    @property
    def ended(self) -> datetime:
        """Return when the last verdict was written, to the second, in UTC."""
        file = self.path / "outcomes.jsonl"
        last = (file if file.is_file() else self.path / "samples.jsonl").stat().st_mtime
        return datetime.fromtimestamp(int(last), UTC)

    @property
    def models(self) -> list[str]:
        """Return the names of the models, in the order in which they answered."""
        return list(dict.fromkeys(row.model for row in self.samples))

    def only_model(self, name: str = "") -> str:
        """Return the model of that name, or the only one.

        Raises: UnknownNameError; UsageError if there are several and none is named.
        """
        if name and name not in self.models:
            raise UnknownNameError("model of this run", name, self.models)
        if not name and len(self.models) > 1:
            raise UsageError(
                f"{self.path}: answers of {', '.join(self.models)}", hint="choose one with --model"
            )
        return name or self.models[0]

    @cached_property
    def tasks(self) -> dict[str, Problem]:
        """Return the problems by task_id."""
        return {problem.task_id: problem for problem in self.problems}

    def answered(self, model: str) -> Iterator[tuple[Sample, Variant, Outcome]]:
        """Yield what a model wrote, to what, and the verdict; without those not executed yet."""
        variants = {variant.key: variant for variant in self.variants}
        for sample in self.samples:
            verdict = self.outcomes.get(sample.key)
            if sample.model == model and verdict and sample.task_id in self.tasks:
                yield sample, variants[sample.variant], verdict

    def described(self, model: str) -> dict[str, Any]:
        """Return what the manifest says of a model; its name alone if there is none."""
        listed: list[dict[str, Any]] = self.manifest.get("models", [])
        known = {entry["name"]: entry for entry in listed}
        return known.get(model, {"name": model})


def is_run(path: Path) -> bool:
    """Return whether a path is a run folder with answers in it."""
    return (path / "recipe.yaml").is_file() and (path / "samples.jsonl").is_file()


def read_run(path: Path, problems: Sequence[Problem] = ()) -> Run:
    """Return what a run folder holds; its recipe names the problems unless they are given.

    Raises: UsageError if it is none; RowError or DataError for what is damaged; what
    `load_suites` raises.
    """
    if not is_run(path):
        raise UsageError(f"{path}: no run folder", hint="one has recipe.yaml and samples.jsonl")
    recipe = load_recipe(f"{path}/recipe.yaml")
    names, rows = recipe.suites.names, open_run(path)
    return Run(
        path=path,
        recipe=recipe,
        problems=list(problems) or load_suites(names, recipe.suites.problems),
        variants=rows.variants,
        samples=rows.samples,
        outcomes=rows.outcomes,
        timings=rows.timings,
        scores=rows.scores,
        manifest=rows.manifest,
    )
