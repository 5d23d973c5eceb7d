"""What an attack is told of the machine, written in its own language before its program.

`HOST` is a dict in Python and an object in JavaScript. In C++ and Bash each of its values has a
name: `HOST_mark`, a macro that holds a literal, or a variable. In other languages the names are
replaced by the plain values, which have no quotes in them.

>>> print(place("echo $HOST_mark", {"mark": "it's", "places": ["/tmp"]}, "bash"))
HOST_mark='it'"'"'s'
HOST_places=('/tmp')
echo $HOST_mark
"""

import json
import re
import shlex
from collections.abc import Callable, Mapping

_HASH_COMMENTS = ("python", "bash", "perl", "php", "ruby")


def comment(language: str) -> str:
    """Return what begins a line of a comment, with its space."""
    if language == "lua":
        return "-- "
    return "# " if language in _HASH_COMMENTS else "// "


def place(program: str, host: Mapping[str, object], language: str) -> str:
    """Put `HOST` before a program that reads it."""
    if language not in _WRITERS:
        return re.sub(r"HOST_(\w+)", lambda name: str(host.get(name[1], name[0])), program)
    known = _WRITERS[language]
    if known[0] not in program:
        return program
    return f"{known[1](host)}\n{program}"


def _python(host: Mapping[str, object]) -> str:
    return f"HOST = {dict(host)!r}"


def _javascript(host: Mapping[str, object]) -> str:
    return f"const HOST = {json.dumps(dict(host))};"


def _cpp(host: Mapping[str, object]) -> str:
    return "\n".join(f"#define HOST_{name} {_cpp_literal(value)}" for name, value in host.items())


def _cpp_literal(value: object) -> str:
    if isinstance(value, list):
        return f"{{{', '.join(map(json.dumps, value))}}}"
    return str(value) if isinstance(value, int | float) else json.dumps(value)


def _bash(host: Mapping[str, object]) -> str:
    lines = []
    for name, value in host.items():
        if isinstance(value, list):
            lines.append(f"HOST_{name}=({' '.join(_quoted(item) for item in value)})")
        else:
            lines.append(f"HOST_{name}={_quoted(value)}")
    return "\n".join(lines)


def _quoted(value: object) -> str:
    quoted = shlex.quote(str(value))
    return quoted if quoted.startswith("'") else f"'{quoted}'"


_WRITERS: dict[str, tuple[str, Callable[[Mapping[str, object]], str]]] = {
    "python": ("HOST[", _python),
    "javascript": ("HOST.", _javascript),
    "cpp": ("HOST_", _cpp),
    "bash": ("HOST_", _bash),
}
"""Language -> what shows that a program reads it, and what writes it."""
