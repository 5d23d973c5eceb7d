r"""Check perturbed prompts that another tool made: which are valid, and what ails the others.

What a line may hold is said in `claims`. Problems of a prompt, by code:

    no_op                 identical to the nominal prompt (to the half-written one, where it is)
    unclosed_docstring    a string literal of the prompt never closes
    unparsable            prompt + gold does not compile for another reason
    mixed_indentation     … because of tabs here and spaces there; checked on with like indents
    code_changed          an operator on text, layout or framing changed the syntax tree
    code_unchanged        an operator on code did not
    examples_broken       a doctest, a line that calls the function, a number or a quoted text of
                          the description is lost
    examples_respaced     … is there, but for white space and line breaks
    entry_point_broken    not defined once, or the old name is defined too
    gold_break            prompt + gold fails the tests, in the sandbox
    unchecked             no gold body, or one that fails on the problem as it is, or the sandbox
                          itself failed
    repeated_seed         an earlier seed of the same operator gave the same bytes

Not covered: whether the sentence still reads well, or says the same; what else is wrong with a
prompt that does not parse. A test that calls the function by its old name passes here.

    >>> from overproof.perturbation.claims import Place, read_claim
    >>> problem = Problem(
    ...     task_id="t", prompt='def f(x):\n    "Add 1 to x."\n', entry_point="f",
    ...     canonical_solution="    return x + 1\n", test="",
    ... )
    >>> fields = {"task_id": "t", "prompt": 'def f(x):\n    "Add 1 to x.\n'}
    >>> claim = read_claim(fields, Place("mine_typos_s0.jsonl", 1), {"t": problem}, Counter())
    >>> check_claim(claim).problems
    ['unclosed_docstring']
"""

import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from overproof.perturbation.certificate import check_draft, gold_program
from overproof.perturbation.claims import Claim, read_claims
from overproof.perturbation.distance import edit_distance
from overproof.perturbation.docstring import description_of, literals, worked_examples
from overproof.perturbation.draft import Draft
from overproof.perturbation.source import compiles, plain_code
from overproof.perturbation.variants import GoldRunner, run_in_sandbox
from overproof.records import Outcome, Problem, content_key
from overproof.sandbox import Job

BREAKS_GOLD = ("unclosed_docstring", "unparsable", "mixed_indentation", "gold_break")
"""With any of these the gold body, as it stands, does not complete the prompt."""


@dataclass
class Checked:
    """A claim, what is wrong with it so far, and the gold run that is still to come."""

    claim: Claim
    problems: list[str] = field(default_factory=list)
    job: Job | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found about one line."""

    file: str
    line: int
    task_id: str
    operator: str
    seed: int
    problems: tuple[str, ...]
    """Codes, as listed at the top of this file; empty for a valid prompt."""
    edit_distance: int
    """Levenshtein distance to the nominal prompt, in characters."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What was found about one operator's prompts."""

    operator: str
    family: str
    """Empty where it is not known."""
    prompts: int
    tasks: int
    valid: int
    problems: dict[str, int]
    """How many prompts have each problem; a prompt may have several."""
    gold_fails: int
    """Prompts that their gold body does not complete: any of `BREAKS_GOLD`."""
    distinct: int
    """Distinct prompts per task, summed over the tasks."""
    mean_edit_distance: float
    """Characters, over all prompts, unchanged ones included."""


@dataclass(frozen=True, kw_only=True)
class Audit:
    """All lines in the order of the files, all operators in the order of their first line."""

    findings: list[Finding]
    summaries: list[Summary]

    def as_lines(self) -> Iterator[str]:
        """Yield a table for a terminal; all but `prompts`, `distinct` and `edits` in per cent."""
        columns = ("no_op", "code_unchanged", "unclosed_docstring", "examples_broken")
        heads = ("no-op", "same code", "unclosed", "examples")
        yield (
            f"{'operator':<32}{'prompts':>8}{'valid':>8}"
            + "".join(f"{head:>11}" for head in heads)
            + f"{'gold fails':>12}{'distinct':>10}{'edits':>8}"
        )
        for row in self.summaries:
            shares = [row.valid, *(row.problems.get(name, 0) for name in columns), row.gold_fails]
            valid, *middle, gold = [100 * count / row.prompts for count in shares]
            yield (
                f"{row.operator:<32}{row.prompts:>8}{valid:>8.1f}"
                + "".join(f"{value:>11.1f}" for value in middle)
                + f"{gold:>12.1f}{row.distinct / row.tasks:>10.2f}{row.mean_edit_distance:>8.1f}"
            )
            others = {name: n for name, n in row.problems.items() if name not in columns}
            if others:
                counts = ", ".join(f"{name} {others[name]}" for name in sorted(others))
                yield f"  {counts}"
        sound = sum(row.valid for row in self.summaries)
        yield f"{sound} of {len(self.findings)} prompts are valid"


