r"""How much structure a token carries: weights by the kind of its node in the syntax tree.

A token of code weighs 1 + gamma · kappa; kappa is that of the weightiest kind among the characters
it covers. The caller divides by the sum of the weights, so gamma moves weight, it adds none.

    >>> code = "    return x + 1\n```"
    >>> token_weights(code, "python", [(3, 10), (10, 12), (12, 14), (17, 20)], gamma=1.0).tolist()
    [1.75, 1.75, 2.0, 1.0]
    >>> [(code[start:end], kind) for start, end, kind in kinds_of(code, "python") or ()]
    [('return', 'control'), ('x', 'use'), ('+', 'operator'), ('1', 'literal')]

Covered: Python, and twelve languages by the grammars of tree-sitter (`overproof[languages]`); whole
functions, bodies without their head, and closing fences, which weigh 1. Not covered: code that does
not parse (a cut-off or broken target, the middle of a line): all of it weighs 1. For a fragment,
give the whole function with the fragment's offsets in it. In the twelve languages definitions are
told from uses by the names of fields, which misses some (PHP's `foreach`, patterns).
"""

import ast
import io
import keyword
import re
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from overproof.errors import UnknownNameError
from overproof.languages.trees import load_grammar

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

Kind = Literal["call", "operator", "use", "control", "literal", "definition", "comment", "rest"]
Span = tuple[int, int, Kind]
"""Start and end in characters."""

KAPPA: dict[Kind, float] = {
    "call": 1.0,  # what is done: another name is another program
    "operator": 1.0,  # one character decides the result, and a mean over tokens drowns it
    "use": 0.75,  # where the data flows
    "control": 0.75,  # the skeleton
    "literal": 0.5,  # bounds and constants, but also texts of messages
    "definition": 0.25,  # any fresh name does, if its uses follow it
    "comment": 0.0,  # is not executed; code to text teaches prose
    "rest": 0.0,  # brackets, commas, white space, `def`: the grammar leaves little choice
}
"""By what a wrong token of this kind does to the program. A choice, not a fit: the ablation has a
row for it. Types and imports count as uses, docstrings as comments."""

_FENCE = re.compile(r"\n?[ \t]*```[^\n`]*\s*\Z")
_BINDS = frozenset({"def", "class", "as"})
_DELIMITERS = frozenset({*"()[]{},:;.=", "->", "=>", ":=", "::", "?.", "&.", "#!"})
_WORDS_BY_KIND: dict[Kind, str] = {
    "control": """
        if elif else elsif elseif unless for foreach while until do loop repeat break continue next
        last redo return yield try catch except finally throw raise rescue ensure with assert pass
        switch match case when default goto defer select go await async
    """,
    "operator": """
        and or not in is instanceof typeof new delete sizeof xor eq ne lt gt le ge cmp x
    """,
    "literal": "True False None true false null nil nullptr undef undefined",
}
_WORDS: dict[str, Kind] = {
    word: kind for kind, words in _WORDS_BY_KIND.items() for word in words.split()
}


def token_weights(
    code: str, language: str, offsets: Sequence[tuple[int, int]], gamma: float
) -> Any:
    """Return 1 + gamma · kappa for each token; a caller normalises by their sum.

    Shapes: offsets T pairs of (start, end) characters in `code`; returns (T,) float32.
    Raises: UnknownNameError for a language without a grammar; EngineError if its wheel is missing.
    """
    weights = np.ones(len(offsets), dtype=np.float32)
    if gamma == 0:
        return weights
    kappa = np.zeros(len(code), dtype=np.float32)
    for start, end, kind in kinds_of(code, language) or ():
        kappa[start:end] = KAPPA[kind]
    for place, (start, end) in enumerate(offsets):
        weights[place] += gamma * kappa[start:end].max(initial=0.0)
    return weights


def kinds_of(code: str, language: str) -> list[Span] | None:
    """Return where each kind of node stands, inner nodes after outer; None if it does not parse.

    What is not in a span is `rest`. A closing fence is no part of the code.
    Raises: UnknownNameError for a language without a grammar; EngineError if its wheel is missing.
    """
    fence = _FENCE.search(code)
    text = code[: fence.start()] if fence else code
    heads = _python_heads(text) if language == "python" else _heads(text, language)
    for head, end in heads:
        try:
            spans = (_python_spans if language == "python" else _spans)(
                f"{head}{text}{end}", language
            )
        except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
            continue
        low, high = len(head), len(head) + len(text)
        return [
            (max(start, low) - low, min(stop, high) - low, kind)
            for start, stop, kind in spans
            if start < high and stop > low
        ]
    return None


