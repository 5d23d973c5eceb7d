"""The command that writes a run's report anew: report."""

from pathlib import Path

import click

from overproof.cli.options import json_option, print_json


@click.command("report")
@click.argument("run", type=click.Path(path_type=Path))
@json_option
def report_command(run: Path, as_json: bool) -> None:
    """Write the report of a run anew from its rows: report.html, report.md, results.json.

    Works on a run that was interrupted, too: its report is then about what is there.
    """
    from overproof.folders.reporting import rewrite_report

    report = rewrite_report(run)
    print_json({"report": report}) if as_json else click.echo(f"report: {report}")
