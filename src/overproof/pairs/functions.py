r"""The functions of one Python file that make good pairs, and why the others do not.

A pair is a function at the level of a module whose docstring says what it does, whose body
does it, and which runs when pasted into an empty file: every name that it reads is a builtin
or comes from an import that is copied into its prompt.

Not covered: methods, coroutines, names reached through `eval`, and functions that only make
sense with files or services of their package.

    >>> source = 'def half(n):\n    "Return half of a number."\n    n = n / 2\n    return n'
    >>> [pair.name for pair in find_pairs(source, "example.py", "MIT")[0]]
    ['half']
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from overproof.pairs.rules import (
    DEFAULT_RULES,
    SECRET,
    Dropped,
    MiningRules,
    length_reason,
    shape_reason,
    text_reason,
)
from overproof.pairs.source import (
    BUILTINS,
    FunctionNode,
    annotations,
    clean,
    compiles,
    free_names,
    module_functions,
    parse,
    split_function,
)
from overproof.records import Pair, content_key


@dataclass(frozen=True, kw_only=True)
class _Module:
    """What a file's functions share."""

    lines: list[str]
    imports: dict[str, list[ast.Import | ast.ImportFrom]]
    """Import statements by the name that they bind, unless it is bound in another way too."""
    builtins: frozenset[str]
    """Builtins that the module does not bind itself."""
    postponed: bool
    """Whether annotations are not evaluated."""


def find_pairs(
    source: str, origin: str, licence: str, rules: MiningRules = DEFAULT_RULES
) -> tuple[list[Pair], list[Dropped]]:
    """Return the pairs of a file in the order of its lines, and what was dropped.

    `origin` names the file; each pair adds its line.
    """
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    tree = parse(source)
    if tree is None:
        return [], [Dropped(origin=origin, name="", reason="syntax")]
    module = _read_module(source, tree)
    pairs: list[Pair] = []
    dropped: list[Dropped] = []
    for node in module_functions(tree.body):
        place = f"{origin}:{node.lineno}"
        made = _make_pair(node, module, place, licence, rules)
        if isinstance(made, Pair):
            pairs.append(made)
        else:
            dropped.append(Dropped(origin=place, name=node.name, reason=made))
    return pairs, dropped


def _make_pair(
    node: FunctionNode, module: _Module, origin: str, licence: str, rules: MiningRules
) -> Pair | str:
    """Return the pair, or the reason why there is none; cheap checks come first."""
    reason = shape_reason(node)
    if reason:
        return reason
    text = clean(ast.get_docstring(node, clean=False) or "")
    parts = split_function(module.lines, node)
    if parts is None:
        return "layout"
    reason = text_reason(text, rules) or length_reason(parts, rules)
    if reason:
        return reason
    function = parts.head + parts.body
    needed = free_names(function) - module.builtins
    reason = _import_reason(needed, module, rules) if rules.self_contained else ""
    if reason:
        return reason
    prompt = _imports(needed, node, module) + parts.head
    if len(prompt) > rules.max_prompt_chars:
        return "long_prompt"
    if SECRET.search(function):
        return "secret"
    if not compiles(prompt + parts.body):
        return "layout"
    return Pair(
        key=content_key(text, parts.code),
        name=node.name,
        text=text,
        code=parts.code,
        prompt=prompt,
        body=parts.body,
        origin=origin,
        licence=licence,
    )


def _import_reason(needed: frozenset[str], module: _Module, rules: MiningRules) -> str:
    if not needed <= module.imports.keys():
        return "missing_name"
    statements = [node for name in needed for node in module.imports[name]]
    if any(isinstance(node, ast.ImportFrom) and node.level for node in statements):
        return "relative_import"
    allowed = sys.stdlib_module_names | rules.packages
    roots = {root for node in statements for root in _roots(node)}
    return "" if roots <= allowed else "package_import"


def _roots(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module]
    for name in names:
        yield (name or "").partition(".")[0]


def _read_module(source: str, tree: ast.Module) -> _Module:
    imports: dict[str, list[ast.Import | ast.ImportFrom]] = {}
    bound: set[str] = set()
    star = postponed = False
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            postponed = postponed or any(alias.name == "annotations" for alias in node.names)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                star = star or alias.name == "*"
                one = _only(node, alias)
                imports.setdefault(alias.asname or alias.name.partition(".")[0], []).append(one)
        else:
            bound.update(_bindings(node))
    return _Module(
        lines=source.split("\n"),
        imports={name: nodes for name, nodes in imports.items() if name not in bound},
        # After `from x import *`, any builtin may be something else.
        builtins=frozenset() if star else BUILTINS - bound - imports.keys(),
        postponed=postponed,
    )


def _only(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> ast.Import | ast.ImportFrom:
    """Return the import statement with one of its names."""
    if isinstance(node, ast.Import):
        return ast.Import(names=[alias])
    return ast.ImportFrom(module=node.module, names=[alias], level=node.level)


def _bindings(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement of a module may bind, those inside functions apart."""
    stack: list[ast.AST] = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, FunctionNode | ast.ClassDef):
            yield item.name
            continue
        if isinstance(item, ast.Name) and not isinstance(item.ctx, ast.Load):
            yield item.id
        elif isinstance(item, ast.alias):
            yield item.asname or item.name.partition(".")[0]
        stack.extend(ast.iter_child_nodes(item))


def _imports(needed: frozenset[str], node: FunctionNode, module: _Module) -> str:
    """Return the imports that a function needs, in the order of its module, as source."""
    lines: list[str] = []
    if module.postponed and any(
        not isinstance(annotation, ast.Name | ast.Constant) for annotation in annotations(node)
    ):
        lines.append("from __future__ import annotations")
    merged: dict[tuple[str, int], ast.ImportFrom] = {}
    for name, statements in module.imports.items():
        for statement in statements if name in needed else []:
            if isinstance(statement, ast.Import):
                lines.append(ast.unparse(statement))
                continue
            place = (statement.module or "", statement.level)
            empty = ast.ImportFrom(module=place[0], names=[], level=place[1])
            whole = merged.setdefault(place, empty)
            whole.names = [*whole.names, *statement.names]
    lines.extend(ast.unparse(statement) for statement in merged.values())
    return "\n".join([*dict.fromkeys(lines), "", "", ""]) if lines else ""
