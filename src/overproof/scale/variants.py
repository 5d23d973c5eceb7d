"""Certified variants in pieces: two tasks at a time, so that ranks can share them and none is lost.

    table = folder.table("variants", Piece)
    result = perturb_in_pieces(problems, operators, seeds, limits, table)

A piece is known by its problems, the operators, the seeds, the limits and the code that perturbs;
the result is that of `perturb_all` in one go. Translations of a task stay in one piece, whose
Python original is then drawn and proved once.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

import overproof
from overproof.perturbation import PerturbResult, Yield
from overproof.records import Problem, Variant, content_key
from overproof.sandbox import Limits
from overproof.store import Table
from overproof.suites.multicode.perturbing import TRANSLATED, perturb_all

TASKS = 2
"""In one piece."""
CODE = ("perturbation", "languages", "suites/multicode")
"""Folders whose code decides what a variant is."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """What became of some problems."""

    key: str
    variants: tuple[Variant, ...]
    yields: tuple[Yield, ...]


def perturb_in_pieces(
    problems: Sequence[Problem],
    operators: Sequence[str],
    seeds: Sequence[int],
    limits: Limits,
    table: Table[Piece],
) -> PerturbResult:
    """Return nominal rows and certified variants, in the order of `perturb_all`.

    Raises: as `perturb_all`; UnfinishedError from the table of a rank.
    """
    how = (list(operators), list(seeds), msgspec.to_builtins(limits), code_digest())

    def key(part: list[Problem]) -> str:
        return content_key("piece", msgspec.to_builtins(part), how)

    def work(parts: list[list[Problem]]) -> Iterator[Piece]:
        for part in parts:
            made = perturb_all(part, operators, seeds, limits=limits)
            yield Piece(key=key(part), variants=tuple(made.variants), yields=tuple(made.yields))

    return joined(problems, table.fill(cut(problems), key, work))


def cut(problems: Sequence[Problem]) -> list[list[Problem]]:
    """Return the problems in pieces: all languages of a task together.

    >>> tasks = ["b", "a", "c", "a"]
    >>> rows = [Problem(task_id=t, prompt="", entry_point="", canonical_solution="", test="")
    ...         for t in tasks]
    >>> [[row.task_id for row in part] for part in cut(rows)]
    [['b', 'a', 'a'], ['c']]
    """
    tasks: dict[str, list[Problem]] = {}
    for problem in problems:
        source = problem.source
        tasks.setdefault(source.task_id if source else problem.task_id, []).append(problem)
    groups = list(tasks.values())
    return [
        [problem for group in groups[start : start + TASKS] for problem in group]
        for start in range(0, len(groups), TASKS)
    ]


def joined(problems: Sequence[Problem], pieces: Sequence[Piece]) -> PerturbResult:
    """Return what the pieces say, as if all had been perturbed together."""
    yields: dict[str, Yield] = {}
    for piece in pieces:
        for row in piece.yields:
            known = yields.get(row.operator)
            yields[row.operator] = row if known is None else known + row
    operator_place = {name: number for number, name in enumerate(yields)}
    problem_place = {(p.suite, p.task_id): number for number, p in enumerate(problems)}
    foreign = {
        (p.suite, p.task_id) for p in problems if p.source is not None and p.language != "python"
    }

    def place(row: Variant) -> tuple[int, ...]:
        where = (row.suite, row.task_id)
        problem, operator = problem_place[where], operator_place.get(row.operator, -1)
        if row.operator == "nominal":
            return (0, where in foreign, problem)
        if where not in foreign:
            return (1, 0, operator, problem)
        if row.family in TRANSLATED:
            return (1, 1, problem, operator)
        return (1, 2, operator, problem)

    rows = [row for piece in pieces for row in piece.variants]
    return PerturbResult(variants=sorted(rows, key=place), yields=list(yields.values()))


@cache
def code_digest() -> str:
    """Return a hash of the code that perturbs: other code, other pieces."""
    root = Path(overproof.__file__).parent
    digest = hashlib.sha256()
    for folder in CODE:
        for file in sorted((root / folder).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
