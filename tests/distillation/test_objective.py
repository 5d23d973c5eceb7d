"""The objective over a batch: every term counts, alone and split, and nothing else does."""

import copy
import dataclasses
from typing import Any

import pytest
import torch

from overproof.distillation.batches import TERMS, collate, take_rows
from overproof.distillation.objective import (
    STATISTICS,
    Setting,
    check_head,
    objective,
    token_divergences,
    worst_twins,
)
from overproof.errors import EngineError
from overproof.recipe import DistillConfig

from .conftest import V, make_examples

CONFIG = DistillConfig(repair_weight=0.4, describe_weight=0.2, robust_draws=2)


def setting(config: DistillConfig = CONFIG, **more: Any) -> Setting:
    return Setting(config=config, rows=V, **more)


def gradient(model: Any, batch: Any, how: Setting) -> torch.Tensor:
    model = copy.deepcopy(model)
    objective(model, batch, how)[0].backward()
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


def test_batch_shapes_and_the_place_of_every_target() -> None:
    parts = make_examples(4)
    batch = collate(parts, CONFIG, pad=0)
    assert batch["input_ids"].shape == batch["predicts"].shape == batch["labels"].shape
    assert int(batch["predicts"].sum()) == len(batch["gold"]) == len(batch["ids"])
    shifted = torch.zeros_like(batch["predicts"])
    shifted[:, 1:] = batch["predicts"][:, :-1]
    assert batch["input_ids"][shifted].tolist() == batch["gold"].tolist()
    assert batch["ids"].gather(1, batch["place"][:, None])[:, 0].tolist() == batch["gold"].tolist()
    clean = sum(len(example.signal.token_ids) for example in parts)
    assert int((batch["labels"] != -100).sum()) == clean == int((batch["kd"] > 0).sum())
    twins = sum(len(e.signal.token_ids) * len(e.twins) for e in parts)
    assert int((batch["robust"] > 0).sum()) == twins > 0


@pytest.mark.parametrize("vectors", [False, True])
def test_padding_and_company_do_not_change_the_objective(tiny: Any, vectors: bool) -> None:
    parts = make_examples(vectors=vectors)
    together, _ = objective(tiny, collate(parts, CONFIG, pad=0), setting())
    alone = sum(objective(tiny, collate([part], CONFIG, pad=0), setting())[0] for part in parts)
    assert float(together.detach()) == pytest.approx(float(alone.detach()), rel=1e-5)


def test_the_objective_is_the_weighted_sum_of_its_terms(tiny: Any) -> None:
    parts = make_examples(policy=True)
    config = dataclasses.replace(CONFIG, repair_weight=0.7, describe_weight=0.7)
    total, statistics = objective(tiny, collate(parts, config, pad=0), setting(config))
    sums = dict(zip(STATISTICS, statistics[:, 0].tolist(), strict=True))
    expected = 0.7 * sums["kd"] + 0.3 * (sums["ce"] + sums["robust"]) + sums["policy"]
    assert float(total.detach()) == pytest.approx(expected, rel=1e-5)
    assert all(sums[name] > 0 for name in TERMS)


@pytest.mark.parametrize(
    "change",
    [
        {"kd_weight": 0.0},
        {"describe_weight": 0.0},
        {"repair_weight": 0.0},
        {"ce_weight": 0.0},
        {"robust_weight": 0.0},
        {"on_policy_weight": 0.0},
        {"ce_targets": "all"},
        {"alignment_weight": 0.5},
        {"alignment_weight": 0.5, "contrastive_weight": 0.5},
        {"divergence": "reverse_kl"},
        {"divergence": "skewed_kl"},
        {"divergence": "skewed_reverse_kl"},
        {"divergence": "jsd"},
        {"divergence": "jsd", "beta": 0.1},
        {"divergence": "skewed_kl", "skew": 0.5},
        {"robust_choice": "worst"},
    ],
    ids=str,
)
def test_every_option_changes_the_gradient(tiny: Any, change: dict[str, Any]) -> None:
    parts = make_examples(8, vectors="alignment_weight" in change, policy=True)
    changed = dataclasses.replace(CONFIG, **change)
    before = gradient(tiny, collate(parts, CONFIG, pad=0), setting())
    after = gradient(tiny, collate(parts, changed, pad=0), setting(changed))
    assert not torch.allclose(before, after, rtol=1e-4, atol=1e-6)


