"""The main path: from a recipe to a report, each line a stage that resumes.

    overproof run demo

Rows are the interface: every stage reads and writes rows in the run folder, and makes only those
that are missing. Two entries: `run` distils and compares, `evaluate` measures models as they are.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from overproof.distill.arm import distill
from overproof.engines.generate import Contender, generate, name_contenders
from overproof.engines.protocol import cpu_threads
from overproof.errors import RecipeError, UsageError
from overproof.manifest import describe_run
from overproof.measure.latency import time_models
from overproof.measure.scores import measure
from overproof.models import model_form, resolve_model
from overproof.pairs.gather import gather_pairs
from overproof.perturb import Yield, get_operator, seen_operators
from overproof.perturb.presets import expand
from overproof.perturb.rewriting import rewriting_of
from overproof.progress import say
from overproof.recipe import Recipe, dump_recipe
from overproof.records import FAMILIES, Outcome, Problem, Sample, Score, Timing, Variant
from overproof.report.html import write_report
from overproof.sandbox import Limits, Pool
from overproof.sandbox.execute import execute
from overproof.store import RunFolder, write_atomically
from overproof.suites import load_suites
from overproof.suites.multicode.perturbing import perturb_all
from overproof.suites.peers import SourceTested
from overproof.teach.lessons import teach


@dataclass(frozen=True, kw_only=True)
class Finished:
    """What a run leaves behind."""

    report: Path
    scores: list[Score]
    models: list[dict[str, Any]]
    """As in the manifest: name, label, size, hash, engine, precision."""


def run(recipe: Recipe, out: Path, command: str) -> Finished:
    """Distil the student, then measure teacher, undistilled and distilled side by side.

    Raises: OverproofError of any kind; what was finished before is kept, and a rerun goes on.
    """
    check_names(recipe)
    check_sandbox(recipe.limits)
    folder = RunFolder(out)
    with folder.locked():
        write_atomically(out / "recipe.yaml", dump_recipe(recipe).encode())
        problems = _load(recipe)
        pairs, contamination = gather_pairs(recipe.pairs, problems, recipe.seed, folder)
        teacher = Contender(name="teacher", source=resolve_model(recipe.models.teacher))
        student = Contender(name="undistilled", source=resolve_model(recipe.models.student))
        taught = teach(teacher, pairs, recipe, folder)
        source, curve = distill(
            "distilled",
            student.source,
            teacher.source,
            taught.lessons,
            pairs,
            recipe,
            out / "models",
        )
        distilled = Contender(name="distilled", source=source)
        notes = {
            "Decontamination": contamination,
            "Teacher": {**taught.counts, **captured(taught.lessons)},
            "Training": curve,
            "Operators seen in training": ", ".join(recipe.distill.robust_operators) or "none",
        }
        return _measure_all(
            (teacher, student, distilled), problems, recipe, folder, notes, command, trained=True
        )


def evaluate(models: Sequence[str], recipe: Recipe, out: Path, command: str) -> Finished:
    """Measure models as they are: no training, the same rows, the same report.

    Raises: OverproofError of any kind; a rerun goes on.
    """
    check_names(recipe, models)
    check_sandbox(recipe.limits)
    folder = RunFolder(out)
    with folder.locked():
        write_atomically(out / "recipe.yaml", dump_recipe(recipe).encode())
        problems = _load(recipe)
        contenders = name_contenders([resolve_model(name) for name in models])
        return _measure_all(contenders, problems, recipe, folder, {}, command)


def check_names(recipe: Recipe, models: Sequence[str] | None = None) -> None:
    """Find a misspelt model or operator, or a model in the wrong place, before the long work.

    Raises: UnknownNameError, UsageError.
    """
    names = models or (recipe.models.teacher, recipe.models.student)
    served = [name for name in names if model_form(name) == "server"]
    if served and models is None:
        role = "teacher" if recipe.models.teacher in served else "student"
        raise UsageError(
            f"models.{role}: {served[0]} is on a server, and servers give neither weights to train "
            "nor logits to learn from",
            hint="name a catalogue model, a hub id, a folder or a GGUF file; "
            "`overproof eval` measures models on servers",
        )
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
    for operator in (*evaluated(recipe), *recipe.distill.robust_operators):
        get_operator(operator)
    if models is None:
        check_held_out(recipe)


def evaluated(recipe: Recipe) -> tuple[str, ...]:
    """Return the operators that the recipe names, presets spelled out, but those of a writer."""
    return tuple(name for name in expand(recipe.perturb.operators) if not rewriting_of(name))


def check_held_out(recipe: Recipe) -> None:
    """Refuse a recipe that trains on an operator that it holds out.

    Raises: RecipeError; UnknownNameError for what is neither a family nor an operator.
    """
    trained = recipe.distill.robust_operators
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
    trained: bool = False,
) -> Finished:
    variants, yields = _perturb(problems, recipe, folder)
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
            recipe.distill.robust_operators if trained else (),
        ),
        seed=recipe.seed,
    )
    manifest = describe_run(contenders, samples, outcomes, command)
    folder.write_json("manifest.json", manifest)
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
        {"Operators": [asdict(item) for item in yields], **notes},
    )
    return Finished(report=report, scores=scores, models=manifest["models"])


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
    problems: list[Problem], recipe: Recipe, folder: RunFolder
) -> tuple[list[Variant], list[Yield]]:
    operators = evaluated(recipe)
    if left_out := [name for name in expand(recipe.perturb.operators) if name not in operators]:
        say(f"perturb: left out, a model would have to write them: {', '.join(left_out)}")
    if operators:
        say(f"perturb: {len(problems)} problems, {len(operators)} operators and null")
        operators = ("null", *(name for name in operators if name != "null"))
    result = perturb_all(
        problems,
        operators,
        range(recipe.perturb.seeds),
        limits=recipe.limits,
        workers=cpu_threads(recipe.models.threads),
    )
    folder.table("variants", Variant).append(result.variants)
    return result.variants, result.yields
