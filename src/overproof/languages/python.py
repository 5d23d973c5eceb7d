"""Python itself, so that it can stand beside the others: translating to it changes little.

Its programs are not run by what is said here: the oracle has interpreters of its own, warm, that
tell every value from every other.
"""

import keyword
import re
from collections.abc import Sequence
from typing import Any

from overproof.languages.language import Function, Language, Toolchain, Translation
from overproof.languages.types import Type

_NAMES = {"none": "None", "any": "Any", "unknown": "Any"}


def _files(program: str, entry_point: str, calls: Sequence[Any]) -> dict[str, str]:
    return {"main.py": program}


def _type_name(kind: Type) -> str:
    """Return the type as an annotation.

    >>> _type_name(Type("optional", (Type("list", (Type("int"),)),)))
    'list[int] | None'
    """
    inner = [_type_name(arg) for arg in kind.args]
    if kind.kind == "optional":
        return f"{inner[0]} | None"
    if kind.kind == "union":
        return " | ".join(inner)
    name = _NAMES.get(kind.kind, kind.kind)
    return f"{name}[{', '.join(inner)}]" if inner else name


def _signature(function: Function) -> str:
    parameters = [
        f"{parameter.name}: {_type_name(parameter.type)}" for parameter in function.parameters
    ]
    return f"def {function.name}({', '.join(parameters)}) -> {_type_name(function.result)}:"


def _prompt(function: Function, description: Sequence[str], helpers: str) -> str:
    types = [*(parameter.type for parameter in function.parameters), function.result]
    imports = "from typing import Any\n\n\n" if any(kind.holds("any") for kind in types) else ""
    above = f"{helpers}\n\n" if helpers else ""
    body = "\n".join(f"    {line}".rstrip() for line in description).strip()
    quote = "r'''" if '"""' in body else 'r"""' if "\\" in body else '"""'
    text = f"    {quote}{body}\n    {quote[-3:]}\n"
    return f"{imports}{above}{_signature(function)}\n{text}"


def _literal(value: Any, kind: Type) -> str:
    return repr(value)


def _refusal(value: Any, kind: Type) -> str:
    return ""


LANGUAGE = Language(
    name="python",
    title="Python",
    fence="python",
    toolchain=Toolchain(
        tool="python3",
        version=("python3", "--version"),
        packages=(),
    ),
    files=_files,
    run=("python3", "main.py"),
    translation=Translation(
        case="snake",
        comment="#",
        terms={
            "None": "None",
            "True": "True",
            "False": "False",
            "list": "list",
            "tuple": "tuple",
            "dictionary": "dictionary",
        },
        stop=("\ndef", "\n#", "\nif", "\nclass"),
        signature=_signature,
        prompt=_prompt,
        end="",
        block_end="",
        literal=_literal,
        call=lambda name, args: f"{name}({', '.join(args)})",
        refusal=_refusal,
        helpers={},
        definition=lambda name: (
            rf"(?m)^(?:async\s+)?def\s+{re.escape(name)}\b|^{re.escape(name)}\s*=\s*lambda\b"
        ),
        reserved=frozenset(keyword.kwlist),
    ),
)
