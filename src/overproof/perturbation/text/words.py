r"""Operators on whole words: left out, said twice, in the wrong order, or replaced by others.

Terms of art and words of measure (`lexicon.TERMS`) have no synonym here, and what is left out
says nothing about what to compute: articles, and prepositions that a reader fills in.

    >>> from overproof.perturbation.draft import generator_for
    >>> from overproof.records import Problem
    >>> prompt = "def f(x):\n    '''Write a function that takes an array and checks its order.'''\n"
    >>> problem = Problem(
    ...     task_id="t", prompt=prompt, entry_point="f", canonical_solution="", test=""
    ... )
    >>> draft = synonym_substitution(problem, generator_for("t", "", 1), 0.5)
    >>> print(draft.prompt.split("'''")[1])
    Craft a function that takes an array and verifies its order.

Intensities are shares of the words that an operator could change, or the chance of each of them.
Not covered: which sense a word has; the lexicon offers synonyms of the frequent ones only.
"""

import random
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from overproof.perturbation.docstring import described, prose_words
from overproof.perturbation.draft import Draft, Operator, by_chance, pick, share, shuffled
from overproof.perturbation.source import Edit
from overproof.perturbation.text.lexicon import Form, Pos, derived, inflect, is_term, synonyms
from overproof.perturbation.text.prose import (
    Sentence,
    Word,
    cased,
    makes_contract,
    reworded,
    sentences,
    touching,
)
from overproof.perturbation.text.tagging import Tagged, tag
from overproof.records import Problem

PLAIN_PREPOSITIONS = frozenset(
    {"of", "in", "on", "at", "to", "for", "with", "by", "from", "as", "into"}
)
"""A reader fills these in; "above", "until" or "without" say something of their own."""
KEPT_AFTER = {"at": ("least", "most", "any"), "for": ("example", "instance"), "of": ("them",)}
KEPT_BEFORE = frozenset({"up", "out", "or", "such", "same", "than", "away", "according", "due"})
ROLES = frozenset(
    {"subtract", "divide", "multiply", "convert", "change", "transform", "map", "move", "shift"}
)
"""After these, "from", "to", "by" and "into" tell which is which."""

PART: dict[str, tuple[Pos, Form]] = {
    "v": ("v", ""),
    "vz": ("v", "z"),
    "vd": ("v", "d"),
    "vn": ("v", "n"),
    "vg": ("v", "g"),
    "n": ("n", ""),
    "ns": ("n", "s"),
    "a": ("a", ""),
    "r": ("r", ""),
}
"""The part of speech and the form that belong to a tag."""

ROOTS: dict[Pos, str] = {"n": "v", "v": "n", "a": "rn", "r": "a", "x": ""}
"""Which parts of speech a word may turn into; "lengthy" for "length" would be another word."""

ASKING = frozenset({"check", "checks", "determine", "determines", "determining", "test", "tests"})
Replacement = tuple[Edit, ...]


