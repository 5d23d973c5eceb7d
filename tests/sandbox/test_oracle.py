"""The oracle: what it takes from the dataset, what it copies, and how it judges odd results."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from overproof.errors import UsageError
from overproof.records import Outcome
from overproof.sandbox import Job, Limits, pool, run_jobs

POLY_PROMPT = '''import math

def poly(xs: list, x: float):
    """Evaluate the polynomial xs at x."""
    return sum(c * math.pow(x, i) for i, c in enumerate(xs))

def find_zero(xs: list):
    """Find x with poly(xs, x) = 0."""
'''
POLY_BODY = "    return -xs[0] / xs[1]\n"
POLY_TEST = """
def check(candidate):
    for xs in ([1, 2], [6, -3], [0.5, 4]):
        assert abs(poly(xs, candidate(xs))) < 1e-6
"""
ANY_INT = "def check(candidate):\n    assert type(candidate()) is int\n"


def run_all(cases: dict[str, tuple[str, str]], **fields: str) -> dict[str, Outcome]:
    """Run (program, test) pairs in one sandbox."""
    jobs = [
        Job(**{"entry_point": "f", **fields}, key=name, task_id="t", program=program, test=test)
        for name, (program, test) in cases.items()
    ]
    return {outcome.key: outcome for outcome in run_jobs(jobs, Limits(wall_seconds=5), workers=1)}


def statuses(cases: dict[str, tuple[str, str]], **fields: str) -> dict[str, str]:
    return {name: outcome.status for name, outcome in run_all(cases, **fields).items()}


def test_helpers_come_from_the_prompt_and_arguments_are_copies() -> None:
    cases = {
        "right": POLY_PROMPT + POLY_BODY,
        "helper redefined": "def poly(xs, x): return 0\ndef find_zero(xs): return 0\n",
        "input emptied": POLY_PROMPT + "    xs.clear()\n    return 0\n",
        "renamed": "def g(xs): return -xs[0] / xs[1]\n",
    }
    pairs = {name: (program, POLY_TEST) for name, program in cases.items()}
    problem = {"prompt": POLY_PROMPT, "reference": POLY_BODY}
    assert statuses(pairs, entry_point="find_zero", **problem) == {
        "right": "passed",
        "helper redefined": "wrong_answer",
        "input emptied": "wrong_answer",
        "renamed": "no_code",
    }
    renamed = {"renamed": pairs["renamed"]}
    assert statuses(renamed, entry_point="g", **problem) == {"renamed": "passed"}


def test_what_a_test_imports_within_its_functions_is_there_when_it_runs() -> None:
    """The recording is timed; numpy, interrupted in its import, could not be imported again."""
    pytest.importorskip("numpy")
    test = (
        "def check(candidate):\n    import numpy as np\n"
        "    def near(a, b):\n        from numpy.testing import assert_allclose as near\n"
        "        near(a, b)\n    near(candidate(1, 2), np.float64(3))\n"
    )
    prompt = "def f(a, b):\n"
    for reference in (
        "    return a + b\n",
        "    import numpy\n    return float(numpy.add(a, b))\n",
    ):
        found = statuses(
            {name: (prompt + f"    return a {name} b\n", test) for name in "+-"},
            prompt=prompt,
            reference=reference,
        )
        assert found == {"+": "passed", "-": "wrong_answer"}


ODD_RESULTS = {
    ("object()", "assert candidate()"): "error",
    ("object()", "assert not candidate()"): "error",
    ("object()", "assert candidate() != 5"): "passed",
    ("(x for x in (1, 2))", "assert list(candidate()) == [1, 2]"): "passed",
    ("(x for x in (1, 2))", "assert candidate() == [1, 2]"): "wrong_answer",
    ("(1, 2)", "assert candidate() == [1, 2]"): "wrong_answer",
    ("None", "assert candidate()[0] == 1"): "error",
    ("1 << 100000", "assert candidate() == 1 << 100000"): "passed",
    ("{1: 1 << 100000}", "assert candidate()[1 << 100000]"): "error",
    ("float('nan')", "assert candidate() != candidate()"): "passed",
    ("'\\ud800'", "assert candidate() == 1"): "wrong_answer",
    ("{}['\\ud800']", "assert candidate() == 1"): "error",
}


def test_odd_results() -> None:
    outcomes = run_all(
        {
            f"{result} | {test}": (
                f"def f(): return {result}\n",
                f"def check(candidate):\n    {test}\n",
            )
            for result, test in ODD_RESULTS
        }
    )
    for (result, test), status in ODD_RESULTS.items():
        outcome = outcomes[f"{result} | {test}"]
        assert outcome.status == status, outcome
        outcome.detail.encode()


EXPECTS_VALUE_ERROR = """
def check(candidate):
    try:
        candidate()
    except ValueError as error:
        assert 'odd' in str(error)
    else:
        assert False, 'nothing raised'
