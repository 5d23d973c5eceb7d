"""Commands about runs that are there: compare, ls, show."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from overproof.cli.options import json_option, print_json
from overproof.terminal import coloured

if TYPE_CHECKING:
    from overproof.compare.sides import Side


@click.command("compare")
@click.argument("a")
@click.argument("b", required=False)
@click.option("--model", "models", multiple=True, help="Model of both; given twice: of A, of B.")
@click.option("--gate", "gates", multiple=True, help='As "pass@1 >= -0.02", on B - A; repeat.')
@click.option(
    "--gate-by",
    type=click.Choice(["interval", "estimate"]),
    default="interval",
    show_default=True,
    help="interval: the whole 95 % interval must be on the right side.",
)
@click.option(
    "--undecided",
    type=click.Choice(["error", "fail", "pass"]),
    default="error",
    show_default=True,
    help="Exit code for an interval that reaches over the margin: 7, 1 or 0.",
)
@click.option(
    "--by",
    "axes",
    multiple=True,
    type=click.Choice(["operator", "language"]),
    help="Show each of them as well; repeat.",
)
@click.option("--k", "ks", multiple=True, type=click.IntRange(1), help="Of pass@k; repeat.")
@click.option("--seed", default=0, show_default=True, help="Of the bootstrap.")
@json_option
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown, for a comment.")
def compare_command(
    a: str,
    b: str | None,
    models: tuple[str, ...],
    gates: tuple[str, ...],
    gate_by: str,
    undecided: str,
    axes: tuple[str, ...],
    ks: tuple[int, ...],
    seed: int,
    as_json: bool,
    as_markdown: bool,
) -> None:
    """Compare two models on the tasks, prompts and samples that both have: B minus A.

    A and B are run folders, RUN:MODEL where a run has several models, or files that
    `overproof score --out` wrote. Exits with 0 if all gates hold, 1 if one fails, 7 if none fails
    and one is undecided; 2 for bad input, 3 for a damaged file.
    """
    from overproof.compare.comparison import compare
    from overproof.compare.gates import exit_code, judge, parse_gate
    from overproof.compare.show import as_json_text, markdown, terminal_parts
    from overproof.errors import UsageError

    if as_json and as_markdown:
        raise UsageError("got both --json and --markdown", hint="choose one of them")
    parsed = [parse_gate(text) for text in gates]
    first, second = _sides(a, b, models)
    wanted = [*ks, *(gate.k for gate in parsed if gate.k)]
    compared = compare(first, second, ks=wanted, seed=seed)
    for k in ks:
        compared.find(f"pass@{k}")
    judged = [judge(gate, compared, gate_by) for gate in parsed]  # type: ignore[arg-type]
    code = exit_code(judged, undecided)  # type: ignore[arg-type]
    if as_json:
        click.echo(as_json_text(compared, judged, code))
    elif as_markdown:
        click.echo(markdown(compared, judged, axes), nl=False)  # type: ignore[arg-type]
    else:
        _print(terminal_parts(compared, judged, axes))  # type: ignore[arg-type]
    sys.exit(code)


def _sides(a: str, b: str | None, models: tuple[str, ...]) -> "tuple[Side, Side]":
    """Read both. Raises: UsageError and what `read_side` raises."""
    from overproof.compare.sides import read_side
    from overproof.errors import UsageError

    if len(models) > 2 or (b is None and len(models) != 2):
        raise UsageError(
            f"two models are compared, got {len(models)} --model and {1 + (b is not None)} paths",
            hint="overproof compare A B, or overproof compare RUN --model ONE --model TWO",
        )
    one, two = (models * 2)[:2] if models else ("", "")
    return read_side(a, one), read_side(b or a, two)


@click.command("ls")
@click.argument("folder", default="runs", type=click.Path(path_type=Path))
@json_option
def ls(folder: Path, as_json: bool) -> None:
    """List the runs below a folder, the newest first: state, models, how far, headline numbers."""
    from overproof.folders.listing import as_json as to_json
    from overproof.folders.listing import list_runs, listing_lines

    listed = list_runs(folder)
    if as_json:
        print_json([to_json(each) for each in listed])
    else:
        _print(listing_lines(listed, folder))


@click.command("show")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("sample", required=False)
@json_option
def show(run: Path, sample: str | None, as_json: bool) -> None:
    """Show a run: recipe, models, rows, statuses, scores; or one of its samples.

    SAMPLE is a sample's key, or enough of its beginning. Works on runs that are not finished.
    """
    from overproof.folders.run import open_run
    from overproof.folders.showing import run_json, run_parts, sample_json, sample_parts

    opened = open_run(run)
    if as_json:
        print_json(sample_json(opened, sample) if sample else run_json(opened))
    elif sample:
        _print(sample_parts(opened, sample, colour=coloured(sys.stdout)))
    else:
        _print(run_parts(opened))


def _print(parts: object) -> None:
    """Print lines as they are, and tables as wide as they need to be where nobody looks."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else 100
    console = Console(width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)
    for part in parts:  # type: ignore[attr-defined]
        if isinstance(part, str):
            click.echo(part)
        else:
            console.print(part)
