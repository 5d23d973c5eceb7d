"""Train one arm: load the student, attach adapters, run the loop, write a checkpoint.

    arm = Arm(name="distilled", config=recipe.distill)
    distilled = distill(arm, student, signals, recipe, folder)

With on-policy rounds an arm has several stages: what one stage wrote is the student of the next,
and writes the texts that the teacher reads in it.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from overproof.catalog import ModelSource
from overproof.distillation.batches import view_weight
from overproof.distillation.examples import Example, Tokenizers, build_examples
from overproof.distillation.heldout import Measured, as_perturbed, hold_out, summarise
from overproof.distillation.loop import Machine, Trained, train
from overproof.distillation.objective import Setting
from overproof.distillation.precision import bfloat16_is_faster
from overproof.distillation.tokenizers import compare_tokenizers, true_vocabulary
from overproof.engines.generate import form_for
from overproof.engines.prepare import load_tokenizer, load_weights, quiet_transformers
from overproof.engines.protocol import cpu_threads
from overproof.errors import DataError
from overproof.models import resolve_model
from overproof.progress import say, silent_stderr
from overproof.recipe import DistillConfig, Recipe
from overproof.records import Lesson, Pair, content_key
from overproof.ship import write_model_card
from overproof.store import storage_errors, write_atomically

TRAINING = 2
"""Raised when the objective or the batches change, so that arms are trained again."""

Rollouts = Callable[[ModelSource, int], list[Lesson]]
"""From the student as it is and the number of the round to what it wrote, read by the teacher."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to train the student."""

    name: str
    config: DistillConfig
    changes: Mapping[str, Any] = field(default_factory=dict)
    """What differs from the recipe's `distill`, for the report."""


