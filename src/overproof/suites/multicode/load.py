"""Translated problems as rows, and what is written about them for other tools.

translated(read_humaneval(), "rust")
overproof suite export multicode --language rust --out problems.jsonl
"""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from overproof.errors import UsageError
from overproof.languages import load_language
from overproof.languages.language import Language
from overproof.records import Problem, Source
from overproof.sandbox import codec
from overproof.store import write_atomically
from overproof.suites.multicode.calls import Call
from overproof.suites.multicode.translate import Task, facts_of, translate


def translated(problems: Sequence[Problem], name: str) -> list[Problem]:
    """Return these Python problems in another language, without those that lose all calls.

    The task_ids are `rust/0` and so on; `source.task_id` is the same in every language.
    Raises: UnknownNameError for a language; DataError for a problem whose solution is not right.
    """
    language = load_language(name)
    found = []
    for problem in problems:
        if name == "python":
            found.append(_python(problem))
            continue
        task = translate(problem, language)
        if len(task.excluded) < len(task.calls):
            found.append(_row(problem, task))
    return found


def task_id_in(name: str, problem: Problem) -> str:
    """Return the task_id of a problem in a language.

    >>> task_id_in("rust", Problem(task_id="HumanEval/7", prompt="", entry_point="f",
    ...                            canonical_solution="", test=""))
    'rust/7'
    """
    return f"{name}/{problem.task_id.rpartition('/')[2]}"


def exported(problems: Sequence[Problem], name: str) -> Iterator[dict[str, Any]]:
    """Yield one plain object per problem, with its calls as data and as the language's source."""
    language = load_language(name)
    for problem in problems:
        task = translate(problem, language)
        yield {
            "task_id": task_id_in(name, problem),
            "source_task_id": problem.task_id,
            "language": name,
            "prompt": problem.prompt if name == "python" else task.prompt,
            "entry_point": task.entry_point,
            "signature": task.signature,
            "tests": [
                _test(call, task, language)
                for number, call in enumerate(task.calls)
                if number not in task.excluded
            ],
            "stop": list(language.translation.stop),
            "end": language.translation.end,
            "excluded_calls": [
                {"number": number, "reason": reason, "args": codec.encode(list(call.args))}
                for number, reason in sorted(task.excluded.items())
                for call in [task.calls[number]]
            ],
        }


def exceptions(problems: Sequence[Problem], name: str) -> Iterator[tuple[str, int, str]]:
    """Yield (task_id of the source, number of the call, reason) for every call left out."""
    if name == "python":
        return
    for problem in problems:
        task = translate(problem, load_language(name))
        for number, reason in sorted(task.excluded.items()):
            yield problem.task_id, number, reason


def count_calls(problems: Sequence[Problem]) -> int:
    """Return how many calls the tests of these problems make."""
    return sum(len(facts_of(problem)[0]) for problem in problems)


def write_export(name: str, out: Path) -> Iterator[str]:
    """Write HumanEval in a language to a JSONL file, all or nothing; yield what to tell.

    Raises: UnknownNameError, FetchError, UsageError if the folder does not exist, StorageError.
    """
    from overproof.suites.load import read_humaneval

    if not out.parent.is_dir():
        raise UsageError(f"{out}: no folder {out.parent}", hint="make it first")
    load_language(name)
    problems = read_humaneval()
    rows = list(exported(problems, name))
    content = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
    write_atomically(out, content)
    asked = sum(len(row["tests"]) for row in rows)
    here = sum(bool(row["tests"]) for row in rows)
    yield f"{here} of {len(rows)} problems, {asked} of {count_calls(problems)} calls"
    for row in rows:
        for call in row["excluded_calls"]:
            yield f"  {row['task_id']} call {call['number']}: {call['reason']}"
    yield f"written: {out}"


def _python(problem: Problem) -> Problem:
    source = Source(
        task_id=problem.task_id,
        prompt=problem.prompt,
        entry_point=problem.entry_point,
        canonical_solution=problem.canonical_solution,
    )
    return dataclasses.replace(
        problem, task_id=task_id_in("python", problem), suite="multicode:python", source=source
    )


def _row(problem: Problem, task: Task) -> Problem:
    return Problem(
        task_id=task_id_in(task.language, problem),
        prompt=task.prompt,
        entry_point=task.entry_point,
        canonical_solution="",
        test=problem.test,
        suite=f"multicode:{task.language}",
        language=task.language,
        source=Source(
            task_id=problem.task_id,
            prompt=problem.prompt,
            entry_point=problem.entry_point,
            canonical_solution=problem.canonical_solution,
            excluded=tuple(sorted(task.excluded)),
        ),
    )


def _test(call: Call, task: Task, language: Language) -> dict[str, Any]:
    """Return a call as data (lists, tagged where JSON has no such value) and as source text."""
    writing = language.translation
    literals = [
        writing.literal(value, parameter.type)
        for value, parameter in zip(call.args, task.function.parameters, strict=True)
    ]
    return {
        "args": codec.encode(list(call.args)),
        "expected": codec.encode(call.result),
        "close": call.close,
        "call": writing.call(task.entry_point, literals),
        "result": writing.literal(call.result, task.function.result),
    }
