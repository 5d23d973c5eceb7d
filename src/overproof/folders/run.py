"""One run folder, whatever state it is in: its rows, recipe, manifest and results.

    run = open_run(Path("runs/demo"))
    run.state, run.models()

A folder without variants (studies keep samples and verdicts only) gets them from its samples:
what was asked is known by key, operator and seed, but not the prompt.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
import yaml

from overproof.errors import DataError, RecipeError, UsageError
from overproof.folders.light import OutcomeHead, outcome_heads, sample_heads
from overproof.folders.rows import count_lines, read_table, table_path
from overproof.locks import holder_of, is_held
from overproof.recipe import Recipe, recipe_from
from overproof.records import (
    Certificate,
    Family,
    Outcome,
    Sample,
    Score,
    Timing,
    Variant,
    content_key,
)
from overproof.sandbox.execute import EXECUTION

Verdict = TypeVar("Verdict", Outcome, OutcomeHead)
State = Literal["finished", "running", "interrupted", "trained", "recorded"]
"""`trained`: a student is there, and nothing was measured; `recorded`: rows kept for the record."""
TABLES = (
    "variants", "samples", "outcomes", "timings",
    "checks", "solutions", "lessons", "rollouts", "queries",
)  # fmt: skip
"""What a run keeps rows of, those of the evaluation first."""

_TAKEN = Certificate(
    parses=True,
    differs=True,
    gold_passes=True,
    examples_intact=True,
    entry_point_intact=True,
    edit_distance=0,
    naturalness=1.0,
)
"""Stands for the certificate that a variant had, or it would never have been answered."""


@dataclass(frozen=True)
class Run:
    """A run folder, read on demand and only once."""

    path: Path

    @cached_property
    def values(self) -> dict[str, Any]:
        """The recipe's values as they stand in the folder; empty if there is none."""
        path = self.path / "recipe.yaml"
        try:
            found = yaml.safe_load(path.read_text()) if path.is_file() else {}
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: not YAML ({error})") from None
        return found if isinstance(found, dict) else {}

    @cached_property
    def recipe(self) -> Recipe | None:
        """The recipe; None if there is none, or it is of a version with other keys."""
        try:
            return recipe_from(dict(self.values), str(self.path)) if self.values else None
        except RecipeError:
            return None

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What a finished run wrote of its models and the machine; empty before."""
        return self._json("manifest.json")

    @cached_property
    def results(self) -> dict[str, Any]:
        """What a finished run wrote of its scores; empty before."""
        return self._json("results.json")

    @cached_property
    def scores(self) -> list[Score]:
        """The scores that the run printed. Raises: DataError."""
        try:
            return msgspec.convert(self.results.get("scores", []), list[Score])
        except msgspec.ValidationError as error:
            path = self.path / "results.json"
            raise DataError(f"{path}: not our scores ({error})", hint="run it again") from None

    @cached_property
    def samples(self) -> list[Sample]:
        """All samples, in the order in which they were written."""
        return read_table(self.path, "samples", Sample)

    @cached_property
    def timings(self) -> list[Timing]:
        """All timings."""
        return read_table(self.path, "timings", Timing)

    @cached_property
    def variants(self) -> list[Variant]:
        """All variants; where the folder keeps none, those that the samples name."""
        rows = read_table(self.path, "variants", Variant)
        return rows or list({row.variant: _variant_of(row) for row in self.samples}.values())

    @property
    def has_prompts(self) -> bool:
        """Whether the folder keeps the prompts that were asked."""
        return table_path(self.path, "variants") is not None

    @cached_property
    def outcomes(self) -> dict[str, Outcome]:
        """The verdict on each sample, by the sample's key.

        Where limits changed between two starts a sample has two verdicts: the one under the
        recipe's limits counts, and where none is, the last.
        """
        return self._settled(read_table(self.path, "outcomes", Outcome))

    @cached_property
    def verdicts(self) -> dict[str, OutcomeHead]:
        """The same without details and costs, for runs of any size."""
        return self._settled(outcome_heads(self.path))

    def _settled(self, rows: Iterable[Verdict]) -> dict[str, Verdict]:
        limits = msgspec.to_builtins(self.recipe.limits) if self.recipe else None
        found: dict[str, Verdict] = {}
        settled = set()
        for row in rows:
            sample = row.sample or row.key
            if sample in settled:
                continue
            if sample in found and found[sample].key == content_key(sample, limits, EXECUTION):
                settled.add(sample)  # a second one, under other limits
                continue
            found[sample] = row
        return found

    @property
    def trained(self) -> bool:
        """Whether the run distilled, and did not only measure."""
        return table_path(self.path, "lessons") is not None or "Arms" in self.results.get(
            "notes", {}
        )

    @property
    def state(self) -> State:
        """Whether a process holds the folder, and if not, how far it came.

        The recipe is written when a run starts, its results when it ends; the lock says whether
        the last process came to its end. Where it says nothing, the times of the files do.
        """
        if is_held(self.path):
            return "running"
        holder = holder_of(self.path)
        ends = [self.path / name for name in ("results.json", "attack.json")]
        written = [path.stat().st_mtime for path in ends if path.is_file()]
        begun = self.path / "recipe.yaml"
        if written and holder is not None:
            return "finished" if holder.ended else "interrupted"
        if written and (not begun.is_file() or begun.stat().st_mtime <= max(written)):
            return "finished"
        samples = table_path(self.path, "samples")
        if samples is None:
            trained = any(self.path.glob("models/*/training.json"))
            return "trained" if trained else "interrupted"
        return "recorded" if samples.suffix == ".gz" else "interrupted"

    def models(self) -> list[str]:
        """Return the models in the order of the table, then those that only have samples."""
        named = [str(model["name"]) for model in self.manifest.get("models", [])]
        return list(dict.fromkeys([*named, *self.builds]))

    @cached_property
    def builds(self) -> dict[str, tuple[str, str]]:
        """Engine and precision of each model that has samples, by its first one."""
        found: dict[str, tuple[str, str]] = {}
        for row in sample_heads(self.path):
            if row.model not in found:
                found[row.model] = row.engine, row.precision
        return found

    def counts(self) -> dict[str, int]:
        """Return how many rows each table has, without those that are not there."""
        found = {name: count_lines(self.path, name) for name in TABLES}
        return {name: count for name, count in found.items() if count}

    def _json(self, name: str) -> dict[str, Any]:
        path = self.path / name
        try:
            found = json.loads(path.read_bytes()) if path.is_file() else {}
        except ValueError as error:
            raise DataError(
                f"{path}: not JSON ({error})", hint="rerun: it is written anew"
            ) from None
        return found if isinstance(found, dict) else {}


def open_run(path: Path) -> Run:
    """Return the run in a folder.

    Raises: UsageError if there is no such folder, or no run in it.
    """
    if not path.is_dir():
        raise UsageError(f"no run folder {path}", hint="`overproof ls` lists those below runs/")
    if not is_run(path):
        raise UsageError(
            f"{path} holds no run: neither recipe.yaml nor samples.jsonl",
            hint=f"`overproof ls {path}` lists the runs below it",
        )
    return Run(path)


def is_run(path: Path) -> bool:
    """Return whether a folder is one run's."""
    return (path / "recipe.yaml").is_file() or table_path(path, "samples") is not None


