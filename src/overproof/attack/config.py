"""What an adversary may use and spend, checked before anything is loaded."""

import math
from dataclasses import dataclass
from typing import Any, Literal

from overproof.errors import UsageError
from overproof.perturbation import get_operator
from overproof.perturbation.presets import expand, get_preset, names_in
from overproof.perturbation.search import StrategyName


@dataclass(frozen=True, kw_only=True)
class AttackConfig:
    """How the adversary searches."""

    strategies: tuple[StrategyName, ...] = ("random", "evolution")
    """Searches that are run side by side on the same problems."""
    budget: int = 20
    """Queries per problem."""
    operators: tuple[str, ...] = ()
    """What may be composed; each compared with the published prompt."""
    prior: Literal["measured", "flat"] = "measured"
    """What a search that learns knows of the operators at first; see `strengths`."""
    guide: Literal["drift", "loss"] = "drift"
    """What a search climbs: how far the answer drifted, or the model's loss on a right answer."""
    candidates: int = 4
    """With `loss`: compositions scored for one query."""
    max_steps: int = 4
    """Operators in one composition."""
    min_naturalness: float = 0.8
    """Variants below are not used; see `Certificate.naturalness`."""
    max_perplexity_ratio: float = math.inf
    """Variants above are not used; needs a judge."""
    seed: int = 0


def check_config(config: AttackConfig, judge: str = "") -> None:
    """Refuse what cannot be compared with the published prompt, or makes no sense.

    Raises: UsageError, UnknownNameError.
    """
    for name in config.operators:
        if (operator := get_operator(name)).control != "nominal":
            raise UsageError(
                f"operator {name!r} starts from {operator.control}, not from the published prompt",
                hint="attack with the families text, names, layout and prompt",
            )
    if not config.operators:
        raise UsageError("no operator to attack with", hint="--operators NAME,NAME or a preset")
    if config.budget < 1 or config.max_steps < 1 or config.candidates < 1:
        raise UsageError("budget, max_steps and candidates must be at least 1")
    if config.max_perplexity_ratio < math.inf and not judge:
        raise UsageError(
            "a limit on the perplexity ratio needs a model that tells it", hint="--judge MODEL"
        )


def attack_config(
    operators: str, max_perplexity_ratio: float | None, **settings: Any
) -> AttackConfig:
    """Return the configuration that these options make; without operators, all that may be used.

    Raises: UnknownNameError.
    """
    names = expand(names_in(operators)) if operators else default_operators()
    limit = math.inf if max_perplexity_ratio is None else max_perplexity_ratio
    return AttackConfig(operators=names, max_perplexity_ratio=limit, **settings)


def default_operators() -> tuple[str, ...]:
    """Return every operator that is compared with the published prompt and drops nothing of it."""
    return tuple(
        name
        for name in get_preset("all")
        if get_operator(name).control == "nominal" and not get_operator(name).rewrites
    )
