"""The loop on a real, tiny Qwen2: same loss however a step is split, and exact resume."""

import copy
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from overproof.distill.examples import Example, collate
from overproof.distill.loop import COMPLETE, newest_checkpoint, objective, train
from overproof.engines.sparse import keep_top_k
from overproof.recipe import DistillConfig

V = 64


@pytest.fixture(scope="module")
def tiny() -> Any:
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=V,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
    )
    return Qwen2ForCausalLM(config)


def examples(count: int = 6) -> list[Example]:
    rng = np.random.default_rng(0)
    made = []
    for number in range(count):
        length = 3 + number
        gold = rng.integers(0, V, length)
        top = keep_top_k(rng.normal(size=(length, V)) * 2, gold, 8)
        made.append(
            Example(
                clean=rng.integers(0, V, 4 + number % 3).tolist(),
                perturbed=rng.integers(0, V, 6).tolist() if number % 2 else None,
                top=top,
                verified=number % 3 == 0,
            )
        )
    return made


CONFIG = DistillConfig(
    method="full", steps=6, batch_size=2, save_every=2, learning_rate=1e-2, precision="float32"
)


def fit(model: Any, config: DistillConfig, folder: Path) -> tuple[Any, list[dict[str, float]]]:
    trained = copy.deepcopy(model)
    curve = train(trained, examples(), config, folder, seed=3, pad=0, bf16=False, threads=1)
    return trained, curve


def test_batch_shapes_and_the_place_of_every_target() -> None:
    parts = examples(4)
    batch = collate(parts, CONFIG, pad=0)
    assert batch["input_ids"].shape == batch["predicts"].shape == batch["labels"].shape
    assert int(batch["predicts"].sum()) == len(batch["gold"]) == len(batch["ids"])
    shifted = torch.zeros_like(batch["predicts"])
    shifted[:, 1:] = batch["predicts"][:, :-1]
    assert batch["input_ids"][shifted].tolist() == batch["gold"].tolist()
    clean = sum(len(example.top.token_ids) for example in parts)
    assert int((batch["labels"] != -100).sum()) == clean
    assert int((batch["kd"] > 0).sum()) == clean
    twins = sum(len(example.top.token_ids) for example in parts if example.perturbed)
    assert int((batch["robust"] > 0).sum()) == twins


def test_padding_and_company_do_not_change_the_objective(tiny: Any) -> None:
    parts = examples()
    together, _ = objective(tiny, collate(parts, CONFIG, pad=0))
    alone = sum(objective(tiny, collate([part], CONFIG, pad=0))[0] for part in parts)
    assert float(together.detach()) == pytest.approx(float(alone.detach()), rel=1e-5)


def test_the_objective_is_the_weighted_sum_of_its_terms(tiny: Any) -> None:
    batch = collate(examples(), CONFIG, pad=0)
    total, sums = objective(tiny, batch)
    expected = (
        CONFIG.kd_weight * sums["kd"].sum()
        + CONFIG.ce_weight * sums["ce"].sum()
        + CONFIG.robust_weight * sums["robust"].sum()
    )
    assert float(total.detach()) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("term", ["kd_weight", "ce_weight", "robust_weight"])
def test_every_weight_changes_the_gradient(tiny: Any, term: str) -> None:
    def gradient(config: DistillConfig) -> torch.Tensor:
        model = copy.deepcopy(tiny)
        objective(model, collate(examples(), config, pad=0))[0].backward()
        return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    assert not torch.allclose(
        gradient(CONFIG), gradient(dataclasses.replace(CONFIG, **{term: 0.0})), atol=1e-6
    )


def test_accumulation_does_not_change_the_step(tiny: Any, tmp_path: Path) -> None:
    whole = dataclasses.replace(CONFIG, steps=1, batch_size=6, grad_accum_steps=1)
    split = dataclasses.replace(CONFIG, steps=1, batch_size=2, grad_accum_steps=3)
    one, curve_one = fit(tiny, whole, tmp_path / "whole")
    two, curve_two = fit(tiny, split, tmp_path / "split")
    # the learning rate of the first of one steps is 0 after warm-up scaling: compare the loss
    assert curve_one[0]["loss"] == pytest.approx(curve_two[0]["loss"], rel=1e-4)
    assert curve_one[0]["grad_norm"] == pytest.approx(curve_two[0]["grad_norm"], rel=1e-4)
    for first, second in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.allclose(first, second, atol=1e-5)


def test_training_lowers_the_loss(tiny: Any, tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, steps=30, save_every=30, batch_size=6)
    _, curve = fit(tiny, config, tmp_path)
    assert curve[-1]["loss"] < 0.8 * curve[0]["loss"]
    assert {"kd", "ce", "robust", "target_tokens_per_s"} <= curve[-1].keys()


def test_resume_is_exact(tiny: Any, tmp_path: Path) -> None:
    straight, curve = fit(tiny, CONFIG, tmp_path / "straight")

    class KilledError(Exception):
        pass

    import overproof.distill.loop as loop

    original, calls = loop.objective, 0

    def dying(model: Any, batch: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KilledError
        return original(model, batch)

    loop.objective = dying
    try:
        with pytest.raises(KilledError):
            fit(tiny, CONFIG, tmp_path / "killed")
    finally:
        loop.objective = original
    resumed, curve_resumed = fit(tiny, CONFIG, tmp_path / "killed")
    for first, second in zip(straight.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(first, second)
    assert [row["loss"] for row in curve] == [row["loss"] for row in curve_resumed]


def test_a_half_written_checkpoint_is_passed_over_and_removed(tmp_path: Path) -> None:
    for step, whole in ((2, True), (4, True), (6, False)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if whole:
            (tmp_path / f"checkpoint-{step}" / COMPLETE).touch()
    assert newest_checkpoint(tmp_path) == tmp_path / "checkpoint-4"
    assert not (tmp_path / "checkpoint-6").exists()
