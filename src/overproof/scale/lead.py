"""The lead of a shared run, one call at a time: begun by a recipe, gone on with by what is there.

    folder = begin("demo", ["perturb.seeds=5"], (), None)
    lead(folder, until="checks")      pairs are gathered; the ranks of checks can begin
    lead(folder)                      the report

Between two calls a scheduler runs ranks. Whatever a stage before `until` lacks, the lead makes
itself: an array that has lost a task costs time, and no row.
"""

from collections.abc import Sequence
from pathlib import Path

from overproof import study
from overproof.errors import UsageError
from overproof.evaluation import evaluation_recipe, recipe_for
from overproof.recipe import Recipe, dump_recipe, load_recipe
from overproof.scale.crew import Crew
from overproof.scale.plan import Plan, read_plan
from overproof.scale.tables import UnfinishedError
from overproof.store import storage_errors, write_atomically


def begin(
    recipe: str | None,
    overrides: Sequence[str],
    models: Sequence[str],
    out: Path | None,
    command: str = "",
) -> Path:
    """Write recipe and plan of a shared run, and return its folder; nothing heavy is done.

    With `models` they are measured as they are, as `overproof eval` does. What a run of the same
    recipe has told already stays told.
    Raises: UsageError, RecipeError, UnknownNameError, StorageError.
    """
    loaded = _recipe(recipe, overrides, models)
    study.check_names(loaded, models or None)
    folder = out or Path("runs") / loaded.name
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "recipe.yaml", dump_recipe(loaded).encode())
    plan = Plan(mode="eval" if models else "run", command=command, models=list(models))
    plan.write(folder)
    return folder


def lead(run: Path, *, workers: int = 1, until: str = "") -> study.Finished | None:
    """Go on with a run up to a shared stage; None if it stopped there, else what it leaves.

    Raises: StorageError for a folder without a plan; what the stages raise.
    """
    plan = read_plan(run)
    recipe = load_recipe(str(run / "recipe.yaml"))
    crew = Crew(workers, until)
    try:
        if plan.mode == "eval":
            return study.evaluate(plan.models, recipe, run, plan.command, crew)
        return study.run(recipe, run, plan.command, crew)
    except UnfinishedError:
        if not until:
            raise
        return None


def _recipe(recipe: str | None, overrides: Sequence[str], models: Sequence[str]) -> Recipe:
    """Return the recipe of a run, or of an evaluation. Raises: UsageError, RecipeError."""
    if not models:
        if recipe is None:
            raise UsageError("what is to be run?", hint="name a recipe, or models with --model")
        return load_recipe(recipe, overrides)
    if recipe is not None and "=" not in recipe:
        return recipe_for(recipe, models, overrides)
    changes = [*([recipe] if recipe else []), *overrides]
    return evaluation_recipe(models, ["humaneval"], "", 1, None, "auto", "", 0, changes)
