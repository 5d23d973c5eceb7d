"""Pairs that overlap with the problems of a suite are removed, and a certificate says which.

A pair is removed by the first of these rules that holds for it and any problem:

`docstring`  the words of its text, without worked examples, are those of a docstring in the
             problem's prompt;
`tree`       one of its functions has the tree of a function of the problem's prompt and
             canonical solution, up to the names that they bind;
`text`       its text and the problem's prompt share `n` words in a row;
`code`       its code and the problem's, docstrings apart, share `n` tokens in a row, or it holds
             at least `min_code_share` of all such runs in the canonical solution;
`name`       it is called like the entry point, up to case and underscores, and the words of
             the two descriptions have a Jaccard index of at least `min_similarity`.

Runs of words or tokens that any two programs may share are boilerplate and prove nothing: a
run counts only if it holds enough different *content* words, that is words of three letters or
more which are no keyword, no builtin or method of one, no English function word and no word of
docstring headings (`COMMON`).

Covered: copies, copies with other names or formatting, quotes inside longer texts, and, through
`name`, short descriptions told in other words.
Not covered: paraphrases under another name, translations from another language, and code that
was restructured as well as renamed.

    >>> decontaminate([], []).certificate.pairs_out
    0
"""

import keyword
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from overproof.errors import UsageError
from overproof.pairs.certificates import (
    CERTIFICATE_VERSION,
    ContaminationCertificate,
    Removal,
    Rule,
    pairs_content,
    summarise_suites,
)
from overproof.pairs.fingerprints import code_tokens, ngrams, tree_hashes, words
from overproof.pairs.source import BUILTINS, docstrings, prose
from overproof.records import Pair, Problem, content_key

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


@dataclass(frozen=True, kw_only=True)
class Decontaminated:
    """The pairs that are clean, in their order, and the certificate."""

    pairs: list[Pair]
    certificate: ContaminationCertificate


DEFAULT_OVERLAP = OverlapRules()


def decontaminate(
    pairs: Sequence[Pair], problems: Sequence[Problem], rules: OverlapRules = DEFAULT_OVERLAP
) -> Decontaminated:
    """Return the pairs that share nothing with the problems.

    Raises: UsageError if a rule is out of its range.
    Source: own; 10-grams as Hui et al. 2024 (Qwen2.5-Coder), trees after Riddell et al. 2024.
    """
    _check(rules)
    index = _Index(problems, rules)
    kept: list[Pair] = []
    removed: list[Removal] = []
    for pair in pairs:
        removal = index.find(pair)
        if removal is None:
            kept.append(pair)
        else:
            removed.append(removal)
    certificate = ContaminationCertificate(
        version=CERTIFICATE_VERSION,
        suites=summarise_suites(problems),
        method={**asdict(rules), "common_words": content_key(sorted(COMMON))},
        pairs_in=len(pairs),
        pairs_out=len(kept),
        content=pairs_content(kept),
        removed=removed,
    )
    return Decontaminated(pairs=kept, certificate=certificate)


