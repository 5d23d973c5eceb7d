"""Evidence that the tests of a translated suite test: wrong answers fail, call by call.

For every call that a language is asked, the reference's answer is replaced by wrong ones of the
same type, each goes the way that an answer of that language goes (`conform`), and HumanEval's own
test must refuse it. What it lets pass is listed: a tolerance, or a call whose result nobody
compares. That right programs pass is shown with solutions that a user brings (`overproof score`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from overproof.languages import load_language
from overproof.languages.conform import conform
from overproof.records import Problem
from overproof.suites.multicode.calls import definitions, passes_with
from overproof.suites.multicode.translate import translate


@dataclass(frozen=True)
class Proof:
    """What was tried on one call."""

    task_id: str
    number: int
    """Of the call, from 0."""
    tried: int
    passed: tuple[str, ...]
    """Wrong answers that the test takes for right; empty is what one wants."""


def prove(problems: Sequence[Problem], name: str) -> Iterator[Proof]:
    """Yield a proof for every call that is asked in a language. Raises: as `translate`."""
    language = load_language(name)
    for problem in problems:
        task = translate(problem, language)
        space = definitions(problem)
        for number, call in enumerate(task.calls):
            if number in task.excluded:
                continue
            wrong = [
                conform(mutant, call.result, language.conflates) for mutant in mutants(call.result)
            ]
            let_in = [answer for answer in wrong if passes_with(space, task.calls, number, answer)]
            yield Proof(problem.task_id, number, len(wrong), tuple(f"{a!r:.80}" for a in let_in))


def mutants(value: Any) -> list[Any]:
    """Return wrong answers that look right: of the same type, one step away.

    >>> mutants(3), mutants("ab"), mutants([1, 2])
    ([4, -4], ['ab ', 'a'], [[1], [1, 2, 2], [2, 2], [1, 3]])
    """
    if value is None:
        return [0, "x"]
    if type(value) is bool:
        return [not value]
    if type(value) is int:
        return [value + 1, -value - 1]
    if type(value) is float:
        return [value + 0.5, -value - 1.0]
    if type(value) is str:
        return [value + " ", value[:-1]] if value else ["x"]
    if type(value) is dict:
        return _mutated_dicts(value)
    if type(value) in (list, tuple):
        return _mutated_sequences(value)
    return [set(list(value)[1:])] if value else [{0}]


def _mutated_sequences(value: Any) -> list[Any]:
    kind, items = type(value), list(value)
    if not items:
        return [kind([0])]
    found = [kind(items[:-1]), kind([*items, items[-1]])]
    for place in sorted({0, len(items) - 1}):
        for item in mutants(items[place])[:1]:
            found.append(kind([*items[:place], item, *items[place + 1 :]]))
    return found


def _mutated_dicts(value: dict[Any, Any]) -> list[Any]:
    if not value:
        return [{"x": 1}]
    key = next(iter(value))
    rest = {k: v for k, v in value.items() if k != key}
    return [rest, *({**value, key: item} for item in mutants(value[key])[:1])]
