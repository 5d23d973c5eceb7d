r"""Operators that give the entry point a name that means the same, nothing, or something else.

A name is taken apart at its underscores and humps, and put together in its own convention:

    >>> parts_of("minSubArraySum"), joined(["least", "Sub", "Array"], like="minSubArraySum")
    (['min', 'Sub', 'Array', 'Sum'], 'leastSubArray')

Which names are possible does not depend on chance, so they are made once per problem. Where the
words of a name have too few other forms or synonyms, a verb that says nothing (`get_`, `find_` …)
makes up for it. No new name is a word of the problem: it would be renamed along with that word.

Not covered: names whose words are run together (`iscube`); they count as one word.
"""

import itertools
import random
import re
from collections.abc import Iterable
from functools import lru_cache

from overproof.perturbation.draft import Draft, Operator, shuffled
from overproof.perturbation.names.slips import rename
from overproof.perturbation.names.vocabulary import (
    FIXED,
    MISLEADING,
    NOUNS,
    NOUNS_ONLY,
    OPAQUE,
    SYNONYMS,
    VERBS,
)
from overproof.perturbation.text import lexicon
from overproof.records import Problem

ENOUGH = 40
"""Names from which five draws are nearly always five names."""

PREFIXES = (
    *("solve_", "my_", "do_", "run_", "get_", "new_", "the_", "try_", "our_", "make_"),
    *("compute_", "handle_", "perform_", "task_", "py_", "apply_"),
)
SUFFIXES = (
    *("_helper", "_impl", "_func", "_fn", "_task", "_main", "2", "_v2", "_new", "_final"),
    *("_fast", "_internal", "_util", "_core", "_1", "_routine", "_solution", "_simple"),
)


