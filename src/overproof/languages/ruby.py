"""Ruby.

Limits: a range, a struct's class, a rational number are not told to the test: a range comes back
as nothing that it knows, a struct as a tuple.
"""

import re
from collections.abc import Sequence
from typing import Any

from overproof.languages.language import Function, Language, Toolchain, Translation
from overproof.languages.types import Type
from overproof.languages.writing import between, commented, driver, number, quoted

_RESERVED = """
BEGIN END __ENCODING__ __FILE__ __LINE__ __method__ alias and begin break case class def defined
do else elsif end ensure false for if in module next nil not or redo rescue retry return self
super then true undef unless until when while yield
"""

_QUOTE = '"'

HELPERS = {
    "HumanEval/10": """\
# Test if given string is a palindrome
def is_palindrome(string)
  string == string.reverse
end
""",
    "HumanEval/32": """\
# Evaluates polynomial with coefficients xs at point x.
# return xs[0] + xs[1] * x + xs[1] * x^2 + .... xs[n] * x^n
def poly(xs, x)
  xs.each_with_index.sum { |coeff, i| coeff * x**i }
end
""",
    "HumanEval/38": """\
# returns encoded string by cycling groups of three characters.
def encode_cyclic(s)
  # split string to groups. Each of length 3.
  groups = s.scan(/.{1,3}/m)
  # cycle elements in each group. Unless group has fewer elements than 3.
  groups.map { |group| group.length == 3 ? group[1..] + group[0] : group }.join
end
""",
    "HumanEval/50": """\
# returns encoded string by shifting every character by 5 in the alphabet.
def encode_shift(s)
  s.each_char.map { |ch| ((ch.ord + 5 - "a".ord) % 26 + "a".ord).chr }.join
end
""",
}


def _files(program: str, entry_point: str, calls: Sequence[Any]) -> dict[str, str]:
    if not entry_point:
        return {"main.rb": program}
    serve = f'OverproofDriver.serve("{entry_point}")\n'
    return {"main.rb": driver("ruby.rb") + serve, "program.rb": program}


def _signature(function: Function) -> str:
    # What begins with a capital letter is a constant, which no parameter can be.
    names = [parameter.name[:1].lower() + parameter.name[1:] for parameter in function.parameters]
    return f"def {function.name}({', '.join(names)})"


def _prompt(function: Function, description: Sequence[str], helpers: str) -> str:
    above = f"{helpers}\n" if helpers else ""
    return f"{above}{commented(description, '#')}{_signature(function)}\n"


def _literal(value: Any, kind: Type) -> str:
    if value is None:
        return "nil"
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is str:
        return quoted(value, _QUOTE, also="#" if re.search(r"#[{$@]", value) else "")
    if type(value) is int:
        return str(value)
    if type(value) is float:
        return _float(value)
    if type(value) is dict:
        pairs = [f"{_literal(k, kind)} => {_literal(v, kind)}" for k, v in value.items()]
        return between(pairs, "{", "}")
    items = between([_literal(item, kind) for item in value], "[", "]")
    return f"Set.new({items})" if type(value) in (set, frozenset) else items


def _float(value: float) -> str:
    """Return a number that Ruby reads: it wants a digit after the point, before an exponent too.

    >>> _float(1e-07), _float(1.5e300), _float(2.0)
    ('1.0e-07', '1.5e300', '2.0')
    """
    text = number(value)
    return text if "." in text else text.replace("e", ".0e")


LANGUAGE = Language(
    name="ruby",
    title="Ruby",
    fence="ruby",
    toolchain=Toolchain(
        tool="ruby",
        version=("ruby", "--version"),
        packages=("ruby",),
    ),
    files=_files,
    run=("ruby", "--disable=gems", "-EUTF-8", "main.rb"),
    conflates=frozenset({"tuple_list"}),
    translation=Translation(
        case="snake",
        comment="#",
        terms={
            "None": "nil",
            "True": "true",
            "False": "false",
            "list": "array",
            "tuple": "array",
            "dictionary": "hash",
        },
        stop=("\nclass", "\ndef", "\n#", "\n\n"),
        signature=_signature,
        prompt=_prompt,
        end="",
        block_end="end",
        literal=_literal,
        call=lambda name, args: f"{name}({', '.join(args)})",
        refusal=lambda value, kind: "",
        helpers=HELPERS,
        definition=lambda name: (
            rf"(?m)^\s*(?:(?:private|public)\s+)?def\s+(?:self\.)?{re.escape(name)}(?!\w|[?!])"
            rf"|^\s*{re.escape(name)}\s*=\s*(?:->|lambda\b|proc\b|Proc\.new\b)"
        ),
        reserved=frozenset(_RESERVED.split()),
    ),
)
