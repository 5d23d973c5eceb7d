"""What a training step costs: cached teacher, live teacher, and TRL's GKD trainer.

    make bench-train                        1.5B teacher, 0.5B student, LoRA, about half an hour
    make bench-train ARGS='--steps 3 --rounds 1'

The same texts, student, LoRA, batch and precision for all three. Each runs in a process of its
own, in turn, several rounds; the first step of every process is left out. TRL's trainer is given
the same texts off policy (lmbda = 0) without gradient checkpointing, its faster setting.

Aims: cached >= 1.7 x the tokens per second of live and >= 2 x TRL's; cached peak memory <= 8 GiB.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TEACHER, STUDENT = "qwen2.5-coder-1.5b-instruct", "qwen2.5-coder-0.5b-instruct"
BATCH, TEXTS, TOP_K, RANK = 4, 24, 32, 16


def main() -> None:
    """Run all three in turn and print medians and ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--teacher", default=TEACHER)
    parser.add_argument("--student", default=STUDENT)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--work", choices=["prepare", "cached", "live", "trl"])
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args()
    if args.work:
        work(args)
        return
    found: dict[str, list[dict[str, float]]] = {"cached": [], "live": [], "trl": []}
    with tempfile.TemporaryDirectory() as folder:
        _run(args, "prepare", folder)
        for number in range(args.rounds):
            for way, rows in found.items():
                rows.append(_run(args, way, folder))
                print(
                    f"round {number + 1}, {way}: {rows[-1]['tokens_per_s']:.0f} tokens/s, "
                    f"peak {rows[-1]['peak_gib']:.1f} GiB",
                    flush=True,
                )
    _report(found)


def _report(found: dict[str, list[dict[str, float]]]) -> None:
    print(f"\n{'way':<8} {'tokens/s':>9} {'CPU s/step':>11} {'peak GiB':>9}")
    for way, rows in found.items():
        speed, cpu, peak = (
            statistics.median(row[name] for row in rows)
            for name in ("tokens_per_s", "cpu_s_per_step", "peak_gib")
        )
        print(f"{way:<8} {speed:>9.0f} {cpu:>11.1f} {peak:>9.1f}")
    for other, aim in (("live", 1.7), ("trl", 2.0)):
        ratios = [
            ours["tokens_per_s"] / theirs["tokens_per_s"]
            for ours, theirs in zip(found["cached"], found[other], strict=True)
        ]
        spread = f"{min(ratios):.2f}-{max(ratios):.2f}"
        print(f"cached / {other}: {statistics.median(ratios):.2f} ({spread}), aim >= {aim}")


