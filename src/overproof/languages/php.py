"""PHP, on the command line.

The driver includes the program (see `drivers/php.php`): what a program prints, also below a closing
`?>`, is no answer. Lists, tuples, sets and maps are arrays. The interpreter reads no configuration
and loads the extensions that Debian's package brings and that pure functions use, so that a result
does not depend on a machine's settings; `mbstring` is not among them.

`strlen` (HumanEval/23) cannot be defined in PHP, so it is asked for under another name.
"""

import math
import re
from collections.abc import Sequence
from typing import Any

from overproof.languages.language import Function, Language, Toolchain, Translation
from overproof.languages.types import Type
from overproof.languages.writing import between, beyond, commented, driver, number, parts, quoted

_BITS = 63
_EXTENSIONS = ("ctype", "iconv", "calendar", "tokenizer")

_KEYWORDS = """
abstract and array as break callable case catch class clone const continue declare default die do
echo else elseif empty enddeclare endfor endforeach endif endswitch endwhile enum eval exit extends
false final finally fn for foreach function global goto if implements include include_once
instanceof insteadof interface isset list match namespace new null or parent print private protected
public readonly require require_once return self static switch this throw trait true try unset use
var while xor yield
"""

_BUILT_IN = """
abs acos arsort asin asort atan basename bin2hex bindec ceil checkdate chr chunk_split compact copy
cos count crc32 crypt current date decbin dechex decoct deg2rad delete dir dirname each end exp
explode extract fgets file filter_var floor flush fmod format frexp glob gettype hash hex2bin
hexdec implode in_array intdiv intval is_array is_bool is_callable is_float is_int is_integer
is_nan is_null is_numeric is_string join key krsort ksort ltrim link log log10 log2 mail max md5
metaphone microtime min mkdir mktime natsort next number_format octdec ord pack parse_str pi pos
pow preg_match prev printf quotemeta rad2deg rand range readfile rename reset rmdir round rsort
rtrim serialize sha1 shuffle similar_text sin sizeof sleep sort soundex split sprintf sqrt srand
sscanf stat str_pad str_repeat str_replace str_split strcmp strlen strpos strrev strstr strtolower
strtotime strtoupper substr substr_count symlink system tan time touch trim uasort ucfirst ucwords
uksort uniqid unlink unpack unserialize usleep usort
"""

_RESERVED = frozenset(f"{_KEYWORDS} {_BUILT_IN}".split())
"""What no function can be called: keywords, and the built-in functions of likely names."""

HELPERS = {
    "HumanEval/10": """\
// Test if given string is a palindrome.
function is_palindrome($string) {
    return $string === strrev($string);
}
""",
    "HumanEval/32": """\
// Evaluates polynomial with coefficients xs at point x.
// return xs[0] + xs[1] * x + xs[1] * x^2 + .... xs[n] * x^n
function poly($xs, $x) {
    $sum = 0;
    foreach ($xs as $i => $coeff) {
        $sum += $coeff * pow($x, $i);
    }
    return $sum;
}
""",
    "HumanEval/38": """\
// returns encoded string by cycling groups of three characters.
function encode_cyclic($s) {
    // split string to groups. Each of length 3.
    $groups = $s === "" ? array() : str_split($s, 3);
    // cycle elements in each group. Unless group has fewer elements than 3.
    $cycle = fn($group) => strlen($group) === 3 ? substr($group, 1) . $group[0] : $group;
    return implode("", array_map($cycle, $groups));
}
""",
    "HumanEval/50": """\
// returns encoded string by shifting every character by 5 in the alphabet.
function encode_shift($s) {
    for ($i = 0; $i < strlen($s); $i++) {
        $s[$i] = chr(((ord($s[$i]) + 5 - ord("a")) % 26 + 26) % 26 + ord("a"));
    }
    return $s;
}
""",
}


def _files(program: str, entry_point: str, calls: Sequence[Any]) -> dict[str, str]:
    program = program.removeprefix("\ufeff")
    if "<?" not in program:
        program = f"<?php\n{program}"
    if not entry_point:
        return {"main.php": program}
    main = f"""\
<?php
require "driver.php";
OverproofDriver::begin("{entry_point}");
try {{
    include "program.php";
}} catch (Throwable $overproof_error) {{
    OverproofDriver::failed($overproof_error);
}}
OverproofDriver::serve();
"""
    return {"main.php": main, "driver.php": driver("php.php"), "program.php": program}


