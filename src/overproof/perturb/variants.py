r"""From problems to certified variants, with a count of everything that was drawn and refused.

    >>> from overproof.records import Outcome
    >>> problem = Problem(
    ...     task_id="t", prompt='def add_up(x):\n    "Add up all elements."\n',
    ...     entry_point="add_up", canonical_solution="    return sum(x)\n", test="",
    ... )
    >>> draft = perturb_prompt(problem, "camel_case", 0)
    >>> draft.entry_point
    'addUp'
    >>> def trust(jobs):
    ...     return [Outcome(key=job.key, task_id=job.task_id, status="passed") for job in jobs]
    >>> result = perturb([problem], ["camel_case", "null"], [0, 1], run_gold=trust)
    >>> [(row.operator, row.seed) for row in result.variants]
    [('nominal', 0), ('camel_case', 0), ('null', 0), ('null', 1)]

The gold program is executed once per distinct program, docstrings, comments and layout aside:
two that differ in nothing else can't behave differently (programs that read `__doc__` are never
shared). Whether each one compiles is checked on its own.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from overproof.perturb.certificate import Checks, certify, check_draft, gold_program, is_changed
from overproof.perturb.draft import Draft, Operator, generator_for
from overproof.perturb.operators import OPERATORS, get_operator
from overproof.perturb.source import plain_code
from overproof.records import Outcome, Problem, Variant, content_key
from overproof.sandbox import Job, Limits, run_jobs

GoldRunner = Callable[[list[Job]], Iterable[Outcome]]

MAX_ATTEMPTS = 5
"""Drafts of one (problem, operator, seed) before it is given up."""


@dataclass(frozen=True, kw_only=True)
class Yield:
    """What one operator made of the problems: wanted = certified + given_up + not_applicable."""

    operator: str
    family: str
    wanted: int
    """(problem, seed) pairs; deterministic operators have one seed."""
    certified: int
    given_up: int
    not_applicable: int
    """Pairs in which the operator found nothing that it could change."""
    attempts: int
    """Drafts drawn = certified + not_applicable + the refused ones, which are counted below by
    the first check that they failed."""
    no_op: int
    """Identical to its control."""
    unparsable: int
    code_changed: int
    """Changed what the family may not change, or changed no code where it should."""
    examples_broken: int
    entry_point_broken: int
    gold_break: int
    unchecked: int
    """No canonical solution to run, or the sandbox itself failed."""
    distinct: int
    """Distinct prompts per problem, summed over the problems."""
    mean_edit_distance: float | None
    """Characters, over the certified; None if there is none."""


@dataclass(frozen=True, kw_only=True)
class PerturbResult:
    """Nominal rows and certified variants, and what each operator yielded."""

    variants: list[Variant]
    """Nominal first, then by operator, problem and seed."""
    yields: list[Yield]


@dataclass
class _Wish:
    """One (problem, operator, seed) that is waiting for a valid draft."""

    problem: Problem
    operator: Operator
    seed: int
    rng: random.Random
    attempts: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    applicable: bool = True
    variant: Variant | None = None

    @property
    def open(self) -> bool:
        """Whether another draft may be drawn."""
        limit = MAX_ATTEMPTS if self.operator.random else 1
        return self.variant is None and self.applicable and self.attempts < limit


def run_in_sandbox(jobs: list[Job]) -> Iterable[Outcome]:
    """Run gold programs one after the other, under the default limits."""
    return run_jobs(jobs, Limits())


def perturb(
    problems: Sequence[Problem],
    operators: Sequence[str],
    seeds: Sequence[int],
    *,
    run_gold: GoldRunner = run_in_sandbox,
) -> PerturbResult:
    """Return all variants of `problems` that pass every check, and the nominal rows.

    Controls of the named operators (`half_body` for `code`) are added, once. A draft that fails
    a check is drawn again, up to `MAX_ATTEMPTS` times along the same random stream. All gold
    programs of a round are run in one call of `run_gold`.

    Raises: UnknownNameError for an unknown operator.
    """
    chosen = _with_controls(operators)
    seeds = list(dict.fromkeys(seeds))
    wishes = [
        _Wish(problem, operator, seed, generator_for(problem.task_id, operator.name, seed))
        for operator in chosen
        for problem in problems
        for seed in (seeds if operator.random else seeds[:1])
    ]
    verdicts: dict[str, Outcome] = {}
    while waiting := [wish for wish in wishes if wish.open]:
        _grant(waiting, run_gold, verdicts)
    nominal = [
        _variant(problem, None, 0, Draft(problem.prompt, problem.entry_point))
        for problem in problems
    ]
    granted = [wish.variant for wish in wishes if wish.variant is not None]
    yields = [_count(op, [wish for wish in wishes if wish.operator is op]) for op in chosen]
    return PerturbResult(variants=nominal + granted, yields=yields)


def perturb_prompt(problem: Problem, operator_name: str, seed: int) -> Draft | None:
    """Return a perturbed prompt that passes the static checks; None if none was found.

    For training: nothing is executed, so the problem needs no tests.

    Raises: UnknownNameError for an unknown operator.
    """
    operator = get_operator(operator_name)
    rng = generator_for(problem.task_id, operator.name, seed)
    for _ in range(MAX_ATTEMPTS if operator.random else 1):
        draft = operator.apply(problem, rng, operator.intensity)
        if draft is None:
            return None
        if check_draft(problem, draft, operator).passed:
            return draft
    return None


def _with_controls(names: Sequence[str]) -> list[Operator]:
    """Return the operators by name, each once, every control before its first user."""
    chosen: dict[str, Operator] = {}
    for name in names:
        operator = get_operator(name)
        if operator.control in OPERATORS:
            chosen.setdefault(operator.control, OPERATORS[operator.control])
        chosen.setdefault(operator.name, operator)
    return list(chosen.values())


def _grant(wishes: list[_Wish], run_gold: GoldRunner, verdicts: dict[str, Outcome]) -> None:
    """Draw one draft for each wish; keep those that pass all checks, gold run included."""
    ready: list[tuple[_Wish, Draft, Checks, Job]] = []
    for wish in wishes:
        draft = wish.operator.apply(wish.problem, wish.rng, wish.operator.intensity)
        wish.attempts += 1
        if draft is None:
            wish.applicable = wish.attempts > 1
            wish.refusals["no_op"] += wish.applicable
            continue
        checks = check_draft(wish.problem, draft, wish.operator)
        reason = _refusal(wish.problem, draft, wish.operator, checks)
        if reason:
            wish.refusals[reason] += 1
        else:
            ready.append((wish, draft, checks, _gold_job(wish.problem, draft)))
    new = {job.key: job for *_, job in ready if job.key not in verdicts}
    verdicts.update((outcome.key, outcome) for outcome in run_gold(list(new.values())))
    for wish, draft, checks, job in ready:
        outcome = verdicts.get(job.key)
        if outcome is None or outcome.status == "harness_error":
            wish.refusals["unchecked"] += 1
        elif not outcome.passed:
            wish.refusals["gold_break"] += 1
        else:
            wish.variant = _variant(wish.problem, wish.operator, wish.seed, draft, checks)


def _refusal(problem: Problem, draft: Draft, operator: Operator, checks: Checks) -> str:
    """Return the name of the first static check that failed; empty if none did."""
    if not problem.canonical_solution.strip():
        return "unchecked"
    if operator.family != "null" and not is_changed(problem, draft, operator):
        return "no_op"
    named = {
        "unparsable": checks.parses,
        "entry_point_broken": checks.entry_point_intact,
        "examples_broken": checks.examples_intact,
        "code_changed": checks.differs,
    }
    return next((name for name, passed in named.items() if not passed), "")


def _gold_job(problem: Problem, draft: Draft) -> Job:
    """Return the run of a draft's gold program; equal programs get equal keys."""
    program = gold_program(problem, draft)
    shared = program if "__doc__" in program else plain_code(program)
    return Job(
        key=content_key("gold", problem.task_id, shared, draft.entry_point, problem.test),
        task_id=problem.task_id,
        program=program,
        entry_point=draft.entry_point,
        prompt=problem.prompt,
        reference=problem.canonical_solution,
        test=problem.test,
    )


