"""Train one arm: load the student, attach adapters, run the loop, write a checkpoint.

    arm = Arm(name="distilled", config=recipe.distill)
    distilled = distill(arm, student, signals, recipe, folder)

With on-policy rounds an arm has several stages: what one stage wrote is the student of the next,
and writes the texts that the teacher reads in it.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from overproof.catalog import ModelSource
from overproof.distillation.batches import view_weight
from overproof.distillation.examples import Example, Tokenizers, build_examples
from overproof.distillation.heldout import Measured, as_perturbed, hold_out, summarise
from overproof.distillation.job import Job, carry_out, examples_path
from overproof.distillation.launch import hand_out, launched
from overproof.distillation.loop import Trained
from overproof.distillation.precision import bfloat16_is_faster
from overproof.distillation.shelf import Shelf, put_on_shelf
from overproof.distillation.tokenizers import compare_tokenizers, true_vocabulary
from overproof.engines.generate import form_for
from overproof.engines.prepare import load_tokenizer
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
    config = msgspec.to_builtins(replace(arm.config, report_to=()))
    del config["sharding"]  # whoever holds the weights, they are the same
    return content_key(
        student.sha256,
        [(lesson.key, lesson.verified) for lesson in signals.lessons],
        config,
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
    work = work.resolve()
    examples, conditions = _prepare(arm, student, signals, own, recipe, work)
    bf16 = config.precision == "bfloat16" or (config.precision == "auto" and bfloat16_is_faster())
    shared = f", {launched()} processes, {config.sharding}" if launched() > 1 else ""
    say(
        f"distil: {arm.name}: {len(examples)} lessons, {int(examples.sizes[:, 1].sum())} target "
        f"tokens, {config.method}, {'bfloat16' if bf16 else 'float32'}{shared}"
    )
    job = Job(
        student=student,
        config=config,
        work=work,
        conditions=conditions,
        rows=true_vocabulary(tokenizer),
        temperature=recipe.teach.temperature,
        pad=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0,
        bf16=bf16,
        threads=cpu_threads(recipe.models.threads),
        seed=recipe.seed,
    )
    hand_out(job)
    model, trained = carry_out(job)
    if hasattr(model, "merge_and_unload"):
        model = model.merge_and_unload()
    _write(target, model, tokenizer, arm, student, signals, trained, recipe)


def _prepare(
    arm: Arm,
    student: ModelSource,
    signals: Signals,
    own: Sequence[Lesson],
    recipe: Recipe,
    work: Path,
) -> tuple[Shelf, tuple[str, ...]]:
    """Put the examples on shelves; return those that are trained on and the held-out conditions.

    Raises: DataError if no lesson has a weight in this arm.
    """
    config = arm.config
    build = partial(
        build_examples,
        pairs=signals.pairs,
        tokenizers=_tokenizers(signals.teacher, student),
        form=form_for(student, recipe.models.form),
        seed=recipe.seed,
    )
    out = hold_out(signals.pairs, config.held_out, recipe.seed)
    taught = [lesson for lesson in (*signals.lessons, *own) if lesson.pair not in out]
    made = build(taught, config=config, vectors=signals.vectors)
    examples = put_on_shelf(
        examples_path(work),
        (example for example in made if _counts(example, config)),
        content_key(TRAINING, [lesson.key for lesson in taught]),
    )
    if not len(examples):
        raise DataError(
            f"arm {arm.name}: no lesson has a weight above 0",
            hint="raise a weight in distill, or teach more views in teach.views",
        )
    kept = [lesson for lesson in signals.lessons if lesson.pair in out]
    plainly = partial(build, config=replace(config, syntax_gamma=0.0))
    key = content_key(TRAINING, [lesson.key for lesson in kept])
    shelves = {
        name: put_on_shelf(examples_path(work, name), rows, key)
        for name, rows in _conditions(kept, signals.measured, plainly).items()
    }
    return examples, tuple(name for name, shelf in shelves.items() if len(shelf))


def _tokenizers(teacher: ModelSource, student: ModelSource) -> Tokenizers:
    ours, theirs = load_tokenizer(student), load_tokenizer(teacher)
    return Tokenizers(ours if compare_tokenizers(theirs, ours).same else theirs, ours)


def _conditions(
    kept: Sequence[Lesson],
    measured: Mapping[str, Sequence[str]],
    build: Callable[..., Iterator[Example]],
) -> dict[str, Iterator[Example]]:
    """Return the held-out examples by condition: as they are, described, perturbed."""
    programs = [lesson for lesson in kept if lesson.view == "text_to_code"]
    described = [lesson for lesson in kept if lesson.view == "code_to_text"]
    conditions = {
        "clean": build(programs, operators=(), draws=0),
        "code_to_text": build(described, operators=(), draws=0),
    }
    for name, operators in measured.items():
        draws = 1 if operators else 0
        conditions[name] = as_perturbed(build(programs, operators=operators, draws=draws))
    return conditions


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
