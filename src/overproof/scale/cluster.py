"""A shared run through DataTrove's executors: on one machine, by Slurm arrays, on Ray.

    submit(begin("demo", [], (), None), Cluster(executor="slurm", tasks=64, partition="gpu"))

Each shared stage is an array of ranks, and between them the lead goes on as a single task. A task
starts `overproof scale rank …` or `overproof scale lead …` as a process of its own, so that a task
is the same everywhere. DataTrove keeps a marker per finished task and skips those; its folder is
named by the recipe, so that another recipe in the same run folder begins afresh.

Not covered: machines that share no file system (use `--store` of rank and lead by hand).
Source: DataTrove's executors, https://github.com/huggingface/datatrove, version 0.10.
"""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from overproof.errors import EngineError, UsageError
from overproof.extras import require
from overproof.records import content_key
from overproof.scale.crew import MEASURING, TEACHING
from overproof.scale.plan import read_plan
from overproof.scale.processes import error_of
from overproof.scale.tables import SHARDS

WITH_MODELS = (*TEACHING, "samples")
"""Stages whose ranks run models."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Where ranks run, and with how much."""

    executor: str = "local"
    """`local`, `slurm` or `ray`."""
    tasks: int = 8
    """Ranks of each shared stage."""
    workers: int = -1
    """Of them at once; -1 is all."""
    cpus: int = 4
    """Cores of a rank."""
    memory_gib: int = 4
    """Per core."""
    gpus: int = 0
    """Of a rank that runs models, and of the lead that trains."""
    partition: str = ""
    time: str = "8:00:00"
    venv: str = ""
    """Script that is sourced first."""
    sbatch: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what no executor could do. Raises: UsageError."""
        if self.executor not in ("local", "slurm", "ray"):
            raise UsageError(f"no executor {self.executor!r}", hint="one of local, slurm, ray")
        if self.tasks < 1:
            raise UsageError(f"tasks: got {self.tasks}, at least 1", hint="--tasks 8")
        if self.executor == "slurm" and not self.partition:
            raise UsageError("slurm needs a partition", hint="--partition NAME, see sinfo")


@dataclass(frozen=True)
class Step:
    """One job: the lead, or the ranks of a stage."""

    name: str
    stage: str
    """The ranks' stage; of the lead, where it stops, empty at the end."""
    kind: Literal["lead", "ranks"]


def steps_of(mode: str) -> list[Step]:
    """Return the jobs of a run in their order.

    >>> [step.name for step in steps_of("eval")]
    ['variants', 'samples', 'outcomes', 'report']
    """
    measuring = [Step(stage, stage, "ranks") for stage in MEASURING]
    end = Step("report", "", "lead")
    if mode == "eval":
        return [*measuring, end]
    teaching = [Step(stage, stage, "ranks") for stage in TEACHING]
    gather, train = Step("pairs", "checks", "lead"), Step("train", "variants", "lead")
    return [gather, *teaching, train, *measuring, end]


def command_of(run: Path, step: Step, rank: int, world: int) -> list[str]:
    """Return what a task starts."""
    begin = [sys.executable, "-m", "overproof", "scale"]
    if step.kind == "lead":
        until = ["--until", step.stage] if step.stage else []
        return [*begin, "lead", str(run), *until]
    place = ["--rank", str(rank), "--of", str(world)]
    return [*begin, "rank", str(run), step.stage, *place]


def submit(run: Path, cluster: Cluster) -> Iterator[str]:
    """Run or queue all jobs of a run; yield what was done.

    Raises: EngineError if DataTrove or Ray is not installed, or Slurm is not there;
    OverproofError of a task, where tasks run at once.
    """
    require("datatrove", *(("ray",) if cluster.executor == "ray" else ()))
    plan, run = read_plan(run), run.resolve()
    digest = content_key((run / "recipe.yaml").read_text(), plan.models, cluster.tasks)[:12]
    if plan.mode == "eval":
        from overproof.scale.lead import lead

        lead(run, until="variants")  # tells the ranks the models; nothing heavy
    from datatrove.utils.logging import logger

    logger.remove()
    logger.add(sys.stderr, level="CRITICAL")
    before: Any = None
    for step in steps_of(plan.mode):
        logs = run / SHARDS / "datatrove" / digest / step.name
        executor = _executor(run, step, cluster, logs, before)
        if cluster.executor == "slurm":
            _launch(executor)
            state = "already done" if executor.job_id == -1 else f"job {executor.job_id}"
            yield f"{step.name}: {executor.tasks} tasks, {state}"
            before = executor if executor.job_id != -1 else before
        else:
            _run_here(executor, cluster.executor)
            _check(executor, run, step)
            yield f"{step.name}: {executor.tasks} tasks done"


