r"""Operators on grammar: other endings, tenses, persons, and the passive voice.

All of them work by rule, on the parts of speech that `tagging.tag` finds.

    >>> from overproof.records import Problem
    >>> prompt = "def f(x):\n    '''Return the sum of x. It is odd if x has odd digits.'''\n"
    >>> problem = Problem(
    ...     task_id="t", prompt=prompt, entry_point="f", canonical_solution="", test=""
    ... )
    >>> for operator in (tense_past, tense_future, passive_voice):
    ...     print(operator(problem, random.Random(0), 1.0).prompt.split("'''")[1])
    Returned the sum of x. It was odd if x had odd digits.
    You will return the sum of x. It will be odd if x will have odd digits.
    The sum of x should be returned. It is odd if x has odd digits.

Intensities are shares of the words, verbs or sentences that an operator could change. Degrees of
adjectives stay ("largest"), and so does the number of a noun that nothing else tells: "the
elements" are not one element.
"""

import random
import re
from functools import lru_cache
from itertools import pairwise

from overproof.perturbation.docstring import described
from overproof.perturbation.draft import Draft, Operator, by_chance, pick
from overproof.perturbation.source import Edit
from overproof.perturbation.text.lexicon import Form, inflect, is_term
from overproof.perturbation.text.prose import (
    cased,
    lowered,
    makes_contract,
    reworded,
    sentences,
    touching,
)
from overproof.perturbation.text.tagging import Tagged, tag
from overproof.perturbation.text.words import is_article
from overproof.records import Problem

PAST = {
    "is": "was", "are": "were", "am": "was", "has": "had", "have": "had", "does": "did",
    "do": "did", "will": "would", "can": "could", "shall": "should", "may": "might",
    "must": "had to", "isn't": "wasn't", "aren't": "weren't", "doesn't": "didn't",
    "don't": "didn't", "can't": "couldn't", "cannot": "could not", "hasn't": "hadn't",
}  # fmt: skip
FUTURE = {
    "is": "will be", "are": "will be", "was": "will be", "were": "will be", "has": "will have",
    "have": "will have", "does": "will", "do": "will", "can": "will be able to",
    "must": "will have to", "should": "will", "shall": "will", "may": "will perhaps",
}  # fmt: skip
OTHER_PERSON = {
    "is": "are", "are": "is", "has": "have", "have": "has", "does": "do", "do": "does",
    "was": "were", "were": "was",
}  # fmt: skip

SHOWS_ONE = frozenset({"a", "an", "each", "every", "this", "another", "one"})
SHOWS_MANY = frozenset({"these", "those", "all", "two", "three", "many", "several", "multiple"})

STARTERS = (
    "if",
    "that",
    "which",
    "such",
    "when",
    "where",
    "whose",
    "who",
    "so",
    "otherwise",
    "else",
)
"""Words that begin what is said about a noun phrase, or another clause."""
SUBJECT = re.compile(
    r"\b(?:please|then|your (?:task|goal|job) is to"
    r"|(?:(?:(?:the|this|your) )?(?:function|program|method)|you|it)"
    r" (?:should|must|need to|have to|will))$"
)
"""What stands before a verb that could as well be an order."""
OPENERS = frozenset({"otherwise", "and", "then", "else"})
NOUN = ("n", "ns", "name", "num", "?")
Rewriting = tuple[Edit, ...]


