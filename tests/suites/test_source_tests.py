"""Tests as source text: right results pass them, and one wrong result among them does not.

The programs return the results of HumanEval's own calls, one after another, in every language.
"""

from dataclasses import replace

import pytest

from overproof.errors import DataError
from overproof.languages import load_language
from overproof.records import Outcome, Problem
from overproof.sandbox import Job, Limits, run_jobs
from overproof.sandbox.toolchains import toolchain
from overproof.suites.inside import job_inside, settled
from overproof.suites.load import read_humaneval
from overproof.suites.multicode.load import translated
from overproof.suites.multicode.prove import mutants
from overproof.suites.multicode.source_tests import WRITERS, source_test
from overproof.suites.multicode.translate import Task, translate
from overproof.suites.peers import SourceTested

TASKS = [f"HumanEval/{number}" for number in (0, 2, 12, 42, 111)]
"""Booleans, rounded floats, nothing or text, lists, maps."""
BODIES = {
    "bash": (
        "    n=$(($(cat overproof_n 2>/dev/null || echo 0) + 1)); echo $n > overproof_n\n"
        "    case $n in\n{}    esac\n}}\n",
        "    {}) printf %s {} ;;\n",
    ),
    "cpp": ("    static int n = 0; n++;\n{}    throw n;\n}}\n", "    if (n == {}) return {};\n"),
    "csharp": (
        "        n++;\n{}        throw new Exception();\n    }}\n    static int n = 0;\n}}\n",
        "        if (n == {}) return {};\n",
    ),
    "java": (
        "        n++;\n{}        throw new RuntimeException();\n    }}\n"
        "    static int n = 0;\n}}\n",
        "        if (n == {}) return {};\n",
    ),
    "javascript": (
        "  globalThis.n = (globalThis.n || 0) + 1;\n{}}}\n",
        "  if (globalThis.n === {}) return {};\n",
    ),
    "lua": ("  n = (n or 0) + 1\n{}end\n", "  if n == {} then return {} end\n"),
    "perl": ("    our $n = ($n // 0) + 1;\n{}}}\n", "    return {1} if $n == {0};\n"),
    "php": ("    static $n = 0; $n++;\n{}}}\n", "    if ($n === {}) return {};\n"),
    "ruby": ("  $n = ($n || 0) + 1\n{}end\n", "  return {1} if $n == {0}\n"),
    "rust": (
        "    static N: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(1);\n"
        "    let n = N.fetch_add(1, std::sync::atomic::Ordering::SeqCst);\n"
        "{}    panic!();\n}}\n",
        "    if n == {} {{ return {}; }}\n",
    ),
    "typescript": (
        "  (globalThis as any).n = ((globalThis as any).n || 0) + 1;\n{}  throw new Error();\n}}\n",
        "  if ((globalThis as any).n === {}) return {};\n",
    ),
}


def reciting(task: Task, wrong: bool) -> str:
    """Return a program that gives the results in order; the last that can be wrong is, if asked."""
    writing = load_language(task.language).translation
    kept = [c for number, c in enumerate(task.calls) if number not in task.excluded]
    results = [call.result for call in kept]
    if wrong:
        for place in reversed(range(len(results))):
            right = writing.literal(results[place], task.function.result)
            fitting = [
                each
                for each in mutants(results[place])
                if type(each) is type(results[place])
                and not writing.refusal(each, task.function.result)
                and writing.literal(each, task.function.result) != right
            ]
            if fitting:
                results[place] = fitting[0]
                break
    whole, line = BODIES[task.language]
    lines = [
        line.format(number, writing.literal(result, task.function.result))
        for number, result in enumerate(results, start=1)
    ]
    return task.prompt + whole.format("".join(lines))


def judged(language: str, task_ids: list[str]) -> list[tuple[str, Outcome, Outcome]]:
    """Return for each task the verdicts on the right and on the wrong program."""
    python = {row.task_id: row for row in read_humaneval() if row.task_id in task_ids}
    found: list[tuple[str, Outcome, Outcome]] = []
    jobs, problems = [], {}
    for row in translated(list(python.values()), language):
        assert row.source is not None
        task = translate(python[row.source.task_id], load_language(language))
        problem = SourceTested(
            task_id=row.task_id,
            prompt=row.prompt,
            entry_point=row.entry_point,
            canonical_solution="",
            test=source_test(row),
            language=language,
        )
        problems[row.task_id] = problem
        for wrong in (False, True):
            job = job_inside(
                row.task_id, language, reciting(task, wrong), problem.test, f"{row.task_id} {wrong}"
            )
            assert isinstance(job, Job)
            jobs.append(job)
    outcomes = {one.key: one for one in run_jobs(jobs, Limits(cpu_seconds=10))}
    for name, problem in problems.items():
        right, wrong_one = (
            settled(outcomes[f"{name} {wrong}"], problem) for wrong in (False, True)
        )
        found.append((name, right, wrong_one))
    return found


@pytest.mark.parametrize("language", sorted(WRITERS))
def test_right_results_pass_and_a_wrong_one_does_not(language: str) -> None:
    if toolchain(load_language(language)) is None:
        pytest.skip(f"{load_language(language).toolchain.tool} is not here")
    found = judged(language, TASKS)
    assert len(found) == len(TASKS)
    for name, right, wrong in found:
        assert right.status == "passed", (name, right)
        assert wrong.status in ("wrong_answer", "error", "crashed"), (name, wrong)


def test_what_has_no_such_tests_is_refused() -> None:
    (go,) = translated([read_humaneval()[0]], "go")
    plain = Problem(
        task_id="a", prompt="", entry_point="f", canonical_solution="", test="", language="rust"
    )
    for problem in (go, plain, read_humaneval()[0], replace(go, language="python")):
        with pytest.raises(DataError, match="no tests as source text"):
            source_test(problem)
