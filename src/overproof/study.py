"""The main path: from a recipe to a report, each line a stage that resumes.

    overproof run demo

Rows are the interface: every stage reads and writes rows in the run folder, and makes only those
that are missing. Two entries: `run` distils and compares, `evaluate` measures models as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from overproof.catalog import ModelSource
from overproof.distillation.arm import Arm, Distilled, Signals, distill
from overproof.distillation.heldout import hold_out
from overproof.engines.generate import Contender, generate, name_contenders
from overproof.engines.protocol import cpu_threads
from overproof.engines.server_usage import usage_line
from overproof.errors import RecipeError, UnknownNameError, UsageError
from overproof.extras import REPORT, TRAINING, require
from overproof.manifest import describe_run
from overproof.measure.latency import time_models
from overproof.measure.ledger import ledger
from overproof.measure.scores import measure
from overproof.models import model_form, resolve_model
from overproof.pairs.gather import gather_pairs, join_own
from overproof.perturbation import Yield, get_operator, seen_operators
from overproof.perturbation.presets import expand
from overproof.perturbation.rewriting import rewriting_of
from overproof.progress import say
from overproof.recipe import DistillConfig, Recipe, arm_configs, dump_recipe
from overproof.records import (
    FAMILIES,
    Lesson,
    Outcome,
    Pair,
    Problem,
    Sample,
    Score,
    Timing,
    Variant,
)
from overproof.report.html import write_report
from overproof.sandbox import Limits, Pool
from overproof.sandbox.execute import execute
from overproof.scale.crew import Crew
from overproof.store import RunFolder, write_atomically
from overproof.suites import load_suites
from overproof.suites.peers import SourceTested
from overproof.teach.embeddings import embed_pairs
from overproof.teach.lessons import Taught, make_up, teach
from overproof.teach.rollouts import write_rollouts


@dataclass(frozen=True, kw_only=True)
class Finished:
    """What a run leaves behind."""

    report: Path
    scores: list[Score]
    models: list[dict[str, Any]]
    """As in the manifest: name, label, size, hash, engine, precision."""
    notes: dict[str, Any]
    """What the report says of the stages before: pairs, teacher, arms, operators."""


def run(recipe: Recipe, out: Path, command: str, crew: Crew | None = None) -> Finished:
    """Distil the student, then measure teacher, undistilled and distilled side by side.

    `crew` says who shares the work; without one this process does it all.
    Raises: OverproofError of any kind; what was finished before is kept, and a rerun goes on.
    """
    require(*TRAINING, *REPORT, extra="train")
    check_names(recipe)
    check_sandbox(recipe.limits)
    crew = crew or Crew()
    folder = crew.open(out, "run", command)
    with folder.locked():
        write_atomically(out / "recipe.yaml", dump_recipe(recipe).encode())
        problems = _load(recipe)
        teacher, student = _teacher_and_student(recipe)
        pairs, contamination = _gather(teacher, problems, recipe, folder)
        taught, arms = _distil(teacher, student, pairs, recipe, folder, arm_configs(recipe), crew)
        notes = {
            "Decontamination": contamination,
            "Teacher": {**taught.counts, **captured(taught.lessons)},
            "Arms": [arm.record for arm in arms.values()],
            "Operators seen in training": ", ".join(trained_on(recipe)) or "none",
        }
        contenders = [
            *([teacher] if teacher.source.kind != "server" else []),
            student,
            *(Contender(name=name, source=arm.source) for name, arm in arms.items()),
        ]
        return _measure_all(
            contenders, problems, recipe, folder, notes, command, crew, trained=True
        )


def distil_one(recipe: Recipe, arm: str, out: Path) -> Distilled:
    """Train one arm of a recipe and measure nothing but its held-out divergence.

    Raises: OverproofError of any kind; a rerun goes on.
    """
    require(*TRAINING, extra="train")
    check_names(recipe)
    check_sandbox(recipe.limits)
    configs = arm_configs(recipe)
    chosen = arm or next(iter(configs))
    if chosen not in configs:
        raise UnknownNameError("arm", chosen, configs)
    folder = RunFolder(out)
    with folder.locked():
        write_atomically(out / "recipe.yaml", dump_recipe(recipe).encode())
        teacher, student = _teacher_and_student(recipe)
        pairs, _ = _gather(teacher, _load(recipe), recipe, folder)
        _, arms = _distil(
            teacher, student, pairs, recipe, folder, {chosen: configs[chosen]}, Crew()
        )
        return arms[chosen]


def trained_on(recipe: Recipe) -> tuple[str, ...]:
    """Return the operators that any arm of a recipe sees in training."""
    configs = arm_configs(recipe).values()
    named = [n for config in configs if config.robust_weight > 0 for n in config.robust_operators]
    return tuple(dict.fromkeys(named))


def _teacher_and_student(recipe: Recipe) -> tuple[Contender, Contender]:
    source = resolve_model(recipe.models.teacher)
    if source.kind == "server":
        source = replace(source, tokenizer=resolve_model(recipe.models.tokenizer))
    student = resolve_model(recipe.models.student)
    return Contender(name="teacher", source=source), Contender(name="undistilled", source=student)


def _gather(
    teacher: Contender, problems: list[Problem], recipe: Recipe, folder: RunFolder
) -> tuple[list[Pair], dict[str, Any]]:
    """Return the pairs of the sources and those that the teacher makes up, all decontaminated."""
    pairs, contamination = gather_pairs(recipe.pairs, problems, recipe.seed, folder)
    own = make_up(teacher, pairs, recipe, folder)
    pairs, made_up = join_own(pairs, own, problems, recipe.pairs, folder)
    return pairs, {**contamination, **made_up}


def _distil(
    teacher: Contender,
    student: Contender,
    pairs: list[Pair],
    recipe: Recipe,
    folder: RunFolder,
    configs: Mapping[str, DistillConfig],
    crew: Crew,
) -> tuple[Taught, dict[str, Distilled]]:
    """Teach once, then train every arm from the same signals."""
    with crew.teaching(folder, teacher, pairs, recipe):
        taught = teach(teacher, pairs, recipe, folder)
    seen = trained_on(recipe) or recipe.distill.robust_operators
    unseen = [n for n in evaluated(recipe) if n not in seen_operators([n], seen) and n != "null"]
    aligned = any(config.alignment_weight > 0 for config in configs.values())
    signals = Signals(
        teacher=teacher.source,
        lessons=taught.lessons,
        pairs=pairs,
        vectors=embed_pairs(teacher, pairs, recipe) if aligned else {},
        measured={"perturbed_seen": seen, "perturbed_unseen": tuple(unseen)},
    )
    arms = {}
    for name, config in configs.items():

        def write(
            source: ModelSource, turn: int, name: str = name, config: DistillConfig = config
        ) -> list[Lesson]:
            writer = Contender(name=name, source=source)
            out = hold_out(pairs, config.held_out, recipe.seed)
            taught = [pair for pair in pairs if pair.key not in out]
            own = replace(recipe, distill=config)
            return write_rollouts(writer, teacher, taught, own, folder, turn)

        changes = next((arm.distill for arm in recipe.arms if arm.name == name), {})
        arm = Arm(name=name, config=config, changes=changes)
        arms[name] = distill(arm, student.source, signals, recipe, folder.path / "models", write)
    return taught, arms


def evaluate(
    models: Sequence[str], recipe: Recipe, out: Path, command: str, crew: Crew | None = None
) -> Finished:
    """Measure models as they are: no training, the same rows, the same report.

    `crew` says who shares the work; without one this process does it all.
    Raises: OverproofError of any kind; a rerun goes on.
    """
    require(*REPORT)
    check_names(recipe, models)
    check_sandbox(recipe.limits)
    crew = crew or Crew()
    folder = crew.open(out, "eval", command, models)
    with folder.locked():
        write_atomically(out / "recipe.yaml", dump_recipe(recipe).encode())
        problems = _load(recipe)
        contenders = name_contenders([resolve_model(name) for name in models])
        return _measure_all(contenders, problems, recipe, folder, {}, command, crew)


def check_names(recipe: Recipe, models: Sequence[str] | None = None) -> None:
    """Find a misspelt model or operator, or a model in the wrong place, before the long work.

    Raises: UnknownNameError, UsageError.
    """
    names = models or (recipe.models.teacher, recipe.models.student)
    served = [name for name in names if model_form(name) == "server"]
    if models is None:
        _check_served(recipe, served)
        names = tuple(name for name in names if name != recipe.models.teacher or name not in served)
        served = []
    if served and len(served) < len(names):
        other = next(name for name in names if name not in served)
        raise UsageError(
            f"a table has one engine, but {served[0]} is on a server and {other} is not",
            hint="serve both (llama-server, vLLM, Ollama), or make a table of each",
        )
    if bool(served) != (recipe.models.engine == "server"):
        where = "on a server" if served else "not on a server"
        raise UsageError(
            f"the engine {recipe.models.engine} cannot run {names[0]}, which is {where}",
            hint="choose another one, in a recipe by models.engine; `eval --engine auto` does it",
        )
    for operator in (*evaluated(recipe), *recipe.distill.robust_operators, *trained_on(recipe)):
        get_operator(operator)
    if models is None:
        check_held_out(recipe)


def _check_served(recipe: Recipe, served: Sequence[str]) -> None:
    """Refuse a student on a server, and a teacher there that cannot be learnt from.

    Raises: UsageError.
    """
    if recipe.models.student in served:
        raise UsageError(
            f"models.student: {recipe.models.student} is on a server, and servers give no weights "
            "to train",
            hint="name a catalogue model, a hub id, a folder or a GGUF file; "
            "`overproof eval` measures models on servers",
        )
    if not served:
        return
    if not recipe.models.tokenizer:
        raise UsageError(
            f"models.teacher: {served[0]} is on a server, and its tokenizer is not known",
            hint="set models.tokenizer to a model with the same one: a hub id, a folder, a name",
        )
    if recipe.teach.signal != "top" or recipe.teach.temperature != 1:
        raise UsageError(
            "models.teacher is on a server, which gives the top K at temperature 1 only",
            hint="set teach.signal=top teach.temperature=1",
        )
    say("the teacher is on a server: it teaches, but a table has one engine, so it is not in it")


def evaluated(recipe: Recipe) -> tuple[str, ...]:
    """Return the operators that the recipe names, presets spelled out, but those of a writer."""
    return tuple(name for name in expand(recipe.perturb.operators) if not rewriting_of(name))


def check_held_out(recipe: Recipe) -> None:
    """Refuse a recipe that trains on an operator that it holds out.

    Raises: RecipeError; UnknownNameError for what is neither a family nor an operator.
    """
    trained = trained_on(recipe)
    for held in recipe.perturb.held_out:
        if held in FAMILIES:
            seen = frozenset(name for name in trained if get_operator(name).family == held)
        else:
            seen = seen_operators(trained, [held])
        if seen:
            raise RecipeError(
                f"distill.robust_operators: {', '.join(sorted(seen))} is held out by "
                f"perturb.held_out: {held}",
                hint="train on another operator, or do not hold this one out",
            )


def check_sandbox(limits: Limits) -> None:
    """Find out whether programs can be run here before hours are spent on writing them.

    Raises: UnconfinedError, OverproofError.
    """
    with Pool(limits, workers=1) as pool:
        pool.start()


def captured(lessons: Sequence[Any]) -> dict[str, Any]:
    """Return how much of the teacher's probability the kept logits hold."""
    tokens = sum(lesson.tokens for lesson in lessons)
    mass = sum(lesson.captured_mass * lesson.tokens for lesson in lessons) / tokens
    return {
        "lessons": len(lessons),
        "target tokens": tokens,
        "targets by the teacher": sum(lesson.author == "teacher" for lesson in lessons),
        "captured mass": round(mass, 4),
    }


