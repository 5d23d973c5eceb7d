"""The library's trainer with the objective, the order and the checkpoints of this package.

    arguments = training_arguments(transformers, config, machine)
    trainer = make_trainer(transformers, arguments, model, schedule, setting, machine)

Accumulation, mixed precision, processes and trackers are the library's. Ours are three things: the
loss is divided by the target tokens of a whole step, the examples come in the order that was fixed
before, and a checkpoint is written by all processes (checkpoints.py).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overproof import interrupts
from overproof.distillation.batches import collate
from overproof.distillation.checkpoints import COMPLETE, load_state, load_weights_of, save_state
from overproof.distillation.objective import STATISTICS, Setting
from overproof.distillation.ruler import Ruler
from overproof.distillation.schedule import Schedule
from overproof.distillation.sharding import any_of, is_sharded, wait_for_all
from overproof.errors import UsageError
from overproof.progress import Advance
from overproof.recipe import DistillConfig


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What the loop runs with."""

    folder: Path
    pad: int
    bf16: bool
    threads: int
    seed: int


def training_arguments(transformers: Any, config: DistillConfig, machine: Machine) -> Any:
    """Return what the library's trainer is told; under `torchrun` the processes meet here.

    Raises: UsageError if the batch cannot be shared between them.
    """
    import torch

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
    if arguments.n_gpu > 1:  # one process a device, or the library would cut our batches for all
        arguments._n_gpu = 1
    arguments.per_device_train_batch_size = _share(config, arguments.world_size)
    return arguments


def _share(config: DistillConfig, processes: int) -> int:
    """Return how many examples of a batch each process takes. Raises: UsageError."""
    share = config.batch_size // processes
    if config.batch_size % processes:
        raise UsageError(
            f"distill.batch_size = {config.batch_size} cannot be shared by {processes} processes",
            hint=f"make it a multiple of {processes}",
        )
    if processes > 1 and share % 2 and config.alignment_weight > 0:
        raise UsageError(
            f"distill.batch_size = {config.batch_size} gives {share} examples to each of "
            f"{processes} processes, which would part the pairs that are aligned",
            hint=f"make it a multiple of {2 * processes}",
        )
    return share


def make_trainer(
    transformers: Any,
    arguments: Any,
    model: Any,
    schedule: Schedule,
    setting: Setting,
    machine: Machine,
) -> Any:
    """Return the trainer of a model whose forward returns the objective and its statistics."""
    import torch
    from torch.utils.data import SequentialSampler

    class DistillTrainer(transformers.Trainer):  # type: ignore[misc]
        """Where it differs from the library's."""

        seen: list[Any]
        last: float
        tell: Advance
        halted = False
        """Whether a Ctrl-C, here or in another process, has ended the training early."""

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
                statistics = self.accelerator.reduce(torch.stack(self.seen).sum(0), "sum")
                logs |= _terms(statistics, time.perf_counter() - self.last)
                self.last = time.perf_counter()
                self.seen.clear()
                self.tell(0, _in_words(logs))
            super().log(logs, *args, **more)

        def _get_train_sampler(self, train_dataset: Any = None) -> Any:
            return SequentialSampler(self.train_dataset if train_dataset is None else train_dataset)

        def _move_model_to_device(self, model: Any, device: Any) -> None:
            if not is_sharded(model):  # a share is where it belongs
                super()._move_model_to_device(model, device)

        def save_model(self, *_args: Any, **_more: Any) -> None:
            """Leave it to what saves the optimizer, and to the caller at the end."""

        def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
            save_state(Path(output_dir), *self._parts(), schedule.digest)

        def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
            load_weights_of(Path(resume_from_checkpoint), self.model)

        def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
            if checkpoint is not None:
                load_state(Path(checkpoint), *self._parts(), schedule.digest)

        def _parts(self) -> tuple[Any, Any, Any]:
            optimizer = getattr(self.optimizer, "optimizer", self.optimizer)
            return self.model, optimizer, self.lr_scheduler

    trainer = DistillTrainer(
        model=model,
        args=arguments,
        train_dataset=schedule,
        data_collator=lambda part: collate(part, setting.config, machine.pad),
    )
    trainer.model_accepts_loss_kwargs = True
    trainer.loss_is_scaled_for_ga = True
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.seen, trainer.last = [], time.perf_counter()
    return trainer


def make_watcher(transformers: Any, trainer: Any, ruler: Ruler, advance: Advance) -> Any:
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
            """Move the bar; end early if the held-out pairs or a Ctrl-C say so."""
            advance(1)
            if any_of(interrupts.asked()):
                control.should_save = control.should_training_stop = True
                trainer.halted = True
            began = time.perf_counter()
            if ruler.look(state.global_step):
                control.should_training_stop = True
            trainer.last += time.perf_counter() - began

        def on_save(self, args: Any, state: Any, _control: Any, **_: Any) -> None:
            """Mark the checkpoint that was just written as whole, when all have written."""
            wait_for_all()
            if state.is_world_process_zero:
                (Path(args.output_dir) / f"checkpoint-{state.global_step}" / COMPLETE).touch()

    return Watcher()


def _terms(statistics: Any, seconds: float) -> dict[str, float]:
    """Return the mean of each term that was on, and the target tokens per second."""
    rows = dict(zip(STATISTICS, statistics.tolist(), strict=True))
    counts = {name: count for name, (_, count) in rows.items()}
    tokens = counts["kd"] + counts["robust"] + counts["policy"] or counts["ce"]
    means = {name: value / count for name, (value, count) in rows.items() if count}
    return {**means, "target_tokens_per_s": tokens / seconds}


def _in_words(logs: Mapping[str, float]) -> str:
    """Return the live line: loss, its terms, captured mass, speed."""
    terms = [f"{name} {logs[name]:.3f}" for name in STATISTICS if name in logs]
    speed = f"{logs['target_tokens_per_s']:.0f} target tokens/s"
    return ", ".join([f"loss {logs['loss']:.3f}", *terms, speed]) if "loss" in logs else speed
