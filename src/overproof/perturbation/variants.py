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

import dataclasses
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from overproof import interrupts
from overproof.perturbation.certificate import (
    Checks,
    certify,
    check_draft,
    gold_program,
    is_changed,
)
from overproof.perturbation.compose import Step, apply_steps, draw
from overproof.perturbation.draft import Draft, Operator, generator_for
from overproof.perturbation.operators import OPERATORS, get_operator
from overproof.perturbation.source import plain_code
from overproof.progress import stage
from overproof.records import Family, Outcome, Problem, Variant, content_key
from overproof.sandbox import Job, Limits, Pool, run_jobs
from overproof.workers import processes

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
    repeated: int
    """The same prompt as that of a lower seed; kept all the same if nothing else was drawn."""
    distinct: int
    """Distinct prompts per problem, summed over the problems."""
    mean_edit_distance: float | None
    """Characters, over the certified; None if there is none."""

    def __add__(self, other: "Yield") -> "Yield":
        """Return the counts over both, of the same operator on other problems."""
        summed = {
            item.name: getattr(self, item.name) + getattr(other, item.name)
            for item in dataclasses.fields(self)
            if item.type == "int" or item.type is int
        }
        known = [row for row in (self, other) if row.mean_edit_distance is not None]
        weights = sum(row.certified for row in known)
        total = sum((row.mean_edit_distance or 0) * row.certified for row in known)
        return dataclasses.replace(
            self, **summed, mean_edit_distance=total / weights if weights else None
        )


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
    operators: Sequence[str | Operator],
    seeds: Sequence[int],
    *,
    limits: Limits | None = None,
    workers: int = 1,
    run_gold: GoldRunner | None = None,
) -> PerturbResult:
    """Return all variants of `problems` that pass every check, and the nominal rows.

    Controls of the named operators (`half_body` for `code`) are added, once. A draft that fails
    a check, or repeats that of a lower seed, is drawn again, up to `MAX_ATTEMPTS` times along the
    same random stream. With more
    workers the problems are shared out to processes of their own, each with a sandbox; the rows
    are the same. `run_gold` replaces the sandbox, and an operator that is not given by name
    cannot be handed to another process: both are done in this one.

    Raises: UnknownNameError for an unknown operator.
    """
    chosen = _with_controls(operators)
    seeds = list(dict.fromkeys(seeds))
    limits = limits or Limits()
    named = all(isinstance(operator, str) for operator in operators)
    size = max(1, -(-len(problems) // (4 * workers)))
    parts = [problems[start : start + size] for start in range(0, len(problems), size)]
    granted: list[Variant] = []
    yields: dict[str, Yield] = {}
    with ExitStack() as stack:
        advance = stack.enter_context(stage("perturb", len(problems), "problems"))
        if run_gold or not named or workers == 1 or len(parts) == 1:
            runner = run_gold or stack.enter_context(gold_sandbox(limits))
            parts = [problems]
            found = (_perturb_part(part, chosen, seeds, runner) for part in parts)
        else:
            executor = stack.enter_context(processes(workers))
            names = [operator.name for operator in chosen]
            jobs = [executor.submit(_perturb_apart, part, names, seeds, limits) for part in parts]
            found = (job.result() for job in jobs)
        for part, (variants, counts) in zip(parts, found, strict=True):
            granted += variants
            for row in counts:
                yields[row.operator] = yields[row.operator] + row if row.operator in yields else row
            advance(len(part))
            interrupts.settle()
    place = {operator.name: number for number, operator in enumerate(chosen)}
    granted.sort(key=lambda variant: place[variant.operator])
    nominal = [
        _variant(problem, None, 0, Draft(problem.prompt, problem.entry_point))
        for problem in problems
    ]
    return PerturbResult(variants=nominal + granted, yields=list(yields.values()))


@contextmanager
def gold_sandbox(limits: Limits) -> Iterator[GoldRunner]:
    """Run gold programs in one sandbox, which is started when the first one comes."""
    with ExitStack() as stack:
        pools: list[Pool] = []

        def run(jobs: list[Job]) -> Iterable[Outcome]:
            if not jobs:
                return []
            if not pools:
                pools.append(stack.enter_context(Pool(limits, workers=1)))
            return pools[0].run(jobs)

        yield run


def _perturb_apart(
    problems: Sequence[Problem], names: Sequence[str], seeds: Sequence[int], limits: Limits
) -> tuple[list[Variant], list[Yield]]:
    """Do one part in this process."""
    with gold_sandbox(limits) as run_gold:
        return _perturb_part(problems, [get_operator(name) for name in names], seeds, run_gold)


def _perturb_part(
    problems: Sequence[Problem],
    operators: Sequence[Operator],
    seeds: Sequence[int],
    run_gold: GoldRunner,
) -> tuple[list[Variant], list[Yield]]:
    """Return the variants by operator, problem and seed, and what each operator yielded."""
    wishes = [
        _Wish(problem, operator, seed, generator_for(problem.task_id, operator.name, seed))
        for operator in operators
        for problem in problems
        for seed in (seeds if operator.random else seeds[:1])
    ]
    verdicts: dict[str, Outcome] = {}
    drawn: _Drawn = defaultdict(dict)
    while waiting := [wish for wish in wishes if wish.open]:
        _grant(waiting, run_gold, verdicts, drawn)
    granted = [wish.variant for wish in wishes if wish.variant is not None]
    return granted, [_count(op, [w for w in wishes if w.operator is op]) for op in operators]


def perturb_prompt(problem: Problem, operator_name: str, seed: int) -> Draft | None:
    """Return a perturbed prompt that passes the static checks; None if none was found.

    For training: nothing is executed, so the problem needs no tests.

    Raises: UnknownNameError for an unknown operator.
    """
    return draw(problem, get_operator(operator_name), seed, MAX_ATTEMPTS)


def _with_controls(operators: Sequence[str | Operator]) -> list[Operator]:
    """Return the operators, each once, every control before its first user."""
    chosen: dict[str, Operator] = {}
    for each in operators:
        operator = get_operator(each) if isinstance(each, str) else each
        if operator.control in OPERATORS:
            chosen.setdefault(operator.control, OPERATORS[operator.control])
        chosen.setdefault(operator.name, operator)
    return list(chosen.values())


def _grant(
    wishes: list[_Wish], run_gold: GoldRunner, verdicts: dict[str, Outcome], drawn: "_Drawn"
) -> None:
    """Draw one draft for each wish; keep those that pass all checks, gold run included."""
    ready: list[tuple[_Wish, Draft, Checks, Job]] = []
    for wish in wishes:
        draft = None
        if wish.operator.perturbs(wish.problem.language):
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
    if new:
        verdicts.update((outcome.key, outcome) for outcome in run_gold(list(new.values())))
    for wish, draft, checks, job in ready:
        outcome = verdicts.get(job.key)
        if outcome is None or outcome.status == "harness_error":
            wish.refusals["unchecked"] += 1
        elif not outcome.passed:
            wish.refusals["gold_break"] += 1
        elif wish.attempts < MAX_ATTEMPTS and _is_repeated(wish, draft, drawn):
            wish.refusals["repeated"] += 1
        else:
            seeds = drawn[wish.problem.task_id, wish.operator.name]
            seeds.setdefault((draft.prompt, draft.entry_point), wish.seed)
            wish.variant = _variant(wish.problem, wish.operator, wish.seed, draft, checks)


_Drawn = dict[tuple[str, str], dict[tuple[str, str], int]]
"""Task and operator to the prompts (with entry points) that were let in, and their seeds."""


def _is_repeated(wish: _Wish, draft: Draft, drawn: _Drawn) -> bool:
    """Return whether a lower seed has this prompt; repeats are what `null` is for."""
    if not wish.operator.random or wish.operator.family == "null":
        return False
    seeds = drawn[wish.problem.task_id, wish.operator.name]
    return seeds.get((draft.prompt, draft.entry_point), wish.seed) < wish.seed


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
    python = problem.language == "python"
    shared = plain_code(program) if python and "__doc__" not in program else program
    return Job(
        key=content_key("gold", problem.task_id, shared, draft.entry_point, problem.test),
        task_id=problem.task_id,
        program=program,
        entry_point=draft.entry_point,
        prompt=problem.prompt if python else "",
        reference=problem.canonical_solution if python else "",
        test=problem.test,
        language=problem.language,
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
        canonical_solution=problem.canonical_solution if draft.gold is None else draft.gold,
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
        repeated=refusals["repeated"],
        distinct=len({(row.task_id, row.prompt, row.entry_point) for row in variants}),
        mean_edit_distance=sum(distances) / len(distances) if distances else None,
    )


@dataclass(frozen=True)
class Composed:
    """A certified variant that several operators made together."""

    variant: Variant
    steps: tuple[Step, ...]


def certify_compositions(
    wanted: Sequence[tuple[Problem, Sequence[Step]]],
    seed: int,
    run_gold: GoldRunner = run_in_sandbox,
) -> list[Composed]:
    """Return the variants that pass every check, in order; the others are left out.

    Each step was checked against the prompt that it was given; the whole is compared with the
    published prompt, and its gold program is run. `seed` is what the row says.
    """
    ready = []
    for problem, steps in wanted:
        draft = apply_steps(problem, steps)
        if draft is None:
            continue
        same = (draft.prompt, draft.entry_point) == (problem.prompt, problem.entry_point)
        if not same or all(step.operator == "null" for step in steps):
            ready.append((problem, tuple(steps), draft, _gold_job(problem, draft)))
    jobs = {job.key: job for *_, job in ready}
    passed = {outcome.key: outcome.passed for outcome in run_gold(list(jobs.values()))}
    checks = Checks(True, True, True, True)
    return [
        Composed(_variant(problem, _composed_operator(steps), seed, draft, checks), steps)
        for problem, steps, draft, job in ready
        if passed.get(job.key)
    ]


def _composed_operator(steps: Sequence[Step]) -> Operator:
    """Return a label for several operators: their names, and the family that they share."""
    parts = [get_operator(step.operator) for step in steps]
    families = {part.family for part in parts}
    family: Family = families.pop() if len(families) == 1 else "combined"
    control = next((part.control for part in parts if part.control != "nominal"), "nominal")
    name = "+".join(part.name for part in parts)
    return Operator(name, family, parts[0].apply, "own", True, 1.0, control)
