"""The stage that executes samples: one `Outcome` per sample, resumable.

outcomes = execute(samples, variants, problems, limits, table)
"""

import dataclasses
from collections.abc import Sequence

import msgspec

from overproof.progress import stage
from overproof.records import Outcome, Problem, Sample, Variant, content_key
from overproof.sandbox.jobs import Job, Limits
from overproof.sandbox.pool import run_jobs
from overproof.store import Table

EXECUTION = 2
"""Raised when the sandbox or a status changes, so that older verdicts are reached again."""
BATCH = 32
"""Samples whose verdicts are written to disk together."""


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

    def work(part: list[Sample]) -> list[Outcome]:
        jobs = [_job(s, by_variant[s.variant], by_task[s.task_id]) for s in part]
        keys = {sample.key: key(sample) for sample in part}
        settled = []
        for outcome in run_jobs(jobs, limits, workers):
            stored = dataclasses.replace(outcome, key=keys[outcome.key], sample=outcome.key)
            if outcome.status == "harness_error":
                failed[stored.key] = stored
            else:
                settled.append(stored)
        return settled

    with stage("execute", len(samples), "programs") as advance:
        for start in range(0, len(samples), BATCH):
            part = list(samples[start : start + BATCH])
            missing = [sample for sample in part if key(sample) not in table]
            if missing:
                table.append(work(missing))
            advance(len(part))
    return [
        dataclasses.replace(
            table[key(sample)] if key(sample) in table else failed[key(sample)], key=sample.key
        )
        for sample in samples
    ]


def _job(sample: Sample, variant: Variant, problem: Problem) -> Job:
    return Job(
        key=sample.key,
        task_id=sample.task_id,
        program=sample.solution,
        entry_point=variant.entry_point,
        prompt=problem.prompt,
        reference=problem.canonical_solution,
        test=problem.test,
    )