def _measure_all(
    contenders: Sequence[Contender],
    problems: list[Problem],
    recipe: Recipe,
    folder: RunFolder,
    notes: dict[str, Any],
    command: str,
    crew: Crew,
    trained: bool = False,
) -> Finished:
    crew.measuring(folder, contenders, recipe)
    variants, yields = _perturb(problems, recipe, folder, crew)
    crew.expect(folder, len(contenders) * len(variants) * recipe.sampling.num_samples)
    table = folder.table("samples", Sample)
    samples = [
        sample
        for contender in contenders
        for sample in generate(
            contender, variants, recipe.models, recipe.sampling, recipe.seed, table
        )
    ]
    outcomes = execute(
        samples, variants, problems, recipe.limits, folder.table("outcomes", Outcome)
    )
    timings = time_models(contenders, problems, recipe, folder.table("timings", Timing))
    manifest = describe_run(contenders, samples, outcomes, command, recipe.models.server)
    for model in manifest["models"]:
        if "cost" in model["usage"]:
            say(usage_line(model["name"], model["usage"]))
    scores = measure(
        problems,
        variants,
        samples,
        outcomes,
        timings,
        ks=recipe.sampling.k,
        models=[contender.name for contender in contenders],
        seen=seen_operators(
            {variant.operator for variant in variants} - {"nominal"},
            trained_on(recipe) if trained else (),
        ),
        sizes={model["name"]: model["size_bytes"] or 0 for model in manifest["models"]},
        seed=recipe.seed,
    )
    folder.write_json("manifest.json", manifest)
    notes = {"Operators": [asdict(item) for item in yields], **notes}
    claims = ledger(scores, manifest, notes)
    folder.write_json("claims.json", to_builtins(claims))
    report = write_report(
        folder.path,
        recipe.name,
        dump_recipe(recipe),
        manifest,
        problems,
        variants,
        samples,
        outcomes,
        scores,
        timings,
        notes,
        claims=claims,
    )
    return Finished(report=report, scores=scores, models=manifest["models"], notes=notes)