def _python_heads(text: str) -> Iterator[tuple[str, str]]:
    """Yield what makes a module of a body: nothing, or a head; its first indent may be lost."""
    yield "", ""
    yield "def _():\n", ""
    indents = re.findall(r"^[ \t]+(?=\S)", text, re.MULTILINE)
    yield f"def _():\n{min(indents, key=len, default='    ')}", ""


def _python_spans(program: str, _language: str) -> list[Span]:
    """Return the kinds of a module; the tree tells names apart, the tokens give their places."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes: the author's business
        tree = ast.parse(program)
    names = _python_names(tree)
    lines = program.split("\n")
    starts = np.cumsum([0, *(len(line) + 1 for line in lines)]).tolist()
    spans: list[Span] = []
    before, loops = "", 0
    for token in tokenize.generate_tokens(io.StringIO(program).readline):
        line, column = token.start
        place = (line, len(lines[line - 1][:column].encode()) if line <= len(lines) else 0)
        kind = _python_kind(token, before, names.get(place))
        loops += token.string == "for"
        if token.string == "in" and loops:
            kind, loops = "rest", loops - 1  # the one that `for` asks for
        if token.string.strip():
            if kind != "rest":
                end = starts[token.end[0] - 1] + token.end[1]
                spans.append((starts[line - 1] + column, end, kind))
            before = token.string
        elif token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
            before = ""
    return spans


def _python_kind(token: tokenize.TokenInfo, before: str, known: Kind | None) -> Kind:
    """Return the kind of one token, given the word before it and what the tree says."""
    text = token.string
    if token.type == tokenize.COMMENT:
        return "comment"
    if "STRING" in tokenize.tok_name[token.type]:
        return known or "literal"
    if token.type == tokenize.NUMBER or text == "...":
        return "literal"
    if token.type == tokenize.OP:
        is_decorator = text == "@" and not before
        return "rest" if text in _DELIMITERS or is_decorator else "operator"
    if token.type != tokenize.NAME:
        return "rest"
    if keyword.iskeyword(text):
        return _WORDS.get(text, "rest")
    if not known and not before and keyword.issoftkeyword(text):
        return "control"  # `match` and `case`, which may be names as well
    return known or ("definition" if before in _BINDS else "use")


def _python_names(tree: ast.AST) -> dict[tuple[int, int], Kind]:
    """Return the kind of names and docstrings by line and column (in bytes), calls last."""
    found: dict[tuple[int, int], Kind] = {}
    callees: list[tuple[int, int]] = []
    for node in ast.walk(tree):
        match node:
            case ast.Name() | ast.Attribute():
                found[_name_place(node)] = "use" if isinstance(node.ctx, ast.Load) else "definition"
            case ast.arg() | ast.alias():
                found[node.lineno, node.col_offset] = "definition"
            case ast.Call(func=ast.Name() | ast.Attribute()):
                callees.append(_name_place(node.func))
            case ast.Expr(value=ast.Constant(value=str())):
                found[node.lineno, node.col_offset] = "comment"
    return found | dict.fromkeys(callees, "call")


def _name_place(node: ast.expr) -> tuple[int, int]:
    """Return line and column of a name, or of what follows the last dot."""
    if isinstance(node, ast.Attribute):
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return node.end_lineno, node.end_col_offset - len(node.attr.encode())
    return node.lineno, node.col_offset


HEADS: dict[str, tuple[str, str]] = {
    "bash": ("f() {\n", "\n}"),
    "cpp": ("void f() {\n", "\n}"),
    "csharp": ("void F() {\n", "\n}"),
    "go": ("func f() {\n", "\n}"),
    "java": ("void f() {\n", "\n}"),
    "javascript": ("function f() {\n", "\n}"),
    "lua": ("function f()\n", "\nend"),
    "perl": ("sub f {\n", "\n}"),
    "php": ("<?php\nfunction f() {\n", "\n}"),
    "ruby": ("def f\n", "\nend"),
    "rust": ("fn f() {\n", "\n}"),
    "typescript": ("function f() {\n", "\n}"),
}
"""What makes a program of a function's body in each language."""

