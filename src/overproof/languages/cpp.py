"""C++17, with g++ and its standard library.

A program is compiled after a precompiled header, and linked with the part of the driver that no
program changes (see `drivers/overproof_driver.hpp`). A union is a `std::variant` under the name
that MultiPL-E gives it, so that bodies written for its unions fit; whoever declares such a union
again, as one without a tag, cannot be called: nobody could say which member it holds.

Limits: `float` has seven digits, which some tests exceed; see `_NEED_DOUBLE`.
"""

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from overproof.languages.language import Function, Language, Shared, Toolchain, Translation
from overproof.languages.types import FLOAT, INT, STR, Type, fits, settled
from overproof.languages.writing import between, beyond, commented, driver, number, parts, quoted

_BITS = 63
_MAX_VARIANT = 3
"""A union of more alternatives is std::any."""
_PARTS = ("driver", "everything", "containers", "scalars", "json", "runtime")
_HEADERS = tuple(f"overproof_{part}.hpp" for part in _PARTS)

# -O1 costs no more than -O0, whose output is four times as long, and runs five times faster.
_COMPILE = ("g++", "-std=c++17", "-O1", "-w", "-pipe", "-fmax-errors=3")

_NEED_DOUBLE = frozenset({"truncatenumber", "findzero"})
"""Functions, in small letters, that must use `double`: HumanEval compares to 1e-6 what is 0.456
of 123.456, and evaluates polynomials to 1e-4. Elsewhere `float` is exact enough, and the type of
MultiPL-E."""
_RENAMED = {"operator": "op"}
"""Parameters that are called as in MultiPL-E, since their own names cannot be."""

_RESERVED = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t class
compl const const_cast constexpr continue decltype default delete do double dynamic_cast else enum
explicit export extern false float for friend goto if inline int long main mutable namespace new
noexcept not not_eq nullptr or or_eq private protected public register reinterpret_cast return
short signed sizeof static static_assert static_cast std struct switch template this thread_local
throw true try typedef typeid typename union unsigned using virtual void volatile wchar_t while
xor xor_eq
strlen
"""
"""Keywords, and what the standard library has under the same name and nearly the same type."""

HELPERS = {
    "HumanEval/10": """\
// Test if given string is a palindrome.
bool is_palindrome(std::string string) {
    return std::equal(string.begin(), string.end(), string.rbegin());
}
""",
    "HumanEval/32": """\
// Evaluates polynomial with coefficients xs at point x.
// return xs[0] + xs[1] * x + xs[1] * x^2 + .... xs[n] * x^n
double poly(std::vector<long> xs, double x) {
    double sum = 0;
    for (size_t i = 0; i < xs.size(); i++) {
        sum += xs[i] * std::pow(x, i);
    }
    return sum;
}
""",
    "HumanEval/38": """\
// returns encoded string by cycling groups of three characters.
std::string encode_cyclic(std::string s) {
    // split string to groups. Each of length 3.
    for (size_t i = 0; i + 3 <= s.size(); i += 3) {
        // cycle elements in each group. Unless group has fewer elements than 3.
        std::rotate(s.begin() + i, s.begin() + i + 1, s.begin() + i + 3);
    }
    return s;
}
""",
    "HumanEval/50": """\
