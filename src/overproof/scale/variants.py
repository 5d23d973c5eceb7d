"""Certified variants in pieces: two tasks at a time, so that ranks can share them and none is lost.

    table = folder.table("variants", Piece)
    result = perturb_in_pieces(problems, operators, seeds, limits, table)

A piece is known by its problems, the operators, the seeds, the limits and the code that perturbs;
the result is that of `perturb_all` in one go. Translations of a task stay in one piece, whose
Python original is then drawn and proved once. A run that shares nothing draws all in one go, and
notes in `drawn.json` what it drew, so that its next start reads it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

import overproof
from overproof.perturbation import PerturbResult, Yield, get_operator
from overproof.records import Problem, Variant, content_key
from overproof.sandbox import Limits
from overproof.store import RunFolder, Table, write_atomically
from overproof.suites.multicode.perturbing import TRANSLATED, perturb_all

TASKS = 2
"""In one piece."""
DRAWN = "drawn.json"
CODE = ("perturbation", "languages", "suites/multicode")
"""Folders whose code decides what a variant is."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """What became of some problems."""

    key: str
    variants: tuple[Variant, ...]
    yields: tuple[Yield, ...]


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What a run drew in one go: drawn.json."""

    made_of: str
    """Hash of all that decides it."""
    keys: tuple[str, ...]
    """Of the variants, nominal rows included, in their order."""
    yields: tuple[Yield, ...]


def perturb_once(
    problems: Sequence[Problem],
    operators: Sequence[str],
    seeds: Sequence[int],
    limits: Limits,
    folder: RunFolder,
    workers: int,
) -> PerturbResult:
    """Return what `perturb_all` does, from the folder's rows if it has done so before.

    Operators of other packages are drawn on every start: their code may have changed.
    Raises: as `perturb_all`; StorageError.
    """
    made_of = content_key(
        "drawn", msgspec.to_builtins(list(problems)), _how(operators, seeds, limits)
    )
    table = folder.table("variants", Variant)
    ours = all(_is_ours(name) for name in operators)
    drawn = _read(folder.path / DRAWN) if ours else None
    if drawn and drawn.made_of == made_of and all(key in table for key in drawn.keys):
        return PerturbResult(variants=[table[key] for key in drawn.keys], yields=list(drawn.yields))
    result = perturb_all(problems, operators, seeds, limits=limits, workers=workers)
    table.append(result.variants)
    if ours:
        keys = tuple(row.key for row in result.variants)
        note = Drawn(made_of=made_of, keys=keys, yields=tuple(result.yields))
        write_atomically(folder.path / DRAWN, msgspec.json.encode(note) + b"\n")
    return result


def _read(path: Path) -> Drawn | None:
    """Return the note, or None where there is none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Drawn)
    except (OSError, msgspec.DecodeError):
        return None


def _is_ours(name: str) -> bool:
    apply = get_operator(name).apply
    module = getattr(apply, "func", apply).__module__  # the function of a partial
    return str(module).partition(".")[0] == overproof.__name__


def _how(operators: Sequence[str], seeds: Sequence[int], limits: Limits) -> tuple[Any, ...]:
    return list(operators), list(seeds), msgspec.to_builtins(limits), code_digest()


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
    how = _how(operators, seeds, limits)

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
