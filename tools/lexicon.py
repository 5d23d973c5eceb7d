"""Build the package's lexicon from WordNet 3.0, lemminflect and wordfreq.

python tools/lexicon.py /usr/share/wordnet [WORDS.txt]

WordNet is Debian's package wordnet-base; lemminflect (irregular forms) and wordfreq (which words
are common) are needed only here: install them into an environment of their own. WORDS.txt may
name further words to take in, one a line. The same inputs give the same data.

Not covered: words of several parts, names, and words that most readers would not know.
"""

import gzip
import json
import re
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from lemminflect import getInflection  # type: ignore[import-not-found]
from wordfreq import zipf_frequency  # type: ignore[import-not-found]

from overproof.perturbation.text.lexicon import FORMS, TERMS, Form, Pos, regular

PACKAGE = Path(__file__).parent.parent / "src" / "overproof" / "perturb" / "text"
TARGET = PACKAGE / "data" / "lexicon.json.gz"
FILES: dict[str, Pos] = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
NUMBERS = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}
PENN = {
    "s": ("NNS",),
    "z": ("VBZ",),
    "d": ("VBD",),
    "n": ("VBN",),
    "g": ("VBG",),
    "c": ("JJR", "RBR"),
    "t": ("JJS", "RBS"),
}

COMMON = 3.35
"""Zipf frequency (log10 of uses in 10^9 words) from which a word is common."""
KNOWN = 3.2
"""The same for a synonym or a relative: it must not be rarer than this."""
SENSES = 2
"""How many of a word's most frequent senses give synonyms."""
LEAST_SHARE = 0.3
"""The share of a word's tagged uses that a sense after the first must have."""

_NOT_CONTENT = """
a about above across after against all along also although am among amp an and any are around
as at ax because before behind below beneath beside between beyond both but by can could de
despite did doe does down during each eight either el else en even ever every except fa few
first five for four from ha had has he hence her here hers hes him his ho how i if in inside
into is it its just la le least less like ma many may me mes might mine more most much must my
near neither never nine no nor not of off on one only onto or our ours out outside over pa pas
per re second seven shall she should since six so some such ten than that the their
theirs them then there these they third this those though three through throughout thus till to
too toward towards two under unless until up upon us very via wa was we were what when where
whether which while who whom whose why will with within without would yet you your yours zero
"""
NOT_CONTENT = frozenset(_NOT_CONTENT.split())
"""Function words: their entries in WordNet ("in" for inch) would mislead."""

_EXTRA = """
adjacent anagram append array ascending ascii bracket coefficient compute concatenate consonant
decode decrement deduplicate delimiter denominator descending deviation divisible divisor
duplicate encode exclusive exponent factorial fibonacci filter flatten hexadecimal hyphen
inclusive increment indent initialize integer iterable iterate lexicographic logarithm
lowercase median modulo monotonic mutate newline nonnegative numeral numerator palindrome
parenthesis parse permutation polynomial prefix quotient recursion recursive remainder retrieve
reverse rotate sort split subarray sublist subsequence subset substring suffix superset swap
symmetric transpose traverse truncate tuple underscore uppercase vowel whitespace
"""
EXTRA = frozenset(_EXTRA.split())

_REFUSED = """
ain arse ass auto bang bastard bed bitch bonk boob bum bump buttocks cheque chink cock crap
cripple damn demo dick do doomed dozens duet duo dyke execute fag fanny fuck get gipsy heaps
hell hooker hump hustle infusion jap jazz jew kickoff kill lay lodge look lots mat mates math
maths matt matte mint mo mortal negro nigger organism paddy pedestal pen physique piss prick
pussy queer rape rear render retard retiring screw shag shit showtime sleep slew slut somerset
spic stirred throttle tit tons toss wench whore
"""
REFUSED = frozenset(_REFUSED.split())
"""Vulgar words, slurs, and words that become so in a docstring; no synonym is one of them."""


CURATED = (Path(__file__).parent / "thesaurus.txt").read_text()
"""Our own synonyms for the words of documentation; they stand in place of WordNet's."""


_UNTOUCHED = """
make do become happy hungry say let deal know group beat account sturdy deposit form name speed lost
own good great part rolling found object being say stand fall right well still even
"""
UNTOUCHED = frozenset(_UNTOUCHED.split())
"""Words whose usual synonyms mislead in a docstring."""


@dataclass
class Word:
    """What the files say about a word as one part of speech."""

    senses: list[str] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)


