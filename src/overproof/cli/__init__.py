"""The command line: parse, call, print. Nothing heavy is imported before a command needs it."""

from typing import Any

import click

from overproof import __version__
from overproof.cli.bench import bench_command
from overproof.cli.claims import claims_command
from overproof.cli.files import models, pairs
from overproof.cli.fsck import fsck_command
from overproof.cli.init import completion_command, init_command
from overproof.cli.interchange import convert_command
from overproof.cli.programs import doctor, score, selftest
from overproof.cli.prompts import attack_command, operators, perturb_command, suite
from overproof.cli.report import report_command
from overproof.cli.runs import compare_command, ls, show
from overproof.cli.scale import scale
from overproof.cli.ship import export_command, serve_command, try_command
from overproof.cli.study import distill_command, evaluate, recipes, run
from overproof.errors import OverproofError
from overproof.terminal import colour_wish


class _Group(click.Group):
    """Prints our errors as one line and a hint, and exits with their code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OverproofError as error:
            if ctx.params.get("debug"):
                raise
            self.end(ctx, error)
        except ModuleNotFoundError as error:
            from overproof.extras import missing_from

            found = missing_from(error)
            if found is None or ctx.params.get("debug"):
                raise
            self.end(ctx, found)
        except KeyboardInterrupt:
            click.echo("stopped; run the same command again to go on", err=True)
            ctx.exit(130)

    def end(self, ctx: click.Context, error: OverproofError) -> None:
        """Print an error and leave."""
        click.echo(f"error: {error.message}", err=True)
        if error.hint:
            click.echo(f"hint: {error.hint}", err=True)
        ctx.exit(error.exit_code)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="overproof")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.pass_context
def main(ctx: click.Context, debug: bool) -> None:
    """Distil a large code model into a small one, and prove what came out."""
    ctx.color = colour_wish()


for command in (
    *(init_command, completion_command),
    *(run, distill_command, evaluate, bench_command, recipes),
    *(score, convert_command, doctor, selftest),
    *(operators, perturb_command, attack_command, suite),
    *(models, pairs, scale),
    *(export_command, serve_command, try_command),
    *(claims_command, compare_command, ls, show, report_command, fsck_command),
):
    main.add_command(command)
