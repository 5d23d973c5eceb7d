"""What proves that pairs were compared with the suites that are scored later.

The certificate goes into the run folder beside the pairs. It names every pair that was removed
and why, and holds hashes of the pairs that were kept and of the problems, so that a later stage
can tell whether it is about *these* pairs and *these* problems.

    >>> pairs_content([]) == pairs_content([])
    True
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from overproof.errors import DataError
from overproof.pairs.fingerprints import tree_hashes
from overproof.records import Pair, Problem, content_key

CERTIFICATE_VERSION = 2
"""Raised when a rule changes, so that certificates of older rules can be told apart."""

Rule = Literal["docstring", "tree", "text", "code", "name", "near_text", "near_code"]
"""By what a pair was found to overlap; see contamination.py."""


@dataclass(frozen=True, kw_only=True)
class SuiteSummary:
    """One suite that pairs were compared with."""

    name: str
    problems: int
    content: str
    """Hash of what was compared: prompts, entry points and canonical solutions, and those of the
    problems that these were translated from."""
    without_tree: int
    """Problems that neither are nor were parseable Python: the rule `tree` cannot apply."""


@dataclass(frozen=True, kw_only=True)
class Removal:
    """One pair that overlapped, and with what."""

    pair: str
    """Key of the pair."""
    name: str
    origin: str
    rule: Rule
    suite: str
    task_id: str
    evidence: str
    """What the two share."""


@dataclass(frozen=True, kw_only=True)
class ContaminationCertificate:
    """What a set of pairs was compared with, how, and what had to go."""

    version: int
    suites: list[SuiteSummary]
    method: dict[str, Any]
    """The fields of OverlapRules, those of MinHash, and a hash of the list of common words."""
    pairs_in: int
    pairs_out: int
    content: str
    """Hash of the keys of the pairs that were kept, in any order."""
    removed: list[Removal]

    def as_json(self) -> dict[str, Any]:
        """Return the certificate as plain lists and dicts."""
        return asdict(self)


def check_certificate(
    certificate: ContaminationCertificate, pairs: Sequence[Pair], problems: Sequence[Problem]
) -> None:
    """Make sure that a certificate is about these pairs and these problems.

    Raises: DataError if the pairs are not those that were kept, or a suite was not compared.
    """
    if certificate.content != pairs_content(pairs):
        raise DataError(
            f"the contamination certificate is about {certificate.pairs_out} other pairs "
            f"than these {len(pairs)}",
            hint="decontaminate the pairs again",
        )
    certified = {(suite.name, suite.content) for suite in certificate.suites}
    for suite in summarise_suites(problems):
        if (suite.name, suite.content) not in certified:
            raise DataError(
                f"the pairs were never compared with this version of the suite {suite.name!r}",
                hint="decontaminate them again, with all suites that are scored",
            )


def summarise_suites(problems: Iterable[Problem]) -> list[SuiteSummary]:
    """Return what identifies the suites of some problems, in the order of their appearance."""
    suites: dict[str, list[Problem]] = {}
    for problem in problems:
        suites.setdefault(problem.suite, []).append(problem)
    return [
        SuiteSummary(
            name=name,
            problems=len(rows),
            content=content_key(sorted(map(_compared, rows))),
            without_tree=sum(not _has_tree(p) for p in rows),
        )
        for name, rows in suites.items()
    ]


def _compared(problem: Problem) -> tuple[str, ...]:
    """Return what of a problem pairs are compared with, its id first."""
    rows = (problem, problem.source) if problem.source else (problem,)
    return problem.task_id, *(
        part for row in rows for part in (row.prompt, row.entry_point, row.canonical_solution)
    )


def _has_tree(problem: Problem) -> bool:
    row = problem.source or problem
    if problem.source is None and problem.language != "python":
        return False
    return bool(tree_hashes(row.prompt + row.canonical_solution))


def pairs_content(pairs: Iterable[Pair]) -> str:
    """Return a hash of the keys of pairs that does not depend on their order."""
    return content_key(sorted(pair.key for pair in pairs))
