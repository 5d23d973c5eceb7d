"""All sources of pairs through one path: read or mined, one after another, and each pair once.

    found = collect(["stdlib", "mbpp:mbpp.jsonl:train"], near=0.8)
    len(found.pairs), found.reasons["near_text"]

The order of the pairs is that of the sources and of what is in them, on every machine. Of pairs
that are equal or nearly so, the first stays.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from overproof.pairs.duplicates import dedupe
from overproof.pairs.grammars import suffixes_of
from overproof.pairs.imports import import_pairs
from overproof.pairs.mining import mine
from overproof.pairs.rules import DEFAULT_RULES, MiningRules, summarise
from overproof.pairs.specs import SourceSpec, parse_source
from overproof.progress import say
from overproof.records import Pair, content_key


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What the sources gave."""

    pairs: list[Pair]
    reasons: Counter[str]
    """How many files, functions and rows did not become a pair, by REASONS."""
    sources: dict[str, int]
    """Pairs of each source, before duplicates are removed."""


def collect(
    sources: Sequence[str],
    rules: MiningRules = DEFAULT_RULES,
    *,
    languages: Sequence[str] = ("python",),
    near: float = 0.0,
    licence: str = "",
    limit: int | None = None,
) -> Collected:
    """Return the pairs of all sources, without duplicates; see specs.py for how one is written.

    `languages` is for folders and data sets, `licence` for sources that neither tell theirs nor
    are told one. `near` is the threshold of dedupe. A `limit` takes that many pairs at most,
    spread over the sources.

    Raises: UsageError for a source that does not exist; UnknownNameError for a language; DataError
    for a file that cannot be read or has nothing; FetchError if the hub is out of reach;
    EngineError if a library or a grammar is missing.
    """
    for language in languages:
        suffixes_of(language)
    pairs: list[Pair] = []
    reasons: Counter[str] = Counter()
    counts: dict[str, int] = {}
    for text in dict.fromkeys(sources):
        begun = time.monotonic()
        found, dropped = _read(parse_source(text), rules, languages, licence, limit)
        pairs += found
        reasons.update(dropped)
        counts[text] = len(found)
        say(f"pairs: {len(found)} of {text} in {time.monotonic() - begun:.0f} s")
    unique = dedupe(pairs, near)
    reasons.update(summarise(unique.dropped))
    return Collected(pairs=_spread(unique.pairs, limit), reasons=reasons, sources=counts)


def _read(
    spec: SourceSpec,
    rules: MiningRules,
    languages: Sequence[str],
    licence: str,
    limit: int | None,
) -> tuple[list[Pair], dict[str, int]]:
    limit = min(filter(None, (spec.limit, limit)), default=None)
    if spec.kind == "tree":
        stated = spec.licence or licence
        mined = mine([spec.place], rules, licence=stated, limit=limit, languages=languages)
        return mined.pairs, summarise(mined.dropped)
    imported = import_pairs(spec, languages, rules, licence=licence, limit=limit)
    return imported.pairs, dict(imported.dropped)


def _spread(pairs: list[Pair], limit: int | None) -> list[Pair]:
    """Return so many of the pairs, chosen by their keys' hashes only, in their order."""
    if limit is None or len(pairs) <= limit:
        return pairs
    places = sorted(range(len(pairs)), key=lambda number: content_key("limit", pairs[number].key))
    return [pairs[number] for number in sorted(places[:limit])]