// returns encoded string by shifting every character by 5 in the alphabet.
std::string encode_shift(std::string s) {
    for (char& ch : s) {
        ch = ((ch + 5 - 'a') % 26 + 26) % 26 + 'a';
    }
    return s;
}
""",
}


# Programs.

_INCLUDES_ALL = re.compile(r"^[^\S\n]*#\s*include\s*[<\"]bits/stdc\+\+\.h", re.MULTILINE)


def _needs_double(function: Function) -> bool:
    return function.name.replace("_", "").lower() in _NEED_DOUBLE


def _files(program: str, entry_point: str, calls: Sequence[Any]) -> dict[str, str]:
    program = program.removeprefix("\ufeff")
    everything = _INCLUDES_ALL.search(program) is not None
    first = f'#include "overproof_{"everything" if everything else "driver"}.hpp"\n'
    program_follows = '#include "program.cpp"\n'
    if entry_point:
        main = f"{first}{program_follows}OVERPROOF_SERVE({entry_point})\n"
    else:
        main = f"{first}#undef main\n{program_follows}" if everything else program_follows
    return {"program.cpp": program, "main.cpp": main}


def _shared_command() -> tuple[str, ...]:
    compile_ = " ".join(_COMPILE)
    headers = [
        f"{compile_} -x c++-header overproof_{part}.hpp -o overproof_{part}.hpp.gch"
        for part in ("driver", "everything")
    ]
    runtime = f"{compile_} -x c++ -c overproof_runtime.hpp -o overproof_runtime.o"
    return ("sh", "-c", " && ".join([runtime, *headers]))


# Translation.


def _plain(kind: Type) -> Type:
    """Return the type as it is declared: keys that are text or something else are text."""
    kind = settled(kind)
    args = tuple(map(_plain, kind.args))
    if kind.kind == "dict" and args[0].kind == "union" and STR in args[0].args:
        args = (STR, args[1])
    return Type(kind.kind, args)


def _type_name(kind: Type) -> str:
    kind = _plain(kind)
    inner = [_type_name(arg) for arg in kind.args]
    match kind.kind:
        case "none":
            return "std::nullopt_t"
        case "int":
            return "long"
        case "str":
            return "std::string"
        case "list":
            return f"std::vector<{inner[0]}>"
        case "set":
            return f"std::set<{inner[0]}>"
        case "dict":
            return f"std::map<{inner[0]},{inner[1]}>"
        case "optional":
            return f"std::optional<{inner[0]}>"
        case "tuple":
            return f"std::tuple<{', '.join(inner)}>"
        case "union":
            if _is_any(kind):
                return "std::any"
            names = [re.sub(r"\W+", "_", _type_name(arg)) for arg in _alternatives(kind)]
            return "Union_" + "_".join(names)
        case "any":
            return "std::any"
    return kind.kind


def _is_any(kind: Type) -> bool:
    return kind.kind == "any" or (kind.kind == "union" and len(kind.args) > _MAX_VARIANT)


def _alternatives(union: Type) -> list[Type]:
    """Return what a union may hold, numbers last; an integer stays one where floats may be."""
    numbers = [arg for arg in union.args if arg in (INT, FLOAT)]
    others = [arg for arg in union.args if arg not in (INT, FLOAT)]
    return [*others, *([INT, FLOAT] if FLOAT in numbers else numbers)]


def _alternative(value: Any, union: Type) -> Type:
    """Return the alternative that a value belongs to, an integer to float only if it must."""
    return next(arg for arg in _alternatives(union) if fits(value, arg))


def _unions(kinds: Sequence[Type]) -> Iterator[str]:
    """Yield the declarations of the unions that these types need, each once."""
    seen: set[str] = set()

    def visit(kind: Type) -> Iterator[str]:
        for arg in kind.args:
            yield from visit(arg)
        name = _type_name(kind)
        if kind.kind == "union" and not _is_any(kind) and name not in seen:
            seen.add(name)
            inner = ", ".join(map(_type_name, _alternatives(kind)))
            yield f"using {name} = std::variant<{inner}>;\n"

    for kind in kinds:
        yield from visit(_plain(kind))


def _signature(function: Function) -> str:
    shown = [
        f"{_type_name(each.type)} {_RENAMED.get(each.name, each.name)}"
        for each in function.parameters
    ]
    line = f"{_type_name(function.result)} {function.name}({', '.join(shown)}) {{"
    if _needs_double(function):
        return re.sub(r"\bfloat\b", "double", line)
    return line


def _prompt(function: Function, description: Sequence[str], helpers: str) -> str:
    kinds = [*(each.type for each in function.parameters), function.result]
    return "".join(
        [
            "#include<assert.h>\n#include<bits/stdc++.h>\n",
            *_unions(kinds),
            f"{helpers}\n" if helpers else "",
            commented(description, "//"),
            f"{_signature(function)}\n",
        ]
    )


def _literal(value: Any, kind: Type) -> str:
    """Return a literal in brackets, as MultiPL-E has it, unless the type holds several."""
    written = _written(value, _plain(kind))
    bare = kind.kind in ("optional", "union", "any", "none")
    return written if bare else f"({written})"


def _written(value: Any, kind: Type) -> str:
    if _is_any(kind):
        return _any(value)
    name = _type_name(kind)
    match kind.kind:
        case "optional":
            return "std::nullopt" if value is None else _written(value, kind.args[0])
        case "union":
            return _written(value, _alternative(value, kind))
        case "dict":
            key, held = kind.args
            pairs = [f"{{{_written(k, key)}, {_written(v, held)}}}" for k, v in value.items()]
            return f"{name}({between(pairs, '{', '}')})" if pairs else f"{name}()"
        case "tuple":
            items = [_member(v, k) for v, k in zip(value, kind.args, strict=True)]
            return between(items, "std::make_tuple(", ")")
        case "list" | "set":
            item = _type_name(kind.args[0])
            items = [f"({item}){_written(each, kind.args[0])}" for each in value]
            return f"{name}({between(items, '{', '}')})" if items else f"{name}()"
        case "float":
            return f"{_real(value)}f" if math.isfinite(value) else _real(value)
        case "str":
            return _text(value)
        case "bool":
            return "true" if value else "false"
        case "none":
            return "std::nullopt"
    return _whole(value)


def _member(value: Any, kind: Type) -> str:
    """Return what stands for a value in a tuple, whose type is told from it."""
    written = _written(value, kind)
    return f"{_type_name(kind)}({written})" if kind.kind in ("optional", "union") else written


def _any(value: Any) -> str:
    """Return a literal that tells its own type."""
    if value is None:
        return "std::nullopt"
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int:
        return _whole(value)
    if type(value) is float:
        return _real(value)
    if type(value) is str:
        return _text(value)
    if type(value) is dict:
        key = "long" if any(type(key) is int for key in value) else "std::string"
        pairs = [f"{{{_any(k)}, {_any(v)}}}" for k, v in value.items()]
        return f"std::map<{key},std::any>({between(pairs, '{', '}') if pairs else ''})"
    items = [f"(std::any){_any(item)}" for item in value]
    return f"std::vector<std::any>({between(items, '{', '}') if items else ''})"


def _real(value: float) -> str:
    if math.isnan(value):
        return "NAN"
    if math.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    return number(float(value))


def _whole(value: int) -> str:
    return str(value) if value != -(1 << _BITS) else f"(-{(1 << _BITS) - 1} - 1)"


def _text(text: str) -> str:
    # Each control character ends its own piece: "\x7f" would swallow the digits that follow.
    shown = re.sub(r"\\u00([0-9a-f]{2})", r'\\x\1""', quoted(text, '"'))
    if "\0" in text:
        return f"std::string({shown}, {len(text.encode())})"
    return shown


def _refusal(value: Any, kind: Type) -> str:
    if beyond(value, _BITS):
        return "an integer of more than 64 bits is no long"
    if _has_surrogate(value):
        return "a lone surrogate is no character of UTF-8"
    kind = _plain(kind)
    if not fits(value, kind):
        return "keys are either all text or of one other type"
    return _refused_type(kind) or _refused_in_any(value, kind)


def _has_surrogate(value: Any) -> bool:
    if type(value) is str:
        return re.search("[\ud800-\udfff]", value) is not None
    return any(map(_has_surrogate, parts(value)))


def _refused_type(kind: Type) -> str:
    """Return why no value of a type can be expressed."""
    if kind.kind in ("dict", "set") and _holds_any(kind.args[0]):
        return "two std::any cannot be compared"
    return next(filter(None, map(_refused_type, kind.args)), "")


def _holds_any(kind: Type) -> bool:
    return _is_any(kind) or any(map(_holds_any, kind.args))


def _refused_in_any(value: Any, kind: Type) -> str:
    """Return why a value cannot be held where anything may stand."""
    if not _holds_any(kind):
        return ""
    if type(value) in (set, frozenset):
        return "the driver puts no set in a std::any"
    if type(value) is dict and {type(key) for key in value} not in ({str}, {int}, set()):
        return "the keys of a map in a std::any are all text or all integers"
    return next(filter(None, (_refused_in_any(item, kind) for item in parts(value))), "")


def _definition(name: str) -> str:
    name = re.escape(name)
    return (
        rf"^[^\n(=;{{}}/]*?(?<![\w.>:]){name}\s*\((?:[^;{{}}()]|\([^()]*\))*\)"
        rf"\s*(?:noexcept\s*|->[^{{;]*)?\{{|^[^\n(=;{{}}/]*\bauto\s+{name}\s*="
    )


LANGUAGE = Language(
    name="cpp",
    title="C++",
    fence="cpp",
    toolchain=Toolchain(
        tool="g++", version=("g++", "-dumpfullversion", "-dumpversion"), packages=("g++",)
    ),
    files=_files,
    shared=Shared(
        files=lambda: {name: driver(name) for name in _HEADERS},
        command=_shared_command(),
        results=(
            *_HEADERS,
            *("overproof_runtime.o", "overproof_driver.hpp.gch", "overproof_everything.hpp.gch"),
        ),
    ),
    build=(*_COMPILE, "-Ishared", "main.cpp", "shared/overproof_runtime.o", "-o", "program"),
    built="program",
    run=("./program",),
    no_entry_point="main.cpp:3:",
    conflates=frozenset({"tuple_list", "int_float"}),
    translation=Translation(
        case="snake",
        comment="//",
        terms={
            "None": "std::nullopt",
            "True": "true",
            "False": "false",
            "list": "vector",
            "tuple": "tuple",
            "dictionary": "map",
        },
        stop=("\n}",),
        signature=_signature,
        prompt=_prompt,
        end="\n}",
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
