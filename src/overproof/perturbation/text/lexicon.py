r"""English words: parts of speech, inflections, synonyms and relatives, from data in the package.

The data hold the words that documentation uses, taken from Princeton WordNet 3.0 (its licence
lies beside them) by `tools/lexicon.py`; nothing is fetched, and every machine reads the same
bytes. They are read on the first question, in some ten milliseconds. Forms that follow the
spelling rules below are not stored.

Not covered: words of more than one part, proper names, rare words (a question about an unknown
word is answered with nothing), and which sense a word has in its sentence.

    >>> readings("indices"), inflect("map", "v", "g"), derived("sort", "v")
    ((Reading(lemma='index', pos='n', form='s'),), 'mapping', {'n': 'sorting'})
"""

import gzip
import json
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Literal, cast

Pos = Literal["n", "v", "a", "r", "x"]
"""Noun, verb, adjective, adverb, and function words (synonyms only)."""

Form = Literal["", "s", "z", "d", "n", "g", "c", "t"]
"""As in the dictionary; plural; third person; past; participle, -ing; comparative, superlative."""

FORMS: dict[Pos, tuple[Form, ...]] = {
    "n": ("", "s"),
    "v": ("", "z", "d", "n", "g"),
    "a": ("", "c", "t"),
    "r": ("", "c", "t"),
    "x": ("",),
}

_TERMS = """
above absolute add after algorithm all alphabet alphabetical anagram angle any append argument
array ascending ascii at average balanced base before below beneath between binary bit bool
boolean both bracket brackets byte case ceiling char character characters circular class close
closing code coefficient column columns comma common comparison complex concatenate condition
consonant constant coordinate cosine count counting cube cubed cubic cyclic data
date datetime decimal decode decoded decreasing delimited delimiter denominator depth
descending diagonal dictionary difference digit digital digits dimension dimensional distance
distinct divide divided dividend divisible division divisor dot double duplicate duplicates
each element elements empty encode encoded entry equal equation equidistant even every exponent
expression factor factorial factors few fewer fibonacci file filter first flag flatten float
floating floor format formula fraction frequency frequent graph greater greatest grid half hash
heap height hexadecimal higher highest hour identical in inclusive increasing index
indexes indices infinite infinity input insert integer integers integral intersection interval
intervals inverse item items iterate iterator join key keys largest last least
left length less letter letters level lexicographic lexicographical line linear list lists
longest loop lower lowercase lowest magnitude many map match mathematical matrix maximal
maximum mean median merge method middle minimal minimum minus minute mod mode modulo
modulus monotonic monotonically month more most multiple multiples multiplication multiply
natural negation negative nested never newline next no node none nonzero not null number
numbers numeral numerator numeric numerical numerically object occurrence octal odd of off only
operand operation operator opposite or order ordered ordering ordinal output outside over
overlap overlapping pad pair pairs palindrome palindromic parameter parentheses parenthesis
parity parse partition path perimeter permutation permutations pi plus point polygon polynomial
pop position positions positive postfix power precision prefix previous prime primes product
program proper property proportion punctuation push python quotient radius random range rank
ratio real record rectangle rectangular recurrence recursion recursive regex remainder
remaining reverse reversed right root roots rotate rotated rotation round rounded row rows same
scalar second segment sentence sequence series set sets shift shifted side sides sign signed
similar sine single size slice smallest some sort sorted sorting space spaces spherical split
square squared squares stack step stop straight string strings subarray sublist subsequence
subset substring substrings subtract subtraction suffix sum summation sums surface swap symbol
symmetric table tail tangent term text threshold time times title total transpose tree triangle
triangular trim triple tuple tuples type under unicode uniform union unique unit units until up
upper uppercase value values variable variance vector vertex volume vowel vowels week
whitespace whitespaces whole width within without word words year zero zeros
"""
TERMS = frozenset(_TERMS.split())
"""Terms of art and of measure: another word in their place would change the task."""


@dataclass(frozen=True)
class Reading:
    """One way to read a word."""

    lemma: str
    pos: Pos
    form: Form


@dataclass(frozen=True)
class Entry:
    """What is stored about a word as one part of speech."""

    count: int
    """How often WordNet's tagged corpus has it, plus one."""
    irregular: dict[str, str]
    synonyms: tuple[str, ...]
    derived: dict[Pos, str]