def _run_here(executor: Any, kind: str) -> None:
    """Run all tasks of a job and wait; whether they succeeded is for `_check` to say."""
    if kind == "ray":
        import ray

        if not ray.is_initialized():
            if os.environ.get("RAY_ADDRESS"):
                ray.init(log_to_driver=False)
            else:  # nothing of ours goes through its store
                ray.init(
                    include_dashboard=False, object_store_memory=100 << 20, log_to_driver=False
                )
    with contextlib.suppress(RuntimeError):
        executor.run()


def _launch(executor: Any) -> None:
    """Queue a job. Raises: EngineError."""
    inside = os.environ.pop("SLURM_ARRAY_TASK_ID", None)  # of the shell that we may run in
    try:
        executor.run()
    except (OSError, subprocess.CalledProcessError) as error:
        raise EngineError(
            f"sbatch: {error}", hint="run this where Slurm's commands are, or use --executor local"
        ) from None
    finally:
        if inside is not None:
            os.environ["SLURM_ARRAY_TASK_ID"] = inside


def _check(executor: Any, run: Path, step: Step) -> None:
    """Raise the error of a task that did not finish: Ray's executor only logs it."""
    missing = [r for r in range(executor.tasks) if not executor.is_rank_completed(r)]
    if missing:
        log = task_log(run, step.name, missing[0])
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        code = re.fullmatch(r"exit code (-?\d+)", lines[-1]) if lines else None
        raise error_of(log, int(code[1]) if code else 1)


def task_log(run: Path, name: str, rank: int) -> Path:
    """Return where a task's output goes."""
    return run / SHARDS / "logs" / f"task-{name}-{rank:05d}.log"


def _executor(run: Path, step: Step, cluster: Cluster, logs: Path, before: Any) -> Any:
    """Return DataTrove's executor for a job."""
    from overproof.scale.task import Task

    tasks = cluster.tasks if step.kind == "ranks" else 1
    task = Task(run=str(run), name=step.name, stage=step.stage, kind=step.kind)
    shared: dict[str, Any] = {"pipeline": [task], "tasks": tasks, "logging_dir": str(logs)}
    heavy = step.stage in WITH_MODELS or step.name == "train"
    if cluster.executor == "local":
        from datatrove.executor.local import LocalPipelineExecutor

        workers = min(tasks, cluster.workers if cluster.workers > 0 else tasks)
        return LocalPipelineExecutor(**shared, workers=workers)
    if cluster.executor == "ray":
        from datatrove.executor.ray import RayPipelineExecutor

        return RayPipelineExecutor(
            **shared,
            workers=cluster.workers,
            cpus_per_task=cluster.cpus,
            mem_per_cpu_gb=cluster.memory_gib,
            gpus_per_task=cluster.gpus if heavy else 0,
        )
    from datatrove.executor.slurm import SlurmPipelineExecutor

    return SlurmPipelineExecutor(
        **shared,
        time=cluster.time,
        partition=cluster.partition,
        cpus_per_task=cluster.cpus,
        mem_per_cpu_gb=cluster.memory_gib,
        gpus_per_task=cluster.gpus if heavy else 0,
        workers=cluster.workers,
        job_name=f"overproof-{step.name}",
        venv_path=cluster.venv or None,
        sbatch_args=cast(Any, cluster.sbatch or None),
        depends=before,
        qos=cluster.sbatch.get("qos", ""),
    )
