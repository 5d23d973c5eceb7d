"""Rust, with the standard library and no crates.

The driver is a library that is compiled once; a program is compiled on its own and linked to it
(see `drivers/rust_driver.rs`). A union is an enum that the prompt defines, `IntOrStr`; a value of
any type is `Value`. Not covered: two unions of the same kinds (lists of int, lists of str) in one
signature would get one name.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from overproof.languages.language import Function, Language, Shared, Toolchain, Translation
from overproof.languages.rust_programs import files
from overproof.languages.types import Type, fits, settled
from overproof.languages.writing import between, beyond, commented, driver, number, parts

_BITS = 63
_DRIVER = ("rust_driver.rs", "rust_containers.rs", "rust_json.rs", "rust_values.rs")
_LIBRARY = "liboverproof_driver.rlib"

_RESERVED = """
abstract as async await become box break const continue crate do dyn else enum extern false final
fn for if impl in let loop macro match mod move mut override priv pub ref return self Self static
struct super trait true try type typeof unsafe unsized use virtual where while yield
"""

HELPERS = {
    "HumanEval/10": """\
/// Test if given string is a palindrome.
fn is_palindrome(string: String) -> bool {
    string.chars().eq(string.chars().rev())
}
""",
    "HumanEval/32": """\
/// Evaluates polynomial with coefficients xs at point x.
/// return xs[0] + xs[1] * x + xs[1] * x^2 + .... xs[n] * x^n
fn poly(xs: Vec<isize>, x: f64) -> f64 {
    xs.iter().enumerate().map(|(i, coeff)| *coeff as f64 * x.powi(i as i32)).sum()
}
""",
    "HumanEval/38": """\
/// returns encoded string by cycling groups of three characters.
fn encode_cyclic(s: String) -> String {
    let mut characters: Vec<char> = s.chars().collect();
    // split string to groups. Each of length 3.
    for group in characters.chunks_mut(3) {
        // cycle elements in each group. Unless group has fewer elements than 3.
        if group.len() == 3 {
            group.rotate_left(1);
        }
    }
    characters.into_iter().collect()
}
""",
    "HumanEval/50": """\
