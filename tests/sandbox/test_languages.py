"""The same door for another language: C++, called and as a whole program, built once."""

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from overproof.errors import UnknownNameError
from overproof.languages import load_language
from overproof.records import Outcome
from overproof.sandbox import AnyJob, ExampleJob, Job, Limits, StdioJob, run_jobs
from overproof.sandbox.builds import prepare
from overproof.sandbox.judge import Finding

needs_compiler = pytest.mark.skipif(not shutil.which("g++"), reason="g++ is not installed")

CHECK_ADD = """
def check(candidate):
    assert candidate(2, 3) == 5
    assert candidate(-1, 1) == 0
"""
CALLED = {
    "passed": "long add(long a, long b) { return a + b; }",
    "wrong_answer": "long add(long a, long b) { return a - b; }",
    "error": """
        #include <stdexcept>
        long add(long a, long b) { throw std::invalid_argument("odd"); }
    """,
    "crashed": "long add(long a, long b) { return *(volatile long*)8; }",
    "timeout": "long add(long a, long b) { for (volatile int i = 0;; i = i + 1) {} }",
    "out_of_memory": """
        #include <vector>
        long add(long a, long b) { std::vector<char> x(1L << 32, 'x'); return x[a]; }
    """,
    "compile_error": "long add(long a, long b) { return a + c; }",
    "no_code": "long sub(long a, long b) { return a - b; }",
}
FORGERS = {
    "exits_early": "#include <cstdlib>\nlong add(long a, long b) { std::_Exit(0); }",
    "prints_success": '#include <cstdio>\nlong add(long a, long b) { puts("passed"); return 0; }',
    "answers_frames": """
        #include <unistd.h>
        long add(long a, long b) { write(3, "\\x0f\\0\\0\\0{\\"passed\\":true}", 19); return 0; }
    """,
    "reads_the_compilers_files": """
        const char* text =
        #include "/etc/passwd"
        ;
        long add(long a, long b) { return a + b; }
    """,
}
WHOLE = """
    #include <iostream>
    int main() { long a, b; std::cin >> a >> b; std::cout << a + b << std::endl; }
"""
CASES = (("1 2", "3"), ("10 20\n", "30\n"))


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVERPROOF_HOME", str(folder))
        yield folder / "builds"


def called(key: str, program: str) -> AnyJob:
    return Job(
        key=key,
        task_id="t",
        program=dedent(program),
        entry_point="add",
        test=CHECK_ADD,
        language="cpp",
    )


def run(*jobs: AnyJob) -> dict[str, Outcome]:
    return {outcome.key: outcome for outcome in run_jobs(jobs, Limits(cpu_seconds=1))}


@needs_compiler
def test_each_status_of_a_called_program() -> None:
    outcomes = run(*(called(status, program) for status, program in CALLED.items()))
    assert {key: outcome.status for key, outcome in outcomes.items()} == {
        key: key for key in CALLED
    }
    assert outcomes["passed"].toolchain.startswith("g++ ")
    assert "SIGSEGV" in outcomes["crashed"].detail


@needs_compiler
def test_no_forger_passes() -> None:
    outcomes = run(*(called(name, program) for name, program in FORGERS.items()))
    assert [outcome for outcome in outcomes.values() if outcome.passed] == []
    assert "root:" not in outcomes["reads_the_compilers_files"].detail


@needs_compiler
def test_a_whole_program_is_built_once(cache: Path) -> None:
    job = StdioJob(key="k", task_id="t", program=dedent(WHOLE), cases=CASES, language="cpp")
    before = set(cache.glob("??/*"))
    assert run(job)["k"].passed
    (built,) = set(cache.glob("??/*")) - before
    state = built.stat()
    assert run(job)["k"].passed
    assert (built.stat().st_ino, built.stat().st_mtime_ns) == (state.st_ino, state.st_mtime_ns)
    wrong = dataclasses.replace(job, key="w", cases=(("1 2", "4"),))
    assert run(wrong)["w"].status == "wrong_answer"


@needs_compiler
def test_worked_examples_hold_for_it_as_well() -> None:
    job = ExampleJob(
        key="k",
        task_id="t",
        program=CALLED["passed"],
        entry_point="add",
        examples=(("add(1, 2)", "3"), ("add(0, 0)", "1")),
        language="cpp",
    )
    outcome = run(job)["k"]
    assert (outcome.status, outcome.detail[:9]) == ("wrong_answer", "example 2")


def test_a_missing_tool_is_no_verdict(tmp_path: Path) -> None:
    cpp = load_language("cpp")
    absent = dataclasses.replace(cpp.toolchain, tool="g++-none", version=("g++-none",))
    language = dataclasses.replace(cpp, toolchain=absent)
    unused: Any = None
    finding = prepare(unused, language, {"program.cpp": "int f();"}, {}, tmp_path)
    assert isinstance(finding, Finding)
    assert finding.status == "missing_tool"
    assert "apt-get install" in finding.detail


def test_an_unknown_language_is_named() -> None:
    job = dataclasses.replace(called("k", "x"), language="cobol")
    with pytest.raises(UnknownNameError, match="cobol"):
        list(run_jobs([job], Limits()))
