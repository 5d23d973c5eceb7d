"""Pairs that say or do what an earlier pair does are left out.

Two pairs of one language are the same if their texts have the same words, or their code is the
same without comments and formatting, or the same up to the names that it binds. With a threshold,
they are also the same if the Jaccard index of the three-word runs of their texts, or of the
five-token runs of their code, reaches it. The first one stays, and only what stays is compared
with what comes later.

Not covered: paraphrases, and translations between languages, which are pairs of their own.

    >>> dedupe([]).pairs
    []
"""

from collections.abc import Iterable
from dataclasses import dataclass

from overproof.errors import UsageError
from overproof.pairs.fingerprints import code_tokens, normalised_code, tree_hashes, words
from overproof.pairs.near import NearIndex, sketch
from overproof.pairs.rules import Dropped
from overproof.records import Pair

WORDS = 3
"""Words in a row that texts are compared by."""
TOKENS = 5
"""Tokens in a row that code is compared by."""


@dataclass(frozen=True, kw_only=True)
class Deduped:
    """The pairs that are left, in their order, and those that were copies."""

    pairs: list[Pair]
    dropped: list[Dropped]


def dedupe(pairs: Iterable[Pair], near: float = 0.0) -> Deduped:
    """Return the first of each set of equal pairs, and of nearly equal ones if `near` is above 0.

    Raises: UsageError if `near` is not in [0, 1].
    """
    if not 0 <= near <= 1:
        raise UsageError(
            f"near_duplicate = {near}, but a Jaccard index is in [0, 1]", hint="0 turns it off"
        )
    seen: set[tuple[str, str, str]] = set()
    alike = _Alike(near)
    kept: list[Pair] = []
    dropped: list[Dropped] = []
    for pair in pairs:
        marks = _marks(pair)
        reason = next((mark[0] for mark in marks if mark in seen), "")
        if not reason and near:
            reason = alike.reason_or_add(pair)
        if reason:
            dropped.append(Dropped(origin=pair.origin, name=pair.name, reason=reason))
            continue
        seen.update(marks)
        kept.append(pair)
    return Deduped(pairs=kept, dropped=dropped)


class _Alike:
    """The pairs that stay, by the runs of their words and tokens; an index for each language."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._indices: dict[tuple[str, str], NearIndex] = {}

    def reason_or_add(self, pair: Pair) -> str:
        """Return why a pair is nearly an earlier one; take it in if it is not."""
        sketches = {
            "near_text": sketch(words(pair.text), WORDS),
            "near_code": sketch(code_tokens(pair.code), TOKENS),
        }
        for reason, found in sketches.items():
            if self._index(reason, pair.language).find(found):
                return reason
        for reason, found in sketches.items():
            self._index(reason, pair.language).add(found)
        return ""

    def _index(self, reason: str, language: str) -> NearIndex:
        place = (reason, language)
        if place not in self._indices:
            self._indices[place] = NearIndex(self._threshold)
        return self._indices[place]


def _marks(pair: Pair) -> list[tuple[str, str, str]]:
    """Return what no other pair may share with this one, by the reason it would be dropped for."""
    marks = [
        ("same_text", pair.language, " ".join(words(pair.text))),
        ("same_code", pair.language, normalised_code(pair.code)),
    ]
    hashes = tree_hashes(pair.code) if pair.language == "python" else {}
    if hashes:
        marks.append(("same_tree", pair.language, " ".join(hashes)))
    return marks
