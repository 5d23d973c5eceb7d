"""Java: the methods of a class, compiled in memory and called by reflection.

The driver, a front end of the compiler and small classes in place of the library `javatuples`,
which MultiPL-E's signatures use, lie in one archive that all programs share. Beside it lie two
archives of what the virtual machine loads when a program is compiled and when it is run; with
them both start in half of the time.

Limits: `float` has seven digits, which some tests exceed; see `_NEED_DOUBLE`.
"""

import re
import struct
from collections.abc import Sequence
from typing import Any

from overproof.languages.language import (
    Batch,
    Function,
    Language,
    Shared,
    Toolchain,
    Translation,
)
from overproof.languages.types import Kind, Type, settled, type_of
from overproof.languages.writing import between, beyond, commented, driver, number, parts, quoted

_BITS = 63
_MAP_PAIRS = 10
"""What `Map.of` takes."""

_NEED_DOUBLE = frozenset({"truncatenumber", "findzero"})
"""Functions, in small letters, that must use `double`: HumanEval compares to 1e-6 what is 0.456
of 123.456, and evaluates polynomials to 1e-4. Elsewhere `float` is exact enough, and the type of
MultiPL-E."""
_RENAMED = {"operator": "op"}
"""Parameters that are called as in MultiPL-E."""

_RESERVED = """
_ abstract assert boolean break byte case catch char class clone const continue default do double
else enum equals extends false final finalize finally float for getClass goto hashCode if
implements import instanceof int interface long native new notify notifyAll null package private
protected public return short static strictfp super switch synchronized this throw throws toString
transient true try void volatile wait while
"""
"""Keywords, and the methods of every object, which a static method cannot be called."""

_SOURCES = ("Json", "Decoder", "Encoder", "Refusal", "Channel", "Program", "Driver", "Compiler")
_TUPLES = (
    *("Unit", "Pair", "Triplet", "Quartet", "Quintet"),
    *("Sextet", "Septet", "Octet", "Ennead", "Decade"),
)
_LETTERS = "ABCDEFGHIJ"
_SEVERAL: tuple[Kind, ...] = ("optional", "union", "any", "none", "unknown")

_JAR, _COMPILING, _RUNNING = "overproof.jar", "compiler.jsa", "driver.jsa"
# its warnings would go to standard output, where a whole program writes
_START = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xlog:disable")
_COMPILE = ("-cp", f"shared/{_JAR}", "overproof.Compiler")
_RUN = (
    *("-Xmx768m", "-ea", "--add-opens", "java.base/java.io=ALL-UNNAMED"),
    *("-cp", f"shared/{_JAR}", "overproof.Driver"),
)

_LOADED = '{"loaded":true}'
_WARM_CALL = '{"calls":[{"args":[[1,-2,3000000000],"b a,c",{"dict":[["k",0.5]]}]}]}'
_MAKE = f"""
javac -nowarn -d classes *.java &&
jar --create --no-compress --file {_JAR} -C classes . &&
ln -s . shared &&
java -XX:ArchiveClassesAtExit={_COMPILING} {" ".join(_START + _COMPILE)} warm &&
cp warm/program.bin . &&
java -XX:ArchiveClassesAtExit={_RUNNING} {" ".join(_START + _RUN)} 3<>calls
"""
"""Archives are only used for classes that come from a file of the same path and time of change."""

_IMPORTS = """\
import java.util.*;
import java.lang.reflect.*;
import org.javatuples.*;
import java.security.*;
import java.math.*;
import java.io.*;
import java.util.stream.*;
"""

HELPERS = {
    "HumanEval/10": """\
    // Test if given string is a palindrome.
    public static boolean isPalindrome(String string) {
        return new StringBuilder(string).reverse().toString().equals(string);
    }
""",
    "HumanEval/32": """\
    // Evaluates polynomial with coefficients xs at point x.
    // return xs[0] + xs[1] * x + xs[1] * x^2 + .... xs[n] * x^n
    public static double poly(ArrayList<Long> xs, double x) {
        double sum = 0;
        for (int i = 0; i < xs.size(); i++) {
            sum += xs.get(i) * Math.pow(x, i);
        }
        return sum;
    }
""",
    "HumanEval/38": """\
    // returns encoded string by cycling groups of three characters.
    public static String encodeCyclic(String s) {
        StringBuilder result = new StringBuilder();
        // split string to groups. Each of length 3.
        for (int i = 0; i < s.length(); i += 3) {
            String group = s.substring(i, Math.min(i + 3, s.length()));
            // cycle elements in each group. Unless group has fewer elements than 3.
            result.append(group.length() == 3 ? group.substring(1) + group.charAt(0) : group);
        }
        return result.toString();
    }
""",
    "HumanEval/50": """\
    // returns encoded string by shifting every character by 5 in the alphabet.
    public static String encodeShift(String s) {
        StringBuilder result = new StringBuilder();
        for (char ch : s.toCharArray()) {
            result.append((char) ((ch + 5 - 'a') % 26 + 'a'));
        }
        return result.toString();
    }
""",
}


