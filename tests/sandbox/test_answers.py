"""Python's tests over a language that has no tuples and one kind of number, called from outside."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from toys import BLIND, DRIVER, script, untyped, zygote

from overproof.languages.language import Language
from overproof.sandbox import ExampleJob, Job, Limits, oracle
from overproof.sandbox.builds import prepare
from overproof.sandbox.judge import Finding
from overproof.sandbox.oracle import run_task
from overproof.sandbox.warm import Zygote

PROMPT = "def pair(n):\n    '''Return n and its double.'''\n"
REFERENCE = "    return (n, 2 * n)\n"
TEST = """
def check(candidate):
    assert candidate(1) == (1, 2)
    assert candidate(2.5) == (2.5, 5.0)
    assert candidate(2**80) == (2**80, 2**81)
    assert type(candidate(3)[0]) is int
    assert type(candidate(4.0)[0]) is float
"""
RIGHT = "def pair(n): return [n, 2 * n]"
DEPENDS = """
def check(candidate):
    first = candidate(1)
    second = candidate(first[1] + 1)
    assert second == (3, 6)
    assert candidate(second[1]) == (6, 12)
"""


@pytest.fixture(scope="module")
def worker() -> Iterator[Zygote]:
    with zygote() as started:
        yield started


Judge = Callable[..., dict[str, Any]]


@pytest.fixture
def judge(worker: Zygote, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Judge:
    def judge_one(program: str, language: Language | None = None, **fields: Any) -> dict[str, Any]:
        monkeypatch.setattr(oracle, "other_language", lambda name: language or untyped())
        settings: dict[str, Any] = {"prompt": PROMPT, "reference": REFERENCE, "test": TEST}
        kind: Any = ExampleJob if "examples" in fields else Job
        job = kind(
            key="k", task_id="t", program=program, entry_point="pair", language="javascript",
            **(fields if "examples" in fields else settings | fields),
        )  # fmt: skip
        task = {name: value for name, value in vars(job).items() if name not in ("key", "task_id")}
        verdict, clean = run_task(worker, task, asdict(Limits()), tmp_path)
        assert clean
        return verdict

    return judge_one


def blind(**fields: Any) -> Language:
    """Return the language with a driver that finds all calls in a file and cannot be asked."""
    import json

    reading = untyped(reads_calls=False, **fields)

    def files(program: str, name: str, calls: Any) -> dict[str, str]:
        written = {"main.py": DRIVER + BLIND, "calls.json": json.dumps(calls)}
        return reading.files(program, name, calls) | written

    return replace(reading, files=files)


@pytest.mark.parametrize("language", [untyped, blind])
def test_lists_and_floats_are_taken_for_what_was_meant(
    judge: Judge, language: Callable[[], Language]
) -> None:
    right = "def pair(n):\n    return [float(n) if n < 9 else n, 2 * n]"
    verdict = judge(right, language(), excluded=(2,))
    assert (verdict["status"], verdict["detail"]) == ("passed", "")
    assert judge("def pair(n): return [n, 3 * n]", language())["status"] == "wrong_answer"
    assert judge("def pair(n): return [n]", language())["status"] == "wrong_answer"
    assert judge("def pair(n): return str((n, 2 * n))", language())["status"] == "wrong_answer"
    assert judge("def pair(n): return {}[n]", language())["status"] == "error"
    assert judge("def pair(n): exit()", language())["status"] == "error"


@pytest.mark.parametrize("language", [untyped, blind])
def test_calls_that_cannot_be_expressed_are_not_sent(
    judge: Judge, language: Callable[[], Language]
) -> None:
    narrow = "def pair(n):\n    assert n < 2**53\n    return [n, 2 * n]"
    assert judge(narrow, language())["status"] == "error"
    assert judge(narrow, language(), excluded=(2,))["status"] == "passed"
    wrong = "def pair(n): return [n, 2 * n] if n != 4 else [n, 0]"
    assert judge(wrong, language(), excluded=(2,))["status"] == "passed"
    last = "def pair(n): return [n, 2 * n] if n != 4 else []"
    assert judge(last, language(), excluded=(2,))["status"] == "error"


def test_excluded_calls_alone_are_no_verdict(judge: Judge) -> None:
    verdict = judge(RIGHT, excluded=(0, 1, 2, 3, 4))
    assert verdict["status"] == "harness_error"
    verdict = judge(RIGHT, excluded=(5,))
    assert (verdict["status"], verdict["detail"]) == (
        "harness_error", "excluded: the test makes no call 5",
    )  # fmt: skip


@pytest.mark.parametrize("language", [untyped, blind])
def test_calls_that_depend_on_answers_are_made(
    judge: Judge, language: Callable[[], Language]
) -> None:
    assert judge(RIGHT, language(), test=DEPENDS)["status"] == "passed"
    lies_once = "def pair(n): return [n, 2 * n] if n != 1 else [1, 5]"
    assert judge(lies_once, language(), test=DEPENDS)["status"] == "wrong_answer"
    counts = DEPENDS.replace("first[1] + 1", "first[1] * 0 + 3")
    assert judge(lies_once, language(), test=counts)["status"] == "passed"
    loops = """
