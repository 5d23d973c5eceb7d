"""The languages that problems are translated to and programs are run in: one file each.

>>> load_language("javascript").toolchain.tool
'node'
"""

import functools
import importlib
from typing import cast

from overproof.errors import UnknownNameError
from overproof.languages.language import Language

NAMES = (
    *("bash", "cpp", "csharp", "go", "java", "javascript", "lua"),
    *("perl", "php", "python", "ruby", "rust", "typescript"),
)
"""All languages; a file of this folder each."""


@functools.cache
def load_language(name: str) -> Language:
    """Return what is known of a language; its file is loaded when it is first asked for.

    Raises: UnknownNameError.
    """
    if name not in NAMES:
        raise UnknownNameError("language", name, NAMES)
    module = importlib.import_module(f"overproof.languages.{name}")
    return cast(Language, module.LANGUAGE)