"""
SWALLOWS = "def check(candidate):\n    try: candidate()\n    except: pass\n"


def test_a_test_may_expect_an_exception_but_not_swallow_the_end() -> None:
    cases = {
        "raises": ("def f(): raise ValueError('odd')\n", EXPECTS_VALUE_ERROR),
        "returns": ("def f(): return 1\n", EXPECTS_VALUE_ERROR),
        "raises another": ("def f(): raise KeyError('odd')\n", EXPECTS_VALUE_ERROR),
        "raises AssertionError": ("def f(): raise AssertionError('odd')\n", EXPECTS_VALUE_ERROR),
        "ends": ("import os\ndef f(): os._exit(0)\n", SWALLOWS),
    }
    assert statuses(cases) == {
        "raises": "passed",
        "returns": "wrong_answer",
        "raises another": "error",
        "raises AssertionError": "error",
        "ends": "error",
    }


def test_a_broken_test_is_a_harness_error() -> None:
    tests = (
        "def check(candidate) return 1",
        "undefined_name",
        "x = 1",
        "def check(candidate): pass",
    )
    found = statuses({test: ("def f(*args): return 1\n", test) for test in tests})
    assert found == dict.fromkeys(tests, "harness_error")


def test_a_hanging_test_is_ended_and_the_next_one_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_GRACE_SECONDS", 0.5)
    jobs = [
        Job(key="hang", task_id="t", program="def f(): return 1", entry_point="f",
            test="def check(candidate):\n    while candidate() == 1: pass\n"),
        Job(key="right", task_id="t", program="def f(): return 2", entry_point="f",
            test="def check(candidate):\n    assert candidate() == 2\n"),
    ]  # fmt: skip
    limits = Limits(wall_seconds=0.5)
    statuses = {o.key: o.status for o in run_jobs(jobs, limits, workers=1)}
    assert statuses == {"hang": "timeout", "right": "passed"}


def test_jobs_are_read_only_a_little_ahead_and_outcomes_stream() -> None:
    read = 0

    def jobs() -> Iterator[Job]:
        nonlocal read
        for n in range(50):
            read += 1
            program = f"def f(): return {n}"
            yield Job(key=str(n), task_id="t", program=program, entry_point="f", test=ANY_INT)

    outcomes = run_jobs(jobs(), Limits(), workers=1)
    assert next(outcomes).passed
    assert read < 10
    assert {next(outcomes).key, *(o.key for o in outcomes)} | {"0"} == set(map(str, range(50)))


def test_identical_jobs_share_one_execution() -> None:
    program = "import os\ndef f(): return os.urandom(8)\n"
    test = "def check(candidate):\n    raise ValueError(candidate().hex())\n"
    jobs = [
        Job(key=str(n), task_id=f"t/{n}", program=program + "#" * (n // 4), entry_point="f",
            test=test)
        for n in range(8)
    ]  # fmt: skip
    details = {o.key: o.detail for o in run_jobs(jobs, Limits())}
    assert set(details) == set(map(str, range(8)))
    assert len(set(details.values())) == 2


def test_stopping_early_leaves_no_process(tmp_path: Path) -> None:
    jobs = [
        Job(key=str(n), task_id="t", program=f"def f(): return {n}", entry_point="f", test=ANY_INT)
        for n in range(20)
    ]
    before = _oracles()  # other tests may keep a pool
    outcomes = run_jobs(jobs, Limits())
    next(outcomes)
    assert _oracles() > before or not _CHILDREN.exists()
    outcomes.close()  # type: ignore[attr-defined]
    patience = time.monotonic() + 10  # on a busy machine, dying takes a moment
    while (left := _oracles() - before) and time.monotonic() < patience:
        time.sleep(0.05)
    assert not left


_CHILDREN = Path(f"/proc/self/task/{os.getpid()}/children")


def _oracles() -> set[str]:
    """Return the process numbers of the oracles among the children of this process."""
    found = set()
    for pid in _CHILDREN.read_text().split() if _CHILDREN.exists() else []:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if b"sandbox.oracle" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.add(pid)
    return found


def test_no_jobs_and_no_workers() -> None:
    assert list(run_jobs([], Limits())) == []
    with pytest.raises(UsageError, match="workers"):
        list(run_jobs([], Limits(), workers=0))
