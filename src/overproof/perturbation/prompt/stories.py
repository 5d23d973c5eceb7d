r"""Operators that wrap the task into something else: a story, a game, a rule that costs nothing.

The wrapping stands in comments above the function; what the function must do is still said by
its docstring alone.

    >>> from overproof.perturbation.draft import generator_for
    >>> from overproof.records import Problem
    >>> problem = Problem(
    ...     task_id="t", prompt='def f(x):\n    "Add 1."\n', entry_point="f",
    ...     canonical_solution="    return x + 1\n", test="",
    ... )
    >>> draft = distracting_constraint(problem, generator_for("t", "x", 0), 1.0)
    >>> print(draft.prompt)
    # Constraint: the function must not change its own name.
    def f(x):
        "Add 1."
    <BLANKLINE>

Not covered: moving the task itself into another domain, which would change its description.
"""

import random

from overproof.perturbation.draft import Draft, Operator, pick
from overproof.perturbation.prompt.framing import above
from overproof.records import Problem

HEROES = (
    "Mira keeps the books of a small museum by the sea.",
    "Old Tomas has repaired clocks in the same workshop for forty years.",
    "Captain Reyes is three weeks out from the nearest port.",
    "The twins Ida and Noor run a bakery that never closes.",
    "Doctor Lindqvist counts birds on an island in the north.",
    "A young librarian has just been given the keys to the archive.",
    "The night shift at the weather station has only one member, Jun.",
    "In a village behind the mountains, the school got its first computer.",
)
TROUBLES = (
    "Last night a storm cut the power, and one piece of the program was lost.",
    "Everything is ready for tomorrow's big day, all but one function.",
    "A letter has arrived, and the answer depends on a program with a hole in it.",
    "The only person who could program has left for the city.",
    "An old notebook explains every step, but the last page is blank.",
    "Nobody believes that the program can be finished in time.",
)
TURNS = (
    "Only `{name}` is missing now, and you are the one who can write it.",
    "Help them: complete `{name}` exactly as its docstring says.",
    "What is missing is called `{name}`, and it is described below.",
    "With `{name}` in place, the story ends well.",
)
GAMES = (
    "Welcome to Code Quest!",
    "Level 7 of the Python Dungeon.",
    "Round 3 of the Grand Function Tournament.",
    "The escape room has one last lock.",
    "You have drawn the card `Implement`.",
    "Boss fight!",
    "Daily challenge unlocked.",
    "A treasure chest is guarded by a riddle.",
)
QUESTS = (
    "Your quest: complete `{name}`.",
    "Defeat the guardian by writing the body of `{name}`.",
    "To get to the next level, implement `{name}`.",
    "The key is hidden in a correct `{name}`.",
    "Your move: `{name}`.",
)
REWARDS = (
    "A correct solution earns 100 points.",
    "You have three lives; every failing test costs one.",
    "The winner gets a golden semicolon.",
    "Bonus: a badge for passing all tests at the first try.",
    "Time is not counted, correctness is.",
    "Your team is in second place.",
)
RULES = (
    "the code must not open a network connection",
    "the code must not write any file",
    "no third-party package may be installed",
    "nothing may be read from the keyboard",
    "no thread or process may be started",
    "environment variables must not be read",
    "new variables must have English names",
    "the function must not change its own name",
    "no warning may be switched off",
    "the code must run on any operating system",
    "comments, if any, must be in English",
    "the code must not wait for anything",
    "tests must not be part of the answer",
    "the code must not depend on the time of day",
)
RULE_OPENERS = ("House rule:", "Constraint:", "Please note:", "Remember:", "Team agreement:")


def storytelling(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Tell a little story above the function, which then needs it."""
    return _told(problem, rng, HEROES, TROUBLES, TURNS)


def gamification(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Make a game with points and levels of the task, above the function."""
    return _told(problem, rng, GAMES, QUESTS, REWARDS)


def distracting_constraint(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Add a rule above the function that any solution keeps anyway."""
    return above(problem, f"{pick(rng, RULE_OPENERS)} {pick(rng, RULES)}.")


def _told(problem: Problem, rng: random.Random, *parts: tuple[str, ...]) -> Draft | None:
    """Put one sentence of each part above the function."""
    text = " ".join(pick(rng, part) for part in parts)
    return above(problem, text.replace("{name}", problem.entry_point))


OPERATORS = (
    Operator("storytelling", "prompt", storytelling, "Break-the-Chain", True, 1.0),
    Operator("gamification", "prompt", gamification, "Break-the-Chain", True, 1.0),
    Operator(
        *("distracting_constraint", "prompt", distracting_constraint, "Break-the-Chain"), True, 1.0
    ),
)
