"""What both sides have: the same task, the same prompt, the same number of sample.

    shared = pair(first, second)
    shared.variants, shared.rows, shared.warnings

Only that is compared; the rest is counted by kind. A prompt is the same if its key is, which is a
hash of it; where one side is a file of verdicts the published prompt of a task is taken for the
same. A sample that could not be judged on either side is left out on both.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from overproof.compare.sides import Cell, Side
from overproof.errors import UsageError
from overproof.records import EXCLUDED, Outcome, Problem, Sample, Source, Variant

A, B = "A", "B"
MULTICODE = "multicode:"


@dataclass(frozen=True, kw_only=True)
class Shared:
    """The rows that both have, under the names A and B, and what was left out."""

    problems: list[Problem]
    """Tasks, with their source where there is one, so that languages pair."""
    variants: list[Variant]
    samples: list[Sample]
    outcomes: list[Outcome]
    counts: dict[str, dict[str, int]]
    """Tasks, prompts and samples: in both, and in one only."""
    warnings: list[str]

    @property
    def fewest(self) -> int:
        """The number of samples that every compared task has on its published prompt."""
        per_task: dict[str, int] = {}
        nominal = {row.key for row in self.variants if row.operator == "nominal"}
        for sample in self.samples:
            if sample.model == A and sample.variant in nominal:
                per_task[sample.task_id] = per_task.get(sample.task_id, 0) + 1
        return min(per_task.values(), default=0)


def pair(first: Side, second: Side) -> Shared:
    """Return what both sides have been asked and judged on.

    Raises: UsageError if they share no task.
    """
    loose = first.scored or second.scored
    one, two = _keyed(first, loose), _keyed(second, loose)
    cells = [cell for cell in one.outcomes if cell in two.outcomes]
    judged = [
        cell
        for cell in cells
        if one.outcomes[cell].status not in EXCLUDED and two.outcomes[cell].status not in EXCLUDED
    ]
    keys = dict.fromkeys(key for key, _ in judged)
    variants = [_of_either(key, one, two) for key in keys]
    tasks = {variant.task_id for variant in variants if variant.operator == "nominal"}
    counts = _counts(one, two, tasks=len(tasks), executed=len(cells), judged=len(judged))
    if not tasks:
        raise UsageError(
            f"no task that both have a verdict on: {_words(counts['tasks'])}",
            hint=_why_none(one, two),
        )
    chosen = [cell for cell in judged if _of_either(cell[0], one, two).task_id in tasks]
    return Shared(
        problems=[_problem(variant) for variant in variants if variant.operator == "nominal"],
        variants=[variant for variant in variants if variant.task_id in tasks],
        samples=[
            _named(side, name, cell) for name, side in ((A, one), (B, two)) for cell in chosen
        ],
        outcomes=[
            replace(side.outcomes[cell], key=f"{name}:{side.samples[cell].key}")
            for name, side in ((A, one), (B, two))
            for cell in chosen
        ],
        counts=counts,
        warnings=[*_differences(first, second, loose), *_left_out(one, two, counts)],
    )


def _counts(
    one: Side, two: Side, *, tasks: int, executed: int, judged: int
) -> dict[str, dict[str, int]]:
    """Return how much each has, how much both, and how much of that is compared."""
    counts = {
        "tasks": _count(_tasks(one), _tasks(two)),
        "prompts": _count({key for key, _ in one.samples}, {key for key, _ in two.samples}),
        "samples": _count(set(one.samples), set(two.samples)),
    }
    counts["tasks"]["compared"] = tasks
    counts["samples"] |= {
        "compared": judged,
        "not_judged": executed - judged,
        "not_executed": counts["samples"]["both"] - executed,
    }
    return counts


def _keyed(side: Side, loose: bool) -> Side:
    """Return the side with its published prompts under the names of their tasks, if asked."""
    if side.scored or not loose:
        return side
    names = {key: row.task_id for key, row in side.variants.items() if row.operator == "nominal"}

    def moved(cell: Cell) -> Cell:
        return names.get(cell[0], cell[0]), cell[1]

    return replace(
        side,
        variants={
            names.get(key, key): replace(row, key=names.get(key, key))
            for key, row in side.variants.items()
        },
        samples={
            moved(cell): replace(row, variant=moved(cell)[0]) for cell, row in side.samples.items()
        },
        outcomes={moved(cell): row for cell, row in side.outcomes.items()},
    )


def _of_either(key: str, one: Side, two: Side) -> Variant:
    """Return the variant, of the side that knows its prompt and its suite."""
    sides = [one, two] if two.scored else [two, one]
    found = [side.variants[key] for side in sides if key in side.variants]
    return next((variant for variant in found if variant.prompt), found[0])


def _named(side: Side, name: str, cell: Cell) -> Sample:
    sample = side.samples[cell]
    return replace(sample, key=f"{name}:{sample.key}", model=name)


def _problem(variant: Variant) -> Problem:
    source = None
    if variant.suite.startswith(MULTICODE):
        number = variant.task_id.rpartition("/")[2]
        source = Source(
            task_id=f"HumanEval/{number}", prompt="", entry_point="", canonical_solution=""
        )
    return Problem(
        task_id=variant.task_id,
        prompt=variant.prompt,
        entry_point=variant.entry_point,
        canonical_solution="",
        test="",
        suite=variant.suite,
        language=variant.language,
        source=source,
    )


def _tasks(side: Side) -> set[str]:
    return {sample.task_id for sample in side.samples.values()}


def _count(one: set[str] | set[Cell], two: set[str] | set[Cell]) -> dict[str, int]:
    both = len(set(one) & set(two))
    return {"both": both, "only_a": len(one) - both, "only_b": len(two) - both}


def _words(counts: Mapping[str, int]) -> str:
    both, only_a, only_b = (counts[name] for name in ("both", "only_a", "only_b"))
    return f"{both:,} in both, {only_a:,} only in A, {only_b:,} only in B"


def _why_none(one: Side, two: Side) -> str:
    """Say what the two were asked instead."""
    suites = [
        ", ".join(sorted({row.suite for row in side.variants.values()})) for side in (one, two)
    ]
    if suites[0] != suites[1]:
        return f"A is about {suites[0]}, B about {suites[1]}"
    if _tasks(one) & _tasks(two):
        return "the tasks have the same names, but were asked with other prompts, or not judged yet"
    return "compare runs of the same suite, and of the same problems of it"


def _differences(first: Side, second: Side, loose: bool) -> Iterable[str]:
    """Yield in words what else differs between the two than the model."""
    for note in dict.fromkeys((*first.notes, *second.notes)):
        names = [name for name, side in ((A, first), (B, second)) if note in side.notes]
        yield f"{' and '.join(names)}: {note}"
    if loose:
        yield (
            "a file of verdicts has no prompts: the published prompt of a task is taken for the "
            "same, perturbed ones are left out"
        )
    if loose and first.scored != second.scored:
        yield "one side was run here, the other was made elsewhere: engine and sampling may differ"
    for key, one in first.setup.items():
        two = second.setup.get(key, one)
        if one != two:
            why = ": the difference is that of the engines as well" if key == "engine" else ""
            yield f"{key} differs: {one} in A, {two} in B{why}"
    if first.sha256 and first.sha256 == second.sha256:
        yield "A and B are the same weights, by their SHA-256"
    if first.seen != second.seen and not loose:
        yield "operators that either has seen in training count as seen for both"


def _left_out(one: Side, two: Side, counts: Mapping[str, Mapping[str, int]]) -> Iterable[str]:
    """Yield in words what only one of the two has."""
    said = ""
    for kind, found in counts.items():
        if (found["only_a"] or found["only_b"]) and _words(found) != said:
            said = _words(found)
            yield f"{kind}: {said}; only those in both are compared"
    asked = [[side.variants[key] for key, _ in side.samples] for side in (one, two)]
    for what in ("suite", "operator"):
        one_has, two_has = ({str(getattr(row, what)) for row in rows} for rows in asked)
        for name, own, other in ((A, one_has, two_has), (B, two_has, one_has)):
            if missing := sorted(own - other):
                shown = ", ".join(missing[:8]) + (" …" if len(missing) > 8 else "")
                yield f"{what}s only in {name}: {shown}"
    tasks = [
        {(row.task_id) for row in side.variants.values() if row.operator == "nominal"}
        for side in (one, two)
    ]
    if unlike := len(tasks[0] & tasks[1]) - counts["tasks"]["compared"]:
        yield (
            f"{unlike} tasks have the same name in both and are not compared: asked with other "
            "published prompts, or without a verdict on one side"
        )
    samples = counts["samples"]
    if samples["not_executed"]:
        yield f"{samples['not_executed']} answers of both are not executed yet on a side"
    if samples["not_judged"]:
        yield f"{samples['not_judged']} samples could not be judged on a side, and are left out"
