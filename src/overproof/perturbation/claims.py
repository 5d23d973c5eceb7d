r"""Perturbed prompts that another tool made, read from JSONL files.

Each line holds `task_id` and `prompt`, and may hold

    entry_point           the name that the tests call; the problem's own otherwise
    canonical_solution    what completes this prompt; the problem's own otherwise
    operator, seed        else read from a file name like `humaneval_SwapCharacters_s3.jsonl`
    family                else known from the operator: ours, or one of ReCode's
    partial               a half-written body (ours), or the whole program with ReCode's split mark

so that ReCode's data and our own variants are read as they are; other fields are ignored.
Not covered: the nominal prompt of half-written bodies that other tools made; they are compared
with the whole prompt.

    >>> problem = Problem(
    ...     task_id="t", prompt='def f(x):\n    "Add 1 to x."\n', entry_point="f",
    ...     canonical_solution="    return x + 1\n", test="",
    ... )
    >>> fields = {"task_id": "t", "prompt": 'def f(x):\n    "Ad 1 to x."\n'}
    >>> place = Place("mine_typos_s3.jsonl", 1)
    >>> claim = read_claim(fields, place, {"t": problem}, Counter())
    >>> claim.operator.name, claim.seed, claim.draft.gold
    ('typos', 3, '    return x + 1\n')
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from overproof.errors import RowError, nearest_names
from overproof.perturbation.certificate import control_draft
from overproof.perturbation.draft import Draft, Operator
from overproof.perturbation.operators import OPERATORS
from overproof.records import Family, Problem
from overproof.suites.read import read_lines

RECODE_FAMILIES: dict[Family, str] = {
    "text": "BackTranslation ButterFingersPerturbation ChangeCharCase EnglishInflectionalVariation"
    " SwapCharactersPerturbation SynonymInsertion SynonymSubstitution TenseTransformationFuture"
    " TenseTransformationPast WhitespacePerturbation",
    "names": "FuncRenameButterFinger FuncRenameCamelCase FuncRenameChangeChar"
    " FuncRenameInflectionalVariation FuncRenameSwapChar FuncRenameSynonymSub",
    "code": "DeadCodeInserter DeadCodeInserterLast ForWhileTransformer OperandSwap VarRenamerCB"
    " VarRenamerNaive VarRenamerRN",
    "layout": "doc2comments new_line_aftercode new_line_afterdoc new_lines split_lines tab_indent",
}
"""The operators of ReCode (arXiv 2212.10264) by the family that they are here."""

FOREIGN = {name: family for family, names in RECODE_FAMILIES.items() for name in names.split()}
SPLIT_MARK = re.compile(r"^[ \t]*# print\('@@this is the line to split##'\)$", re.MULTILINE)
FILE_NAME = re.compile(r"[^_]+_(?P<operator>.+)_s(?P<seed>\d+)\.jsonl(?:\.gz)?")


class Place(NamedTuple):
    """Where a line stands."""

    file: str
    line: int


@dataclass(frozen=True)
class Claim:
    """A perturbed prompt that is said to be valid."""

    place: Place
    problem: Problem
    operator: Operator
    seed: int
    draft: Draft
    nominal: str
    """The prompt that it was made from."""


def read_claims(files: Sequence[Path], problems: Sequence[Problem]) -> list[Claim]:
    """Return what the files hold, line by line.

    Raises: RowError for a bad line, an unknown task_id, or a prompt that was there before.
    """
    by_id = {problem.task_id: problem for problem in problems}
    seen: dict[tuple[str, str, int], Place] = {}
    claims = []
    for path in files:
        drawn: Counter[tuple[str, str]] = Counter()
        for number, fields in read_lines(path, "perturbed prompts"):
            claim = read_claim(fields, Place(str(path), number), by_id, drawn)
            key = (claim.problem.task_id, claim.operator.name, claim.seed)
            if key in seen:
                first = seen[key]
                raise RowError(
                    f"{path}:{number}: {key[0]} with {key[1]}, seed {key[2]}, is in "
                    f"{first.file}:{first.line} already",
                    hint="give each draw a seed of its own",
                )
            seen[key] = claim.place
            claims.append(claim)
    return claims


def read_claim(
    fields: Mapping[str, Any],
    place: Place,
    problems: Mapping[str, Problem],
    drawn: Counter[tuple[str, str]],
) -> Claim:
    """Return what one line says; `drawn` numbers the prompts of a file that tells no seeds.

    Raises: RowError.
    """
    where = f"{place.file}:{place.line}"
    task_id = _get(fields, "task_id", where, str, None)
    if task_id not in problems:
        near = nearest_names(task_id, problems)
        hint = f"did you mean {' or '.join(near)}?" if near else "name its suite or problems"
        raise RowError(f"{where}: no problem {task_id!r}", hint=hint)
    problem, name = problems[task_id], Path(place.file).name
    told = FILE_NAME.fullmatch(name)
    operator = _get(fields, "operator", where, str, told["operator"] if told else name)
    seed = _get(fields, "seed", where, int, int(told["seed"]) if told else drawn[task_id, operator])
    drawn[task_id, operator] += 1
    family = _get(fields, "family", where, str, "")
    draft = Draft(
        prompt=_get(fields, "prompt", where, str, None),
        entry_point=_get(fields, "entry_point", where, str, "") or problem.entry_point,
        partial=_get(fields, "partial", where, str, "") or "",
        gold=_get(fields, "canonical_solution", where, str, "") or problem.canonical_solution,
    )
    known = _operator(operator, family)
    return Claim(place, problem, known, seed, draft, _nominal(problem, draft, known))


def _get(fields: Mapping[str, Any], name: str, where: str, kind: type, default: Any) -> Any:
    """Return a field; null counts as missing, and without a default it must be there."""
    value = fields.get(name)
    value = default if value is None else value
    if isinstance(value, kind) and not isinstance(value, bool):
        return value
    got = "nothing" if value is None else type(value).__name__
    raise RowError(
        f"{where}: field {name!r}: got {got}, not {'a text' if kind is str else 'a whole number'}",
        hint="each line needs task_id and prompt; see overproof.perturbation.claims",
    )


def _operator(name: str, family: str) -> Operator:
    """Return our operator of that name, or a stand-in for a foreign one."""
    if name in OPERATORS:
        return OPERATORS[name]
    # Of an unknown family nothing is asked about the code. No control of ours fits either.
    kind: Any = family or FOREIGN.get(name, "")
    return Operator(name, kind, lambda problem, rng, intensity: None, "", True, 0.0, "theirs")


def _nominal(problem: Problem, draft: Draft, operator: Operator) -> str:
    """Return the prompt that a draft was made from."""
    mark = SPLIT_MARK.search(draft.partial)
    if mark is not None:
        return draft.partial[: mark.start()]
    return control_draft(problem, operator).prompt