class _Index:
    """The problems, looked up by what a pair may share with them; the first problem wins."""

    def __init__(self, problems: Iterable[Problem], rules: OverlapRules) -> None:
        self.rules = rules
        self.docstrings: dict[Gram, Problem] = {}
        self.trees: dict[str, Problem] = {}
        self.text: dict[Gram, Problem] = {}
        self.code: dict[Gram, Problem] = {}
        self.solutions: dict[Gram, list[int]] = {}
        self.solution_runs: list[tuple[Problem, int]] = []
        self.names: dict[str, list[tuple[frozenset[str], Problem]]] = {}
        for problem in problems:
            self._add(problem)

    def _add(self, problem: Problem) -> None:
        program = problem.prompt + problem.canonical_solution
        described = frozenset[str]()
        if problem.language == "python":
            for digest in tree_hashes(program):
                self.trees.setdefault(digest, problem)
            for name, docstring in docstrings(program):
                said = words(prose(docstring))
                if len(said) >= self.rules.min_docstring_words:
                    self.docstrings.setdefault(tuple(said), problem)
                if name == problem.entry_point:
                    described = frozenset(said)
        if described:
            place = self.names.setdefault(_plain(problem.entry_point), [])
            place.append((described, problem))
        for gram in ngrams(words(problem.prompt), self.rules.n):
            self.text.setdefault(gram, problem)
        # Prose is compared as words, where punctuation does not count.
        for gram in ngrams(code_tokens(_QUOTED.sub("", program)), self.rules.n):
            self.code.setdefault(gram, problem)
        runs = set(ngrams(code_tokens(problem.canonical_solution), self.rules.n))
        for gram in runs:
            self.solutions.setdefault(gram, []).append(len(self.solution_runs))
        self.solution_runs.append((problem, len(runs)))

    def find(self, pair: Pair) -> Removal | None:
        """Return the first overlap of a pair with any problem."""
        for rule, (problem, evidence) in self._overlaps(pair):
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

    def _overlaps(self, pair: Pair) -> Iterable[tuple[Rule, tuple[Problem, str]]]:
        said = words(prose(pair.text))
        if tuple(said) in self.docstrings:
            yield "docstring", (self.docstrings[tuple(said)], " ".join(said))
        program = pair.prompt + pair.body
        hashes = tree_hashes(pair.code) | tree_hashes(program) if pair.language == "python" else {}
        for digest, name in hashes.items():
            if digest in self.trees:
                yield "tree", (self.trees[digest], f"{name}: {digest}")
        # The code may quote the description (in a helper's docstring), and the text the code.
        for source in (pair.text, program):
            for gram in ngrams(words(source), self.rules.n):
                if gram in self.text and content_words(gram) >= self.rules.min_text_content:
                    yield "text", (self.text[gram], " ".join(gram))
        runs = [
            gram
            for source in (pair.code, pair.body, pair.text)
            for gram in ngrams(code_tokens(source), self.rules.n)
        ]
        for gram in runs:
            if gram in self.code and content_words(gram) >= self.rules.min_code_content:
                yield "code", (self.code[gram], " ".join(gram))
        for number, count in self._shared(runs).items():
            problem, total = self.solution_runs[number]
            if count >= max(self.rules.min_shared_runs, self.rules.min_code_share * total):
                yield "code", (problem, f"{count} of {total} runs of the canonical solution")
        for described, problem in self.names.get(_plain(pair.name), []):
            shared = described & set(said)
            similarity = len(shared) / len(described | set(said))
            if similarity >= self.rules.min_similarity:
                yield "name", (problem, f"{similarity:.2f}: {' '.join(sorted(shared))}")

    def _shared(self, runs: Iterable[Gram]) -> Counter[int]:
        """Count the runs that a pair shares with each canonical solution."""
        return Counter(n for gram in dict.fromkeys(runs) for n in self.solutions.get(gram, ()))


def content_words(gram: Iterable[str]) -> int:
    """Return how many different words of a run say something about it.

    >>> content_words("for i in range ( len ( numbers ) ) :".split())
    1
    """
    return len({word for word in gram if len(word) > 2 and word.isalpha() and word not in COMMON})


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _check(rules: OverlapRules) -> None:
    wrong = [
        f"{name} = {value}, but it must be {allowed}"
        for name, value, allowed, fine in (
            ("n", rules.n, "at least 2", rules.n >= 2),
            ("min_code_share", rules.min_code_share, "in (0, 1]", 0 < rules.min_code_share <= 1),
            ("min_similarity", rules.min_similarity, "in (0, 1]", 0 < rules.min_similarity <= 1),
        )
        if not fine
    ]
    if wrong:
        raise UsageError(f"decontamination: {'; '.join(wrong)}", hint="leave it at its default")
