"""Code–text pairs out of source code that is already on the machine.

    >>> mined = mine(["stdlib"], limit=2)
    >>> len(mined.pairs), {pair.licence for pair in mined.pairs}
    (2, {'PSF-2.0'})

Nothing is imported or executed. The order of the result depends only on the sources.
Not covered: notebooks, stubs, compiled code, and licences of parts of a tree (see licences.py).
"""

import io
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from overproof.errors import UsageError
from overproof.pairs.functions import find_pairs
from overproof.pairs.grammars import language_of
from overproof.pairs.licences import file_licence, is_permissive
from overproof.pairs.polyglot import find_polyglot_pairs
from overproof.pairs.rules import DEFAULT_RULES, Dropped, MiningRules
from overproof.pairs.sources import SourceTree, path_reason, resolve
from overproof.pairs.specs import checked_licence
from overproof.records import Pair, content_key


@dataclass(frozen=True, kw_only=True)
class Mined:
    """The pairs in the order of sources, paths and lines, and what was dropped on the way."""

    pairs: list[Pair]
    dropped: list[Dropped]
    files: int
    """Source files that the sources hold."""
    files_read: int
    """Files that were parsed; fewer than `files` when the limit was reached before."""


def mine(
    sources: Sequence[str],
    rules: MiningRules = DEFAULT_RULES,
    *,
    licence: str = "",
    limit: int | None = None,
    languages: Sequence[str] = ("python",),
) -> Mined:
    """Return the pairs of all sources; see sources.py for how a source is written.

    With a `limit`, files are read in an order that depends on their names' hashes only, so
    that the sample is spread over all sources, and reading stops when it is complete.
    `licence` is for folders and files that do not tell theirs, `languages` for folders.

    Raises: UsageError for a source that does not exist or a licence that is not permissive;
    UnknownNameError for a language; EngineError if its grammar is not installed.
    """
    _check(sources, limit)
    licence = checked_licence(licence)
    trees = [
        tree for source in dict.fromkeys(sources) for tree in resolve(source, licence, languages)
    ]
    places = [(index, *file) for index, tree in enumerate(trees) for file in tree.files]
    order = list(range(len(places)))
    if limit is not None:
        order.sort(
            key=lambda number: content_key(trees[places[number][0]].label, places[number][1])
        )
    found: dict[int, tuple[list[Pair], list[Dropped]]] = {}
    count = 0
    for number in order:
        if limit is not None and count >= limit:
            break
        index, inner, path = places[number]
        pairs, dropped = _mine_file(trees[index], inner, path, rules, licence)
        if limit is not None:
            pairs = pairs[: limit - count]
        count += len(pairs)
        found[number] = pairs, dropped
    rows = [found[number] for number in sorted(found)]
    return Mined(
        pairs=[pair for pairs, _ in rows for pair in pairs],
        dropped=[row for _, dropped in rows for row in dropped],
        files=len(places),
        files_read=len(found),
    )


def _mine_file(
    tree: SourceTree, inner: str, path: Path, rules: MiningRules, stated: str
) -> tuple[list[Pair], list[Dropped]]:
    origin = f"{tree.label}/{inner}"
    reason = path_reason(tree.label, inner) or _licence_reason(tree.licence, stated)
    source = ""
    if not reason:
        source, reason = _read(path, rules.max_file_bytes)
    licence = file_licence(source) or tree.licence
    reason = reason or _licence_reason(licence, stated)
    if reason:
        return [], [Dropped(origin=origin, name="", reason=reason)]
    language = language_of(path)
    if language == "python":
        return find_pairs(source, origin, licence, rules)
    return find_polyglot_pairs(source, origin, licence, language, rules)


def _licence_reason(licence: str, stated: str) -> str:
    if not licence:
        return "licence_unknown"
    return "" if licence == stated or is_permissive(licence) else "licence"


def _read(path: Path, max_bytes: int) -> tuple[str, str]:
    """Return a file's text, or the reason why there is none."""
    try:
        if path.stat().st_size > max_bytes:
            return "", "too_big"
        content = path.read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.decode(encoding), ""
    except (OSError, SyntaxError, UnicodeDecodeError, LookupError):
        return "", "unreadable"


def _check(sources: Sequence[str], limit: int | None) -> None:
    if not sources:
        raise UsageError("no source to mine", hint="name one: stdlib, installed, or a path")
    if limit is not None and limit < 1:
        raise UsageError(f"limit = {limit}, but it must be at least 1", hint="leave it out for all")
