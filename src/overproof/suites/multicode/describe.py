r"""A docstring in another language's words: its terms, its calls, its literals.

A worked example is a call of the entry point with literal arguments, anywhere in the text; a
literal after `==`, an arrow, `returns` and the like, or on the line below a `>>>`, is its result.
Both are written anew in the language, in their place. In what is left, Python's words for
nothing, true, false, list, tuple and dictionary become the language's, and the function's name
becomes what it is called there.

Not covered: values inside prose ("for N = 15 the output is (4, 6)") stay as Python writes them.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from overproof.suites.multicode.signatures import find_function

_RESULT = re.compile(
    r"[ \t]*(?:==+>?|=+>|=|-+>|➞|➔|→|should return|should be|returns?|must return)[ \t]*"
)
_NEXT_LINE = re.compile(r"[ \t]*\n[ \t]*")
_NO_OUTPUT = re.compile(r"[ \t]*\n[ \t]*(?=\n)")
_OPERATORS = tuple("+-*/%<>([")
_MAX_CALL = 600


@dataclass(frozen=True)
class Example:
    """A worked example, and where it stands in the text."""

    start: int
    end: int
    args: tuple[Any, ...]
    result: Any = None
    result_start: int = -1
    result_end: int = -1

    @property
    def has_result(self) -> bool:
        """Whether the text says what it returns."""
        return self.result_start >= 0


def docstring_of(prompt: str, entry_point: str) -> str:
    """Return the dedented docstring, or the comments at the beginning of the body.

    Raises: KeyError if the prompt does not define the entry point, SyntaxError if it is broken.
    """
    function = find_function(prompt, entry_point)
    for node in function.body:
        constant = node.value if isinstance(node, ast.Expr) else None
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
            return inspect.cleandoc(constant.value)
    lines = prompt.split("\n")[function.lineno :]
    comments = [line.strip()[1:].removeprefix(" ") for line in lines if line.strip()[:1] == "#"]
    return textwrap.dedent("\n".join(comments)).strip("\n")


def find_examples(text: str, entry_point: str) -> Iterator[Example]:
    """Yield the worked examples of a docstring, in order."""
    for match in re.finditer(rf"(?<![\w.]){re.escape(entry_point)}[ ]?\(", text):
        end = _closing(text, match.end() - 1)
        args = _literal_args(text[match.start() : end]) if end else None
        if args is None:
            continue
        found = _result(text, match.start(), end)
        yield (
            Example(match.start(), end, args, *found)
            if found
            else Example(match.start(), end, args)
        )


def describe(
    text: str,
    entry_point: str,
    name: str,
    terms: Mapping[str, str],
    write_call: Callable[[tuple[Any, ...]], str | None],
    write_result: Callable[[Any], str | None],
) -> list[str]:
    """Return the lines of the description in the language's words.

    `write_call` and `write_result` return None for what cannot be expressed: it stays as it is.
    """
    pieces: list[str] = []
    place = 0

    def plain(until: int) -> None:
        pieces.append(_in_terms(text[place:until], entry_point, name, terms))

    for example in find_examples(text, entry_point):
        if example.start < place:
            continue
        plain(example.start)
        call = write_call(example.args)
        pieces.append(text[example.start : example.end] if call is None else call)
        place = example.end
        if example.has_result:
            plain(example.result_start)
            result = write_result(example.result)
            own = text[example.result_start : example.result_end]
            pieces.append(own if result is None else result)
            place = example.result_end
        elif silent := _silent_end(text, example):
            nothing = write_result(None)
            pieces.append("" if nothing is None else f"\n{nothing}")
            place = silent if nothing is not None else place
    plain(len(text))
    return "".join(pieces).split("\n")


def _silent_end(text: str, example: Example) -> int:
    """Return where the empty line below a `>>>` ends, which says that None is returned; or 0."""
    line_start = text.rfind("\n", 0, example.start) + 1
    if text[line_start : example.start].strip() != ">>>":
        return 0
    found = _NO_OUTPUT.match(text, example.end)
    return found.end() if found else 0


def _closing(text: str, opening: int) -> int:
    """Return the place after the bracket that closes this one; 0 if none does."""
    depth, quote, place = 0, "", opening
    while place < min(len(text), opening + _MAX_CALL):
        character = text[place]
        if quote:
            if character == "\\":
                place += 1
            elif character == quote:
                quote = ""
        elif character in "\"'":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth == 0:
                return place + 1
        place += 1
    return 0


def _literal_args(source: str) -> tuple[Any, ...] | None:
    try:
        call = ast.parse(source.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return None
    if not isinstance(call, ast.Call) or call.keywords:
        return None
    try:
        return tuple(map(ast.literal_eval, call.args))
    except (ValueError, TypeError):
        return None


def _result(text: str, start: int, end: int) -> tuple[Any, int, int] | None:
    """Return (value, start, end) of the result that follows an example, if any."""
    line_start = text.rfind("\n", 0, start) + 1
    after = _RESULT.match(text, end)
    if after is None and text[line_start:start].strip() == ">>>":
        after = _NEXT_LINE.match(text, end)
    if after is None:
        return None
    begin = after.end()
    line_end = text.find("\n", begin)
    limit = len(text) if line_end < 0 else line_end
    if text[begin : begin + 1] in ("(", "[", "{"):
        closing = _closing(text, begin)
        ends = [closing] if closing else []
    else:
        ends = [m.start() for m in re.finditer(r"(?=[\s,.;#]|$)", text[begin:limit])]
        ends = [begin + place for place in sorted({*ends, limit - begin}, reverse=True)]
    for stop in ends:
        if text[stop:limit].lstrip(" \t").startswith(_OPERATORS) or text[stop - 1 : stop] == ".":
            continue  # the beginning of an expression, or the end of a sentence
        try:
            return ast.literal_eval(text[begin:stop].strip()), begin, stop
        except (ValueError, SyntaxError, TypeError, MemoryError):
            continue
    return None


def _in_terms(text: str, entry_point: str, name: str, terms: Mapping[str, str]) -> str:
    if name != entry_point:
        # a name that is a plain word as well is renamed only where it is called or quoted
        after = r"(?!\w)" if "_" in entry_point else r"(?=\(|[`'\"])"
        text = re.sub(rf"(?<!\w){re.escape(entry_point)}{after}", name, text)

    def word(match: re.Match[str]) -> str:
        article, found = match.group(1) or "", match.group(2)
        plural = "s" if found.endswith("s") and found[:-1].lower() in _NOUNS else ""
        singular = found[: len(found) - len(plural)]
        new = terms.get(_NOUNS.get(singular.lower(), singular))
        if new is None:
            return match.group()
        if singular[:1].isupper() and singular.lower() in _NOUNS:
            new = new[:1].upper() + new[1:]
        return _article(article, new) + _plural(new, plural)

    return re.sub(
        r"(\b[Aa]n? )?\b(None|True|False|[Ll]ists?|[Tt]uples?|[Dd]ict(?:ionary|s)?)\b", word, text
    )


_NOUNS = {"list": "list", "tuple": "tuple", "dictionary": "dictionary", "dict": "dictionary"}


def _article(article: str, noun: str) -> str:
    if not article:
        return ""
    return article[0] + ("n " if noun[:1].lower() in "aeiou" else " ")


def _plural(noun: str, mark: str) -> str:
    if not mark:
        return noun
    return noun[:-1] + "ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else noun + mark
