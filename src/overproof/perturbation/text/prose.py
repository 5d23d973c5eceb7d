r"""What the operators on text share: a description as sentences of words, and how to edit it.

They touch the words that `docstring.prose_words` lets go, the spaces between two of them, and
nothing else, so quotes, escapes, line breaks, worked examples, literals and names keep their
bytes. A slip never makes a word of the contract out of another one ("then" does not become
"ten").

    >>> from overproof.records import Problem
    >>> prompt = "def f(x):\n    '''Return x, then. Print it (or two).'''\n"
    >>> problem = Problem(
    ...     task_id="t", prompt=prompt, entry_point="f", canonical_solution="", test=""
    ... )
    >>> for sentence in sentences(problem):
    ...     print([(word.text, word.tail, word.free) for word in sentence])
    [('Return', '', True), ('x', ',', False), ('then', '.', True)]
    [('Print', '', True), ('it', '.', True)]

Not covered: sentences that end without a full stop in the middle of a line. Text in round brackets
is in no sentence, though its words are prose if it is a plain remark.
"""

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from overproof.perturbation.docstring import LITERAL_WORDS, WORD, described, prose_words
from overproof.perturbation.draft import Draft, pick, share, shuffled
from overproof.perturbation.source import Edit, apply_edits
from overproof.perturbation.text.lexicon import TERMS
from overproof.records import Problem

NEIGHBOURS = {
    "q": "wa", "w": "qes", "e": "wrd", "r": "etf", "t": "ryg", "y": "tuh", "u": "yij",
    "i": "uok", "o": "ipl", "p": "ol", "a": "qsz", "s": "awdx", "d": "sefc", "f": "drgv",
    "g": "fthb", "h": "gyjn", "j": "hukm", "k": "jil", "l": "kop", "z": "asx", "x": "zsdc",
    "c": "xdfv", "v": "cfgb", "b": "vghn", "n": "bhjm", "m": "njk",
}  # fmt: skip
"""The keys around each letter on a QWERTY keyboard."""

CHUNK = re.compile(r"\S+")
CORE = re.compile(r"(?P<core>.*?)(?P<tail>[.,;:!?]*)", re.DOTALL)
BULLET = re.compile(r"(?:[-*•]|\d+[.)])$")
CONTRACT = LITERAL_WORDS | TERMS


@dataclass(frozen=True)
class Word:
    """A word of a sentence, or what stands in its place: a number, a name, a quotation."""

    start: int
    """Offset in the prompt, like `end`; punctuation does not count."""
    end: int
    text: str
    tail: str
    """The punctuation that follows."""
    free: bool
    """Whether it may be touched."""
    stop: int = 0
    """Offset after a bracketed remark that follows, punctuation not counted; else `end`."""

    @property
    def low(self) -> str:
        """The text in small letters."""
        return self.text.lower()


Sentence = tuple[Word, ...]


@lru_cache(maxsize=2048)
def sentences(problem: Problem) -> tuple[Sentence, ...]:
    """Return the sentences of a description, worked examples and bracketed remarks left out."""
    found = described(problem)
    if found is None:
        return ()
    free = frozenset(prose_words(problem))
    shown = {index for start, end in found.examples for index in range(start, end)}
    ends: list[list[Word]] = [[]]
    depth, previous = 0, 0
    for chunk in CHUNK.finditer(found.text):
        between = found.text[previous : chunk.start()]
        depth = 0 if "\n\n" in between.replace(" ", "") else depth
        text = chunk[0]
        if chunk.start() in shown or _breaks(ends[-1], between, text):
            ends.append([])
        previous = chunk.end()
        inside = depth > 0 or text.startswith("(")
        if not re.search("['\"`]", text):
            depth = max(0, depth + text.count("(") - text.count(")"))
        bullet = BULLET.match(text) and ("\n" in between or not chunk.start())
        if chunk.start() in shown or bullet:
            continue
        if inside:
            if ends[-1] and not depth:
                ends[-1][-1] = _remarked(ends[-1][-1], found.start + chunk.start(), text)
                if re.search(r"[.:!?]$", text):
                    ends.append([])
            continue
        match = CORE.fullmatch(text)
        assert match is not None, "it matches anything"
        # Punctuation that stands alone is what the text speaks of: "the point might be . or ,"
        core, tail = (match["core"], match["tail"]) if match["core"] else (text, "")
        start = found.start + chunk.start()
        end = start + len(core)
        ends[-1].append(Word(start, end, core, tail, (start, end) in free, end))
        if re.search(r"[.:!?]$", tail) and core not in ("e.g", "i.e", "vs"):
            ends.append([])
    return tuple(tuple(sentence) for sentence in ends if sentence)