def inflect_words(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Give a share of the nouns and verbs another ending."""
    return _drawn(problem, rng, intensity, _inflections(problem))


def tense_past(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Put the sentences into the past tense."""
    return _drawn(problem, rng, intensity, [(edits,) for edits in _past(problem)])


def tense_future(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Put the sentences into the future tense."""
    return _drawn(problem, rng, intensity, [(edits,) for edits in _future(problem)])


def change_person(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Give a share of the verbs an ending that does not agree with their subject."""
    return _drawn(problem, rng, intensity, [(edits,) for edits in _persons(problem)])


def passive_voice(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Put orders into the passive voice: "The sum should be returned".

    NLPerturbator's E4 writes the participle in the verb's place; here the sentence is turned.
    """
    return _drawn(problem, rng, intensity, [(edits,) for edits in _passives(problem)])


def _drawn(
    problem: Problem,
    rng: random.Random,
    intensity: float,
    places: list[tuple[Rewriting, ...]] | tuple[tuple[Rewriting, ...], ...],
) -> Draft | None:
    """Return the draft that rewrites a share of the places in one of the ways that each offers."""
    chosen = by_chance(rng, places, intensity)
    return reworded(problem, [edit for options in chosen for edit in pick(rng, options)])


def _instead(each: Tagged, new: str) -> Rewriting:
    """Return the edit that writes another form of a word."""
    return ((each.word.start, each.word.end, cased(each.word.text, new)),)


@lru_cache(maxsize=2048)
def _inflections(problem: Problem) -> tuple[tuple[Rewriting, ...], ...]:
    """Return, for each noun or verb, the edits that give it another ending."""
    found = []
    for sentence in sentences(problem):
        tagged = tag(sentence)
        for at, each in enumerate(tagged):
            forms: tuple[Form, ...] = ()
            if each.tag in ("v", "vz", "vd", "vn", "vg"):
                forms = ("", "z", "d", "n", "g")
            elif each.tag in ("n", "ns") and _number_is_shown(tagged, at):
                forms = ("", "s")
            pos = each.tag[:1]
            made = [inflect(each.lemma, pos, form) for form in forms]  # type: ignore[arg-type]
            # Of an unknown or misread word nothing is known.
            known = each.word.free and each.word.low in made
            others = dict.fromkeys(new for new in made if new and new != each.word.low)
            term = is_term(each.word.low)  # "lists" for "list" brings no new term in
            options = [
                _instead(each, new)
                for new in others
                if term or not makes_contract(each.word.text, new)
            ]
            if known and options:
                found.append(tuple(options))
    return tuple(found)


def _number_is_shown(tagged: tuple[Tagged, ...], at: int) -> bool:
    """Return whether a noun's number is told by another word: "a list", "list of integers"."""
    for back in range(at - 1, max(-1, at - 4), -1):
        before = tagged[back]
        if before.word.low in SHOWS_ONE or before.word.low in SHOWS_MANY:
            return True
        if before.word.low == "of" and back and tagged[at].tag == "ns":
            return tagged[back - 1].word.low in (
                "list",
                "lists",
                "array",
                "arrays",
                "number",
                "sum",
            )
        if before.tag not in ("a", "vn", "n") or before.word.tail:
            return False
    return False


def _finite(tagged: tuple[Tagged, ...], at: int) -> str:
    """Return how a word stands as a finite verb: "orders", "tells"; empty if it is none."""
    each = tagged[at]
    before = tagged[at - 1].tag if at and not tagged[at - 1].word.tail else ""
    if not each.word.free:
        return ""
    if each.tag == "vz" or (each.word.low in PAST and each.tag in ("be", "have", "do")):
        aided = each.word.low in ("have", "do") and before in ("to", "modal", "do")
        return "" if aided else "tells"
    if each.tag != "v" or before in ("to", "modal", "do") or _is_aided(tagged, at):
        return ""
    return "orders" if each.commands and before in ("", "conj", "r") else "tells"


def _is_aided(tagged: tuple[Tagged, ...], at: int) -> bool:
    """Return whether a base form goes on from "to" or "should" over an "and" or a "not"."""
    for back in range(at - 1, -1, -1):
        if tagged[back].tag in ("modal", "to", "do"):
            return tagged[at - 1].tag in ("conj", "r", "pron") or back == at - 1
        if tagged[back].tag in ("vz", "be") or (tagged[back].word.tail in (".", ";")):
            return False
    return False


@lru_cache(maxsize=2048)
def _past(problem: Problem) -> tuple[Rewriting, ...]:
    """Return the edits that put each finite verb into the past."""
    found = []
    for sentence in sentences(problem):
        tagged = tag(sentence)
        for at, each in enumerate(tagged):
            low = each.word.low
            new = PAST.get(low) or inflect(each.lemma, "v", "d")
            if each.tag == "modal" and low in PAST and each.word.free:
                found.append(_instead(each, PAST[low]))
            elif _finite(tagged, at) and new and new != low:
                found.append(_instead(each, new))
    return tuple(found)


@lru_cache(maxsize=2048)
def _future(problem: Problem) -> tuple[Rewriting, ...]:
    """Return the edits that put each finite verb into the future."""
    found: list[Rewriting] = []
    for sentence in sentences(problem):
        tagged = tag(sentence)
        ordered = False
        for at, each in enumerate(tagged):
            low, kind = each.word.low, _finite(tagged, at)
            if each.tag == "modal" and low in FUTURE and each.word.free:
                found.append(_instead(each, FUTURE[low]))
            elif kind == "orders" and not ordered:
                asked = at > 0 and tagged[at - 1].word.low == "please"
                first = tagged[at - 1].word if asked else each.word
                lead = (first.start, first.start, cased(first.text, "you will "))
                found.append((lead, *lowered(first)))
                ordered = True
            elif kind == "tells" and low == "do" and at == 0:
                found.append(_instead(each, "you will"))
            elif kind == "tells" and each.tag == "be" and _adverb_follows(tagged, at):
                after = tagged[at + 1].word.end
                found.append((*_instead(each, "will"), (after, after, " be")))
            elif kind == "tells":
                found.append(_instead(each, FUTURE.get(low) or f"will {each.lemma}"))
    return tuple(found)


def _adverb_follows(tagged: tuple[Tagged, ...], at: int) -> bool:
    """Return whether an adverb stands after a form of "be": "will not be", "will also be"."""
    after = tagged[at + 1] if at + 1 < len(tagged) and not tagged[at].word.tail else None
    return after is not None and after.word.low in ("not", "also", "always") and not after.word.tail


@lru_cache(maxsize=2048)
def _persons(problem: Problem) -> tuple[Rewriting, ...]:
    """Return the edits that break each verb's agreement."""
    found = []
    for sentence in sentences(problem):
        for each in tag(sentence):
            low = each.word.low
            new = OTHER_PERSON.get(low) if each.tag in ("be", "have", "do") else None
            if each.tag == "vz":
                new = each.lemma
            elif each.tag == "v":
                new = inflect(each.lemma, "v", "z")
            if new and new != low and each.word.free and not makes_contract(low, new):
                found.append(_instead(each, new))
    return tuple(found)


@lru_cache(maxsize=2048)
def _passives(problem: Problem) -> tuple[Rewriting, ...]:
    """Return the edits that put each order into the passive voice, at most one a sentence."""
    found = []
    for sentence in sentences(problem):
        tagged = tag(sentence)
        for at, each in enumerate(tagged):
            ordered = each.commands or (each.tag == "vz" and at == 0)
            ordered &= each.lemma != "assume"  # a whole clause follows
            edits = _passive(problem, tagged, at) if ordered and each.word.free else ()
            if edits:
                found.append(edits)
                break
    return tuple(found)


def _passive(problem: Problem, tagged: tuple[Tagged, ...], at: int) -> Rewriting:
    """Return the edits for one verb: what stands before it goes, its object comes first.

    None of them touches what is inside the object, so names and numbers in it stay.
    """
    verb = tagged[at]
    head = _subject_start(tagged, at)
    participle = inflect(verb.lemma, "v", "n")
    if head is None or participle is None or verb.word.tail or at + 1 == len(tagged):
        return ()
    for left, right in pairwise(tagged[head : at + 1]):
        if not touching(problem, left.word, right.word) or not left.word.free:
            return ()
    first, after = tagged[head].word, tagged[at + 1].word
    link = "should be" if verb.tag == "v" else "is"
    if after.low in ("if", "whether", "how", "out", "that"):
        # The clause stays where it is: "it should be checked whether …"
        return ((first.start, verb.word.end, cased(first.text, f"it {link} {participle}")),)
    found = _object_end(problem, tagged, at)
    if found is None or not touching(problem, verb.word, after):
        return ()
    last, plural = found
    link = "are" if link == "is" and plural else link
    capital = first.text[:1].isupper() and (after.free or after.low == "a")
    start = after.text[:1].upper() if capital else after.text[:1]
    end = tagged[last].word.stop
    return ((first.start, after.start + 1, start), (end, end, f" {link} {participle}"))


def _subject_start(tagged: tuple[Tagged, ...], at: int) -> int | None:
    """Return where the verb's own subject begins: "you should", "your task is to" and the like.

    None if there is another subject, or if the verb is not at the beginning of a clause.
    """
    before = [each.word.low for each in tagged[:at]]
    joined = " ".join(before)
    match = SUBJECT.search(joined)
    start = at - len(match[0].split()) if match else at
    opens = start == 0 or bool(tagged[start - 1].word.tail) or before[start - 1] in OPENERS
    return start if opens and (tagged[at].tag == "v" or start == 0) else None


def _object_end(problem: Problem, tagged: tuple[Tagged, ...], verb: int) -> tuple[int, bool] | None:
    """Return the last word of the noun phrase after a verb, and whether it is a plural."""
    start = verb + 1
    if tagged[start].word.low in ("true", "false", "none") or tagged[start].word.tail:
        return start, False
    inside = {"of", "in", "between", "from", "with", "through"}
    if tagged[verb].lemma in ("replace", "fill", "multiply", "compare", "divide", "insert", "add"):
        inside = {"of"}
    if tagged[start].tag not in ("det", "a", "vn", "r", *NOUN):
        return None
    found = described(problem)
    names = found.names if found else frozenset()
    noun: int | None = None
    plural: bool | None = None
    for at in range(start, len(tagged)):
        each = tagged[at]
        low = each.word.low
        if low in STARTERS or each.tag in ("v", "vz", "be", "have", "modal", "to", "conj", "rel"):
            break
        if each.tag == "prep" and plural is None and noun is not None:
            plural = tagged[noun].tag == "ns"
        if each.tag in ("prep", "vg") and low not in inside:
            break
        named = at + 1 < len(tagged) and is_article(each.word, tagged[at + 1].word, names)
        pointed = each.tag == "pron" and tagged[at - 1].word.low in inside
        if pointed or (each.tag in NOUN and not named):
            noun = at
        if each.word.tail:
            break
    if noun is None:
        return None
    return noun, tagged[noun].tag == "ns" if plural is None else plural


OPERATORS = (
    Operator("inflect_words", "text", inflect_words, "ReCode", True, 0.35, kind="grammar"),
    Operator("tense_past", "text", tense_past, "ReCode", False, 1.0, kind="grammar"),
    Operator("tense_future", "text", tense_future, "ReCode", False, 1.0, kind="grammar"),
    Operator(
        "change_person", "text", change_person, "NLPerturbator E3", True, 0.35, kind="grammar"
    ),
    Operator(
        "passive_voice", "text", passive_voice, "NLPerturbator E4", False, 1.0, kind="grammar",
    ),
)  # fmt: skip
