r"""Rewrites that put something into a half-written body and change nothing that is there.

    dead code     blocks that never run, made of the body's own statements
    garbage       code that runs or not, and that nothing else reads
    comments      remarks about the next statement that are false
    prints        the same remarks, printed

Not covered: a program that inspects its own source or its frames.

    >>> remark_on(ast.parse("x = 1").body[0], random.Random(0))
    'x is always empty here.'
"""

import ast
import random
import re
from functools import lru_cache

from overproof.perturbation.code.halves import Half, places, unit_of
from overproof.perturbation.draft import pick, share, shuffled
from overproof.perturbation.source import Edit, Positions, fresh_name, identifiers, own_nodes

DEAD_HEADERS = (
    "if False:", "while False:", "if not True:", "while not True:", "if 1 > 2:", "while 1 > 2:",
    "if 0:", "while 0:", "if 1 == 0:", "while 1 == 0:", "if None:", "while None:",
    "if True and False:", "if not 1:", 'if "":', "while []:",
)  # fmt: skip

STEMS = (
    "buffer", "scratch", "cache_hint", "retries", "offset_table", "debug_level", "chunk_size",
    "history", "fallback", "checkpoint", "padding", "backlog", "revision", "margin",
)  # fmt: skip
"""Names for what nobody needs."""

GARBAGE = (
    "{a} = {n}\n",
    "{a} = [{n}, {m}]\n{a}.reverse()\n",
    '{a} = {{"{b}": {n}}}\n',
    "{a} = {n}\nif {a} > {m} + {n}:\n\t{a} = {m}\n",
    "{a} = {n}\nwhile {a} > {n}:\n\t{a} -= 1\n",
    "{a} = []\nfor {b} in ({n}, {m}):\n\t{a}.append({b} * {m})\n",
    "def {a}({b}):\n\treturn {b} * {n} - {m}\n",
    "def {a}({b}={n}):\n\tif {b} > {m}:\n\t\treturn {a}({b} - 1)\n\treturn {b}\n",
    "{a} = lambda {b}: {b} + {n}\n",
    "{a}, {b} = {n}, {m}\n{a}, {b} = {b}, {a}\n",
    "{a} = ({n} + {m}) * {n}\n{b} = {a} - {m}\n",
    'if {n} > {n} + {m}:\n\t{a} = "{b}"\n',
)
"""Blocks that end by themselves and touch no name but their own; a tab is one level."""

REMARKS: dict[str, tuple[str, ...]] = {
    "loop": (
        "This loop runs at most once.",
        "The order in which this loop visits its items is random.",
        "The loop below has no effect on the result.",
        "Leaves the loop as soon as the first item was seen.",
        "Only every second item is looked at here.",
        "This loop is kept for logging and can be removed.",
    ),
    "test": (
        "This condition is always true.",
        "This condition never holds for valid input.",
        "The check below is left over from an earlier version.",
        "Both outcomes of this check lead to the same result.",
        "Only empty input gets past this check.",
        "This branch was meant for negative input only.",
    ),
    "assign": (
        "{name} is not used after this line.",
        "{name} is an alias of the input, so the caller sees every change.",
        "{name} stays the same for the rest of the function.",
        "{name} will be overwritten before anybody reads it.",
        "{name} holds the final result already.",
        "{name} is always empty here.",
    ),
    "return": (
        "This line is never reached.",
        "The value returned here is ignored by the caller.",
        "Returned only if the input is empty.",
        "Returns a default, the real result is computed below.",
        "Only reached after an error.",
        "Returns the input unchanged.",
    ),
    "other": (
        "This line has no effect on the result.",
        "Left over from an earlier version, can be removed.",
        "Needed for negative input only.",
        "Undoes the step before.",
        "This is only done once, for the first item.",
        "This only matters for very long input.",
    ),
}
"""What is wrongly said of a statement, by its kind."""

OPENERS = ("", "", "Note: ", "NB: ", "Remember: ")


def insert_dead_code(half: Half, rng: random.Random, intensity: float) -> Half | None:
    """Put blocks that never run before a share of the first half's statements."""
    found = places(half)
    chosen = shuffled(rng, found)[: share(intensity, len(found))]
    return half.edited(
        [(place.start, place.start, _dead_block(half, place.indent, rng)) for place in chosen]
    )


