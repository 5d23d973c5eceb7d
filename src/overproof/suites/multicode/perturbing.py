"""Perturbed prompts of translated problems, certified where their certificate can be checked.

What changes prose, names or what stands around the function is done to the Python prompt, where
the canonical solution proves it, and written anew in the language: the same variant everywhere,
its name in the language's style. What only changes the layout is done to the translated prompt by
its grammar: its code is the same to the last token, so whatever solves the one solves the other.

Not covered: half-written bodies (there is no body to halve), the layout of Python's own text.
"""

import dataclasses
from collections.abc import Iterable, Sequence

from overproof.engines.foreign import closing
from overproof.languages import load_language
from overproof.perturbation import PerturbResult, Yield, get_operator, perturb
from overproof.perturbation.distance import edit_distance
from overproof.perturbation.draft import Operator
from overproof.records import Outcome, Problem, Variant, content_key
from overproof.sandbox import Job, Limits
from overproof.suites.multicode.translate import translate

TRANSLATED = ("null", "text", "names", "prompt", "combined")
"""Families that are applied in Python and then translated."""


def perturb_all(
    problems: Sequence[Problem],
    operators: Sequence[str | Operator],
    seeds: Sequence[int],
    *,
    limits: Limits | None = None,
    workers: int = 1,
) -> PerturbResult:
    """Return nominal rows and certified variants of these problems, whatever their languages.

    Raises: as `perturb`.
    """
    native = [problem for problem in problems if _is_native(problem)]
    foreign = [problem for problem in problems if not _is_native(problem)]
    if not foreign:
        return perturb(problems, operators, seeds, limits=limits, workers=workers)
    known = [get_operator(each) if isinstance(each, str) else each for each in operators]
    usable = [each for each in known if each.control == "nominal" or each.family == "null"]
    before = [each.name for each in usable if each.family in TRANSLATED]
    after = [each.name for each in usable if each.family == "layout"]
    results = [perturb(native, operators, seeds, limits=limits, workers=workers)] if native else []
    sources = {problem.source.task_id: _source_of(problem) for problem in foreign if problem.source}
    made = perturb(list(sources.values()), before, seeds, limits=limits, workers=workers)
    results.append(_translated(foreign, sources, made))
    stubs = [_with_stub(problem) for problem in foreign]
    laid_out = perturb(stubs, after, seeds, run_gold=_trust)
    rows = [row for row in laid_out.variants if row.operator != "nominal"]
    bare = [dataclasses.replace(row, canonical_solution="") for row in rows]
    results.append(PerturbResult(variants=bare, yields=laid_out.yields))
    return _joined(results)


def _is_native(problem: Problem) -> bool:
    return problem.source is None or problem.language == "python"


def _source_of(problem: Problem) -> Problem:
    source = problem.source
    assert source is not None, "only translated problems come here"
    return Problem(
        task_id=source.task_id,
        prompt=source.prompt,
        entry_point=source.entry_point,
        canonical_solution=source.canonical_solution,
        test=problem.test,
    )


def _translated(
    problems: Sequence[Problem], sources: dict[str, Problem], made: PerturbResult
) -> PerturbResult:
    """Return each variant of the Python problem in the languages that this problem is here in."""
    by_task: dict[str, list[Variant]] = {}
    for row in made.variants:
        by_task.setdefault(row.task_id, []).append(row)
    variants: list[Variant] = []
    for problem in problems:
        assert problem.source is not None, "only translated problems come here"
        source = sources[problem.source.task_id]
        language = load_language(problem.language)
        for row in by_task.get(source.task_id, []):
            task = translate(source, language, row.prompt, row.entry_point)
            same = (task.prompt, task.entry_point) == (problem.prompt, problem.entry_point)
            if same and row.family not in ("nominal", "null"):
                continue  # it changed what no translation carries over
            variants.append(_row(problem, row, task.prompt, task.entry_point))
    return PerturbResult(variants=variants, yields=made.yields)


def _row(problem: Problem, row: Variant, prompt: str, entry_point: str) -> Variant:
    certificate = row.certificate
    if certificate is not None:
        distance = edit_distance(problem.prompt, prompt)
        certificate = dataclasses.replace(certificate, edit_distance=distance)
    return dataclasses.replace(
        row,
        key=content_key(
            "variant", problem.task_id, problem.suite, row.operator, row.seed, prompt, entry_point
        ),
        task_id=problem.task_id,
        suite=problem.suite,
        language=problem.language,
        prompt=prompt,
        entry_point=entry_point,
        canonical_solution="",
        certificate=certificate,
    )


def _with_stub(problem: Problem) -> Problem:
    """Return the problem with an empty body, so that the grammar has a whole program to read."""
    return dataclasses.replace(
        problem, canonical_solution=closing(problem.prompt, load_language(problem.language))
    )


def _trust(jobs: list[Job]) -> Iterable[Outcome]:
    """Pass what the grammar has found to be the same code; there is no solution to run."""
    return [Outcome(key=job.key, task_id=job.task_id, status="passed") for job in jobs]


def _joined(results: Sequence[PerturbResult]) -> PerturbResult:
    yields: dict[str, Yield] = {}
    for result in results:
        for row in result.yields:
            known = yields.get(row.operator)
            yields[row.operator] = row if known is None else known + row
    variants = [row for result in results for row in result.variants]
    nominal = [row for row in variants if row.operator == "nominal"]
    others = [row for row in variants if row.operator != "nominal"]
    return PerturbResult(variants=nominal + others, yields=list(yields.values()))
