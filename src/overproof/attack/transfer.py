"""Whether the variants that broke one model break others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from overproof.attack.results import Attacked
from overproof.engines.generate import generate, name_contenders
from overproof.measure.intervals import wilson
from overproof.models import resolve_model
from overproof.perturbation import perturb
from overproof.recipe import Recipe
from overproof.records import Outcome, Sample
from overproof.sandbox.execute import execute
from overproof.store import RunFolder
from overproof.suites import load_suites


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """How many of the variants that broke one model break another."""

    model: str
    broken: int
    tried: int
    """Variants of problems that this model solves as published."""
    low: float
    high: float
    """95 % Wilson interval of the share."""

    def __str__(self) -> str:
        """Return a line for a terminal."""
        return (
            f"transfer to {self.model}: {self.broken} of {self.tried} variants break it too, on "
            f"problems that it solves as published [{100 * self.low:.1f}, {100 * self.high:.1f}] %"
        )


def try_on_others(
    names: Sequence[str], found: Sequence[Attacked], recipe: Recipe, out: Path
) -> Iterator[Transfer]:
    """Ask other models the variants that broke this one, and yield what share breaks them.

    Only problems that the other model solves as published count.
    Raises: what resolving and running a model raises.
    """
    if not names:
        return
    broken = {row.key: row for each in found if each.strategy != "null" for row in each.found}
    folder = RunFolder(out)
    problems = load_suites(recipe.suites.names, recipe.suites.problems)
    attacked = {row.task_id for row in broken.values()}
    problems = [problem for problem in problems if problem.task_id in attacked]
    nominal = perturb(problems, [], [0]).variants
    with folder.locked():
        for contender in name_contenders([resolve_model(name) for name in names]):
            samples = generate(
                contender,
                [*nominal, *broken.values()],
                recipe.models,
                recipe.sampling,
                recipe.seed,
                folder.table("samples", Sample),
            )
            outcomes = execute(
                samples,
                [*nominal, *broken.values()],
                problems,
                recipe.limits,
                folder.table("outcomes", Outcome),
            )
            verdicts = {
                sample.variant: outcome for sample, outcome in zip(samples, outcomes, strict=True)
            }
            solved = {row.task_id for row in nominal if verdicts[row.key].passed}
            tried = [row for row in broken.values() if row.task_id in solved]
            fell = sum(not verdicts[row.key].passed for row in tried)
            low, high = wilson(fell, len(tried)) if tried else (0.0, 1.0)
            yield Transfer(model=contender.name, broken=fell, tried=len(tried), low=low, high=high)
