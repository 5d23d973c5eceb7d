"""The loop around the operators: what is drawn again, what is counted, what is executed."""

import random
from collections.abc import Iterable

import pytest

from overproof.errors import UnknownNameError
from overproof.perturbation import OPERATORS, Draft, Operator, PerturbResult, Yield, perturb
from overproof.perturbation.variants import MAX_ATTEMPTS
from overproof.records import Outcome, Problem, Status
from overproof.sandbox import Job


class Gold:
    """Answers for the sandbox, and remembers what it was asked."""

    def __init__(self, status: Status = "passed") -> None:
        self.status = status
        self.calls: list[list[Job]] = []

    def __call__(self, jobs: list[Job]) -> Iterable[Outcome]:
        self.calls.append(jobs)
        return [Outcome(key=job.key, task_id=job.task_id, status=self.status) for job in jobs]


def install(monkeypatch: pytest.MonkeyPatch, operator: Operator) -> None:
    monkeypatch.setitem(OPERATORS, operator.name, operator)


def yield_of(result: PerturbResult, name: str) -> Yield:
    return next(row for row in result.yields if row.operator == name)


REASONS = (
    "no_op",
    "unparsable",
    "code_changed",
    "examples_broken",
    "entry_point_broken",
    "gold_break",
    "unchecked",
    "repeated",
)


def test_counts_add_up(certified: PerturbResult) -> None:
    for row in certified.yields:
        assert row.wanted == row.certified + row.given_up + row.not_applicable
        refused = sum(getattr(row, reason) for reason in REASONS)
        assert row.attempts == row.certified + row.not_applicable + refused
        assert row.distinct <= row.certified


def test_equal_programs_are_executed_once_and_all_in_one_call(toys: dict[str, Problem]) -> None:
    gold = Gold()
    result = perturb(
        list(toys.values()), ["null", "keyboard_typos", "blank_lines"], range(3), run_gold=gold
    )
    assert len(result.variants) == len(toys) * (1 + 3 * 3)
    assert [len(jobs) for jobs in gold.calls] == [len(toys)]


def test_programs_that_read_their_docstring_are_not_shared(toys: dict[str, Problem]) -> None:
    gold, problem = Gold(), toys["f"]
    reading = Problem(
        task_id="t",
        prompt=problem.prompt,
        entry_point="f",
        canonical_solution="    return f.__doc__\n",
        test=problem.test,
    )
    result = perturb([reading], ["keyboard_typos"], [0], run_gold=gold)
    assert yield_of(result, "keyboard_typos").given_up == 1


def test_the_sandbox_sees_the_original_problem(toys: dict[str, Problem]) -> None:
    gold, problem = Gold(), toys["fib4"]
    perturb([problem], ["typo_name"], [0], run_gold=gold)
    (job,) = gold.calls[0]
    assert (job.prompt, job.reference, job.test) == (
        problem.prompt,
        problem.canonical_solution,
        problem.test,
    )
    assert job.entry_point != "fib4"
    assert f"def {job.entry_point}(" in job.program


def test_bad_drafts_are_drawn_again_and_counted(
    monkeypatch: pytest.MonkeyPatch, toys: dict[str, Problem]
) -> None:
    drawn: list[float] = []

    def unlucky(problem: Problem, rng: random.Random, intensity: float) -> Draft:
        drawn.append(rng.random())
        attacks = (
            problem.prompt,
            problem.prompt + '"""',
            problem.prompt.replace("f(3)", "f(4)"),
            problem.prompt.replace("smaller", "smalelr"),
        )
        return Draft(attacks[len(drawn) - 1], "f")

    install(monkeypatch, Operator("unlucky", "text", unlucky, "own", True, 0.1))
    gold = Gold()
    row = yield_of(perturb([toys["f"]], ["unlucky"], [0], run_gold=gold), "unlucky")
    assert (row.attempts, row.no_op, row.unparsable, row.examples_broken) == (4, 1, 1, 1)
    assert (row.certified, row.given_up) == (1, 0)
    assert len(set(drawn)) == 4, "the random stream goes on"


def test_a_draft_that_never_holds_is_given_up(
    monkeypatch: pytest.MonkeyPatch, toys: dict[str, Problem]
) -> None:
    def broken(problem: Problem, rng: random.Random, intensity: float) -> Draft:
        return Draft("def f(:", "f")

    install(monkeypatch, Operator("broken", "text", broken, "own", True, 0.1))
    install(monkeypatch, Operator("broken_once", "text", broken, "own", False, 0.1))
    result = perturb([toys["f"]], ["broken", "broken_once"], [0, 1], run_gold=Gold())
    assert [row.operator for row in result.variants] == ["nominal"]
    counts = yield_of(result, "broken")
    assert (counts.attempts, counts.given_up) == (2 * MAX_ATTEMPTS, 2)
    assert counts.unparsable == counts.attempts
    assert yield_of(result, "broken_once").attempts == 1


def test_gold_that_fails_really_fails_in_the_sandbox(
    monkeypatch: pytest.MonkeyPatch, toys: dict[str, Problem]
) -> None:
    def wrong(problem: Problem, rng: random.Random, intensity: float) -> Draft:
        body = "    found = [7]\n"
        return Draft(problem.prompt + body, "f", body, "    return found\n")

    install(monkeypatch, Operator("wrong", "code", wrong, "own", False, 0.1, "half_body"))
    row = yield_of(perturb([toys["f"]], ["wrong"], [0]), "wrong")
    assert (row.certified, row.gold_break) == (0, 1)


@pytest.mark.parametrize(
    ("status", "reason"), [("timeout", "gold_break"), ("harness_error", "unchecked")]
)
def test_a_failing_sandbox_is_not_a_failing_gold(
    status: Status, reason: str, toys: dict[str, Problem]
) -> None:
    result = perturb([toys["f"]], ["keyboard_typos"], [0], run_gold=Gold(status))
    counts = yield_of(result, "keyboard_typos")
    assert getattr(counts, reason) == counts.attempts > 0
    assert counts.certified == 0


def test_without_a_gold_solution_nothing_is_certified(toys: dict[str, Problem]) -> None:
    bare = Problem(
        task_id="t", prompt=toys["f"].prompt, entry_point="f", canonical_solution="", test="x"
    )
    gold = Gold()
    result = perturb([bare], ["keyboard_typos", "null"], [0], run_gold=gold)
    assert [row.operator for row in result.variants] == ["nominal"]
    assert not any(gold.calls)
    assert yield_of(result, "null").unchecked == MAX_ATTEMPTS


def test_controls_come_along_once_and_first(toys: dict[str, Problem]) -> None:
    result = perturb(
        [toys["f"]], ["dead_code", "rename_variables", "dead_code"], [3, 3], run_gold=Gold()
    )
    assert [row.operator for row in result.yields] == [
        "half_body",
        "dead_code",
        "rename_variables",
    ]
    assert [row.seed for row in result.variants] == [0, 3, 3, 3]


def test_a_variant_does_not_depend_on_what_was_drawn_beside_it(toys: dict[str, Problem]) -> None:
    alone = perturb([toys["f"]], ["swap_characters"], [2], run_gold=Gold())
    among = perturb(
        list(toys.values()), ["typo_name", "swap_characters"], range(4), run_gold=Gold()
    )
    assert alone.variants[1] in among.variants


def test_unknown_operators_are_refused_before_anything_runs(toys: dict[str, Problem]) -> None:
    gold = Gold()
    with pytest.raises(UnknownNameError):
        perturb(list(toys.values()), ["null", "nul"], [0], run_gold=gold)
    assert gold.calls == []
