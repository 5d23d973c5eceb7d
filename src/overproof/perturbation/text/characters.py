r"""Operators on the letters and spaces of a description: slips of the fingers.

    >>> from overproof.perturbation.draft import generator_for
    >>> from overproof.records import Problem
    >>> prompt = "def f(x):\n    '''Return the sum of all digits.'''\n"
    >>> problem = Problem(
    ...     task_id="t", prompt=prompt, entry_point="f", canonical_solution="", test=""
    ... )
    >>> print(keyboard_typos(problem, generator_for("t", "keyboard_typos", 0), 0.1).prompt)
    def f(x):
        '''Return the sum of qll digkts.'''
    <BLANKLINE>

Intensities are shares of letters, of words (`repeat_characters`, `spaces_within_words`) or of
spaces. Not covered: slips in names, numbers and examples, which would change the task.
"""

import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import lru_cache
from string import ascii_lowercase

from overproof.perturbation.docstring import prose_words
from overproof.perturbation.draft import Draft, Operator, pick, share, shuffled
from overproof.perturbation.source import Edit, apply_edits
from overproof.perturbation.text.prose import (
    cased,
    gaps,
    makes_contract,
    neighbouring_key,
    reworded,
    some,
)
from overproof.records import Problem

TRIES = 5
"""How often a slip is drawn again where every one made a word of the contract."""


