"""Go, with its standard library.

The driver is a package that is compiled once; a program is compiled and linked with the tools
themselves, since `go build` would look at the whole standard library first (see
`drivers/go_driver.go`). What a program imports without using it is left out, as Go refuses it and
a prompt cannot know what will be used; so is what it imports twice.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from overproof.languages.language import Function, Language, Shared, Toolchain, Translation
from overproof.languages.types import Type, settled
from overproof.languages.writing import between, beyond, commented, driver, number, parts

_BITS = 63
_SHARED = ("go_shared.sh", "go_driver.go", "go_json.go", "go_values.go")

_RESERVED = """
break case chan const continue default defer else fallthrough for func go goto if import interface
map package range return select struct switch type var
any bool byte comparable complex64 complex128 error float32 float64 int int8 int16 int32 int64 rune
string uint uint8 uint16 uint32 uint64 uintptr true false iota nil append cap close complex copy
delete imag len make new panic print println real recover fmt testing init main
"""

HELPERS = {
    "HumanEval/10": """\
// Test if given string is a palindrome.
func is_palindrome(string_ string) bool {
    runes := []rune(string_)
    for i := range runes {
        if runes[i] != runes[len(runes)-1-i] {
            return false
        }
    }
    return true
}
""",
    "HumanEval/32": """\
// Evaluates polynomial with coefficients xs at point x.
// return xs[0] + xs[1] * x + xs[1] * x^2 + .... xs[n] * x^n
func poly(xs []int, x float64) float64 {
    sum, power := 0.0, 1.0
    for _, coeff := range xs {
        sum += float64(coeff) * power
        power *= x
    }
    return sum
}
""",
    "HumanEval/38": """\
// returns encoded string by cycling groups of three characters.
func encode_cyclic(s string) string {
    runes := []rune(s)
    // split string to groups. Each of length 3.
    for i := 0; i+3 <= len(runes); i += 3 {
        // cycle elements in each group. Unless group has fewer elements than 3.
        runes[i], runes[i+1], runes[i+2] = runes[i+1], runes[i+2], runes[i]
    }
    return string(runes)
}
""",
    "HumanEval/50": """\
// returns encoded string by shifting every character by 5 in the alphabet.
func encode_shift(s string) string {
    runes := []rune(s)
    for i, ch := range runes {
        runes[i] = ((ch+5-'a')%26+26)%26 + 'a'
    }
    return string(runes)
}
""",
}


# Programs.

_HIDDEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/|`[^`]*`|"(?:\\.|[^"\\\n])*"|'(?:\\.[^'\n]*|[^'\\\n])'""", re.DOTALL
)
_PACKAGE = re.compile(r"\s*package\s+(\w+)")
_IMPORT = re.compile(r"[\s;]*\bimport\b\s*(\(?)")
_SPEC = re.compile(r"[\s;]*((?:(\w+|\.)[ \t]+)?([\"`])([^\"`\n]+)\3)")
_CLOSING = re.compile(r"[\s;]*\)")


def _files(program: str, entry_point: str, calls: Sequence[Any]) -> dict[str, str]:
    program = program.removeprefix("\ufeff")
    if not entry_point:
        return {"program.go": program}
    main = re.search(r"(?m)^\s*func\s+main\s*\(", _hide(program))
    return {
        "program.go": _without_vain_imports(_as_main(program)),
        "target.go": f"""\
package main

import "overproof_driver"

var overproof_target = overproof_driver.Bind(
\t{entry_point})

func init() {{ overproof_target.Serve() }}
{"" if main else "func main() {}"}
""",
    }


def _hide(source: str, begins: tuple[str, ...] = ("/", "`", '"', "'")) -> str:
    """Return the source with blanks for comments, texts and runes, place by place."""
    return _HIDDEN.sub(
        lambda match: _blank(match.group()) if match.group().startswith(begins) else match.group(),
        source,
    )


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _as_main(program: str) -> str:
    """Return the program as package main, whatever it says that it is."""
    package = _PACKAGE.match(_hide(program))
    if package is None:
        return f"package main; {program}"
    start, end = package.span(1)
    return f"{program[:start]}main{program[end:]}"


def _without_vain_imports(program: str) -> str:
    """Return the program without what it imports twice or never uses, each line in its place.

    >>> _without_vain_imports('package main; import ("fmt"; m "math"); var x = m.Pi')
    'package main; import (       m "math"); var x = m.Pi'
    """
    imports = list(_imports(_hide(program, ("/",))))
    rest = _hide(program)[imports[-1][1] :] if imports else ""
    known: set[tuple[str, str]] = set()
    for start, end, name, path in imports:
        used = name in ("_", ".") or re.search(rf"(?<![\w.]){re.escape(name)}\s*\.", rest)
        if not used or (name, path) in known:
            semicolon = re.compile(r"[ \t]*;").match(program, end)
            end = semicolon.end() if semicolon else end
            program = program[:start] + _blank(program[start:end]) + program[end:]
        known.add((name, path))
    return program


def _imports(source: str) -> Iterator[tuple[int, int, str, str]]:
    """Yield (start, end, name, path) of what is imported; a declaration of one begins with it."""
    package = _PACKAGE.match(source)
    place = package.end() if package else 0
    while declaration := _IMPORT.match(source, place):
        place = declaration.end()
        while spec := _SPEC.match(source, place):
            start = spec.start(1) if declaration[1] else source.index("import", declaration.start())
            yield start, spec.end(), spec[2] or spec[4].rpartition("/")[2], spec[4]
            place = spec.end()
            if not declaration[1]:
                break
        closing = _CLOSING.match(source, place) if declaration[1] else None
        place = closing.end() if closing else place


