"""Answers to problems, from a run folder or a sample file, ready to be written for other tools.

    answers = answers_of(Path("runs/demo"), model="teacher")

An answer to a perturbed prompt may define the function under another name; in Python it is bound to
the name that the tests call, in a last line. In other languages such answers are refused.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overproof.errors import DataError, UsageError
from overproof.interchange.runs import is_run, read_run
from overproof.records import Problem, Sample
from overproof.sandbox.jobs import Limits
from overproof.scoring import read_submissions
from overproof.suites import load_suites


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One program for one problem."""

    problem: Problem
    program: str
    """The whole program, as it is executed; empty if the model wrote no code."""


def answers_of(
    path: Path,
    problems: Sequence[Problem] = (),
    *,
    model: str = "",
    operator: str = "nominal",
    form: str = "",
) -> list[Answer]:
    """Return the answers in a run folder, or in a file or folder of samples.

    Of a run folder, those of one model to the prompts of one operator; its recipe names the
    problems unless `problems` are given. Of a file, those rows that name no other model and
    operator.

    Raises: UsageError if the run has several models and none is named, or nothing is left; what
    reading raises.
    """
    if is_run(path):
        found = _of_run(path, problems, model, operator)
    else:
        found = _of_file(path, problems or load_suites(["humaneval"]), model, operator, form)
    if not found:
        raise UsageError(
            f"{path}: no answer {f'of {model} ' if model else ''}to prompts of {operator!r}",
            hint="--model and --operator choose among what it holds",
        )
    return found


def by_task(answers: Iterable[Answer]) -> dict[str, list[Answer]]:
    """Return the answers under their task_ids, in the order in which they came."""
    found: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        found[answer.problem.task_id].append(answer)
    return dict(found)


def _of_run(path: Path, problems: Sequence[Problem], model: str, operator: str) -> list[Answer]:
    run = read_run(path, problems)
    model = run.only_model(model)
    entry_points = {variant.key: variant.entry_point for variant in run.variants}
    chosen = [row for row in run.samples if row.model == model and row.operator == operator]
    tasks = {problem.task_id: problem for problem in run.problems}
    return [
        Answer(
            problem=tasks[row.task_id],
            program=_bound(row.solution, tasks[row.task_id], entry_points[row.variant]),
        )
        for row in sorted(chosen, key=_place)
        if row.task_id in tasks
    ]


def _place(row: Sample) -> int:
    return row.sample_index


def _of_file(
    path: Path, problems: Sequence[Problem], model: str, operator: str, form: str
) -> list[Answer]:
    tasks = {problem.task_id: problem for problem in problems}

    def keep(fields: dict[str, Any]) -> bool:
        named = {"model": model, "operator": operator}
        return all(not value or fields.get(name, value) == value for name, value in named.items())

    found = read_submissions(path, tasks, Limits(), form, keep)
    return [
        Answer(
            problem=tasks[row.task_id],
            program=_bound(row.program, tasks[row.task_id], row.entry_point),
        )
        for row in found
    ]


def _bound(program: str, problem: Problem, entry_point: str) -> str:
    """Return the program with its function under the problem's name. Raises: DataError."""
    name = problem.entry_point
    if not program or not entry_point or entry_point == name or problem.cases:
        return program
    if problem.language != "python":
        raise DataError(
            f"{problem.task_id}: the answer calls it {entry_point!r}, the tests {name!r}",
            hint="answers to renamed prompts go to other tools in Python only",
        )
    return f"{program.rstrip()}\n\n\n{name} = {entry_point}\n"
