"""The teacher writes a program for every pair's text; what can be executed is executed.

A solution is `verified` when all worked examples of the pair's own docstring passed on it in the
sandbox, `failed` when one did not, `unverified` when there was nothing to run. Only verified ones
become targets.
"""

from collections.abc import Callable, Sequence

from overproof.engines.prompts import PromptForm, extract_solution
from overproof.engines.protocol import Engine, Generation, Request
from overproof.progress import stage
from overproof.recipe import ModelsConfig, TeachConfig
from overproof.records import Outcome, Pair, Solution, content_key
from overproof.sandbox import ExampleJob, Limits, parse_examples, run_jobs
from overproof.store import Table

BATCH = 16
"""Prompts that the teacher answers together."""


def write_solutions(
    load: Callable[[], Engine],
    models: ModelsConfig,
    teacher_sha256: str,
    form: PromptForm,
    pairs: Sequence[Pair],
    config: TeachConfig,
    limits: Limits,
    table: Table[Solution],
) -> list[Solution]:
    """Return one solution per pair, in order; those that the table holds are not asked for again.

    `load` returns the teacher; it is called only if a solution is missing.

    Raises: EngineError if the teacher cannot run.
    """

    def key(pair: Pair) -> str:
        how = (models.engine, models.precision, form.kind, config.max_new_tokens)
        return content_key("solution", teacher_sha256, pair.key, how)

    def work(part: list[Pair]) -> list[Solution]:
        answers = load().generate([_request(pair, form, config) for pair in part])
        programs = [
            extract_solution(pair.prompt, answer.text, pair.name)
            for pair, answer in zip(part, answers, strict=True)
        ]
        verdicts = _verify(part, programs, limits)
        return [
            _solution(key(pair), pair, answer, program, verdicts.get(pair.key))
            for pair, answer, program in zip(part, answers, programs, strict=True)
        ]

    order = sorted(pairs, key=lambda pair: (len(pair.prompt), pair.key))
    with stage("teach: solutions", len(order), "pairs") as advance:
        table.fill(order, key, work, batch=BATCH, on_batch=advance)
    return [table[key(pair)] for pair in pairs]


def _request(pair: Pair, form: PromptForm, config: TeachConfig) -> Request:
    wrapped = form.wrap(pair.prompt)
    return Request(prompt=wrapped.text, stop=wrapped.stop, max_new_tokens=config.max_new_tokens)


def _verify(
    pairs: Sequence[Pair], programs: Sequence[str], limits: Limits
) -> dict[str, tuple[Outcome, int]]:
    """Run the docstring's worked examples; pairs without any are left out."""
    jobs = []
    for pair, program in zip(pairs, programs, strict=True):
        examples = parse_examples(pair.prompt, pair.name)
        if program and examples:
            jobs.append(
                ExampleJob(
                    key=pair.key,
                    task_id=pair.name,
                    program=program,
                    entry_point=pair.name,
                    examples=examples,
                )
            )
    counts = {job.key: len(job.examples) for job in jobs}
    return {outcome.key: (outcome, counts[outcome.key]) for outcome in run_jobs(jobs, limits)}


def _solution(
    key: str,
    pair: Pair,
    answer: Generation,
    program: str,
    verdict: tuple[Outcome, int] | None,
) -> Solution:
    if not program or answer.finish_reason == "length":
        return Solution(
            key=key,
            pair=pair.key,
            completion=answer.text,
            solution=program,
            status="no_code" if not program else "failed",
            checks=0,
            detail="" if not program else "cut off at teach.max_new_tokens",
        )
    if verdict is None:
        status, checks, detail = "unverified", 0, "no worked example to run"
    else:
        outcome, checks = verdict
        status = "verified" if outcome.passed else "failed"
        detail = f"{outcome.status}: {outcome.detail}" if not outcome.passed else ""
    return Solution(
        key=key,
        pair=pair.key,
        completion=answer.text,
        solution=program,
        status=status,  # type: ignore[arg-type]
        checks=checks,
        detail=detail,
    )
