r"""Operators on code that is already half written: the prompt goes on into the body.

Their fair nominal is `half_body`, the same half-written prompt without any change: a half-written
body helps a model by itself. All edits are text edits at places found by `ast`, so indentation,
comments and trailing white space stay, and `gold` is the rest of the (consistently changed) body.

Not covered: bodies of one statement (40 of HumanEval's 164) have no half; such problems are
counted as not applicable.

    >>> from overproof.records import Problem
    >>> problem = Problem(
    ...     task_id="t", prompt='def f(x):\n    "Add 1."\n', entry_point="f",
    ...     canonical_solution="    y = x + 1\n    return y\n", test="",
    ... )
    >>> half_body(problem, random.Random(0), 1.0).partial
    '    y = x + 1\n'
"""

import ast
import random
import re
from dataclasses import dataclass
from functools import lru_cache

from overproof.perturb.draft import Draft, Operator, pick, share, shuffled
from overproof.perturb.source import (
    Edit,
    Function,
    Positions,
    apply_edits,
    find_function,
    fresh_name,
    own_nodes,
    parse,
)
from overproof.records import Problem

DEAD_HEADERS = ("if False:", "while False:", "if not True:", "if 1 > 2:")


@dataclass(frozen=True)
class Halved:
    """A program, and where its entry function's body is cut in two."""

    program: str
    function: Function
    positions: Positions
    body: int
    """Offset at which the prompt ends and the body begins."""
    cut: int
    """Offset of the line at which the second half begins."""

    def statements(self) -> list[ast.stmt]:
        """Return the first half's statements that begin a line and can have one put before."""
        return [node for node in _statements(self) if self.positions.start(node) < self.cut]

    def text(self, node: ast.stmt | ast.expr) -> str:
        """Return a node's source."""
        return self.program[self.positions.start(node) : self.positions.end(node)]