def audit(
    files: Sequence[Path], problems: Sequence[Problem], *, run_gold: GoldRunner = run_in_sandbox
) -> Audit:
    """Return what is wrong with the perturbed prompts in `files`, line by line and by operator.

    Programs that differ in docstrings, comments and layout only are executed once, all in one
    call of `run_gold`.

    Raises: RowError with file and line for a line that is not understood; what `read_lines` does.
    """
    checked = [check_claim(claim) for claim in read_claims(files, problems)]
    _run_gold(checked, run_gold)
    _find_repeats(checked)
    findings = [
        Finding(
            file=item.claim.place.file,
            line=item.claim.place.line,
            task_id=item.claim.problem.task_id,
            operator=item.claim.operator.name,
            seed=item.claim.seed,
            problems=tuple(item.problems),
            edit_distance=edit_distance(item.claim.nominal, item.claim.draft.prompt),
        )
        for item in checked
    ]
    return Audit(findings=findings, summaries=_summarise(checked, findings))


def check_claim(claim: Claim) -> Checked:
    """Return what is wrong with one prompt as far as it shows without execution."""
    problem, draft, family = claim.problem, claim.draft, claim.operator.family
    checked = Checked(claim)
    changed = (draft.prompt, draft.entry_point) != (claim.nominal, problem.entry_point)
    if not changed and family not in ("null", "nominal"):
        checked.problems.append("no_op")
    error = _syntax_error(gold_program(problem, draft))
    if error is not None and not compiles(problem.prompt + problem.canonical_solution):
        checked.problems.append("unchecked")
        return checked
    if error is not None:
        draft = _indented_alike(problem, draft)
        if draft is claim.draft or _syntax_error(gold_program(problem, draft)) is not None:
            checked.problems.append(_name_of(error, claim))
            return checked
        checked.problems.append("mixed_indentation")
    checks = check_draft(problem, draft, claim.operator)
    code = plain_code(gold_program(problem, draft))
    same = code == plain_code(problem.prompt + problem.canonical_solution)
    there = not checks.examples_intact and _are_examples_there(problem, draft)
    named = {
        "code_changed": not same and family in ("text", "layout", "prompt", "null", "nominal"),
        # What only begins the body (our `half_body`) is itself compared with the whole prompt.
        "code_unchanged": same
        and changed
        and family == "code"
        and claim.operator.control != "nominal",
        "examples_broken": not checks.examples_intact and not there,
        "examples_respaced": there,
        "entry_point_broken": not checks.entry_point_intact,
        "unchecked": not (draft.gold or "").strip(),
    }
    checked.problems += [name for name, wrong in named.items() if wrong]
    if not named["unchecked"]:
        checked.job = _gold_job(problem, draft)
    return checked


def _gold_job(problem: Problem, draft: Draft) -> Job:
    """Return the run of a draft's gold program; programs that do the same get the same key."""
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


def _are_examples_there(problem: Problem, draft: Draft) -> bool:
    """Return whether nothing of the examples is lost, white space outside quotes aside."""
    old, new = problem.entry_point, draft.entry_point
    before = description_of(problem.prompt, old, problem.canonical_solution)
    after = description_of(draft.prompt, new, draft.gold or "")
    if old != new:
        after = re.sub(rf"(?<!\w){re.escape(new)}(?!\w)", lambda _: old, after)
    wanted, found = literals(before), literals(after)
    numbers = [text for text in wanted if text[0].isdigit()]
    quoted = Counter(text for text in wanted if not text[0].isdigit())
    lines = Counter(map(_squeezed, worked_examples(before, old)))
    squeezed = _squeezed(after)
    return (
        numbers == [text for text in found if text[0].isdigit()]
        and all(after.count(text) >= count for text, count in quoted.items())
        and all(squeezed.count(line) >= count for line, count in lines.items())
    )


