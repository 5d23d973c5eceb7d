"""Suites by name: to add one, write a function that returns its problems and one line here.

load_suite("humaneval", limit=20)
load_suites(["humaneval", "our_problems.jsonl"])
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from overproof.errors import DataError, UnknownNameError, UsageError
from overproof.fetch import fetch
from overproof.languages import NAMES, is_language
from overproof.plugins import check_callable, load_plugin, plugins
from overproof.records import Problem
from overproof.suites.multicode.load import translated
from overproof.suites.read import SUFFIXES, read_problems


def read_humaneval() -> list[Problem]:
    """Return HumanEval's 164 problems, fetched on first use.

    Raises: FetchError, IntegrityError.
    Source: Chen et al. 2021, "Evaluating large language models trained on code".
    """
    return read_problems(fetch("humaneval"), suite="humaneval")


def read_multicode() -> list[Problem]:
    """Return HumanEval in all thirteen languages. Raises: as `read_humaneval`."""
    return [problem for name in NAMES for problem in translated(read_humaneval(), name)]


def _in_language(name: str) -> Callable[[], list[Problem]]:
    def read() -> list[Problem]:
        return translated(read_humaneval(), name)

    read.__doc__ = f"Return HumanEval in {name}."
    return read


SUITES: dict[str, Callable[[], list[Problem]]] = {
    "humaneval": read_humaneval,
    "multicode": read_multicode,
    **{f"multicode:{name}": _in_language(name) for name in NAMES},
}


def load_suite(name: str, limit: int | None = None) -> list[Problem]:
    """Return the problems of a suite, or of a file, or an even spread of `limit` of them.

    `name` is a key of `SUITES`, what an installed package adds (`overproof.plugins`), or a path
    (anything with a slash or ending in one of `SUFFIXES`).

    Raises: UnknownNameError; UsageError for a limit below 1; what `read_problems` raises.
    """
    if name in SUITES:
        return spread(SUITES[name](), limit)
    family, _, language = name.partition(":")
    if family == "multicode" and is_language(language):
        return spread(_in_language(language)(), limit)
    if "/" in name or name.endswith(SUFFIXES):
        return spread(read_problems(Path(name).expanduser()), limit)
    added = load_plugin("suite", name)
    if isinstance(added, str | Path):
        return spread(read_problems(Path(added), suite=name), limit)
    if added is None:
        known = (*SUITES, *plugins("suite"))
        raise UnknownNameError("suite", name, known, hint="your own: a path to a .jsonl file")
    check_callable("suite", name, added)
    return spread(added(), limit)


def load_suites(names: Sequence[str], limit: int | None = None) -> list[Problem]:
    """Return the problems of several suites, in order; `limit` holds for each of them.

    Raises: DataError if a task_id is in two of them; what `load_suite` raises.
    """
    problems: dict[str, Problem] = {}
    for name in names:
        for problem in load_suite(name, limit):
            if problem.task_id in problems:
                raise DataError(
                    f"suite {name!r}: task_id {problem.task_id!r} is also in "
                    f"{problems[problem.task_id].suite!r}",
                    hint="name each suite once, and give your own problems their own task_ids",
                )
            problems[problem.task_id] = problem
    return list(problems.values())


def spread(problems: Sequence[Problem], limit: int | None) -> list[Problem]:
    """Return `limit` problems at equal distances, the first one included; all for None.

    Suites are sorted by kind and by difficulty: the first n would be the easy ones. The choice
    depends on nothing but the two numbers, so that every model gets the same problems.

    Raises: UsageError for a limit below 1.
    """
    if limit is None or limit >= len(problems):
        return list(problems)
    if limit < 1:
        raise UsageError(f"limit: got {limit}, but it must be at least 1")
    return [problems[index * len(problems) // limit] for index in range(limit)]
