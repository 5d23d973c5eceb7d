"""The command that times models: bench."""

import shlex
import sys
from pathlib import Path

import click

from overproof.cli.options import engine_option, json_option, print_json, print_lines


@click.command("bench")
@click.option("--model", "models", multiple=True, required=True, help="Repeat to compare.")
@click.option("--suite", "suites", multiple=True, default=["humaneval"], show_default=True)
@click.option("--operators", default="", help="Operators and presets; none by default.")
@click.option("--seeds", default=1, show_default=True, help="Draws per random operator.")
@click.option("--limit", type=int, help="Only this many problems, evenly spread.")
@click.option(
    "--load",
    "loads",
    multiple=True,
    default=["paired"],
    show_default=True,
    help="paired (turns, one request at a time), closed:N (in flight), open:RATE (per second); "
    "repeat.",
)
@click.option("--slo", default="", help="For goodput: ttft=500ms,tpot=50ms,e2e=2s.")
@click.option(
    "--cache",
    type=click.Choice(["cold", "warm", "both"]),
    default="cold",
    show_default=True,
    help="Whether a prompt was read before; of paired answers.",
)
@click.option("--max-new-tokens", type=int, help="Budget of an answer [default: 320, servers 768].")
@click.option("--warmup", default=2, show_default=True, help="Prompts that are dropped.")
@click.option("--repeats", default=1, show_default=True, help="Paired answers to every prompt.")
@click.option("--rounds", default=6, show_default=True, help="Turns of a model under load.")
@click.option("--threads", type=int, help="CPU threads, pinned [default: the cores that are free].")
@engine_option
@click.option("--precision", default="", help="Of the engine; its usual one by default.")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder [default: runs/bench-…].")
@json_option
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
def bench_command(
    models: tuple[str, ...],
    suites: tuple[str, ...],
    operators: str,
    seeds: int,
    limit: int | None,
    loads: tuple[str, ...],
    slo: str,
    cache: str,
    max_new_tokens: int | None,
    warmup: int,
    repeats: int,
    rounds: int,
    threads: int | None,
    engine: str,
    precision: str,
    out: Path | None,
    as_json: bool,
    overrides: tuple[str, ...],
) -> None:
    """Time models fairly, and say what a right answer costs.

    All models answer every prompt, in drawn order; what they answer is executed. With --operators
    also under perturbation. The same command goes on where it was interrupted.
    """
    from overproof.bench.config import BenchConfig, parse_load, parse_slo
    from overproof.evaluation import evaluation_recipe

    config = BenchConfig(
        loads=tuple(dict.fromkeys(parse_load(load) for load in loads)),
        caches=("cold", "warm") if cache == "both" else (cache,),  # type: ignore[arg-type]
        slo=parse_slo(slo),
        warmup=warmup,
        repeats=repeats,
        rounds=rounds,
    )
    given = {"sampling.max_new_tokens": max_new_tokens, "models.threads": threads}
    changes = [f"{key}={value}" for key, value in given.items() if value is not None]
    recipe = evaluation_recipe(
        models, suites, operators, seeds, limit, engine, precision, 0, (*changes, *overrides)
    )
    from overproof.bench.run import bench
    from overproof.bench.show import lines, tables
    from overproof.study import check_names, check_sandbox

    check_names(recipe, models)
    check_sandbox(recipe.limits)
    folder = out or Path("runs") / recipe.name.replace("eval-", "bench-", 1)
    command = shlex.join(["overproof", *sys.argv[1:]])
    finished = bench(models, recipe, config, folder, command)
    if as_json:
        print_json(finished.as_json())
        return
    import rich

    for table in tables(finished):
        rich.print(table)
    print_lines(lines(finished))
    click.echo(f"figures: {folder / 'bench.json'}; every stamp: {folder / 'trials.jsonl'}")
