"""Suites as files of problems of other tools.

    for line in export_suite("humaneval", "", "evalplus", Path("ours.jsonl")): print(line)

    human-eval     task_id, prompt, entry_point, canonical_solution, test; Python only
    evalplus       the same with base_input: what the tests call with; plus_input is empty
    multipl-e      name, language, prompt, tests, stop_tokens, one line a problem

Limits: EvalPlus compares with what the canonical solution returns, and so needs calls with plain
data that JSON keeps; tuples and sets become lists there, and such problems are left out and listed.
"""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from overproof.errors import DataError, UsageError
from overproof.interchange.multipl_e import multipl_e_problem
from overproof.records import Problem
from overproof.store import write_atomically
from overproof.suites import SUITES, load_suite
from overproof.suites.multicode.calls import record_calls
from overproof.suites.multicode.load import write_export

ATOL = 1e-6
"""What EvalPlus is told where a test allows for rounding."""


def export_suite(name: str, language: str, to: str, out: Path) -> Iterator[str]:
    """Write a suite in the fields of another tool, or in ours; yield what to tell.

    Raises: UsageError; what `load_suite` raises; StorageError.
    """
    if to == "overproof":
        if name != "multicode" or not language:
            raise UsageError(
                "the fields of overproof are those of multicode in one language",
                hint="suite export multicode --language rust; other suites: --to human-eval",
            )
        yield from write_export(language, out)
        return
    if not out.parent.is_dir():
        raise UsageError(f"{out}: no folder {out.parent}", hint="make it first")
    full = f"{name}:{language}" if language and f"{name}:{language}" in SUITES else name
    rows, left_out = [], []
    for problem in load_suite(full):
        try:
            rows.append(PROBLEM_FORMATS[to](problem))
        except DataError as error:
            left_out.append(error.message)
    if not rows:
        raise UsageError(
            f"{full}: no problem that {to} has a place for ({left_out[0]})",
            hint="human-eval and evalplus: Python; multipl-e: also multicode",
        )
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    write_atomically(out, gzip.compress(content, mtime=0) if out.suffix == ".gz" else content)
    yield f"{len(rows)} of {len(rows) + len(left_out)} problems"
    yield from (f"  left out: {message}" for message in left_out)
    yield f"written: {out}"


def _human_eval(problem: Problem) -> dict[str, Any]:
    """Return a problem in human-eval's fields. Raises: DataError."""
    if problem.language != "python" or problem.cases:
        raise DataError(f"{problem.task_id}: no function in Python")
    return {
        "task_id": problem.task_id,
        "prompt": problem.prompt,
        "entry_point": problem.entry_point,
        "canonical_solution": problem.canonical_solution,
        "test": problem.test,
    }


def _evalplus(problem: Problem) -> dict[str, Any]:
    """Return a problem with the inputs of its tests. Raises: DataError if JSON cannot hold them."""
    fields = _human_eval(problem)
    calls = record_calls(problem)
    inputs = [list(call.args) for call in calls]
    if json.loads(json.dumps(inputs, default=str)) != inputs:
        raise DataError(f"{problem.task_id}: its tests call with what JSON has no form for")
    close = any(call.close for call in calls)
    return fields | {
        "base_input": inputs,
        "plus_input": [],
        "contract": "",
        "atol": ATOL if close else 0,
    }


PROBLEM_FORMATS: dict[str, Callable[[Problem], dict[str, Any]]] = {
    "human-eval": _human_eval,
    "evalplus": _evalplus,
    "multipl-e": multipl_e_problem,
}
"""A problem in the fields of another tool."""
