"""What makes a function with a docstring a good pair: the rules, and a name for each way to fail.

>>> summarise([Dropped(origin="a.py:1", name="f", reason="stub")])
{'stub': 1}
"""

import ast
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from overproof.pairs.source import FunctionNode, FunctionParts, prose

REASONS = {
    "excluded_path": "a test, vendored or generated file",
    "benchmark": "part of a benchmark's own package",
    "licence": "the licence is not on the list of permissive ones",
    "licence_unknown": "no licence was found",
    "unreadable": "the file cannot be read or decoded",
    "too_big": "the file is longer than the limit",
    "syntax": "not Python of this version, or damaged code of another language",
    "async": "a coroutine",
    "method": "the first argument is self or cls",
    "decorator": "a decorator that may change what the function does",
    "no_docstring": "no docstring",
    "stub": "nothing but pass, ... or raise NotImplementedError",
    "layout": "signature, docstring and code do not have lines of their own",
    "not_english": "the docstring is not English prose",
    "short_text": "the docstring has too few words outside its examples",
    "empty_text": "the docstring only points elsewhere",
    "short_body": "fewer lines of code than the limit",
    "long_body": "more lines of code than the limit",
    "long_code": "more characters of code than the limit",
    "long_prompt": "more characters of prompt than the limit",
    "relative_import": "needs a name from a relative import",
    "package_import": "needs a package outside the standard library",
    "missing_name": "needs another name of its module",
    "secret": "holds a key, a token or a mail address",
    "language": "in a language that was not asked for",
    "no_code": "no code where it should be",
    "no_function": "the code does not hold the function",
    "failed_tests": "the row's own tests did not pass",
    "damaged": "a field is missing, or holds what it should not",
    "same_text": "an earlier pair has the same text",
    "same_code": "an earlier pair has the same code",
    "same_tree": "an earlier pair has the same code up to names",
    "near_text": "an earlier pair has nearly the same text",
    "near_code": "an earlier pair has nearly the same code",
}
"""Why a file or function was dropped, in words."""

SAFE_DECORATORS = frozenset({"cache", "lru_cache"})
"""Decorators, from functools, that keep what a function returns."""

# fmt: off
_STOPWORDS = frozenset({
    "a", "all", "an", "and", "are", "as", "be", "by", "for", "from", "given", "if", "in",
    "into", "is", "it", "no", "not", "of", "on", "one", "or", "that", "the", "this", "to",
    "two", "using", "when", "whether", "which", "with",
})
# fmt: on
_POINTER = re.compile(
    r"(\W*\bdeprecated\b|see (the )?(also|base|parent|super|docs?|documentation|[`:])|todo\b|"
    r"inherit|internal (use|function|helper)|same as\b|alias (of|for|to)\b|like [`:\w.]+,? but\b)",
    re.IGNORECASE,
)
SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{36}|\bsk-\w{32}|"
    r"\b[\w.+-]+@(?!(\w+\.)*(example|localhost|domain|foo|bar|test)\b)[\w-]+\.(com|org|net|edu|io|de|uk)\b"
)


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """A file (`name` is empty) or function that did not become a pair."""

    origin: str
    name: str
    reason: str
    """One of REASONS."""


class UnfitError(ValueError):
    """A row or function that makes no pair, with one of REASONS."""

    def __init__(self, reason: str, message: str) -> None:
        """Keep the reason apart from the message."""
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class MiningRules:
    """What a function must be like to become a pair."""

    min_words: int = 4
    """Fewest words of the docstring outside its examples."""
    min_body_lines: int = 2
    """Fewest lines of code after the docstring, blank and comment lines not counted."""
    max_body_lines: int = 60
    """Most lines of code after the docstring."""
    max_code_chars: int = 2_500
    """Longest function, without its docstring."""
    max_prompt_chars: int = 1_500
    """Longest prompt: imports, signature and docstring."""
    max_file_bytes: int = 1_000_000
    """Longest file that is read."""
    self_contained: bool = True
    """Keep only functions that run on their own."""
    packages: frozenset[str] = field(default_factory=frozenset)
    """Packages outside the standard library that a self-contained function may import."""


DEFAULT_RULES = MiningRules()


def summarise(dropped: Iterable[Dropped]) -> dict[str, int]:
    """Return how often each reason occurs, the most frequent first."""
    counts = Counter(row.reason for row in dropped)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def shape_reason(node: FunctionNode) -> str:
    """Return why a function's form rules it out; empty if it does not."""
    if isinstance(node, ast.AsyncFunctionDef):
        return "async"
    arguments = [*node.args.posonlyargs, *node.args.args]
    if arguments and arguments[0].arg in ("self", "cls"):
        return "method"
    if not all(_is_safe(decorator) for decorator in node.decorator_list):
        return "decorator"
    if not (ast.get_docstring(node, clean=False) or "").strip():
        return "no_docstring"
    if all(_is_stub(statement) for statement in node.body[1:]):
        return "stub"
    return ""


def text_reason(text: str, rules: MiningRules) -> str:
    """Return why a docstring rules its function out; empty if it does not."""
    said = prose(text)
    letters = sum(character.isascii() for character in text)
    words = re.findall(r"[A-Za-z][A-Za-z'-]*", said)
    if letters < 0.95 * len(text):
        return "not_english"
    if len(words) < rules.min_words:
        return "short_text"
    if len(words) >= 8 and not any(word.lower() in _STOPWORDS for word in words):
        return "not_english"
    return "empty_text" if _POINTER.match(said) else ""


def length_reason(parts: FunctionParts, rules: MiningRules) -> str:
    """Return which limit on the length of the code is broken; empty if none is."""
    rows = [row.strip() for row in parts.body.split("\n")]
    length = sum(bool(row) and not row.startswith("#") for row in rows)
    if length < rules.min_body_lines:
        return "short_body"
    if length > rules.max_body_lines:
        return "long_body"
    return "long_code" if len(parts.code) > rules.max_code_chars else ""


def _is_safe(decorator: ast.expr) -> bool:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        return target.value.id == "functools" and target.attr in SAFE_DECORATORS
    return isinstance(target, ast.Name) and target.id in SAFE_DECORATORS


def _is_stub(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Pass):
        return True
    if isinstance(statement, ast.Raise) and statement.exc is not None:
        return any(
            isinstance(node, ast.Name) and node.id == "NotImplementedError"
            for node in ast.walk(statement.exc)
        )
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
