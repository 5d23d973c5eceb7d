r"""Functions with a documenting comment in languages other than Python, as pairs.

    >>> source = "/// Half of a number.\nfn half(n: f64) -> f64 {\n    let m = n;\n    m / 2.0\n}\n"
    >>> pairs, dropped = find_polyglot_pairs(source, "half.rs", "MIT", "rust")
    >>> pairs[0].prompt
    '/// Half of a number.\nfn half(n: f64) -> f64 {\n'

The prompt is the comment and the signature, up to the line where the body begins; whole lines,
dedented. Methods that need their object are no pairs: of Java and C#, only static ones are taken.

Not covered: names that a function takes from its file (imports, helpers, types): whether it would
compile on its own is not told. Lines inside strings are dedented like all others.
"""

import re
import textwrap

from overproof.pairs.comments import comment_lines, comment_text, description
from overproof.pairs.definitions import Definition, SourceFile
from overproof.pairs.grammars import syntax_of
from overproof.pairs.rules import (
    DEFAULT_RULES,
    SECRET,
    Dropped,
    MiningRules,
    UnfitError,
    text_reason,
)
from overproof.records import Pair, content_key

_CLOSER = re.compile(r"(end|fi|done|esac)?[\W_]*")
_STUB = re.compile(r"not.?implemented|todo!|unimplemented!", re.IGNORECASE)
_NOTICE = re.compile(r"copyright|\(c\) \d{4}|licen[sc]ed under|all rights reserved", re.IGNORECASE)
_ENTRY = re.compile(r"main|test_?\w*|(test|check)[A-Z]\w*", re.IGNORECASE)


def find_polyglot_pairs(
    source: str, origin: str, licence: str, language: str, rules: MiningRules = DEFAULT_RULES
) -> tuple[list[Pair], list[Dropped]]:
    """Return the pairs of a file in the order of its lines, and what was dropped.

    Raises: UnknownNameError; EngineError if the language's grammar is not installed.
    """
    file = SourceFile(source, language)
    pairs: list[Pair] = []
    dropped: list[Dropped] = []
    for found in file.definitions:
        place = f"{origin}:{found.first + 1}"
        try:
            comment = file.comment_above(found)
            text = comment_text(comment, language)
            pairs.append(_pair(file, found, text, comment, place, licence, rules))
        except UnfitError as error:
            dropped.append(Dropped(origin=place, name=found.name, reason=error.reason))
    return pairs, dropped


def make_polyglot_pair(
    text: str,
    code: str,
    language: str,
    *,
    entry_point: str = "",
    origin: str = "user",
    licence: str = "user",
    rules: MiningRules = DEFAULT_RULES,
) -> Pair:
    """Return a pair for a program and the description of one of its functions.

    That is the one called `entry_point`, or that the text names, or the last one. Without a text,
    its own comment is taken.

    Raises: UnfitError if there is none, or it needs another function of the program;
    UnknownNameError; EngineError if the language's grammar is not installed.
    """
    file = SourceFile(code, language)
    before, after = syntax_of(language).frame
    if before and not file.definitions:
        file = SourceFile(f"{before}\n{code}\n{after}", language)
    found = _chosen(file.definitions, entry_point, text)
    comment = file.comment_above(found)
    if text:
        try:
            comment = comment_lines(text, language)
        except ValueError as error:
            raise UnfitError("layout", str(error)) from None
    text = text or comment_text(comment, language)
    pair = _pair(file, found, text, comment, origin, licence, rules)
    others = {other.name for other in file.definitions} - {found.name}
    if any(re.search(rf"\b{re.escape(other)}\b", pair.body) for other in others):
        raise UnfitError("missing_name", f"{found.name} needs another function of the program")
    return pair


def _chosen(definitions: list[Definition], entry_point: str, text: str) -> Definition:
    named = [found for found in definitions if found.name == entry_point]
    told = [d for d in definitions if re.search(rf"\b{re.escape(d.name)}\b", text)]
    usual = [d for d in definitions if not _ENTRY.fullmatch(d.name)]
    found = named or (not entry_point and (told or usual))
    if not found:
        raise UnfitError("no_function", f"no function {entry_point}".rstrip() + " in the code")
    return found[-1]


def _pair(
    file: SourceFile,
    found: Definition,
    text: str,
    comment: list[str],
    origin: str,
    licence: str,
    rules: MiningRules,
) -> Pair:
    """Return the pair. Raises: UnfitError, with the reason, if a rule speaks against it."""
    head = _dedented(file.lines[found.first : found.last + 1])
    length = found.head - found.first + 1
    signature, body = "\n".join(head[:length]) + "\n", "\n".join(head[length:]) + "\n"
    prompt = "\n".join([*_dedented(comment), signature])
    pair = Pair(
        key=content_key(text, signature + body),
        name=found.name,
        text=text,
        code=signature + body,
        prompt=prompt,
        body=body,
        origin=origin,
        licence=licence,
        language=file.language,
    )
    reason = found.reason if found.reason == "method" else ""
    reason = reason or ("" if text else "no_docstring") or found.reason
    reason = reason or ("empty_text" if _NOTICE.search(text) else "")
    reason = reason or text_reason(description(text), rules) or _code_reason(pair, rules)
    if reason:
        raise UnfitError(reason, f"{found.name}: {reason}")
    return pair


def _code_reason(pair: Pair, rules: MiningRules) -> str:
    """Return which rule the code or the prompt breaks; empty if none."""
    remark = syntax_of(pair.language).remark
    rows = [row.strip() for row in pair.body.split("\n")]
    rows = [row for row in rows if not row.startswith(remark) and not _CLOSER.fullmatch(row)]
    if not rows or (len(rows) == 1 and _STUB.search(rows[0])):
        return "stub"
    if not rules.min_body_lines <= len(rows) <= rules.max_body_lines:
        return "short_body" if len(rows) < rules.min_body_lines else "long_body"
    if len(pair.code) > rules.max_code_chars:
        return "long_code"
    if len(pair.prompt) > rules.max_prompt_chars:
        return "long_prompt"
    return "secret" if SECRET.search(pair.prompt + pair.body) else ""


def _dedented(rows: list[str]) -> list[str]:
    return textwrap.dedent("\n".join(rows)).split("\n") if rows else []