def _read_result(value: Any, expected: Any) -> Any:
    """Return a result in which keys are again what they were: an array takes "5" for 5.

    So it does a map from 0, 1, ... for a list.
    """
    if type(expected) is dict:
        if type(value) is list and value:
            value = dict(enumerate(value))
        if type(value) is not dict:
            return value
        texts = {key for key in expected if type(key) is str}
        found = {}
        for key, item in value.items():
            own = str(key) if type(key) is int and str(key) in texts else key
            found[own] = _read_result(item, expected.get(own))
        return found
    if type(expected) in (list, tuple) and type(value) is list:
        wanted = [*expected, *[None] * len(value)]
        return [_read_result(item, want) for item, want in zip(value, wanted, strict=False)]
    return value


def _signature(function: Function) -> str:
    names = [f"${_parameter(each.name)}" for each in function.parameters]
    return f"function {function.name}({', '.join(names)}) {{"


def _parameter(name: str) -> str:
    """Return a parameter's name without the mark of a reserved word: `$array` is a good name."""
    plain = name.removesuffix("_")
    return plain if plain in _RESERVED and plain != "this" else name


def _prompt(function: Function, description: Sequence[str], helpers: str) -> str:
    above = f"{helpers}\n" if helpers else ""
    return f"<?php\n{above}{commented(description, '//')}{_signature(function)}\n"


def _literal(value: Any, kind: Type) -> str:
    if value is None:
        return "null"
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is str:
        return _text(value)
    if type(value) is int:
        return str(value) if value != -(1 << _BITS) else "PHP_INT_MIN"
    if type(value) is float:
        return _real(value)
    if type(value) is dict:
        pairs = [f"{_literal(k, kind)} => {_literal(v, kind)}" for k, v in value.items()]
        return between(pairs, "array(", ")")
    return between([_literal(item, kind) for item in value], "array(", ")")


def _text(text: str) -> str:
    return re.sub(r"\\u00([0-9a-f]{2})", r"\\x\1", quoted(text, '"', "$"))


def _real(value: float) -> str:
    if math.isnan(value):
        return "NAN"
    if math.isinf(value):
        return "INF" if value > 0 else "-INF"
    return number(value)


def _refusal(value: Any, kind: Type) -> str:
    if beyond(value, _BITS):
        return "an integer of more than 64 bits is no int"
    if type(value) is str and re.search("[\ud800-\udfff]", value):
        return "a lone surrogate is no character of UTF-8"
    if type(value) is dict:
        if any(type(key) not in (str, int) for key in value):
            return "keys of an array are integers and text"
        if len({str(key) for key in value}) < len(value):
            return 'the keys 1 and "1" of an array are one'
    return next(filter(None, (_refusal(item, kind) for item in parts(value))), "")


LANGUAGE = Language(
    name="php",
    title="PHP",
    fence="php",
    toolchain=Toolchain(tool="php", version=("php", "-n", "--version"), packages=("php-cli",)),
    files=_files,
    run=(
        *("php", "-n", "-d", "memory_limit=-1", "-d", "display_errors=stderr"),
        *("-d", "display_startup_errors=0", "-d", "short_open_tag=1"),
        *(part for name in _EXTENSIONS for part in ("-d", f"extension={name}")),
        "main.php",
    ),
    conflates=frozenset({"tuple_list", "set_list", "dict_list"}),
    read_result=_read_result,
    translation=Translation(
        case="snake",
        comment="//",
        terms={
            "None": "null",
            "True": "true",
            "False": "false",
            "list": "array",
            "tuple": "array",
            "dictionary": "array",
        },
        stop=("\nfunction", "\n?>", "\n//", "\n#"),
        signature=_signature,
        prompt=_prompt,
        end="",
        literal=_literal,
        call=lambda name, args: f"{name}({', '.join(args)})",
        refusal=_refusal,
        helpers=HELPERS,
        definition=lambda name: (
            rf"^[\w \t]*\bfunction\s+&?\s*(?i:{re.escape(name)})\s*\("
            rf"|^[ \t]*\${re.escape(name)}\s*=\s*(?:static\s+)?(?:function|fn)\b"
        ),
        reserved=_RESERVED,
    ),
)
