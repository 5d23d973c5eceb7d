r"""Operators on whole sentences, by rule: questions, padding, and what nobody would write.

They add words at the beginning or the end of a sentence of the description, on its line, and take
the capital from the word that they precede; the rest keeps its bytes. What they add holds no
quote, no backslash and no digit, so it can't end the docstring or pass for a literal.

    >>> from overproof.records import Problem
    >>> prompt = "def f(x):\n    '''Return the sum of x.'''\n"
    >>> problem = Problem(
    ...     task_id="t", prompt=prompt, entry_point="f", canonical_solution="", test=""
    ... )
    >>> print(as_question(problem, random.Random(0), 1.0).prompt.split("'''")[1])
    Can you return the sum of x?

Not covered: sentences that only a language model could turn; where a description gives no order at
all, `as_question` asks for the function before it.
"""

import random
import re
from functools import lru_cache

from overproof.perturbation.docstring import described
from overproof.perturbation.draft import Draft, Operator, pick, share, shuffled
from overproof.perturbation.source import Edit
from overproof.perturbation.text.grammar import SUBJECT
from overproof.perturbation.text.prose import (
    Sentence,
    Word,
    cased,
    lowered,
    reworded,
    sentences,
    touching,
)
from overproof.perturbation.text.tagging import Tagged, tag
from overproof.records import Problem

FIRST = (
    "Basically, ",
    "In short, ",
    "To put it simply, ",
    "Generally speaking, ",
    "As you can imagine, ",
    "Just to be clear, ",
    "If I am not mistaken, ",
    "For what it is worth, ",
    "As a matter of fact, ",
    "To begin with, ",
    "Well, ",
    "So, ",
)
"""Ways to begin a sentence that say nothing."""
LATER = (
    "Also, ",
    "In addition, ",
    "What is more, ",
    "Needless to say, ",
    "Of course, ",
    "As you may have guessed, ",
    "It goes without saying that ",
    "Please keep in mind that ",
    "It should be noted that ",
    "To be precise, ",
    "By the way, ",
    "Again, ",
)
"""The same for those that follow."""
COURTESY = ("please ", "kindly ", "go ahead and ", "be so kind as to ", "simply ", "just ")
"""What may stand before an order."""
GOES_ON = frozenset(
    {"otherwise", "and", "or", "but", "so", "then", "else", "also", "however", "moreover"}
    | {"therefore", "note", "example", "examples", "here"}
)
"""Words that a sentence begins with that can't be led into."""
FINITE = frozenset({"v", "vz", "be", "have", "modal"})
CLOSING = (
    " Thank you very much in advance.",
    " Many thanks for your help.",
    " I would really appreciate it.",
    " That is all there is to it.",
    " Take all the time that you need.",
    " Let me know how it goes.",
    " I hope that this is clear enough.",
    " Thanks a lot.",
)

ASKING = (
    "Can you",
    "Could you",
    "Would you",
    "Are you able to",
    "Will you",
    "Do you think you can",
)
ASKED = (
    "do that",
    "do this for me",
    "help me with it",
    "write it",
    "solve this",
    "manage that",
    "implement it",
)

HOSTS = ("example.com", "www.example.org", "docs.example.net", "wiki.example.com")
PATHS = ("guide", "notes", "tasks", "wiki", "help", "blog", "faq", "docs")
PAGES = ("index.html", "overview", "readme", "coding", "python", "start", "details.html")


