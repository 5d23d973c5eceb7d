"""Perl 5, with the modules that come with it.

A list is an array reference, a map a hash reference; true is 1 and false the empty string, as in
MultiPL-E. A sub is called in list context: one value is the result, several are a list.
Not covered: lexical subs and subs of another package than main; Perl before 5.36 does not tell
what it compared (true, false) from 1 and the empty string.
"""

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

_BITS = 63
_CONTROL = re.compile(r"([\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f])")

# Not the short ones (s, y, x, q …): as names of variables, which have a sign, they are usual.
_RESERVED = """
and cmp continue else elsif foreach for given goto last local next not our package print redo
require return say state sub unless until use when while xor
"""

HELPERS = {
    "HumanEval/10": """\
# Test if given string is a palindrome
sub is_palindrome {
    my($string) = @_;
    return $string eq reverse($string);
}
""",
    "HumanEval/32": """\
# Evaluates polynomial with coefficients xs at point x.
# return xs[0] + xs[1] * x + xs[1] * x^2 + .... xs[n] * x^n
sub poly {
    my($xs, $x) = @_;
    my $sum = 0;
    $sum += $xs->[$_] * $x ** $_ for 0 .. $#$xs;
    return $sum;
}
""",
    "HumanEval/38": """\
# returns encoded string by cycling groups of three characters.
sub encode_cyclic {
    my($s) = @_;
    # split string to groups. Each of length 3.
    my @groups = $s =~ /.{1,3}/gs;
    # cycle elements in each group. Unless group has fewer elements than 3.
    return join("", map { length($_) == 3 ? substr($_, 1) . substr($_, 0, 1) : $_ } @groups);
}
""",
    "HumanEval/50": """\
# returns encoded string by shifting every character by 5 in the alphabet.
sub encode_shift {
    my($s) = @_;
    return join("", map { chr((ord($_) + 5 - ord("a")) % 26 + ord("a")) } split(//, $s));
}
""",
}


def _files(program: str, entry_point: str, calls: Sequence[Any]) -> dict[str, str]:
    if not entry_point:
        return {"main.pl": program}
    # Arguments are text, not bytes, and so must be what the program's own literals are.
    text = 'package main; use utf8;\n#line 1 "program.pl"\n' + program.removeprefix("\ufeff")
    return {"main.pl": f'{driver("perl.pl")}serve("{entry_point}");\n', "program.pl": text}


def _signature(function: Function) -> str:
    names = [f"${parameter.name}" for parameter in function.parameters]
    taken = f"\n    my({', '.join(names)}) = @_;" if names else ""
    return f"sub {function.name} {{{taken}"


def _prompt(function: Function, description: Sequence[str], helpers: str) -> str:
    above = f"{helpers}\n" if helpers else ""
    return f"{above}{commented(description, '#')}{_signature(function)}\n"


def _literal(value: Any, kind: Type) -> str:
    if value is None:
        return "undef"
    if type(value) is bool:
        return "1" if value else '""'
    if type(value) is str:
        return _text(value)
    if type(value) is int:
        return str(value)
    if type(value) is float:
        return number(value)
    if type(value) is dict:
        pairs = [f"{_literal(k, kind)} => {_literal(v, kind)}" for k, v in value.items()]
        return between(pairs, "{", "}")
    return between([_literal(item, kind) for item in value], "[", "]")


def _text(text: str) -> str:
    r"""Return a literal in double quotes.

    >>> print(_text("$5 @ 1\x07"))
    "\$5 \@ 1\x{7}"
    """
    body = "".join(
        f"\\x{{{ord(piece):x}}}" if place % 2 else quoted(piece, '"', also="$@")[1:-1]
        for place, piece in enumerate(_CONTROL.split(text))
    )
    return f'"{body}"'


def _refusal(value: Any, kind: Type) -> str:
    if beyond(value, _BITS):
        return "an integer beyond 2**63 is no integer of Perl"
    if keys_beside_text(value):
        return "keys of a hash are text"
    return ""


LANGUAGE = Language(
    name="perl",
    title="Perl",
    fence="perl",
    toolchain=Toolchain(
        tool="perl",
        version=("perl", "-e", "print qq(perl $^V\\n)"),
        packages=("perl",),
    ),
    files=_files,
    run=("perl", "main.pl"),
    conflates=frozenset({"tuple_list", "set_list", "int_float", "bool_int", "number_str"}),
    translation=Translation(
        case="snake",
        comment="#",
        terms={
            "None": "undef",
            "True": "1",
            "False": "''",
            "list": "array",
            "tuple": "array",
            "dictionary": "hash",
        },
        stop=("\nsub", "\n#", "\n\n"),
        signature=_signature,
        prompt=_prompt,
        end="",
        literal=_literal,
        call=lambda name, args: f"{name}({', '.join(args)})",
        refusal=_refusal,
        helpers=HELPERS,
        definition=lambda name: rf"(?m)^\s*sub\s+{re.escape(name)}\b",
        reserved=frozenset(_RESERVED.split()),
    ),
)
