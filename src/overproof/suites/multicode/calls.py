"""What HumanEval's own test asks of a function, recorded: every call and the reference's result.

    calls = record_calls(problem)      # loops, random draws and helpers included

The recording is the sandbox's own, so that both number the calls alike. The problem's code runs in
this process, as the publisher wrote it; random draws are seeded. `close` says that a result a
billionth away passes as well: the test allows a tolerance.
"""

import copy
import marshal
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from overproof.errors import DataError
from overproof.records import Problem
from overproof.sandbox.recording import Recording, unmarshal_result

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
    state = random.getstate()
    recording = Recording.of(
        problem.prompt,
        problem.canonical_solution,
        problem.test,
        problem.entry_point,
        with_results=True,
    )
    random.setstate(state)
    if recording.fault or recording.inside:
        raise DataError(
            f"{problem.task_id}: {recording.fault or 'its test passes what is no plain data'}",
            hint="translate a suite whose tests call with plain data",
        )
    calls: list[Call] = []
    for content, result in zip(recording.calls, recording.results, strict=True):
        args, kwargs = marshal.loads(content)
        if kwargs:
            raise DataError(f"{problem.task_id}: the test calls by keyword", hint="not supported")
        calls.append(Call(args, unmarshal_result(result) if result else None))
    if not passes_with(space, calls, -1, None):
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
    """Return whether the test passes when one call gets this answer, all others the recorded.

    A number of -1 is of no call.
    """
    place = -1

    def candidate(*_: Any) -> Any:
        nonlocal place
        place += 1
        return answer if place == number else copy.deepcopy(calls[place].result)

    return _passes(space, candidate)
