"""The commands of the main path: run, distill, eval, recipes."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from overproof.cli.options import (
    engine_option,
    json_option,
    print_json,
    print_lines,
    serve_option,
    workers_option,
)

if TYPE_CHECKING:
    from overproof.study import Finished


@click.command()
@click.argument("recipe")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder [default: runs/NAME].")
@click.option("--dry-run", is_flag=True, help="Print the resolved recipe and stop.")
@workers_option
@serve_option
@json_option
def run(
    recipe: str,
    overrides: tuple[str, ...],
    out: Path | None,
    dry_run: bool,
    workers: int,
    serve: str | None,
    as_json: bool,
) -> None:
    """Distil and compare: teacher, undistilled and distilled, side by side.

    RECIPE is a name (see `overproof recipes`) or a YAML file; KEY=VALUE changes one of its
    values, for example distill.steps=20. The same command goes on where it was interrupted.
    """
    from overproof.recipe import dump_recipe, load_recipe

    loaded = load_recipe(recipe, (*overrides, *_served_by(serve)))
    if dry_run:
        print_json(loaded) if as_json else click.echo(dump_recipe(loaded), nl=False)
        return
    from overproof import study
    from overproof.distillation.launch import follow
    from overproof.scale.crew import Crew

    if follow():  # under torchrun, a process that helps to train and has done so
        return
    folder = out or Path("runs") / loaded.name
    finished = study.run(loaded, folder, _command(), Crew(workers))
    _print_end(finished, loaded.full_size, as_json)


@click.command("distill")
@click.argument("recipe")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--arm", default="", help="Arm of the recipe [default: its first].")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder [default: runs/NAME].")
@json_option
def distill_command(
    recipe: str, overrides: tuple[str, ...], arm: str, out: Path | None, as_json: bool
) -> None:
    """Train one arm of a recipe; `overproof run` in the same folder goes on from there.

    Prints where the checkpoint is, and how far the divergence from the teacher fell on pairs
    that training did not see.
    """
    from overproof.recipe import load_recipe

    loaded = load_recipe(recipe, overrides)
    from overproof import study
    from overproof.distillation.launch import follow
    from overproof.results import Student

    if follow():  # under torchrun, a process that helps to train and has done so
        return
    student = Student.of(study.distil_one(loaded, arm, out or Path("runs") / loaded.name))
    if as_json:
        print_json({"arm": student.name, "checkpoint": student.path, "heldout": student.heldout})
    else:
        print_lines(student.lines())


@click.command("eval")
@click.option("--model", "models", multiple=True, help="Repeat to compare.")
@click.option(
    "--recipe", default="", help="Its settings and, without --model, its teacher and student."
)
@click.option("--suite", "suites", multiple=True, default=["humaneval"], show_default=True)
@click.option("--operators", default="", help="Comma-separated; none by default.")
@click.option("--seeds", default=1, show_default=True, help="Draws per random operator.")
@click.option("--limit", type=int, help="Only this many problems, evenly spread.")
@engine_option
@click.option("--precision", default="", help="Of the engine; its usual one by default.")
@click.option("--latency", default=0, show_default=True, help="Prompts timed in pairs.")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder [default: runs/eval-…].")
@workers_option
@serve_option
@json_option
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.pass_context
def evaluate(
    ctx: click.Context,
    models: tuple[str, ...],
    recipe: str,
    suites: tuple[str, ...],
    operators: str,
    seeds: int,
    limit: int | None,
    engine: str,
    precision: str,
    latency: int,
    out: Path | None,
    workers: int,
    serve: str | None,
    as_json: bool,
    overrides: tuple[str, ...],
) -> None:
    """Measure models as they are: pass@1 with its interval, robustness if operators are named."""
    from overproof.errors import UsageError
    from overproof.evaluation import evaluation_recipe, recipe_for

    overrides = (*overrides, *_served_by(serve))
    if recipe:
        _refuse_beside_recipe(ctx)
        loaded = recipe_for(recipe, models, overrides)
        models = models or tuple(dict.fromkeys((loaded.models.teacher, loaded.models.student)))
    elif models:
        loaded = evaluation_recipe(
            models, suites, operators, seeds, limit, engine, precision, latency, overrides
        )
    else:
        raise UsageError("no model named", hint="--model NAME, or --recipe FILE")
    from overproof import study
    from overproof.scale.crew import Crew

    folder = out or Path("runs") / loaded.name
    finished = study.evaluate(models, loaded, folder, _command(), Crew(workers))
    _print_end(finished, "", as_json)


@click.command()
@click.argument("name", required=False)
@json_option
def recipes(name: str | None, as_json: bool) -> None:
    """List the recipes that come with the package, or print one."""
    from overproof.recipe import dump_recipe, load_recipe, recipe_names

    if name:
        loaded = load_recipe(name)
        print_json(loaded) if as_json else click.echo(dump_recipe(loaded), nl=False)
        return
    found = {known: load_recipe(known).description for known in recipe_names()}
    if as_json:
        print_json([{"name": known, "description": what} for known, what in found.items()])
    else:
        print_lines(f"{known:<12} {what}" for known, what in found.items())


_IN_RECIPE = {
    "suites": "suites.names=[NAME]",
    "operators": "perturb.operators=[NAME]",
    "seeds": "perturb.seeds=N",
    "limit": "suites.problems=N",
    "engine": "models.engine=NAME",
    "precision": "models.precision=NAME",
    "latency": "latency.prompts=N",
}
"""Options of `eval` that a recipe has keys for."""


def _served_by(serve: str | None) -> tuple[str, ...]:
    """Return the changes of a recipe that have its models served."""
    from overproof.engines import default_precision

    if not serve:
        return ()
    return (f"models.engine={serve}", f"models.precision={default_precision(serve)}")


def _refuse_beside_recipe(ctx: click.Context) -> None:
    """Refuse options that would say what the recipe says. Raises: UsageError."""
    from click.core import ParameterSource

    from overproof.errors import UsageError

    for name, key in _IN_RECIPE.items():
        if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise UsageError(
                f"--recipe has its own {key.partition('=')[0]}", hint=f"change it by {key}"
            )


def _command() -> str:
    """Return the command as it can be typed again."""
    return shlex.join(["overproof", *sys.argv[1:]])


def _print_end(finished: "Finished", full_size: str, as_json: bool = False) -> None:
    import rich

    from overproof.manifest import peak_memory_gib
    from overproof.report.terminal import summary_tables

    if as_json:
        found = {
            "report": finished.report,
            "results": finished.report.with_name("results.json"),
            "models": finished.models,
            "scores": finished.scores,
            "peak_memory_gib": peak_memory_gib(),
        }
        print_json(found | ({"full_size": full_size} if full_size else {}))
        return
    for table in summary_tables(finished.scores, finished.models, finished.notes):
        rich.print(table)
    click.echo(f"report:      {finished.report}")
    click.echo(f"peak memory: {peak_memory_gib():.1f} GiB")
    if full_size:
        click.echo(f"full size:   {full_size}")
