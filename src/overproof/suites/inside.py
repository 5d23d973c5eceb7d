"""Tests that are source text in the problem's own language: they run beside the program.

    job = job_inside(problem, program, "key")       # a Job, or the name of what is missing
    settled(outcome)                                # after it was executed

Program and tests are compiled as one. After them comes a function that returns its argument if the
tests came to their end: it is called with a number that is drawn for this one run, and must
return it. So a test that was never reached, or a program that ends with status 0 before its tests
do, does not pass. A program that defines this function itself passes: such verdicts can be forged,
and say so (`inside`).

A test of a library that is not here, or of a function of it that `shims/` lacks, is `missing_tool`.
"""

import dataclasses
import re
import secrets

from overproof.records import Outcome, Problem
from overproof.sandbox.jobs import Job
from overproof.suites.wrapping import VERDICT, WRAPPED, joined, missing

_TEST = 'def check(candidate):\n    assert candidate("{nonce}") == "{nonce}"\n'
_PROMPT, _REFERENCE = f"def {VERDICT}(nonce):\n", "    return nonce\n"
_ASSERTION = re.compile(r"(?i)assert|test case|tests? (?:\d+ )?failed|failed to pass|Test \d+ fail")


def job_inside(task_id: str, language: str, program: str, tests: str, key: str) -> Job | str:
    """Return what runs a program together with its tests, or the name of the library they miss."""
    program, tests = joined(program, tests, language)
    if library := missing(language, program, tests):
        return library
    nonce = secrets.token_hex(16)
    return Job(
        key=key,
        task_id=task_id,
        program=WRAPPED[language](program, tests),
        entry_point=VERDICT,
        prompt=_PROMPT,
        reference=_REFERENCE,
        test=_TEST.format(nonce=nonce),
        language=language,
    )


_LACKING = re.compile(
    r"Can't locate (?P<perl>\S+)\.pm|Cannot find (?:module|package) '(?P<js>[^']+)'"
    r"|error: (?P<cpp>\S+): No such file|undefined reference to `(?P<symbol>\w+?)_"
)


def settled(outcome: Outcome, problem: Problem) -> Outcome:
    """Return the outcome in terms of the tests: what failed inside, a failed assertion or else.

    A library that is not here is `missing_tool` where the problem itself names it; where only the
    program does, it is the program's fault.
    """
    status, detail = outcome.status, outcome.detail
    named = f"{problem.prompt}\n{problem.canonical_solution}\n{problem.test}".lower()
    lacking = _LACKING.search(detail) if status in ("error", "compile_error") else None
    library = next(filter(None, lacking.groups()), "") if lacking else ""
    if (
        library
        and library.lower().replace("/", "::" if lacking and lacking["perl"] else "/") in named
    ):
        status, detail = "missing_tool", library
    elif status == "wrong_answer":
        detail = "the tests did not come to a good end"
    elif status == "no_code" or (status == "compile_error" and VERDICT in detail):
        status, detail = "error", "the program does not reach its tests"
    elif status == "error" and _ASSERTION.search(detail):
        status = "wrong_answer"
    return dataclasses.replace(outcome, status=status, detail=detail, inside=True)
