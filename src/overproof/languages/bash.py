"""Bash, where everything is text, put as in MultiPL-E: a list has spaces, a list of lists lines.

A map is a table of two columns, `key,value`; nothing is `None`; a result is what is printed, less
the line breaks at its end. What `written` cannot tell apart is refused: elements that are empty
or have white space in them, a number as text among numbers.
Not covered: state that one call leaves for the next, which a subshell loses.
"""

import re
from collections.abc import Sequence
from typing import Any

from overproof.languages.language import Function, Language, Toolchain, Translation
from overproof.languages.types import Type
from overproof.languages.writing import commented, driver, number, parts

_MANY = (list, tuple, set, frozenset)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")

_RESERVED = """
alias bg bind break builtin caller case cd command compgen complete compopt continue coproc declare
dirs disown do done echo elif else enable esac eval exec exit export false fc fg fi for function
getopts hash help history if in jobs kill let local logout mapfile popd printf pushd pwd read
readarray readonly return select set shift shopt source suspend test then time times trap true type
typeset ulimit umask unalias unset until wait while
"""

HELPERS = {
    "HumanEval/10": """\
# Test if given string is a palindrome
#
# $1 is a string
is_palindrome() {
    local reversed="" i
    for ((i = ${#1} - 1; i >= 0; i--)); do
        reversed+=${1:i:1}
    done
    [[ $1 == "$reversed" ]] && echo true || echo false
}
""",
    "HumanEval/32": """\
# Evaluates polynomial with coefficients xs at point x.
# return xs[0] + xs[1] * x + xs[1] * x^2 + .... xs[n] * x^n
#
# $1 is a space-separated list
# $2 is a floating point
poly() {
    awk -v xs="$1" -v x="$2" 'BEGIN {
        n = split(xs, coeffs, " ")
        for (i = 1; i <= n; i++) sum += coeffs[i] * x ^ (i - 1)
        printf "%.17g\\n", sum
    }'
}
""",
    "HumanEval/38": """\
# returns encoded string by cycling groups of three characters.
#
# $1 is a string
encode_cyclic() {
    local encoded="" group i
    # split string to groups. Each of length 3.
    for ((i = 0; i < ${#1}; i += 3)); do
        group=${1:i:3}
        # cycle elements in each group. Unless group has fewer elements than 3.
        if ((${#group} == 3)); then
            group=${group:1}${group:0:1}
        fi
        encoded+=$group
    done
    printf '%s\\n' "$encoded"
}
""",
    "HumanEval/50": """\
# returns encoded string by shifting every character by 5 in the alphabet.
#
# $1 is a string
encode_shift() {
    local alphabet=abcdefghijklmnopqrstuvwxyz encoded="" code i
    for ((i = 0; i < ${#1}; i++)); do
        printf -v code '%d' "'${1:i:1}"
        encoded+=${alphabet:(code + 5 - 97 + 2600000) % 26:1}
    done
    printf '%s\\n' "$encoded"
}
""",
}


def written(value: Any) -> str:
    r"""Return the text that stands for a value, as argument and as result.

    >>> written([1, 2.5]), written([[1], [2, 3]]), written({"a": 1, "b": 2}), written((True, None))
    ('1 2.5', '1\n2 3', 'a,1\nb,2', 'true None')
    """
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is float:
        return number(value)
    if type(value) is dict:
        return "\n".join(f"{written(key)},{written(item)}" for key, item in value.items())
    if type(value) in _MANY:
        nested = any(type(item) in _MANY for item in value)
        return ("\n" if nested else " ").join(map(written, value))
    return str(value)


def parse(text: Any, expected: Any) -> Any:
    r"""Return the value of what was printed, in the shape of what the reference returned.

    Its numbers and truth values are still text, which `conform` converts.

    >>> parse("1 2", [5]), parse("0 0\n1 4", [(0, 0)]), parse("a,2\nb,1", {"a": 1})
    (['1', '2'], [['0', '0'], ['1', '4']], {'a': '2', 'b': '1'})
    >>> parse("None 1", (None, 1)), parse(" true", ("", True)), parse("a b", "c d")
    ([None, '1'], ['', 'true'], 'a b')
    """
    if type(text) is not str:
        return text
    if expected is None:
        return None if text == "None" else text
    if type(expected) is dict:
        rows = [line.partition(",") for line in text.split("\n") if text]
        found = {key: parse(item, next(iter(expected.values()), "")) for key, _, item in rows}
        return found if len(found) == len(rows) and all(comma for _, comma, _ in rows) else text
    if type(expected) not in _MANY:
        return text
    counterparts = list(expected)
    items = _split(text, counterparts)
    return [
        parse(item, counterparts[min(place, len(counterparts) - 1)] if counterparts else "")
        for place, item in enumerate(items)
    ]


def _split(text: str, expected: Sequence[Any]) -> list[str]:
    if any(type(item) in _MANY for item in expected):
        return text.split("\n")
    # Spaces count where an element is empty: (" true" is the pair of nothing and true).
    return text.split(" ") if "" in expected else text.split()


def _refusal(value: Any, kind: Type) -> str:
    if type(value) is str:
        return _refuse_text(value, kind)
    if type(value) is dict:
        return _refuse_map(value, kind)
    if type(value) in _MANY:
        nested = any(type(item) in _MANY for item in value)
        return _refuse_lists(value) if nested else _refuse_items(value, kind)
    return ""


def _refuse_text(text: str, kind: Type) -> str:
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        return "an argument is text without the character 0"
    if text.endswith("\n"):
        return "line breaks at the end of what is printed are lost"
    if text == "None" and kind.holds("none", "optional"):
        return "the text None is not told from nothing"
    return ""


