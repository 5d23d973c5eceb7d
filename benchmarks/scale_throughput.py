"""What a second process brings: generate and execute by one rank and by two, in turns.

    python benchmarks/scale_throughput.py --prompts 64 --repeats 3 --out scale.json

Each rank has one core and one thread, whether there are one or two. Times are from the start of
the first process to the end of the last, so loading the interpreter and the model counts. Generate:
the catalogue's small model over HumanEval prompts. Execute: canonical solutions, each made
different by a comment so that none is executed once for several. What every batch took is written
down for benchmarks/scale_simulation.py. On a machine that does nothing else.

Not covered: GPUs; ranks that share a memory bus with other work.
"""

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from overproof.engines.generate import sample_key
from overproof.recipe import Recipe, load_recipe
from overproof.records import Outcome, Sample, Variant
from overproof.scale.deal import Place
from overproof.scale.lead import begin, lead
from overproof.scale.plan import read_plan
from overproof.scale.processes import run_ranks
from overproof.scale.tables import DONE, shard_files, shard_folder
from overproof.store import Table
from overproof.suites import load_suite

NOBODY = "http://127.0.0.1:9/v1#canonical"
"""A model whose samples are written here; it is never asked."""


@dataclass(kw_only=True)
class Measured:
    """One stage by 1 and by 2 ranks."""

    items: int
    wall_s: dict[int, list[float]] = field(default_factory=dict)
    """World size to seconds from start to end, one per repeat."""
    rank_s: dict[int, list[float]] = field(default_factory=dict)
    """World size to seconds of the slowest rank, once it had been started."""
    cpu_s: dict[int, list[float]] = field(default_factory=dict)
    """World size to CPU seconds of the busiest rank: what a machine with idle cores would take."""
    same: bool = True
    """Whether one rank and two wrote the same: completions, or statuses."""
    batch_s: list[float] = field(default_factory=list)
    """Of one rank, alone: seconds of each batch, in the order in which batches are dealt."""


def main() -> None:
    """Measure both stages and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--programs", type=int, default=656)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--max-new-tokens", type=int, default=96)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--out", type=Path, default=Path("scale.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        changes = (
            *("models.threads=1", "models.engine=xllamacpp", "models.precision=gguf"),
            f"suites.problems={options.prompts}",
            f"sampling.batch_size={options.batch_size}",
            f"sampling.max_new_tokens={options.max_new_tokens}",
        )
        run = begin(None, changes, [options.model], Path(folder) / "generate")
        lead(run, until="samples")
        generated = measure(run, "samples", options.prompts, options.repeats)
        generated.batch_s = list(batch_seconds(run, load_recipe(str(run / "recipe.yaml"))))
        run = programs(Path(folder) / "execute", options.programs)
        executed = measure(run, "outcomes", options.programs, options.repeats)
    found = {"generate": generated, "execute": executed}
    for name, one in found.items():
        report(name, one)
    told = {"cores": len(os.sched_getaffinity(0)), "load": os.getloadavg()[0]}
    options.out.write_text(
        json.dumps({**told, **{name: asdict(one) for name, one in found.items()}}, indent=2)
    )


def measure(run: Path, stage: str, items: int, repeats: int) -> Measured:
    """Run a stage by one rank and by two, in turns, each time from nothing."""
    found = Measured(
        items=items, wall_s={1: [], 2: []}, rank_s={1: [], 2: []}, cpu_s={1: [], 2: []}
    )
    cores = sorted(os.sched_getaffinity(0))
    written_by: dict[int, dict[str, str]] = {}
    for _ in range(repeats):
        for world in (2, 1):  # one rank last: its rows tell what a batch takes
            shutil.rmtree(run / "shards" / stage, ignore_errors=True)
            os.sched_setaffinity(0, cores[:world])  # run_ranks deals out what we have
            start = time.perf_counter()
            try:
                run_ranks(run, stage, world, items)
            finally:
                os.sched_setaffinity(0, cores)
            found.wall_s[world].append(time.perf_counter() - start)
            done = [
                json.loads((shard_folder(run, stage, Place(rank, world)) / DONE).read_bytes())
                for rank in range(world)
            ]
            found.rank_s[world].append(max(one["seconds"] for one in done))
            found.cpu_s[world].append(max(one["cpu_seconds"] for one in done))
            written_by[world] = what_was_written(run, stage)
    found.same = written_by[1] == written_by[2]
    return found


def what_was_written(run: Path, stage: str) -> dict[str, str]:
    """Return, by key, what two runs of a stage must agree on."""
    if stage == "samples":
        samples = (row for path in shard_files(run, stage) for row in Table(path, Sample).rows())
        return {row.key: row.completion for row in samples}
    outcomes = (row for path in shard_files(run, stage) for row in Table(path, Outcome).rows())
    return {row.key: row.status for row in outcomes}


def batch_seconds(run: Path, recipe: Recipe) -> Iterator[float]:
    """Yield what each batch of the one rank took."""
    (path,) = shard_files(run, "samples")
    rows = Table(path, Sample).rows()
    for start in range(0, len(rows), recipe.sampling.batch_size):
        yield sum(row.seconds for row in rows[start : start + recipe.sampling.batch_size])


def programs(out: Path, count: int) -> Path:
    """Write a run whose samples are there: canonical solutions, all different."""
    problems = load_suite("humaneval")
    samples = -(-count // len(problems))
    changes = (
        f"sampling.num_samples={samples}",
        *("sampling.temperature=0.2", "models.threads=1", "models.form=raw"),
    )
    run = begin(None, changes, [NOBODY], out)
    lead(run, until="samples")
    recipe, (contender,) = load_recipe(str(run / "recipe.yaml")), read_plan(run).contenders(run)
    by_task = {problem.task_id: problem for problem in problems}
    rows = []
    for variant in Table(run / "variants.jsonl", Variant).rows():
        problem = by_task[variant.task_id]
        for index in range(samples):
            key = sample_key(contender, variant, index, recipe.models, recipe.sampling, recipe.seed)
            program = f"{problem.prompt}{problem.canonical_solution}\n# {index}\n"
            rows.append(written(key, variant, index, program))
    Table(run / "samples.jsonl", Sample).append(rows)
    return run


def written(key: str, variant: Variant, index: int, program: str) -> Sample:
    """Return a sample that holds a given program."""
    return Sample(
        key=key,
        task_id=variant.task_id,
        variant=variant.key,
        operator=variant.operator,
        seed=variant.seed,
        model="canonical",
        sample_index=index,
        completion="",
        solution=program,
        engine="server",
        precision="server",
        finish_reason="stop",
        prompt_tokens=0,
        completion_tokens=0,
        seconds=0.0,
    )


def report(name: str, found: Measured) -> None:
    """Print a stage's times and how much faster two ranks are."""
    told = {"with starting": found.wall_s, "at work": found.rank_s, "CPU": found.cpu_s}
    for what, times in told.items():
        one, two = statistics.median(times[1]), statistics.median(times[2])
        print(
            f"{name}, {what}: {found.items} items, 1 rank {one:.1f} s, 2 ranks {two:.1f} s, "
            f"{one / two:.2f} times as fast"
        )
    same = "the same" if found.same else "NOT THE SAME"
    print(f"{name}: the rows of one rank and of two are {same}")


if __name__ == "__main__":
    main()
