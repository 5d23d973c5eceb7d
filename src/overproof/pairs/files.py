r"""Pairs to and from JSONL, our own rows and the simple ones that users have.

Besides rows that `write_pairs` wrote, a line may hold one description and one function:

    {"text": "Return half of n.", "code": "def half(n):\n    return n / 2"}
    {"prompt": "def half(n):\n    \"\"\"Return half of n.\"\"\"\n", "solution": "    return n / 2"}

`text` may also be called `docstring`, `description` or `instruction`; `solution` may be
`canonical_solution`, `completion` or `body`, and is the rest of the function or all of it.
A prompt that is prose is a text. Optional: `entry_point` or `name` (else the last function of
the prompt, or else of the code), `licence` or `license` (else `user`), `origin` or `task_id`
(else file and line).

Not covered: other languages than Python, except in our own rows.
"""

import ast
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from overproof.errors import RowError
from overproof.pairs.rules import UnfitError
from overproof.pairs.source import (
    FunctionNode,
    clean,
    compiles,
    find_function,
    first_line,
    missing_names,
    parse,
    split_function,
)
from overproof.records import Pair, content_key, decode_row, encode_row
from overproof.seals import check_seal, seal
from overproof.store import write_atomically

TEXT_FIELDS = ("text", "docstring", "description", "instruction")
CODE_FIELDS = ("code", "solution", "canonical_solution", "completion", "body")

_HINT = "a line needs text and code, or prompt and solution; see overproof.pairs.files"