def _refuse_map(value: dict[Any, Any], kind: Type) -> str:
    if any(type(part) in (*_MANY, dict) for part in parts(value)):
        return "a cell of a table is no list"
    texts = {written(key) for key in value}
    mixed = any(key.holds("str") for key in kind.args[:1]) and {*map(type, value)} - {str}
    if len(texts) < len(value) or mixed:
        return "a number is not told from the text of it"
    if any(re.search(r"[\n\r\0]|^None$", written(part)) for part in parts(value)):
        return "a cell of a table is one line"
    return "a key with a comma is two cells" if any("," in written(key) for key in value) else ""


def _refuse_items(value: Any, kind: Type) -> str:
    """Refuse a row of scalars whose elements would not come out as they went in."""
    numeric = kind.holds("int", "float", "any")
    for item in value:
        if type(item) is dict:
            return "a table is no element of a list"
        if type(item) is not str:
            continue
        if re.search(r"\s|\0", item):
            return "an element with white space in it is several"
        # Pairs have a known length, so that nothing between spaces is an element.
        if not item and (type(value) is not tuple or len(value) < 2):
            return "an empty element is none"
        alike = item == "None" or (numeric and _NUMBER.fullmatch(item))
        if alike and type(value) is not tuple:
            return "an element is not told from the text of it"
    return ""


def _refuse_lists(value: Any) -> str:
    items = list(value)
    if any(type(item) not in _MANY for item in items):
        return "a list is no element of a list beside others"
    if any(type(part) in (*_MANY, dict) for item in items for part in item):
        return "lists are nested twice at most"
    if not items[-1]:
        return "an empty list at the end of a list is none"
    reasons = (_refuse_items(item, Type("list", (Type("any"),))) for item in items)
    return next(filter(None, reasons), "")


def _files(program: str, entry_point: str, calls: Sequence[Any]) -> dict[str, str]:
    if not entry_point:
        return {"main.sh": program}
    lines = [f"overproof_load {entry_point}"]
    for call in calls:
        texts = [_single_quoted(written(_value(tree))) for tree in call["args"]]
        lines.append(" ".join(["overproof_call", *texts]))
    # in brackets, so that all of it has been read before the program can write to the file
    source = "\n".join(["{", *lines, "overproof_finish", "exit", "}", ""])
    return {"main.sh": driver("bash.sh") + source, "program.sh": program.removeprefix("\ufeff")}


def _value(tree: Any) -> Any:
    """Return the plain value of a tree, as the messages have them."""
    if type(tree) is list:
        return list(map(_value, tree))
    if type(tree) is not dict:
        return tree
    ((tag, content),) = tree.items()
    if tag == "dict":
        return {_value(key): _value(item) for key, item in content}
    if tag == "int":
        return int(content, 16)
    return tuple(map(_value, content)) if type(content) is list else content


def _single_quoted(text: str) -> str:
    body = text.replace("'", "'\\''").replace("\0", "")
    return f"'{body}'".encode(errors="replace").decode()


def _signature(function: Function) -> str:
    return f"{function.name}() {{"


def _prompt(function: Function, description: Sequence[str], helpers: str) -> str:
    above = f"{helpers}\n" if helpers else ""
    arguments = [
        f"${place} is {_type_name(parameter.type)}"
        for place, parameter in enumerate(function.parameters, 1)
    ]
    # One empty line before them, whether the description ends with one or not.
    told = "\n".join(description).rstrip().split("\n")
    lines = [*told, "", *arguments] if arguments else told
    return f"#!/bin/bash\n{above}{commented(lines, '#')}{_signature(function)}\n"


def _type_name(kind: Type) -> str:
    names = {
        "bool": "true or false",
        "int": "an integer",
        "float": "a floating point",
        "str": "a string",
        "dict": "a two column CSV in key,value order",
    }
    if kind.kind in ("list", "tuple", "set"):
        nested = bool(kind.args) and all(arg.kind in ("list", "tuple", "set") for arg in kind.args)
        return f"a {'newline-separated, ' if nested else ''}space-separated list"
    return names.get(kind.kind, "an argument")


def _literal(value: Any, kind: Type) -> str:
    r"""Return an argument, in quotes that let it be in one line.

    >>> print(_literal('5 $ "', Type("str")), _literal([[1], [2, 3]], Type("list")))
    "5 \$ \"" $'1\n2 3'
    """
    text = written(value)
    if not _CONTROL.search(text):
        return '"' + re.sub(r'(["\\$`])', r"\\\1", text) + '"'
    text = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t")
    return "$'" + _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "'"


LANGUAGE = Language(
    name="bash",
    title="Bash",
    fence="bash",
    toolchain=Toolchain(
        tool="bash",
        version=("bash", "--version"),
        packages=(),
    ),
    files=_files,
    run=("bash", "main.sh"),
    conflates=frozenset({"text", "tuple_list", "set_list"}),
    reads_calls=False,
    read_result=parse,
    translation=Translation(
        case="snake",
        comment="#",
        terms={
            "None": "None",
            "True": "true",
            "False": "false",
            "list": "list",
            "tuple": "list",
            "dictionary": "CSV",
        },
        stop=("\n}",),
        signature=_signature,
        prompt=_prompt,
        end="\n}\n",
        literal=_literal,
        call=lambda name, args: f"$({' '.join([name, *args])})",
        refusal=_refusal,
        helpers=HELPERS,
        definition=lambda name: (
            rf"(?m)^\s*(?:function\s+{re.escape(name)}(?![\w-])|{re.escape(name)}\s*\(\s*\))"
        ),
        reserved=frozenset(_RESERVED.split()),
    ),
)
