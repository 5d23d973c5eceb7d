"""What one training needs, so that any process can do its part of it.

    model, trained = carry_out(job)

The process that leads makes the examples, puts them on a shelf (shelf.py) and carries the job out;
under `torchrun` it hands the job to the others first (launch.py), and they do the same.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overproof.catalog import ModelSource
from overproof.distillation.loop import Trained, train
from overproof.distillation.objective import Setting
from overproof.distillation.shelf import Shelf
from overproof.distillation.trainer import Machine
from overproof.engines.prepare import load_weights, quiet_transformers
from overproof.recipe import DistillConfig

EXAMPLES = "examples.arrow"
HELDOUT = "heldout"
"""Folder of the held-out examples, a file a condition."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One training."""

    student: ModelSource
    config: DistillConfig
    work: Path
    """Folder of the examples and the checkpoints, seen by all processes."""
    conditions: tuple[str, ...]
    """Names of the held-out conditions, in their order."""
    rows: int
    temperature: float
    pad: int
    bf16: bool
    threads: int
    """Of one machine."""
    seed: int


def examples_path(work: Path, condition: str = "") -> Path:
    """Return where the examples of a training stand, or those of a held-out condition."""
    return work / HELDOUT / f"{condition}.arrow" if condition else work / EXAMPLES


def carry_out(job: Job, *, keep: bool = True) -> tuple[Any, Trained]:
    """Train, and return the model with its weights; without `keep` they may be anything.

    Raises: as `train`; RowError if the examples cannot be read.
    """
    model = _trainable(job.student, job.config, job.seed)
    setting = Setting(config=job.config, rows=job.rows, temperature=job.temperature)
    machine = Machine(
        folder=job.work,
        pad=job.pad,
        bf16=job.bf16,
        threads=max(1, job.threads // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))),
        seed=job.seed,
    )
    heldout: Mapping[str, Shelf] = {
        name: Shelf(examples_path(job.work, name)) for name in job.conditions
    }
    trained = train(model, Shelf(examples_path(job.work)), setting, machine, heldout)
    if trained.weights is not None and keep:
        del model  # its tensors are shares
        model = _trainable(job.student, job.config, job.seed)
        model.load_state_dict(trained.weights, strict=False)
    return model, trained


def _trainable(student: ModelSource, config: DistillConfig, seed: int) -> Any:
    """Return the student in float32, with adapters where the recipe wants them."""
    import torch

    torch.manual_seed(seed)
    model = load_weights(student, "float32")
    if config.method == "full":
        return model.train()
    from peft import LoraConfig, get_peft_model

    adapters = LoraConfig(
        r=config.lora_rank,
        lora_alpha=2 * config.lora_rank,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    with quiet_transformers():
        return get_peft_model(model, adapters).train()
