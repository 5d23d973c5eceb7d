"""From a Python problem to the same task in another language: prompt, calls, what is left out.

    task = translate(problem, load_language("rust"))
    task.prompt, task.excluded

The test stays HumanEval's own: it runs in Python, in the oracle, over values that the program
returns. A call that the language cannot express is not sent; it is listed with its reason, and
the oracle answers it itself.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from overproof.languages.language import Function, Language, Parameter, Translation
from overproof.languages.types import Type, fits
from overproof.languages.writing import parts
from overproof.records import Problem
from overproof.suites.multicode.calls import Call, definitions, passes_with, record_calls
from overproof.suites.multicode.describe import describe, docstring_of
from overproof.suites.multicode.signatures import Signature, signature_of

TOO_FEW = "half of this problem's calls cannot be asked, and the rest would test little"
TOO_COARSE = "the test wants more digits than a float of 32 bits has"


@dataclass(frozen=True, kw_only=True)
class Task:
    """One problem in one language."""

    task_id: str
    """`HumanEval/0` in every language: tasks pair across them."""
    language: str
    prompt: str
    entry_point: str
    """As it is called in this language."""
    signature: str
    calls: tuple[Call, ...]
    """All that the test makes."""
    excluded: Mapping[int, str]
    """Number of a call, from 0, to the reason why this language cannot be asked it."""
    function: Function


def translate(
    problem: Problem, language: Language, prompt: str = "", entry_point: str = ""
) -> Task:
    """Return the task in this language; `prompt` may be a perturbed one, with its entry point.

    Raises: DataError if the problem's own solution is not right.
    """
    calls, signature = facts_of(problem)
    writing = language.translation
    own_prompt, own_name = prompt or problem.prompt, entry_point or problem.entry_point
    function = Function(
        name=_free(in_case(own_name, writing.case), writing),
        parameters=tuple(
            Parameter(name=_free(name, writing), type=kind) for name, kind in signature.parameters
        ),
        result=signature.result,
    )

    def write_call(args: tuple[Any, ...]) -> str | None:
        if why_not(args, function, writing):
            return None
        literals = [
            writing.literal(value, parameter.type)
            for value, parameter in zip(args, function.parameters, strict=True)
        ]
        return writing.call(function.name, literals)

    def write_result(value: Any) -> str | None:
        if _misfit(value, function.result, writing):
            return None
        return writing.literal(value, function.result)

    text = docstring_of(own_prompt, own_name)
    lines = describe(text, own_name, function.name, writing.terms, write_call, write_result)
    return Task(
        task_id=problem.task_id,
        language=language.name,
        prompt=writing.prompt(function, lines, writing.helpers.get(problem.task_id, "")),
        entry_point=function.name,
        signature=writing.signature(function),
        calls=calls,
        excluded=_excluded(problem, function, language),
        function=function,
    )


@lru_cache(maxsize=1024)
def facts_of(problem: Problem) -> tuple[tuple[Call, ...], Signature]:
    """Return the recorded calls and the signature, learnt once per problem."""
    calls = tuple(record_calls(problem))
    return calls, signature_of(problem.prompt, problem.entry_point, calls)


def in_case(name: str, case: str) -> str:
    """Return a Python name in a language's style.

    >>> in_case("has_close_elements", "camel"), in_case("Strongest_Extension", "pascal")
    ('hasCloseElements', 'StrongestExtension')
    """
    if case == "snake":
        return name
    first, *rest = [part for part in name.split("_") if part] or [name]
    first = first if case == "camel" else first[:1].upper() + first[1:]
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def why_not(args: Sequence[Any], function: Function, writing: Translation) -> str:
    """Return why a call with these arguments cannot be expressed; empty if it can."""
    if len(args) != len(function.parameters):
        return f"{len(args)} arguments where {len(function.parameters)} belong"
    for value, parameter in zip(args, function.parameters, strict=True):
        if reason := _misfit(value, parameter.type, writing):
            return f"{parameter.name}: {reason}"
    return ""


def _misfit(value: Any, kind: Type, writing: Translation) -> str:
    if writing.typed and not fits(value, kind):
        return f"{value!r:.60} is no {kind}"
    return writing.refusal(value, kind)


def _excluded(problem: Problem, function: Function, language: Language) -> dict[int, str]:
    """Return the calls that cannot be asked, or that contradict an earlier one in this language."""
    writing, conflates = language.translation, language.conflates
    calls, _ = facts_of(problem)
    excluded: dict[int, str] = {}
    asked: dict[tuple[str, ...], tuple[int, Any]] = {}
    for number, call in enumerate(calls):
        reason = why_not(call.args, function, writing)
        if not reason and (misfit := _misfit(call.result, function.result, writing)):
            reason = f"result: {misfit}"
        if not reason:
            source = tuple(
                writing.literal(_as_told(value, conflates), parameter.type)
                for value, parameter in zip(call.args, function.parameters, strict=True)
            )
            first, result = asked.setdefault(source, (number, call.result))
            written = [writing.literal(each, function.result) for each in (result, call.result)]
            if result != call.result and written[0] != written[1]:
                reason = f"the same call as number {first}, which must return {result!r:.60}"
        if reason:
            excluded[number] = reason
    if writing.single_floats(function):
        excluded |= {number: TOO_COARSE for number in too_coarse(problem) if number not in excluded}
    if 2 * len(excluded) >= len(calls):
        excluded = dict.fromkeys(range(len(calls)), TOO_FEW) | excluded
    return excluded


@lru_cache(maxsize=1024)
def too_coarse(problem: Problem) -> tuple[int, ...]:
    """Return the calls whose right answer is found wrong once floats have 32 bits only.

    The reference is called with arguments that such a float holds, and its results come back in
    the shortest decimal that says which float they are, as the drivers send them: what the test
    then refuses, hardly a program of such a language could pass.
    """
    calls, _ = facts_of(problem)
    space = definitions(problem)
    function = space[problem.entry_point]
    found = []
    for number, call in enumerate(calls):
        if any(map(_holds_float, (*call.args, call.result))):
            args = [_floats(value, lambda x: float(np.float32(x))) for value in call.args]
            answer = _floats(function(*args), lambda x: float(str(np.float32(x))))
            if not passes_with(space, calls, number, answer):
                found.append(number)
    return tuple(found)


def _floats(value: Any, change: Callable[[float], float]) -> Any:
    """Return the value with every float changed."""
    if type(value) is float:
        return change(value)
    if type(value) in (list, tuple):
        return type(value)(_floats(item, change) for item in value)
    if type(value) is dict:
        return {key: _floats(item, change) for key, item in value.items()}
    return value


def _holds_float(value: Any) -> bool:
    return type(value) is float or any(map(_holds_float, parts(value)))


def _as_told(value: Any, conflates: AbstractSet[str]) -> Any:
    """Return the value as the language tells it from others: 3.0 as 3 where they are one."""
    if "int_float" not in conflates:
        return value
    if type(value) is float:
        return int(value) if value.is_integer() else value
    if type(value) in (list, tuple):
        return type(value)(_as_told(item, conflates) for item in value)
    return value


def _free(name: str, writing: Translation) -> str:
    return f"{name}_" if name in writing.reserved else name
