"""Pairs that say or do what an earlier pair does are left out.

Two pairs are the same if their texts have the same words, or their code is the same without
comments and formatting, or the same up to the names that it binds. The first one stays.

Not covered: near duplicates; a copy with one statement more is another pair.

    >>> dedupe([]).pairs
    []
"""

from collections.abc import Iterable
from dataclasses import dataclass

from overproof.pairs.fingerprints import normalised_code, tree_hashes, words
from overproof.pairs.rules import Dropped
from overproof.records import Pair


@dataclass(frozen=True, kw_only=True)
class Deduped:
    """The pairs that are left, in their order, and those that were copies."""

    pairs: list[Pair]
    dropped: list[Dropped]


def dedupe(pairs: Iterable[Pair]) -> Deduped:
    """Return the first of each set of equal pairs."""
    seen: set[tuple[str, str]] = set()
    kept: list[Pair] = []
    dropped: list[Dropped] = []
    for pair in pairs:
        marks = _marks(pair)
        reason = next((mark[0] for mark in marks if mark in seen), "")
        if reason:
            dropped.append(Dropped(origin=pair.origin, name=pair.name, reason=reason))
            continue
        seen.update(marks)
        kept.append(pair)
    return Deduped(pairs=kept, dropped=dropped)


def _marks(pair: Pair) -> list[tuple[str, str]]:
    """Return what no other pair may share with this one, by the reason it would be dropped for."""
    marks = [
        ("same_text", " ".join(words(pair.text))),
        ("same_code", f"{pair.language}\0{normalised_code(pair.code)}"),
    ]
    hashes = tree_hashes(pair.code) if pair.language == "python" else {}
    if hashes:
        marks.append(("same_tree", " ".join(hashes)))
    return marks