@dataclass(frozen=True, kw_only=True)
class Signals:
    """All that the arms of a run learn from, computed once."""

    teacher: ModelSource
    lessons: Sequence[Lesson]
    pairs: Sequence[Pair]
    vectors: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """The teacher's embeddings of text and code by pair, where an arm aligns them."""
    measured: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Operators that held-out prompts are perturbed with, by the name of the condition."""


@dataclass(frozen=True, kw_only=True)
class Distilled:
    """A trained arm."""

    source: ModelSource
    record: dict[str, Any]
    """arm, changes, heldout (before, after and interval per condition), curve, tokens, steps."""


def distill(
    arm: Arm,
    student: ModelSource,
    signals: Signals,
    recipe: Recipe,
    models: Path,
    rollouts: Rollouts | None = None,
) -> Distilled:
    """Return the trained model and what training was like; a finished one is not trained again.

    The folder under `models` carries a hash of all that determines the weights.
    Raises: DataError if no lesson has a weight in this arm.
    """
    target = models / f"{arm.name}-{_key(arm, student, signals, recipe)}"
    if target.is_dir():
        say(f"distil: {target.name} is trained already")
    else:
        _train_stages(target, arm, student, signals, recipe, rollouts)
    record = json.loads((target / "training.json").read_text())
    return Distilled(source=resolve_model(str(target)), record=record)


def _key(arm: Arm, student: ModelSource, signals: Signals, recipe: Recipe) -> str:
    return content_key(
        student.sha256,
        [(lesson.key, lesson.verified) for lesson in signals.lessons],
        msgspec.to_builtins(replace(arm.config, report_to=())),
        {name: list(names) for name, names in signals.measured.items()},
        recipe.models.form,
        recipe.teach.temperature,
        recipe.seed,
        TRAINING,
    )[:12]


def _train_stages(
    target: Path,
    arm: Arm,
    student: ModelSource,
    signals: Signals,
    recipe: Recipe,
    rollouts: Rollouts | None,
) -> None:
    """Train on the cached signals, then on what the student writes, round by round."""
    rounds = arm.config.on_policy_rounds if rollouts else 0
    steps = max(1, arm.config.steps // (rounds + 1))
    work = target.with_name(f"{target.name}.training")
    source, own = student, list[Lesson]()
    records: list[dict[str, Any]] = []
    for turn in range(rounds + 1):
        place = target if turn == rounds else work / f"stage-{turn}"
        if not place.is_dir():
            stage_arm = replace(arm, config=replace(arm.config, steps=steps))
            if turn and rollouts:
                own += rollouts(source, turn)
            _train(place, work / f"steps-{turn}", stage_arm, source, signals, own, recipe)
        records.append(json.loads((place / "training.json").read_text()))
        source = resolve_model(str(place))
    if rounds:
        joined = json.dumps(_joined(records, recipe.seed))
        write_atomically(target / "training.json", joined.encode())
    shutil.rmtree(work, ignore_errors=True)


def _joined(records: Sequence[dict[str, Any]], seed: int) -> dict[str, Any]:
    """Return the record of several stages as that of one training; steps count on."""
    curve: list[dict[str, float]] = []
    measured: dict[int, Measured] = {}
    done = 0
    for record in records:
        curve += [{**row, "step": done + row["step"]} for row in record["curve"]]
        stage = {int(step): found for step, found in record["measured"].items()}
        measured |= {done + step: found for step, found in stage.items() if step or not done}
        done += record["steps"]
    return {
        **records[-1],
        "heldout": summarise(measured, max(measured), seed) if measured else {},
        "measured": {str(step): found for step, found in measured.items()},
        "curve": curve,
        "tokens": sum(record["tokens"] for record in records),
        "steps": done,
    }


def _train(
    target: Path,
    work: Path,
    arm: Arm,
    student: ModelSource,
    signals: Signals,
    own: Sequence[Lesson],
    recipe: Recipe,
) -> None:
    """Train one stage and write its checkpoint."""
    config = arm.config
    tokenizer = load_tokenizer(student)
    setting = Setting(
        config=config, rows=true_vocabulary(tokenizer), temperature=recipe.teach.temperature
    )
    examples, conditions = _prepare(arm, student, signals, own, recipe)
    bf16 = config.precision == "bfloat16" or (config.precision == "auto" and bfloat16_is_faster())
    tokens = sum(len(example.signal.token_ids) for example in examples)
    say(
        f"distil: {arm.name}: {len(examples)} lessons, {tokens} target tokens, {config.method}, "
        f"{'bfloat16' if bf16 else 'float32'}"
    )
    model = _trainable(student, config, recipe.seed)
    machine = Machine(
        folder=work,
        pad=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0,
        bf16=bf16,
        threads=cpu_threads(recipe.models.threads),
        seed=recipe.seed,
    )
    trained = train(model, examples, setting, machine, conditions)
    if hasattr(model, "merge_and_unload"):
        model = model.merge_and_unload()
    _write(target, model, tokenizer, arm, student, signals, trained, recipe)


def _prepare(
    arm: Arm,
    student: ModelSource,
    signals: Signals,
    own: Sequence[Lesson],
    recipe: Recipe,
) -> tuple[list[Example], dict[str, list[Example]]]:
    """Return the examples that are trained on, and the held-out ones by condition."""
    config = arm.config
    ours = load_tokenizer(student)
    theirs = load_tokenizer(signals.teacher)
    alike = compare_tokenizers(theirs, ours).same
    tokenizers = Tokenizers(ours if alike else theirs, ours)
    form = form_for(student, recipe.models.form)
    out = hold_out(signals.pairs, config.held_out, recipe.seed)
    taught = [lesson for lesson in (*signals.lessons, *own) if lesson.pair not in out]
    examples = [
        example
        for example in build_examples(
            taught, signals.pairs, tokenizers, form, config, recipe.seed, vectors=signals.vectors
        )
        if _counts(example, config)
    ]
    if not examples:
        raise DataError(
            f"arm {arm.name}: no lesson has a weight above 0",
            hint="raise a weight in distill, or teach more views in teach.views",
        )
    kept = [lesson for lesson in signals.lessons if lesson.pair in out]
    plain = replace(config, syntax_gamma=0.0)
    programs = [lesson for lesson in kept if lesson.view == "text_to_code"]

    def conditioned(lessons: Sequence[Lesson], operators: Sequence[str] = ()) -> list[Example]:
        return build_examples(
            lessons,
            signals.pairs,
            tokenizers,
            form,
            plain,
            recipe.seed,
            operators=operators,
            draws=1 if operators else 0,
        )

    conditions = {"clean": conditioned(programs)}
    described = conditioned([lesson for lesson in kept if lesson.view == "code_to_text"])
    conditions["code_to_text"] = described
    for name, operators in signals.measured.items():
        conditions[name] = as_perturbed(conditioned(programs, operators))
    return examples, {name: rows for name, rows in conditions.items() if rows}


def _counts(example: Example, config: DistillConfig) -> bool:
    """Whether any term of the objective looks at this example."""
    if example.on_policy:
        return config.on_policy_weight > 0
    program = example.view == "text_to_code"
    return bool(
        view_weight(example, config) > 0
        or (config.ce_weight > 0 and (config.ce_targets == "all" or (program and example.verified)))
        or (config.robust_weight > 0 and example.twins)
    )


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


def _record(arm: Arm, trained: Trained, seed: int) -> dict[str, Any]:
    """Return what the report says about a training."""
    measured: dict[int, Measured] = trained.heldout
    speed = [row["target_tokens_per_s"] for row in trained.curve if "target_tokens_per_s" in row]
    return {
        "arm": arm.name,
        "changes": dict(arm.changes),
        "seen": list(arm.config.robust_operators) if arm.config.robust_weight > 0 else [],
        "heldout": summarise(measured, trained.kept_step, seed),
        "measured": {str(step): found for step, found in measured.items()},
        "curve": trained.curve,
        "tokens": trained.tokens,
        "steps": len(trained.curve),
        "target_tokens_per_s": round(sorted(speed)[len(speed) // 2], 1) if speed else 0.0,
    }


def _write(
    target: Path,
    model: Any,
    tokenizer: Any,
    arm: Arm,
    student: ModelSource,
    signals: Signals,
    trained: Trained,
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
            record = _record(arm, trained, recipe.seed)
            (temporary / "training.json").write_text(json.dumps(record))
            write_model_card(temporary, arm.name, student, signals.teacher, recipe, arm.config)
            temporary.replace(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
