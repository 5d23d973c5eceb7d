"""HumanEval itself: all canonical solutions pass; its known holes are closed."""

import pytest

from overproof.fetch import fetch
from overproof.records import Problem
from overproof.sandbox import ExampleJob, Job, Limits, parse_examples, run_jobs
from overproof.suites.read import read_problems

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def problems() -> dict[str, Problem]:
    return {p.task_id: p for p in read_problems(fetch("humaneval"), suite="humaneval")}


def job(problem: Problem, program: str) -> Job:
    return Job(
        key=problem.task_id,
        task_id=problem.task_id,
        program=program,
        entry_point=problem.entry_point,
        prompt=problem.prompt,
        reference=problem.canonical_solution,
        test=problem.test,
    )


def test_all_canonical_solutions_pass(problems: dict[str, Problem]) -> None:
    jobs = [job(p, p.prompt + p.canonical_solution) for p in problems.values()]
    outcomes = list(run_jobs(jobs, Limits()))
    assert len(outcomes) == 164
    assert [outcome for outcome in outcomes if not outcome.passed] == []


def test_redefined_helpers_and_emptied_inputs_do_not_pass(problems: dict[str, Problem]) -> None:
    wrong = {
        "HumanEval/32": "def poly(xs, x): return 0\ndef find_zero(xs): return xs.clear() or 0\n",
        "HumanEval/38": "def encode_cyclic(s): return s\ndef decode_cyclic(s): return s\n",
        "HumanEval/50": "def encode_shift(s): return s\ndef decode_shift(s): return s\n",
    }
    outcomes = run_jobs([job(problems[name], text) for name, text in wrong.items()], Limits())
    assert {outcome.status for outcome in outcomes} == {"wrong_answer"}


# Prompts whose own worked example is not what their canonical solution returns.
MISTAKEN_EXAMPLES = {"HumanEval/47"}


def test_canonical_solutions_pass_the_examples_of_their_prompts(
    problems: dict[str, Problem],
) -> None:
    jobs = [
        ExampleJob(
            key=p.task_id,
            task_id=p.task_id,
            program=p.prompt + p.canonical_solution,
            entry_point=p.entry_point,
            examples=examples,
        )
        for p in problems.values()
        if (examples := parse_examples(p.prompt, p.entry_point))
    ]
    assert len(jobs) > 60
    failed = {outcome.key for outcome in run_jobs(jobs, Limits()) if not outcome.passed}
    assert failed == MISTAKEN_EXAMPLES
