"""The commands of the main path: run, distill, eval, recipes."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from overproof.cli.options import engine_option

if TYPE_CHECKING:
    from overproof.study import Finished


@click.command()
@click.argument("recipe")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder [default: runs/NAME].")
@click.option("--dry-run", is_flag=True, help="Print the resolved recipe and stop.")
def run(recipe: str, overrides: tuple[str, ...], out: Path | None, dry_run: bool) -> None:
    """Distil and compare: teacher, undistilled and distilled, side by side.

    RECIPE is a name (see `overproof recipes`) or a YAML file; KEY=VALUE changes one of its
    values, for example distill.steps=20. The same command goes on where it was interrupted.
    """
    from overproof.recipe import dump_recipe, load_recipe

    loaded = load_recipe(recipe, overrides)
    if dry_run:
        click.echo(dump_recipe(loaded), nl=False)
        return
    from overproof import study

    folder = out or Path("runs") / loaded.name
    finished = study.run(loaded, folder, _command())
    _print_end(finished, loaded.full_size)


@click.command("distill")
@click.argument("recipe")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--arm", default="", help="Arm of the recipe [default: its first].")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder [default: runs/NAME].")
def distill_command(recipe: str, overrides: tuple[str, ...], arm: str, out: Path | None) -> None:
    """Train one arm of a recipe; `overproof run` in the same folder goes on from there.

    Prints where the checkpoint is, and how far the divergence from the teacher fell on pairs
    that training did not see.
    """
    from overproof.recipe import load_recipe

    loaded = load_recipe(recipe, overrides)
    from overproof import study

    distilled = study.distil_one(loaded, arm, out or Path("runs") / loaded.name)
    for condition, row in distilled.record["heldout"].items():
        known = row["low"] is not None
        span = f" [{row['low']:.0%}, {row['high']:.0%}]" if known else f", {row['n']} lessons only"
        click.echo(
            f"held out, {condition}: {row['before']:.4f} -> {row['after']:.4f} nats per token, "
            f"{row['fall']:.0%} less{span}"
        )
    click.echo(f"checkpoint: {distilled.source.path}")


@click.command("eval")
@click.option("--model", "models", multiple=True, required=True, help="Repeat to compare.")
@click.option("--suite", "suites", multiple=True, default=["humaneval"], show_default=True)
@click.option("--operators", default="", help="Comma-separated; none by default.")
@click.option("--seeds", default=1, show_default=True, help="Draws per random operator.")
@click.option("--limit", type=int, help="Only this many problems, evenly spread.")
@engine_option
@click.option("--precision", default="", help="Of the engine; its usual one by default.")
@click.option("--latency", default=0, show_default=True, help="Prompts timed in pairs.")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder [default: runs/eval-…].")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
def evaluate(
    models: tuple[str, ...],
    suites: tuple[str, ...],
    operators: str,
    seeds: int,
    limit: int | None,
    engine: str,
    precision: str,
    latency: int,
    out: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Measure models as they are: pass@1 with its interval, robustness if operators are named."""
    from overproof.evaluation import evaluation_recipe

    recipe = evaluation_recipe(
        models, suites, operators, seeds, limit, engine, precision, latency, overrides
    )
    from overproof import study

    finished = study.evaluate(models, recipe, out or Path("runs") / recipe.name, _command())
    _print_end(finished, "")


@click.command()
@click.argument("name", required=False)
def recipes(name: str | None) -> None:
    """List the recipes that come with the package, or print one."""
    from overproof.recipe import dump_recipe, load_recipe, recipe_names

    if name:
        click.echo(dump_recipe(load_recipe(name)), nl=False)
        return
    for known in recipe_names():
        click.echo(f"{known:<12} {load_recipe(known).description}")


def _command() -> str:
    """Return the command as it can be typed again."""
    return shlex.join(["overproof", *sys.argv[1:]])


def _print_end(finished: "Finished", full_size: str) -> None:
    import rich

    from overproof.manifest import peak_memory_gib
    from overproof.report.terminal import summary_tables

    for table in summary_tables(finished.scores, finished.models, finished.notes):
        rich.print(table)
    click.echo(f"report:      {finished.report}")
    click.echo(f"peak memory: {peak_memory_gib():.1f} GiB")
    if full_size:
        click.echo(f"full size:   {full_size}")
