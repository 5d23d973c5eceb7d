"""The command between formats: convert."""

from pathlib import Path

import click

from overproof.cli.options import json_option, print_json, print_lines


@click.command("convert")
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.option(
    "--to",
    required=True,
    type=click.Choice(
        ["human-eval", "evalplus", "bigcode", "multipl-e", "lm-eval", "every-eval-ever", "inspect"]
    ),
    help="What to write; the last three are results, of a run folder.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File or folder.")
@click.option("--suite", "suites", multiple=True, help="Of a sample file [default: humaneval].")
@click.option("--problems", type=click.Path(path_type=Path), help="Or a file of problems.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["human-eval", "evalplus", "bigcode", "multipl-e"]),
    help="Of IN, if it is no run folder [default: told by its shape].",
)
@click.option("--model", default="", help="Of a run folder, if it has several.")
@click.option("--operator", default="nominal", show_default=True, help="Whose prompts' answers.")
@click.option("--model-id", default="", help="OWNER/NAME in every-eval-ever's record.")
@json_option
def convert_command(
    source: Path,
    to: str,
    out: Path,
    suites: tuple[str, ...],
    problems: Path | None,
    form: str | None,
    model: str,
    operator: str,
    model_id: str,
    as_json: bool,
) -> None:
    """Write samples or results for another tool.

    IN is a run folder, or samples in any format that `score` reads. EvalPlus gets JSONL, or
    folders if OUT does not end in .jsonl; MultiPL-E a folder; bigcode's harness its list of lists;
    lm-eval, Every Eval Ever and Inspect a folder of results with every sample.
    """
    from overproof.errors import UsageError
    from overproof.interchange.convert import convert
    from overproof.suites import load_suites, read_problems

    if problems and suites:
        raise UsageError("got both --suite and --problems", hint="choose one of them")
    rows = read_problems(problems) if problems else load_suites(suites) if suites else []
    said = convert(
        source,
        to,
        out,
        problems=rows,
        model=model,
        operator=operator,
        form=form or "",
        model_id=model_id,
    )
    if as_json:
        print_json({"to": to, "out": out, "said": list(said)})
    else:
        print_lines(said)
