"""What HumanEval's own test asks of a function, recorded: every call and the reference's result.

    calls = record_calls(problem)      # loops, random draws and helpers included

The problem's own code is run here, in this process, as the publisher wrote it; random draws are
seeded. `close` says that a result a billionth away passes as well: the test allows a tolerance.
"""

import copy
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from overproof.errors import DataError
from overproof.records import Problem

NUDGE = 1e-9
"""Less than any tolerance, more than rounding."""


@dataclass(frozen=True)
class Call:
    """One call of a test."""

    args: tuple[Any, ...]
    result: Any
    """What the canonical solution returned."""
    close: bool = False
    """Whether the test accepts results that differ by rounding."""


def record_calls(problem: Problem) -> list[Call]:
    """Return the calls that the test makes, in order.

    Raises: DataError if the canonical solution does not pass, or is called by keyword.
    """
    space = definitions(problem)
    function = space[problem.entry_point]
    calls: list[Call] = []

    def listen(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            raise DataError(f"{problem.task_id}: the test calls by keyword", hint="not supported")
        kept = copy.deepcopy(args)
        result = function(*args)
        calls.append(Call(kept, copy.deepcopy(result)))
        return result

    if not _passes(space, listen):
        raise DataError(
            f"{problem.task_id}: the canonical solution does not pass its own test",
            hint="translate a suite whose solutions are right",
        )
    for number, call in enumerate(calls):
        if type(call.result) is float and math.isfinite(call.result):
            close = passes_with(space, calls, number, call.result + NUDGE)
            calls[number] = Call(call.args, call.result, close)
    return calls


def definitions(problem: Problem) -> dict[str, Any]:
    """Return the names that a problem's prompt, solution and test define; `check` is one."""
    space: dict[str, Any] = {"__name__": "multicode"}
    for code, name in (
        (problem.prompt + problem.canonical_solution, "<prompt>"),
        (problem.test, "<test>"),
    ):
        exec(compile(code, name, "exec"), space)
    return space


def _passes(space: dict[str, Any], candidate: Callable[..., Any]) -> bool:
    state = random.getstate()
    random.seed(0)
    try:
        space["check"](candidate)
    except Exception:
        return False
    finally:
        random.setstate(state)
    return True


def passes_with(space: dict[str, Any], calls: Sequence[Call], number: int, answer: Any) -> bool:
    """Return whether the test passes when one call gets this answer, all others the recorded."""
    place = -1

    def candidate(*_: Any) -> Any:
        nonlocal place
        place += 1
        return answer if place == number else copy.deepcopy(calls[place].result)

    return _passes(space, candidate)
