"""Tests with live objects run in the program's process, and the outcome says so."""

from overproof.records import Outcome
from overproof.sandbox import Job, Limits, run_jobs

PROMPT = "def apply(f, x):\n"
REFERENCE = "    return f(x)\n"
CALLBACK = """
def check(candidate):
    assert candidate(lambda x: x + 1, 2) == 3
"""
STACK_PROMPT = "def stack():\n"
STACK_REFERENCE = """
    class Stack(list):
        pass
    return Holder()
class Holder:
    def size(self):
        return 0
"""
STACK_TEST = """
def check(candidate):
    assert candidate().size() == 0
"""


def run(program: str, prompt: str, reference: str, test: str, entry_point: str) -> Outcome:
    job = Job(
        key="k",
        task_id="t",
        program=program,
        entry_point=entry_point,
        prompt=prompt,
        reference=reference,
        test=test,
    )
    (outcome,) = run_jobs([job], Limits(), workers=1)
    return outcome


def test_a_callback_makes_the_test_run_inside() -> None:
    right = run(PROMPT + REFERENCE, PROMPT, REFERENCE, CALLBACK, "apply")
    assert (right.status, right.inside) == ("passed", True)
    wrong = run(PROMPT + "    return x\n", PROMPT, REFERENCE, CALLBACK, "apply")
    assert (wrong.status, wrong.inside) == ("wrong_answer", True)


def test_so_it_does_without_a_reference() -> None:
    outcome = run(PROMPT + REFERENCE, PROMPT, "", CALLBACK, "apply")
    assert outcome.inside


def test_a_reference_that_returns_live_objects_makes_the_test_run_inside() -> None:
    program = STACK_PROMPT + STACK_REFERENCE
    outcome = run(program, STACK_PROMPT, STACK_REFERENCE, STACK_TEST, "stack")
    assert (outcome.status, outcome.inside) == ("passed", True)


def test_a_program_cannot_choose_to_be_judged_inside() -> None:
    prompt, reference = "def one():\n", "    return 1\n"
    test = "def check(candidate):\n    assert candidate() == 1\n"
    forger = "class E:\n    def __eq__(self, other): return True\ndef one(): return E()\n"
    for known in (reference, ""):
        outcome = run(forger, prompt, known, test, "one")
        assert (outcome.status, outcome.inside) == ("wrong_answer", False)


def test_limits_hold_inside_as_well() -> None:
    program = "def apply(f, x):\n    while True: pass\n"
    job = Job(
        key="k",
        task_id="t",
        program=program,
        entry_point="apply",
        prompt=PROMPT,
        reference=REFERENCE,
        test=CALLBACK,
    )
    (outcome,) = run_jobs([job], Limits(cpu_seconds=0.3), workers=1)
    assert (outcome.status, outcome.inside) == ("timeout", True)


def test_calls_that_differ_from_what_was_foreseen_are_judged_anew() -> None:
    test = """
def check(candidate):
    first = candidate(1)
    assert candidate(first) == 3
    assert candidate(10) == 11
"""
    programs = {
        "liar": ("def f(x): return 7\n", "wrong_answer"),
        "right": ("def f(x): return x + 1\n", "passed"),
        "counts": ("n = 0\ndef f(x):\n    global n\n    n += 1\n    return x + 1\n", "passed"),
        "third": (
            "n = 0\ndef f(x):\n    global n\n    n += 1\n    return x + (n < 3)\n",
            "wrong_answer",
        ),
        "after": ("def f(x): return 1 + x\n", "passed"),
    }
    jobs = [
        Job(
            key=name,
            task_id="t",
            program=program,
            entry_point="f",
            prompt="def f(x):\n",
            reference="    return x + 1\n",
            test=test,
        )
        for name, (program, _) in programs.items()
    ]
    found = {outcome.key: outcome.status for outcome in run_jobs(jobs, Limits(), workers=1)}
    assert found == {name: status for name, (_, status) in programs.items()}


def test_state_is_that_of_one_run_when_calls_differ() -> None:
    test = """
def check(candidate):
    if candidate(1) == 1:
        assert candidate(2) == 2
    assert candidate(3) in (2, 3)
"""
    counts = "n = {}\ndef f(x):\n    global n\n    n += 1\n    return n\n"
    jobs = [
        Job(
            key=str(start),
            task_id="t",
            program=counts.format(start),
            entry_point="f",
            prompt="def f(x):\n",
            reference="    return x\n",
            test=test,
        )
        for start in (5, 0, 1)
    ]
    found = {outcome.key: outcome.status for outcome in run_jobs(jobs, Limits(), workers=1)}
    # 0: answers 1, 2, 3; 1: answers 2 and then 3 to the call that comes next, not to a foreseen one
    assert found == {"5": "wrong_answer", "0": "passed", "1": "passed"}


def test_arguments_keep_their_types() -> None:
    test = """
def check(candidate):
    for value in (bytearray(b"s"), b"s", "s", [b"s"], (1, True), {1: "s"}, range(3)):
        assert candidate([value]) == type(value).__name__
"""
    program = "def f(x): return type(x[0]).__name__\n"
    assert run(program, "def f(x):\n", "    return type(x[0]).__name__\n", test, "f").passed
    assert run(program, "def f(x):\n", "", test, "f").passed