@cache
def _stored() -> dict[str, dict[str, str]]:
    """Return the data: packed lines by lemma, and the readings of the forms that no rule makes."""
    packed = files("overproof.perturbation.text").joinpath("data", "lexicon.json.gz").read_bytes()
    stored: dict[str, dict[str, str]] = json.loads(gzip.decompress(packed))
    return stored


@lru_cache(maxsize=8192)
def entries(lemma: str) -> dict[Pos, Entry]:
    """Return what is known about a lemma, by part of speech, the commonest first."""
    found: dict[Pos, Entry] = {}
    for packed in filter(None, _stored()["lemmas"].get(lemma, "").split(";")):
        pos, count, irregular, synonyms, roots = packed.split("|")
        found[cast(Pos, pos)] = Entry(
            int(count),
            dict(part.split("=") for part in irregular.split(",") if part),
            tuple(filter(None, synonyms.split(","))),
            cast(dict[Pos, str], dict(part.split("=") for part in roots.split(",") if part)),
        )
    return found


def regular(lemma: str, form: Form) -> str | None:
    """Return the form by the rules of spelling; None for degrees of adjectives: all are stored.

    >>> [regular(word, form) for word, form in (("box", "s"), ("try", "d"), ("stop", "g"))]
    ['boxes', 'tried', 'stopping']
    """
    if not form:
        return lemma
    if form in ("c", "t"):
        return None
    after_consonant = re.search(r"[^aeiou]y$", lemma)
    if form in ("s", "z"):
        if after_consonant:
            return lemma[:-1] + "ies"
        return lemma + ("es" if re.search(r"(?:s|x|z|ch|sh)$", lemma) else "s")
    if re.fullmatch(r"(?:[^aeiou]|qu)*[aeiou][^aeiouwxy]", lemma):
        lemma += lemma[-1]
    if form == "g":
        return (lemma[:-1] if re.search(r"[^eoy]e$", lemma) else lemma) + "ing"
    return lemma[:-1] + "ied" if after_consonant else lemma.removesuffix("e") + "ed"


def inflect(lemma: str, pos: Pos, form: Form) -> str | None:
    """Return a form of a lemma; None if there is no such word or form.

    >>> inflect("be", "v", "d"), inflect("small", "a", "t"), inflect("prime", "a", "c")
    ('was', 'smallest', None)
    """
    entry = entries(lemma).get(pos)
    if entry is None:
        return None
    return entry.irregular.get(form) or regular(lemma, form)


@lru_cache(maxsize=8192)
def readings(word: str) -> tuple[Reading, ...]:
    """Return the ways to read a word in small letters, the commonest first.

    >>> [(each.pos, each.form) for each in readings("sorted")]
    [('a', ''), ('v', 'd'), ('v', 'n')]
    """
    found = [Reading(word, pos, "") for pos in entries(word)]
    for packed in filter(None, _stored()["irregular"].get(word, "").split(",")):
        lemma, pos, form = packed.split(" ")
        found.append(Reading(lemma, cast(Pos, pos), cast(Form, form)))
    for stem in _stems(word):
        for pos in entries(stem):
            for form in FORMS[pos][1:]:
                if inflect(stem, pos, form) == word:
                    found.append(Reading(stem, pos, form))
    # A stable sort: readings that are equally common keep the order above.
    unique = list(dict.fromkeys(found))
    return tuple(sorted(unique, key=lambda each: -entries(each.lemma)[each.pos].count))


def synonyms(lemma: str, pos: Pos) -> tuple[str, ...]:
    """Return single words for the lemma's most frequent senses, the commonest sense first."""
    entry = entries(lemma).get(pos)
    return entry.synonyms if entry else ()


def derived(lemma: str, pos: Pos) -> dict[Pos, str]:
    """Return words of the same root that are other parts of speech."""
    entry = entries(lemma).get(pos)
    return entry.derived if entry else {}


def is_term(word: str) -> bool:
    """Return whether a word, or its lemma, is a term of art that no synonym may replace."""
    low = word.lower()
    return low in TERMS or any(each.lemma in TERMS for each in readings(low))


def _stems(word: str) -> list[str]:
    """Return what a word may be a regular form of."""
    stems = []
    for ending in ("ies", "ied"):
        if word.endswith(ending):
            stems.append(word[: -len(ending)] + "y")
    for ending in ("es", "s", "ed", "ing"):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            stem = word[: -len(ending)]
            stems += [stem, stem + "e"]
            if stem[-1:] == stem[-2:-1]:
                stems.append(stem[:-1])
    return list(dict.fromkeys(stems))