def _variant(
    problem: Problem,
    operator: Operator | None,
    seed: int,
    draft: Draft,
    checks: Checks | None = None,
) -> Variant:
    """Return the row of a certified draft; of the nominal prompt without operator and checks."""
    name = operator.name if operator else "nominal"
    certificate = None
    if operator and checks:
        certificate = certify(problem, draft, operator, checks, gold_passes=True)
    parts = (draft.prompt, draft.entry_point, draft.partial)
    return Variant(
        key=content_key("variant", problem.task_id, problem.suite, name, seed, *parts),
        task_id=problem.task_id,
        suite=problem.suite,
        operator=name,
        family=operator.family if operator else "nominal",
        seed=seed,
        prompt=draft.prompt,
        entry_point=draft.entry_point,
        language=problem.language,
        partial=draft.partial,
        certificate=certificate,
    )


def _count(operator: Operator, wishes: list[_Wish]) -> Yield:
    """Return what became of one operator's wishes."""
    refusals: Counter[str] = Counter()
    for wish in wishes:
        refusals.update(wish.refusals)
    variants = [wish.variant for wish in wishes if wish.variant]
    distances = [row.certificate.edit_distance for row in variants if row.certificate]
    idle = sum(not wish.applicable for wish in wishes)
    return Yield(
        operator=operator.name,
        family=operator.family,
        wanted=len(wishes),
        certified=len(variants),
        given_up=len(wishes) - len(variants) - idle,
        not_applicable=idle,
        attempts=sum(wish.attempts for wish in wishes),
        no_op=refusals["no_op"],
        unparsable=refusals["unparsable"],
        code_changed=refusals["code_changed"],
        examples_broken=refusals["examples_broken"],
        entry_point_broken=refusals["entry_point_broken"],
        gold_break=refusals["gold_break"],
        unchecked=refusals["unchecked"],
        distinct=len({(row.task_id, row.prompt, row.entry_point) for row in variants}),
        mean_edit_distance=sum(distances) / len(distances) if distances else None,
    )
