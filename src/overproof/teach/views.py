r"""Four views of a pair: what the student is shown in each, and what it should write.

    view            material                              target
    text_to_code    the pair's prompt                     a function's body
    code_to_text    its code                              its text
    repair          prompt, program, what happened        the pair's own body
    fill_in_middle  what stands before and after          what stands between

Material is kept as it is, and put into a model's own words by `lesson_prompt`, so that teacher and
student may be asked in different forms, and a prompt may be perturbed.

    >>> cut_middle("def f(x):\n    y = x\n    z = y\n    return z\n", "f", 1)
    ('def f(x):\n    y = x\n', '    z = y\n', '    return z\n')

Not covered: filling in for other languages than Python.
"""

import ast
import warnings
from collections.abc import Iterator, Sequence

from overproof.engines.prompts import PromptForm
from overproof.errors import DataError
from overproof.records import View, content_key

END_OF_CODE = "\n```"
"""Ends a program as a target: the fence that the prompt has opened."""
LARGEST_SHARE = 0.6
"""Of the lines of a function's body that may be cut out."""

MATERIAL: dict[View, int] = {
    "text_to_code": 1,
    "code_to_text": 1,
    "repair": 3,
    "fill_in_middle": 2,
}
"""How many parts the material of each view has."""


def lesson_prompt(
    view: View, material: Sequence[str], form: PromptForm, language: str = "python"
) -> str:
    """Return what a model sees before the target.

    Raises: DataError if this is not the material of that view; the row is of an older version.
    """
    if len(material) != MATERIAL[view]:
        raise DataError(
            f"material of the view {view}: got {len(material)} parts, it has {MATERIAL[view]}",
            hint="delete lessons.jsonl in the run folder and rerun: signals are kept elsewhere",
        )
    if view == "code_to_text":
        return form.describe(material[0], language).text
    if view == "fill_in_middle":
        return form.infill(material[0], material[1], language).text
    wrapped = form.wrap(material[0], language)
    if view == "repair":
        wrapped = form.repair(material[0], material[1], material[2], language)
    # a body begins on a line of its own, which the raw form leaves to the model's answer
    return f"{wrapped.text}\n" if form.kind == "raw" else wrapped.text


def code_target(body: str) -> str:
    r"""Return a body as a target, with its end.

    >>> code_target("    return 1\n\n")
    '    return 1\n```'
    """
    return body.rstrip() + END_OF_CODE


def cut_middle(program: str, name: str, seed: int) -> tuple[str, str, str] | None:
    """Return the parts of a program before, in and after a run of statements of a function.

    The three together are the program; the middle is whole statements of one block, something of
    the function follows it, and which one is taken depends on program and seed alone. None if there
    is no such run.
    """
    spans = sorted(set(_runs(program, name)))
    if not spans:
        return None
    first, last = spans[int(content_key("middle", program, seed)[:8], 16) % len(spans)]
    lines = program.splitlines(keepends=True)
    return "".join(lines[: first - 1]), "".join(lines[first - 1 : last]), "".join(lines[last:])


def _runs(program: str, name: str) -> Iterator[tuple[int, int]]:
    """Yield first and last line, from 1, of the runs of statements that may be cut out."""
    function = _function(program, name)
    if function is None:
        return
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body or len(program.splitlines()) != program.count("\n"):
        return  # other line ends than Python's would shift the numbers
    end = function.end_lineno or 0
    most = LARGEST_SHARE * (end - _first_line(body[0]) + 1)
    lines = program.splitlines()
    for block in _blocks(body):
        places = [(_first_line(node), node.end_lineno or 0) for node in block]
        apart = [_begins_line(node, lines) for node in block]
        for start in range(len(block)):
            for stop in range(start, len(block)):
                alone = apart[start] and (stop + 1 == len(block) or apart[stop + 1])
                length = places[stop][1] - places[start][0] + 1
                if alone and length <= most and places[stop][1] < end:
                    yield places[start][0], places[stop][1]


def _function(program: str, name: str) -> ast.FunctionDef | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(program)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    return found[-1] if found else None


def _blocks(body: list[ast.stmt]) -> Iterator[list[ast.stmt]]:
    """Yield the lists of statements that stand below each other, outermost first."""
    yield body
    for node in body:
        yield from _inside(node)


def _inside(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """Yield the blocks of one statement."""
    for field in ("body", "orelse", "finalbody"):
        inner = getattr(node, field, None) or []
        if field == "orelse" and _is_elif(node, inner):
            yield from _inside(inner[0])  # the statement itself cannot stand where its lines do
        elif inner:
            yield from _blocks(inner)
    for part in (*getattr(node, "handlers", []), *getattr(node, "cases", [])):
        yield from _inside(part)


def _is_elif(node: ast.AST, inner: list[ast.stmt]) -> bool:
    return (
        isinstance(node, ast.If)
        and len(inner) == 1
        and isinstance(inner[0], ast.If)
        and inner[0].col_offset == node.col_offset
    )


def _first_line(node: ast.stmt) -> int:
    """Return the line where a statement begins, decorators included."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _begins_line(node: ast.stmt, lines: Sequence[str]) -> bool:
    """Return whether nothing stands before a statement on its first line."""
    if _first_line(node) < node.lineno:
        return True  # a decorator does
    return not lines[node.lineno - 1].encode()[: node.col_offset].strip()
