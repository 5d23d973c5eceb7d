"""The languages that problems are translated to and programs are run in: one file each.

>>> load_language("javascript").toolchain.tool
'node'
"""

import functools
import importlib
from typing import cast

from overproof.errors import UnknownNameError, UsageError
from overproof.languages.language import Language
from overproof.plugins import load_plugin, plugins

NAMES = (
    *("bash", "cpp", "csharp", "go", "java", "javascript", "lua"),
    *("perl", "php", "python", "ruby", "rust", "typescript"),
)
"""The languages that come with the package; a file of this folder each."""


def is_language(name: str) -> bool:
    """Return whether a language goes by this name, ours or one that a package adds."""
    return name in NAMES or (bool(name) and name in plugins("language"))


@functools.cache
def load_language(name: str) -> Language:
    """Return what is known of a language; its file is loaded when it is first asked for.

    Raises: UnknownNameError; UsageError for what a package adds that is no `Language`.
    """
    if name in NAMES:
        module = importlib.import_module(f"overproof.languages.{name}")
        return cast(Language, module.LANGUAGE)
    added = load_plugin("language", name)
    if added is None:
        raise UnknownNameError("language", name, (*NAMES, *plugins("language")))
    if not isinstance(added, Language):
        raise UsageError(
            f"language {name!r}: got {type(added).__name__}, not a Language",
            hint="overproof.plugins says what each entry point must be",
        )
    return added