def name_inflect(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Put words of the entry point's name into another form: plural, past, participle …."""
    return _first_free(problem, shuffled(rng, _inflections(problem.entry_point)))


def name_synonym(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Replace words of the entry point's name by words that mean the same."""
    return _first_free(problem, shuffled(rng, _paraphrases(problem.entry_point)))


def name_opaque(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Give the entry point a name that says nothing."""
    return _first_free(problem, shuffled(rng, OPAQUE))


def name_misleading(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Give the entry point the name of another plausible task."""
    return _first_free(problem, shuffled(rng, _other_tasks(problem)))


def name_abbreviated(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Shorten the words of the entry point's name: no vowels, beginnings, initials."""
    return _first_free(problem, shuffled(rng, _abbreviations(problem.entry_point)))


def name_affix(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Put a word that says nothing before or behind the entry point's name."""
    name = problem.entry_point
    names = [*(prefix + name for prefix in PREFIXES), *(name + suffix for suffix in SUFFIXES)]
    if "_" not in name and re.search(r"[a-z][A-Z]", name):
        names = [re.sub(r"_+(\w)", lambda hump: hump[1].upper(), each) for each in names]
        names = [re.sub(rf"(?<=\w){name}$", name[:1].upper() + name[1:], each) for each in names]
    return _first_free(problem, shuffled(rng, names))


def parts_of(name: str) -> list[str]:
    """Return the words of a name, in their own case; digits stay with the word before."""
    return [part for part in re.split(r"_+|(?<=[a-z0-9])(?=[A-Z])", name) if part]


def joined(parts: Iterable[str], like: str) -> str:
    """Return a name of these parts in the convention of another name."""
    listed = [word for part in parts for word in part.split("_") if word]
    camel = "_" not in like and re.search(r"[a-z0-9][A-Z]", like)
    if camel:
        return listed[0] + "".join(part[:1].upper() + part[1:] for part in listed[1:])
    return "_".join(listed)


def _first_free(problem: Problem, names: Iterable[str]) -> Draft | None:
    """Return the problem under the first name that can be given and that it does not mention."""
    for name in names:
        if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", problem.prompt) is None:
            draft = rename(problem, name)
            if draft is not None:
                return draft
    return None


@lru_cache(maxsize=1024)
def _inflections(name: str) -> tuple[str, ...]:
    """Return names whose words have other forms; with a verb before them if these are few."""
    choices = [[part, *_forms(part)] for part in parts_of(name)]
    return _varied(name, choices)


@lru_cache(maxsize=1024)
def _paraphrases(name: str) -> tuple[str, ...]:
    """Return names of synonyms; with a verb before them if these are few."""
    choices = [[part, *_synonyms(part)] for part in parts_of(name)]
    return _varied(name, choices)


def _varied(name: str, choices: list[list[str]]) -> tuple[str, ...]:
    """Return all combinations but the first, those with the fewest new words first."""
    ranked = sorted(
        itertools.islice(itertools.product(*(enumerate(each) for each in choices)), 5000),
        key=lambda combination: sum(index > 0 for index, _ in combination),
    )
    names = [joined((part for _, part in each), name) for each in ranked]
    found = list(dict.fromkeys(names[1:]))[:ENOUGH]
    first = parts_of(name)[0].lower() if parts_of(name) else name
    is_verb = first in FIXED or any(each.pos == "v" for each in lexicon.readings(first))
    bare = [parts_of(each) for each in found[:6] or [name]]
    for word, parts in itertools.product(NOUNS if is_verb else VERBS, bare):
        if len(found) < ENOUGH:
            found.append(joined([*parts, word] if is_verb else [word, *parts], name))
    return tuple(found)


def _forms(word: str) -> list[str]:
    """Return the other inflected forms of a word, in its case, the likeliest reading first."""
    low = word.lower()
    found = []
    for reading in lexicon.readings(low) if low not in FIXED else ():
        if reading.pos == "v" and low in NOUNS_ONLY:
            continue
        for form in lexicon.FORMS[reading.pos]:
            other = lexicon.inflect(reading.lemma, reading.pos, form)
            if other and other.isalpha() and other not in (low, f"{low}es"):
                found.append(_cased(other, word))
    return list(dict.fromkeys(found))[:7]


def _synonyms(word: str) -> list[str]:
    """Return words for this one: first those of programming, then the lexicon's, inflected."""
    low = word.lower()
    found = list(SYNONYMS.get(low, ()))
    for reading in lexicon.readings(low) if not found else ():
        for lemma in lexicon.synonyms(reading.lemma, reading.pos):
            other = lexicon.inflect(lemma, reading.pos, reading.form)
            if other and other.isalpha() and other != low:
                found.append(other)
    return [_cased(each, word) for each in dict.fromkeys(found)][:7]


def _cased(word: str, like: str) -> str:
    """Return the word with a capital if the other one has it."""
    return word[:1].upper() + word[1:] if like[:1].isupper() else word


@lru_cache(maxsize=1024)
def _other_tasks(problem: Problem) -> tuple[str, ...]:
    """Return the names of tasks of which neither prompt nor solution gives any sign."""
    text = f"{problem.prompt}\n{problem.canonical_solution}".lower()
    return tuple(name for name, signs in MISLEADING.items() if not any(s in text for s in signs))


@lru_cache(maxsize=1024)
def _abbreviations(name: str) -> tuple[str, ...]:
    """Return shorter names: each word whole, cut or without vowels, and the initials alone."""
    parts = parts_of(name)
    choices = [[part, *_shortened(part)] for part in parts]
    combinations = itertools.islice(itertools.product(*choices), 3000)
    names = [joined(each, name) for each in combinations if list(each) != parts]
    if len(parts) > 1:
        names += ["".join(part[0] for part in parts), "".join(part[:2] for part in parts)]
        names += ["".join(each).lower() for each in itertools.product(*(c[1:] for c in choices))]
    short = [each for each in dict.fromkeys(names) if len(each) < len(name)]
    # Long names have hundreds: an even spread will do.
    return tuple(short[:: max(1, len(short) // 100)])


def _shortened(word: str) -> list[str]:
    """Return ways to shorten a word, none for the shortest."""
    if len(word) < 3:
        return []
    consonants = word[0] + re.sub(r"[aeiou]", "", word[1:])
    vowels = [index for index, letter in enumerate(word) if index and letter in "aeiou"]
    found = [consonants, word[:3], word[:4], word[:2], consonants[:3], word[0]]
    found += [word[:5] + consonants[-1], word[:5]] if len(word) > 6 else []
    for gone in (*((one,) for one in vowels), *itertools.combinations(vowels, 2)):
        found.append("".join(letter for i, letter in enumerate(word) if i not in gone))
    return [each for each in dict.fromkeys(found) if len(each) < len(word)]


OPERATORS = (
    Operator("name_inflect", "names", name_inflect, "ReCode", True, 1.0),
    Operator("name_synonym", "names", name_synonym, "ReCode", True, 1.0),
    Operator("name_opaque", "names", name_opaque, "RADAR", True, 1.0),
    Operator("name_misleading", "names", name_misleading, "RADAR", True, 1.0),
    Operator("name_abbreviated", "names", name_abbreviated, "own", True, 1.0),
    Operator("name_affix", "names", name_affix, "own", True, 1.0),
)