def _remarked(word: Word, start: int, closing: str) -> Word:
    """Return the word before a bracketed remark with the remark's end and what follows it."""
    bare = closing.rstrip(".,;:!?")
    return replace(word, stop=start + len(bare), tail=closing[len(bare) :])


def _breaks(sentence: Sequence[Word], between: str, text: str) -> bool:
    """Return whether the white space before a chunk ends a sentence, or a bullet begins one."""
    if not sentence or "\n" not in between:
        return False
    new = text[:1].isupper() and text[1:].islower() and sentence[-1].tail != ","
    return between.count("\n") > 1 or bool(BULLET.match(text)) or new


def touching(problem: Problem, left: Word, right: Word) -> bool:
    """Return whether there is nothing but spaces between two words of a line."""
    between = problem.prompt[left.end : right.start]
    return bool(between) and not between.strip(" ")


@lru_cache(maxsize=2048)
def gaps(problem: Problem) -> tuple[tuple[int, int, int, int], ...]:
    """Return the spaces between two words that are next to each other in a line.

    Each is given by the start of the left word, its end, and the same of the right one. Words
    of the contract count here ("two"), since a space more or less leaves them readable; names
    and one-letter words don't.
    """
    found = described(problem)
    if found is None:
        return ()
    spans = list(prose_words(problem))
    for match in WORD.finditer(found.text):
        plain = match[0] not in found.names and not any(found.fixed[match.start() : match.end()])
        if plain and match[0].lower() in LITERAL_WORDS:
            spans.append((found.start + match.start(), found.start + match.end()))
    spans.sort()
    text = problem.prompt
    return tuple(
        (*left, *right)
        for left, right in pairwise(spans)
        if left[1] < right[0] and not text[left[1] : right[0]].strip(" ")
    )


def some(rng: random.Random, intensity: float, items: Sequence[Edit]) -> list[Edit]:
    """Return a share of the edits, drawn at random."""
    return shuffled(rng, items)[: share(intensity, len(items))]


def makes_contract(before: str, after: str) -> bool:
    """Return whether a slip turned a word into one that carries the contract.

    >>> makes_contract("then", "ten"), makes_contract("then", "hen"), makes_contract("All", "ALL")
    (True, False, False)
    """
    return after.lower() in CONTRACT and after.lower() != before.lower()


def cased(like: str, word: str) -> str:
    """Return a word in the case of another: capital first letter, all capitals, or neither.

    >>> cased("Given", "provided")
    'Provided'
    """
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if like[:1].isupper() else word


def lowered(word: Word) -> list[Edit]:
    """Return the edit that takes the capital from a sentence's first word, if it may be touched."""
    if word.free and word.text[:1].isupper() and not word.text[1:2].isupper():
        return [(word.start, word.start + 1, word.text[0].lower())]
    return []


def raised(word: Word) -> list[Edit]:
    """Return the edit that gives a word a capital, if it may be touched."""
    if word.free and word.text[:1].islower():
        return [(word.start, word.start + 1, word.text[0].upper())]
    return []


def reworded(problem: Problem, edits: Iterable[Edit]) -> Draft | None:
    """Return the prompt with the edits made; None if there are none."""
    made = list(edits)
    return Draft(apply_edits(problem.prompt, made), problem.entry_point) if made else None


def neighbouring_key(letter: str, rng: random.Random) -> str:
    """Return a letter that is next to this one on the keyboard, in the same case."""
    key = pick(rng, NEIGHBOURS[letter.lower()])
    return key.upper() if letter.isupper() else key
