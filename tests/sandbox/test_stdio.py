"""Whole programs: real descriptors, drained while they run, compared outside."""

from textwrap import dedent

import pytest

from overproof.records import Outcome
from overproof.sandbox import Limits, StdioJob, pool, run_jobs
from overproof.sandbox.stdio import differs

SUM = (("1 2\n", "3\n"), ("10 20", "30"))

RIGHT = {
    "input": "print(sum(map(int, input().split())))",
    "iterates": "import sys\nfor line in sys.stdin: print(sum(map(int, line.split())))",
    "readlines": "import sys\nprint(sum(map(int, sys.stdin.readlines()[0].split())))",
    "buffer": "import sys\nprint(sum(map(int, sys.stdin.buffer.readline().split())))",
    "buffer_twice": """
        import sys
        first, second = sys.stdin.buffer.readline(), sys.stdin.buffer.readline()
        assert second == b""
        print(sum(map(int, first.split())))
    """,
    "open_0": "print(sum(map(int, open(0).read().split())))",
    "os_read": "import os\nos.write(1, b'%d' % sum(map(int, os.read(0, 99).split())))",
    "dev_stdin": "print(sum(map(int, open('/dev/stdin').read().split())))",
    "fast": """
        import io, os
        input = io.BytesIO(os.read(0, os.fstat(0).st_size)).readline
        print(sum(map(int, input().split())))
    """,
    "stdout_buffer": """
        import sys
        sys.stdout.buffer.write(str(sum(map(int, input().split()))).encode())
    """,
    "main_guard": """
        import sys
        def main():
            global total
            total = sum(map(int, input().split()))
            print(total)
            sys.exit(0)
        if __name__ == "__main__":
            main()
    """,
    "future": "from __future__ import annotations\nprint(sum(map(int, input().split())))",
    "atexit": """
        import atexit, threading
        total = sum(map(int, input().split()))
        threading.Thread(target=lambda: atexit.register(print, total)).start()
    """,
    "redirects": """
        import io, sys
        sys.stdin = io.StringIO(sys.stdin.read())
        print(sum(map(int, input().split())))
    """,
    "complains": """
        import sys
        sys.stderr.write("x" * 300000)
        print(sum(map(int, input().split())))
    """,
}

FAILS = {
    "wrong_answer": "print(4)",
    "error": "print(int('x'))",
    "timeout": "while True: pass",
    "output_limit": "while True: print('x' * 10000)",
    "crashed": "import os\nos.abort()",
    "compile_error": "print(",
    "out_of_memory": "x = bytearray(4 << 30)",
}


def run(program: str, cases: tuple[tuple[str, str], ...] = SUM) -> Outcome:
    job = StdioJob(key="k", task_id="t", program=dedent(program), cases=cases)
    (outcome,) = run_jobs([job], Limits(cpu_seconds=1, output_mib=1), workers=1)
    return outcome


def test_idiomatic_programs_pass() -> None:
    jobs = [
        StdioJob(key=name, task_id="t", program=dedent(program), cases=SUM)
        for name, program in RIGHT.items()
    ]
    outcomes = {outcome.key: outcome for outcome in run_jobs(jobs, Limits())}
    assert {name: outcome.detail for name, outcome in outcomes.items() if not outcome.passed} == {}
    assert set(outcomes) == set(RIGHT)


@pytest.mark.parametrize("status", FAILS)
def test_each_way_to_fail_has_its_status(status: str) -> None:
    outcome = run(FAILS[status])
    assert outcome.status == status, outcome
    assert outcome.detail.startswith("case 1 of 2: ")


def test_the_case_that_fails_is_named() -> None:
    outcome = run("print(3)")
    assert outcome.detail == "case 2 of 2: line 1: expected '30', got '3'"


def test_much_is_printed_and_read_without_a_deadlock() -> None:
    text = "x" * 999 + "\n"
    program = "import sys\nfor line in sys.stdin: print(line, end='')"
    assert run(program, ((text * 900, text * 900),)).passed


def test_a_daemon_that_holds_the_pipe_does_not_hold_us() -> None:
    program = "import os, time\nif os.fork() == 0:\n    time.sleep(60)\nprint(3)"
    outcome = run(program, (("", "3"),))
    assert outcome.passed, outcome


def test_white_space_at_the_end_does_not_count() -> None:
    assert differs("a \nb\n\n", "a\nb") == ""
    assert differs("a\n\nb", "a\nb") != ""
    assert differs(" a", "a") != ""
    assert differs("", "a") == "expected 1 lines, got 0"


def test_many_cases_may_take_longer_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_GRACE_SECONDS", 0.1)
    cases = (("", "x"),) * 4
    program = "import time\ntime.sleep(0.6)\nprint('x')"
    job = StdioJob(key="k", task_id="t", program=program, cases=cases)
    (outcome,) = run_jobs([job], Limits(wall_seconds=1), workers=1)
    assert outcome.passed, outcome