def read_pairs(path: Path) -> list[Pair]:
    """Return all pairs of a JSONL file; empty lines are skipped.

    Raises: RowError, with file and line, for what is no pair, no Python, or damaged.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RowError(
            f"{path}: cannot be read ({error.strerror})", hint="name a JSONL file of pairs"
        ) from None
    return [
        _read_line(line, f"{path}:{number}", f"{path.name}:{number}")
        for number, line in enumerate(content.split(b"\n"), start=1)
        if line.strip()
    ]


def write_pairs(path: Path, pairs: Iterable[Pair]) -> Path:
    """Replace a JSONL file of pairs, all or nothing.

    Raises: StorageError if the disk is full or the folder is not writable.
    """
    return write_atomically(path, b"".join(seal(encode_row(pair)) + b"\n" for pair in pairs))


def make_pair(
    text: str,
    code: str,
    *,
    entry_point: str = "",
    origin: str = "user",
    licence: str = "user",
) -> Pair:
    r"""Return a pair for a Python program and the description of its last function.

    What precedes the function (imports, helpers) goes into the prompt, and the description
    becomes its docstring. What follows the function is kept only if it needs names from there.

    Raises: UnfitError, a ValueError, if the program does not parse or lacks the function.

    >>> make_pair("Return half of n.", "def half(n):\n    return n / 2").body
    '    return n / 2\n'
    """
    text = clean(text)
    lines, node = _normalised(code, entry_point)
    if not text:
        text = clean(ast.get_docstring(node, clean=False) or "")
    if not text:
        raise UnfitError("no_docstring", f"function {node.name!r} has no description")
    lines, node = _normalised("\n".join(_with_docstring(lines, node, text)), node.name)
    parts = split_function(lines, node)
    if parts is None:
        raise UnfitError("layout", f"function {node.name!r} cannot be cut after its docstring")
    above = "\n".join(lines[: first_line(node) - 1]).strip("\n")
    below = "\n".join(lines[node.end_lineno :]).strip("\n")
    prompt = f"{above}\n\n\n{parts.head}" if above else parts.head
    rest = f"\n\n{below}\n" if below and missing_names(prompt + parts.body) else ""
    if not compiles(prompt + parts.body + rest):
        raise UnfitError("syntax", f"function {node.name!r} does not compile")
    return Pair(
        key=content_key(text, parts.code + rest),
        name=node.name,
        text=text,
        code=parts.code + rest,
        prompt=prompt,
        body=parts.body + rest,
        origin=origin,
        licence=licence,
    )


def _read_line(line: bytes, where: str, origin: str) -> Pair:
    try:
        row = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RowError(f"{where}: not JSON ({error})", hint=_HINT) from None
    if not isinstance(row, dict):
        raise RowError(f"{where}: a {type(row).__name__}, not an object", hint=_HINT)
    if "schema" in row or "key" in row:
        return own_pair(line, where)
    try:
        return pair_of_row(row, origin)
    except ValueError as error:
        raise RowError(f"{where}: {error}", hint=_HINT) from None


def own_pair(line: bytes, where: str) -> Pair:
    """Return the pair that a line written by `write_pairs` holds.

    Raises: RowError, naming `where`, if it is damaged or was edited.
    """
    check_seal(line, where)
    pair = decode_row(line, Pair, where=where)
    if pair.key != content_key(pair.text, pair.code):
        raise RowError(
            f"{where}: the key is not that of its text and code: the row was edited",
            hint="delete the fields schema and key of edited rows; they are made again",
        )
    return pair


def pair_of_row(row: dict[str, Any], origin: str) -> Pair:
    """Return the pair of a row with one description and one function, in the fields above.

    Raises: UnfitError, a ValueError, if it has none.
    """
    language = row.get("language", "python")
    if language != "python":
        raise UnfitError("language", f"language {language!r}, but only python is read here")
    text, code, prompt = _text(row, TEXT_FIELDS), _text(row, CODE_FIELDS), _text(row, ("prompt",))
    if not code.strip():
        fields = ", ".join(sorted(row)) or "{}"
        raise UnfitError("damaged", f"no {' or '.join(CODE_FIELDS)} among {fields}")
    begun_names = re.findall(r"^def (\w+)", prompt, re.MULTILINE)
    entry_point = _text(row, ("entry_point", "name")) or "".join(begun_names[-1:])
    whole, begun = parse(code), parse(prompt)
    if whole is None or not find_function(whole, entry_point):
        # The code is the rest of a function that the prompt began.
        code = prompt.rstrip() + "\n" + code
    elif not text and begun and (stub := find_function(begun, entry_point)):
        text = ast.get_docstring(stub) or ""
        code = "\n".join([*prompt.split("\n")[: first_line(stub) - 1], code])
    elif not text and "def " not in prompt:
        text = prompt
    return make_pair(
        text,
        code,
        entry_point=entry_point,
        origin=_text(row, ("origin", "task_id")) or origin,
        licence=_text(row, ("licence", "license")) or "user",
    )


def _text(row: dict[str, Any], names: Iterable[str]) -> str:
    """Return the first of some fields that is there; empty if none is."""
    for name in names:
        value = row.get(name)
        if value is not None and not isinstance(value, str):
            kind = type(value).__name__
            raise UnfitError("damaged", f"{name} is a {kind}, but it must be a string")
        if value:
            return str(value)
    return ""


def _tree(code: str) -> ast.Module:
    tree = parse(code)
    if tree is None:
        raise UnfitError("syntax", "the code is not Python")
    return tree


def _normalised(code: str, entry_point: str) -> tuple[list[str], FunctionNode]:
    """Return the lines of a program and its function, which starts on a line of its own."""
    code = code.replace("\r\n", "\n").replace("\r", "\n")
    node = find_function(_tree(code), entry_point)
    if node is None:
        raise UnfitError("no_function", f"no function {entry_point}".rstrip() + " in the code")
    lines = code.split("\n")
    if node.body[0].lineno == node.lineno or node.col_offset:
        # `def f(x): return x` has no room for a docstring.
        lines[first_line(node) - 1 : node.end_lineno] = ast.unparse(node).split("\n")
        return _normalised("\n".join(lines), node.name)
    return lines, node


def _with_docstring(lines: list[str], node: FunctionNode, text: str) -> list[str]:
    """Return the lines of a program with `text` as the docstring of its function."""
    old = ast.get_docstring(node, clean=False)
    if old is not None and clean(old) == text:
        return lines
    rest = node.body if old is None else node.body[1:]
    if not rest:
        raise UnfitError("stub", f"function {node.name!r} has no body")
    start = first_line(node.body[0])
    end = start - 1 if old is None else node.body[0].end_lineno or start
    row = lines[start - 1]
    indent = row[: len(row) - len(row.lstrip())]
    return [*lines[: start - 1], *docstring_rows(text, indent), *lines[end:]]


def docstring_rows(text: str, indent: str) -> list[str]:
    """Return the lines of a docstring that says a text."""
    quoted = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    close = "\n" if "\n" in text or text.endswith('"') else ""
    return [f"{indent}{line}".rstrip() for line in f'"""{quoted}{close}"""'.split("\n")]