def _needs_double(function: Function) -> bool:
    return function.name.replace("_", "").lower() in _NEED_DOUBLE


def _archived(name: str) -> tuple[str, ...]:
    return ("java", f"-XX:SharedArchiveFile=shared/{name}", "-Xshare:auto", *_START)


def _files(program: str, entry_point: str, calls: Sequence[Any]) -> dict[str, str]:
    return {"Problem.java": program, "entry_point": entry_point}


def _shared_files() -> dict[str, str]:
    # read and written through one descriptor: the driver's first message goes over the filling
    filling = "\0" * (4 + len(_LOADED))
    return {
        **{f"{name}.java": driver(f"java/{name}.java") for name in (*_SOURCES, "Tuple")},
        **{f"{name}.java": _tuple_class(size) for size, name in enumerate(_TUPLES, 1)},
        "warm/Problem.java": driver("java/Warm.java"),
        "warm/entry_point": "warm",
        "calls": f"{filling}{chr(len(_WARM_CALL))}\0\0\0{_WARM_CALL}",
    }


def _tuple_class(size: int) -> str:
    """Return the source of the class of tuples of so many values."""
    name, letters = _TUPLES[size - 1], _LETTERS[:size]
    kind, same = f"{name}<{', '.join(letters)}>", f"{name}<{', '.join('X' * size)}>"
    declared = ", ".join(f"{letter} value{n}" for n, letter in enumerate(letters))
    values = ", ".join(f"value{n}" for n in range(size))
    own = [f"getValue{n}()" for n in range(size)]
    lines = [
        "package org.javatuples;",
        "import java.util.*;",
        f"public final class {kind} extends Tuple {{",
        "private static final long serialVersionUID = 1;",
        f"public {name}({declared}) {{ super(new Object[] {{ {values} }}); }}",
        f"public static <{', '.join(letters)}> {kind} with({declared}) {{",
        f"return new {name}<>({values}); }}",
        f"public static <X> {same} fromArray(X[] values) {{",
        "return fromIterable(Arrays.asList(values)); }",
        f"public static <X> {same} fromCollection(Collection<X> values) {{",
        "return fromIterable(values); }",
        f"public static <X> {same} fromIterable(Iterable<X> values) {{",
        "Iterator<X> each = values.iterator();",
        f"return new {name}<>({', '.join(['each.next()'] * size)}); }}",
    ]
    for n, letter in enumerate(letters):
        changed = ", ".join([*letters[:n], "X", *letters[n + 1 :]])
        lines += [
            f'@SuppressWarnings("unchecked") public {letter} getValue{n}() {{',
            f"return ({letter}) getValue({n}); }}",
            f"public <X> {name}<{changed}> setAt{n}(X value) {{",
            f"return new {name}<>({', '.join([*own[:n], 'value', *own[n + 1 :]])}); }}",
        ]
    if size < len(_TUPLES):
        longer = _TUPLES[size]
        lines += [
            f"public <X> {longer}<{', '.join([*letters, 'X'])}> add(X value) {{",
            f"return new {longer}<>({', '.join([*own, 'value'])}); }}",
        ]
    return "\n".join([*lines, "}\n"])


def _type_name(kind: Type) -> str:
    names = [_box(arg) for arg in kind.args]
    match kind.kind:
        case "int":
            return "long"
        case "float":
            return "float"
        case "bool":
            return "boolean"
        case "str":
            return "String"
        case "list":
            return f"ArrayList<{names[0]}>"
        case "set":
            return f"HashSet<{names[0]}>"
        case "dict":
            return f"HashMap<{names[0]},{names[1]}>"
        case "optional":
            return f"Optional<{names[0]}>"
        case "tuple" if 0 < len(names) <= len(_TUPLES):
            return f"{_TUPLES[len(names) - 1]}<{', '.join(names)}>"
        case _:
            return "Object"


def _box(kind: Type) -> str:
    name = _type_name(kind)
    return name.capitalize() if name in ("long", "float", "boolean") else name


def _signature(function: Function) -> str:
    shown = [
        f"{_type_name(each.type)} {_RENAMED.get(each.name, each.name)}"
        for each in function.parameters
    ]
    result = _type_name(function.result)
    line = f"    public static {result} {function.name}({', '.join(shown)}) {{"
    if _needs_double(function):
        return re.sub(r"\bfloat\b", "double", line)
    return line


