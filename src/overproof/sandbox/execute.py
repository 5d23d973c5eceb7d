"""The stage that executes samples: one `Outcome` per sample, resumable.

outcomes = execute(samples, variants, problems, limits, table)
"""

import dataclasses
from collections.abc import Sequence

import msgspec

from overproof.progress import stage
from overproof.records import Outcome, Problem, Sample, Variant, content_key
from overproof.sandbox.jobs import AnyJob, Job, Limits, StdioJob
from overproof.sandbox.pool import Pool
from overproof.store import Table

EXECUTION = 3
"""Raised when the sandbox or a status changes, so that older verdicts are reached again."""
BATCH = 32
"""Samples whose verdicts are made safe from a loss of power together; a kill loses none."""


def execute(
    samples: Sequence[Sample],
    variants: Sequence[Variant],
    problems: Sequence[Problem],
    limits: Limits,
    table: Table[Outcome],
    workers: int = 2,
) -> list[Outcome]:
    """Return the verdict on every sample, in order, its key being the sample's.

    Verdicts in the table are reused. A `harness_error`, which is ours, is not kept: the next run
    tries again.
    """
    by_variant = {variant.key: variant for variant in variants}
    by_task = {problem.task_id: problem for problem in problems}
    failed: dict[str, Outcome] = {}

    def key(sample: Sample) -> str:
        return content_key(sample.key, msgspec.to_builtins(limits), EXECUTION)

    def work(part: list[Sample], pool: Pool) -> None:
        jobs = [
            job_for(by_task[s.task_id], s.key, s.solution, by_variant[s.variant].entry_point)
            for s in part
        ]
        keys = {sample.key: key(sample) for sample in part}
        for outcome in pool.run(jobs):
            stored = dataclasses.replace(outcome, key=keys[outcome.key], sample=outcome.key)
            if outcome.status == "harness_error":
                failed[stored.key] = stored
            else:
                table.append([stored], sync=False)

    with Pool(limits, workers) as pool, stage("execute", len(samples), "programs") as advance:
        for start in range(0, len(samples), BATCH):
            part = list(samples[start : start + BATCH])
            missing = [sample for sample in part if key(sample) not in table]
            if missing:
                work(missing, pool)
                table.sync()
            advance(len(part))
    return [
        dataclasses.replace(
            table[key(sample)] if key(sample) in table else failed[key(sample)], key=sample.key
        )
        for sample in samples
    ]


def job_for(problem: Problem, key: str, program: str, entry_point: str = "") -> AnyJob:
    """Return what runs a program against a problem's tests, in whatever language it is."""
    if problem.cases:
        return StdioJob(
            key=key,
            task_id=problem.task_id,
            program=program,
            cases=problem.cases,
            language=problem.language,
        )
    source = problem.source
    python = problem.language == "python"
    prompt, reference = problem.prompt, problem.canonical_solution
    if source is not None:
        prompt, reference = source.prompt, source.canonical_solution
    return Job(
        key=key,
        task_id=problem.task_id,
        program=program,
        entry_point=entry_point or problem.entry_point,
        prompt=prompt if python or source else "",
        reference=reference if python or source else "",
        test=problem.test,
        language=problem.language,
        excluded=source.excluded if source else (),
    )
