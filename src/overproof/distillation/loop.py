"""The training loop, the only one: `transformers.Trainer` over our objective.

Accumulation, mixed precision, resume, processes and trackers are the library's. The order of the
examples is ours (schedule.py), and a checkpoint counts only when it is marked complete, so a kill
while one is written costs at most the steps since the one before. Under `torchrun` every step is
shared between the processes; loss and weights are those of one.
"""

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MethodType
from typing import Any

from overproof import interrupts
from overproof.distillation.batches import collate
from overproof.distillation.examples import Example
from overproof.distillation.heldout import Measured, measure_heldout, per_token
from overproof.distillation.objective import STATISTICS, Setting, check_head, objective
from overproof.distillation.schedule import make_schedule
from overproof.engines.prepare import quiet_transformers
from overproof.errors import UsageError
from overproof.progress import Advance, say, stage
from overproof.store import write_atomically

COMPLETE = "complete"
BEST = "best.safetensors"


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


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What the loop runs with."""

    folder: Path
    pad: int
    bf16: bool
    threads: int
    seed: int


def train(
    model: Any,
    examples: Sequence[Example],
    setting: Setting,
    machine: Machine,
    heldout: Mapping[str, Sequence[Example]] | None = None,
) -> Trained:
    """Train the model in place, resuming from the newest complete checkpoint in the folder.

    Raises: EngineError for a student whose logits the objective cannot follow; UsageError if the
    batch cannot be shared between the processes.
    """
    import torch

    torch.set_num_threads(machine.threads)
    config = setting.config
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    check_head(causal)
    _compute_objective(causal, setting)
    try:
        with quiet_transformers() as transformers:
            trainer = _trainer(transformers, model, examples, setting, machine)
            checkpoint = newest_checkpoint(machine.folder)
            with stage("distil", config.steps, "steps") as advance:
                trainer.tell = advance
                ruler = _Ruler(model, causal, heldout or {}, setting, machine)
                trainer.add_callback(_watcher(transformers, trainer, ruler, advance))
                trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
                interrupts.settle()
            kept = ruler.take_best() if config.patience else trainer.state.global_step
    finally:
        del causal.forward  # the class's own is back
    curve = [
        {key: round(float(value), 6) for key, value in row.items()}
        for row in trainer.state.log_history
        if "loss" in row
    ]
    places = trainer.state.global_step * config.batch_size * config.grad_accum_steps
    tokens = trainer.train_dataset.tokens(places)
    return Trained(curve=curve, heldout=ruler.measured, kept_step=kept, tokens=tokens)


def newest_checkpoint(folder: Path) -> Path | None:
    """Return the newest complete checkpoint; unfinished ones are removed."""
    complete: dict[int, Path] = {}
    for path in folder.glob("checkpoint-*"):
        if (path / COMPLETE).exists():
            complete[int(path.name.rpartition("-")[2])] = path
        else:
            shutil.rmtree(path, ignore_errors=True)
    return complete[max(complete)] if complete else None


def _compute_objective(causal: Any, setting: Setting) -> None:
    """Let the model's own forward return the objective, as wrappers for many processes need it."""

    def forward(self: Any, **batch: Any) -> tuple[Any, Any]:
        given = {name: value for name, value in batch.items() if value is not None}
        return objective(self, given, setting)

    causal.forward = MethodType(forward, causal)