def half_body(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Begin the body, change nothing: the control of the `code` family."""
    halved = halve(problem)
    return _edited(problem, halved, []) if halved else None


def dead_code(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Insert blocks that never run before a share of the half-written body's statements."""
    halved = halve(problem)
    if halved is None:
        return None
    nodes = halved.statements()
    # The half's own assignments: they bring in no new name and read like their neighbours. They
    # can't be moved before a `global` statement, though.
    simple = [node for node in nodes if isinstance(node, ast.Assign | ast.AugAssign)]
    if any(isinstance(node, ast.Global | ast.Nonlocal) for node in own_nodes(halved.function)):
        simple = []
    copies = [text for node in simple if "\n" not in (text := halved.text(node))]
    unit = halved.positions.indent(halved.function.body[-1]) or "    "
    edits: list[Edit] = []
    for node in shuffled(rng, nodes)[: share(intensity, len(nodes))]:
        indent = halved.positions.indent(node) or ""
        header, body = pick(rng, DEAD_HEADERS), pick(rng, copies or ["pass"])
        start = halved.positions.line_start(node)
        edits.append((start, start, f"{indent}{header}\n{indent}{unit}{body}\n"))
    return _edited(problem, halved, edits)


def for_to_while(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Write every `for` loop of the half-written body as a `while` loop over what remains."""
    halved = halve(problem)
    edits: list[Edit] = []
    names: list[str] = []
    for node in halved.statements() if halved else ():
        if halved and isinstance(node, ast.For):
            name = fresh_name(halved.program, "remaining", names)
            edits += _while_loop(halved, node, name)
            names.append(name)
    return _edited(problem, halved, edits) if halved and edits else None


def _while_loop(halved: Halved, node: ast.For, name: str) -> list[Edit]:
    """Return the edits that turn one loop; none if its block is on the header's line."""
    positions = halved.positions
    body_indent = positions.indent(node.body[0])
    colon = re.compile(r"[\s)\\]*:").match(halved.program, positions.end(node.iter))
    if body_indent is None or colon is None:
        return []
    iterable = halved.text(node.iter)
    if isinstance(node.iter, ast.Tuple) and not iterable.startswith("("):
        iterable = f"({iterable})"
    indent = positions.indent(node)
    first = positions.line_start(node.body[0])
    header = f"{name} = list({iterable})\n{indent}while {name}:"
    return [
        (positions.start(node), colon.end(), header),
        (first, first, f"{body_indent}{halved.text(node.target)} = {name}.pop(0)\n"),
    ]


def rename_variables(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Give the variables of the half-written body names that say nothing."""
    halved = halve(problem)
    if halved is None:
        return None
    fixed = _fixed_names(halved.function)
    names = [node for node in ast.walk(halved.function) if isinstance(node, ast.Name)]
    names.sort(key=halved.positions.start)
    new: dict[str, str] = {}
    for node in names:
        begun = halved.body <= halved.positions.start(node) < halved.cut
        if begun and isinstance(node.ctx, ast.Store) and node.id not in fixed | new.keys():
            new[node.id] = fresh_name(halved.program, f"var_{len(new)}")
    edits = [
        (halved.positions.start(node), halved.positions.end(node), new[node.id])
        for node in names
        if node.id in new
    ]
    return _edited(problem, halved, edits) if edits else None


@lru_cache(maxsize=1024)
def halve(problem: Problem) -> Halved | None:
    """Cut a body before the statement that is nearest to its middle; None if there is none.

    The first half holds at least one statement and parses by itself; no line is split. Of two
    cuts that are equally near, the later one is taken: it more often shows a whole block.
    """
    program = problem.prompt + problem.canonical_solution
    tree = parse(program)
    function = find_function(tree, problem.entry_point)
    if function is None or parse(problem.prompt + "\n    pass\n") is None:
        return None
    whole = Halved(program, function, Positions(program), len(problem.prompt), len(program))
    cuts = [whole.positions.line_start(node) for node in _statements(whole)][1:]
    middle = problem.canonical_solution.rstrip().count("\n") / 2 + 0.5

    def distance(cut: int) -> tuple[float, int]:
        return abs(program.count("\n", whole.body, cut) - middle), -cut

    for cut in sorted(set(cuts), key=distance):
        if parse(program[:cut]) is not None:
            return Halved(program, function, whole.positions, whole.body, cut)
    return None


def _statements(halved: Halved) -> list[ast.stmt]:
    """Return the body's statements, outside nested functions, that begin a line."""
    positions = halved.positions
    return [
        node
        for node in own_nodes(halved.function)
        if isinstance(node, ast.stmt)
        and positions.start(node) >= halved.body
        and positions.indent(node)
        and not halved.program.startswith("elif", positions.start(node))
    ]


def _edited(problem: Problem, halved: Halved, edits: list[Edit]) -> Draft:
    """Return the draft whose body has the edits on both sides of the cut."""
    first = [edit for edit in edits if edit[0] < halved.cut]
    second = [(a - halved.cut, b - halved.cut, new) for a, b, new in edits if a >= halved.cut]
    prompt = apply_edits(halved.program[: halved.cut], first)
    partial = prompt[halved.body :]
    gold = apply_edits(halved.program[halved.cut :], second)
    return Draft(prompt, problem.entry_point, partial, gold)


def _fixed_names(function: Function) -> set[str]:
    """Return the names that can't be renamed safely: parameters, globals, imports, f-strings."""
    fixed = {"_"}
    for node in ast.walk(function):
        match node:
            case ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                fixed.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                fixed.add(name)
            case ast.AsyncFunctionDef(name=name) | ast.keyword(arg=str(name)):
                fixed.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                fixed.add(name)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                fixed.update(names)
            case ast.alias(name=name, asname=alias):
                fixed.update((alias or name).split("."))
            case ast.JoinedStr():
                # Before Python 3.12 the tree gives no true positions inside f-strings.
                fixed.update(part.id for part in ast.walk(node) if isinstance(part, ast.Name))
    return fixed


OPERATORS = (
    Operator("half_body", "code", half_body, "ReCode", False, 0.0),
    Operator("dead_code", "code", dead_code, "ReCode", True, 0.25, "half_body"),
    Operator("for_to_while", "code", for_to_while, "ReCode", False, 1.0, "half_body"),
    Operator("rename_variables", "code", rename_variables, "ReCode", False, 1.0, "half_body"),
)
