r"""Verdicts for evaluation frameworks that hand over one answer at a time, from any thread.

    judge = Judge(load_suite("humaneval"))
    judge.verdicts("HumanEval/0", ["    return True\n"])[0].status

One pool of sandboxed workers serves all calls and is ended with the process. An answer may be the
rest of the function, the whole of it, or either of them in a fenced block with prose around it, as
with `overproof eval`.

Limits: one call at a time; other threads wait, since the pool is one.
"""

import atexit
import threading
from collections.abc import Iterable, Sequence
from functools import cache

from overproof.engines.prompts import extract_solution
from overproof.errors import UnknownNameError
from overproof.perturbation.presets import expand, names_in
from overproof.records import Outcome, Problem, Variant
from overproof.sandbox import Limits, Pool, usable_cores
from overproof.sandbox.execute import job_for
from overproof.suites import load_suite
from overproof.suites.load import spread


class Judge:
    """Problems, and the sandbox that their answers are executed in."""

    def __init__(
        self, problems: Iterable[Problem], limits: Limits | None = None, workers: int = 0
    ) -> None:
        """Keep the problems; workers are started by the first answer, one per core by default."""
        self.problems = {problem.task_id: problem for problem in problems}
        self._pool = Pool(limits or Limits(), workers or usable_cores())
        self._turn = threading.Lock()
        atexit.register(self._pool.close)

    def verdicts(
        self, task_id: str, answers: Sequence[str], variant: Variant | None = None
    ) -> list[Outcome]:
        """Return the verdict on each answer, in order, to a variant of the prompt if one is given.

        Raises: UnknownNameError; what `Pool` raises.
        """
        if task_id not in self.problems:
            raise UnknownNameError("problem", task_id, self.problems)
        problem = self.problems[task_id]
        prompt = variant.prompt if variant else problem.prompt
        entry_point = variant.entry_point if variant else problem.entry_point
        jobs = []
        for number, answer in enumerate(answers):
            program = (
                answer
                if problem.cases
                else extract_solution(prompt, answer, entry_point, problem.language)
            )
            jobs.append(job_for(problem, str(number), program, entry_point))
        with self._turn:
            found = {outcome.key: outcome for outcome in self._pool.run(jobs)}
        return [found[str(number)] for number in range(len(answers))]


@cache
def asked(
    suite: str, operators: str = "", seeds: int = 1, limit: int | None = None
) -> tuple[list[Problem], list[Variant]]:
    """Return the problems of a suite and what is asked: nominal prompts, then perturbed ones.

    `operators` are names and presets, separated by commas; each variant is certified.

    Raises: what `load_suite` and `perturb_suite` raise.
    """
    from overproof.perturbing import perturb_suite
    from overproof.suites.multicode.perturbing import perturb_all

    problems = spread(load_suite(suite), limit)
    nominal = perturb_all(problems, (), range(1)).variants
    if not operators:
        return problems, nominal
    names = expand(names_in(operators))
    found = perturb_suite(problems, names, seeds, workers=1)  # no processes of a guest's making
    return problems, [*nominal, *found.variants]
