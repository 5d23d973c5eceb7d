r"""Operators on layout: the same code and the same words, set differently.

Apart from the docstring, the syntax tree stays what it was; the certificate checks it.

    >>> from overproof.records import Problem
    >>> problem = Problem(
    ...     task_id="t", prompt='def f(x):\n    "Add 1."\n', entry_point="f",
    ...     canonical_solution="    return x + 1\n", test="",
    ... )
    >>> print(docstring_to_comments(problem, random.Random(0), 1.0).prompt)
    def f(x):
        # Add 1.
    <BLANKLINE>
"""

import ast
import random
from collections.abc import Iterator

from overproof.perturb.docstring import Docstring, find_docstring, prose_words
from overproof.perturb.draft import Draft, Operator, pick, share, shuffled
from overproof.perturb.source import Positions, apply_edits, find_function, parse
from overproof.records import Problem


def blank_lines(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Insert one or two blank lines at a share of the places where they mean nothing."""
    gaps = sorted(set(_gaps(problem)))
    chosen = shuffled(rng, gaps)[: share(intensity, len(gaps))]
    if not chosen:
        return None
    prompt = apply_edits(problem.prompt, [(gap, gap, pick(rng, ("\n", "\n\n"))) for gap in chosen])
    return Draft(prompt, problem.entry_point)


def tab_indent(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Indent with tabs instead of spaces."""
    program = problem.prompt + problem.canonical_solution
    tree = parse(program)
    function = find_function(tree, problem.entry_point)
    if tree is None or function is None or not problem.prompt.endswith("\n"):
        return None
    unit = Positions(program).indent(function.body[-1])
    if not unit or unit.strip(" "):
        return None
    docstring = _docstring(problem)
    fixed = _lines_within_strings(tree, program, docstring)
    lines = []
    for number, line in enumerate(program.split("\n"), start=1):
        bare = line.lstrip(" ")
        width = len(line) - len(bare)
        tabs, spaces = divmod(width, len(unit))
        lines.append(line if number in fixed else "\t" * tabs + " " * spaces + bare)
    split = problem.prompt.count("\n")
    prompt = "\n".join(lines[:split]) + "\n"
    return Draft(prompt, problem.entry_point, gold="\n".join(lines[split:]))


def docstring_to_comments(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Say what the docstring says in comments instead."""
    found = _docstring(problem)
    if found is None or not found.indent:
        return None
    prompt = problem.prompt
    lines = prompt[found.inner_start : found.inner_end].strip().split("\n")
    comments = []
    for line in lines:
        text = line.removeprefix(found.indent).rstrip()
        comments.append(f"# {text}" if text else "#")
    block = f"\n{found.indent}".join(comments)
    return Draft(prompt[: found.start] + block + prompt[found.end :], problem.entry_point)


def _docstring(problem: Problem) -> Docstring | None:
    """Locate the problem's docstring."""
    return find_docstring(problem.prompt, problem.entry_point, problem.canonical_solution)


def _gaps(problem: Problem) -> Iterator[int]:
    """Yield offsets of line starts before which a blank line changes nothing.

    That is before a statement, and before a line of prose inside a docstring of several lines.
    """
    prompt = problem.prompt
    program = prompt + problem.canonical_solution
    tree = parse(program)
    positions = Positions(program)
    for node in ast.walk(tree) if tree else ():
        if not isinstance(node, ast.stmt) or positions.indent(node) is None:
            continue
        if 0 < positions.line_start(node) < len(prompt):
            yield positions.line_start(node)
    found = _docstring(problem)
    if found is None or found.inner_start - found.start < 3:
        return
    for start, _ in prose_words(problem):
        line_start = prompt.rfind("\n", 0, start) + 1
        # A line may be prose at its end only, where an example's output stands before it.
        if line_start > found.inner_start and not prompt[line_start:start].strip():
            yield line_start


def _lines_within_strings(tree: ast.Module, program: str, docstring: Docstring | None) -> set[int]:
    """Return the numbers of lines that begin inside a string other than the docstring."""
    positions = Positions(program)
    numbers: set[int] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant | ast.JoinedStr):
            continue
        own = docstring is not None and positions.start(node) == docstring.start
        if not own:
            numbers.update(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))
    return numbers


OPERATORS = (
    Operator("blank_lines", "layout", blank_lines, "ReCode", True, 0.5),
    Operator("tab_indent", "layout", tab_indent, "ReCode", False, 1.0),
    Operator("docstring_to_comments", "layout", docstring_to_comments, "ReCode", False, 1.0),
)
