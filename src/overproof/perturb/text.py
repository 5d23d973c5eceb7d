r"""Operators on the docstring's prose: slips of the keyboard and of attention.

They touch the words that `docstring.prose_words` lets go and nothing else, so quotes, escapes,
worked examples, literals and names keep their bytes.

    >>> from overproof.perturb.draft import generator_for
    >>> from overproof.records import Problem
    >>> prompt = "def f(x):\n    '''Return the sum of all digits.'''\n"
    >>> problem = Problem(
    ...     task_id="t", prompt=prompt, entry_point="f", canonical_solution="", test=""
    ... )
    >>> print(keyboard_typos(problem, generator_for("t", "keyboard_typos", 0), 0.1).prompt)
    def f(x):
        '''Return the sum of qll digkts.'''
    <BLANKLINE>
"""

import random

from overproof.perturb.docstring import prose_words
from overproof.perturb.draft import Draft, Operator, pick, share, shuffled
from overproof.perturb.source import Edit, apply_edits
from overproof.records import Problem

NEIGHBOURS = {
    "q": "wa", "w": "qes", "e": "wrd", "r": "etf", "t": "ryg", "y": "tuh", "u": "yij",
    "i": "uok", "o": "ipl", "p": "ol", "a": "qsz", "s": "awdx", "d": "sefc", "f": "drgv",
    "g": "fthb", "h": "gyjn", "j": "hukm", "k": "jil", "l": "kop", "z": "asx", "x": "zsdc",
    "c": "xdfv", "v": "cfgb", "b": "vghn", "n": "bhjm", "m": "njk",
}  # fmt: skip
"""The keys around each letter on a QWERTY keyboard."""


def keyboard_typos(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Hit a neighbouring key for a share of the prose's letters."""
    letters = _letters(problem)
    edits = []
    for index in shuffled(rng, letters)[: share(intensity, len(letters))]:
        edits.append((index, index + 1, neighbouring_key(problem.prompt[index], rng)))
    return _reworded(problem, edits)


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
    chosen: list[int] = []
    for index in shuffled(rng, pairs):
        if len(chosen) < wanted and all(abs(index - other) > 1 for other in chosen):
            chosen.append(index)
    return _reworded(problem, [(i, i + 2, text[i + 1] + text[i]) for i in chosen])


def change_case(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Change capitals to small letters and back, for a share of the prose's letters."""
    letters = _letters(problem)
    chosen = shuffled(rng, letters)[: share(intensity, len(letters))]
    return _reworded(problem, [(i, i + 1, problem.prompt[i].swapcase()) for i in chosen])


def repeat_words(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Write a share of the prose's words twice."""
    words = prose_words(problem)
    chosen = shuffled(rng, words)[: share(intensity, len(words))]
    return _reworded(problem, [(e, e, " " + problem.prompt[s:e]) for s, e in chosen])


def neighbouring_key(letter: str, rng: random.Random) -> str:
    """Return a letter that is next to this one on the keyboard, in the same case."""
    key = pick(rng, NEIGHBOURS[letter.lower()])
    return key.upper() if letter.isupper() else key


def _letters(problem: Problem) -> list[int]:
    """Return the offsets of all letters that may be touched."""
    return [index for start, end in prose_words(problem) for index in range(start, end)]


def _reworded(problem: Problem, edits: list[Edit]) -> Draft | None:
    """Return the prompt with the edits made; None if there are none."""
    if not edits:
        return None
    return Draft(apply_edits(problem.prompt, edits), problem.entry_point)


OPERATORS = (
    Operator("keyboard_typos", "text", keyboard_typos, "ReCode", True, 0.05, kind="character"),
    Operator("swap_characters", "text", swap_characters, "ReCode", True, 0.05, kind="character"),
    Operator("change_case", "text", change_case, "ReCode", True, 0.35, kind="character"),
    Operator("repeat_words", "text", repeat_words, "NLPerturbator", True, 0.15, kind="word"),
)
