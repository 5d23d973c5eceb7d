r"""Comments that document a function: their text without marks, and a text as such a comment.

    >>> comment_text(["/**", " * Return half.", " * @param n number", " */"], "java")
    'Return half.\n@param n number'
    >>> comment_lines("Return half.", "rust")
    ['/// Return half.']

Tags (`@param`, `\return`, `# Arguments`) stay as they are written, like the headings of a
docstring. C#'s XML is put in words, POD's and Javadoc's markup is taken away. Lines that speak to
a linter are left out.
"""

import html
import re
from collections.abc import Sequence

from overproof.pairs.grammars import SYNTAXES
from overproof.pairs.source import clean

_DIRECTIVE = re.compile(
    r"(shellcheck|eslint|tslint|jshint|jslint|istanbul|prettier|rubocop|NOLINT|nolint|clang-format|"
    r"phpcs|luacheck|perltidy|@ts-|go:\w|\+build|!/|-\*-)"
)
_TAG = re.compile(r"\s*[@\\][a-z]", re.IGNORECASE)
_POD_CODE = re.compile(r"[BCEFILSXZ]<+\s*([^<>]*?)\s*>+")
_JAVADOC_CODE = re.compile(r"\{@\w+\s+([^{}]*)\}")
_HTML = re.compile(r"</?(?:a|b|br|code|em|i|li|ol|p|pre|strong|tt|ul)\b[^<>]*>", re.IGNORECASE)
_XML_NAMED = re.compile(
    r'<(?:see|seealso|paramref|typeparamref)\s+\w+="(?:[A-Z]:)?([^"]*)"\s*/?>(?:</\w+>)?'
)
_XML_PARTS = re.compile(
    r'<(param|typeparam|returns|exception|remarks|example|value)\b(?:\s+\w+="(?:[A-Z]:)?([^"]*)")?'
    r"\s*>(.*?)</\1>",
    re.DOTALL,
)


def comment_text(lines: Sequence[str], language: str) -> str:
    """Return what a documenting comment says, dedented; empty if it says nothing.

    `lines` are those of the source, whole comments of one kind: lines or one block.
    """
    first = lines[0].strip() if lines else ""
    if language == "perl" and first.startswith("="):
        return clean(_pod(lines))
    if any(first.startswith(mark) for mark in SYNTAXES[language].block):
        said = _block(lines)
    else:
        syntax = SYNTAXES[language]
        said = [_unmarked(line, (*syntax.line, *syntax.more)) for line in lines]
    said = [line for line in said if not _DIRECTIVE.match(line.strip())]
    text = "\n".join(said)
    if language == "csharp":
        text = _xml(text)
    elif language == "java":
        text = html.unescape(_HTML.sub("", _JAVADOC_CODE.sub(r"\1", text)))
    elif language in ("javascript", "typescript", "php"):
        text = _JAVADOC_CODE.sub(r"\1", text)
    return clean("\n".join(line.rstrip() for line in text.split("\n")))


def comment_lines(text: str, language: str) -> list[str]:
    """Return a text as the comment above a function, in the language's own style.

    Raises: ValueError if the text would end the comment.
    """
    rows = text.split("\n")
    if language == "csharp":
        rows = ["<summary>", *html.escape(text, quote=False).split("\n"), "</summary>"]
    syntax = SYNTAXES[language]
    if not syntax.line or language == "cpp":
        if "*/" in text or "/*" in text:
            raise ValueError("the text holds the mark of a comment")
        return ["/**", *(f" * {row}".rstrip() for row in rows), " */"]
    marks = [syntax.line[0], *[(*syntax.line[:1], *syntax.more)[-1]] * (len(rows) - 1)]
    return [f"{mark} {row}".rstrip() for mark, row in zip(marks, rows, strict=True)]


def description(text: str) -> str:
    r"""Return what a comment says before its first tag.

    >>> description("Return half.\n@param n number")
    'Return half.'
    """
    rows = text.split("\n")
    end = next((number for number, row in enumerate(rows) if _TAG.match(row)), len(rows))
    return "\n".join(rows[:end]).strip()


def _unmarked(line: str, marks: Sequence[str]) -> str:
    line = line.strip()
    mark = next((mark for mark in marks if line.startswith(mark)), "")
    rest = line.removeprefix(mark)
    # `####` and `//---` are ornaments.
    rest = "" if rest and not rest.strip("#/-=*~ ") else rest
    return rest.removeprefix(" ")


def _block(lines: Sequence[str]) -> list[str]:
    inside = re.sub(r"^\s*/\*[*!]?|\*+/\s*$", "", "\n".join(lines))
    return [re.sub(r"^\s*\*+(?: |$)", "", line) for line in inside.split("\n")]


def _pod(lines: Sequence[str]) -> str:
    kept = []
    for number, line in enumerate(lines):
        command, _, rest = line.partition(" ")
        # An item that comes first is the function's own title.
        if command.startswith("=item") and number:
            kept.append(f"- {rest.strip()}")
        elif not command.startswith("="):
            kept.append(line)
    return _POD_CODE.sub(r"\1", "\n".join(kept))


def _xml(text: str) -> str:
    """Return C#'s documentation in words: the summary, then `name: what it is` in lines."""
    text = _XML_NAMED.sub(r"\1", text)

    def line(found: re.Match[str]) -> str:
        kind, name, said = found[1], found[2] or "", " ".join(found[3].split())
        title = name if kind in ("param", "typeparam", "exception") else kind.capitalize()
        return f"{title}: {said}" if said else ""

    text = _XML_PARTS.sub(line, text)
    text = html.unescape(re.sub(r"</?\w+[^<>]*>", "", text))
    return "\n".join(row.strip() for row in text.split("\n"))
