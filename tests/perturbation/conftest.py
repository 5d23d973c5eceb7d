"""Hand-written problems, each with something that a careless perturbation breaks."""

import pytest

from overproof.perturbation import OPERATORS, PerturbResult, perturb
from overproof.records import Problem


def make(name: str, prompt: str, body: str, *asserts: str) -> Problem:
    lines = "".join(f"    assert {line}\n" for line in asserts)
    return Problem(
        task_id=f"toy/{name}",
        prompt=prompt,
        entry_point=name,
        canonical_solution=body,
        test=f"def check(candidate):\n{lines}",
        suite="toy",
    )


LETTER = make(
    "f",
    "def f(n):\n"
    '    """ Implement the function f that takes n as a parameter, and for every index of it\n'
    "    returns the sum of all smaller numbers. Define it yourself.\n"
    "    Example:\n"
    "    f(3) == [0, 0, 1]\n"
    '    """\n',
    "    found = []\n    for i in range(n):\n        found.append(sum(range(i)))\n"
    "    return found\n",
    "candidate(3) == [0, 0, 1]",
    "candidate(0) == []",
)
HELPER = make(
    "decode_text",
    "import string\n\n\n"
    "def encode_text(text: str) -> str:\n"
    "    '''Shift every letter by one place; decode_text undoes it.'''\n"
    "    return ''.join(chr(ord(letter) + 1) for letter in text)\n\n\n"
    "def decode_text(text: str) -> str:\n"
    "    '''\n"
    "    Takes as input a string that was encoded with the function above.\n"
    "    Returns the decoded string, which isn't longer than the encoded one.\n\n"
    "    >>> decode_text('bc')\n"
    "    'ab'\n"
    "    '''\n",
    "    letters = []\n    for letter in text:\n        letters.append(chr(ord(letter) - 1))\n"
    "    return ''.join(letters)\n",
    "candidate('bc') == 'ab'",
)
ESCAPES = make(
    "split_lines",
    "def split_lines(text):\n"
    '    """Split the given text at every newline, written \\n or \\x0a, and drop empty pieces.\n'
    '    Quotes such as \\"\\"\\" stay as they are, and so does a backslash \\\\ of course.\n'
    '    >>> split_lines("a\\nb")\n'
    "    ['a', 'b']\n"
    '    """\n',
    "    pieces = []\n    rest = text\n    for piece in rest.split('\\n'):\n        if piece:\n"
    "            pieces.append(piece)\n    return pieces\n",
    "candidate('a\\n\\nb') == ['a', 'b']",
)
ONE_LINE = make(
    "keepEven",
    'def keepEven(values):\n    "Keep the even numbers of the given values, at most 10 of them."\n',
    "    kept = [value for value in values if value % 2 == 0]\n    return kept[:10]\n",
    "candidate([1, 2, 3, 4]) == [2, 4]",
)
RECURSIVE = make(
    "fib4",
    "def fib4(n: int):\n"
    '    """The Fib4 numbers are a sequence similar to the Fibonacci numbers:\n'
    "    fib4(0) -> 0\n"
    "    fib4(1) -> 1\n"
    "    Please compute the value of that sequence, and don't use any module.\n"
    '    """\n',
    "    if n < 2:\n        return n\n    last = fib4(n - 1)\n    return last + fib4(n - 2)\n",
    "candidate(7) == 13",
)
LATE_STRING = make(
    "max_fill",
    "def max_fill(grid):\n    import math\n"
    '    """\n'
    "    You are given a grid of wells; count the full ones in it ➞ an integer.\n"
    "    Every row stands for a single well and holds zeros and ones.\n"
    '    """\n',
    "    full = 0\n    for row in grid:\n        full += math.prod(row)\n    return full\n",
    "candidate([[1, 1], [0, 1]]) == 1",
)
RAW = make(
    "count_digits",
    "def count_digits(text):\n"
    '    r"""Count all characters that match \\d in the text.\n\n'
    '    For instance, "a1" has one of them, and an empty text has none.\n'
    '    """\n',
    "    total = 0\n    for letter in text:\n        total += letter.isdigit()\n    return total\n",
    "candidate('a1b22') == 3",
)

PROBLEMS = (LETTER, HELPER, ESCAPES, ONE_LINE, RECURSIVE, LATE_STRING, RAW)


@pytest.fixture(scope="session")
def toys() -> dict[str, Problem]:
    return {problem.entry_point: problem for problem in PROBLEMS}


@pytest.fixture(scope="session")
def certified() -> PerturbResult:
    """Every operator on every toy, four seeds, the gold programs really run."""
    return perturb(PROBLEMS, list(OPERATORS), [0, 1, 2, 3])
