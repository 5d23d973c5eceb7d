"""Execute what was answered while the clock ran: one run of the sandbox per distinct program.

    verdicts = judge(trials, variants, problems, recipe, folder.table("outcomes", Outcome))

Covered: every counted answer of every load; an answer that failed is wrong. What the sandbox could
not judge (its own failure, a missing toolchain) is left out of every count, not counted as wrong.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from overproof.bench.rows import Reply, Trial
from overproof.recipe import Recipe
from overproof.records import EXCLUDED, Outcome, Problem, Sample, Variant, content_key
from overproof.sandbox import usable_cores
from overproof.sandbox.execute import execute
from overproof.store import Table

Verdicts = Mapping[str, bool]
"""Whether the answer is right, by key of the reply; what could not be judged is absent."""


def counted(trials: Iterable[Trial]) -> list[Reply]:
    """Return all replies that are not warm-up."""
    return [reply for trial in trials for reply in trial.replies if not reply.warmup]


def judge(
    trials: Sequence[Trial],
    variants: Sequence[Variant],
    problems: Sequence[Problem],
    recipe: Recipe,
    table: Table[Outcome],
) -> tuple[Verdicts, dict[str, Outcome]]:
    """Return the verdicts, and the outcome of every reply that was executed, by its key."""
    replies = counted(trials)
    programs: dict[str, Sample] = {}
    for reply in replies:
        programs.setdefault(_program(reply), as_sample(reply, recipe, _program(reply)))
    done = execute(
        list(programs.values()), variants, problems, recipe.limits, table, usable_cores()
    )
    outcomes = {outcome.key: outcome for outcome in done}
    verdicts: dict[str, bool] = {}
    own: dict[str, Outcome] = {}
    for reply in replies:
        outcome = outcomes[_program(reply)]
        own[reply.key] = replace(outcome, key=reply.key)
        if reply.failure:
            verdicts[reply.key] = False
        elif outcome.status not in EXCLUDED:
            verdicts[reply.key] = outcome.passed
    return verdicts, own


def as_sample(reply: Reply, recipe: Recipe, key: str = "") -> Sample:
    """Return the row that `measure`, the report and other tools read."""
    return Sample(
        key=key or reply.key,
        task_id=reply.task_id,
        variant=reply.variant,
        operator=reply.operator,
        seed=reply.seed,
        model=reply.model,
        sample_index=0,
        completion=reply.completion,
        solution=reply.solution,
        engine=recipe.models.engine,
        precision=recipe.models.precision,
        finish_reason=reply.finish_reason,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        seconds=round(reply.ended_ms / 1000, 4),
    )


def _program(reply: Reply) -> str:
    """Return the same key for the same program on the same prompt, whoever wrote it."""
    return content_key("program", reply.variant, reply.solution)
