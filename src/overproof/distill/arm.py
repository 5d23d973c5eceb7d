"""Train one arm: load the student, attach adapters, run the loop, write a checkpoint.

source = distill("distilled", student, teacher, lessons, pairs, recipe, folder)
"""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from overproof.catalog import ModelSource
from overproof.distill.examples import build_examples
from overproof.distill.loop import train
from overproof.distill.precision import bfloat16_is_faster
from overproof.distill.tokenizers import check_same_tokenizer
from overproof.engines.generate import form_for
from overproof.engines.prepare import load_tokenizer, load_weights, quiet_transformers
from overproof.engines.protocol import cpu_threads
from overproof.models import resolve_model
from overproof.progress import say, silent_stderr
from overproof.recipe import Recipe
from overproof.records import Lesson, Pair, content_key
from overproof.ship import write_model_card
from overproof.store import storage_errors

TRAINING = 1
"""Raised when the objective or the batches change, so that arms are trained again."""


def distill(
    arm: str,
    student: ModelSource,
    teacher: ModelSource,
    lessons: Sequence[Lesson],
    pairs: Sequence[Pair],
    recipe: Recipe,
    models: Path,
) -> tuple[ModelSource, list[dict[str, float]]]:
    """Return the trained model and its curve; a finished one is not trained again.

    The folder under `models` carries a hash of all that determines the weights.
    Raises: EngineError if teacher and student encode text differently.
    """
    key = content_key(
        student.sha256,
        [lesson.key for lesson in lessons],
        msgspec.to_builtins(recipe.distill),
        recipe.models.form,
        recipe.seed,
        TRAINING,
    )[:12]
    target = models / f"{arm}-{key}"
    if not target.is_dir():
        _train(target, arm, student, teacher, lessons, pairs, recipe)
    else:
        say(f"distil: {target.name} is trained already")
    curve = json.loads((target / "training.json").read_text())
    return resolve_model(str(target)), curve


def _train(
    target: Path,
    arm: str,
    student: ModelSource,
    teacher: ModelSource,
    lessons: Sequence[Lesson],
    pairs: Sequence[Pair],
    recipe: Recipe,
) -> None:
    config = recipe.distill
    tokenizer = load_tokenizer(student)
    check_same_tokenizer(load_tokenizer(teacher), tokenizer)
    form = form_for(student, recipe.models.form)
    examples = build_examples(lessons, pairs, tokenizer, form, config, recipe.seed)
    bf16 = config.precision == "bfloat16" or (config.precision == "auto" and bfloat16_is_faster())
    tokens = sum(lesson.tokens for lesson in lessons)
    say(
        f"distil: {len(examples)} lessons, {tokens} target tokens, {config.method}, "
        f"{'bfloat16' if bf16 else 'float32'}"
    )
    model = _trainable(student, recipe)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
    work = target.with_name(f"{target.name}.training")
    curve = train(
        model,
        examples,
        config,
        work,
        seed=recipe.seed,
        pad=pad,
        bf16=bf16,
        threads=cpu_threads(recipe.models.threads),
    )
    if hasattr(model, "merge_and_unload"):
        model = model.merge_and_unload()
    _write(target, model, tokenizer, arm, student, teacher, curve, recipe)
    shutil.rmtree(work, ignore_errors=True)


def _trainable(student: ModelSource, recipe: Recipe) -> Any:
    """Return the student in float32, with adapters where the recipe wants them."""
    import torch

    torch.manual_seed(recipe.seed)
    model = load_weights(student, "float32")
    if recipe.distill.method == "full":
        return model.train()
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=recipe.distill.lora_rank,
        lora_alpha=2 * recipe.distill.lora_rank,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    with quiet_transformers():
        return get_peft_model(model, config).train()


def _write(
    target: Path,
    model: Any,
    tokenizer: Any,
    arm: str,
    student: ModelSource,
    teacher: ModelSource,
    curve: list[dict[str, float]],
    recipe: Recipe,
) -> None:
    """Write the checkpoint; the folder takes its place only when it is whole."""
    import torch

    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    with storage_errors(target):
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            model.config.name_or_path = ""  # a folder of this machine
            with silent_stderr():
                model.to(torch.bfloat16).save_pretrained(temporary)
                tokenizer.save_pretrained(temporary)
            (temporary / "training.json").write_text(json.dumps(curve, indent=1))
            write_model_card(temporary, arm, student, teacher, recipe)
            temporary.replace(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
