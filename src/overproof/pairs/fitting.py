r"""From what a row says to a pair that keeps the rules of mining.

    >>> draft = Draft(text="Return half of n.", code="def half(n):\n    return n / 2\n",
    ...               checks=("assert half(3) == 1.5",))
    >>> pair_of_draft(draft, "row:1", "MIT").text
    'Return half of n.\n>>> half(3)\n1.5'

Assertions become worked examples, so that what a teacher writes can be judged. Of a program with
several functions, the one that the assertions call or the text names is taken, or else the last
that no other one calls.
"""

import ast
import dataclasses
import re
import sys

from overproof.pairs.examples import worked_examples
from overproof.pairs.files import make_pair
from overproof.pairs.polyglot import make_polyglot_pair
from overproof.pairs.rules import (
    DEFAULT_RULES,
    SECRET,
    MiningRules,
    UnfitError,
    length_reason,
    shape_reason,
    text_reason,
)
from overproof.pairs.shapes import Draft, fenced_code
from overproof.pairs.source import (
    FunctionParts,
    clean,
    compiles,
    find_function,
    missing_names,
    module_functions,
    parse,
)
from overproof.records import Pair

_ENTRY = re.compile(r"main|tests?|test_\w+|_\w+")


def pair_of_draft(
    draft: Draft, origin: str, licence: str, rules: MiningRules = DEFAULT_RULES
) -> Pair:
    """Return the pair that a row amounts to.

    Raises: UnfitError, with the reason, if it is none; EngineError if a grammar is missing.
    """
    if draft.fenced:
        code = fenced_code(draft.code, draft.language)
        draft = dataclasses.replace(draft, code=code, fenced=False)
    if not draft.code.strip():
        raise UnfitError("no_code", "no code")
    if not draft.mined:
        rules = dataclasses.replace(rules, min_body_lines=1)
    if draft.language != "python":
        return make_polyglot_pair(
            clean(draft.text),
            draft.code,
            draft.language,
            entry_point=draft.entry_point,
            origin=origin,
            licence=licence,
            rules=rules,
        )
    pair = _python_pair(draft, origin, licence)
    reason = _reason(pair, rules)
    if reason:
        raise UnfitError(reason, f"{pair.name}: {reason}")
    return pair


def _python_pair(draft: Draft, origin: str, licence: str) -> Pair:
    tree = parse(draft.code)
    if tree is None or not compiles(draft.code):
        raise UnfitError("syntax", "the code is not Python")
    name = draft.entry_point or _main_function(tree, draft.text)
    node = find_function(tree, name) if name else None
    if node is None:
        raise UnfitError("no_function", f"no function {name}".rstrip() + " in the code")
    needs_setup = draft.setup and missing_names(draft.code)
    text = "" if draft.mined and ast.get_docstring(node) else clean(draft.text)
    examples = worked_examples(draft.checks, name) if text and ">>>" not in text else ""
    return make_pair(
        "\n".join(part for part in (text, examples) if part),
        f"{draft.setup}\n\n\n{draft.code}" if needs_setup else draft.code,
        entry_point=name,
        origin=origin,
        licence=licence,
    )


def _main_function(tree: ast.Module, text: str) -> str:
    """Return the name of the function that a text is about; empty if there is none."""
    functions = {node.name: node for node in module_functions(tree.body)}
    usual = [name for name in functions if not _ENTRY.fullmatch(name)]
    told = [name for name in usual if re.search(rf"\b{name}\b", text)]
    called = {
        node.id
        for name, function in functions.items()
        if name in usual
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and node.id != name
    }
    roots = [name for name in usual if name not in called]
    return next(iter([*reversed(told), *reversed(roots), *reversed(usual)]), "")


def _reason(pair: Pair, rules: MiningRules) -> str:
    """Return which rule a pair breaks; empty if none."""
    tree = parse(pair.prompt + pair.body)
    node = find_function(tree, pair.name) if tree else None
    if tree is None or node is None:
        return "syntax"
    parts = FunctionParts(head=pair.prompt, body=pair.body, code=pair.code)
    reason = shape_reason(node) or text_reason(pair.text, rules) or length_reason(parts, rules)
    if reason:
        return reason
    if len(pair.prompt) > rules.max_prompt_chars:
        return "long_prompt"
    if SECRET.search(pair.prompt + pair.body):
        return "secret"
    return _import_reason(pair, tree, rules) if rules.self_contained else ""


def _import_reason(pair: Pair, tree: ast.Module, rules: MiningRules) -> str:
    if missing_names(pair.prompt + pair.body):
        return "missing_name"
    allowed = sys.stdlib_module_names | rules.packages
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            return "relative_import"
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [getattr(node, "module", None) or alias.name for alias in node.names]
            if any(name.partition(".")[0] not in allowed for name in names):
                return "package_import"
    return ""
