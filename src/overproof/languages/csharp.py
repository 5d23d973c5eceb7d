"""C#, compiled with Mono's mcs and run with mono.

A program is compiled to a library, which the driver, compiled once, loads and calls (see
`drivers/csharp_driver.cs`). A union, or a value of any type, is `object`.

Limits: mcs knows C# 6 and some of C# 7; it has no local functions and no patterns in `switch`.
`float` has seven digits, which some tests exceed; see `_NEED_DOUBLE`.
"""

import math
import re
from collections.abc import Sequence
from typing import Any

from overproof.languages.language import Batch, Function, Language, Shared, Toolchain, Translation
from overproof.languages.types import ANY, STR, Type, fits, settled
from overproof.languages.writing import between, beyond, commented, driver, number, parts, quoted

_BITS = 63
_MAX_MEMBERS = 7
"""Of a tuple; `Tuple.Create` makes longer ones of another shape."""
_SOURCES = ("csharp_driver.cs", "csharp_json.cs", "csharp_values.cs")
_BATCH_SOURCE = "csharp_batch.cs"
_DRIVER = "csharp_driver.exe"
_VALUE_TYPES = ("bool", "int", "float")
_INDENT = "    "
_BATCH = "csharp_batch.exe"
_OPTIONS = (
    "-nologo",
    "-warn:0",
    "-optimize",
    "-unsafe",
    "-r:System.Numerics.dll",
    "-r:Microsoft.CSharp.dll",
)
_LIBRARY = (*_OPTIONS, "-target:library")

_NEED_DOUBLE = frozenset({"truncatenumber", "findzero"})
"""Functions, in small letters, that must use `double`: HumanEval compares to 1e-6 what is 0.456
of 123.456, and evaluates polynomials to 1e-4. Elsewhere `float` is exact enough, and the type of
MultiPL-E."""
_RENAMED = {"base": "numBase", "decimal": "decimalNum", "operator": "op", "string": "str"}
"""Parameters that are called as in MultiPL-E, since their own names cannot be."""

_USINGS = """\
using System;
using System.Numerics;
using System.Diagnostics;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Security.Cryptography;
"""

_RESERVED = """
abstract as bool break byte case catch char checked class const continue default delegate do double
else enum event explicit extern false finally fixed float for foreach goto if implicit in int
interface internal is lock long namespace new null object out override params private protected
public readonly ref return sbyte sealed short sizeof stackalloc static struct switch this throw true
try typeof uint ulong unchecked unsafe ushort using virtual void volatile while
"""

HELPERS = {
    "HumanEval/10": """\
    // Test if given string is a palindrome.
    public static bool IsPalindrome(string str) {
        return str.SequenceEqual(str.Reverse());
    }
""",
    "HumanEval/32": """\
    // Evaluates polynomial with coefficients xs at point x.
    // return xs[0] + xs[1] * x + xs[1] * x^2 + .... xs[n] * x^n
    public static double Poly(List<long> xs, double x) {
        return xs.Select((coeff, i) => coeff * Math.Pow(x, i)).Sum();
    }
""",
    "HumanEval/38": """\
    // returns encoded string by cycling groups of three characters.
    public static string EncodeCyclic(string s) {
        var result = new StringBuilder();
        // split string to groups. Each of length 3.
        for (int i = 0; i < s.Length; i += 3) {
            string group = s.Substring(i, Math.Min(3, s.Length - i));
            // cycle elements in each group. Unless group has fewer elements than 3.
            result.Append(group.Length == 3 ? group.Substring(1) + group[0] : group);
        }
        return result.ToString();
    }
""",
    "HumanEval/50": """\
    // returns encoded string by shifting every character by 5 in the alphabet.
    public static string EncodeShift(string s) {
        return new string(s.Select(ch => (char)(((ch + 5 - 'a') % 26 + 26) % 26 + 'a')).ToArray());
    }
""",
}


# Programs.


