"""A process that torchrun started beside the leading one does what that hands out, and ends."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from overproof import interrupts
from overproof.catalog import ModelSource
from overproof.distillation import launch
from overproof.distillation.job import Job
from overproof.recipe import DistillConfig

TINY = Path(__file__).parent.parent / "faults"


def make_job(number: int) -> Job:
    return Job(
        student=ModelSource(name="tiny", kind="folder", path=Path("tiny"), sha256="0"),
        config=DistillConfig(steps=number),
        work=Path("work"),
        conditions=("clean",),
        rows=64,
        temperature=1.0,
        pad=0,
        bf16=False,
        threads=2,
        seed=0,
    )


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Any:
    found = torch.distributed.HashStore()
    monkeypatch.setattr(launch, "_store", lambda: found)
    monkeypatch.setattr(launch, "_handed", 0)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    return found


def test_alone_there_is_nobody_to_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert launch.launched() == 1
    assert not launch.follow()
    launch.hand_out(make_job(1))  # to nobody


def test_the_leading_process_goes_on_and_dismisses_the_others_at_its_end(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Any] = []
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setattr(launch.atexit, "register", kept.append)
    assert not launch.follow()
    assert not store.check([launch.END])
    kept[0]()
    assert store.check([launch.END])


def test_a_follower_does_every_job_in_turn(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Job] = []

    def carry_out(job: Job, keep: bool) -> None:
        assert not keep
        done.append(job)

    monkeypatch.setattr(launch, "carry_out", carry_out)
    launch.hand_out(make_job(1))

    def lead() -> None:
        launch.hand_out(make_job(2))
        launch._dismiss()

    thread = threading.Timer(0.5, lead)
    thread.start()
    assert launch.follow()
    thread.join()
    assert done == [make_job(1), make_job(2)]


def test_a_follower_that_waits_can_be_interrupted(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interrupts, "settle", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        launch.follow()


@pytest.mark.slow
def test_the_command_under_torchrun_makes_the_checkpoint_of_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import load_file

    monkeypatch.syspath_prepend(str(TINY))
    import tiny_study

    tiny_study.write_inputs(tmp_path)
    options = ["distill.on_policy_rounds=0", "distill.sharding=fsdp2", "distill.learning_rate=1e-3"]
    rest = ["overproof", "distill", "demo", *tiny_study.overrides(tmp_path), *options]
    launchers = {
        "one": ["-m"],
        "two": ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m"],
    }
    found = {}
    for name, launcher in launchers.items():
        done = subprocess.run(
            [sys.executable, *launcher, *rest, "--out", str(tmp_path / name)],
            env={**os.environ, "OVERPROOF_HOME": str(tmp_path / f"cache-{name}")},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert ("2 processes, fsdp2" in done.stderr) == (name == "two")
        assert done.stdout.count("checkpoint:") == 1  # one process speaks for all
        (path,) = (tmp_path / name / "models").glob("distilled-*/model.safetensors")
        found[name] = (path.parent.name, load_file(path))
    assert found["one"][0] == found["two"][0]  # nobody trains it again for the other launch
    for name, values in found["one"][1].items():
        other = found["two"][1][name].float()
        assert torch.allclose(values.float(), other, rtol=1e-2, atol=1e-5), name  # bfloat16