def as_question(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Ask for a share of the orders: "Can you return the sum?"."""
    found = _questions(problem)
    chosen = shuffled(rng, found)[: share(intensity, len(found))]
    return reworded(problem, [edit for edits in chosen for edit in edits])


def filler_phrases(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Pad a share of the sentences with polite or empty phrases, and thank at the end."""
    where = _openings(problem)
    chosen = shuffled(rng, range(len(where)))[: share(intensity, len(where))]
    edits: list[Edit] = []
    for at in chosen:
        sentence, opening = where[at]
        first = sentence[0]
        phrase = pick(rng, FIRST if at == 0 else LATER)
        if opening.tag in ("v", "vz") and not phrase.endswith(", "):
            phrase = "Also, "  # "It should be noted that return …" is no sentence
        if opening.commands:
            phrase += pick(rng, COURTESY)
        lower = lowered(first)
        if first.text[:1].islower():
            phrase = phrase[0].lower() + phrase[1:]
        edits += [(first.start, first.start, phrase)] if not lower else _joined(phrase, lower)
    return reworded(problem, [*edits, *_said_at_the_end(problem, pick(rng, CLOSING))])


def question_suffix(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Ask after the description whether it can be done.

    NLPerturbator's survey dropped it: people seldom write this.
    """
    question = f" {pick(rng, ASKING)} {pick(rng, ASKED)}?"
    return reworded(problem, _said_at_the_end(problem, question))


def url_suffix(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Add a link after the description.

    NLPerturbator's survey dropped it: people seldom write this. The hosts are reserved for
    examples (RFC 2606), so no link leads anywhere.
    """
    link = f" https://{pick(rng, HOSTS)}/{pick(rng, PATHS)}/{pick(rng, PAGES)}"
    return reworded(problem, _said_at_the_end(problem, link))


@lru_cache(maxsize=2048)
def _questions(problem: Problem) -> tuple[tuple[Edit, ...], ...]:
    """Return the edits that make a question of each order; of the whole where there is none."""
    found = []
    for sentence in sentences(problem):
        edits = _question(problem, sentence)
        if edits:
            found.append(edits)
    if found or not sentences(problem):
        return tuple(found)
    first = sentences(problem)[0][0]
    return (((first.start, first.start, "Can you write this function? "),),)


def _question(problem: Problem, sentence: Sentence) -> tuple[Edit, ...]:
    """Return the edits that make a question of one sentence; none if it gives no order."""
    tagged = tag(sentence)
    last = sentence[-1]
    mark = re.search(r"[.:!?,;]*$", last.tail)
    assert mark is not None, "it matches nothing, too"
    if last.tail[-1:] in (":", ",", "?", ";"):
        return ()  # what follows belongs to it
    for at, each in enumerate(tagged):
        start = _order_start(tagged, at)
        if start is None or not each.word.free:
            continue
        between = zip(sentence[start:at], sentence[start + 1 : at + 1], strict=True)
        if not all(left.free and touching(problem, left, right) for left, right in between):
            continue
        first = sentence[start]
        verb = each.lemma if each.tag == "vz" else each.word.low
        asked = cased(first.text, f"can you {verb}")
        end = last.stop
        return ((first.start, each.word.end, asked), (end, end + len(last.tail[:1]), "?"))
    return ()


def _order_start(tagged: tuple[Tagged, ...], at: int) -> int | None:
    """Return where an order begins of which this is the verb; None if it is none."""
    each = tagged[at]
    before = " ".join(item.word.low for item in tagged[:at])
    lead = SUBJECT.search(before)
    start = at - len(lead[0].split()) if lead else at
    if each.tag == "vz":
        return 0 if at == 0 else None
    if not each.commands or (lead and re.match(r"(?:the|this|your)? ?(?:function|it)\b", lead[0])):
        return None
    return start if start == 0 or tagged[start - 1].word.tail else None


@lru_cache(maxsize=2048)
def _openings(problem: Problem) -> tuple[tuple[Sentence, Tagged], ...]:
    """Return the sentences that can be led into, with their first words."""
    found: list[tuple[Sentence, Tagged]] = []
    before = ""
    for sentence in sentences(problem):
        tagged = tag(sentence)
        first = sentence[0]
        whole = len(sentence) > 2 and any(each.tag in FINITE for each in tagged)
        new = not found or before in (".", "!", "?") or first.text[:1].isupper()
        # A capital that must stay would stand in the middle: "As you know, You're …"
        leads = first.low not in GOES_ON and (first.free or not first.text[:1].isupper())
        if whole and new and leads:
            found.append((sentence, tagged[0]))
        before = sentence[-1].tail[-1:]
    return tuple(found)


def _joined(phrase: str, lower: list[Edit]) -> list[Edit]:
    """Return one edit out of a phrase and the small letter that follows it."""
    ((start, end, letter),) = lower
    return [(start, end, phrase + letter)]


@lru_cache(maxsize=2048)
def _end(problem: Problem) -> tuple[int, str] | None:
    """Return where the description ends before its first example, and a full stop if it lacks."""
    found = described(problem)
    if found is None or not sentences(problem):
        return None
    shown = min((start for start, _ in found.examples), default=len(found.text)) + found.start
    before = [each for each in sentences(problem) if each[-1].stop <= shown] or [
        sentences(problem)[0]
    ]
    # A line that introduces a list, or goes on after a comma, is no end.
    closed = [each for each in before if _is_closed(each[-1])]
    closed = closed or [each for each in sentences(problem) if _is_closed(each[-1])][-1:]
    last = (closed or before)[-1][-1]
    return last.stop + len(last.tail), "" if last.tail[-1:] in (".", "!", "?") else "."


def _is_closed(word: Word) -> bool:
    return word.tail[-1:] not in (":", ",", ";") and word.text[-1:] not in (",", "-", ":", "=")


def _said_at_the_end(problem: Problem, text: str) -> list[Edit]:
    """Return the edit that adds a sentence after the description."""
    end = _end(problem)
    return [(end[0], end[0], end[1] + text)] if end else []


OPERATORS = (
    Operator(
        "as_question", "text", as_question, "NLPerturbator P2", False, 1.0, kind="sentence"
    ),
    Operator("filler_phrases", "text", filler_phrases, "own; EvoEval's verbose", True, 0.25,
             kind="sentence"),
    Operator(
        "question_suffix", "text", question_suffix,
        "NLPerturbator, dropped by its survey as unnatural", True, 1.0, kind="sentence",
    ),
    Operator(
        "url_suffix", "text", url_suffix, "NLPerturbator, dropped by its survey as unnatural",
        True, 1.0, kind="sentence",
    ),
)  # fmt: skip
