"""The grammars of tree-sitter, one wheel a language, loaded when first used.

    grammar = load_grammar("rust")

They are optional: `pip install 'overproof[languages]'`. What the kinds of nodes mean is the
business of those who walk the trees.
"""

import importlib
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

from overproof.errors import EngineError, UnknownNameError

if TYPE_CHECKING:
    from tree_sitter import Language

WHEELS = {
    "bash": "tree_sitter_bash",
    "cpp": "tree_sitter_cpp",
    "csharp": "tree_sitter_c_sharp",
    "go": "tree_sitter_go",
    "java": "tree_sitter_java",
    "javascript": "tree_sitter_javascript",
    "lua": "tree_sitter_lua",
    "perl": "tree_sitter_perl",
    "php": "tree_sitter_php",
    "ruby": "tree_sitter_ruby",
    "rust": "tree_sitter_rust",
    "typescript": "tree_sitter_typescript",
}
"""The module of each wheel; its function `language` or `language_NAME` gives the grammar."""


@lru_cache(maxsize=16)
def load_grammar(language: str) -> "Language":
    """Load one grammar.

    Raises: UnknownNameError; EngineError if its wheel is missing or does not fit the installed
    tree-sitter.
    """
    if language not in WHEELS:
        raise UnknownNameError("language", language, WHEELS)
    try:
        from tree_sitter import Language

        module = importlib.import_module(WHEELS[language])
        load = getattr(module, "language", None) or getattr(module, f"language_{language}")
        with warnings.catch_warnings():
            # Perl's wheel hands over its grammar as a number, which still works.
            warnings.simplefilter("ignore", DeprecationWarning)
            return Language(load())
    except (ImportError, AttributeError, ValueError) as error:
        raise EngineError(
            f"the grammar of {language} cannot be loaded: {error}",
            hint="pip install 'overproof[languages]'",
        ) from None
