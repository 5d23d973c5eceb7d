"""What is compared: one model of a run folder, or a file of verdicts of `overproof score`.

    read_side("runs/demo:distilled")
    read_side("verdicts.jsonl")

A run's older rows (other limits, other sampling into the same folder) give way to the newer ones,
and are counted. In a file of verdicts the n-th sample of a task is that which stands n-th in the
file that was scored.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from overproof.errors import DataError, UnknownNameError, UsageError
from overproof.folders.rows import read_lines
from overproof.folders.run import Run, open_run, suite_of
from overproof.records import Outcome, Sample, Timing, Variant

Cell = tuple[str, int]
"""Key of a variant and number of a sample."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two: what it answered, and how it was run."""

    label: str
    """The path, with the model where the path holds several."""
    path: Path
    model: str
    variants: dict[str, Variant]
    samples: dict[Cell, Sample]
    outcomes: dict[Cell, Outcome]
    """Verdicts; without those of samples that were not executed yet."""
    timings: list[Timing] = field(default_factory=list)
    setup: dict[str, str] = field(default_factory=dict)
    """How it was run, in words: engine, precision, sampling, limits."""
    sha256: str = ""
    scored: bool = False
    """Whether it is a file of verdicts: no prompts, no engine."""
    ks: tuple[int, ...] = ()
    seen: frozenset[str] = frozenset()
    """Operators that training has seen."""
    notes: tuple[str, ...] = ()


def read_side(text: str, model: str = "") -> Side:
    """Return what `PATH`, `PATH:MODEL`, or a path with `model`, names.

    Raises: UsageError, UnknownNameError, DataError, RowError.
    """
    path, named = split_name(text)
    if named and model and named != model:
        raise UsageError(f"{text}: got --model {model} as well", hint="name the model once")
    if path.is_dir():
        return _of_run(open_run(path), named or model)
    return _of_file(path, named or model)


def split_name(text: str) -> tuple[Path, str]:
    """Return path and model; what exists as a path, colons and all, is one.

    Raises: UsageError if there is no such path.
    """
    whole = Path(text)
    if whole.exists():
        return whole, ""
    for colon in re.finditer(":", text):
        path = Path(text[: colon.start()])
        if colon.start() and path.exists():
            return path, text[colon.end() :]
    raise UsageError(
        f"no run folder or file {text}",
        hint="`overproof ls` lists the runs; RUN:MODEL names a model",
    )


def choose(kind: str, name: str, known: list[str], where: Path) -> str:
    """Return the name if it is known, or the only known one.

    Raises: UnknownNameError; UsageError if there are several and none is named; DataError.
    """
    if not known:
        raise DataError(f"{where}: no {kind} has a sample in it", hint="rerun to finish it")
    if name:
        if name not in known:
            raise UnknownNameError(kind, name, known, hint=f"{where} has: {', '.join(known)}")
        return name
    if len(known) > 1:
        raise UsageError(
            f"{where} has several of them: {', '.join(known)}",
            hint=f"name one: {where}:{known[-1]}, or --model",
        )
    return known[0]


def _of_run(run: Run, model: str) -> Side:
    answered = {sample.model for sample in run.samples}
    chosen = choose("model", model, [name for name in run.models() if name in answered], run.path)
    own = [sample for sample in run.samples if sample.model == chosen]
    samples = {(sample.variant, sample.sample_index): sample for sample in own}
    verdicts = run.outcomes
    notes = []
    if older := len(own) - len(samples):
        notes.append(f"{older} older answers to the same prompts are left aside")
    if run.state in ("running", "interrupted"):
        notes.append(f"the run is not finished ({run.state}): {len(samples)} answers so far")
    if not run.has_prompts:
        notes.append("no variants.jsonl: prompts are known by key, operator and seed only")
    if (run.path / "attack.json").exists() or (run.path / "queries.jsonl").exists():
        notes.append("its prompts were searched for on one model, and are harder for that one")
    entries = [row for row in run.manifest.get("models", []) if row["name"] == chosen]
    several = len(answered) > 1
    return Side(
        label=f"{run.path}:{chosen}" if several else str(run.path),
        path=run.path,
        model=chosen,
        variants={variant.key: variant for variant in run.variants},
        samples=samples,
        outcomes={
            cell: verdicts[sample.key] for cell, sample in samples.items() if sample.key in verdicts
        },
        timings=[timing for timing in run.timings if timing.model == chosen],
        setup=_setup(run, list(samples.values())),
        sha256=str(entries[0].get("sha256", "")) if entries else "",
        ks=run.recipe.sampling.k if run.recipe else (1,),
        seen=_seen(run),
        notes=tuple(notes),
    )


