"""Which pairs are worth the most to a teacher, and a pair in the form of a problem.

A solution that the teacher writes can only be checked if the docstring has worked examples
that call the function, so those pairs come first.

    >>> rank([], seed=0)
    []
"""

from collections.abc import Iterable

from overproof.pairs.source import missing_names, parse
from overproof.records import Pair, Problem, content_key
from overproof.sandbox import parse_examples


def rank(pairs: Iterable[Pair], seed: int = 0) -> list[Pair]:
    """Return the pairs: with examples first, then those that run alone, then the others.

    Of other languages than Python it is not known what runs alone, and they count as if they did.
    Within each group the order is random, but depends only on the seed and the pairs' keys.
    """

    def place(pair: Pair) -> tuple[int, str]:
        alone, foreign = is_self_contained(pair), pair.language != "python"
        group = 0 if alone and has_examples(pair) else 1 if alone or foreign else 2
        return group, content_key("rank", seed, pair.key)

    return sorted(pairs, key=place)


def has_examples(pair: Pair) -> bool:
    """Return whether the text has a worked example that can be run and compared.

    It has one if a doctest calls the function by its name, with literal arguments only, and a
    literal is what it expects.
    """
    return bool(parse_examples(pair.prompt, pair.name))


def is_self_contained(pair: Pair) -> bool:
    """Return whether the pair's function reads only builtins and what its prompt imports.

    Always False for other languages than Python, where this cannot be told.
    """
    program = pair.prompt + pair.body
    if pair.language != "python" or parse(program) is None:
        return False
    return not missing_names(program)


def as_problem(pair: Pair) -> Problem:
    """Return a problem of the suite `pairs`, without tests, so that operators apply to it."""
    return Problem(
        task_id=f"pair/{pair.key[:12]}",
        prompt=pair.prompt,
        entry_point=pair.name,
        canonical_solution=pair.body,
        test="",
        suite="pairs",
        language=pair.language,
    )
