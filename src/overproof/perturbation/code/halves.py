r"""A body that is half written: where it is cut, and how it is changed on both sides of the cut.

Operators on code work on a `Half`. A rewrite is a function from a half to a changed half, or None
where it finds nothing, so several can be chained. What it does not touch keeps its bytes, and so
does the prompt before the body.

Not covered: bodies of one statement (40 of HumanEval's 164) have no half.

    >>> from overproof.records import Problem
    >>> problem = Problem(
    ...     task_id="t", prompt='def f(x):\n    "Add 1."\n', entry_point="f",
    ...     canonical_solution="    y = x + 1\n    return y\n", test="",
    ... )
    >>> halve(problem).partial
    '    y = x + 1\n'
"""

import ast
import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

import libcst as cst

from overproof.perturbation.draft import Draft
from overproof.perturbation.source import (
    Edit,
    Function,
    Positions,
    apply_edits,
    find_function,
    own_nodes,
    parse,
)
from overproof.records import Problem

BODY_MARK = "# overproof: the body begins"
CUT_MARK = "# overproof: the second half begins"
MARKS = re.compile(rf"^[ \t]*(?:{BODY_MARK}|{CUT_MARK})\n", re.MULTILINE)
"""Comments that travel with the statement below them while a tree is rewritten."""


@dataclass(frozen=True)
class Half:
    """A program, and where its entry function's body begins and is cut in two."""

    program: str
    entry_point: str
    body: int
    """Offset at which the prompt ends and the body begins."""
    cut: int
    """Offset of the line at which the second half begins."""

    @property
    def partial(self) -> str:
        """The half-written body."""
        return self.program[self.body : self.cut]

    @property
    def function(self) -> Function:
        """The entry function's syntax tree; it is shared: don't change it."""
        function = find_function(parse(self.program), self.entry_point)
        assert function is not None, "a half has an entry function"
        return function

    def edited(self, edits: Iterable[Edit]) -> "Half":
        """Return the half with edits made on either side of its cut."""
        first, second = [], []
        for start, end, new in edits:
            if start < self.cut:
                first.append((start, end, new))
            else:
                second.append((start - self.cut, end - self.cut, new))
        begun = apply_edits(self.program[: self.cut], first)
        rest = apply_edits(self.program[self.cut :], second)
        return Half(begun + rest, self.entry_point, self.body, len(begun))


Rewrite = Callable[[Half, random.Random, float], Half | None]
"""Change a half; None where there is nothing that could be changed."""


@dataclass(frozen=True)
class Place:
    """A statement that begins a line, so that one can be put before it."""

    node: ast.stmt
    start: int
    """Offset of its first line, decorators included."""
    indent: str
    looped: bool
    """Whether a loop may run it many times."""


@lru_cache(maxsize=1024)
def halve(problem: Problem) -> Half | None:
    """Cut a body before the statement that is nearest to its middle; None if there is none.

    The first half holds at least one statement and parses by itself; no line is split. Of two
    cuts that are equally near, the later one is taken: it more often shows a whole block.
    """
    program = problem.prompt + problem.canonical_solution
    function = find_function(parse(program), problem.entry_point)
    if function is None or parse(problem.prompt + "\n    pass\n") is None:
        return None
    whole = Half(program, problem.entry_point, len(problem.prompt), len(program))
    cuts = [place.start for place in places(whole)][1:]
    middle = problem.canonical_solution.rstrip().count("\n") / 2 + 0.5

    def distance(cut: int) -> tuple[float, int]:
        return abs(program.count("\n", whole.body, cut) - middle), -cut

    for cut in sorted(set(cuts), key=distance):
        if parse(program[:cut]) is not None:
            return Half(program, problem.entry_point, whole.body, cut)
    return None


