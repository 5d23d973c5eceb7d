"""The entry point under another name, everywhere at once and nowhere else; and slips in it.

A name is renamed where it is a name: in the code by its place in the syntax tree, in docstrings
and comments where it is called, quoted or announced ("the function add"). A name that cannot be
an English word (`fib4`, `sort_array`, `digitSum`) is renamed at every mention. So `f` is renamed
in neither `def` nor "of", and "Add two numbers" stays a sentence when `add` becomes `Add`.

Not covered: a program that looks up its own name at run time (the gold check refuses it). Names
that mean something else, or nothing, are made in `renaming.py`.

    >>> convert_case("sort_array"), convert_case("digitSum"), convert_case("add")
    ('sortArray', 'digit_sum', 'Add')
"""

import ast
import builtins
import keyword
import random
import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from overproof.perturbation.draft import Draft, Operator, pick, share, shuffled
from overproof.perturbation.source import (
    Edit,
    Positions,
    apply_edits,
    find_function,
    identifiers,
    parse,
)
from overproof.perturbation.text.prose import neighbouring_key
from overproof.records import Problem

TRIES = 20
"""How many typos are tried before a name is given up as too short to vary."""

FEWEST_LETTERS = 6
"""A name with fewer has too few letters to swap."""

LENGTHENINGS = (
    *("do_{}", "get_{}", "my_{}", "run_{}", "the_{}", "new_{}"),
    *("{}_func", "{}_value", "{}_result", "{}_of"),
)


def camel_case(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Write the entry point in camelCase instead of snake_case, or the other way round."""
    name = problem.entry_point
    if problem.language != "python":
        from overproof.perturbation.languages import renaming

        return renaming.rename_in(problem, renaming.convert_case(name, problem.language))
    # `fib4` becomes `Fib4`; where the description speaks of that already, `fib_4`.
    apart = re.sub(r"(?<=[A-Za-z])(?=\d)", "_", name)
    others = (convert_case(name), convert_case(apart), apart, name.upper(), f"{name}_")
    return next(filter(None, (rename(problem, other) for other in others)), None)


def typo_name(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Mistype a share of the letters of the entry point's name, everywhere alike."""
    return _slipped(problem, rng, intensity, _mistyped)


def name_keyboard_typo(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Hit a neighbouring key for a share of the letters of the entry point's name."""
    return _slipped(problem, rng, intensity, _mishit)


def name_swap_characters(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Swap neighbouring letters in the entry point's name; a very short one gets a word first."""
    words = shuffled(rng, LENGTHENINGS) if len(problem.entry_point) < FEWEST_LETTERS else ("{}",)
    stem = words[0].format(problem.entry_point)
    return _slipped(problem, rng, intensity, _swapped, stem)


def name_change_case(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Change capitals to small letters and back in the entry point's name."""
    for _ in range(TRIES):
        letters = list(problem.entry_point)
        places = [index for index, letter in enumerate(letters) if letter.isalpha()]
        for index in shuffled(rng, places)[: share(intensity, len(places))]:
            letters[index] = letters[index].swapcase()
        draft = rename(problem, "".join(letters))
        if draft is not None:
            return draft
    return None


def _slipped(
    problem: Problem,
    rng: random.Random,
    intensity: float,
    slip: Callable[[str, random.Random], str],
    stem: str = "",
) -> Draft | None:
    """Return the problem under its name (or `stem`) with a share of its letters mistaken."""
    for _ in range(TRIES):
        name = stem or problem.entry_point
        for _ in range(share(intensity, len(name))):
            name = slip(name, rng)
        # A slip that a second one takes back leaves the stem alone: no name of a typo.
        draft = rename(problem, name) if name != stem or not stem else None
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
    if problem.language != "python":
        from overproof.perturbation.languages import renaming  # it finds mentions of names as we do

        return renaming.rename_in(problem, name)
    old = problem.entry_point
    if name == old or not _is_free(problem, name):
        return None
    program = problem.prompt + problem.canonical_solution
    places = _places_in_code(program, old)
    if places is None:
        return None
    places |= {match.start() for match in mention_of(old).finditer(problem.prompt)}
    return renamed_at(problem, name, places)


def renamed_at(problem: Problem, name: str, places: Iterable[int]) -> Draft:
    """Return the problem with its entry point renamed at these offsets of prompt + solution."""
    length = len(problem.entry_point)
    edits: list[Edit] = [(place, place + length, name) for place in sorted(places)]
    split = len(problem.prompt)
    gold = [(start - split, end - split, new) for start, end, new in edits if start >= split]
    return Draft(
        apply_edits(problem.prompt, [edit for edit in edits if edit[0] < split]),
        name,
        gold=apply_edits(problem.canonical_solution, gold),
    )


@lru_cache(maxsize=4096)
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


@lru_cache(maxsize=1024)
def _places_in_code(program: str, name: str) -> frozenset[int] | None:
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
    return frozenset(places)


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


def _mishit(name: str, rng: random.Random) -> str:
    """Return the name with one letter replaced by its neighbour on the keyboard."""
    places = [i for i, letter in enumerate(name) if letter.isascii() and letter.isalpha()]
    if not places:
        return name
    index = pick(rng, places)
    return name[:index] + neighbouring_key(name[index], rng) + name[index + 1 :]


def _swapped(name: str, rng: random.Random) -> str:
    """Return the name with two neighbouring letters of a word swapped."""
    places = [i for i in range(len(name) - 1) if name[i] != name[i + 1]]
    inner = [i for i in places if name[i] != "_" != name[i + 1]]
    if not inner:
        return name
    index = pick(rng, inner)
    return name[:index] + name[index + 1] + name[index] + name[index + 2 :]


OPERATORS = (
    Operator("camel_case", "names", camel_case, "ReCode", False, 1.0),
    Operator("typo_name", "names", typo_name, "ReCode", True, 0.1),
    Operator("name_keyboard_typo", "names", name_keyboard_typo, "ReCode", True, 0.1),
    Operator("name_swap_characters", "names", name_swap_characters, "ReCode", True, 0.2),
    Operator("name_change_case", "names", name_change_case, "ReCode", True, 0.35),
)
