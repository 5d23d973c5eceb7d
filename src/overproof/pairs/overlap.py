"""The problems of the suites, looked up by what a pair may share with them; see contamination.py.

    OverlapIndex([], OverlapRules()).find(pair)    # None: nothing to overlap with

A problem that was translated from Python is looked up by its Python original as well. Whatever
the rule, the first problem wins, and the evidence says what the two share.

Covered: everything that `RULES` names, for pairs and problems of any language; trees for Python.
Not covered: what contamination.py lists.
"""

import keyword
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from overproof.pairs.certificates import Removal, Rule
from overproof.pairs.fingerprints import code_tokens, nameless_body, ngrams, tree_hashes, words
from overproof.pairs.near import NearIndex, sketch
from overproof.pairs.source import BUILTINS, docstrings, prose
from overproof.records import Pair, Problem

# fmt: off
_ENGLISH = frozenset({
    "the", "this", "that", "these", "those", "and", "for", "from", "with", "without", "into",
    "onto", "not", "but", "its", "are", "was", "were", "has", "have", "had", "can", "could",
    "may", "must", "should", "will", "would", "when", "where", "which", "who", "whose", "than",
    "then", "there", "their", "they", "you", "your", "one", "two", "each", "every", "all",
    "any", "both", "other", "another", "such", "same", "only", "also", "more", "most", "less",
    "least", "given", "using", "used", "use", "param", "params", "parameter", "parameters",
    "arg", "args", "argument", "arguments", "return", "returns", "returned", "rtype", "yields",
    "raises", "raise", "type", "types", "optional", "default", "defaults", "example",
    "examples", "note", "notes", "self", "cls", "kwargs", "value", "values", "typing",
    "array_like", "ndarray", "shape", "dtype",
})
# fmt: on
_PYTHON = {
    *(name.lower() for name in (*keyword.kwlist, *BUILTINS)),
    *(name for kind in (str, list, dict, set, tuple) for name in dir(kind)),
}
COMMON = _ENGLISH | _PYTHON
"""Words that say little about what a function is for."""

Gram = tuple[str, ...]
Overlap = tuple[Rule, Problem, str]
"""By what rule, with which problem, and the evidence."""

