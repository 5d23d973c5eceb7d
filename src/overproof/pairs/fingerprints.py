r"""When two texts or two functions are the same: words, tokens and the shape of the tree.

>>> one, two = "def f(a):\n    return a + 1", "def g(x: int):\n    # next\n    return x + 1"
>>> tree_hashes(one).keys() == tree_hashes(two).keys()
True
"""

import ast
import hashlib
import keyword
import re
from collections.abc import Iterator, Sequence

from overproof.pairs.source import (
    BUILTINS,
    FunctionNode,
    bare_string,
    find_function,
    module_functions,
    parse,
)

_WORD = re.compile(r"[a-z0-9]+")
_TOKEN = re.compile(r"[a-z_]\w*|\d+(?:\.\d+)?|[^\s\w]")
_COMMENT = re.compile(r"^\s*(?:#|//).*$", re.MULTILINE)
_TRAILING = re.compile(r"\s(?:#|//)\s.*$", re.MULTILINE)

# fmt: off
KEPT = frozenset({name.lower() for name in (*keyword.kwlist, *BUILTINS)}) | {
    "async", "auto", "bool", "boolean", "case", "catch", "char", "const", "default", "delete",
    "do", "done", "double", "elsif", "end", "fi", "final", "fn", "foreach", "func", "function",
    "impl", "include", "let", "local", "long", "loop", "match", "mut", "my", "new", "nil", "null",
    "private", "public", "require", "self", "short", "static", "string", "struct", "sub", "switch",
    "then", "this", "throw", "unless", "unsafe", "unsigned", "until", "use", "var", "void", "when",
}
# fmt: on
"""Words that a program in some language cannot choose, or takes from the language itself."""


def words(text: str) -> list[str]:
    r"""Return the words of a text, lower-cased; punctuation and layout are gone.

    >>> words("Return the n-th\n    Fibonacci number.")
    ['return', 'the', 'n', 'th', 'fibonacci', 'number']
    """
    return _WORD.findall(text.lower())


def code_tokens(code: str) -> list[str]:
    r"""Return names, numbers and operators, lower-cased; lines of comment are left out.

    A comment begins with `#` or `//` here, whatever the language is.

    >>> code_tokens("# twice\nX += 2.5")
    ['x', '+', '=', '2.5']
    """
    return _TOKEN.findall(_COMMENT.sub("", code).lower())


def nameless_tokens(code: str) -> list[str]:
    r"""Return tokens with every name replaced by one, but for names of members and of calls.

    What is left is the same for programs, in any language, that differ in the names of variables.

    >>> nameless_tokens("total = len(parts) + other.size  # all")
    ['v', '=', 'len', '(', 'v', ')', '+', 'v', '.', 'size']
    """
    tokens = code_tokens(_TRAILING.sub("", code))
    return [
        token
        if not (token[0].isalpha() or token[0] == "_")
        or token in KEPT
        or before == "."
        or after == "("
        else "v"
        for before, token, after in zip(["", *tokens], tokens, [*tokens[1:], ""], strict=False)
    ]


def nameless_body(program: str, name: str, body: str) -> list[str]:
    """Return the nameless tokens of a function's body, of Python without comments and formatting.

    `body` is what is taken if the program is not Python or lacks the function.
    """
    tree = parse(program)
    node = find_function(tree, name) if tree else None
    if node is None:
        return nameless_tokens(body)
    return nameless_tokens("\n".join(map(ast.unparse, _without_docstring(node))))


def ngrams(tokens: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    """Yield all runs of `n` tokens."""
    return zip(*(tokens[start:] for start in range(n)), strict=False)


def normalised_code(code: str) -> str:
    """Return code without comments, docstrings and formatting; as it is if it does not parse."""
    tree = parse(code)
    if tree is None:
        return " ".join(code_tokens(code))
    for node in ast.walk(tree):
        if isinstance(node, FunctionNode):
            node.body = _without_docstring(node)
    return ast.unparse(tree)


def tree_hashes(code: str) -> dict[str, str]:
    """Return the name of each function of a module by the hash of its shape.

    Names that the function binds (its own, arguments, variables) are numbered in the order of
    their first use; annotations and docstrings are left out; builtins, attributes, literals
    and names from outside are kept. Empty if the code does not parse.
    """
    tree = parse(code)
    return {tree_hash(node): node.name for node in module_functions(tree.body if tree else [])}


def tree_hash(function: FunctionNode) -> str:
    """Return 32 hex digits that do not depend on the names which a function binds."""
    bound = set(_bound_names(function))
    numbers: dict[str, int] = {}
    shape: list[str] = []
    stack: list[object] = [function]
    while stack:
        item = stack.pop()
        if isinstance(item, ast.AST):
            # `x: int = 1` is `x = 1` here.
            shape.append("Assign" if isinstance(item, ast.AnnAssign) else type(item).__name__)
            stack.extend(reversed(_children(item, bound, numbers)))
        elif isinstance(item, list):
            shape.append(f"[{len(item)}")
            stack.extend(reversed(item))
        else:
            shape.append(repr(item))
    return hashlib.sha256("\0".join(shape).encode()).hexdigest()[:32]


def _children(node: ast.AST, bound: set[str], numbers: dict[str, int]) -> list[object]:
    """Return what of a node matters, bound names as numbers."""
    if isinstance(node, ast.AnnAssign):
        return [[node.target], node.value]
    if isinstance(node, ast.Nonlocal):
        return [numbers.setdefault(name, len(numbers)) for name in node.names]
    values: list[object] = []
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "type_comment", "type_params", "ctx", "kind"):
            continue
        if name == "body" and isinstance(node, FunctionNode):
            values.append(_without_docstring(node))
        elif isinstance(value, str) and value in bound and name in ("id", "arg", "name", "asname"):
            # A keyword of a call names somebody else's argument.
            own = not isinstance(node, ast.keyword)
            values.append(numbers.setdefault(value, len(numbers)) if own else value)
        else:
            values.append(value)
    return values


def _bound_names(function: FunctionNode) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, FunctionNode | ast.ClassDef | ast.ExceptHandler):
            yield node.name or ""
        elif isinstance(node, ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name


def _without_docstring(node: FunctionNode) -> list[ast.stmt]:
    rest = [statement for statement in node.body if not bare_string(statement)]
    return rest or node.body[-1:]
