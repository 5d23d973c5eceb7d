"""The teacher writes a program for the text of every pair that has checks, and it is executed.

A solution is `verified` when it passed the checks of its pair in the sandbox, `failed` when it did
not. Verified ones become targets; failed ones become what is to be repaired. Where there is nothing
to run the solution is `unverified` and the teacher is not asked: the pair's own code is the target.
"""

import dataclasses
from collections.abc import Sequence

from overproof.engines.generate import Contender
from overproof.engines.prompts import PromptForm, extract_solution
from overproof.engines.protocol import Generation, Request
from overproof.progress import stage
from overproof.recipe import Recipe
from overproof.records import EXCLUDED, Checks, Outcome, Pair, Solution, content_key
from overproof.sandbox import Pool
from overproof.store import Table
from overproof.teach.checks import Example, run_examples
from overproof.teach.teacher import Load, engine_of

BATCH = 16
"""Prompts that are answered together."""
CUT_OFF = "cut off at teach.max_new_tokens"
NOTHING_TO_RUN = "no worked example to run"


def write_solutions(
    load: Load,
    teacher: Contender,
    form: PromptForm,
    pairs: Sequence[Pair],
    checks: Sequence[Checks],
    recipe: Recipe,
    table: Table[Solution],
) -> list[Solution]:
    """Return one solution per pair, in order; those that the table holds are not asked for again.

    A pair without checks has an empty one, which the table does not hold; so have all pairs if
    `teach.solutions` is off.
    `load` returns the teacher; it is called only if a solution is missing.
    Raises: EngineError if the teacher cannot run.
    """
    tokens = recipe.teach.max_new_tokens
    how = (*engine_of(teacher.source, recipe.models), form.kind, tokens)
    by_pair = {found.pair: found for found in checks}

    def key(pair: Pair) -> str:
        return content_key("solution", teacher.source.sha256, pair.key, how)

    def work(part: list[Pair]) -> list[Solution]:
        requests = [_request(pair, form, tokens) for pair in part]
        answers = load().generate(requests)
        worked = [_unless_written(by_pair[pair.key]) for pair in part]
        return judged([key(pair) for pair in part], part, form, answers, worked, pool)

    asked = [pair for pair in pairs if by_pair[pair.key].examples and recipe.teach.solutions]
    order = sorted(asked, key=lambda pair: (len(pair.prompt), pair.key))
    with Pool(recipe.limits) as pool, stage("teach: solutions", len(order), "pairs") as advance:
        table.fill(order, key, work, batch=BATCH, on_batch=advance)
        written = {pair.key: table[key(pair)] for pair in asked}
        solutions = [written.get(pair.key) or _not_asked(key(pair), pair) for pair in pairs]
        return _by_written_calls(solutions, pairs, by_pair, table, pool)


def _not_asked(key: str, pair: Pair) -> Solution:
    return Solution(
        key=key,
        pair=pair.key,
        completion="",
        solution="",
        status="unverified",
        checks=0,
        detail=NOTHING_TO_RUN,
    )


def judged(
    keys: Sequence[str],
    pairs: Sequence[Pair],
    form: PromptForm,
    answers: Sequence[Generation],
    examples: Sequence[tuple[Example, ...]],
    pool: Pool,
) -> list[Solution]:
    """Return the program in each answer, with the verdict on it."""
    programs = [
        extract_solution(pair.prompt, form.close(answer.text), pair.name, pair.language)
        for pair, answer in zip(pairs, answers, strict=True)
    ]
    verdicts = run_examples(zip(keys, programs, pairs, examples, strict=True), pool)
    return [
        _solution(key, pair, answer, program, verdicts.get(key), len(ran))
        for key, pair, answer, program, ran in zip(
            keys, pairs, answers, programs, examples, strict=True
        )
    ]


def complaint(solution: Solution) -> str:
    """Return what execution found wrong with a program, in one line; empty if it found nothing."""
    return "" if solution.status != "failed" or solution.detail == CUT_OFF else solution.detail


def _request(pair: Pair, form: PromptForm, tokens: int) -> Request:
    wrapped = form.wrap(pair.prompt, pair.language)
    return Request(prompt=wrapped.text, stop=wrapped.stop, max_new_tokens=tokens, chat=wrapped.chat)


def _solution(
    key: str,
    pair: Pair,
    answer: Generation,
    program: str,
    verdict: Outcome | None,
    checks: int,
) -> Solution:
    if not program or answer.finish_reason == "length":
        return Solution(
            key=key,
            pair=pair.key,
            completion=answer.text,
            solution=program,
            status="no_code" if not program else "failed",
            checks=0,
            detail="" if not program else CUT_OFF,
        )
    nothing = Solution(
        key=key,
        pair=pair.key,
        completion=answer.text,
        solution=program,
        status="unverified",
        checks=0,
        detail=NOTHING_TO_RUN,
    )
    return nothing if verdict is None else _with_verdict(nothing, verdict, checks)


def _with_verdict(solution: Solution, verdict: Outcome, checks: int) -> Solution:
    """Return a solution that was executed; a fault of ours leaves it unverified."""
    said = f"{verdict.status}: {verdict.detail}"
    if verdict.status in EXCLUDED:
        return dataclasses.replace(solution, detail=said)
    return dataclasses.replace(
        solution,
        status="verified" if verdict.passed else "failed",
        checks=checks,
        detail="" if verdict.passed else said,
    )


def _unless_written(checks: Checks) -> tuple[Example, ...]:
    return () if checks.written else checks.examples


def _by_written_calls(
    solutions: Sequence[Solution],
    pairs: Sequence[Pair],
    checks: dict[str, Checks],
    table: Table[Solution],
    pool: Pool,
) -> list[Solution]:
    """Return the solutions, those without worked examples judged by written calls where there are.

    The program is the one that is there: another kind of check does not ask the teacher again.
    """
    by_key = {pair.key: pair for pair in pairs}
    open_ones = [
        solution
        for solution in solutions
        if solution.status == "unverified" and solution.solution and checks[solution.pair].examples
    ]

    def key(solution: Solution) -> str:
        return content_key("solution", solution.key, checks[solution.pair].examples)

    def work(part: list[Solution]) -> list[Solution]:
        verdicts = run_examples(
            [(one.key, one.solution, by_key[one.pair], checks[one.pair].examples) for one in part],
            pool,
        )
        rows = [dataclasses.replace(one, key=key(one), written=True) for one in part]
        return [
            _with_verdict(row, verdicts[one.key], len(checks[one.pair].examples))
            for one, row in zip(part, rows, strict=True)
        ]

    table.fill(open_ones, key, work, batch=BATCH)
    judged_anew = {one.key: table[key(one)] for one in open_ones}
    return [judged_anew.get(one.key, one) for one in solutions]
