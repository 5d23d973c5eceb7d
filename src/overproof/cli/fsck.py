"""The command that verifies a run folder: fsck."""

import sys
from pathlib import Path

import click

from overproof.cli.options import json_option, print_json, print_lines


@click.command("fsck")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--repair", is_flag=True, help="Take out what is damaged; good rows stay.")
@json_option
def fsck_command(run: Path, repair: bool, as_json: bool) -> None:
    """Verify the rows and files of a run: checksums, keys, what they say of one another, hashes.

    Nothing is ever deleted: --repair moves what is damaged into files ending in .damaged. Exits
    with 0 if nothing is wrong, or all was mended, else with 1.
    """
    from overproof.fsck import check, check_and_mend
    from overproof.fsck.findings import checked_lines

    checked = check_and_mend(run) if repair else check(run)
    print_json(checked.as_json()) if as_json else print_lines(checked_lines(checked))
    sys.exit(1 if checked.open else 0)
