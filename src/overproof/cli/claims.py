"""The command about what a run claims."""

from pathlib import Path

import click

from overproof.cli.options import json_option, print_json, print_lines


@click.command("claims")
@click.argument("run", type=click.Path(path_type=Path))
@json_option
@click.option(
    "--verdict",
    "wanted",
    multiple=True,
    type=click.Choice(["verified", "not shown", "refuted"]),
    help="Show only these; repeat.",
)
def claims_command(run: Path, as_json: bool, wanted: tuple[str, ...]) -> None:
    """Show every claim of a run folder: verdict, estimate with interval, p, and what it leaves out.

    Claims are worked out anew from the rows of the run, so that runs of older versions have them
    too.
    """
    from overproof.folders.claims import claim_lines, read_claims
    from overproof.folders.run import open_run

    found = read_claims(open_run(run))
    shown = [claim for claim in found if not wanted or claim.verdict in wanted]
    if as_json:
        print_json(shown)
        return
    print_lines(claim_lines(shown))
    if not shown:
        click.echo("no claim" + (" of this kind" if found else ": nothing was compared"))