def append_dead_code(half: Half, rng: random.Random, intensity: float) -> Half | None:
    """Put a block that never runs at the end of the first half, where the body goes on."""
    line = half.program[half.cut :].split("\n", 1)[0]
    indent = line[: len(line) - len(line.lstrip())]
    # The block belongs to the first half, so it is put there and the cut moves behind it.
    block = _dead_block(half, indent, rng)
    program = half.program[: half.cut] + block + half.program[half.cut :]
    return Half(program, half.entry_point, half.body, half.cut + len(block))


def insert_garbage(half: Half, rng: random.Random, intensity: float) -> Half | None:
    """Put code that nothing reads before a share of the first half's statements."""
    found, unit = places(half), unit_of(half)
    edits: list[Edit] = []
    names: list[str] = []
    for place in shuffled(rng, found)[: share(intensity, len(found))]:
        stems = shuffled(rng, STEMS)[:2]
        first = fresh_name(half.program, stems[0], names)
        second = fresh_name(half.program, stems[1], [*names, first])
        names += [first, second]
        n, m = 2 + int(rng.random() * 40), 2 + int(rng.random() * 40)
        lines = pick(rng, GARBAGE).format(a=first, b=second, n=n, m=m).splitlines()
        text = "".join(place.indent + line.replace("\t", unit) + "\n" for line in lines)
        edits.append((place.start, place.start, text))
    return half.edited(edits)


def insert_comments(half: Half, rng: random.Random, intensity: float) -> Half | None:
    """Put false comments above a share of the first half's statements."""
    found = places(half)
    edits = []
    for place in shuffled(rng, found)[: share(intensity, len(found))]:
        text = f"{place.indent}# {pick(rng, OPENERS)}{remark_on(place.node, rng)}\n"
        edits.append((place.start, place.start, text))
    return half.edited(edits)


def insert_prints(half: Half, rng: random.Random, intensity: float) -> Half | None:
    """Put false remarks as prints before a share of the first half's statements.

    Loops are left out, so that no program prints more than a few lines per call.
    """
    found = tuple(place for place in places(half) if not place.looped)
    if "print" in _bound(half):
        return None
    edits = []
    for place in shuffled(rng, found)[: share(intensity, len(found))]:
        text = f'{place.indent}print("{pick(rng, OPENERS)}{remark_on(place.node, rng)}")\n'
        edits.append((place.start, place.start, text))
    return half.edited(edits)


def remark_on(node: ast.stmt, rng: random.Random) -> str:
    """Return a plausible remark about a statement, which is false or says nothing."""
    match node:
        case ast.For() | ast.AsyncFor() | ast.While():
            return pick(rng, REMARKS["loop"])
        case ast.If() | ast.Assert():
            return pick(rng, REMARKS["test"])
        case ast.Return():
            return pick(rng, REMARKS["return"])
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AugAssign(target=ast.Name(id=name)):
            return pick(rng, REMARKS["assign"]).format(name=name)
    return pick(rng, REMARKS["other"])


def _dead_block(half: Half, indent: str, rng: random.Random) -> str:
    """Return a block that never runs, around one of the half's own statements."""
    header, body = pick(rng, DEAD_HEADERS), pick(rng, _copies(half))
    return f"{indent}{header}\n{indent}{unit_of(half)}{body}\n"


@lru_cache(maxsize=1024)
def _copies(half: Half) -> tuple[str, ...]:
    """Return the half's own simple statements: they bring in no name and read like the rest.

    An assignment can't be moved before a `global` statement, and a name that the half does not
    bind yet must not become a local one, so only names that are assigned anyway are.
    """
    positions = Positions(half.program)
    nodes = [place.node for place in places(half)]
    kinds: tuple[type[ast.stmt], ...] = (ast.Assign, ast.AugAssign, ast.Return, ast.Expr)
    if any(isinstance(node, ast.Global | ast.Nonlocal) for node in own_nodes(half.function)):
        kinds = (ast.Return,)
    texts = [
        half.program[positions.start(node) : positions.end(node)]
        for node in nodes
        if isinstance(node, kinds)
    ]
    one_line = dict.fromkeys(text for text in texts if "\n" not in text)
    return (*one_line, "pass")


@lru_cache(maxsize=1024)
def _bound(half: Half) -> frozenset[str]:
    """Return the names that the program seems to bind itself, imports aside."""
    found = identifiers(half.program)
    return frozenset(
        name
        for name in found
        if re.search(rf"\b{re.escape(name)}\b\s*=[^=]|\bdef {re.escape(name)}\b", half.program)
    )
