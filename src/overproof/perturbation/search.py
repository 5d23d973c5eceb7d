"""The adversary's part that needs no model: which composition of operators to try next.

A strategy is a function of what was tried on this problem so far, so a search that was killed
goes on exactly where it was. Every composition it proposes is certified before it is used; what
is no certified variant, or reads too unnaturally, costs no query.

    random      one operator at a time, all alike: the baseline, worst-of-q
    greedy      add one step to the best composition so far
    evolution   a small population; children are crossed, extended, cut, drawn anew
    null        the prompt as it is, again and again: what noise alone would break

Pressure says how near to failing a trial was: how far the answer drifted from the nominal one
(black box, free), or the model's loss on a right solution (white box). The two that learn draw
operators by Thompson sampling (1933; Chapelle and Li, NeurIPS 2011): of one draw from each
operator's Beta posterior the greatest wins. The posterior starts from what was measured on
another occasion, at a discount, and counts what was asked since, on this problem more than on
others.

    >>> arsenal = Arsenal(("camel_case", "keyboard_typos"))
    >>> propose("null", [], arsenal, random.Random(0), max_steps=3)
    (Step(operator='null', seed=1813382118),)
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from overproof.perturbation.compose import Step
from overproof.perturbation.draft import pick

Composition = tuple[Step, ...]
StrategyName = Literal["random", "greedy", "evolution", "null"]

FOUNDERS = 4
"""Trials of fresh steps before the population breeds."""
FOUNDER_STEPS = 2
"""Steps of a founder: two strike more often than one, and read nearly as well."""
SPREAD = (0.5, 1.5)
"""Beta prior of an operator that was never tried: one draw in four breaks, loosely held."""
DISCOUNT = 0.5
"""Weight of what was measured before, perhaps on another model, against what is seen now."""
LOCAL = 2
"""What a trial that this problem withstood counts more, for this problem."""
PARENTS = 4
"""The best trials, among which parents are picked."""


@dataclass(frozen=True)
class Trial:
    """A composition that was tried."""

    steps: Composition
    failed: bool
    """Whether the model's program failed."""
    pressure: float
    """How near to failing it was; only the order matters."""


@dataclass
class Arsenal:
    """The operators that may be used, and how often each was part of a trial that broke."""

    operators: tuple[str, ...]
    prior: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Per operator how many of how many solved problems one variant broke, measured before."""
    uses: Counter[str] = field(default_factory=Counter)
    breaks: Counter[str] = field(default_factory=Counter)

    def learn(self, trials: Iterable[Trial]) -> None:
        """Count what these trials say about their operators."""
        for trial in trials:
            names = {step.operator for step in trial.steps}
            self.uses.update(names)
            self.breaks.update(names if trial.failed else ())

    def draw_evenly(self, rng: random.Random) -> Step:
        """Return one step of an operator drawn uniformly."""
        seed = int(rng.random() * 2**31)
        return Step(pick(rng, self.operators), seed)

    def draw_strong(self, rng: random.Random, history: Sequence[Trial] = ()) -> Step:
        """Return one step by Thompson sampling; `history` is what this problem withstood."""
        seed = int(rng.random() * 2**31)
        here = Counter(name for trial in history for name in {s.operator for s in trial.steps})
        chances = {name: rng.betavariate(*self._posterior(name, here)) for name in self.operators}
        return Step(max(self.operators, key=chances.__getitem__), seed)

    def _posterior(self, name: str, here: Counter[str]) -> tuple[float, float]:
        broke, asked = self.prior.get(name, (0, 0))
        return (
            SPREAD[0] + DISCOUNT * broke + self.breaks[name],
            SPREAD[1]
            + DISCOUNT * (asked - broke)
            + self.uses[name]
            - self.breaks[name]
            + LOCAL * here[name],
        )


def propose(
    strategy: StrategyName,
    history: Sequence[Trial],
    arsenal: Arsenal,
    rng: random.Random,
    max_steps: int,
) -> Composition:
    """Return the composition to try next on a problem with this history.

    Raises: KeyError for an unknown strategy.
    """
    return STRATEGIES[strategy](history, arsenal, rng, max_steps)


def _random(
    history: Sequence[Trial], arsenal: Arsenal, rng: random.Random, max_steps: int
) -> Composition:
    return (arsenal.draw_evenly(rng),)


def _null(
    history: Sequence[Trial], arsenal: Arsenal, rng: random.Random, max_steps: int
) -> Composition:
    return (Step("null", int(rng.random() * 2**31)),)


def _greedy(
    history: Sequence[Trial], arsenal: Arsenal, rng: random.Random, max_steps: int
) -> Composition:
    if not history:
        return (arsenal.draw_strong(rng),)
    best = max(history, key=lambda trial: trial.pressure).steps
    return _extended(best, history, arsenal, rng, max_steps)


def _evolution(
    history: Sequence[Trial], arsenal: Arsenal, rng: random.Random, max_steps: int
) -> Composition:
    if len(history) < FOUNDERS:
        return _founder(history, arsenal, rng, max_steps)
    best = sorted(history, key=lambda trial: -trial.pressure)[:PARENTS]
    # the better of two, twice
    first, second = (min(int(rng.random() * len(best)) for _ in range(2)) for _ in range(2))
    child = _crossed(best[first].steps, best[second].steps, max_steps)
    change = pick(rng, ("extend", "extend", "redraw", "replace", "cut"))
    if change == "cut" and len(child) > 1:
        gone = int(rng.random() * len(child))
        return child[:gone] + child[gone + 1 :]
    if change in ("redraw", "replace"):
        place = int(rng.random() * len(child))
        fresh = arsenal.draw_strong(rng, history)
        name = child[place].operator if change == "redraw" else fresh.operator
        return (*child[:place], Step(name, fresh.seed), *child[place + 1 :])
    return _extended(child, history, arsenal, rng, max_steps)


def _founder(
    history: Sequence[Trial], arsenal: Arsenal, rng: random.Random, max_steps: int
) -> Composition:
    """Return fresh steps, no operator twice."""
    steps: dict[str, Step] = {}
    for _ in range(min(FOUNDER_STEPS, max_steps)):
        step = arsenal.draw_strong(rng, history)
        steps.setdefault(step.operator, step)
    return tuple(steps.values())


def _extended(
    steps: Composition,
    history: Sequence[Trial],
    arsenal: Arsenal,
    rng: random.Random,
    max_steps: int,
) -> Composition:
    """Return the steps with one more, in the place of a random one where there are enough."""
    step = arsenal.draw_strong(rng, history)
    if len(steps) < max_steps:
        return (*steps, step)
    place = int(rng.random() * len(steps))
    return (*steps[:place], step, *steps[place + 1 :])


def _crossed(first: Composition, second: Composition, max_steps: int) -> Composition:
    """Return the first one's steps and those of the second whose operators it lacks."""
    own = {step.operator for step in first}
    return (*first, *(step for step in second if step.operator not in own))[:max_steps]


Strategy = Callable[[Sequence[Trial], Arsenal, random.Random, int], Composition]

STRATEGIES: dict[StrategyName, Strategy] = {
    "random": _random,
    "greedy": _greedy,
    "evolution": _evolution,
    "null": _null,
}
