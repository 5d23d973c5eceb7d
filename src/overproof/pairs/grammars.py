"""Twelve languages besides Python: how their grammars call functions, and what documents them.

The grammars are those of tree-sitter. They are optional (`pip install 'overproof[languages]'`)
and loaded when first used. To add a language, write a line in `SYNTAXES`.

    >>> SYNTAXES["rust"].suffixes, SYNTAXES["rust"].line
    (('.rs',), ('///',))

Not covered: TypeScript with JSX, C, and headers, which declare more than they define.
"""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from overproof.errors import UnknownNameError
from overproof.languages.trees import load_grammar

if TYPE_CHECKING:
    from tree_sitter import Parser

Words = frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Syntax:
    """One language; kinds of nodes as its grammar names them."""

    suffixes: tuple[str, ...]
    functions: Words
    """Kinds that define a function which can stand alone."""
    closed: Words = frozenset()
    """Kinds that hold only functions which cannot."""
    needs_static: bool = False
    """Whether `functions` are methods, of which only the static ones stand alone."""
    own: Words = frozenset()
    """Kinds and words in a function that stand for the object it belongs to."""
    wrappers: Words = frozenset()
    """Kinds around a function that belong to its definition."""
    comments: Words = frozenset({"comment"})
    between: Words = frozenset()
    """Kinds that may stand between a function and its comment."""
    line: tuple[str, ...] = ()
    """What begins a line of documentation."""
    more: tuple[str, ...] = ()
    """What may begin the lines after the first one as well."""
    block: tuple[str, ...] = ()
    """What begins a block of documentation."""
    remark: str = "//"
    """What begins a line of comment in the body."""
    frame: tuple[str, str] = ("", "")
    """Lines that a lone function may need around it to be parsed."""


_JAVADOC = ("/**",)
_JAVASCRIPT = frozenset(
    {"function_declaration", "generator_function_declaration", "arrow_function"}
)
_DECLARATORS = frozenset(
    {"variable_declarator", "lexical_declaration", "variable_declaration", "export_statement"}
)

SYNTAXES: dict[str, Syntax] = {
    "bash": Syntax(
        suffixes=(".sh", ".bash"),
        functions=frozenset({"function_definition"}),
        line=("#",),
        remark="#",
    ),
    "cpp": Syntax(
        suffixes=(".cpp", ".cc", ".cxx", ".hpp", ".hh"),
        functions=frozenset({"function_definition"}),
        closed=frozenset({"class_specifier", "struct_specifier"}),
        own=frozenset({"this"}),
        wrappers=frozenset({"template_declaration"}),
        line=("///", "//!"),
        block=("/**", "/*!"),
    ),
    "csharp": Syntax(
        suffixes=(".cs",),
        functions=frozenset({"method_declaration", "local_function_statement"}),
        needs_static=True,
        own=frozenset({"this", "base"}),
        line=("///",),
        block=_JAVADOC,
        frame=("class Snippet {", "}"),
    ),
    "go": Syntax(
        suffixes=(".go",),
        functions=frozenset({"function_declaration"}),
        line=("//",),
        block=("/*",),
    ),
    "java": Syntax(
        suffixes=(".java",),
        functions=frozenset({"method_declaration"}),
        needs_static=True,
        own=frozenset({"this", "super"}),
        comments=frozenset({"line_comment", "block_comment"}),
        block=_JAVADOC,
        frame=("class Snippet {", "}"),
    ),
    "javascript": Syntax(
        suffixes=(".js", ".mjs", ".cjs"),
        functions=_JAVASCRIPT,
        own=frozenset({"this", "super"}),
        wrappers=_DECLARATORS,
        block=_JAVADOC,
    ),
    "lua": Syntax(
        suffixes=(".lua",),
        functions=frozenset({"function_declaration"}),
        own=frozenset({"self"}),
        line=("---",),
        more=("--",),
        remark="--",
    ),
    "perl": Syntax(
        suffixes=(".pl", ".pm"),
        functions=frozenset({"subroutine_declaration_statement"}),
        own=frozenset({"$self"}),
        comments=frozenset({"comment", "pod"}),
        line=("#",),
        block=("=",),
        remark="#",
    ),
    "php": Syntax(
        suffixes=(".php",),
        functions=frozenset({"function_definition"}),
        own=frozenset({"$this"}),
        block=_JAVADOC,
        frame=("<?php", ""),
    ),
    "ruby": Syntax(
        suffixes=(".rb",),
        functions=frozenset({"method", "singleton_method"}),
        closed=frozenset({"class", "singleton_class"}),
        own=frozenset({"self", "instance_variable", "class_variable", "super"}),
        line=("#",),
        remark="#",
    ),
    "rust": Syntax(
        suffixes=(".rs",),
        functions=frozenset({"function_item"}),
        closed=frozenset({"impl_item", "trait_item"}),
        own=frozenset({"self"}),
        comments=frozenset({"line_comment", "block_comment"}),
        between=frozenset({"attribute_item"}),
        line=("///",),
        block=_JAVADOC,
    ),
    "typescript": Syntax(
        suffixes=(".ts", ".mts"),
        functions=_JAVASCRIPT,
        own=frozenset({"this", "super"}),
        wrappers=_DECLARATORS,
        block=_JAVADOC,
    ),
}

LANGUAGES = ("python", *SYNTAXES)

_BY_SUFFIX = {suffix: name for name, syntax in SYNTAXES.items() for suffix in syntax.suffixes}


def language_of(path: Path) -> str:
    """Return the language that a file's suffix tells; Python if it tells none."""
    return _BY_SUFFIX.get(path.suffix, "python")


def suffixes_of(language: str) -> tuple[str, ...]:
    """Return how the names of a language's files end.

    Raises: UnknownNameError.
    """
    return (".py",) if language == "python" else syntax_of(language).suffixes


def syntax_of(language: str) -> Syntax:
    """Return what is known of a language.

    Raises: UnknownNameError.
    """
    if language not in SYNTAXES:
        raise UnknownNameError("language", language, LANGUAGES)
    return SYNTAXES[language]


@functools.lru_cache(maxsize=16)
def parser_of(language: str) -> "Parser":
    """Return a parser with the language's grammar.

    Raises: UnknownNameError; EngineError if its wheel is missing or does not fit the installed
    tree-sitter.
    """
    syntax_of(language)
    grammar = load_grammar(language)
    from tree_sitter import Parser

    return Parser(grammar)