@lru_cache(maxsize=4096)
def places(half: Half) -> tuple[Place, ...]:
    """Return the first half's statements that begin a line, outside nested functions."""
    positions = Positions(half.program)
    nodes = list(own_nodes(half.function))
    loops = [node for node in nodes if isinstance(node, ast.For | ast.AsyncFor | ast.While)]
    looped = {id(inner) for loop in loops for inner in ast.walk(loop) if inner is not loop}
    found = []
    for node in nodes:
        if not isinstance(node, ast.stmt):
            continue
        start, indent = positions.start(node), positions.indent(node)
        begun = half.body <= start < half.cut and not half.program.startswith("elif", start)
        if begun and indent:
            found.append(Place(node, positions.line_start(node), indent, id(node) in looped))
    return tuple(found)


@lru_cache(maxsize=1024)
def unit_of(half: Half) -> str:
    """Return one level of the entry function's indentation."""
    return Positions(half.program).indent(half.function.body[-1]) or "    "


def rewritten(
    problem: Problem, rng: random.Random, intensity: float, rewrite: Rewrite
) -> Draft | None:
    """Return the half-written prompt after one rewrite; None if there is nothing to rewrite."""
    half = halve(problem)
    changed = rewrite(half, rng, intensity) if half else None
    return draft_of(changed) if changed else None


def draft_of(half: Half) -> Draft:
    """Return the half as a prompt, with the rest of the body as what completes it."""
    rest = half.program[half.cut :]
    return Draft(half.program[: half.cut], half.entry_point, half.partial, rest)


@lru_cache(maxsize=1024)
def marked_tree(half: Half) -> cst.Module | None:
    """Return the lossless tree of a half with a comment at its body and one at its cut."""
    first, function = places(half)[:1], half.function
    cut = [node for node in ast.walk(function) if isinstance(node, ast.stmt)]
    positions = Positions(half.program)
    second = [node for node in cut if positions.line_start(node) == half.cut]
    if not first or not second:
        return None
    edits = [
        (first[0].start, first[0].start, f"{first[0].indent}{BODY_MARK}\n"),
        (half.cut, half.cut, f"{positions.indent(second[0]) or ''}{CUT_MARK}\n"),
    ]
    try:
        return cst.parse_module(apply_edits(half.program, edits))
    except cst.ParserSyntaxError:
        return None


class Rewriter(cst.CSTTransformer):
    """Rewrites what begins in the first half and leaves the rest of the program alone.

    A `leave_*` method is called for nodes of the first half only. `self.whole` tells it whether
    the node also ends there.
    """

    def __init__(self, half: Half) -> None:
        """Start before the body of a half."""
        super().__init__()
        self.half = half
        self.part = 0
        self.begun: list[bool] = []

    @property
    def whole(self) -> bool:
        """Whether the walk has not yet come to the second half."""
        return self.part == 1

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Note in which part of the program the node begins."""
        if isinstance(node, cst.SimpleStatementLine | cst.BaseCompoundStatement):
            for line in getattr(node, "leading_lines", ()):
                if line.comment and line.comment.value in (BODY_MARK, CUT_MARK):
                    self.part = 1 if line.comment.value == BODY_MARK else 2
        self.begun.append(self.part == 1)
        return super().on_visit(node)

    def on_leave(
        self, original_node: cst.CSTNodeT, updated_node: cst.CSTNodeT
    ) -> cst.CSTNodeT | cst.RemovalSentinel | cst.FlattenSentinel[cst.CSTNodeT]:
        """Rewrite the node if it began in the first half."""
        if self.begun.pop():
            return super().on_leave(original_node, updated_node)
        return updated_node


def rewrite_tree(half: Half, rewriter: Rewriter) -> Half | None:
    """Return the half after a walk over its tree; None if it is still the same, or broken."""
    tree = marked_tree(half)
    if tree is None:
        return None
    before, first, second = MARKS.split(tree.visit(rewriter).code)
    program = before + first + second
    if program == half.program or parse(program) is None:
        return None
    assert program.startswith(half.program[: half.body]), "the prompt keeps its bytes"
    return Half(program, half.entry_point, half.body, len(before + first))
