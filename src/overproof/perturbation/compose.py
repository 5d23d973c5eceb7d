r"""Several operators one after the other, each checked against the prompt that it was given.

A composition is a tuple of steps; a step names an operator and a seed. The draft of one step is
the problem of the next, with its own prompt, entry point and gold body, and must pass the static
checks of its operator there; the gold program is executed once, for the whole. So what holds of
every step holds of the composition.

Operators on half-written bodies begin the body: they come last, and at most one of them.

    >>> problem = Problem(
    ...     task_id="t", prompt='def add_up(x):\n    "Add up all elements."\n',
    ...     entry_point="add_up", canonical_solution="    return sum(x)\n", test="",
    ... )
    >>> draft = apply_steps(problem, (Step("camel_case", 0), Step("instruction_form", 0)))
    >>> print(draft.prompt)
    # Write a Python function `addUp` that takes `x`. Add up all elements.
    def addUp(x):
        "Add up all elements."
    <BLANKLINE>
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from overproof.perturbation.certificate import check_draft
from overproof.perturbation.draft import Draft, Operator, generator_for
from overproof.perturbation.operators import get_operator
from overproof.records import Problem


class Step(NamedTuple):
    """One operator with its seed."""

    operator: str
    seed: int


def apply_steps(problem: Problem, steps: Sequence[Step], tries: int = 5) -> Draft | None:
    """Return the prompt after all steps; None if one of them has nothing to change or fails.

    A random step is drawn up to `tries` times along its own stream, like a single operator.
    Raises: UnknownNameError for an unknown operator; ValueError for no steps.
    """
    if not steps:
        raise ValueError("a composition has at least one step")
    current, draft = problem, None
    for step in in_order(steps):
        draft = draw(current, get_operator(step.operator), step.seed, tries)
        if draft is None:
            return None
        current = derived(current, draft)
    assert draft is not None, "there was a step"
    return replace(draft, gold=current.canonical_solution)


def in_order(steps: Sequence[Step]) -> list[Step]:
    """Return the steps with those that begin the body last; else the order is kept."""
    return sorted(steps, key=lambda step: get_operator(step.operator).control != "nominal")


def derived(problem: Problem, draft: Draft) -> Problem:
    """Return the problem that a draft makes, on which the next operator works."""
    return replace(
        problem,
        prompt=draft.prompt,
        entry_point=draft.entry_point,
        canonical_solution=problem.canonical_solution if draft.gold is None else draft.gold,
    )


def draw(problem: Problem, operator: Operator, seed: int, tries: int) -> Draft | None:
    """Return the first draft of one operator that passes the static checks, of up to `tries`."""
    if not operator.perturbs(problem.language):
        return None
    rng = generator_for(problem.task_id, operator.name, seed)
    for _ in range(tries if operator.random else 1):
        draft = operator.apply(problem, rng, operator.intensity)
        if draft is None:
            return None
        if check_draft(problem, draft, operator).passed:
            return draft
    return None
