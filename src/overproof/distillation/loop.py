"""The training loop, the only one: `transformers.Trainer` over our objective.

Accumulation, mixed precision, resume, processes and trackers are the library's. The order of the
examples is ours (schedule.py), and a checkpoint counts only when it is marked complete, so a kill
while one is written costs at most the steps since the one before. Under `torchrun` every step is
shared between the processes; loss and weights are those of one.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from types import MethodType
from typing import Any

from overproof import interrupts
from overproof.distillation.checkpoints import newest_checkpoint
from overproof.distillation.examples import Example
from overproof.distillation.heldout import Measured
from overproof.distillation.objective import Setting, check_head, objective, token_divergences
from overproof.distillation.ruler import Ruler
from overproof.distillation.schedule import Schedule, make_schedule
from overproof.distillation.sharding import Weights, gather_trained, is_sharded, several, shard
from overproof.distillation.trainer import Machine, make_trainer, make_watcher, training_arguments
from overproof.engines.prepare import quiet_transformers
from overproof.progress import stage


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What the loop leaves behind, beside the weights."""

    curve: list[dict[str, float]]
    """Per step: loss, its terms in nats per token, target tokens per second."""
    heldout: dict[int, Measured] = field(default_factory=dict)
    """By step: the divergence from the teacher on pairs that training did not see."""
    kept_step: int = 0
    """The step whose weights were kept: the last, or the best on the held-out pairs."""
    tokens: int = 0
    """Clean target tokens that were trained on, repetitions counted."""
    weights: Weights | None = None
    """Where the model was shared out: the trained tensors, whole, in the leading process."""


def train(
    model: Any,
    examples: Sequence[Example],
    setting: Setting,
    machine: Machine,
    heldout: Mapping[str, Sequence[Example]] | None = None,
) -> Trained:
    """Train the model, resuming from the newest complete checkpoint in the folder.

    In place, unless the recipe shares it out among several processes: then the weights are in what
    is returned, and the model is of no more use.

    Raises: EngineError for a student whose logits the objective cannot follow; UsageError if the
    batch cannot be shared between the processes; DataError for a checkpoint of other examples;
    KeyboardInterrupt, with a checkpoint stored, if any process was asked to end.
    """
    import torch

    torch.set_num_threads(machine.threads)
    config = setting.config
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    check_head(causal)
    schedule = _order(examples, setting, machine.seed)
    with quiet_transformers() as transformers:
        arguments = training_arguments(transformers, config, machine)
        if shared := config.sharding == "fsdp2" and several():
            shard(model, causal, arguments.device, bf16=machine.bf16)
            setting = replace(setting, together=True)
        _compute_objective(causal, setting, _precision(arguments.device, shared and machine.bf16))
        try:
            trainer = make_trainer(transformers, arguments, model, schedule, setting, machine)
            checkpoint = newest_checkpoint(machine.folder)
            with stage("distil", config.steps, "steps") as advance:
                trainer.tell = advance
                ruler = Ruler(model, causal, heldout or {}, setting, machine.folder, machine.pad)
                trainer.add_callback(make_watcher(transformers, trainer, ruler, advance))
                trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
                interrupts.settle()
                if trainer.halted:
                    raise KeyboardInterrupt
        finally:
            del causal.forward  # the class's own is back
    curve = [
        {key: round(float(value), 6) for key, value in row.items()}
        for row in trainer.state.log_history
        if "loss" in row
    ]
    step = trainer.state.global_step
    return Trained(
        curve=curve,
        heldout=ruler.measured,
        kept_step=ruler.kept_step(step),
        tokens=schedule.tokens(step * config.batch_size * config.grad_accum_steps),
        weights=_kept_weights(model, ruler),
    )


def _order(examples: Sequence[Example], setting: Setting, seed: int) -> Schedule:
    config = setting.config
    step_size = config.batch_size * config.grad_accum_steps
    return make_schedule(
        examples,
        config.steps * step_size,
        seed,
        step_size=step_size,
        paired=config.alignment_weight > 0,
        worst=config.robust_choice == "worst",
    )


def _kept_weights(model: Any, ruler: Ruler) -> Weights | None:
    """Put the best weights back; return them instead if the model is shared out."""
    best = ruler.best_weights()
    if is_sharded(model):
        return gather_trained(model) if best is None else best
    if best is not None:
        model.load_state_dict(best, strict=False)
    return None


def _compute_objective(
    causal: Any, setting: Setting, precision: Callable[[], AbstractContextManager[Any]]
) -> None:
    """Let the model's own forward return the objective, as wrappers for many processes need it.

    Asked with `measured`, it returns the divergences of that setting, one per target token.
    """

    def forward(self: Any, measured: Setting | None = None, **batch: Any) -> Any:
        given = {name: value for name, value in batch.items() if value is not None}
        with precision():
            if measured is not None:
                return token_divergences(self, given, measured)
            return objective(self, given, setting)

    causal.forward = MethodType(forward, causal)


def _precision(device: Any, bf16: bool) -> Callable[[], AbstractContextManager[Any]]:
    """Return autocast, which the library sees to itself where it wraps the model."""
    import torch

    if not bf16:
        return contextlib.nullcontext
    return lambda: torch.autocast(device.type, dtype=torch.bfloat16)
