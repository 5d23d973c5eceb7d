"""What an operator is, what it returns, and the only ways in which it may draw.

An operator is a plain function of a problem, a generator and an intensity. The same (task,
operator, seed) gives the same bytes on any machine: generators are seeded by SHA-256, and
everything is drawn through `Random.random`, the one method whose stream Python promises to keep.

    >>> generator_for("HumanEval/0", "keyboard_typos", 0).random()
    0.22430487539377875

Not covered: an operator that reads the clock, the environment or the order of a set.
"""

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from overproof.records import Family, Problem

Item = TypeVar("Item")


@dataclass(frozen=True)
class Draft:
    """A perturbed prompt that nothing has been checked about yet."""

    prompt: str
    entry_point: str
    """The name that the tests must call."""
    partial: str = ""
    """The half-written body at the prompt's end; empty where the body is not begun."""
    gold: str | None = None
    """What completes `prompt` to a correct program; None for the canonical solution."""


Apply = Callable[[Problem, random.Random, float], Draft | None]
"""Perturb a problem; None where there is nothing that this operator could change."""

Kind = Literal["", "character", "space", "word", "grammar", "sentence"]
"""What an operator of the family `text` works on; empty for the other families."""

Rewrites = Literal["", "examples", "no_examples", "numbers"]
"""What an operator may write differently besides prose: the notation of the worked examples, the
examples left out, numbers as words; empty for nothing, which is what nearly all claim."""


@dataclass(frozen=True)
class Operator:
    """A named perturbation: one line of its family's table."""

    name: str
    family: Family
    apply: Apply
    source: str
    """The paper or tool that the idea comes from, or "own"."""
    random: bool
    """Whether two seeds may give two prompts; if not, only the first seed is drawn."""
    intensity: float
    """The share of letters, words, lines … that is touched unless told otherwise, in [0, 1]."""
    control: str = "nominal"
    """The fair nominal of its variants: `nominal`, or the operator that makes it."""
    kind: Kind = ""
    rewrites: Rewrites = ""
    languages: tuple[str, ...] = ("python",)
    """Languages of the problems that it can perturb; empty for any that has a grammar."""
    few: str = ""
    """Why it has nothing to change in many problems, where that is so."""
    parts: tuple[str, ...] = ()
    """Operators that a combined one is made of, by name."""
    deterministic: bool = True
    """Whether the same seed gives the same bytes; False for what a model writes."""

    def perturbs(self, language: str) -> bool:
        """Return whether it can do anything with problems in this language."""
        return not self.languages or language in self.languages

    @property
    def what(self) -> str:
        """The first line of the function's docstring."""
        return (self.apply.__doc__ or self.name).strip().split("\n")[0]


def generator_for(task_id: str, operator: str, seed: int) -> random.Random:
    """Return the generator that belongs to one (task, operator, seed)."""
    digest = hashlib.sha256(f"{task_id}\x1f{operator}\x1f{seed}".encode()).digest()
    return random.Random(int.from_bytes(digest[:16], "big"))


def pick(rng: random.Random, items: Sequence[Item]) -> Item:
    """Return one of the items, each with the same chance.

    Raises: IndexError if there are none.
    """
    return items[int(rng.random() * len(items))]


def shuffled(rng: random.Random, items: Sequence[Item]) -> list[Item]:
    """Return the items in random order (Fisher–Yates over `random()`)."""
    order = list(items)
    for last in range(len(order) - 1, 0, -1):
        other = int(rng.random() * (last + 1))
        order[last], order[other] = order[other], order[last]
    return order


def share(intensity: float, total: int) -> int:
    """Return how many of `total` things to touch: the nearest count, but at least one.

    >>> [share(0.05, total) for total in (0, 4, 100)]
    [0, 1, 5]
    """
    return min(total, max(1, int(intensity * total + 0.5)))


def by_chance(rng: random.Random, items: Sequence[Item], chance: float) -> list[Item]:
    """Return the items that are drawn, each with this chance, in order; at least one if any.

    Where there are few items, as many draws differ as can: a fixed share of three words out of
    four would give four prompts only.
    """
    drawn = [item for item in items if rng.random() < chance]
    return drawn if drawn or not items else [pick(rng, items)]