def _squeezed(text: str) -> str:
    """Return the text without the white space that no quotes hold."""
    return re.sub(r"('[^'\n]*'|\"[^\"\n]*\")|\s+", lambda found: found[1] or "", text)


def _syntax_error(program: str) -> Exception | None:
    """Return why a program does not compile; None if it does."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(program, "<claim>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return error
    return None


def _name_of(error: Exception, claim: Claim) -> str:
    """Return `unclosed_docstring` if a literal that begins in the prompt has no end."""
    lines = claim.draft.prompt.count("\n") + 1
    unterminated = isinstance(error, SyntaxError) and str(error.msg).startswith("unterminated")
    within = isinstance(error, SyntaxError) and (error.lineno or 0) <= lines
    return "unclosed_docstring" if unterminated and within else "unparsable"


def _indented_alike(problem: Problem, draft: Draft) -> Draft:
    """Return the draft with its gold body indented like its prompt; itself if it is already."""
    here = re.search(r"^def\b.*\n(?:[ \t]*\n)*([ \t]+)\S", draft.prompt, re.MULTILINE)
    there = re.search(r"^([ \t]+)\S", problem.canonical_solution, re.MULTILINE)
    if here is None or there is None or here[1] == there[1] or not draft.gold:
        return draft
    new, old = here[1], there[1]
    gold = re.sub(
        rf"^(?:{old})+", lambda found: new * (len(found[0]) // len(old)), draft.gold, flags=re.M
    )
    return replace(draft, gold=gold)


def _run_gold(checked: Iterable[Checked], run_gold: GoldRunner) -> None:
    """Execute the gold programs, each distinct one once, and name those that fail.

    The problem's own is among them: where it fails, nothing is learnt about a variant.
    """
    waiting = []
    for item in checked:
        if item.job is not None:
            problem = item.claim.problem
            own = _gold_job(problem, Draft(problem.prompt, problem.entry_point))
            waiting.append((item, item.job, own))
    jobs = {job.key: job for _, *both in waiting for job in both}
    verdicts: dict[str, Outcome] = {each.key: each for each in run_gold(list(jobs.values()))}
    for item, job, own in waiting:
        outcome, nominal = verdicts.get(job.key), verdicts.get(own.key)
        if outcome is None or nominal is None or outcome.status == "harness_error":
            item.problems.append("unchecked")
        elif not outcome.passed:
            item.problems.append("gold_break" if nominal.passed else "unchecked")


def _find_repeats(checked: Iterable[Checked]) -> None:
    """Name the prompts that an earlier seed gave already; those that are no-ops have a name."""
    seen: set[tuple[str, str, str, str]] = set()
    for item in checked:
        claim = item.claim
        if claim.operator.family in ("null", "nominal") or "no_op" in item.problems:
            continue
        key = (*_slot(claim), claim.draft.prompt, claim.draft.entry_point)
        if key in seen:
            item.problems.append("repeated_seed")
        seen.add(key)


def _slot(claim: Claim) -> tuple[str, str]:
    return claim.operator.name, claim.problem.task_id


def _summarise(checked: Sequence[Checked], findings: Sequence[Finding]) -> list[Summary]:
    """Return the counts of each operator."""
    groups: dict[str, list[int]] = defaultdict(list)
    for number, finding in enumerate(findings):
        groups[finding.operator].append(number)
    summaries = []
    for name, numbers in groups.items():
        rows = [findings[number] for number in numbers]
        claims = [checked[number].claim for number in numbers]
        prompts = {(*_slot(each), each.draft.prompt, each.draft.entry_point) for each in claims}
        summaries.append(
            Summary(
                operator=name,
                family=claims[0].operator.family,
                prompts=len(rows),
                tasks=len({row.task_id for row in rows}),
                valid=sum(not row.problems for row in rows),
                problems=dict(sorted(Counter(p for row in rows for p in row.problems).items())),
                gold_fails=sum(any(p in BREAKS_GOLD for p in row.problems) for row in rows),
                distinct=len(prompts),
                mean_edit_distance=sum(row.edit_distance for row in rows) / len(rows),
            )
        )
    return summaries
