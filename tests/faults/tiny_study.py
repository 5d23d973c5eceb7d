"""A study with every stage that takes seconds: two-layer models that were really trained.

The models read bytes. They have learnt these very prompts, the teacher for longer than the
student, so that some answers are right, some wrong and some no program at all. Nothing about
quality follows from them; they make the rows of a run cheap, and different.

    write_inputs(folder)
    run_study(folder, folder / "run")
"""

import json
import os
from pathlib import Path
from typing import Any

BODIES = {
    "sum": ("a + b", 5, 2),
    "difference": ("a - b", -1, 0),
    "product": ("a * b", 6, 1),
    "larger": ("max(a, b)", 3, 1),
    "smaller": ("min(a, b)", 2, 1),
    "mean": ("(a + b) / 2", 2.5, 1.0),
}
"""What is computed, and what comes out for (2, 3) and (1, 1)."""
WAYS = {
    "here": "    a, b = x, y\n",
    "there": "    both = [x, y]\n    a, b = both\n",
    "everywhere": "    if x is y:\n        a = b = x\n    else:\n        a, b = x, y\n",
}
"""How a pair's function begins, by the end of its name: pairs must differ in more than names."""
STEPS = {"teacher": 160, "student": 50}


def prompt_of(kind: str) -> str:
    return f'def {kind}_of(a, b):\n    """Give back the {kind} of both numbers."""\n'


def body_of(kind: str) -> str:
    return f"    found = {BODIES[kind][0]}\n    return found\n"


def write_inputs(folder: Path) -> None:
    """Write problems, pairs and both models."""
    problems, pairs = [], []
    for number, (kind, (_, first, second)) in enumerate(BODIES.items()):
        calls = (
            f"    assert candidate(2, 3) == {first!r}\n    assert candidate(1, 1) == {second!r}\n"
        )
        problems.append(
            {
                "task_id": f"tiny/{number}",
                "prompt": prompt_of(kind),
                "entry_point": f"{kind}_of",
                "canonical_solution": body_of(kind),
                "test": f"def check(candidate):\n{calls}",
            }
        )
        for name, start in WAYS.items():
            examples = "".join(
                f"\n>>> {kind}_{name}({call})\n{want!r}"
                for call, want in (("2, 3", first), ("1, 1", second))
            )
            text = f"Work out what the {kind} is {name}, whatever is given.\n{examples}"
            code = f"def {kind}_{name}(x, y):\n{start}{body_of(kind)}"
            pairs.append({"text": text, "code": code, "licence": "MIT"})
    (folder / "problems.jsonl").write_text(_lines(problems))
    (folder / "pairs.jsonl").write_text(_lines(pairs))
    for name, steps in STEPS.items():
        _train(folder / name, steps)


def overrides(folder: Path) -> list[str]:
    """Return what this study has for the values of the recipe `demo`."""
    return [
        "name=tiny",
        f"models.teacher={folder / 'teacher'}",
        f"models.student={folder / 'student'}",
        "models.engine=transformers",
        "models.precision=float32",
        "models.form=raw",
        "models.threads=1",
        f"suites.names=[{folder / 'problems.jsonl'}]",
        "suites.problems=null",
        f"pairs.sources=[{folder / 'pairs.jsonl'}]",
        "pairs.limit=18",
        "pairs.near_duplicate=0",
        "teach.max_new_tokens=32",
        "distill.method=full",
        "distill.precision=float32",
        "distill.steps=8",
        "distill.batch_size=2",
        "distill.save_every=1",
        "distill.on_policy_rounds=1",
        "perturb.operators=[keyboard_typos, camel_case, blank_lines]",
        "sampling.max_new_tokens=32",
        "sampling.batch_size=6",
        "latency.prompts=3",
        "latency.max_new_tokens=4",
    ]


def run_study(folder: Path, out: Path) -> None:
    """Run it, or go on with it, in this process."""
    from overproof import study
    from overproof.recipe import load_recipe

    os.environ["OVERPROOF_HOME"] = str(out.parent / "cache")
    study.run(load_recipe("demo", overrides(folder)), out, "overproof run tiny")


def import_everything() -> None:
    """Import what a run needs, so that a fork of this process begins at once."""
    import altair
    import jinja2
    import safetensors.torch
    import torch
    import transformers
    import vl_convert

    import overproof.distillation.loop
    import overproof.engines.transformers
    import overproof.report.html
    import overproof.study

    torch.set_num_threads(1)
    assert altair and jinja2 and safetensors.torch and vl_convert and overproof.study
    assert transformers.Trainer and transformers.AutoModelForCausalLM
    assert transformers.AutoTokenizer and transformers.LlamaForCausalLM


def _lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate(["<end>", *letters])}
    plain = Tokenizer(models.BPE(vocabulary, merges=[]))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="<end>", pad_token="<end>")


def _train(folder: Path, steps: int) -> None:
    """Teach a fresh model to write these bodies below these prompts."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.set_num_threads(1)
    torch.manual_seed(0)
    tokenizer = _tokenizer()
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=1024,
            bos_token_id=0,
            eos_token_id=0,
            pad_token_id=0,
        )
    )
    texts = [(prompt_of(kind), body_of(kind)) for kind in BODIES]
    rows, labels = [], []
    for prompt, body in texts:
        start = tokenizer(prompt)["input_ids"]
        end = [*tokenizer(body)["input_ids"], 0]
        rows.append(start + end)
        labels.append([-100] * len(start) + end)
    width = max(map(len, rows))
    ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
    wanted = torch.tensor([row + [-100] * (width - len(row)) for row in labels])
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(steps):
        loss = model(input_ids=ids, labels=wanted).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