_QUOTED = re.compile(r'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'')


@dataclass(frozen=True, kw_only=True)
class OverlapRules:
    """How much two texts or programs must share to be called the same."""

    n: int = 10
    """Words or tokens in a row."""
    min_text_content: int = 2
    """Fewest different content words in a run of words."""
    min_code_content: int = 2
    """Fewest different content words in a run of tokens."""
    min_code_share: float = 0.5
    """Share of a canonical solution's runs that is too much, whatever words they hold."""
    min_shared_runs: int = 4
    """Fewest runs that such a share must amount to."""
    min_docstring_words: int = 3
    """Shorter docstrings are not compared as a whole."""
    min_similarity: float = 0.3
    """Smallest Jaccard index of descriptions under the same name."""
    min_jaccard: float = 0.7
    """Smallest Jaccard index of descriptions, and of programs, under any name."""
    near_code_run: int = 3
    """Tokens in a row that programs are compared by; descriptions are compared by words."""
    min_near_runs: int = 5
    """Programs with fewer such runs are not compared."""


class OverlapIndex:
    """The problems, looked up by what a pair may share with them; the first problem wins."""

    def __init__(self, problems: Iterable[Problem], rules: OverlapRules) -> None:
        """Index the problems, and the Python originals of those that were translated."""
        self.rules = rules
        self.docstrings: dict[Gram, Problem] = {}
        self.trees: dict[str, Problem] = {}
        self.text: dict[Gram, Problem] = {}
        self.code: dict[Gram, Problem] = {}
        self.solutions: dict[Gram, list[int]] = {}
        self.solution_runs: list[tuple[Problem, int]] = []
        self.names: dict[str, list[tuple[frozenset[str], Problem]]] = {}
        self.near_text = _Near(rules.min_jaccard)
        self.near_code = _Near(rules.min_jaccard)
        originals: set[str] = set()
        for problem in problems:
            self._add(problem)
            original = python_original(problem)
            if problem.source and original and problem.source.task_id not in originals:
                originals.add(problem.source.task_id)
                self._add(original)

    def _add(self, problem: Problem) -> None:
        program = problem.prompt + problem.canonical_solution
        described = self._add_python(problem) if problem.language == "python" else []
        for gram in ngrams(words(problem.prompt), self.rules.n):
            self.text.setdefault(gram, problem)
        # Prose is compared as words, where punctuation does not count.
        for gram in ngrams(code_tokens(_QUOTED.sub("", program)), self.rules.n):
            self.code.setdefault(gram, problem)
        runs = set(ngrams(code_tokens(problem.canonical_solution), self.rules.n))
        for gram in runs:
            self.solutions.setdefault(gram, []).append(len(self.solution_runs))
        self.solution_runs.append((problem, len(runs)))
        for said in described or [words(problem.prompt)]:
            if len(said) >= self.rules.min_docstring_words:
                self.near_text.add(problem, said, 1)
        body = nameless_body(program, problem.entry_point, problem.canonical_solution)
        if len(body) >= self.rules.near_code_run + self.rules.min_near_runs - 1:
            self.near_code.add(problem, body, self.rules.near_code_run)

    def _add_python(self, problem: Problem) -> list[list[str]]:
        """Add what is known of Python only; return the words of the descriptions."""
        program = problem.prompt + problem.canonical_solution
        for digest in tree_hashes(program):
            self.trees.setdefault(digest, problem)
        described: list[list[str]] = []
        for name, docstring in docstrings(program):
            said = words(prose(docstring))
            described.append(said)
            if len(said) >= self.rules.min_docstring_words:
                self.docstrings.setdefault(tuple(said), problem)
            if name == problem.entry_point and said:
                place = self.names.setdefault(_plain(problem.entry_point), [])
                place.append((frozenset(said), problem))
        return described

    def find(self, pair: Pair) -> Removal | None:
        """Return the first overlap of a pair with any problem."""
        for rule, problem, evidence in self._overlaps(pair):
            return Removal(
                pair=pair.key,
                name=pair.name,
                origin=pair.origin,
                rule=rule,
                suite=problem.suite,
                task_id=problem.task_id,
                evidence=evidence,
            )
        return None

    def _overlaps(self, pair: Pair) -> Iterator[Overlap]:
        said = words(prose(pair.text))
        if tuple(said) in self.docstrings:
            yield "docstring", self.docstrings[tuple(said)], " ".join(said)
        program = pair.prompt + pair.body
        hashes = tree_hashes(pair.code) | tree_hashes(program) if pair.language == "python" else {}
        for digest, name in hashes.items():
            if digest in self.trees:
                yield "tree", self.trees[digest], f"{name}: {digest}"
        yield from self._shared_runs(pair, program)
        for described, problem in self.names.get(_plain(pair.name), []):
            shared = described & set(said)
            similarity = len(shared) / len(described | set(said))
            if similarity >= self.rules.min_similarity:
                yield "name", problem, f"{similarity:.2f}: {' '.join(sorted(shared))}"
        if found := self.near_text.find(said, 1):
            yield "near_text", found[0], f"Jaccard {found[1]:.2f} of the words"
        run = self.rules.near_code_run
        if found := self.near_code.find(nameless_body(program, pair.name, pair.body), run):
            yield "near_code", found[0], f"Jaccard {found[1]:.2f} of runs of {run} nameless tokens"

    def _shared_runs(self, pair: Pair, program: str) -> Iterator[Overlap]:
        # The code may quote the description (in a helper's docstring), and the text the code.
        for source in (pair.text, program):
            for gram in ngrams(words(source), self.rules.n):
                if gram in self.text and content_words(gram) >= self.rules.min_text_content:
                    yield "text", self.text[gram], " ".join(gram)
        runs = [
            gram
            for source in (pair.code, pair.body, pair.text)
            for gram in ngrams(code_tokens(source), self.rules.n)
        ]
        for gram in runs:
            if gram in self.code and content_words(gram) >= self.rules.min_code_content:
                yield "code", self.code[gram], " ".join(gram)
        shared = Counter(n for gram in dict.fromkeys(runs) for n in self.solutions.get(gram, ()))
        for number, count in shared.items():
            problem, total = self.solution_runs[number]
            if count >= max(self.rules.min_shared_runs, self.rules.min_code_share * total):
                yield "code", problem, f"{count} of {total} runs of the canonical solution"


class _Near:
    """Problems by token sequences that are nearly the same."""

    def __init__(self, threshold: float) -> None:
        self._index = NearIndex(threshold)
        self._problems: list[Problem] = []

    def add(self, problem: Problem, tokens: list[str], n: int) -> None:
        self._index.add(sketch(tokens, n))
        self._problems.append(problem)

    def find(self, tokens: list[str], n: int) -> tuple[Problem, float] | None:
        found = self._index.find(sketch(tokens, n)) if self._problems else None
        return (self._problems[found[0]], found[1]) if found else None


def python_original(problem: Problem) -> Problem | None:
    """Return the Python problem that a problem was translated from, under the latter's own id."""
    if problem.source is None:
        return None
    return replace(
        problem,
        prompt=problem.source.prompt,
        entry_point=problem.source.entry_point,
        canonical_solution=problem.source.canonical_solution,
        language="python",
        source=None,
    )


def content_words(gram: Iterable[str]) -> int:
    """Return how many different words of a run say something about it.

    >>> content_words("for i in range ( len ( numbers ) ) :".split())
    1
    """
    return len({word for word in gram if len(word) > 2 and word.isalpha() and word not in COMMON})


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
