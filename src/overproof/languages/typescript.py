"""TypeScript, compiled with its types checked and run in Node.js; written as JavaScript is.

Programs are compiled each for itself, by tsc's own library, from a snapshot of Node.js that holds
it together with the parsed standard library. Types are checked as `tsc --target es2022` does
without `--strict`, except that the globals are Node.js's, not a browser's.
"""

import re
from collections.abc import Sequence
from typing import Any

from overproof.languages.javascript import LANGUAGE as JAVASCRIPT
from overproof.languages.language import (
    Batch,
    Function,
    Language,
    Shared,
    Toolchain,
    Translation,
)
from overproof.languages.types import Type
from overproof.languages.writing import between, commented, driver

_COMPILER, _DRIVER, _SNAPSHOT = "typescript_compiler.js", "javascript.js", "compiler.blob"
_COMPILE = ("node", "--snapshot-blob", f"shared/{_SNAPSHOT}")

_MAKE_SNAPSHOT = f"""
tsc=$(readlink -f "$(command -v tsc)") &&
export LIBRARY="${{tsc%/*/*}}/lib" &&
cat "$LIBRARY/typescript.js" {_COMPILER} > all.js &&
node --snapshot-blob {_SNAPSHOT} --build-snapshot all.js
"""

_PLAIN = {
    "bool": "boolean",
    "int": "number",
    "float": "number",
    "str": "string",
    "none": "undefined",
    "any": "any",
    "unknown": "any",
}

HELPERS = {
    "HumanEval/10": """\
// Test if given string is a palindrome.
function is_palindrome(string: string): boolean {
    return string === [...string].reverse().join("");
}
""",
    "HumanEval/32": """\
// Evaluates polynomial with coefficients xs at point x.
// return xs[0] + xs[1] * x + xs[1] * x^2 + .... xs[n] * x^n
function poly(xs: number[], x: number): number {
    return xs.reduce((sum, coeff, i) => sum + coeff * Math.pow(x, i), 0);
}
""",
    "HumanEval/38": """\
// returns encoded string by cycling groups of three characters.
function encode_cyclic(s: string): string {
    // split string to groups. Each of length 3.
    const groups: string[] = s.match(/[^]{1,3}/g) || [];
    // cycle elements in each group. Unless group has fewer elements than 3.
    return groups.map((group) => group.length === 3 ? group.slice(1) + group[0] : group).join("");
}
""",
    "HumanEval/50": """\
// returns encoded string by shifting every character by 5 in the alphabet.
function encode_shift(s: string): string {
    return [...s].map((ch) => String.fromCharCode((ch.charCodeAt(0) + 5 - 97) % 26 + 97)).join("");
}
""",
}


def _files(program: str, entry_point: str, calls: Sequence[Any]) -> dict[str, str]:
    return {"program.ts": program, "entry_point": entry_point}


def _type_name(kind: Type) -> str:
    if kind.kind in _PLAIN:
        return _PLAIN[kind.kind]
    names = [_type_name(arg) for arg in kind.args]
    if kind.kind == "list":
        return f"({names[0]})[]" if kind.args[0].kind in ("union", "optional") else f"{names[0]}[]"
    if kind.kind == "tuple":
        return between(names, "[", "]")
    if kind.kind == "dict":
        key = names[0] if names[0] in ("string", "number") else "string"
        return f"{{[key: {key}]: {names[1]}}}"
    if kind.kind == "set":
        return f"Set<{names[0]}>"
    alternatives = [*names, "undefined"] if kind.kind == "optional" else names
    return " | ".join(dict.fromkeys(alternatives))


def _literal(value: Any, kind: Type) -> str:
    written = JAVASCRIPT.translation.literal(value, kind)
    return re.sub("[\u2028\u2029]", lambda end: f"\\u{ord(end[0]):04x}", written)  # end lines here


def _signature(function: Function) -> str:
    parameters = [f"{each.name}: {_type_name(each.type)}" for each in function.parameters]
    return f"function {function.name}({', '.join(parameters)}): {_type_name(function.result)} {{"


def _prompt(function: Function, description: Sequence[str], helpers: str) -> str:
    above = f"{helpers}\n" if helpers else ""
    return f"{above}{commented(description, '//')}{_signature(function)}\n"


LANGUAGE = Language(
    name="typescript",
    title="TypeScript",
    fence="typescript",
    toolchain=Toolchain(
        tool="tsc",
        # both, since the snapshot is one of this compiler in this version of node
        version=("sh", "-c", 'echo "$(tsc --version), node $(node --version)"'),
        packages=("nodejs", "node-typescript"),
    ),
    files=_files,
    shared=Shared(
        files=lambda: {name: driver(name) for name in (_COMPILER, _DRIVER)},
        command=("sh", "-c", _MAKE_SNAPSHOT),
        results=(_SNAPSHOT, _DRIVER),
    ),
    build=(*_COMPILE, "."),
    built="program.json",
    batch=Batch(
        command=lambda folders: (*_COMPILE, *folders),
        blames=r"^(p[^/]*)/program\.ts.*error",
        partial=True,
        most=64,
    ),
    run=("node", "--stack-size=3900", f"shared/{_DRIVER}"),
    limits_address_space=False,
    conflates=JAVASCRIPT.conflates,
    translation=Translation(
        case="snake",
        comment="//",
        terms=JAVASCRIPT.translation.terms,
        stop=("\nfunction ", "\n/*", "\n//", "\nclass"),
        signature=_signature,
        prompt=_prompt,
        end="",
        literal=_literal,
        call=JAVASCRIPT.translation.call,
        refusal=JAVASCRIPT.translation.refusal,
        helpers=HELPERS,
        definition=lambda name: (
            rf"(?m)^\s*(?:export\s+)?(?:default\s+)?(?:async\s+)?function\*?\s+{re.escape(name)}\b"
            rf"|^(?:export\s+)?(?:const|let|var)\s+{re.escape(name)}\s*[:=]"
        ),
        typed=True,
        reserved=JAVASCRIPT.translation.reserved,
    ),
)
