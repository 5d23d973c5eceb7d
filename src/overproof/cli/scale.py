"""A run over many processes and machines: scale rank, lead, submit, status, push, pull."""

import os
import sys
from pathlib import Path

import click

from overproof.cli.options import json_option, print_json, print_lines

STAGES = ("checks", "solutions", "lessons", "variants", "samples", "outcomes")
run_argument = click.argument("run", type=click.Path(path_type=Path))


@click.group("scale")
def scale() -> None:
    """Share a run among processes: on this machine, by Slurm or Ray, with rows in any storage.

    On one machine `overproof run RECIPE --workers N` is all that it takes.
    """


@scale.command("rank")
@run_argument
@click.argument("stage", type=click.Choice(STAGES))
@click.option("--rank", type=int, required=True, help="From 0.")
@click.option("--of", "world", type=int, required=True, help="How many ranks there are.")
@click.option("--store", default="", help="Folder, s3:// or gs:// that rows come from and go to.")
@click.option("--cores", default="", help="Run on these only, as 0,1.")
@click.option("--parent", type=int, help="End when this process does.")
def rank_command(
    run: Path, stage: str, rank: int, world: int, store: str, cores: str, parent: int | None
) -> None:
    """Do one rank's share of a stage; again only what is missing.

    This is what schedulers run, and it can be run by hand.
    """
    _prepare(cores, parent)
    from overproof.scale.deal import Place
    from overproof.scale.stages import run_rank
    from overproof.scale.storage import pull, push_rank

    if store:
        pull(store, run)
    try:
        run_rank(run, stage, Place(rank, world))
    finally:
        if store:
            push_rank(run, stage, Place(rank, world), store)


@scale.command("lead")
@run_argument
@click.option(
    "--until", type=click.Choice(STAGES), help="Stop where rows of this stage are missing."
)
@click.option("--workers", default=1, show_default=True, help="Processes here that share stages.")
@click.option("--store", default="", help="Folder, s3:// or gs:// that rows come from and go to.")
@json_option
def lead_command(run: Path, until: str | None, workers: int, store: str, as_json: bool) -> None:
    """Do what ranks do not, as far as their rows allow; without --until, to the report.

    RUN was begun by `overproof scale submit` or by a run with --workers.
    """
    from overproof.scale.lead import lead
    from overproof.scale.storage import pull, push

    if store:
        pull(store, run, begun=False)
    try:
        finished = lead(run, workers=workers, until=until or "")
    finally:
        if store:
            push(run, store)
    if as_json:
        print_json({"run": run, "until": until, "report": finished and finished.report})
    elif finished is None:
        click.echo(f"{run}: ready for the ranks of {until}")
    else:
        click.echo(f"report: {finished.report}")


@scale.command("submit")
@click.argument("recipe", required=False)
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--model", "models", multiple=True, help="Evaluate these, as they are; repeat.")
@click.option(
    "--executor",
    type=click.Choice(["local", "slurm", "ray"]),
    default="local",
    show_default=True,
    help="Of DataTrove.",
)
@click.option("--tasks", default=8, show_default=True, help="Ranks of each shared stage.")
@click.option("--workers", default=-1, help="Ranks at once [default: all].")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder [default: runs/NAME].")
@click.option("--cpus", default=4, show_default=True, help="Cores of a rank (slurm, ray).")
@click.option("--memory", default=4, show_default=True, help="GiB per core (slurm, ray).")
@click.option("--gpus", default=0, show_default=True, help="Of a rank that runs models.")
@click.option("--partition", default="", help="Of Slurm.")
@click.option("--time", "time_limit", default="8:00:00", show_default=True, help="Of a rank.")
@click.option("--venv", default="", help="Script that makes overproof known on the nodes (slurm).")
@click.option("--sbatch", multiple=True, metavar="KEY=VALUE", help="More of Slurm; repeat.")
@json_option
def submit_command(
    recipe: str | None,
    overrides: tuple[str, ...],
    models: tuple[str, ...],
    executor: str,
    tasks: int,
    workers: int,
    out: Path | None,
    cpus: int,
    memory: int,
    gpus: int,
    partition: str,
    time_limit: str,
    venv: str,
    sbatch: tuple[str, ...],
    as_json: bool,
) -> None:
    """Hand a recipe to DataTrove's executors: each shared stage as an array of ranks.

    Needs 'overproof[cluster]'. RUN folders must be on a disk that all machines see. The same
    command again does only what is missing. With --model, RECIPE says how the models are measured.
    """
    from overproof.scale.cluster import Cluster, submit
    from overproof.scale.lead import begin

    folder = begin(recipe, overrides, models, out, command=_command())
    cluster = Cluster(
        executor=executor,
        tasks=tasks,
        workers=workers,
        cpus=cpus,
        memory_gib=memory,
        gpus=gpus,
        partition=partition,
        time=time_limit,
        venv=venv,
        sbatch=dict(_pair(text) for text in sbatch),
    )
    said = submit(folder, cluster)
    print_json({"run": folder, "said": list(said)}) if as_json else print_lines(said)


@scale.command("status")
@run_argument
@json_option
def status_command(run: Path, as_json: bool) -> None:
    """Show how far the ranks of each stage are."""
    from overproof.scale.status import stage_states, status_lines

    print_json(stage_states(run)) if as_json else print_lines(status_lines(run))


@scale.command("push")
@run_argument
@click.argument("url")
@json_option
def push_command(run: Path, url: str, as_json: bool) -> None:
    """Copy a run's rows and files to a folder, s3://, gs:// or any other that fsspec knows."""
    from overproof.scale.storage import push

    said = push(run, url)
    print_json({"url": url, "said": said}) if as_json else click.echo(f"{url}: {said}")


@scale.command("pull")
@click.argument("url")
@run_argument
@json_option
def pull_command(url: str, run: Path, as_json: bool) -> None:
    """Copy a run from such a place; rows that are here already stay, none is lost."""
    from overproof.scale.storage import pull

    said = pull(url, run)
    print_json({"run": run, "said": said}) if as_json else click.echo(f"{run}: {said}")


def _prepare(cores: str, parent: int | None) -> None:
    """Bind this process to cores, and to the life of its parent, before anything is imported."""
    if cores and hasattr(os, "sched_setaffinity"):
        chosen = {int(core) for core in cores.split(",")} & os.sched_getaffinity(0)
        if chosen:
            os.sched_setaffinity(0, chosen)
            os.environ["OMP_NUM_THREADS"] = str(len(chosen))
    if parent is not None:
        import signal

        from overproof.sandbox import kernel

        if kernel.LINUX:
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before we could say so
            sys.exit(1)


def _pair(text: str) -> tuple[str, str]:
    """Return a KEY=VALUE. Raises: UsageError."""
    from overproof.errors import UsageError

    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--sbatch {text!r} is not KEY=VALUE", hint="for example account=lab")
    return name, value


def _command() -> str:
    """Return the command as it can be typed again."""
    import shlex

    return shlex.join(["overproof", *sys.argv[1:]])