def _prompt(function: Function, description: Sequence[str], helpers: str) -> str:
    above = f"{helpers}\n" if helpers else ""
    # Java reads `\u` as the beginning of a character everywhere, in comments, too
    lines = [re.sub(r"(?<!\\)((?:\\\\)*)\\u", r"\1\\\\u", line) for line in description]
    comment = commented(lines, "//", "    ")
    return f"{_IMPORTS}class Problem {{\n{above}{comment}{_signature(function)}\n"


def _literal(value: Any, kind: Type) -> str:
    """Return a literal in brackets, as MultiPL-E has it, unless the type holds several."""
    written = _written(value, kind)
    return written if value is None or kind.kind in _SEVERAL else f"({written})"


def _written(value: Any, kind: Type) -> str:
    if kind.kind in ("union", "any", "unknown"):
        kind = settled(type_of(value))
    if kind.kind == "optional":
        inner = kind.args[0]
        return "Optional.empty()" if value is None else f"Optional.of({_written(value, inner)})"
    if value is None:
        return "null"
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is str:
        text = quoted(value, '"')
        return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)
    if type(value) is float or kind.kind == "float":
        return _real(float(value))
    return f"{value}l" if type(value) is int else _container(value, kind)


def _real(value: float) -> str:
    if value != value:
        return "Float.NaN"
    if value in (float("inf"), -float("inf")):
        return f"Float.{'POSITIVE' if value > 0 else 'NEGATIVE'}_INFINITY"
    return f"{number(value)}f"


def _container(value: Any, kind: Type) -> str:
    name = _type_name(kind)
    if kind.kind == "tuple":
        items = [_written(item, arg) for item, arg in zip(value, kind.args, strict=True)]
        if name == "Object":  # too many values, or none
            return between(items, "new ArrayList<Object>(Arrays.asList(", "))")
        return between(items, f"{name.partition('<')[0]}.with(", ")")
    if kind.kind == "dict":
        key, held = kind.args
        pairs = [f"{_written(k, key)}, {_written(v, held)}" for k, v in value.items()]
        if len(pairs) <= _MAP_PAIRS:
            return f"new {name}({between(pairs, 'Map.of(', ')') if pairs else ''})"
        pairs = [f"Map.entry({pair})" for pair in pairs]
        return between(pairs, f"new {name}(Map.ofEntries(", "))")
    item = kind.args[0]
    # what holds Optional is told its type by where it stands, which a cast would hide
    cast = "" if item.holds(*_SEVERAL) else f"({_type_name(item)})"
    items = [f"{cast}{_written(each, item)}" for each in value]
    return between(items, f"new {name}(Arrays.asList(", "))")


def _refusal(value: Any, kind: Type) -> str:
    if beyond(value, _BITS):
        return "an integer beyond 2**63 is no long"
    return _refused_part(value)


def _refused_part(value: Any) -> str:
    if type(value) is float and value == value and abs(value) != float("inf"):
        try:
            if struct.unpack("f", struct.pack("f", value))[0] or not value:
                return ""
        except OverflowError:
            pass
        return "a number that is too large or too small for a float"
    return next(filter(None, map(_refused_part, parts(value))), "")


LANGUAGE = Language(
    name="java",
    title="Java",
    fence="java",
    toolchain=Toolchain(
        tool="javac",
        version=("javac", "-version"),
        packages=("default-jdk-headless",),
    ),
    files=_files,
    shared=Shared(
        files=_shared_files,
        command=("sh", "-c", _MAKE),
        results=(_JAR, _COMPILING, _RUNNING),
    ),
    build=(*_archived(_COMPILING), *_COMPILE, "."),
    built="program.bin",
    batch=Batch(
        command=lambda folders: (*_archived(_COMPILING), *_COMPILE, *folders),
        blames=r"^(p[^/]*)/Problem\.java.*error",
        partial=True,
        most=64,
    ),
    run=(*_archived(_RUNNING), *_RUN),
    limits_address_space=False,
    conflates=frozenset({"tuple_list"}),
    translation=Translation(
        case="camel",
        comment="//",
        terms={
            "None": "null",
            "True": "true",
            "False": "false",
            "list": "array list",
            "tuple": "pair",
            "dictionary": "hash map",
        },
        stop=("\n    }\n",),
        signature=_signature,
        prompt=_prompt,
        end="\n    }\n}\n",
        in_class=True,
        literal=_literal,
        call=lambda name, args: f"{name}({', '.join(args)})",
        refusal=_refusal,
        helpers=HELPERS,
        definition=lambda name: (
            r"(?m)^[ \t]*(?!return\b|new\b)[\w<>\[\],.?&@ \t]*[\w>\]][ \t]+"
            rf"{re.escape(name)}[ \t]*\([^;{{}}]*\{{"
        ),
        typed=True,
        single_floats=lambda function: not _needs_double(function),
        reserved=frozenset(_RESERVED.split()),
    ),
)
