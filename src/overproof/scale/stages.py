"""What a rank does in each shared stage.

    run_rank(Path("runs/demo"), "samples", Place(3, 64))

A rank reads the plan, the recipe and the rows of the stages before, does its share and stops. It
can be run again at any time, and by hand: what is there is not made again. Two processes with the
same place are refused. The folder may be on another machine's disk, as long as both see it.
"""

import dataclasses
import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from overproof import interrupts
from overproof.engines import LAUNCHED
from overproof.engines.generate import Contender, generate, sample_key
from overproof.engines.protocol import cpu_threads
from overproof.errors import OverproofError, UsageError
from overproof.locks import hold
from overproof.progress import say
from overproof.recipe import Recipe, load_recipe
from overproof.records import Outcome, Sample, Variant, content_key
from overproof.sandbox.execute import execute
from overproof.scale.crew import STAGES, TEACHING
from overproof.scale.deal import Place, deal
from overproof.scale.plan import read_plan, read_told_pairs
from overproof.scale.tables import (
    DONE,
    ROWS,
    RankTable,
    UnfinishedError,
    count_lines,
    lead_file,
    read_shard,
    shard_files,
    shard_folder,
)
from overproof.scale.variants import Piece, perturb_in_pieces
from overproof.store import Row, RunFolder, Table, storage_errors, write_atomically
from overproof.suites import load_suites
from overproof.teach.lessons import teach


class RankFolder(RunFolder):
    """A run folder as a rank sees it: one table is its work, the others are for reading."""

    def __init__(self, path: Path, stage: str, place: Place) -> None:
        """Open the folder for a stage's rank. Raises: StorageError."""
        super().__init__(path)
        self.stage, self.place = stage, place

    def table(self, name: str, kind: type[Row]) -> Table[Row]:
        """Return the rows that any process has stored under `name`."""
        own = name == self.stage
        keep = not (own and name == "samples")  # they are large, and this stage reads none
        return RankTable(self.path, name, kind, self.place, own=own, keep=keep)


def run_rank(run: Path, stage: str, place: Place) -> int:
    """Do one rank's share of a stage; return how many rows it has made, now and before.

    Raises: UsageError for a stage that does not exist; StorageError if the same rank is at work in
    another process; UnfinishedError if an earlier stage lacks rows; what the stage itself raises.
    """
    if stage not in STAGES:
        raise UsageError(f"no shared stage {stage!r}", hint=f"one of {', '.join(STAGES)}")
    plan = read_plan(run)
    recipe = at_place(load_recipe(str(run / "recipe.yaml")), place)
    folder = RankFolder(run, stage, place)
    own = shard_folder(run, stage, place)
    with storage_errors(own):
        own.mkdir(parents=True, exist_ok=True)
    start, cpu_start = time.perf_counter(), _cpu_seconds()
    with storage_errors(own), hold(own), interrupts.two_steps():
        if stage in TEACHING:
            with _until_the_share_is_done(stage):
                teach(plan.teacher(run), read_told_pairs(run), recipe, folder)
        elif stage == "variants":
            with _until_the_share_is_done(stage):
                _variants(folder, recipe)
        elif stage == "samples":
            for contender in plan.contenders(run):
                with _until_the_share_is_done(stage):
                    _generate(folder, contender, recipe)
        else:
            _execute(folder, plan.contenders(run), recipe)
        rows = count_lines(own / ROWS)
        done = {
            "rows": rows,
            "seconds": round(time.perf_counter() - start, 2),
            "cpu_seconds": round(_cpu_seconds() - cpu_start, 2),
        }
        write_atomically(own / DONE, json.dumps(done).encode() + b"\n")
    say(f"{stage}: rank {place.rank} of {place.world} has {rows} rows")
    return rows


def _cpu_seconds() -> float:
    """Return the CPU time of this process and of those that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def at_place(recipe: Recipe, place: Place) -> Recipe:
    """Return the recipe with what a rank may use: its threads, its part of a server's rates."""
    threads = cpu_threads(0)
    if recipe.models.threads:
        threads = min(threads, recipe.models.threads)
    server = recipe.models.server
    if recipe.models.engine not in LAUNCHED:  # a rank that starts a server has it for itself
        server = server.shared_by(place.world)
    models = dataclasses.replace(recipe.models, threads=threads, server=server)
    return dataclasses.replace(recipe, models=models)