def _setup(run: Run, samples: list[Sample]) -> dict[str, str]:
    """Return how a run was made, as far as it can make a difference by itself."""
    values = run.values
    found = {
        "engine": _all(sample.engine for sample in samples),
        "precision": _all(sample.precision for sample in samples),
        "overproof": str(run.manifest.get("overproof", "")),
    }
    of_recipe: dict[str, Any] = {"seed": values.get("seed")}
    for section, keys in {
        "models": ("form",),
        "sampling": ("num_samples", "temperature", "top_p", "max_new_tokens", "batch_size"),
        "limits": ("cpu_seconds", "memory_mib", "wall_seconds", "isolation"),
        "perturb": ("seeds",),
    }.items():
        part = values.get(section) or {}
        of_recipe |= {f"{section}.{key}": part.get(key) for key in keys}
    found |= {key: str(value) for key, value in of_recipe.items() if value is not None}
    return {key: value for key, value in found.items() if value}


def _all(values: Any) -> str:
    return ", ".join(sorted({value for value in values if value}))


def _seen(run: Run) -> frozenset[str]:
    """Return which of the run's operators its training has seen."""
    if run.recipe is None or not run.trained:
        return frozenset()
    from overproof.perturbation import seen_operators
    from overproof.study import trained_on

    names = {variant.operator for variant in run.variants} - {"nominal"}
    return seen_operators(names, trained_on(run.recipe))


def _of_file(path: Path, model: str) -> Side:
    """Return the verdicts on one file of samples."""
    by_file: dict[str, dict[str, Outcome]] = {}
    again = 0
    for row in read_lines(path, Outcome):
        name, colon, place = row.sample.partition(":")
        if not colon:
            raise DataError(
                f"{path}: verdict {row.key} does not say which line of which file it is about",
                hint="files that `overproof score --out` writes do; for a run, name its folder",
            )
        places = by_file.setdefault(name, {})
        again += place in places
        places[place] = row
    chosen = choose("file of samples", model, list(by_file), path)
    counted: Counter[str] = Counter()
    samples: dict[Cell, Sample] = {}
    outcomes: dict[Cell, Outcome] = {}
    variants: dict[str, Variant] = {}
    for place in sorted(by_file[chosen], key=_natural):
        row = by_file[chosen][place]
        cell = (row.task_id, counted[row.task_id])
        counted[row.task_id] += 1
        samples[cell] = _sample(row, chosen, cell[1])
        outcomes[cell] = row
        variants.setdefault(row.task_id, _variant(row.task_id))
    notes = [f"{again} verdicts on lines that were scored again are left aside"] if again else []
    return Side(
        label=f"{path}:{chosen}" if len(by_file) > 1 else str(path),
        path=path,
        model=chosen,
        variants=variants,
        samples=samples,
        outcomes=outcomes,
        scored=True,
        notes=tuple(notes),
    )


def _natural(place: str) -> list[tuple[int, str]]:
    """Return what sorts `9` before `10`, and `2.9` before `2.10`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", place)]


def _variant(task_id: str) -> Variant:
    suite, language = suite_of(task_id)
    return Variant(
        key=task_id,
        task_id=task_id,
        suite=suite,
        operator="nominal",
        family="nominal",
        seed=0,
        prompt="",
        entry_point="",
        language=language,
    )


def _sample(row: Outcome, model: str, index: int) -> Sample:
    return Sample(
        key=row.key,
        task_id=row.task_id,
        variant=row.task_id,
        operator="nominal",
        seed=0,
        model=model,
        sample_index=index,
        completion="",
        solution="",
        engine="",
        precision="",
        finish_reason="stop",
        prompt_tokens=0,
        completion_tokens=0,
        seconds=0.0,
    )