def repeat_words(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Write a share of the prose's words twice."""
    words = prose_words(problem)
    chosen = shuffled(rng, words)[: share(intensity, len(words))]
    return reworded(problem, [(e, e, " " + problem.prompt[s:e]) for s, e in chosen])


def delete_prepositions(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Leave out a share of the prepositions that a reader can fill in."""
    return reworded(problem, by_chance(rng, _prepositions(problem), intensity))


def delete_determiners(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Leave out a share of the articles, and of "this" or "those" before a noun."""
    return reworded(problem, by_chance(rng, _determiners(problem), intensity))


def swap_words(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Swap neighbouring words of a line, a share of the prose's words."""
    text = problem.prompt
    pairs = _swappable(problem)
    wanted = share(intensity, len(prose_words(problem)))
    edits: list[Edit] = []
    used: set[int] = set()
    for left, right in shuffled(rng, pairs):
        if len(edits) < wanted and not used & {left.start, right.start}:
            used |= {left.start, right.start}
            first, second = right.text, left.text
            if left.text.istitle() and text[: left.start].rstrip(" \n")[-1:] in (".", '"', "'"):
                first, second = cased("A", first), second.lower()
            between = text[left.end : right.start]
            edits.append((left.start, right.end, first + between + second))
    return reworded(problem, edits)


def synonym_substitution(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Replace a share of the words that have synonyms by one of them, in the same form."""
    places = _synonyms_of(problem)
    chosen = by_chance(rng, places, intensity)
    return reworded(problem, [edit for each in chosen for edit in pick(rng, each)[1]])


def synonym_insertion(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Write a synonym before a share of the words that have one.

    NLPerturbator's survey dropped it: people don't write this way. It is here because ReCode
    has it.
    """
    places = _synonyms_of(problem)
    chosen = by_chance(rng, places, intensity)
    edits: list[Edit] = []
    for options in chosen:
        word, made = pick(rng, options)
        *article, (_, _, new) = made
        edits += [*article, (word.start, word.start, f"{new} ")]
        if word.text[:1].isupper() and not word.text.isupper():
            edits[-1] = (word.start, word.start + 1, f"{new} {word.text[0].lower()}")
    return reworded(problem, edits)


def word_class(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Write a share of the words as another part of speech of the same root."""
    places = _relatives_of(problem)
    chosen = by_chance(rng, places, intensity)
    return reworded(problem, [edit for each in chosen for edit in pick(rng, each)])


@lru_cache(maxsize=2048)
def _prepositions(problem: Problem) -> tuple[Edit, ...]:
    """Return the edits that leave a preposition out."""
    edits = []
    for sentence in sentences(problem):
        tagged = tag(sentence)
        directed = any(each.lemma in ROLES for each in tagged)
        for at, each in enumerate(tagged[:-1]):
            low, follower = each.word.low, tagged[at + 1]
            if low not in PLAIN_PREPOSITIONS or not each.word.free:
                continue
            if low == "to" and follower.tag in ("v", "be", "have", "do"):
                continue  # an infinitive
            kept = follower.word.low in KEPT_AFTER.get(low, ())
            kept |= at > 0 and tagged[at - 1].word.low in KEPT_BEFORE
            if not kept and not (directed and low in ("from", "to", "by", "into")):
                edits += _left_out(problem, sentence, at)
    return tuple(edits)


@lru_cache(maxsize=2048)
def _determiners(problem: Problem) -> tuple[Edit, ...]:
    """Return the edits that leave a determiner out."""
    found = described(problem)
    names = found.names if found else frozenset()
    edits = []
    for sentence in sentences(problem):
        tagged = tag(sentence)
        for at, each in enumerate(tagged[:-1]):
            follower = tagged[at + 1]
            noun_phrase = follower.tag in ("n", "ns", "a", "vn", "vg", "num", "name", "?")
            article = each.word.low in ("the", "an") and each.word.free
            article |= is_article(each.word, follower.word, names)
            article |= each.word.low in ("this", "these", "those") and each.word.free
            if article and noun_phrase:
                edits += _left_out(problem, sentence, at)
    return tuple(edits)


def is_article(word: Word, after: Word, names: frozenset[str]) -> bool:
    """Return whether a one-letter word is the article "a", not a name."""
    called_a = "a" in names and word.text == "a"
    plain = after.free and len(after.text) > 2 and after.low not in ("and", "for", "into", "from")
    return word.low == "a" and not word.tail and not called_a and plain


def _left_out(problem: Problem, sentence: Sentence, at: int) -> list[Edit]:
    """Return the edit that leaves out a word and a space beside it; none if it stands alone."""
    word, after = sentence[at], sentence[at + 1]
    if at == 0:
        if not after.free or not touching(problem, word, after):
            return []
        if word.text[:1].isupper():
            return [(word.start, after.start + 1, after.text[0].upper())]
    if touching(problem, word, after):
        return [(word.start, after.start, "")]
    if at and touching(problem, sentence[at - 1], word):
        return [(sentence[at - 1].end, word.end, "")]  # it ends its line
    return []


@lru_cache(maxsize=2048)
def _swappable(problem: Problem) -> tuple[tuple[Word, Word], ...]:
    """Return the neighbours in a line that may change places."""
    return tuple(
        (left, right)
        for sentence in sentences(problem)
        for left, right in pairwise(sentence)
        if left.free and right.free and left.low != right.low and touching(problem, left, right)
    )


@lru_cache(maxsize=2048)
def _synonyms_of(problem: Problem) -> tuple[tuple[tuple[Word, Replacement], ...], ...]:
    """Return, for each word that has any, the edits that put a synonym in its place."""
    found = []
    for sentence in sentences(problem):
        tagged = tag(sentence)
        for at, each in enumerate(tagged):
            options = []
            for new in _words_like(tagged, at):
                edits = _replaced(problem, sentence, at, new)
                if edits:
                    options.append((each.word, edits))
            if options:
                found.append(tuple(options))
    return tuple(found)


def _words_like(tagged: Sequence[Tagged], at: int) -> list[str]:
    """Return the synonyms of a word in its sentence, in its form."""
    each = tagged[at]
    low = each.word.low
    before = tagged[at - 1].word.low if at else ""
    if not each.word.free or is_term(low):
        return []
    if low in ("if", "whether"):
        return list(synonyms(low, "x")) if before in ASKING else []
    if low == "that":
        return list(synonyms(low, "x")) if each.tag == "rel" else []
    if low == "which":
        return list(synonyms(low, "x")) if at and not tagged[at - 1].word.tail else []
    if each.tag not in PART or synonyms(low, "x"):
        return list(synonyms(low, "x"))
    pos, form = PART[each.tag]
    if low == "given" and not at:
        return ["provided"]  # "Given a list, return …" has no other
    if each.tag in ("vn", "vg") and synonyms(low, "a"):
        return list(synonyms(low, "a"))
    made = [inflect(other, pos, form) for other in synonyms(each.lemma, pos)]
    return [new for new in made if new and new != low]


def _replaced(problem: Problem, sentence: Sentence, at: int, new: str) -> Replacement:
    """Return the edits that put another word in a place; none where the article can't follow."""
    word = sentence[at]
    edit = (word.start, word.end, cased(word.text, new))
    before = sentence[at - 1] if at else None
    if before is None or not touching(problem, before, word):
        return (edit,)
    vowel = new[0] in "aeiou" and not new.startswith(("uni", "use", "usu", "uti", "one"))
    found = described(problem)
    names = found.names if found else frozenset()
    if before.low == "an" and not vowel and before.free:
        return ((before.end - 1, before.end, ""), edit)
    if vowel and is_article(before, word, names):
        return ((before.end, before.end, "n"), edit)
    return (edit,)


@lru_cache(maxsize=2048)
def _relatives_of(problem: Problem) -> tuple[tuple[Replacement, ...], ...]:
    """Return, for each word that has any, the edits that make another part of speech of it."""
    found = []
    for sentence in sentences(problem):
        for each in tag(sentence):
            if not each.word.free or each.tag not in PART:
                continue
            pos, form = PART[each.tag]
            if inflect(each.lemma, pos, form) != each.word.low:
                continue  # "largest" must not become "largely"
            options = [
                ((each.word.start, each.word.end, cased(each.word.text, other)),)
                for there, other in derived(each.lemma, pos).items()
                if there in ROOTS[pos]
                and other not in (each.word.low, each.lemma)
                and (is_term(each.word.low) or not makes_contract(each.word.text, other))
            ]
            if options:
                found.append(tuple(options))
    return tuple(found)


OPERATORS = (
    Operator("repeat_words", "text", repeat_words, "NLPerturbator A3", True, 0.15, kind="word"),
    Operator(
        "delete_prepositions", "text", delete_prepositions, "NLPerturbator D2", True, 0.15,
        kind="word",
    ),
    Operator(
        "delete_determiners", "text", delete_determiners, "NLPerturbator D3", True, 0.15,
        kind="word",
    ),
    Operator("swap_words", "text", swap_words, "NLPerturbator S2", True, 0.05, kind="word"),
    Operator(
        "synonym_substitution", "text", synonym_substitution,
        "ReCode; NLPerturbator E6; WordNet", True, 0.5, kind="word",
    ),
    Operator(
        "synonym_insertion", "text", synonym_insertion,
        "ReCode; dropped by NLPerturbator's survey as unnatural", True, 0.5, kind="word",
    ),
    Operator(
        "word_class", "text", word_class, "NLPerturbator E5; WordNet", True, 0.35, kind="word"
    ),
)  # fmt: skip
