"""Twelve languages besides Python: which nodes of their grammars are comments, and which names.

The grammars are those of tree-sitter. They are optional (`pip install 'overproof[languages]'`)
and loaded when first used. To add a language, write a line in `GRAMMARS`.

    >>> GRAMMARS["lua"].line, "elseif" in keywords_of("lua")
    ('--', True)

Not covered: words that a language reserves although its grammar takes them for names.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from overproof.errors import UnknownNameError
from overproof.languages.trees import load_grammar

if TYPE_CHECKING:
    pass

Case = Literal["snake", "camel", "pascal"]


@dataclass(frozen=True, kw_only=True)
class Grammar:
    """What one language calls a comment and a name; kinds of nodes as its grammar names them."""

    case: Case
    """How its functions are usually named."""
    line: str
    """What begins a comment that ends with its line."""
    block: bool = True
    """Whether `/* … */` is a comment as well."""
    comments: frozenset[str] = frozenset({"comment"})
    names: frozenset[str] = frozenset({"identifier"})
    """Kinds that stand for a function wherever it is defined or called."""
    members: frozenset[str] = frozenset()
    """Kinds that stand for a function only after `this.` and the like."""
    types: frozenset[str] = frozenset()
    """Kinds whose name cannot be changed without the function's, or not at all."""
    variables: frozenset[str] = frozenset()
    """Kinds of variables, where a variable and a function may have the same name."""
    access: frozenset[str] = frozenset({".", "->", "::", "?.", "&."})
    """What stands between an object and its member."""
    by_text: bool = False
    """Whether functions are also called by a name in quotes, or by a symbol."""


GRAMMARS: dict[str, Grammar] = {
    "bash": Grammar(
        case="snake",
        line="#",
        block=False,
        names=frozenset({"word"}),
        variables=frozenset({"variable_name"}),
        by_text=True,
    ),
    "cpp": Grammar(
        case="snake",
        line="//",
        members=frozenset({"field_identifier"}),
        types=frozenset({"type_identifier", "namespace_identifier"}),
    ),
    "csharp": Grammar(case="pascal", line="//"),
    "go": Grammar(
        case="pascal",
        line="//",
        members=frozenset({"field_identifier"}),
        types=frozenset({"type_identifier", "package_identifier"}),
    ),
    "java": Grammar(
        case="camel",
        line="//",
        comments=frozenset({"line_comment", "block_comment"}),
        types=frozenset({"type_identifier"}),
    ),
    "javascript": Grammar(
        case="camel",
        line="//",
        members=frozenset({"property_identifier"}),
        types=frozenset({"shorthand_property_identifier", "shorthand_property_identifier_pattern"}),
    ),
    "lua": Grammar(case="snake", line="--", block=False),
    "perl": Grammar(
        case="snake",
        line="#",
        block=False,
        comments=frozenset({"comment", "pod"}),
        names=frozenset({"bareword", "function", "method"}),
        types=frozenset({"package"}),
        variables=frozenset({"varname"}),
        access=frozenset({"->", "::", "?->"}),
        by_text=True,
    ),
    "php": Grammar(
        case="snake",
        line="//",
        names=frozenset({"name"}),
        variables=frozenset({"variable_name"}),
        access=frozenset({"->", "::", "?->"}),
        by_text=True,
    ),
    "ruby": Grammar(
        case="snake",
        line="#",
        block=False,
        names=frozenset({"identifier", "constant"}),
        by_text=True,
    ),
    "rust": Grammar(
        case="snake",
        line="//",
        comments=frozenset({"line_comment", "block_comment"}),
        members=frozenset({"field_identifier"}),
        types=frozenset({"type_identifier", "shorthand_field_identifier"}),
    ),
    "typescript": Grammar(
        case="camel",
        line="//",
        members=frozenset({"property_identifier"}),
        types=frozenset(
            {
                "type_identifier",
                "shorthand_property_identifier",
                "shorthand_property_identifier_pattern",
            }
        ),
    ),
}


def grammar_of(language: str) -> Grammar:
    """Return the grammar's table.

    Raises: UnknownNameError for a language that is not in `GRAMMARS`.
    """
    if language not in GRAMMARS:
        raise UnknownNameError("language", language, GRAMMARS)
    return GRAMMARS[language]


@lru_cache(maxsize=16)
def keywords_of(language: str) -> frozenset[str]:
    """Return the words that the grammar itself uses: no function can be called so."""
    table = load_grammar(language)
    return frozenset(
        kind
        for index in range(table.node_kind_count)
        if table.node_kind_is_visible(index)
        and not table.node_kind_is_named(index)
        and (kind := table.node_kind_for_id(index) or "").isidentifier()
    )
