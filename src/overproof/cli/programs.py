"""Commands that execute programs, and what this machine has: score, selftest, doctor."""

import sys
from pathlib import Path

import click

from overproof.cli.options import json_option, print_json, print_lines


@click.command()
@click.argument("samples", type=click.Path(path_type=Path))
@click.option("--suite", "suites", multiple=True, help="Suites by name [default: humaneval].")
@click.option("--problems", type=click.Path(path_type=Path), help="See `overproof suite formats`.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["human-eval", "evalplus", "bigcode", "multipl-e"]),
    help="Of SAMPLES [default: told by its shape].",
)
@click.option("--workers", default=0, help="Programs at once [default: one per core].")
@click.option("--out", type=click.Path(path_type=Path), help="JSONL of verdicts; resumed.")
@click.option("--timeout", default=5.0, show_default=True, help="CPU seconds of one program.")
@click.option("--memory", default=1024, show_default=True, help="MiB of one program.")
@click.option("--unsafe", is_flag=True, help="Run even where nothing holds a program.")
@json_option
def score(
    samples: Path,
    suites: tuple[str, ...],
    problems: Path | None,
    form: str | None,
    workers: int,
    out: Path | None,
    timeout: float,
    memory: int,
    unsafe: bool,
    as_json: bool,
) -> None:
    """Execute samples made by any tool and print counts and pass@k.

    SAMPLES is a file or folder of human-eval, EvalPlus, bigcode's harness or MultiPL-E: lines with
    `task_id` and `completion` (follows the prompt) or `solution` (a whole program), lists in the
    order of the problems, or a file a problem. CPU time decides, so a busy machine changes no
    verdict.
    """
    from overproof.errors import UsageError
    from overproof.sandbox import Limits, usable_cores
    from overproof.scoring import score as score_samples
    from overproof.suites import load_suites, read_problems

    if problems and suites:
        raise UsageError("got both --suite and --problems", hint="choose one of them")
    rows = read_problems(problems) if problems else load_suites(suites or ["humaneval"])
    limits = Limits(
        cpu_seconds=timeout, wall_seconds=max(30.0, 6 * timeout), memory_mib=memory, unsafe=unsafe
    )
    scored = score_samples(
        samples, rows, limits, workers=workers or usable_cores(), out=out, form=form or ""
    )
    if as_json:
        print_json(scored.as_json())
        return
    print_lines(scored.as_lines())
    if out:
        click.echo(f"verdicts: {out}")


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Say what this machine has: sandbox, toolchains, engines, accelerators, models."""
    from overproof.doctor import as_lines, diagnose

    checks = diagnose()
    print_json(checks) if as_json else print_lines(as_lines(checks))


@click.group()
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
@json_option
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
    from overproof.sandbox import Limits
    from overproof.sandbox.attacks import LANGUAGES
    from overproof.sandbox.selftest import run_selftest, summarise

    limits = Limits(isolation=isolation, unsafe=unsafe)  # type: ignore[arg-type]
    findings = run_selftest(limits, workers, kinds, languages or LANGUAGES)
    print_json(findings) if as_json else print_lines(summarise(findings))
    if any(finding.tried and not finding.held and not finding.needs for finding in findings):
        sys.exit(1)
