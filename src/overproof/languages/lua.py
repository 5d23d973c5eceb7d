"""Lua 5.4.

A table is both list and map: an empty one is a list, as is one with the keys 1 to n; a sequence
has no place for nil, so that a pair (None, 1) comes back as a table with one key, which
`fill_holes` mends. A sub-table's metatable is not asked. Of several results the first counts.
"""

import re
from collections.abc import Sequence
from typing import Any

from overproof.languages.language import Function, Language, Toolchain, Translation
from overproof.languages.types import Type
from overproof.languages.writing import between, beyond, commented, driver, number, parts, quoted

_BITS = 63
_CONTROL = re.compile(r"([\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f])")
_CHANNEL = "exec lua5.4 main.lua <&3 >&3 3<&-\n"
_STREAMS = "exec lua5.4 main.lua\n"

_RESERVED = """
and break do else elseif end false for function goto if in local nil not or repeat return then true
until while
"""

HELPERS = {
    "HumanEval/10": """\
-- Test if given string is a palindrome
local function is_palindrome(string)
    return string == string:reverse()
end
""",
    "HumanEval/32": """\
-- Evaluates polynomial with coefficients xs at point x.
-- return xs[0] + xs[1] * x + xs[1] * x^2 + .... xs[n] * x^n
local function poly(xs, x)
    local sum = 0
    for i, coeff in ipairs(xs) do
        sum = sum + coeff * x ^ (i - 1)
    end
    return sum
end
""",
    "HumanEval/38": """\
-- returns encoded string by cycling groups of three characters.
local function encode_cyclic(s)
    -- split string to groups. Each of length 3.
    local groups = {}
    for i = 1, #s, 3 do
        table.insert(groups, s:sub(i, i + 2))
    end
    -- cycle elements in each group. Unless group has fewer elements than 3.
    for i, group in ipairs(groups) do
        if #group == 3 then
            groups[i] = group:sub(2) .. group:sub(1, 1)
        end
    end
    return table.concat(groups)
end
""",
    "HumanEval/50": """\
-- returns encoded string by shifting every character by 5 in the alphabet.
local function encode_shift(s)
    local a = string.byte("a")
    return (s:gsub(".", function(ch) return string.char((ch:byte() + 5 - a) % 26 + a) end))
end
""",
}


def fill_holes(value: Any, expected: Any) -> Any:
    """Return the value with nothing where the reference returned None and a table has no key.

    >>> fill_holes({2: 1}, (None, 1)), fill_holes([-2], (-2, None)), fill_holes([1], (None, 1))
    ([None, 1], [-2, None], [1])
    """
    if type(expected) is dict and type(value) is dict:
        return {key: fill_holes(item, expected.get(key)) for key, item in value.items()}
    if type(expected) not in (list, tuple) or type(value) not in (list, dict):
        return value
    found = dict(enumerate(value, 1)) if type(value) is list else value
    places = range(1, len(expected) + 1)
    absent = {place for place in places if expected[place - 1] is None} - found.keys()
    if absent and found.keys() | absent == set(places):
        return [fill_holes(found.get(place), expected[place - 1]) for place in places]
    if type(value) is dict or not expected:
        return value
    return [fill_holes(item, expected[min(n, len(expected) - 1)]) for n, item in enumerate(value)]


def _files(program: str, entry_point: str, calls: Sequence[Any]) -> dict[str, str]:
    if not entry_point:
        return {"main.sh": _STREAMS, "main.lua": program}
    return {
        "main.sh": _CHANNEL,
        "main.lua": f'{driver("lua.lua")}serve("{entry_point}")\n',
        "program.lua": program,
    }


def _signature(function: Function) -> str:
    names = [parameter.name for parameter in function.parameters]
    return f"local function {function.name}({', '.join(names)})"


def _prompt(function: Function, description: Sequence[str], helpers: str) -> str:
    above = f"{helpers}\n" if helpers else ""
    return f"{above}{commented(description, '--')}{_signature(function)}\n"


def _literal(value: Any, kind: Type) -> str:
    if value is None:
        return "nil"
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is str:
        return _text(value)
    if type(value) is int:
        return "math.mininteger" if value == -1 << _BITS else str(value)
    if type(value) is float:
        return number(value)
    if type(value) is dict:
        pairs = [f"[{_literal(k, kind)}] = {_literal(v, kind)}" for k, v in value.items()]
        return between(pairs, "{", "}")
    return between([_literal(item, kind) for item in value], "{", "}")


def _text(text: str) -> str:
    r"""Return a literal in single quotes.

    >>> print(_text("it's\x07"))
    'it\'s\u{7}'
    """
    body = "".join(
        f"\\u{{{ord(piece):x}}}" if place % 2 else quoted(piece, "'")[1:-1]
        for place, piece in enumerate(_CONTROL.split(text))
    )
    return f"'{body}'"


def _refusal(value: Any, kind: Type) -> str:
    if beyond(value, _BITS):
        return "an integer beyond 2**63 is no integer of Lua"
    if type(value) is dict and value.keys() == set(range(1, len(value) + 1)) and value:
        return "a table with the keys 1 to n is a list"
    if type(value) is dict and (None in value or None in value.values()):
        return "a table cannot hold nil"
    if type(value) in (list, set, frozenset) and None in value:
        return "a list cannot hold nil"
    return next(filter(None, (_refusal(part, kind) for part in parts(value))), "")


LANGUAGE = Language(
    name="lua",
    title="Lua",
    fence="lua",
    toolchain=Toolchain(
        tool="lua5.4",
        version=("lua5.4", "-v"),
        packages=("lua5.4",),
    ),
    files=_files,
    run=("sh", "main.sh"),
    conflates=frozenset({"tuple_list", "dict_list", "set_list"}),
    read_result=fill_holes,
    translation=Translation(
        case="snake",
        comment="--",
        terms={
            "None": "nil",
            "True": "true",
            "False": "false",
            "list": "table",
            "tuple": "table",
            "dictionary": "table",
        },
        stop=("\nlocal", "\nfunction", "\n--", "\n\n"),
        signature=_signature,
        prompt=_prompt,
        end="",
        block_end="end",
        literal=_literal,
        call=lambda name, args: f"{name}({', '.join(args)})",
        refusal=_refusal,
        helpers=HELPERS,
        definition=lambda name: (
            rf"(?m)^\s*(?:local\s+)?function\s+{re.escape(name)}\b"
            rf"|^\s*(?:local\s+)?{re.escape(name)}\s*=\s*function\b"
        ),
        reserved=frozenset(_RESERVED.split()),
    ),
)
