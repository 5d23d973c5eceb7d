"""The loop on a real, tiny Qwen2: same loss however a step is split, and exact resume."""

import copy
import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from overproof.distillation import loop
from overproof.distillation.checkpoints import COMPLETE, METADATA, newest_checkpoint
from overproof.distillation.heldout import per_token
from overproof.distillation.loop import Trained, train
from overproof.distillation.objective import Setting
from overproof.distillation.trainer import Machine, training_arguments
from overproof.engines.prepare import quiet_transformers
from overproof.errors import UsageError
from overproof.recipe import DistillConfig

from .conftest import V, make_examples

CONFIG = DistillConfig(
    method="full", steps=6, batch_size=2, save_every=2, learning_rate=1e-2, precision="float32"
)


def fit(model: Any, config: DistillConfig, folder: Path, **more: Any) -> tuple[Any, Trained]:
    trained = copy.deepcopy(model)
    setting = Setting(config=config, rows=V)
    machine = Machine(folder=folder, pad=0, bf16=False, threads=1, seed=3)
    return trained, train(trained, make_examples(), setting, machine, **more)


def test_accumulation_does_not_change_the_step(tiny: Any, tmp_path: Path) -> None:
    whole = dataclasses.replace(CONFIG, steps=2, batch_size=6, grad_accum_steps=1)
    split = dataclasses.replace(CONFIG, steps=2, batch_size=2, grad_accum_steps=3)
    one, first = fit(tiny, whole, tmp_path / "whole")
    two, second = fit(tiny, split, tmp_path / "split")
    for name in ("loss", "grad_norm", "kd", "ce", "robust"):
        ours, theirs = ([row.get(name) for row in trained.curve] for trained in (first, second))
        assert ours == pytest.approx(theirs, rel=1e-4), name
    for left, right in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.allclose(left, right, atol=1e-5)


def test_training_lowers_the_loss(tiny: Any, tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, steps=30, save_every=30, batch_size=6)
    _, trained = fit(tiny, config, tmp_path)
    assert trained.curve[-1]["loss"] < 0.8 * trained.curve[0]["loss"]
    assert {"kd", "ce", "robust", "target_tokens_per_s"} <= trained.curve[-1].keys()
    assert trained.tokens == 30 * sum(3 + number for number in range(6))


def test_resume_is_exact(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heldout = {"clean": make_examples(3)}
    config = dataclasses.replace(CONFIG, evaluate_every=2)
    straight, whole = fit(tiny, config, tmp_path / "straight", heldout=heldout)

    class KilledError(Exception):
        pass

    original, calls = loop.objective, 0

    def dying(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KilledError
        return original(*arguments)

    monkeypatch.setattr(loop, "objective", dying)
    with pytest.raises(KilledError):
        fit(tiny, config, tmp_path / "killed", heldout=heldout)
    monkeypatch.undo()
    resumed, rest = fit(tiny, config, tmp_path / "killed", heldout=heldout)
    for first, second in zip(straight.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(first, second)
    assert [row["loss"] for row in whole.curve] == [row["loss"] for row in rest.curve]
    assert whole.heldout == rest.heldout
    assert sorted(whole.heldout) == [0, 2, 4, 6]


def test_a_half_written_checkpoint_is_passed_over_and_removed(tmp_path: Path) -> None:
    for step, whole in ((2, True), (4, True), (6, False)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if whole:
            for name in (COMPLETE, METADATA):
                (tmp_path / f"checkpoint-{step}" / name).touch()
    assert newest_checkpoint(tmp_path) == tmp_path / "checkpoint-4"
    assert not (tmp_path / "checkpoint-6").exists()


def test_training_ends_when_the_heldout_loss_rises_and_keeps_the_best(
    tiny: Any, tmp_path: Path
) -> None:
    config = dataclasses.replace(
        CONFIG, steps=60, batch_size=6, learning_rate=0.05, evaluate_every=2, patience=2
    )
    heldout = {"clean": make_examples(9)[6:]}
    trained, found = fit(tiny, config, tmp_path, heldout=heldout)
    means = {step: per_token(rows["clean"]) for step, rows in found.heldout.items()}
    assert len(found.curve) < 60
    assert found.kept_step == min(means, key=lambda step: means[step])
    assert len([step for step in means if step > found.kept_step]) == 2
    again = fit(trained, dataclasses.replace(CONFIG, steps=1), tmp_path / "x", heldout=heldout)[1]
    assert per_token(again.heldout[0]["clean"]) == pytest.approx(means[found.kept_step], rel=1e-4)


def test_adapters_train_through_the_same_objective(tiny: Any, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
    with quiet_transformers():
        adapted = get_peft_model(copy.deepcopy(tiny), config)
    setting = Setting(config=dataclasses.replace(CONFIG, steps=20, batch_size=6), rows=V)
    machine = Machine(folder=tmp_path, pad=0, bf16=False, threads=1, seed=3)
    trained = train(adapted, make_examples(), setting, machine)
    assert trained.curve[-1]["loss"] < trained.curve[0]["loss"]
    merged = adapted.merge_and_unload()
    assert merged(torch.tensor([[1, 2]])).logits.shape == (1, 2, V)  # its own forward is back


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"batch_size": 5}, "make it a multiple of 2"),
        ({"batch_size": 6, "alignment_weight": 0.5}, "make it a multiple of 4"),
    ],
)
def test_a_batch_that_two_processes_cannot_share_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], hint: str
) -> None:
    machine = Machine(folder=tmp_path, pad=0, bf16=False, threads=1, seed=3)
    with quiet_transformers() as transformers:
        monkeypatch.setattr(transformers.TrainingArguments, "world_size", 2)
        with pytest.raises(UsageError) as caught:
            training_arguments(transformers, dataclasses.replace(CONFIG, **change), machine)
    assert caught.value.hint == hint