def test_a_weight_of_zero_is_the_term_left_out(tiny: Any) -> None:
    parts = make_examples(8, vectors=True)
    off = dataclasses.replace(
        CONFIG, kd_weight=0.0, describe_weight=0.0, ce_weight=0.0, robust_weight=0.0
    )
    total, statistics = objective(tiny, collate(parts, off, pad=0), setting(off))
    assert float(total.detach()) == 0.0
    assert not statistics[:-1, 1].any()


def test_temperature_softens_both_sides_and_leaves_cross_entropy_alone(tiny: Any) -> None:
    parts = make_examples()
    only_ce = dataclasses.replace(
        CONFIG, kd_weight=0.0, describe_weight=0.0, repair_weight=0.0, robust_weight=0.0
    )
    batch = collate(parts, only_ce, pad=0)
    plain = objective(tiny, batch, setting(only_ce))[0]
    soft = objective(tiny, batch, setting(only_ce, temperature=2.0))[0]
    assert float(soft.detach()) == pytest.approx(float(plain.detach()), rel=1e-5)
    batch = collate(parts, CONFIG, pad=0)
    warm = gradient(tiny, batch, setting(temperature=2.0))
    assert not torch.allclose(warm, gradient(tiny, batch, setting()), rtol=1e-3)


def test_rows_beyond_the_vocabulary_do_not_count(tiny: Any) -> None:
    wide = copy.deepcopy(tiny)
    wide.resize_token_embeddings(V + 9, mean_resizing=False)
    with torch.no_grad():
        wide.get_output_embeddings().weight[V:] = 5.0
    batch = collate(make_examples(), CONFIG, pad=0)
    total, padded = (objective(model, batch, setting())[0] for model in (tiny, wide))
    assert float(total.detach()) == float(padded.detach())


def test_the_worst_twin_is_the_one_the_student_is_furthest_on(tiny: Any) -> None:
    config = dataclasses.replace(CONFIG, robust_choice="worst")
    batch = collate(make_examples(), config, pad=0)
    keep = worst_twins(tiny, batch, setting(config))
    values = token_divergences(tiny, batch, setting(config))
    clean = (batch["labels"] >= 0).any(dim=1)
    assert bool(keep[clean].all())
    for number in batch["twin"][~clean].unique():
        rows = ((batch["twin"] == number) & ~clean).nonzero()[:, 0]
        means = [float(values[batch["row"] == row].mean()) for row in rows]
        assert len(means) == 2
        assert [bool(keep[row]) for row in rows] == [mean == max(means) for mean in means]
    fewer = take_rows(batch, keep)
    assert int(fewer["predicts"].sum()) == len(fewer["gold"])
    assert len(fewer["input_ids"]) == int(keep.sum())


def test_alignment_compares_the_pairs_of_a_batch(tiny: Any) -> None:
    config = dataclasses.replace(
        CONFIG, kd_weight=0.0, describe_weight=0.0, ce_weight=0.0, robust_weight=0.0,
        alignment_weight=1.0,
    )  # fmt: skip
    parts = make_examples(vectors=True)
    batch = collate(parts, config, pad=0)
    assert batch["aligned"].tolist() == [[0, 1], [2, 3], [4, 5]]
    total, statistics = objective(tiny, batch, setting(config))
    tokens = sum(len(part.signal.token_ids) for part in parts)
    assert float(total.detach()) == pytest.approx(float(statistics[-2, 0]))
    assert int(statistics[-2, 1]) == tokens
    assert gradient(tiny, batch, setting(config)).abs().max() > 0


def test_a_student_whose_logits_are_changed_after_the_head_is_refused(tiny: Any) -> None:
    capped = copy.deepcopy(tiny)
    capped.config.final_logit_softcapping = 30.0
    with pytest.raises(EngineError, match="final_logit_softcapping"):
        check_head(capped)
    check_head(tiny)
