r"""Which part of speech each word of a sentence is, told by its neighbours in plain docstrings.

    >>> from overproof.perturbation.text.prose import Word
    >>> line = "Write a function that takes lists and returns the sorted values".split()
    >>> [each.tag for each in tag(tuple(Word(0, 0, text, "", True) for text in line))]
    ['v', 'det', 'n', 'rel', 'vz', 'ns', 'conj', 'vz', 'det', 'vn', 'ns']

Tags: `v` base form or plural present, `vz` third person, `vd` past, `vn` participle, `vg` -ing;
`be` `have` `do` `modal` `to`; `n` `ns` noun and its plural, `name`, `num`, `pron`, `det`, `a`
adjective, `r` adverb, `prep`, `conj`, `rel` (that, which, who), `?` unknown.

Not covered: English beyond that. A word of two readings is given the commoner one, and is wrong
now and then; the operators that ask are slips themselves, or look for a whole pattern.
"""

from dataclasses import dataclass
from functools import lru_cache

from overproof.perturbation.text.lexicon import Form, Pos, readings
from overproof.perturbation.text.prose import Sentence, Word

CLOSED: dict[str, str] = {
    word: tag
    for tag, words in {
        "det": "a an the this these those each every all any some both either neither no another "
        "its their his her your our my such what whose",
        "prep": "of in on at for with by from into onto as than through within without between "
        "among over under above below after before during against per upon via except around "
        "about across along behind beside besides beyond inside outside until till like unlike up "
        "down off out towards toward",
        "pron": "it he she they we you i them him us me itself themselves one ones there others "
        "everyone something anything nothing",
        "modal": "will would can could shall should may might must cannot can't won't shouldn't",
        "be": "is are was were be been being am isn't aren't wasn't it's that's you're there's "
        "they're he's she's we're",
        "have": "has have had having hasn't haven't",
        "do": "do does did doesn't don't didn't",
        "conj": "and or but nor if when while where whether because since although though unless "
        "so else otherwise how why whenever once",
        "rel": "that which who",
        "r": "not also then never only just very too even respectively please always most more "
        "least less almost again here now",
        "to": "to",
        "num": "zero one two three four five six seven eight nine ten eleven twelve hundred first "
        "second third last half several many few multiple",
    }.items()
    for word in words.split()
}

_COMMANDS = """
detect obtain encrypt  rescale truncate intersperse swap capitalize sum square cube rank
add append apply arrange assume build calculate call change check choose complete compute
concatenate consider construct convert count create decode define delete determine divide drop
encode evaluate extract filter flip find flatten generate get given group identify ignore imagine
implement increment insert join keep let list locate look make map merge move multiply note
output parse perform pick print produce provide put read rearrange remove repeat replace return
reverse rotate round search select separate set shift simplify sort split square start stop
subtract sum swap take test transform update use validate verify write
"""
COMMANDS = frozenset(_COMMANDS.split())
"""Verbs that a docstring gives orders with: they are verbs where a sentence begins."""

NOMINAL = frozenset({"det", "a", "num", "prep", "vn"})
"""After these a word is hardly a finite verb."""
NOUNISH = frozenset({"n", "ns", "name", "num", "a", "?"})
VERBAL = frozenset({"to", "modal", "be", "have", "do", "v", "vz", "vd", "vg"})
NOUNS = {"input": "n", "inputs": "ns", "outputs": "ns", "true": "name", "false": "name"}
"""What the dictionary takes for a verb or an adjective."""


@dataclass(frozen=True)
class Tagged:
    """A word, its part of speech and its lemma."""

    word: Word
    tag: str
    lemma: str

    @property
    def commands(self) -> bool:
        """Whether it is a base form that docstrings give orders with."""
        return self.tag == "v" and self.lemma in COMMANDS


@lru_cache(maxsize=8192)
def tag(sentence: Sentence) -> tuple[Tagged, ...]:
    """Return the words of a sentence with their parts of speech."""
    found: list[Tagged] = []
    for at, word in enumerate(sentence):
        after = sentence[at + 1] if at + 1 < len(sentence) and not word.tail else None
        name = _tag(word, found, after)
        beyond = sentence[at + 2].low if at + 2 < len(sentence) else ""
        if name == "v" and CLOSED.get(beyond) == "be" and _is_also_adjective(word):
            name = "a"  # "Separate groups are …"
        found.append(Tagged(word, name, _lemma(word.low, name)))
    return tuple(found)


def _tag(word: Word, before: list[Tagged], after: Word | None) -> str:
    """Return the tag of one word."""
    low = word.low
    previous = before[-1] if before else None
    last = previous.tag if previous and not previous.word.tail else ""
    if low == "that" and last not in ("n", "ns", "name", "num", "pron", "vn"):
        return "conj"
    if low in CLOSED:
        return CLOSED[low]
    if low in NOUNS and not (low == "outputs" and last in ("n", "rel", "pron")):
        return NOUNS[low]
    kinds = {(each.pos, each.form) for each in readings(low)}
    if not kinds or not (word.free or word.text.isalpha()):
        return _unknown(word)
    return _verb(word, kinds, before, last, after) or _other(kinds, last, after, low)