def _needs_double(function: Function) -> bool:
    return function.name.replace("_", "").lower() in _NEED_DOUBLE


def _files(program: str, entry_point: str, calls: Sequence[Any]) -> dict[str, str]:
    entry = (
        f'public static class OverproofEntry {{ public const string Name = "{entry_point}"; }}\n'
    )
    return {"program.cs": program.removeprefix("\ufeff"), "entry.cs": entry}


def _shared_command() -> tuple[str, ...]:
    options = " ".join(_OPTIONS)
    driver_ = f"mcs {options} -out:{_DRIVER} {' '.join(_SOURCES)}"
    return ("sh", "-c", f"{driver_} && mcs {options} -out:{_BATCH} {_BATCH_SOURCE}")


# Translation.


def _plain(kind: Type) -> Type:
    """Return the type as it is declared: `any` for a union, text for keys that may be text."""
    kind = settled(kind)
    args = tuple(map(_plain, kind.args))
    if kind.kind == "dict" and kind.args[0].kind == "union" and STR in kind.args[0].args:
        args = (STR, args[1])
    if kind.kind in ("union", "none") or (kind.kind == "optional" and args[0] == ANY):
        return ANY
    return Type(kind.kind, args)


def _type_name(kind: Type) -> str:
    kind = _plain(kind)
    inner = [_type_name(arg) for arg in kind.args]
    match kind.kind:
        case "int":
            return "long"
        case "str":
            return "string"
        case "list":
            return f"List<{inner[0]}>"
        case "set":
            return f"HashSet<{inner[0]}>"
        case "dict":
            return f"Dictionary<{inner[0]},{inner[1]}>"
        case "tuple":
            return f"Tuple<{', '.join(inner)}>"
        case "optional":
            return f"Nullable<{inner[0]}>" if kind.args[0].kind in _VALUE_TYPES else inner[0]
        case "any":
            return "object"
    return kind.kind


def _signature(function: Function) -> str:
    shown = [
        f"{_type_name(each.type)} {_RENAMED.get(each.name, each.name)}"
        for each in function.parameters
    ]
    result = _type_name(function.result)
    line = f"{_INDENT}public static {result} {function.name}({', '.join(shown)}) {{"
    if _needs_double(function):
        return re.sub(r"\bfloat\b", "double", line)
    return line


def _prompt(function: Function, description: Sequence[str], helpers: str) -> str:
    return "".join(
        [
            _USINGS,
            "class Problem {\n",
            f"{helpers}\n" if helpers else "",
            commented(description, "//", _INDENT),
            f"{_signature(function)}\n",
        ]
    )


def _literal(value: Any, kind: Type) -> str:
    """Return a literal in brackets, as MultiPL-E has it, unless the type holds several."""
    kind = _plain(kind)
    written = _written(value, kind)
    nothing = value is None or (kind.kind == "optional" and kind.args[0].kind in _VALUE_TYPES)
    return written if nothing or kind == ANY else f"({written})"


def _written(value: Any, kind: Type) -> str:
    if value is None:
        return "null"
    name = _type_name(kind)
    match kind.kind:
        case "any":
            return _any(value)
        case "optional":
            return _written(value, kind.args[0])
        case "float":
            return _real(float(value), "float", "f")
        case "tuple":
            items = [_member(v, k) for v, k in zip(value, kind.args, strict=True)]
            return between(items, "Tuple.Create(", ")")
        case "dict":
            key, held = kind.args
            pairs = [f"{{{_written(k, key)}, {_written(v, held)}}}" for k, v in value.items()]
            return f"new {name}(){between(pairs, '{', '}') if pairs else ''}"
        case "list" | "set":
            item = _type_name(kind.args[0])
            items = [f"({item}){_written(each, kind.args[0])}" for each in value]
            return f"new {name}({between(items, f'new {item}[]{{', '}') if items else ''})"
    return _any(value)