def _trainer(
    transformers: Any,
    model: Any,
    examples: Sequence[Example],
    setting: Setting,
    machine: Machine,
) -> Any:
    import torch
    from torch.utils.data import SequentialSampler

    config = setting.config

    class DistillTrainer(transformers.Trainer):  # type: ignore[misc]
        """The library's trainer with the objective and the order of this package."""

        seen: list[Any]
        last: float
        tell: Advance

        def compute_loss(
            self,
            model: Any,
            inputs: dict[str, Any],
            return_outputs: bool = False,
            num_items_in_batch: Any = None,
        ) -> Any:
            """Return the loss per clean target token of the whole optimizer step."""
            with self.compute_loss_context_manager():
                total, statistics = model(**inputs)
            self.seen.append(statistics.detach())
            items = num_items_in_batch
            if items is None:
                items = (inputs["labels"] != -100).sum()
            # gradients are averaged over processes, but the tokens are those of all of them
            loss = total * self.accelerator.num_processes / items
            return (loss, None) if return_outputs else loss

        def log(self, logs: dict[str, float], *args: Any, **more: Any) -> None:
            """Put the terms, in nats per token, and the speed beside the loss."""
            if self.seen:
                logs |= _terms(torch.stack(self.seen).sum(0), time.perf_counter() - self.last)
                self.last = time.perf_counter()
                self.seen.clear()
                self.tell(0, _in_words(logs))
            super().log(logs, *args, **more)

        def _get_train_sampler(self, train_dataset: Any = None) -> Any:
            return SequentialSampler(self.train_dataset if train_dataset is None else train_dataset)

    arguments = transformers.TrainingArguments(
        output_dir=str(machine.folder),
        max_steps=config.steps,
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.grad_accum_steps,
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=max(1, config.steps // 20),
        weight_decay=0.0,
        max_grad_norm=1.0,
        bf16=machine.bf16,
        use_cpu=not torch.cuda.is_available(),
        seed=machine.seed,
        data_seed=machine.seed,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=config.save_every,
        save_total_limit=2,
        report_to=list(config.report_to),
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        ddp_find_unused_parameters=False,
        label_names=["labels"],
        log_level="error",
    )
    processes = arguments.world_size
    if config.batch_size % processes:
        raise UsageError(
            f"distill.batch_size = {config.batch_size} cannot be shared by {processes} processes",
            hint=f"make it a multiple of {processes}",
        )
    arguments.per_device_train_batch_size = config.batch_size // processes
    trainer = DistillTrainer(
        model=model,
        args=arguments,
        train_dataset=make_schedule(
            examples,
            config.steps * config.batch_size * config.grad_accum_steps,
            machine.seed,
            step_size=config.batch_size * config.grad_accum_steps,
            paired=config.alignment_weight > 0,
            worst=config.robust_choice == "worst",
        ),
        data_collator=lambda part: collate(part, config, machine.pad),
    )
    trainer.model_accepts_loss_kwargs = True
    trainer.loss_is_scaled_for_ga = True
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.seen, trainer.last = [], time.perf_counter()
    return trainer


def _terms(statistics: Any, seconds: float) -> dict[str, float]:
    """Return the mean of each term that was on, and the target tokens per second."""
    rows = dict(zip(STATISTICS, statistics.tolist(), strict=True))
    counts = {name: count for name, (_, count) in rows.items()}
    tokens = counts["kd"] + counts["robust"] + counts["policy"] or counts["ce"]
    means = {name: value / count for name, (value, count) in rows.items() if count}
    return {**means, "target_tokens_per_s": tokens / seconds}


class _Ruler:
    """Measures on held-out pairs now and then, remembers the best weights, says when to end."""

    def __init__(
        self,
        model: Any,
        causal: Any,
        heldout: Mapping[str, Sequence[Example]],
        setting: Setting,
        machine: Machine,
    ) -> None:
        self.config, self.folder = setting.config, machine.folder
        self._model, self._heldout = model, heldout
        self._measure: Callable[[], Measured] = lambda: measure_heldout(
            causal, heldout, setting, machine.pad, setting.config.batch_size
        )
        self._path = machine.folder / "heldout.json"
        self.measured: dict[int, Measured] = {}
        if self._path.exists():
            stored = json.loads(self._path.read_text())
            self.measured = {
                int(step): {
                    name: [(row[0], row[1]) for row in rows] for name, rows in found.items()
                }
                for step, found in stored.items()
            }

    def resume(self, step: int) -> None:
        """Forget what was measured after the checkpoint that training resumes from."""
        self.measured = {at: found for at, found in self.measured.items() if at <= step}

    def look(self, step: int) -> bool:
        """Measure if it is time, and return whether training should end."""
        every, last = self.config.evaluate_every, step == self.config.steps
        due = step == 0 or last or (every > 0 and step % every == 0)
        if not self._heldout or not due or step in self.measured:
            return False
        import torch.distributed as processes

        several = processes.is_available() and processes.is_initialized()
        if not several or processes.get_rank() == 0:
            self.measured[step] = self._measure()
            write_atomically(self._path, json.dumps(self.measured).encode())
            values = ", ".join(
                f"{name} {per_token(rows):.4f}" for name, rows in self.measured[step].items()
            )
            say(f"distil: step {step}: nats per held-out token: {values}")
        if not self.config.patience:
            return False
        if several:
            box = [self.measured]
            processes.broadcast_object_list(box)
            self.measured = box[0]
        if self._best() == step:
            self._keep()
        later = [at for at in self.measured if at > self._best()]
        return len(later) >= self.config.patience

    def take_best(self) -> int:
        """Put the weights back that were best on the held-out pairs, and return their step."""
        from safetensors.torch import load_file

        path = self.folder / BEST
        if path.exists() and self._best() != max(self.measured):
            say(f"distil: the weights of step {self._best()} were the best on held-out pairs")
            self._model.load_state_dict(load_file(path), strict=False)
        return self._best()

    def _best(self) -> int:
        return min(self.measured, key=lambda step: per_token(self.measured[step]["clean"]))

    def _keep(self) -> None:
        from safetensors.torch import save

        trained = {
            name: parameter.detach().clone().contiguous()
            for name, parameter in self._model.named_parameters()
            if parameter.requires_grad
        }
        write_atomically(self.folder / BEST, save(trained))


def _in_words(logs: Mapping[str, float]) -> str:
    """Return the live line: loss, its terms, captured mass, speed."""
    terms = [f"{name} {logs[name]:.3f}" for name in STATISTICS if name in logs]
    speed = f"{logs['target_tokens_per_s']:.0f} target tokens/s"
    return ", ".join([f"loss {logs['loss']:.3f}", *terms, speed]) if "loss" in logs else speed


def _watcher(transformers: Any, trainer: Any, ruler: _Ruler, advance: Advance) -> Any:
    """Return the callback that moves the bar, measures now and then, marks checkpoints."""

    class Watcher(transformers.TrainerCallback):  # type: ignore[misc]
        """Called by the trainer between steps."""

        def on_train_begin(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
            """Count the steps that an earlier run did, and measure before the first."""
            advance(state.global_step)
            ruler.resume(state.global_step)
            ruler.look(state.global_step)
            trainer.last = time.perf_counter()

        def on_step_end(self, _args: Any, state: Any, control: Any, **_: Any) -> None:
            """Move the bar; end early if the held-out pairs say so."""
            advance(1)
            if interrupts.asked():
                control.should_save = control.should_training_stop = True
            began = time.perf_counter()
            if ruler.look(state.global_step):
                control.should_training_stop = True
            trainer.last += time.perf_counter() - began

        def on_save(self, args: Any, state: Any, _control: Any, **_: Any) -> None:
            """Mark the checkpoint that was just written as whole."""
            if state.is_world_process_zero:
                (Path(args.output_dir) / f"checkpoint-{state.global_step}" / COMPLETE).touch()

    return Watcher()
