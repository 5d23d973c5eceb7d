r"""Rewrites that rename variables of a half-written body, on both sides of its cut.

A name is renamed wherever it stands for a variable, f-strings included; every new name is one
that the program does not contain, so nothing can be captured. Kept are parameters (the prompt
has fixed them), imports, functions, `global` and `nonlocal` names, names of builtins and of the
module, names in class bodies, and names that an f-string prints (`{x=}`).

Not covered: a program that looks up its own variables by name (`locals`, `eval`).

    >>> half = Half("def f(n):\n  m = n\n  m = -m\n  return m\n", "f", 10, 18)
    >>> list(variables(half)), rename_naive(half, random.Random(0), 1.0).partial
    (['m'], '  VAR_0 = n\n')
"""

# ruff: noqa: N802 (the tree calls methods by the names of its nodes)

import ast
import builtins
import keyword
import random
import re
import string
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from overproof.perturbation.code.halves import Half
from overproof.perturbation.code.naming import other_names
from overproof.perturbation.draft import pick, shuffled
from overproof.perturbation.source import Edit, Positions, find_function, fresh_name, parse

Span = tuple[int, int]


def rename_all(half: Half, rng: random.Random, intensity: float) -> Half | None:
    """Call the variables var_0, var_1 … in the order in which they are bound."""
    new: dict[str, str] = {}
    for name in variables(half):
        new[name] = fresh_name(half.program, f"var_{len(new)}")
    return _renamed(half, new)


def rename_naive(half: Half, rng: random.Random, intensity: float) -> Half | None:
    """Call the most frequent variable VAR_0."""
    return _renamed(half, {name: fresh_name(half.program, "VAR_0") for name in _frequent(half)})


def rename_random(half: Half, rng: random.Random, intensity: float) -> Half | None:
    """Call the most frequent variable by a random name, half letters and half digits."""
    for name in _frequent(half):
        size = max(4, min(len(name), 12))
        letters = [pick(rng, string.ascii_letters) for _ in range(size - size // 2)]
        digits = [pick(rng, string.digits) for _ in range(size // 2)]
        mixed = [letters[0], *shuffled(rng, [*letters[1:], *digits])]
        return _renamed(half, {name: fresh_name(half.program, "".join(mixed))})
    return None


@lru_cache(maxsize=1024)
def rename_natural(half: Half) -> Half | None:
    """Call the most frequent variable as somebody else might have called it."""
    used = {*re.findall(r"\w+", half.program), *vars(builtins), *keyword.kwlist}
    for name in _frequent(half):
        for new in other_names(name, half):
            if new not in used:
                return _renamed(half, {name: new})
    return None


@lru_cache(maxsize=1024)
def variables(half: Half) -> dict[str, tuple[Span, ...]]:
    """Return every place of each variable that the first half binds, in the order of binding.

    The result is shared: don't change it.
    """
    function = half.function
    positions = Positions(half.program)
    stored = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    starts = sorted((positions.start(node), node.id) for node in stored)
    bound = dict.fromkeys(name for start, name in starts if half.body <= start < half.cut)
    fixed = _fixed(half)
    wanted = [name for name in bound if name not in fixed]
    if not wanted:
        return {}
    found = _spans(half.program)
    start, end = positions.start(function.body[0]), positions.end(function)
    return {
        name: spans
        for name in wanted
        if (spans := tuple(span for span in found.get(name, ()) if start <= span[0] < end))
    }


def _fixed(half: Half) -> set[str]:
    """Return the names that can't be renamed."""
    fixed = {"_", *vars(builtins)}
    for node in ast.walk(half.function):
        match node:
            case ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                fixed.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                fixed.add(name)
            case ast.ClassDef(name=name):
                fixed.add(name)
                fixed.update(part.id for part in ast.walk(node) if isinstance(part, ast.Name))
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                fixed.add(name)
            case ast.MatchMapping(rest=str(name)):
                fixed.add(name)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                fixed.update(names)
            case ast.alias(name=name, asname=alias):
                fixed.update((alias or name).split("."))
    tree = parse(half.program)
    for outer in tree.body if tree else []:
        if outer is not find_function(tree, half.entry_point):
            fixed.update(node.id for node in ast.walk(outer) if isinstance(node, ast.Name))
            fixed.add(str(getattr(outer, "name", "_")))
    return fixed


class _Names(cst.CSTVisitor):
    """Collects the nodes that name variables: no attributes, no keywords of calls."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[cst.Name] = []
        self.shown: set[str] = set()

    def visit_Name(self, node: cst.Name) -> None:
        self.found.append(node)

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        node.value.visit(self)
        return False

    def visit_Arg(self, node: cst.Arg) -> bool:
        node.value.visit(self)
        return False

    def visit_FormattedStringExpression(self, node: cst.FormattedStringExpression) -> None:
        if node.equal is not None:
            inner = _Names()
            node.expression.visit(inner)
            self.shown |= {name.value for name in inner.found}


@lru_cache(maxsize=1024)
def _spans(program: str) -> Mapping[str, tuple[Span, ...]]:
    """Return where each variable name stands in a program; none for what f-strings print."""
    try:
        wrapper = MetadataWrapper(cst.parse_module(program), unsafe_skip_copy=True)
    except cst.ParserSyntaxError:
        return {}
    ranges = wrapper.resolve(PositionProvider)
    visitor = _Names()
    wrapper.module.visit(visitor)
    lines = Positions(program).starts
    spans: defaultdict[str, list[Span]] = defaultdict(list)
    for node in visitor.found:
        start = ranges[node].start
        offset = lines[start.line - 1] + start.column
        assert program.startswith(node.value, offset), "the tree knows where its names are"
        if node.value not in visitor.shown:
            spans[node.value].append((offset, offset + len(node.value)))
    return {name: tuple(found) for name, found in spans.items()}


def _frequent(half: Half) -> tuple[str, ...]:
    """Return the variable with the most mentions, the first bound of equals; none if there is."""
    found = variables(half)
    best = max(found, key=lambda name: len(found[name]), default=None)
    return () if best is None else (best,)


def _renamed(half: Half, new: Mapping[str, str]) -> Half | None:
    """Return the half with variables renamed; None if there are none."""
    places = variables(half)
    edits: list[Edit] = [(*span, new[name]) for name in new for span in places[name]]
    return half.edited(edits) if edits else None