def keyboard_typos(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Hit a neighbouring key for a share of the prose's letters."""

    def draw() -> list[Edit]:
        chosen = _some_letters(problem, rng, intensity)
        return [(i, i + 1, neighbouring_key(problem.prompt[i], rng)) for i in chosen]

    return _slipped(problem, draw)


def swap_characters(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Swap neighbouring letters within words, a share of the prose's letters."""
    text = problem.prompt
    pairs = [
        index
        for start, end in prose_words(problem)
        for index in range(start, end - 1)
        if text[index] != text[index + 1] and text[index].islower() == text[index + 1].islower()
    ]
    wanted = share(intensity, len(_letters(problem)))

    def draw() -> list[Edit]:
        chosen: set[int] = set()
        for index in shuffled(rng, pairs):
            if len(chosen) < wanted and not chosen & {index - 1, index + 1}:
                chosen.add(index)
        return [(i, i + 2, text[i + 1] + text[i]) for i in chosen]

    return _slipped(problem, draw)


def change_case(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Change capitals to small letters and back, for a share of the prose's letters."""
    chosen = _some_letters(problem, rng, intensity)
    return reworded(problem, [(i, i + 1, problem.prompt[i].swapcase()) for i in chosen])


def extra_capitals(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Write a share of the prose's small letters as capitals."""
    text = problem.prompt
    small = [(i, i + 1, text[i].upper()) for i in _letters(problem) if text[i].islower()]
    return reworded(problem, some(rng, intensity, small))


def delete_characters(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Leave out a share of the prose's letters, at least one of every word being kept."""

    def draw() -> list[Edit]:
        chosen = set(_some_letters(problem, rng, intensity))
        for start, end in prose_words(problem):
            if chosen.issuperset(range(start, end)):
                chosen.discard(start)
        return [(i, i + 1, "") for i in chosen]

    return _slipped(problem, draw)


def repeat_characters(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Write a letter twice in a share of the prose's words."""
    words = prose_words(problem)

    def draw() -> list[Edit]:
        chosen = shuffled(rng, words)[: share(intensity, len(words))]
        letters = [pick(rng, range(start, end)) for start, end in chosen]
        return [(i, i, problem.prompt[i].lower()) for i in letters]

    return _slipped(problem, draw)


def replace_characters(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Write any other letter for a share of the prose's letters.

    NLPerturbator's survey dropped it: people seldom hit a key that is far away. It is here to
    compare with `keyboard_typos`.
    """

    def draw() -> list[Edit]:
        edits = []
        for i in _some_letters(problem, rng, intensity):
            letter = problem.prompt[i]
            other = pick(rng, ascii_lowercase.replace(letter.lower(), ""))
            edits.append((i, i + 1, cased(letter, other)))
        return edits

    return _slipped(problem, draw)


def spaces_between_words(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Write one or two spaces too many in a share of the prose's spaces."""
    chosen = some(rng, intensity, [(at, at, "") for *_, at, _ in gaps(problem)])
    return reworded(problem, [(at, at, pick(rng, (" ", "  "))) for at, *_ in chosen])


def spaces_within_words(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Write a space inside a share of the prose's words."""
    cuts = _cuts(problem)
    chosen = shuffled(rng, list(cuts))[: share(intensity, len(prose_words(problem)))]
    places = [pick(rng, cuts[start]) for start in chosen]
    return reworded(problem, [(at, at, " ") for at in places])


def delete_spaces(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Leave out a share of the spaces between the prose's words."""
    return reworded(problem, some(rng, intensity, _closed(problem)))


def whitespace_noise(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Leave out a share of the prose's spaces; write some inside words, half as often by letter."""
    edits = some(rng, intensity, _closed(problem))
    # A part of a split word must not run into its neighbour: "the n" and "one".
    joined = {offset for start, end, _ in edits for offset in (start, end)}
    cuts = _cuts(problem)
    places = [(start, at) for start, within in cuts.items() for at in within]
    chosen = dict(shuffled(rng, places)[: share(intensity / 2, len(_letters(problem)))])
    ends = dict(prose_words(problem))
    split = [at for start, at in chosen.items() if not joined & {start, ends[start]}]
    return reworded(problem, edits + [(at, at, " ") for at in split])


def _letters(problem: Problem) -> list[int]:
    """Return the offsets of all letters that may be touched."""
    return [index for start, end in prose_words(problem) for index in range(start, end)]


def _some_letters(problem: Problem, rng: random.Random, intensity: float) -> list[int]:
    """Return the offsets of a share of the letters, in random order."""
    letters = _letters(problem)
    return shuffled(rng, letters)[: share(intensity, len(letters))]


def _closed(problem: Problem) -> list[Edit]:
    """Return the edits that close gaps, unless the two words make one of the contract."""
    text = problem.prompt
    return [
        (left_end, right, "")
        for left, left_end, right, right_end in gaps(problem)
        if not makes_contract("", text[left:left_end] + text[right:right_end])
    ]


@lru_cache(maxsize=2048)
def _cuts(problem: Problem) -> dict[int, list[int]]:
    """Return, by the start of its word, where a space would leave no word of the contract."""
    cuts: dict[int, list[int]] = {}
    for start, end in prose_words(problem):
        word = problem.prompt[start:end]
        places = [
            start + at
            for at in range(1, len(word))
            if not makes_contract(word, word[:at]) and not makes_contract(word, word[at:])
        ]
        if places:
            cuts[start] = places
    return cuts


def _slipped(problem: Problem, draw: Callable[[], Iterable[Edit]]) -> Draft | None:
    """Return a draft with the edits that make no word of the contract; tried again if none is."""
    words = prose_words(problem)
    starts = [start for start, _ in words]
    for _ in range(TRIES if words else 0):
        of_word: dict[int, list[Edit]] = defaultdict(list)
        for edit in sorted(draw()):
            of_word[bisect_right(starts, edit[0]) - 1].append(edit)
        kept: list[Edit] = []
        for at, edits in of_word.items():
            start, end = words[at]
            moved = [(a - start, b - start, new) for a, b, new in edits]
            word = problem.prompt[start:end]
            kept += edits if not makes_contract(word, apply_edits(word, moved)) else []
        if kept:
            return reworded(problem, kept)
    return None


OPERATORS = (
    Operator(
        "keyboard_typos", "text", keyboard_typos, "ReCode; NLPerturbator E1", True, 0.05,
        kind="character",
    ),
    Operator(
        "swap_characters", "text", swap_characters, "ReCode; NLPerturbator S1", True, 0.05,
        kind="character",
    ),
    Operator("change_case", "text", change_case, "ReCode", True, 0.35, kind="character"),
    Operator(
        "extra_capitals", "text", extra_capitals, "NLPerturbator E2", True, 0.03, kind="character"
    ),
    Operator(
        "delete_characters", "text", delete_characters, "NLPerturbator D1", True, 0.05,
        kind="character",
    ),
    Operator(
        "repeat_characters", "text", repeat_characters, "NLPerturbator A4", True, 0.15,
        kind="character",
    ),
    Operator(
        "replace_characters", "text", replace_characters,
        "NLPerturbator, dropped by its survey as unrealistic", True, 0.05, kind="character",
    ),
    Operator(
        "spaces_between_words", "text", spaces_between_words, "NLPerturbator A1", True, 0.15,
        kind="space",
    ),
    Operator(
        "spaces_within_words", "text", spaces_within_words, "NLPerturbator A2", True, 0.15,
        kind="space",
    ),
    Operator("delete_spaces", "text", delete_spaces, "NLPerturbator D4", True, 0.15, kind="space"),
    Operator("whitespace_noise", "text", whitespace_noise, "ReCode", True, 0.1, kind="space"),
)  # fmt: skip
