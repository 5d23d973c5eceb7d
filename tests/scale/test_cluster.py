"""The same recipe through DataTrove: on this machine, by a Slurm that is played, on Ray."""

import os
import shlex
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from runs import by_key, finish, results, rows, start
from scripted import Scripted

from overproof.errors import EngineError, UsageError
from overproof.scale.cluster import Cluster, Step, command_of, steps_of, submit

pytest.importorskip("datatrove", reason="needs overproof[cluster]")


@pytest.fixture
def reference(coder: Scripted, tmp_path: Path) -> Path:
    """The same evaluation by one rank, without any executor."""
    run = start(tmp_path / "one", f"{coder.url}#coder")
    finish(run, 1)
    return run


def the_same(run: Path, reference: Path) -> None:
    assert rows(run, "samples") == rows(reference, "samples")
    assert rows(run, "variants") == rows(reference, "variants")
    assert by_key(rows(run, "outcomes")) == by_key(rows(reference, "outcomes"))
    assert results(run) == results(reference)


@pytest.mark.slow
def test_local_tasks_say_the_same_and_a_rerun_does_nothing(
    coder: Scripted, reference: Path, tmp_path: Path
) -> None:
    run = start(tmp_path / "local", f"{coder.url}#coder")
    lines = list(submit(run, Cluster(executor="local", tasks=4, workers=2)))
    assert lines == [
        *(f"{stage}: 4 tasks done" for stage in ("variants", "samples", "outcomes")),
        "report: 1 tasks done",
    ]
    the_same(run, reference)
    asked = len(coder.seen)
    list(submit(run, Cluster(executor="local", tasks=4, workers=2)))
    assert len(coder.seen) == asked


@pytest.mark.slow
def test_a_failed_task_is_the_error_and_a_rerun_does_only_what_is_missing(
    coder: Scripted, reference: Path, tmp_path: Path
) -> None:
    run = start(tmp_path / "local", f"{coder.url}#coder")
    good, before = coder.answers[0], len(coder.seen)
    coder.answers = [good, good, good, (401, {"error": {"message": "Incorrect key"}})]
    cluster = Cluster(executor="local", tasks=2, workers=1)
    with pytest.raises(EngineError, match="401, Incorrect key"):
        list(submit(run, cluster))
    coder.answers = [good]
    list(submit(run, cluster))
    the_same(run, reference)
    samples = len(rows(run, "samples"))
    assert samples < len(coder.seen) - before <= samples + 4


@pytest.fixture
def played_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An sbatch that runs each array at once, task by task, and writes down how it was called."""
    programs = tmp_path / "slurm"
    programs.mkdir()
    calls = tmp_path / "calls"
    sbatch = textwrap.dedent(
        f"""\
        #!{sys.executable}
        import os, re, subprocess, sys
        script = open(sys.argv[-1]).read()
        with open({str(calls)!r}, "a") as calls:
            calls.write(" ".join(sys.argv[1:-1]) + "\\n")
            calls.writelines(line + "\\n" for line in script.splitlines() if "#SBATCH" in line)
            number = 100 + open({str(calls)!r}).read().count("--export")
        last = re.search(r"--array=0-(\\d+)", script)
        if "merge_stats" not in script:
            for task in range(int(last[1]) + 1):
                env = os.environ | {{"SLURM_ARRAY_TASK_ID": str(task), "SLURM_NODELIST": "here",
                                    "RUN_OFFSET": "0"}}
                out = open({str(tmp_path)!r} + "/slurm.out", "a")
                subprocess.run(["bash", sys.argv[-1]], env=env, check=True, stdout=out, stderr=out)
        print("Submitted batch job", number)
        """
    )
    skip = '#!/bin/sh\nwhile [ "${1#-}" != "$1" ]; do [ "$1" = -n ] && shift; shift; done\n'
    for name, text in {
        "sbatch": sbatch,
        "srun": f'{skip}exec "$@"\n',
        "scontrol": "#!/bin/sh\necho here\n",
    }.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    own = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{programs}:{own}:{os.environ['PATH']}")
    monkeypatch.delenv("SLURM_ARRAY_TASK_ID", raising=False)
    yield calls


@pytest.mark.slow
def test_slurm_arrays_say_the_same(
    coder: Scripted, reference: Path, played_slurm: Path, tmp_path: Path
) -> None:
    run = start(tmp_path / "slurm-run", f"{coder.url}#coder")
    cluster = Cluster(
        executor="slurm",
        tasks=2,
        partition="cpu",
        time="0:10:00",
        gpus=1,
        sbatch={"account": "lab"},
    )
    lines = list(submit(run, cluster))
    assert [line.partition(":")[0] for line in lines] == [
        "variants",
        "samples",
        "outcomes",
        "report",
    ]
    the_same(run, reference)
    called = played_slurm.read_text()
    for line in ("partition=cpu", "time=0:10:00", "account=lab", "array=0-1", "job-name=overproof"):
        assert f"#SBATCH --{line}" in called
    jobs = called.split("--export=")[1:]  # each with the job in which DataTrove sums its counts
    asked = {job.partition("job-name=overproof-")[2].split()[0] for job in jobs if "--gpus" in job}
    assert asked == {"samples"}  # ranks that run models, and no other
    assert called.count("--dependency=afterok:") >= 3
    assert all("already done" in line for line in submit(run, cluster))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own, which would end its threads
def test_ray_says_the_same(coder: Scripted, reference: Path, tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    run = start(tmp_path / "ray", f"{coder.url}#coder")
    try:
        list(submit(run, Cluster(executor="ray", tasks=2, workers=2, cpus=1, memory_gib=1)))
    finally:
        ray.shutdown()
    the_same(run, reference)


def test_without_slurm_it_says_so(
    coder: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(tmp_path / "run", f"{coder.url}#coder")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="sbatch") as caught:
        list(submit(run, Cluster(executor="slurm", tasks=2, partition="cpu")))
    assert "--executor local" in caught.value.hint


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"executor": "pbs"}, "no executor 'pbs'"),
        ({"tasks": 0}, "at least 1"),
        ({"executor": "slurm"}, "needs a partition"),
    ],
)
def test_what_no_executor_could_do_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Cluster(**changes)  # type: ignore[arg-type]


def test_a_run_that_distils_shares_the_teachers_stages_first() -> None:
    steps = steps_of("run")
    assert [step.name for step in steps] == [
        *("pairs", "checks", "solutions", "lessons", "train"),
        *("variants", "samples", "outcomes", "report"),
    ]
    words = shlex.join(command_of(Path("runs/demo"), steps[4], 0, 1))
    assert words.endswith("overproof scale lead runs/demo --until variants")
    words = shlex.join(command_of(Path("runs/demo"), steps[3], 2, 8))
    assert words.endswith("overproof scale rank runs/demo lessons --rank 2 --of 8")
    last = shlex.join(command_of(Path("runs/demo"), Step("report", "", "lead"), 0, 1))
    assert last.endswith("overproof scale lead runs/demo")
