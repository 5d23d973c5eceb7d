"""Commands about prompts: operators, perturb, attack, suite."""

import sys
from pathlib import Path
from typing import Any

import click


@click.group(invoke_without_command=True)
@click.pass_context
def operators(ctx: click.Context) -> None:
    """The perturbation operators: list them, or show all about one."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(operators_list)


@operators.command("list")
@click.option("--preset", default="", help="Only those of this preset.")
def operators_list(preset: str = "") -> None:
    """List the operators by family; with --preset those of a preset, under its names."""
    from overproof.perturbation.catalogue import list_lines

    for line in list_lines(preset):
        click.echo(line)


@operators.command("show")
@click.argument("name")
@click.option("--task", default="", help="HumanEval problem of the example [default: the first].")
@click.option("--seed", default=0, show_default=True)
def operators_show(name: str, task: str, seed: int) -> None:
    """Say all about one operator, with an example."""
    from overproof.perturbation.catalogue import show_lines

    for line in show_lines(name, task, seed, colour=sys.stdout.isatty()):
        click.echo(line)


@click.command("perturb")
@click.option("--suite", "suites", multiple=True, default=["humaneval"], show_default=True)
@click.option("--preset", default="", help="recode, nlperturbator, quick or all.")
@click.option("--operators", "named", default="", help="Comma-separated, beside the preset.")
@click.option("--seeds", default=5, show_default=True, help="Draws per random operator.")
@click.option("--limit", type=int, help="Only this many problems, evenly spread.")
@click.option("--out", type=click.Path(path_type=Path), help="JSONL file of variants.")
@click.option("--diff", is_flag=True, help="Print what each variant changed.")
@click.option("--writer", default="", help="Model for the operators that need one.")
@click.option("--judge", default="", help="Model whose perplexity goes into the certificates.")
@click.option("--engine", default="ctranslate2", show_default=True, help="Of writer and judge.")
@click.option("--workers", default=0, help="Processes [default: one per core].")
@click.option(
    "--variants",
    "foreign",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Check these files of perturbed prompts instead; repeat.",
)
def perturb_command(
    suites: tuple[str, ...],
    preset: str,
    named: str,
    seeds: int,
    limit: int | None,
    out: Path | None,
    diff: bool,
    writer: str,
    judge: str,
    engine: str,
    workers: int,
    foreign: tuple[Path, ...],
) -> None:
    """Perturb the prompts of a suite; every variant is certified, and everything is counted.

    With --variants nothing is made: prompts that another tool perturbed are checked, and what is
    wrong with them is listed.
    """
    from overproof.perturbing import perturb_suite, write_variants, yield_lines
    from overproof.sandbox import usable_cores
    from overproof.suites import load_suites

    problems = load_suites(suites, limit)
    if foreign:
        from overproof.perturbing import check_foreign

        for line in check_foreign(foreign, problems, out):
            click.echo(line)
        return
    from overproof.perturbation.catalogue import difference_lines
    from overproof.perturbation.presets import expand, names_in

    perturbed = perturb_suite(
        problems,
        expand(names_in(f"{preset},{named}")),
        seeds,
        workers=workers or usable_cores(),
        writer=writer,
        judge=judge,
        engine=engine,
    )
    if out:
        write_variants(perturbed.variants, out)
    if diff:
        for line in difference_lines(perturbed.result.variants, colour=sys.stdout.isatty()):
            click.echo(line)
    for line in yield_lines(perturbed):
        click.echo(line)
    click.echo(f"{len(perturbed.variants)} certified variants{f': {out}' if out else ''}")


@click.command("attack")
@click.option("--model", required=True, help="The model to break.")
@click.option("--suite", "suites", multiple=True, default=["humaneval"], show_default=True)
@click.option("--operators", default="", help="Operators and presets [default: all that may be].")
@click.option("--budget", default=20, show_default=True, help="Queries per problem.")
@click.option(
    "--strategy",
    "strategies",
    multiple=True,
    type=click.Choice(["random", "greedy", "evolution", "null"]),
    default=["random", "evolution"],
    show_default=True,
    help="Repeat to compare; the first is the baseline.",
)
@click.option(
    "--prior",
    type=click.Choice(["measured", "flat"]),
    default="measured",
    show_default=True,
    help="What a search that learns knows of the operators at first: measured rates or nothing.",
)
@click.option(
    "--guide",
    type=click.Choice(["drift", "loss"]),
    default="drift",
    show_default=True,
    help="What a search climbs: how far the answer moved, or the model's loss on a right one.",
)
@click.option("--candidates", default=4, show_default=True, help="Scored per query, with loss.")
@click.option("--max-steps", default=4, show_default=True, help="Operators in one variant.")
@click.option("--min-naturalness", default=0.8, show_default=True)
@click.option("--max-perplexity-ratio", type=float, help="Needs --judge.")
@click.option("--judge", default="", help="Model that tells the perplexity.")
@click.option("--transfer", multiple=True, help="Try what was found on this model, too; repeat.")
@click.option("--limit", type=int, help="Only this many problems, evenly spread.")
@click.option("--seed", default=0, show_default=True)
@click.option(
    "--engine",
    type=click.Choice(["auto", "ctranslate2", "server", "transformers", "xllamacpp"]),
    default="ctranslate2",
    show_default=True,
)
@click.option("--out", type=click.Path(path_type=Path), help="Run folder [default: runs/attack-…].")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
def attack_command(
    model: str,
    suites: tuple[str, ...],
    operators: str,
    engine: str,
    limit: int | None,
    out: Path | None,
    overrides: tuple[str, ...],
    judge: str,
    transfer: tuple[str, ...],
    max_perplexity_ratio: float | None,
    **settings: Any,
) -> None:
    """Search for certified variants that break a model: robust pass@1 against queries.

    Only problems that the model solves as published are attacked. A killed search goes on when
    the same command is given again.
    """
    from overproof.attack import attack, attack_config, summary_lines, transfer_lines
    from overproof.evaluation import evaluation_recipe

    recipe = evaluation_recipe([model], suites, "", 1, limit, engine, "", 0, overrides)
    config = attack_config(operators, max_perplexity_ratio, **settings)
    folder = out or Path("runs") / recipe.name.replace("eval-", "attack-", 1)
    found = attack(model, recipe, config, folder, judge)
    for line in summary_lines(found):
        click.echo(line)
    for line in transfer_lines(transfer, found, recipe, folder):
        click.echo(line)
    click.echo(
        f"curves: {folder / 'attack.json'}; variants that break it: {folder / 'found.jsonl'}"
    )


@click.group()
def suite() -> None:
    """Suites of problems: list them, write them out for other tools."""


@suite.command("list")
def suite_list() -> None:
    """Show what `--suite` takes by name."""
    from overproof.suites.load import SUITES

    for name, read in SUITES.items():
        click.echo(f"{name:<24} {(read.__doc__ or '').partition('.')[0]}".rstrip())


@suite.command("formats")
def suite_formats() -> None:
    """Show which files of problems are read, by what they are known, where to get them."""
    from overproof.suites.layouts import layout_lines

    for line in layout_lines():
        click.echo(line)


@suite.command("export")
@click.argument("name", metavar="SUITE")
@click.option("--language", default="", help="Of multicode; see `overproof suite list`.")
@click.option(
    "--to",
    type=click.Choice(["overproof", "human-eval", "evalplus", "multipl-e"]),
    default="overproof",
    show_default=True,
    help="Whose fields; overproof: of multicode, all calls as data and as source text.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="JSONL file.")
def suite_export(name: str, language: str, to: str, out: Path) -> None:
    """Write the problems of a suite for other tools, and list what is left out.

    SUITE is a name or a file of problems. The tests of multicode are HumanEval's own calls,
    recorded. EvalPlus reads its file from HUMANEVAL_OVERRIDE_PATH.
    """
    from overproof.interchange.problems import export_suite

    for line in export_suite(name, language, to, out):
        click.echo(line)
