"""Operators on the entry point's name, renamed everywhere at once and nowhere else.

A name is renamed where it is a name: in the code by its place in the syntax tree, in docstrings
and comments where it is called, quoted or announced ("the function add"). A name that cannot be
an English word (`fib4`, `sort_array`, `digitSum`) is renamed at every mention. So `f` is renamed
in neither `def` nor "of", and "Add two numbers" stays a sentence when `add` becomes `Add`.

Not covered: a program that looks up its own name at run time (the gold check refuses it).

    >>> convert_case("sort_array"), convert_case("digitSum"), convert_case("add")
    ('sortArray', 'digit_sum', 'Add')
"""

import ast
import builtins
import keyword
import random
import re

from overproof.perturb.draft import Draft, Operator, pick, share
from overproof.perturb.source import (
    Edit,
    Positions,
    apply_edits,
    find_function,
    identifiers,
    parse,
)
from overproof.perturb.text import neighbouring_key
from overproof.records import Problem

TRIES = 20
"""How many typos are tried before a name is given up as too short to vary."""


def camel_case(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Write the entry point in camelCase instead of snake_case, or the other way round."""
    return rename(problem, convert_case(problem.entry_point))


def typo_name(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Mistype a share of the letters of the entry point's name, everywhere alike."""
    for _ in range(TRIES):
        name = problem.entry_point
        for _ in range(share(intensity, len(name))):
            name = _mistyped(name, rng)
        draft = rename(problem, name)
        if draft is not None:
            return draft
    return None


def convert_case(name: str) -> str:
    """Return the name in the other convention; a single word changes its first letter's case."""
    core = name.lstrip("_")
    prefix = name[: len(name) - len(core)]
    if "_" in core.rstrip("_"):
        first, *others = core.split("_")
        return prefix + first + "".join(part[:1].upper() + part[1:] for part in others)
    if re.search(r"[a-z0-9][A-Z]", core):
        return prefix + re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", core).lower()
    return prefix + core[:1].swapcase() + core[1:]


def rename(problem: Problem, name: str) -> Draft | None:
    """Return the problem under another entry point; None if that name cannot be given.

    The name is refused if it is no identifier, a keyword or a builtin, or if the code or the
    description already uses it as a name.
    """
    old = problem.entry_point
    if name == old or not _is_free(problem, name):
        return None
    program = problem.prompt + problem.canonical_solution
    places = _places_in_code(program, old)
    if places is None:
        return None
    places |= {match.start() for match in mention_of(old).finditer(problem.prompt)}
    edits: list[Edit] = [(place, place + len(old), name) for place in sorted(places)]
    split = len(problem.prompt)
    gold = [(start - split, end - split, new) for start, end, new in edits if start >= split]
    return Draft(
        apply_edits(problem.prompt, [edit for edit in edits if edit[0] < split]),
        name,
        gold=apply_edits(problem.canonical_solution, gold),
    )


def mention_of(name: str) -> re.Pattern[str]:
    """Return the pattern that finds a function's name in docstrings, comments and code.

    >>> mention_of("add").sub("ADD", "add up, see add(2, 3), x.add(1) and `add`")
    'add up, see ADD(2, 3), x.add(1) and `ADD`'
    """
    word = rf"(?<![\w.]){re.escape(name)}(?!\w)"
    if re.search(r"[_\d]|[a-z][A-Z]", name):
        return re.compile(word)
    announced = "|".join(
        rf"(?<={before}){re.escape(name)}(?!\w)"
        for before in ("function ", "Function ", "function called ", "function named ", "method ")
    )
    return re.compile(rf"{word}(?=\()|(?<=`){re.escape(name)}(?=`)|{announced}")


def _is_free(problem: Problem, name: str) -> bool:
    """Return whether a function of this problem could be called so."""
    if not name.isidentifier() or keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return False
    used = identifiers(problem.prompt + problem.canonical_solution) | identifiers(problem.test)
    mentioned = mention_of(name).search(problem.prompt)
    return name not in used and mentioned is None and not hasattr(builtins, name)


def _places_in_code(program: str, name: str) -> set[int] | None:
    """Return the offsets of a function's name in the syntax tree; None if we can't be sure.

    f-strings are not looked into: older Pythons give no positions there.
    """
    tree = parse(program)
    if tree is None or find_function(tree, name) is None:
        return None
    positions = Positions(program)
    places = set()
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr() if any(
                isinstance(part, ast.Name) and part.id == name for part in ast.walk(node)
            ):
                return None
            case ast.Name(id=found) | ast.arg(arg=found) if found == name:
                places.add(positions.start(node))
            case ast.FunctionDef(name=found) | ast.AsyncFunctionDef(name=found) if found == name:
                start = positions.start(node)
                opening = re.match(r"(?:async\s+)?def\s+", program[start:])
                assert opening is not None, "a function begins with def"
                places.add(start + opening.end())
            case ast.Global(names=names) | ast.Nonlocal(names=names) if name in names:
                return None
            case ast.alias(name=found, asname=alias) if name in (found, alias):
                return None
    return places


def _mistyped(name: str, rng: random.Random) -> str:
    """Return the name with one slip: a neighbouring key, a swap, a letter lost or doubled."""
    index = int(rng.random() * len(name))
    letter, rest = name[index], name[index + 1 :]
    slip = pick(rng, ("key", "swap", "lose", "double"))
    if slip == "key" and letter.isascii() and letter.isalpha():
        return name[:index] + neighbouring_key(letter, rng) + rest
    if slip == "swap" and rest:
        return name[:index] + rest[0] + letter + rest[1:]
    if slip == "lose" and len(name) > 3:
        return name[:index] + rest
    return name[:index] + letter * 2 + rest


OPERATORS = (
    Operator("camel_case", "names", camel_case, "ReCode", False, 1.0),
    Operator("typo_name", "names", typo_name, "ReCode", True, 0.1),
)