def suite_of(task_id: str, suites: tuple[str, ...] = ()) -> tuple[str, str]:
    """Return the suite and the language that a task's name tells, else the only suite of a run.

    >>> suite_of("rust/7"), suite_of("HumanEval/7"), suite_of("mine/1", ("ours.jsonl",))
    (('multicode:rust', 'rust'), ('humaneval', 'python'), ('ours.jsonl', 'python'))
    """
    from overproof.languages import is_language

    prefix = task_id.partition("/")[0]
    if is_language(prefix):
        return f"multicode:{prefix}", prefix
    if prefix == "HumanEval":
        return "humaneval", "python"
    return (suites[0] if len(suites) == 1 else prefix), "python"


def _variant_of(sample: Sample) -> Variant:
    from overproof.errors import UnknownNameError
    from overproof.perturbation import get_operator

    family: Family = "nominal"
    begun = False
    if sample.operator != "nominal":
        try:
            operator = get_operator(sample.operator)
            family, begun = operator.family, operator.control != "nominal"
        except UnknownNameError:
            family = "combined"
    suite, language = suite_of(sample.task_id)
    return Variant(
        key=sample.variant,
        task_id=sample.task_id,
        suite=suite,
        operator=sample.operator,
        family=family,
        seed=sample.seed,
        prompt="",
        entry_point="",
        language=language,
        partial=" " if begun or sample.operator == "half_body" else "",
        certificate=None if family == "nominal" else _TAKEN,
    )