def _member(value: Any, kind: Type) -> str:
    """Return what stands for a value in a tuple, whose type is told from it."""
    written = _written(value, kind)
    return f"({_type_name(kind)}){written}" if kind.kind in ("optional", "any") else written


def _any(value: Any) -> str:
    """Return a literal that tells its own type."""
    if value is None:
        return "null"
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int:
        return f"{value}L"
    if type(value) is float:
        return _real(value, "double", "")
    if type(value) is str:
        return re.sub("[\ud800-\udfff]", lambda m: f"\\u{ord(m[0]):04x}", quoted(value, '"'))
    if type(value) is dict:
        key = "string" if all(type(key) is str for key in value) else "object"
        pairs = [f"{{{_any(k)}, {_any(v)}}}" for k, v in value.items()]
        return f"new Dictionary<{key},object>(){between(pairs, '{', '}') if pairs else ''}"
    items = [_any(item) for item in value]
    many = "HashSet" if type(value) in (set, frozenset) else "List"
    return f"new {many}<object>({between(items, 'new object[]{', '}') if items else ''})"


def _real(value: float, name: str, suffix: str) -> str:
    if math.isnan(value):
        return f"{name}.NaN"
    if math.isinf(value):
        return f"{name}.{'Positive' if value > 0 else 'Negative'}Infinity"
    return number(value) + suffix


def _refusal(value: Any, kind: Type) -> str:
    if beyond(value, _BITS):
        return "an integer of more than 64 bits is no long"
    if not fits(value, _plain(kind)):
        return "keys are either all text or of one other type"
    if _without_key(value):
        return "null is no key"
    return _refused_type(_plain(kind))


def _without_key(value: Any) -> bool:
    own = type(value) is dict and None in value
    return own or any(map(_without_key, parts(value)))


def _refused_type(kind: Type) -> str:
    """Return why no value of a type can be expressed."""
    if kind.kind == "tuple" and not 0 < len(kind.args) <= _MAX_MEMBERS:
        return f"a tuple has one to {_MAX_MEMBERS} members"
    return next(filter(None, map(_refused_type, kind.args)), "")


def _definition(name: str) -> str:
    return (
        rf"^[^\n(=;{{}}/]*?(?<![\w.]){re.escape(name)}\s*\((?:[^;{{}}()]|\([^()]*\))*\)"
        r"\s*(?:where\b[^{;]*)?(?:\{|=>)"
    )


LANGUAGE = Language(
    name="csharp",
    title="C#",
    fence="csharp",
    toolchain=Toolchain(tool="mcs", version=("mcs", "--version"), packages=("mono-mcs",)),
    files=_files,
    shared=Shared(
        files=lambda: {name: driver(name) for name in (*_SOURCES, _BATCH_SOURCE)},
        command=_shared_command(),
        results=(_DRIVER, _BATCH),
    ),
    build=("mcs", *_LIBRARY, "-out:program.dll", "program.cs", "entry.cs"),
    batch=Batch(
        command=lambda folders: ("mono", f"shared/{_BATCH}", *_LIBRARY, "--", *folders),
        blames=r"^(p[^/]*)/[^(]*\(.*error",
        partial=True,
    ),
    built="program.dll",
    run=("mono", f"shared/{_DRIVER}", "program.dll"),
    sees_itself=True,
    conflates=frozenset({"tuple_list", "int_float"}),
    translation=Translation(
        case="pascal",
        comment="//",
        terms={
            "None": "null",
            "True": "true",
            "False": "false",
            "list": "list",
            "tuple": "tuple",
            "dictionary": "dictionary",
        },
        stop=("\n    }\n",),
        signature=_signature,
        prompt=_prompt,
        end="\n    }\n}",
        in_class=True,
        literal=_literal,
        call=lambda name, args: f"{name}({', '.join(args)})",
        refusal=_refusal,
        helpers=HELPERS,
        definition=_definition,
        typed=True,
        single_floats=lambda function: not _needs_double(function),
        reserved=frozenset(_RESERVED.split()),
    ),
)
