"""Two processes that share the model out train what one does, and each resumes for the other."""

import dataclasses
import functools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from overproof.distillation import loop, trainer
from overproof.distillation.checkpoints import COMPLETE, METADATA, newest_checkpoint
from overproof.errors import DataError

from .shared_cases import CASES, fit

SCRIPT = Path(__file__).parent / "shared_cases.py"
TOLERANCE = 1e-5
WITHOUT_A_BREAK = ("full", "lora", "crossed", "replicas", "worst", "aligned")

Found = tuple[dict[str, torch.Tensor], dict[str, Any]]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Found]:
    """Return what one process makes of a case."""

    @functools.cache
    def made(case: str) -> Found:
        weights, trained = fit(case, tmp_path_factory.mktemp("alone"))
        return weights, json.loads(json.dumps(dataclasses.asdict(trained), default=str))

    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what two processes made of a few cases in one launch, in the last of which one died.

    One process began the cases that are `resumed`, and was stopped while it wrote a checkpoint.
    """
    folder = tmp_path_factory.mktemp("two")

    class KilledError(Exception):
        pass

    def dying(place: Path, *arguments: Any) -> None:
        if place.name == "checkpoint-4":
            place.mkdir()
            raise KilledError
        whole(place, *arguments)

    whole, trainer.save_state = trainer.save_state, dying
    try:
        for case in ("full", "lora"):
            with pytest.raises(KilledError):
                fit(case, folder / f"{case}-resumed")
    finally:
        trainer.save_state = whole
    cases = list(WITHOUT_A_BREAK)
    cases += ["full:resumed", "lora:resumed", "full:killed"]
    done = launch(folder, *cases)
    assert done.returncode != 0, "the last of them was to be killed"
    assert (folder / "lora:resumed.pt").exists(), done.stderr[:6000]
    assert "Signal 9 (SIGKILL)" in done.stderr
    return folder


def launch(folder: Path, *cases: str) -> "subprocess.CompletedProcess[str]":
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    return subprocess.run(
        [sys.executable, *command, str(SCRIPT), str(folder), *cases],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def made_by_two(folder: Path, case: str) -> Found:
    return torch.load(folder / f"{case}.pt"), json.loads((folder / f"{case}.json").read_text())


def assert_same(one: Found, two: Found, tolerance: float = TOLERANCE) -> None:
    assert one[0].keys() == two[0].keys()
    for name, values in one[0].items():
        assert torch.allclose(values, two[0][name], rtol=0, atol=tolerance), name
    assert_same_course(one, two, tolerance)


def assert_same_course(one: Found, two: Found, tolerance: float) -> None:
    first, second = one[1]["curve"], two[1]["curve"]
    for left, right in zip(first, second, strict=True):
        for name in left.keys() - {"target_tokens_per_s"}:
            assert right[name] == pytest.approx(left[name], rel=tolerance, abs=tolerance), name
    assert one[1]["heldout"].keys() == two[1]["heldout"].keys()
    for step, found in one[1]["heldout"].items():
        for name, rows in found.items():
            same = torch.tensor(two[1]["heldout"][step][name])
            assert torch.allclose(torch.tensor(rows), same, rtol=1e-4), name


@pytest.mark.parametrize("case", WITHOUT_A_BREAK)
def test_two_processes_train_what_one_does(
    case: str, folder: Path, alone: Callable[[str], Found]
) -> None:
    two = made_by_two(folder, case)
    assert_same(alone(case), two)
    assert case != "aligned" or any(row["alignment"] > 0 for row in two[1]["curve"])
    assert two[1]["share"] == pytest.approx(1.0 if case == "replicas" else 0.5, abs=0.01)


@pytest.mark.parametrize("case", ["full", "lora"])
def test_two_processes_go_on_where_one_was_stopped(
    case: str, folder: Path, alone: Callable[[str], Found]
) -> None:
    assert_same(alone(case), made_by_two(folder, f"{case}:resumed"))


def test_one_process_goes_on_where_two_were_killed(
    folder: Path, alone: Callable[[str], Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = folder / "full-killed"
    assert not (folder / "full:killed.pt").exists()
    assert (place / "checkpoint-2" / COMPLETE).exists()
    assert not (place / "checkpoint-4" / COMPLETE).exists()  # killed in the midst of it
    assert len(list((place / "checkpoint-2").glob("*.distcp"))) == 2  # each wrote its share
    assert newest_checkpoint(place) == place / "checkpoint-2"
    passes = 0
    original = loop.objective

    def counted(*arguments: Any) -> Any:
        nonlocal passes
        passes += 1
        return original(*arguments)

    monkeypatch.setattr(loop, "objective", counted)
    weights, trained = fit("full", place)
    assert passes == 2 * CASES["full"]["grad_accum_steps"]  # two steps of the four
    assert_same(alone("full"), (weights, {"curve": trained.curve, "heldout": {}}))
    assert (place / "checkpoint-4" / METADATA).exists()


@pytest.mark.slow
def test_further_objectives_and_bfloat16(tmp_path: Path, alone: Callable[[str], Found]) -> None:
    done = launch(tmp_path, "uld", "patient", "bfloat16")
    assert done.returncode == 0, done.stderr[:6000]
    for case in ("uld", "patient"):
        assert_same(alone(case), made_by_two(tmp_path, case))
    patient = made_by_two(tmp_path, "patient")[1]
    assert 0 < patient["kept_step"] < len(patient["curve"]) < CASES["patient"]["steps"]
    assert_same_course(alone("bfloat16"), made_by_two(tmp_path, "bfloat16"), 1e-3)


def test_a_checkpoint_of_other_examples_is_refused(tmp_path: Path) -> None:
    fit("replicas", tmp_path)
    (tmp_path / "checkpoint-4" / COMPLETE).unlink()
    with pytest.raises(DataError, match="other examples"):
        fit("replicas", tmp_path, seed=4)