class WordNet:
    """The parts of a WordNet folder that are needed."""

    def __init__(self, folder: Path) -> None:
        """Read all of it."""
        self.words: dict[tuple[str, Pos], Word] = {}
        self.members: dict[tuple[Pos, str], list[str]] = {}
        self.links: dict[tuple[str, Pos], list[tuple[str, Pos]]] = defaultdict(list)
        tagged: dict[tuple[str, Pos, int], int] = Counter()
        for line in (folder / "cntlist.rev").read_text().splitlines():
            key, sense, count = line.split()
            lemma, rest = key.split("%")
            tagged[lemma, NUMBERS[rest[0]], int(sense)] += int(count)  # type: ignore[index]
        pointers = []
        for name, pos in FILES.items():
            for line in (folder / f"index.{name}").read_text().splitlines():
                if not line.startswith(" "):
                    parts = line.split()
                    senses = parts[-int(parts[2]) :]
                    counts = [tagged[parts[0], pos, at + 1] for at in range(len(senses))]
                    self.words[parts[0], pos] = Word(senses, counts)
            for line in (folder / f"data.{name}").read_text().splitlines():
                if not line.startswith(" "):
                    pointers += self._synset(pos, line.split(" | ")[0].split())
        for (lemma, pos), (there, offset, number) in pointers:
            other = self.members[there, offset][number - 1]
            self.links[lemma, pos].append((other, there))

    def _synset(
        self, pos: Pos, parts: list[str]
    ) -> list[tuple[tuple[str, Pos], tuple[Pos, str, int]]]:
        """Keep one synset's words; return its links between words of one root."""
        size = int(parts[3], 16)
        names = [re.sub(r"\(\w+\)$", "", parts[4 + 2 * at]) for at in range(size)]
        self.members[pos, parts[0]] = names
        start = 4 + 2 * size
        found = []
        for at in range(int(parts[start])):
            kind, offset, there, ends = parts[start + 1 + 4 * at : start + 5 + 4 * at]
            if kind in ("+", "\\") and ends != "0000":
                lemma = names[int(ends[:2], 16) - 1].lower()
                target: Pos = NUMBERS[str("_nvar".index(there.replace("s", "a")))]  # type: ignore[assignment]
                found.append(((lemma, pos), (target, offset, int(ends[2:], 16))))
        return found


def main() -> None:
    """Write the data."""
    net = WordNet(Path(sys.argv[1]))
    more = Path(sys.argv[2]).read_text().split() if len(sys.argv) > 2 else []
    wanted = EXTRA | TERMS | set(more)
    lemmas: dict[str, str] = {}
    for lemma in sorted({lemma for lemma, _ in net.words}):
        common = zipf_frequency(lemma, "en") >= COMMON or lemma in wanted
        if re.fullmatch(r"[a-z]{2,}", lemma) and common and lemma not in NOT_CONTENT:
            packed = pack(net, lemma)
            if packed:
                lemmas[lemma] = packed
    for each in re.findall(r"^x (\w+): (.+)$", CURATED, re.MULTILINE):
        lemmas[each[0]] = ";".join(
            filter(
                None, (lemmas.get(each[0]), "|".join(("x", "1", "", each[1].replace(" ", ","), "")))
            )
        )
    forms: dict[str, list[str]] = defaultdict(list)
    for lemma, packed in lemmas.items():
        for part in packed.split(";"):
            for form in FORMS[part[0]][1:]:  # type: ignore[index]
                for word in spellings(lemma, part[0], form):  # type: ignore[arg-type]
                    if word != regular(lemma, form):
                        forms[word].append(f"{lemma} {part[0]} {form}")
    notice = "From WordNet 3.0, Copyright 2006 by Princeton University. See WORDNET-LICENSE.txt."
    data = {
        "notice": notice,
        "lemmas": dict(sorted(lemmas.items())),
        "irregular": {word: ",".join(forms[word]) for word in sorted(forms)},
    }
    text = json.dumps(data, separators=(",", ":"))
    TARGET.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{len(lemmas)} lemmas, {len(text)} characters, {TARGET.stat().st_size} bytes")