/// returns encoded string by shifting every character by 5 in the alphabet.
fn encode_shift(s: String) -> String {
    let shifted = s.chars().map(|ch| (ch as i32 + 5 - 'a' as i32).rem_euclid(26) as u8 + b'a');
    shifted.map(char::from).collect()
}
""",
}

_WORDS = {
    "bool": "Bool",
    "int": "Int",
    "float": "Float",
    "str": "Str",
    "list": "List",
    "set": "Set",
    "tuple": "Tuple",
    "dict": "Dict",
    "none": "Null",
}
"""What the alternatives of an enum are called."""

_VALUE = """\
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Null,
    Bool(bool),
    Int(isize),
    Float(f64),
    Str(String),
    List(Vec<Value>),
    Dict(HashMap<String, Value>),
}
"""


def _type_name(kind: Type) -> str:
    kind = settled(kind)
    inner = [_type_name(arg) for arg in kind.args]
    match kind.kind:
        case "none":
            return "()"
        case "int":
            return "isize"
        case "float":
            return "f64"
        case "str":
            return "String"
        case "list":
            return f"Vec<{inner[0]}>"
        case "set":
            return f"HashSet<{inner[0]}>"
        case "dict":
            return f"HashMap<{inner[0]}, {inner[1]}>"
        case "optional":
            return f"Option<{inner[0]}>"
        case "tuple":
            return f"({inner[0]},)" if len(inner) == 1 else between(inner, "(", ")")
        case "union":
            return "Or".join(_WORDS[arg.kind] for arg in kind.args)
        case "any":
            return "Value"
    return kind.kind


def _definitions(kinds: Sequence[Type]) -> Iterator[str]:
    """Yield the enums that these types need, each once."""
    seen: set[str] = set()
    todo = list(kinds)
    while todo:
        kind = todo.pop(0)
        todo += kind.args
        name = _type_name(kind)
        if kind.kind not in ("union", "any") or name in seen:
            continue
        seen.add(name)
        if kind.kind == "any":
            yield _VALUE
            continue
        equal = "" if kind.holds("float", "any") else ", Eq"
        equal += "" if not equal or kind.holds("dict", "set") else ", Hash"
        held = "".join(f"    {_WORDS[arg.kind]}({_type_name(arg)}),\n" for arg in kind.args)
        yield f"#[derive(Clone, Debug, PartialEq{equal})]\nenum {name} {{\n{held}}}\n"


def _signature(function: Function) -> str:
    shown = [f"{each.name}: {_type_name(each.type)}" for each in function.parameters]
    return f"fn {function.name}({', '.join(shown)}) -> {_type_name(function.result)} {{"


def _prompt(function: Function, description: Sequence[str], helpers: str) -> str:
    kinds = [*(each.type for each in function.parameters), function.result]
    enums = list(_definitions(kinds))
    signature = _signature(function)
    types = [name for name in ("HashMap", "HashSet") if name in "".join([*enums, signature])]
    imports = "".join(f"use std::collections::{name};\n" for name in types)
    above = "".join(f"{part}\n" for part in (imports, *enums, helpers) if part)
    return f"{above}{commented(description, '///')}{signature}\n"


def _literal(value: Any, kind: Type) -> str:
    kind = settled(kind)
    match kind.kind:
        case "optional":
            return "None" if value is None else f"Some({_literal(value, kind.args[0])})"
        case "union":
            own = _alternative(value, kind)
            return f"{_type_name(kind)}::{_WORDS[own.kind]}({_literal(value, own)})"
        case "any":
            return _value(value)
        case "float":
            return _real(float(value))
        case "dict":
            key, held = kind.args
            items = [f"({_literal(k, key)}, {_literal(v, held)})" for k, v in value.items()]
            return between(items, "HashMap::from([", "])")
        case "tuple":
            items = [_literal(v, k) for v, k in zip(value, kind.args, strict=True)]
            return f"({items[0]},)" if len(items) == 1 else between(items, "(", ")")
        case "list" | "set":
            items = [_literal(item, kind.args[0]) for item in value]
            return between(items, *(("vec![", "]") if kind.kind == "list" else _SET))
        case "str":
            return f"String::from({_text(value)})"
        case "bool":
            return "true" if value else "false"
    return "()" if value is None else str(value)


_SET = ("HashSet::from([", "])")


def _alternative(value: Any, union: Type) -> Type:
    """Return the alternative that a value belongs to, an integer to float only if it must."""
    own = [arg for arg in union.args if arg.kind == type(value).__name__]
    return next(arg for arg in (*own, *union.args) if fits(value, arg))


def _value(value: Any) -> str:
    """Return a literal of the enum that holds anything."""
    if value is None:
        return "Value::Null"
    if type(value) is dict:
        items = [f"(String::from({_text(k)}), {_value(v)})" for k, v in value.items()]
        return f"Value::Dict({between(items, 'HashMap::from([', '])')})"
    if type(value) in (list, tuple):
        return f"Value::List({between([_value(item) for item in value], 'vec![', ']')})"
    kind = Type(type(value).__name__)  # type: ignore[arg-type]
    return f"Value::{_WORDS[kind.kind]}({_literal(value, kind)})"


def _real(value: float) -> str:
    if value != value:
        return "f64::NAN"
    if abs(value) == float("inf"):
        return "f64::INFINITY" if value > 0 else "f64::NEG_INFINITY"
    return number(value)


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _text(text: str) -> str:
    shown = [_ESCAPES.get(c) or (c if c.isprintable() else f"\\u{{{ord(c):x}}}") for c in text]
    return between(shown, '"', '"', "")


def _refusal(value: Any, kind: Type) -> str:
    if beyond(value, _BITS):
        return "an integer of more than 64 bits is no isize"
    if _any_text(value, lambda text: re.search("[\ud800-\udfff]", text) is not None):
        return "a lone surrogate is no character of Rust"
    return _refused_type(kind) or _refused_in_any(value, kind)


def _any_text(value: Any, test: Any) -> bool:
    if type(value) is str:
        return bool(test(value))
    return any(_any_text(item, test) for item in parts(value))


def _refused_type(kind: Type) -> str:
    """Return why no value of a type can be expressed."""
    if kind.kind in ("dict", "set") and kind.args[0].holds("float", "any", "dict", "set"):
        return f"{_type_name(kind.args[0])} cannot be hashed"
    return next(filter(None, map(_refused_type, kind.args)), "")


def _refused_in_any(value: Any, kind: Type) -> str:
    """Return why a value cannot be held where anything may stand."""
    if not kind.holds("any"):
        return ""
    if type(value) in (set, frozenset):
        return "Value holds no set"
    if type(value) is dict and any(type(key) is not str for key in value):
        return "the keys of a Value's map are text"
    return next(filter(None, (_refused_in_any(item, kind) for item in parts(value))), "")


LANGUAGE = Language(
    name="rust",
    title="Rust",
    fence="rust",
    toolchain=Toolchain(tool="rustc", version=("rustc", "--version"), packages=("rustc",)),
    files=files,
    shared=Shared(
        files=lambda: {name: driver(name) for name in _DRIVER},
        command=(
            *("rustc", "--edition=2021", "--crate-type=rlib", "--crate-name=overproof_driver"),
            *("-Copt-level=1", "-Ccodegen-units=1", "-Cprefer-dynamic", "rust_driver.rs"),
        ),
        results=(_LIBRARY,),
    ),
    build=(
        *("rustc", "--edition=2021", "--error-format=short", "-Awarnings", "-Copt-level=1"),
        *("-Ccodegen-units=1", "-Cdebug-assertions=on", "-Cprefer-dynamic"),
        *("--extern", f"overproof_driver=shared/{_LIBRARY}", "program.rs"),
    ),
    built="program",
    run=("./program",),
    no_entry_point="entry.rs:1:",
    conflates=frozenset({"tuple_list"}),
    translation=Translation(
        case="snake",
        comment="///",
        terms={
            "None": "None",
            "True": "true",
            "False": "false",
            "list": "vector",
            "tuple": "tuple",
            "dictionary": "HashMap",
        },
        stop=("\n}",),
        signature=_signature,
        prompt=_prompt,
        end="\n}",
        literal=_literal,
        call=lambda name, args: f"{name}({', '.join(args)})",
        refusal=_refusal,
        helpers=HELPERS,
        definition=lambda name: rf"\bfn\s+{re.escape(name)}\s*[(<]",
        typed=True,
        reserved=frozenset(_RESERVED.split()),
    ),
)
