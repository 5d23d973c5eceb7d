"""The path of `overproof bench`: prompts, trials, verdicts, figures; every stage resumes.

    runs/bench-a-b/
        recipe.yaml  settings.json     what was asked, threads and cores included
        variants.jsonl                 published and certified perturbed prompts
        trials.jsonl                   every answer with every stamp
        outcomes.jsonl                 the verdict on every distinct program
        samples.jsonl  timings.jsonl   the same answers as rows that other stages read
        bench.json                     figures, scores, machine, what to be wary of

A kill at any moment costs the trial it fell into. Timings of one folder are those of one machine
in one state: change the machine, change the folder.
"""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from overproof.bench.config import BenchConfig
from overproof.bench.figures import Figure, all_figures
from overproof.bench.flags import warnings_for
from overproof.bench.machine import free_threads, pinned
from overproof.bench.rows import Reply, Trial, as_timing
from overproof.bench.trials import Stage
from overproof.bench.turns import mixed_by_task
from overproof.bench.verdicts import as_sample, counted, judge
from overproof.engines.generate import name_contenders
from overproof.engines.protocol import cpu_threads
from overproof.extras import require
from overproof.manifest import describe_run
from overproof.measure.scores import measure
from overproof.models import resolve_model
from overproof.perturbation.presets import expand
from overproof.perturbation.rewriting import rewriting_of
from overproof.progress import say
from overproof.recipe import Recipe, dump_recipe
from overproof.records import Outcome, Problem, Sample, Score, Timing, Variant
from overproof.store import RunFolder, write_atomically
from overproof.suites import load_suites
from overproof.suites.multicode.perturbing import perturb_all


@dataclass(frozen=True, kw_only=True)
class Benched:
    """What a bench leaves behind."""

    models: tuple[str, ...]
    figures: list[Figure]
    scores: list[Score]
    """Of the paired, cold answers: pass@1, robustness and latency, as a study has them."""
    warnings: list[str]
    settings: dict[str, Any]
    machine: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain data."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain


def bench(
    models: Sequence[str], recipe: Recipe, config: BenchConfig, out: Path, command: str
) -> Benched:
    """Time models fairly, execute what they answered, and count what a right answer costs.

    The same folder goes on where it was interrupted.
    Raises: OverproofError of any kind; finished trials are kept.
    """
    require("scipy")
    folder = RunFolder(out)
    with folder.locked(), ExitStack() as stack:
        contenders = name_contenders([resolve_model(name) for name in models])
        problems = load_suites(recipe.suites.names, recipe.suites.problems)
        variants = _prompts(problems, recipe, folder)
        recipe, cores = _hold_cores(recipe, folder, stack)
        write_atomically(out / "recipe.yaml", dump_recipe(recipe).encode())
        settings = _settings(recipe, config, cores)
        table = folder.table("trials", Trial)
        trials = Stage(contenders, variants, recipe, config, table).run()
        folder.write_json("settings.json", settings)
        stack.close()  # programs may use all cores again
        verdicts, outcomes = judge(
            trials, variants, problems, recipe, folder.table("outcomes", Outcome)
        )
        names = tuple(contender.name for contender in contenders)
        scores, samples = _rows(trials, outcomes, variants, problems, names, recipe, folder)
        finished = Benched(
            models=names,
            figures=all_figures(trials, verdicts, names, config.slo, recipe.seed),
            scores=scores,
            warnings=warnings_for(trials, contenders, recipe),
            settings=settings,
            machine=describe_run(contenders, samples, list(outcomes.values()), command),
        )
        folder.write_json("bench.json", finished.as_json())
    return finished


def _prompts(problems: list[Problem], recipe: Recipe, folder: RunFolder) -> list[Variant]:
    """Return published and perturbed prompts, those of a task side by side in mixed order."""
    named = expand(recipe.perturb.operators)
    operators = tuple(name for name in named if not rewriting_of(name))
    if left_out := [name for name in named if name not in operators]:
        say(f"bench: left out, a model would have to write them: {', '.join(left_out)}")
    if operators:
        say(f"bench: {len(problems)} problems, {len(operators)} operators")
    workers = cpu_threads(recipe.models.threads)
    made = perturb_all(
        problems, operators, range(recipe.perturb.seeds), limits=recipe.limits, workers=workers
    )
    folder.table("variants", Variant).append(made.variants)
    return mixed_by_task(made.variants, recipe.seed)


def _hold_cores(
    recipe: Recipe, folder: RunFolder, stack: ExitStack
) -> tuple[Recipe, tuple[int, ...]]:
    """Choose the threads, once for a folder, and stay on as many cores while models run."""
    if recipe.models.engine == "server":
        return recipe, ()
    threads = recipe.models.threads or _threads_before(folder) or free_threads()
    cores = stack.enter_context(pinned(threads))
    recipe = replace(recipe, models=replace(recipe.models, threads=threads))
    folder.write_json("settings.json", {"threads": threads})
    return recipe, cores


def _threads_before(folder: RunFolder) -> int:
    path = folder.path / "settings.json"
    return int(json.loads(path.read_text()).get("threads", 0)) if path.exists() else 0


def _settings(recipe: Recipe, config: BenchConfig, cores: Sequence[int]) -> dict[str, Any]:
    return {
        "threads": recipe.models.threads,
        "cores": list(cores),
        "engine": recipe.models.engine,
        "precision": recipe.models.precision,
        "max_new_tokens": recipe.sampling.max_new_tokens,
        "loads": [str(load) for load in config.loads],
        "caches": list(config.caches),
        "slo": str(config.slo),
        "warmup": config.warmup,
        "repeats": config.repeats,
        "rounds": config.rounds,
    }


def _rows(
    trials: Sequence[Trial],
    outcomes: dict[str, Outcome],
    variants: Sequence[Variant],
    problems: Sequence[Problem],
    names: Sequence[str],
    recipe: Recipe,
    folder: RunFolder,
) -> tuple[list[Score], list[Sample]]:
    """Write the paired, cold answers as samples and timings, and score them as a study would."""
    paired = [trial for trial in trials if trial.load == "paired"]
    first = [reply for reply in counted(paired) if _is_first(reply, paired)]
    samples = [as_sample(reply, recipe) for reply in first]
    timings = [
        as_timing(reply)
        for trial in paired
        for reply in trial.replies
        if reply.operator == "nominal" and _is_first(reply, paired) and not reply.failure
    ]
    folder.table("samples", Sample).append(samples)
    folder.table("timings", Timing).append(timings)
    own = [outcomes[sample.key] for sample in samples]
    scores = measure(
        problems, variants, samples, own, timings, models=list(names), seed=recipe.seed
    )
    return scores, samples


def _is_first(reply: Reply, trials: Sequence[Trial]) -> bool:
    """Return whether a reply is the first of its prompt: cold, where that was measured."""
    cache = trials[0].replies[0].cache
    return reply.cache == cache and reply.repeat == 0