class _until_the_share_is_done:  # noqa: N801 (reads as a sentence)
    """Swallow that rows of other ranks, or of later stages, are missing: the share is done."""

    def __init__(self, stage: str) -> None:
        self._stage = stage

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if not isinstance(error, UnfinishedError):
            return False
        return STAGES.index(error.stage) >= STAGES.index(self._stage)


def variants_of(folder: RankFolder, recipe: Recipe) -> Sequence[Variant]:
    """Return all variants of the run. Raises: UnfinishedError."""
    problems = load_suites(recipe.suites.names, recipe.suites.problems)
    operators = operators_of(recipe)
    if operators:
        table = folder.table("variants", Piece)
        seeds = range(recipe.perturb.seeds)
        made = perturb_in_pieces(problems, operators, seeds, recipe.limits, table)
    else:
        from overproof.suites.multicode.perturbing import perturb_all

        made = perturb_all(problems, (), range(recipe.perturb.seeds), limits=recipe.limits)
    return made.variants


def operators_of(recipe: Recipe) -> tuple[str, ...]:
    """Return what the run perturbs with, `null` first; nothing if nothing is named."""
    from overproof.study import evaluated

    operators = evaluated(recipe)
    return ("null", *(name for name in operators if name != "null")) if operators else ()


def _variants(folder: RankFolder, recipe: Recipe) -> None:
    if operators_of(recipe):
        variants_of(folder, recipe)


def _generate(folder: RankFolder, contender: Contender, recipe: Recipe) -> None:
    """Generate one model's samples of this rank."""
    generate(
        contender,
        variants_of(folder, recipe),
        recipe.models,
        recipe.sampling,
        recipe.seed,
        folder.table("samples", Sample),
    )


def _execute(folder: RankFolder, contenders: Sequence[Contender], recipe: Recipe) -> None:
    """Execute this rank's samples; the same program is executed by one rank only."""
    problems = load_suites(recipe.suites.names, recipe.suites.problems)
    variants = variants_of(folder, recipe)
    wanted = {
        sample_key(one, variant, index, recipe.models, recipe.sampling, recipe.seed)
        for one in contenders
        for variant in variants
        for index in range(recipe.sampling.num_samples)
    }
    own = _own_samples(folder, wanted, {each.key: each.entry_point for each in variants})
    outcomes = folder.table("outcomes", Outcome)
    verdicts = execute(
        own, variants, problems, recipe.limits, outcomes, workers=recipe.models.threads
    )
    _check_verdicts(verdicts)


def _own_samples(
    folder: RankFolder, wanted: set[str], entry_points: dict[str, str]
) -> list[Sample]:
    """Return the samples that this rank executes; of the others only hashes are kept.

    Raises: UnfinishedError if one has not been made.
    """
    programs: dict[str, list[str]] = {}
    missing = set(wanted)
    for sample in _samples(folder.path):
        if sample.key in missing:
            missing.remove(sample.key)
            name = content_key(sample.task_id, entry_points[sample.variant], sample.solution)
            programs.setdefault(name, []).append(sample.key)
    if missing:
        raise UnfinishedError("samples")
    order = sorted(programs)
    own = {key for number in deal(order, folder.place) for key in programs[order[number]]}
    found = {sample.key: sample for sample in _samples(folder.path) if sample.key in own}
    return [found[key] for key in sorted(found)]


def _samples(run: Path) -> Iterator[Sample]:
    for file in (lead_file(run, "samples"), *shard_files(run, "samples")):
        yield from read_shard(file, Sample)


def _check_verdicts(verdicts: Sequence[Outcome]) -> None:
    """Raise OverproofError if nothing at all could be executed here."""
    failed = sum(verdict.status == "harness_error" for verdict in verdicts)
    if failed and failed == len(verdicts):
        raise OverproofError(
            f"none of {failed} programs could be run: {verdicts[0].detail}",
            hint="overproof selftest shows what the sandbox lacks here",
        )