def _load(recipe: Recipe) -> list[Problem]:
    """Return the problems. Raises: UsageError for such as have tests in their own language."""
    problems = load_suites(recipe.suites.names, recipe.suites.problems)
    for problem in problems:
        if isinstance(problem, SourceTested):
            raise UsageError(
                f"{problem.task_id} of {problem.suite}: its tests are text in "
                f"{problem.language}, which only `overproof score` runs",
                hint=f"--suite multicode:{problem.language} has HumanEval with tests on values",
            )
    return problems


def _perturb(
    problems: list[Problem], recipe: Recipe, folder: RunFolder, crew: Crew
) -> tuple[list[Variant], list[Yield]]:
    operators = evaluated(recipe)
    if left_out := [name for name in expand(recipe.perturb.operators) if name not in operators]:
        say(f"perturb: left out, a model would have to write them: {', '.join(left_out)}")
    if operators:
        say(f"perturb: {len(problems)} problems, {len(operators)} operators and null")
        operators = ("null", *(name for name in operators if name != "null"))
    seeds, workers = range(recipe.perturb.seeds), cpu_threads(recipe.models.threads)
    result = crew.perturb(folder, problems, operators, seeds, recipe, workers)
    folder.table("variants", Variant).append(result.variants)
    return result.variants, result.yields
