"""Trainings that one process and two must do alike; as a script, what each of the two does.

torchrun --nproc-per-node 2 tests/distillation/shared_cases.py FOLDER CASE...
"""

import dataclasses
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from overproof.distillation import trainer
from overproof.distillation.loop import Trained, train
from overproof.distillation.objective import Setting
from overproof.distillation.trainer import Machine
from overproof.engines.prepare import quiet_transformers
from overproof.recipe import DistillConfig

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from distillation.conftest import V, make_examples, make_tiny
else:
    from .conftest import V, make_examples, make_tiny

CONFIG = DistillConfig(
    method="full",
    steps=4,
    batch_size=4,
    save_every=2,
    learning_rate=3e-3,
    precision="float32",
    sharding="fsdp2",
    repair_weight=0.4,
)
CASES: dict[str, dict[str, Any]] = {
    "full": {"grad_accum_steps": 2},
    "lora": {"method": "lora"},
    "crossed": {"evaluate_every": 2},
    "replicas": {"sharding": "none"},
    "worst": {"robust_choice": "worst", "robust_draws": 2},
    "uld": {"crossing": "uld"},
    "bfloat16": {"precision": "bfloat16"},
    "patient": {"evaluate_every": 2, "patience": 2, "learning_rate": 1e-2, "steps": 40},
    "aligned": {"alignment_weight": 0.5},
}
CROSSED = ("crossed", "uld")
SHARES: dict[str, float] = {}
"""Of all tensors of a case, how much this process has held."""


def crossed_examples(count: int = 8) -> Any:
    """Return examples some of whose tokens are only part of a piece that the teacher has read."""
    made = []
    for example in make_examples(count):
        old = example.signal
        length = len(old.token_ids)
        chunk = np.arange(length) // 2
        pieces = chunk[-1] + 1
        direct = np.arange(length) >= length // 2 * 2  # a piece of two tokens is not direct
        direct |= chunk % 3 == 2
        chunk = np.cumsum(np.diff(chunk, prepend=0) | (direct & (np.arange(length) > 0)))
        pieces = chunk[-1] + 1
        likely = -np.random.default_rng(length).uniform(0.1, 4, pieces).astype(np.float32)
        signal_of = dataclasses.replace(old, direct=direct, chunk=chunk, chunk_logprobs=likely)
        made.append(dataclasses.replace(example, signal=signal_of))
    return made


def make_model(case: str) -> Any:
    """Return a tiny student, the same for the same case; with one head for both where tied."""
    model = make_tiny(vocab_size=V + 3, tie_word_embeddings=case not in CROSSED)
    if CASES[case].get("method") != "lora":
        return model
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
    with quiet_transformers():
        adapted = get_peft_model(model, config)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:  # else half of the gradients begin at 0
            torch.nn.init.normal_(parameter, std=0.1)
    return adapted


def fit(case: str, folder: Path, seed: int = 3) -> tuple[dict[str, Any], Trained]:
    """Train a case and return the trained weights by name, and what training was like."""
    config = dataclasses.replace(CONFIG, **CASES[case])
    model = make_model(case)
    examples = crossed_examples() if case in CROSSED else make_examples(8)
    if case == "aligned":
        examples = make_examples(8, vectors=True)
        for place in (2, 3):  # so that a process may have no pair at all
            examples[place] = dataclasses.replace(examples[place], vector=None)
    held = {"clean": make_examples(10)[7:]} if config.evaluate_every else None  # one is trained on
    machine = Machine(
        folder=folder, pad=0, bf16=config.precision == "bfloat16", threads=1, seed=seed
    )
    trained = train(model, examples, Setting(config=config, rows=V), machine, held)
    held_here = [getattr(p, "to_local", lambda p=p: p)().numel() for p in model.parameters()]
    SHARES[case] = sum(held_here) / sum(p.numel() for p in model.parameters())
    weights = trained.weights
    if weights is None:
        weights = {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}
    return weights, trained


def die_while_saving(step: int, rank: int) -> None:
    """Have one process killed when it is to write its share of a checkpoint."""
    whole = trainer.save_state

    def dying(folder: Path, *arguments: Any) -> None:
        if folder.name == f"checkpoint-{step}" and int(os.environ["RANK"]) == rank:
            os.kill(os.getpid(), signal.SIGKILL)
        whole(folder, *arguments)

    trainer.save_state = dying


def main(folder: Path, cases: list[str]) -> None:
    """Train each case in a folder of its name; of NAME:killed one process dies on the way."""
    for named in cases:
        case, _, how = named.partition(":")
        if how == "killed":
            die_while_saving(4, 1)
        weights, trained = fit(case, folder / named.replace(":", "-"))
        if os.environ["RANK"] == "0":
            torch.save(weights, folder / f"{named}.pt")
            told = dataclasses.asdict(dataclasses.replace(trained, weights=None))
            told["share"] = SHARES[case]
            (folder / f"{named}.json").write_text(json.dumps(told))
        elif CASES[case].get("sharding") != "none":
            assert weights == {}, "only the leading process gets them"
    torch.distributed.barrier()  # so that none ends while another still listens to it
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
