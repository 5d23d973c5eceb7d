"""The training loop, the only one: `transformers.Trainer` with our `compute_loss`.

Resume, random state, accumulation and (later) many processes are the library's. A checkpoint
counts only when it is marked complete, so a kill while one is written costs at most the steps
since the one before.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from overproof.distill.examples import Example, collate
from overproof.distill.losses import cross_entropy_of, kept_logprobs, sparse_kl_of
from overproof.engines.prepare import quiet_transformers
from overproof.progress import Advance, stage
from overproof.recipe import DistillConfig

COMPLETE = "complete"
TERMS = ("kd", "ce", "robust")


def train(
    model: Any,
    examples: Sequence[Example],
    config: DistillConfig,
    folder: Path,
    *,
    seed: int,
    pad: int,
    bf16: bool,
    threads: int,
) -> list[dict[str, float]]:
    """Train the model in place and return the curve: step, loss, its terms, tokens per second.

    Resumes from the newest complete checkpoint in `folder`.
    """
    import torch

    torch.set_num_threads(threads)
    with quiet_transformers() as transformers:
        trainer = _trainer(transformers, model, examples, config, folder, seed, pad, bf16)
        checkpoint = newest_checkpoint(folder)
        with stage("distil", config.steps, "steps") as advance:
            trainer.add_callback(_watcher(transformers, trainer, config, advance))
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    return [
        {key: round(float(value), 6) for key, value in row.items()}
        for row in trainer.state.log_history
        if "loss" in row
    ]


def objective(model: Any, batch: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the weighted sum over target tokens, and the sum of each term, in nats.

    Only the positions that predict a target go through the output head. Sums, not means: the
    caller divides by the tokens of the whole step, however it is split into batches.
    """
    decoder, head = model.get_decoder(), model.get_output_embeddings()
    hidden = decoder(
        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False
    ).last_hidden_state
    logprobs = kept_logprobs(head(hidden[batch["predicts"]]), batch["ids"])
    kl = sparse_kl_of(logprobs, batch["logprobs"], batch["tail"])
    ce = cross_entropy_of(logprobs, batch["ids"], batch["gold"])
    total = ((batch["kd"] + batch["robust"]) * kl + batch["ce"] * ce).sum()
    sums = {
        "kd": kl[batch["robust"] == 0].detach(),
        "ce": ce[batch["ce"] > 0].detach(),
        "robust": kl[batch["robust"] > 0].detach(),
    }
    return total, sums


def newest_checkpoint(folder: Path) -> Path | None:
    """Return the newest complete checkpoint; unfinished ones are removed."""
    complete: dict[int, Path] = {}
    for path in folder.glob("checkpoint-*"):
        if (path / COMPLETE).exists():
            complete[int(path.name.rpartition("-")[2])] = path
        else:
            shutil.rmtree(path, ignore_errors=True)
    return complete[max(complete)] if complete else None


def _trainer(
    transformers: Any,
    model: Any,
    examples: Sequence[Example],
    config: DistillConfig,
    folder: Path,
    seed: int,
    pad: int,
    bf16: bool,
) -> Any:
    import torch

    class DistillTrainer(transformers.Trainer):  # type: ignore[misc]
        """The library's trainer with the objective of this package."""

        def compute_loss(
            self,
            model: Any,
            inputs: dict[str, Any],
            return_outputs: bool = False,
            num_items_in_batch: Any = None,
        ) -> Any:
            """Return the loss per clean target token of the whole optimizer step."""
            causal = self.accelerator.unwrap_model(model)
            if hasattr(causal, "get_base_model"):
                causal = causal.get_base_model()
            with self.compute_loss_context_manager():
                total, terms = objective(causal, inputs)
            self.seen.append(terms)
            items = num_items_in_batch
            if items is None:
                items = (inputs["labels"] != -100).sum()
            loss = total / items
            return (loss, None) if return_outputs else loss

    arguments = transformers.TrainingArguments(
        output_dir=str(folder),
        max_steps=config.steps,
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.grad_accum_steps,
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=max(1, config.steps // 20),
        weight_decay=0.0,
        max_grad_norm=1.0,
        bf16=bf16,
        use_cpu=not torch.cuda.is_available(),
        seed=seed,
        data_seed=seed,
        logging_steps=1,
        save_strategy="steps",
        save_steps=config.save_every,
        save_total_limit=2,
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        label_names=["labels"],
        log_level="error",
    )
    trainer = DistillTrainer(
        model=model,
        args=arguments,
        train_dataset=list(examples),
        data_collator=lambda part: collate(part, config, pad),
    )
    trainer.model_accepts_loss_kwargs = True
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.seen = []
    return trainer


def _watcher(transformers: Any, trainer: Any, config: DistillConfig, advance: Advance) -> Any:
    """Return the callback that moves the bar, splits the loss into terms, marks checkpoints."""
    import time

    import torch

    class Watcher(transformers.TrainerCallback):  # type: ignore[misc]
        """Called by the trainer between steps."""

        def on_train_begin(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
            """Count the steps that an earlier run did."""
            self.last = time.perf_counter()
            advance(state.global_step)

        def on_step_end(self, _args: Any, _state: Any, _control: Any, **_: Any) -> None:
            """Move the bar."""
            advance(1)

        def on_log(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
            """Write the terms and the speed beside the loss."""
            if not trainer.seen:
                return
            now, tokens = time.perf_counter(), 0
            row = state.log_history[-1]
            for term in TERMS:
                values = torch.cat([terms[term] for terms in trainer.seen])
                if len(values):
                    row[term] = float(values.mean())
                tokens += len(values) if term != "ce" else 0
            row["target_tokens_per_s"] = tokens / (now - self.last)
            self.last = now
            trainer.seen.clear()

        def on_save(self, args: Any, state: Any, _control: Any, **_: Any) -> None:
            """Mark the checkpoint that was just written as whole."""
            (Path(args.output_dir) / f"checkpoint-{state.global_step}" / COMPLETE).touch()

    return Watcher()
