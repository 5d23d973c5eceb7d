"""Which pairs are worth the most to a teacher, and a pair in the form of a problem.

A solution that the teacher writes can only be checked if the docstring has worked examples
that call the function, so those pairs come first.

    >>> rank([], seed=0)
    []
"""

import ast
import doctest
from collections.abc import Iterable

from overproof.pairs.source import missing_names, parse
from overproof.records import Pair, Problem, content_key


def rank(pairs: Iterable[Pair], seed: int = 0) -> list[Pair]:
    """Return the pairs: with examples first, then those that run alone, then the others.

    Within each group the order is random, but depends only on the seed and the pairs' keys.
    """

    def place(pair: Pair) -> tuple[int, str]:
        alone = is_self_contained(pair)
        group = 0 if alone and has_examples(pair) else 1 if alone else 2
        return group, content_key("rank", seed, pair.key)

    return sorted(pairs, key=place)


def has_examples(pair: Pair) -> bool:
    """Return whether the text has a worked example that can be run and compared.

    It has one if a doctest with an expected output calls the function by its name, with
    literal arguments only.
    """
    try:
        examples = doctest.DocTestParser().get_examples(pair.text)
    except ValueError:
        return False
    return any(example.want and _calls(example.source, pair.name) for example in examples)


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


def _calls(source: str, name: str) -> bool:
    tree = parse(source)
    return tree is not None and any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == name
        and all(_is_literal(value) for value in (*node.args, *(k.value for k in node.keywords)))
        for node in ast.walk(tree)
    )


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return False
    return True