def _run(args: argparse.Namespace, way: str, folder: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--work", way, "--folder", folder]
    for name in ("steps", "teacher", "student", "threads"):
        command += [f"--{name}", str(getattr(args, name))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    row: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return row


def work(args: argparse.Namespace) -> None:
    """Do one thing in this process and print what it cost as one JSON line."""
    import torch

    torch.set_num_threads(args.threads)
    seconds, tokens, cpu = {"prepare": prepare, "cached": cached, "live": live, "trl": trl}[
        args.work
    ](args)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    counted = max(1, args.steps)
    print(
        json.dumps(
            {
                "tokens_per_s": tokens / max(seconds, 1e-9),
                "cpu_s_per_step": cpu / counted,
                "peak_gib": peak,
            }
        )
    )


def prepare(args: argparse.Namespace) -> tuple[float, int, float]:
    """Mine texts from the standard library and keep the teacher's signal over them."""
    import numpy as np

    from overproof.engines.transformers import TransformersEngine
    from overproof.models import resolve_model

    texts = _texts(args.teacher)
    engine = TransformersEngine(resolve_model(args.teacher), "bfloat16", args.threads)
    for number, (prompt, target) in enumerate(texts):
        top = engine.score(prompt, target, TOP_K)
        np.savez(
            args.folder / f"{number}.npz",
            token_ids=top.token_ids,
            ids=top.ids,
            logprobs=top.logprobs,
            tail=top.tail,
        )
    (args.folder / "texts.json").write_text(json.dumps(texts))
    return 1.0, 0, 0.0


def cached(args: argparse.Namespace) -> tuple[float, int, float]:
    """Train from the signals on disk."""
    return _ours(args, with_teacher=False)


def live(args: argparse.Namespace) -> tuple[float, int, float]:
    """Train with the teacher in memory: its signal is computed in every step."""
    return _ours(args, with_teacher=True)


def _ours(args: argparse.Namespace, *, with_teacher: bool) -> tuple[float, int, float]:
    from overproof.distillation import loop
    from overproof.distillation.objective import Setting
    from overproof.distillation.precision import bfloat16_is_faster
    from overproof.distillation.tokenizers import true_vocabulary
    from overproof.distillation.trainer import Machine
    from overproof.engines.prepare import load_tokenizer, load_weights
    from overproof.models import resolve_model
    from overproof.recipe import DistillConfig

    source = resolve_model(args.student)
    tokenizer = load_tokenizer(source)
    config = DistillConfig(
        steps=args.steps + 1,
        batch_size=BATCH,
        ce_weight=0.0,
        robust_weight=0.0,
        save_every=1000,
        lora_rank=RANK,
    )
    clock = _Clock()
    teacher = load_weights(resolve_model(args.teacher), "bfloat16") if with_teacher else None
    original = vars(loop)["objective"]

    def timed(causal: Any, batch: dict[str, Any], setting: Setting) -> Any:
        clock.step(int(batch["attention_mask"].sum()))
        if teacher is not None:
            batch = {**batch, **_live_signal(teacher, batch, setting.rows)}
        return original(causal, batch, setting)

    vars(loop)["objective"] = timed
    machine = Machine(
        folder=args.folder / f"{args.work}-{os.getpid()}",
        pad=tokenizer.pad_token_id,
        bf16=bfloat16_is_faster(),
        threads=args.threads,
        seed=0,
    )
    model = _with_adapters(source)
    loop.train(
        model,
        _examples(args, tokenizer),
        Setting(config=config, rows=true_vocabulary(tokenizer)),
        machine,
    )
    return clock.stop()


def trl(args: argparse.Namespace) -> tuple[float, int, float]:
    """Train with TRL's GKD trainer, off policy, forward KL."""
    from datasets import Dataset
    from peft import LoraConfig
    from trl.experimental.gkd import (  # type: ignore[import-not-found]
        GKDConfig,
        GKDTrainer,
    )

    from overproof.distillation.precision import bfloat16_is_faster
    from overproof.engines.prepare import load_tokenizer, load_weights
    from overproof.models import resolve_model

    source = resolve_model(args.student)
    tokenizer = load_tokenizer(source)
    clock = _Clock()

    class Timed(GKDTrainer):  # type: ignore[misc]
        """TRL's trainer with a clock."""

        def compute_loss(self, model: Any, inputs: Any, *rest: Any, **more: Any) -> Any:
            clock.step(int(inputs["attention_mask"].sum()))
            return super().compute_loss(model, inputs, *rest, **more)

    rows = [
        {"messages": [{"role": "user", "content": p}, {"role": "assistant", "content": t}]}
        for p, t in json.loads((args.folder / "texts.json").read_text())
    ]
    trainer = Timed(
        model=load_weights(source, "float32"),
        teacher_model=load_weights(resolve_model(args.teacher), "bfloat16"),
        args=GKDConfig(
            output_dir=str(args.folder / f"trl-{os.getpid()}"),
            max_steps=args.steps + 1,
            per_device_train_batch_size=BATCH,
            lmbda=0.0,
            beta=0.0,
            gradient_checkpointing=False,
            bf16=bfloat16_is_faster(),
            use_cpu=True,
            report_to=[],
            save_strategy="no",
            disable_tqdm=True,
            max_length=1024,
            learning_rate=2e-4,
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=LoraConfig(
            r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", task_type="CAUSAL_LM"
        ),
    )
    trainer.train()
    return clock.stop()


class _Clock:
    """Counts tokens and seconds from the second step on."""

    def __init__(self) -> None:
        self._steps = self._tokens = 0
        self._wall = self._cpu = 0.0

    def step(self, tokens: int) -> None:
        """Begin a step of this many tokens."""
        self._steps += 1
        if self._steps == 2:
            self._wall, self._cpu = time.perf_counter(), time.process_time()
        if self._steps > 1:
            self._tokens += tokens

    def stop(self) -> tuple[float, int, float]:
        """Return seconds, tokens and CPU seconds since the second step began."""
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return wall, self._tokens, cpu


def _texts(teacher: str) -> list[tuple[str, str]]:
    """Return prompts and targets of 150 to 400 tokens together, always the same."""
    from overproof.engines.generate import form_for
    from overproof.engines.prepare import load_tokenizer
    from overproof.models import resolve_model
    from overproof.pairs.mining import mine

    source = resolve_model(teacher)
    tokenizer, form = load_tokenizer(source), form_for(source, "brief")
    texts = []
    for pair in mine(["stdlib"], limit=40 * TEXTS).pairs:
        prompt, target = form.wrap(pair.prompt).text, pair.body.rstrip() + "\n```"
        if 150 <= len(tokenizer.encode(prompt + target, add_special_tokens=False)) <= 400:
            texts.append((prompt, target))
        if len(texts) == TEXTS:
            break
    return texts


def _examples(args: argparse.Namespace, tokenizer: Any) -> list[Any]:
    import numpy as np

    from overproof.distillation.examples import Example, direct_signal
    from overproof.engines.protocol import TopLogits

    made = []
    for number, (prompt, _) in enumerate(json.loads((args.folder / "texts.json").read_text())):
        arrays = np.load(args.folder / f"{number}.npz")
        clean = tokenizer.encode(prompt, add_special_tokens=False)
        made.append(
            Example(
                key=str(number),
                pair=str(number),
                view="text_to_code",
                clean=clean,
                twins=[],
                span=(0, len(clean)),
                signal=direct_signal(TopLogits(**{name: arrays[name] for name in arrays.files})),
                weights=np.ones(len(arrays["token_ids"]), dtype=np.float32),
                verified=False,
            )
        )
    return made


def _with_adapters(source: Any) -> Any:
    from peft import LoraConfig, get_peft_model

    from overproof.engines.prepare import load_weights

    config = LoraConfig(
        r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    return get_peft_model(load_weights(source, "float32"), config).train()


def _live_signal(teacher: Any, batch: dict[str, Any], rows: int) -> dict[str, Any]:
    """Return the teacher's top K over the batch, the gold token among them."""
    import torch

    with torch.inference_mode():
        hidden = teacher.get_decoder()(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False
        ).last_hidden_state[batch["predicts"]]
        logits = teacher.get_output_embeddings()(hidden)[:, :rows].float()
        ids = logits.topk(TOP_K, dim=1).indices
        lacking = ~(ids == batch["gold"][:, None]).any(dim=1)
        ids[lacking, -1] = batch["gold"][lacking]
        logprobs = logits.gather(1, ids) - logits.logsumexp(dim=1, keepdim=True)
        tail = torch.log((1 - logprobs.exp().sum(1)).clamp(min=1e-7))
    return {
        "ids": ids.clone(),
        "logprobs": logprobs.clone(),
        "tail": tail.clone(),
        "place": (ids == batch["gold"][:, None]).int().argmax(dim=1),
    }


if __name__ == "__main__":
    main()