def pack(net: WordNet, lemma: str) -> str:
    """Return a lemma's line (`perturbation.text.lexicon`); empty if nothing is left."""
    found = []
    for pos in FORMS:
        word = net.words.get((lemma, pos))
        if word is None:
            continue
        parts = (
            ",".join(f"{form}={made}" for form, made in irregular(lemma, pos).items()),
            ",".join(synonyms(net, lemma, pos)),
            ",".join(f"{there}={other}" for there, other in relatives(net, lemma, pos).items()),
        )
        found.append((sum(word.counts) + 1, pos, parts))
    # A part of speech that next to nobody uses ("this list is an or") only misleads.
    total = sum(count for count, *_ in found)
    kept = [each for each in found if each[0] >= 0.02 * total or lemma in EXTRA]
    kept.sort(key=lambda each: (-each[0], "nvar".index(each[1])))
    return ";".join("|".join((pos, str(count), *parts)) for count, pos, parts in kept)


def irregular(lemma: str, pos: Pos) -> dict[str, str]:
    """Return the forms that the spelling rules do not make."""
    found: dict[str, str] = {}
    for form in FORMS[pos][1:]:
        made = spellings(lemma, pos, form)
        # What is written most: "focused" before "focussed"; a plural like "fish" only if alone.
        made = [each for each in made if each != lemma] or made
        usual = max(made, key=lambda each: zipf_frequency(each, "en"), default="")
        if usual and usual != regular(lemma, form):
            found[form] = usual
    return found


def spellings(lemma: str, pos: Pos, form: Form) -> list[str]:
    """Return the spellings of a form that are in use and single words, the usual one first."""
    tags = {"a": PENN[form][:1], "r": PENN[form][-1:]}.get(pos, PENN[form])
    made = [each for tag in tags for each in getInflection(lemma, tag)]
    made = [each for each in made if re.fullmatch("[a-z]+", each)]
    degree = form in ("c", "t")
    if degree and not any(
        zipf_frequency(each, "en") >= 2.3 for each in getInflection(lemma, "JJS")
    ):
        return []
    used = [each for each in made if zipf_frequency(each, "en") >= (2.3 if degree else 2)]
    return [each for each in used or made[:1] if each != lemma or not degree]


def synonyms(net: WordNet, lemma: str, pos: Pos) -> list[str]:
    """Return the single words that share a frequent sense, if it is a frequent one of theirs."""
    own = re.search(rf"^{pos} {lemma}: (.+)$", CURATED, re.MULTILINE)
    if own:
        return own[1].split()
    word = net.words[lemma, pos]
    total = sum(word.counts)
    found = []
    if total < 3 or lemma in UNTOUCHED:
        return []
    for at, offset in enumerate(word.senses[:SENSES]):
        if at and (not total or word.counts[at] < LEAST_SHARE * total):
            continue
        for other in net.members[pos, offset]:
            if is_known(other) and other != lemma and is_usual(net, other, pos, offset):
                found.append(other)
    return list(dict.fromkeys(found))[:4]


def is_usual(net: WordNet, word: str, pos: Pos, offset: str) -> bool:
    """Return whether a sense is one of the first that one thinks of."""
    entry = net.words.get((word, pos))
    if entry is None or word in REFUSED or word in NOT_CONTENT:
        return False
    here = entry.senses.index(offset)
    parts = sum(sum(net.words[word, each].counts) for each in FORMS if (word, each) in net.words)
    own = sum(entry.counts)
    return here < 2 and (here == 0 or entry.counts[here] >= 0.3 * own) and own >= 0.3 * parts


def relatives(net: WordNet, lemma: str, pos: Pos) -> dict[Pos, str]:
    """Return the closest word of each other part of speech: an -ly word, or the commonest."""
    found: dict[Pos, list[str]] = defaultdict(list)
    for other, there in net.links.get((lemma, pos), []):
        # Who does it is no slip for doing it: "teacher" and "teach", "letter" and "let".
        agent = re.search(r"(?:er|or|ee|[ai][ns]t)$", other if pos == "v" else lemma)
        if there != pos and is_known(other) and other != lemma and not (agent and pos in "nv"):
            found[there].append(other)
    if pos == "a":
        backward = (lemma + "ly", lemma[:-1] + "ily", lemma[:-1] + "y")
        found["r"] += [o for o in backward if (lemma, "a") in net.links.get((o, "r"), [])]
    best_of = {
        there: max(others, key=lambda o: (zipf_frequency(o, "en"), o))
        for there, others in found.items()
        if others
    }
    return {there: best_of[there] for there in FORMS if there in best_of}


def is_known(word: str) -> bool:
    """Return whether a word is single, in small letters and common enough to be used."""
    return bool(re.fullmatch("[a-z]{2,}", word)) and zipf_frequency(word, "en") >= KNOWN


if __name__ == "__main__":
    main()