def check(candidate):
    value = 1
    for _ in range(8): value = candidate(value)[1] + 1
    assert value == 511
"""
    assert judge(RIGHT, language(), test=loops)["status"] == "passed"
    assert judge("def pair(n): return [n, 2 * n - 1]", language(), test=loops)["status"] == (
        "wrong_answer"
    )


@pytest.mark.parametrize("language", [untyped, blind])
def test_without_a_reference_answers_stay_as_they_are(
    judge: Judge, language: Callable[[], Language]
) -> None:
    plain = "def check(candidate):\n    assert candidate(2) == [2, 4]\n    candidate(3)\n"
    assert judge(RIGHT, language(), reference="", test=plain)["status"] == "passed"


def test_a_driver_that_cannot_be_asked_is_not_started_for_ever(judge: Judge) -> None:
    restless = """
import random
def check(candidate):
    while True: candidate(len(str(candidate(1)[0])))
"""
    random_program = "import os\ndef pair(n): return [int.from_bytes(os.urandom(8)), 0]"
    assert judge(RIGHT, blind(), test=restless)["status"] == "harness_error"
    verdict = judge(random_program, blind(), test=restless)
    assert verdict["status"] == "error"  # no excuse for wrong answers
    assert "wrong answers" in verdict["detail"]


def test_a_text_that_cannot_be_read_is_the_programs_fault(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_deep(program: str, name: str, calls: Any) -> dict[str, str]:
        return too_deep(program, name, calls)

    def too_slow(program: str, name: str, calls: Any) -> dict[str, str]:
        while True:
            pass

    monkeypatch.setattr(oracle, "_READING_SECONDS", 0.2)
    for files in (too_deep, too_slow):
        verdict = judge(RIGHT, replace(untyped(), files=files))
        assert (verdict["status"], verdict["detail"]) == (
            "compile_error", "a program that cannot be read",
        )  # fmt: skip


def test_a_compiler_that_slept_is_started_again(tmp_path: Path) -> None:
    language = script(build=("sleep", "9"), built="program")
    with zygote(build_seconds=0.2, wall_seconds=0.2) as hasty:
        limits = asdict(Limits(build_seconds=0.2, wall_seconds=0.2))
        found = prepare(hasty, language, {"main.sh": "exit"}, limits, tmp_path)
    assert found == Finding("compile_error", "compiling: wall time limit of 0.4 s", again=True)


def test_answers_that_are_too_long_to_be_sent_ahead_are_no_fault_of_ours(judge: Judge) -> None:
    passes_back = """
def check(candidate):
    text = candidate(1)
    candidate(text)
"""
    verdict = judge("def pair(n): return 'x' * (5 << 20)", blind(), test=passes_back)
    assert verdict["status"] == "output_limit"


def test_examples_say_themselves_what_was_meant(judge: Judge) -> None:
    examples = (("pair(1)", "(1, 2)"), ("pair(2.0)", "(2.0, 4.0)"))
    assert judge(RIGHT, examples=examples)["status"] == "passed"
    assert judge("def pair(n): return [n, 1]", examples=examples)["status"] == "wrong_answer"


def test_a_language_may_read_results_of_its_own(judge: Judge) -> None:
    def read(value: Any, expected: Any) -> Any:
        assert type(expected) is tuple
        return [type(expected[0])(part) for part in value.split()]

    language = untyped(read_result=read)
    text = "def pair(n): return f'{n} {2 * n}'"
    assert judge(text, language, excluded=(2,))["status"] == "passed"
    for wrong in ("'x y'", "f'{n} {n}'", "[n, 2 * n]", "None"):
        program = f"def pair(n): return {wrong}"
        assert judge(program, language, excluded=(2,))["status"] == "wrong_answer"


def test_references_may_take_longer_than_those_of_python(judge: Judge) -> None:
    slow = "    for _ in range(3 * 10**6): pass\n" + REFERENCE
    test = "def check(candidate):\n    assert candidate(1) == (1, 2)\n"
    assert judge(RIGHT, reference=slow, test=test)["status"] == "passed"


def test_an_excluded_result_is_a_copy(judge: Judge) -> None:
    prompt = "def pair(n):\n"
    test = """
def check(candidate):
    for _ in range(2):
        value = candidate(2)
        assert value == [2]
        value.append(3)
"""
    verdict = judge(
        "def pair(n): return [n]", prompt=prompt, reference="    return [n]\n", test=test,
        excluded=(1,),
    )  # fmt: skip
    assert verdict["status"] == "passed"
