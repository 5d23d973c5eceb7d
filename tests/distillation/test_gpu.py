"""On an accelerator: the same values and gradients, in float32 and in bfloat16.

    pytest -m gpu tests/distillation

What they are compared with is computed on the CPU, in float64 and with the whole vocabulary.
"""

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from overproof.distillation.crossing import chunk_divergence, likeliest_ids, uld
from overproof.distillation.divergences import DIVERGENCES
from overproof.distillation.kernels import head_loss
from overproof.distillation.loop import train
from overproof.distillation.objective import Setting
from overproof.distillation.trainer import Machine
from overproof.recipe import DistillConfig

from .conftest import V, make_examples
from .shared_cases import CASES, fit

DEVICE = "cuda"
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no accelerator"),
]

N, ROWS, PADDED, H, K = 200, 5000, 5024, 128, 32
"""Tokens, true vocabulary, rows of the head, width, kept ids."""
CLOSE = {torch.float32: 2e-4, torch.bfloat16: 3e-2}
"""Largest difference, as a share of the largest value."""


def inputs(dtype: torch.dtype) -> tuple[list[Tensor], Tensor, Tensor, Tensor]:
    """Return hidden, head and bias as the dtype has them; the teacher's ids, logprobs and tail."""
    generator = torch.Generator().manual_seed(0)
    shapes, scales = ((N, H), (PADDED, H), (PADDED,)), (1.0, 0.2, 0.5)
    leaves = [
        (torch.randn(shape, generator=generator) * scale).to(dtype)
        for shape, scale in zip(shapes, scales, strict=True)
    ]
    teacher = torch.randn(N, ROWS, generator=generator).double().mul(3).log_softmax(1)
    kept, ids = teacher.topk(K, dim=1)
    return leaves, ids, kept, teacher.scatter(1, ids, -torch.inf).logsumexp(1)


def assert_close(ours: list[Tensor], exact: list[Tensor], tolerance: float) -> None:
    for one, other in zip(ours, exact, strict=True):
        difference = (one.detach().cpu().double() - other.detach()).abs().max()
        assert float(difference) <= tolerance * float(other.detach().abs().max())


@pytest.mark.parametrize("dtype", CLOSE, ids=str)
@pytest.mark.parametrize("name", DIVERGENCES)
@pytest.mark.parametrize("autocast", [False, True])
def test_value_and_gradient_are_those_of_the_dense_loss_in_float64(
    name: str, dtype: torch.dtype, autocast: bool
) -> None:
    leaves, ids, kept, tail = inputs(dtype)
    wide = [leaf.double().requires_grad_() for leaf in leaves]
    logits = (wide[0] @ wide[1].T + wide[2])[:, :ROWS] / 1.5
    dense = logits.log_softmax(1)
    outside = dense.scatter(1, ids, -torch.inf).logsumexp(1)
    exact = DIVERGENCES[name](dense.gather(1, ids), outside, kept, tail).sum()
    if autocast:  # as a training in bfloat16 has it: float32 tensors, narrow products
        dtype, leaves = torch.bfloat16, [leaf.float() for leaf in leaves]
    near = [leaf.to(DEVICE).requires_grad_() for leaf in leaves]
    teacher, rest = kept.float().to(DEVICE), tail.float().to(DEVICE)
    with torch.autocast(DEVICE, dtype=torch.bfloat16, enabled=autocast):
        ours = head_loss(
            near[0],
            near[1],
            ids.to(DEVICE),
            lambda part, own, own_tail: DIVERGENCES[name](own, own_tail, teacher[part], rest[part]),
            bias=near[2],
            rows=ROWS,
            temperature=1.5,
        )
    assert ours.dtype == torch.float32
    gradients = torch.autograd.grad(ours, near)
    assert not gradients[1][ROWS:].any()
    assert_close([ours, *gradients], [exact, *torch.autograd.grad(exact, wide)], CLOSE[dtype])


@pytest.mark.parametrize("dtype", CLOSE, ids=str)
def test_the_losses_across_tokenizers_are_those_of_float64(dtype: torch.dtype) -> None:
    leaves, _, kept, tail = inputs(dtype)
    gold = torch.arange(N) % ROWS
    ids = likeliest_ids(
        leaves[0].to(DEVICE), leaves[1].to(DEVICE), gold.to(DEVICE), K, rows=ROWS
    ).cpu()
    logits = (leaves[0].double() @ leaves[1].double().T)[:, :ROWS]
    assert bool((ids == gold[:, None]).any(1).all())
    least = logits.topk(K, dim=1)[0][:, -1:]
    others = ids != gold[:, None]
    slack = CLOSE[dtype] * float(logits.abs().max())  # ties of a narrow type may fall either way
    assert bool(((logits.gather(1, ids) >= least - slack) | ~others).all())
    dense = logits.log_softmax(1)
    own, rest = dense.gather(1, ids), dense.scatter(1, ids, -torch.inf).logsumexp(1)
    chunk = torch.arange(N) // 3
    likely = -torch.rand(int(chunk[-1]) + 1, generator=torch.Generator().manual_seed(1)) * 5
    spoken = dense.gather(1, gold[:, None])[:, 0]

    def losses(device: str, kind: torch.dtype) -> list[Tensor]:
        def there(tensor: Tensor) -> Tensor:
            return tensor.to(device, kind if tensor.is_floating_point() else tensor.dtype)

        return [
            chunk_divergence(there(spoken), there(chunk), there(likely)),
            uld(there(own), there(rest), there(kept), there(tail)),
        ]

    assert_close(losses(DEVICE, torch.float32), losses("cpu", torch.float64), 1e-4)


CONFIG = DistillConfig(
    method="full", steps=12, batch_size=6, save_every=4, learning_rate=3e-3, robust_draws=2
)


def fit_there(model: Any, config: DistillConfig, folder: Path, bf16: bool) -> Any:
    machine = Machine(folder=folder, pad=0, bf16=bf16, threads=1, seed=3)
    setting = Setting(config=config, rows=V)
    return train(copy.deepcopy(model), make_examples(), setting, machine)


@pytest.mark.parametrize("bf16", [False, True], ids=["float32", "bfloat16"])
def test_training_takes_the_same_course_and_resumes(
    tiny: Any, tmp_path: Path, bf16: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = fit_there(tiny, CONFIG, tmp_path / "a", bf16).curve
    (tmp_path / "a" / "checkpoint-12" / "complete").unlink()
    again = fit_there(tiny, CONFIG, tmp_path / "a", bf16).curve  # from step 8
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    here = fit_there(tiny, CONFIG, tmp_path / "b", bf16=False).curve
    near = 0.05 if bf16 else 1e-3
    for rows in (there, again):
        assert len(rows) == CONFIG.steps
        for one, two in zip(rows, here, strict=True):
            assert one["loss"] == pytest.approx(two["loss"], rel=near)
    assert there[-1]["loss"] < 0.9 * there[0]["loss"]


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="one accelerator")
def test_two_accelerators_train_what_one_does(tmp_path: Path) -> None:
    cases = ["full", "lora", "crossed", "worst", "bfloat16"]
    script = Path(__file__).parent / "shared_cases.py"
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [sys.executable, *command, str(script), str(tmp_path), *cases],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for case in cases:
        alone, _ = fit(case, tmp_path / f"alone-{case}")
        both = torch.load(tmp_path / f"{case}.pt")
        share = 0.5 if "bfloat16" in CASES[case].values() else 0.05
        for name, values in alone.items():
            moved = np.abs((values.cpu() - both[name]).numpy()).max()
            assert moved <= share * 4 * 3e-3, (case, name)  # of what four steps can move it