# Translation.


def _type_name(kind: Type) -> str:
    kind = settled(kind)
    inner = [_type_name(arg) for arg in kind.args]
    match kind.kind:
        case "float":
            return "float64"
        case "str":
            return "string"
        case "list":
            return f"[]{inner[0]}"
        case "tuple":
            return "[]interface{}"
        case "set":
            return f"map[{inner[0]}]struct{{}}"
        case "dict":
            return f"map[{inner[0]}]{inner[1]}"
        case "int" | "bool":
            return kind.kind
    return "interface{}"


def _signature(function: Function) -> str:
    shown = [f"{each.name} {_type_name(each.type)}" for each in function.parameters]
    return f"func {function.name}({', '.join(shown)}) {_type_name(function.result)} {{"


def _prompt(function: Function, description: Sequence[str], helpers: str) -> str:
    above = f'package {function.name}_test\n\nimport (\n    "testing"\n    "fmt"\n)\n\n'
    above += f"{helpers}\n" if helpers else ""
    return f"{above}{commented(description, '//')}{_signature(function)}\n"


_ANY = Type("any")


def _literal(value: Any, kind: Type) -> str:
    """Write a value; where an interface{} is meant, as what the driver puts into it."""
    kind = settled(kind)
    inside = kind.args if kind.kind in ("list", "set", "dict") else (_ANY, _ANY)
    if type(value) in (list, tuple):
        of = "interface{}" if inside[0] is _ANY else _type_name(inside[0])
        return between([_literal(item, inside[0]) for item in value], f"[]{of}{{", "}")
    if type(value) in (set, frozenset):
        items = [f"{_literal(item, inside[0])}: {{}}" for item in value]
        return between(items, f"map[{_type_name(inside[0])}]struct{{}}{{", "}")
    if type(value) is dict:
        items = [f"{_literal(k, inside[0])}: {_literal(v, inside[1])}" for k, v in value.items()]
        return between(items, f"map[{_type_name(inside[0])}]{_type_name(inside[1])}{{", "}")
    if type(value) is float or kind.kind == "float":
        return _real(float(value))
    if type(value) is str:
        return _text(value)
    if type(value) is bool:
        return "true" if value else "false"
    return "nil" if value is None else str(value)


def _real(value: float) -> str:
    if value != value:
        return "math.NaN()"
    if abs(value) == float("inf"):
        return f"math.Inf({1 if value > 0 else -1})"
    return number(value)


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _text(text: str) -> str:
    return between([_ESCAPES.get(c) or _character(c) for c in text], '"', '"', "")


def _character(character: str) -> str:
    code = ord(character)
    if character.isprintable():
        return character
    return f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"


def _refusal(value: Any, kind: Type) -> str:
    if beyond(value, _BITS):
        return "an integer of more than 64 bits is no int"
    if _has_surrogate(value):
        return "a lone surrogate is no character of Go"
    return _refused_type(kind) or _refused_key(value)


def _has_surrogate(value: Any) -> bool:
    if type(value) is str:
        return any("\ud800" <= character <= "\udfff" for character in value)
    return any(map(_has_surrogate, parts(value)))


def _refused_type(kind: Type) -> str:
    """Return why no value of a type can be expressed."""
    if kind.kind in ("dict", "set") and kind.args[0].kind in ("list", "tuple", "dict", "set"):
        return f"{_type_name(kind.args[0])} cannot be the key of a map"
    return next(filter(None, map(_refused_type, kind.args)), "")


def _refused_key(value: Any) -> str:
    """Return why a map of keys of any type cannot have one of these."""
    keys = value if type(value) in (dict, set, frozenset) else ()
    if any(type(key) in (tuple, frozenset) for key in keys):
        return "a slice or map cannot be the key of a map"
    return next(filter(None, map(_refused_key, parts(value))), "")


LANGUAGE = Language(
    name="go",
    title="Go",
    fence="go",
    toolchain=Toolchain(tool="go", version=("go", "version"), packages=("golang-go",)),
    files=_files,
    shared=Shared(
        files=lambda: {name: driver(name) for name in _SHARED},
        command=("sh", "go_shared.sh"),
        results=("importcfg", "std"),
    ),
    build=(
        *("sh", "-c"),
        "tools=$(go env GOTOOLDIR) && "
        '"$tools/compile" -p main -pack -complete -dwarf=false -importcfg shared/importcfg'
        " -o program.a *.go && "
        'exec "$tools/link" -s -w -importcfg shared/importcfg -o program program.a',
    ),
    built="program",
    run=("./program",),
    no_entry_point="target.go:6:2: undefined:",
    limits_address_space=False,
    conflates=frozenset({"tuple_list"}),
    translation=Translation(
        case="snake",
        comment="//",
        terms={
            "None": "nil",
            "True": "true",
            "False": "false",
            "list": "list",
            "tuple": "list",
            "dictionary": "map",
        },
        stop=("\nfunc", "struct", "\n// "),
        signature=_signature,
        prompt=_prompt,
        end="",
        literal=_literal,
        call=lambda name, args: f"{name}({', '.join(args)})",
        refusal=_refusal,
        helpers=HELPERS,
        definition=lambda name: rf"(?m)^func\s+{re.escape(name)}\s*[(\[]",
        typed=True,
        reserved=frozenset(_RESERVED.split()),
    ),
)