_NAME = re.compile(
    r"(^|_)identifier|_variable$|^(name|word|variable_name|special_variable_name|bareword|varname)$"
    r"|^(constant|function|method|this|self|super)$"
)
_LITERAL = re.compile(r"literal|number|^(integer|float|boolean|true|false|null|nil|iota)$")
_TEXT = re.compile(r"string|heredoc|regex|character|char_literal|rune|symbol")
_CALLS = re.compile(r"(call|invocation|new|object_creation)(_expression)?$|^command$")
_CALLEE = ("function", "name", "method", "macro", "constructor", "type")
_DECLARES = re.compile(
    r"declarat|definition|assign|parameter|_item$|^method$|^for|foreach|enhanced_for|range_clause"
    r"|variable_list|function_statement|arrow_function"
)
_DECLARED = frozenset(
    {"name", "left", "pattern", "declarator", "parameter", "variable", "variables"}
)
_PATTERN = re.compile(r"_list$|pattern|declarator|declaration$|^(scalar|array|hash|variable_name)$")
_MEMBER = re.compile(
    r"member|field_|selector|scoped|qualified|(dot|method)_index|command_name|generic"
)
_NO_OPERATOR = re.compile(r"type|template|declarator|parameter|macro|^(scalar|array|hash)$")
_SYMBOL = re.compile(r"[-+*/%<>=!&|^~?#]+|\.\.")


def _heads(text: str, language: str) -> Iterator[tuple[str, str]]:
    """Yield what makes a program of a function, of a body with its end, and of one without."""
    if language not in HEADS:
        raise UnknownNameError("language with a grammar", language, (*HEADS, "python"))
    head, end = HEADS[language]
    yield ("<?php\n" if language == "php" and "<?" not in text else ""), ""
    yield head, ""
    yield head, end


def _spans(program: str, language: str) -> list[Span]:
    """Return the kinds of a program, outer nodes first. Raises: ValueError if it has errors."""
    data = program.encode()
    root = _parser(language).parse(data).root_node
    if root.has_error:
        raise ValueError("does not parse")
    spans: list[Span] = []
    stack: list[tuple[Node, Kind, str]] = [(root, "use", "")]
    while stack:
        node, role, parent = stack.pop()
        kind = _node_kind(node, role, parent)
        if kind != "rest":
            spans.append((node.start_byte, node.end_byte, kind))
        if kind != "comment":
            stack += reversed([(child, kind, node.type) for child, kind in _roles(node, role)])
    if program.isascii():
        return spans
    at = np.cumsum([0, *(byte & 0xC0 != 0x80 for byte in data)]).tolist()
    return [(at[start], at[end], kind) for start, end, kind in spans]


def _roles(node: "Node", role: Kind) -> Iterator[tuple["Node", Kind]]:
    """Yield the children, each with what its names are: defined here, called, or used.

    Callees and declared names are found by the fields of the grammar, and followed down to the name
    itself: through patterns to all names, through `a.b.c` to the last.
    """
    kind = node.type
    heir = _heir(node, _CALLEE) if _CALLS.search(kind) else None
    is_member = role != "use" and bool(_MEMBER.search(kind))
    member = _heir(node, ("property", "field", "name", "function")) if is_member else None
    for place, child in enumerate(node.children):
        field = node.field_name_for_child(place)
        own: Kind = "use"
        if heir is not None and child.id == heir.id:
            own = "call"
        elif is_member:
            own = role if member is not None and child.id == member.id else "use"
        elif (_DECLARES.search(kind) and field in _DECLARED) or (
            kind.endswith("parameters") and field is None
        ):
            own = "definition"
        elif role == "definition" and field is None and _PATTERN.search(kind):
            own = role
        yield child, own


def _heir(node: "Node", fields: Sequence[str]) -> "Node | None":
    """Return the child that holds the name: by its field, else the last (`generic`: the first)."""
    for field in fields:
        if (child := node.child_by_field_name(field)) is not None:
            return child
    named = node.named_children
    return named[0 if "generic" in node.type else -1] if named else None


def _node_kind(node: "Node", role: Kind, parent: str) -> Kind:
    """Return the kind of a node; only comments, texts and nodes without parts have one."""
    kind, text = node.type, (node.text or b"").decode(errors="replace")
    if node.is_named and ("comment" in kind or kind == "pod"):
        return "comment"
    if node.is_named and _TEXT.search(kind) and not kind.endswith("type"):
        return "literal"
    if node.child_count:
        return "rest"
    word = _WORDS.get(text)
    if word == "control" and (not node.is_named or parent == "command_name"):
        return word
    if role == "call" or (node.is_named and _NAME.search(kind)):
        return role
    if node.is_named and _LITERAL.search(kind):
        return "literal"
    if text == "in" and _DECLARES.search(parent):
        return "rest"  # of a loop
    if word and word != "control":
        return word
    if "operator" in kind:
        return "operator"
    symbol = _SYMBOL.fullmatch(text) and text not in _DELIMITERS
    return "operator" if symbol and not _NO_OPERATOR.search(parent) else "rest"


@lru_cache(maxsize=16)
def _parser(language: str) -> "Parser":
    grammar = load_grammar(language)
    from tree_sitter import Parser

    return Parser(grammar)