def _is_also_adjective(word: Word) -> bool:
    return any(each.pos == "a" and not each.form for each in readings(word.low))


def _unknown(word: Word) -> str:
    """Return the tag of what is in no dictionary: names, numbers, misspelt words."""
    if word.text[:1].isdigit() or word.text[:1] == "-":
        return "num"
    if "-" in word.text and word.text.replace("-", "").isalpha():
        return "a"
    return "?" if word.free else "name"


def _verb(
    word: Word, kinds: set[tuple[Pos, Form]], before: list[Tagged], last: str, after: Word | None
) -> str:
    """Return the tag of a word that is a verb here; empty if it is none."""
    low = word.low
    tags = [each.tag for each in before]
    begins = not last or last == "conj"
    through = last if last != "r" else (tags[-2] if len(tags) > 1 else "")
    if ("v", "") in kinds:
        if through in ("modal", "to", "do"):
            return "v"
        ordered = low in COMMANDS and (begins or before[-1].word.low in ("then", "please"))
        open_clause = not before or bool(before[-1].word.tail) or _follows_command(before)
        if ordered and (open_clause or before[-1].word.low in ("then", "please")):
            return "v"
        if (
            low == "return"
            and last in ("n", "ns", "name", "num", "a", "?")
            and _opens_phrase(after)
        ):
            return "v"
        if last == "pron" and before[-1].word.low in ("you", "they", "we", "i", "ones", "there"):
            return "v"
        if last in ("ns", "rel") and _opens_phrase(after) and _plural_before(before):
            return "v"
    if ("v", "z") in kinds and last not in NOMINAL | VERBAL:
        noun = ("n", "s") in kinds
        listed = noun and last == "conj" and not _is_object(after)
        if (
            last in ("rel", "pron")
            or not noun
            or (last and last != "ns" and _opens_phrase(after) and not listed)
        ):
            return "vz"
        if not last and (not before or before[-1].word.tail) and _opens_phrase(after):
            return "vz"
    if ("v", "n") in kinds:
        return "vd" if last in ("pron", "rel") and ("v", "d") in kinds else "vn"
    if ("v", "d") in kinds:
        return "vd"
    if ("v", "g") in kinds and (last not in ("det", "a") or ("n", "") not in kinds):
        return "vg"
    return ""


def _other(kinds: set[tuple[Pos, Form]], last: str, after: Word | None, low: str) -> str:
    """Return the tag of a word that is no verb here."""
    if ("a", "") in kinds and ("n", "") in kinds:
        # "the minimum value", "the minimum"
        noun_follows = after is not None and any(each.pos == "n" for each in readings(after.low))
        return "a" if noun_follows else "n"
    order = [each for each in readings(low) if each.pos != "v" and each.pos != "x"]
    if not order:
        return "n" if last in NOMINAL else "v" if ("v", "") in kinds else "?"
    return {"n": "ns" if order[0].form == "s" else "n", "a": "a", "r": "r"}[order[0].pos]


def _opens_phrase(after: Word | None) -> bool:
    """Return whether what follows can be an object or a complement."""
    return after is not None and CLOSED.get(after.low) != "be" and after.low not in ("of", "in")


def _is_object(after: Word | None) -> bool:
    """Return whether what follows a word can hardly be anything but its object."""
    if after is None:
        return False
    kinds = {each.pos for each in readings(after.low)}
    closed = CLOSED.get(after.low) in ("det", "num", "pron", "conj", "rel", "r")
    return closed or not after.free or "n" in kinds or "a" in kinds


def _plural_before(before: list[Tagged]) -> bool:
    """Return whether the noun that a verb would agree with is a plural."""
    nouns = [each for each in before if each.tag in ("n", "ns", "name", "pron")]
    return bool(nouns) and (nouns[-1].tag == "ns" or nouns[-1].word.low in ("ones", "you", "they"))


def _follows_command(before: list[Tagged]) -> bool:
    """Return whether an order was given before in the sentence, and "and" goes on from it."""
    return before[-1].word.low in ("and", "or", "then") and any(
        each.commands or each.tag == "to" for each in before
    )


def _lemma(low: str, name: str) -> str:
    """Return the lemma of a word that is this part of speech; the word where that is unknown."""
    form = {"vz": "z", "vd": "d", "vn": "n", "vg": "g", "ns": "s"}.get(name, "")
    for each in readings(low):
        if each.pos == name[:1] and each.form == form:
            return each.lemma
    return next((each.lemma for each in readings(low) if each.pos == name[:1]), low)
