"""Every operator by name: to add one, write a function and a line in its family's table.

    >>> get_operator("keyboard_typos").what
    "Hit a neighbouring key for a share of the prose's letters."

An operator of your own needs no line: name it `module:function` (or `module:OPERATOR`, for an
`Operator` with a family and a default intensity of its own). One that an installed package adds
goes by its name (`overproof.plugins`).

Sources, in short: ReCode is Wang et al. 2023 (arXiv 2212.10264), NLPerturbator is Chen et al.
2024 (2406.19783), CodeCrash is Lam et al. 2025 (2504.14119). Only the ideas are theirs; the code
is ours, and so is the rule of which words are protected.
"""

import dataclasses
import importlib
from collections.abc import Iterable

from overproof.errors import UnknownNameError, UsageError
from overproof.perturbation import combined
from overproof.perturbation.code import structure as code
from overproof.perturbation.draft import Operator
from overproof.perturbation.layout import settings as layout
from overproof.perturbation.names import meanings, slips
from overproof.perturbation.prompt import framing, neighbours, remarks, stories
from overproof.perturbation.text import characters, grammar, notation, sentences, words
from overproof.plugins import load_plugin, plugins

PROSE_KINDS = ("character", "space", "word", "grammar")
"""What edits words of prose works wherever they are found, in any language that has a grammar."""


def _anywhere(operator: Operator) -> Operator:
    """Return the operator as it stands in the table: prose and names have no language."""
    if operator.kind in PROSE_KINDS or operator.family in ("names", "null"):
        return dataclasses.replace(operator, languages=())
    return operator


OPERATORS: dict[str, Operator] = {
    operator.name: _anywhere(operator)
    for operator in (
        *framing.CONTROLS,
        *characters.OPERATORS,
        *words.OPERATORS,
        *grammar.OPERATORS,
        *sentences.OPERATORS,
        *notation.OPERATORS,
        *slips.OPERATORS,
        *meanings.OPERATORS,
        *code.OPERATORS,
        *layout.OPERATORS,
        *framing.OPERATORS,
        *stories.OPERATORS,
        *remarks.OPERATORS,
        *neighbours.OPERATORS,
        *combined.OPERATORS,
    )
}


def get_operator(name: str) -> Operator:
    """Return the operator with this name, ours or another suite's, or that of `module:function`.

    A plain function becomes a random operator of the family `prompt` with intensity 1; it must
    keep the program as it is, comments and docstrings apart.

    Raises: UnknownNameError; UsageError if the module has no such operator.
    """
    from overproof.perturbation.presets import (  # it names the operators of this table
        ALIASES,
        alias,
    )
    from overproof.perturbation.rewriting import rewriting_of

    if found := OPERATORS.get(name) or alias(name):
        return found
    module_name, colon, attribute = name.partition(":")
    if rewriting_of(name):
        raise UsageError(
            f"operator {name!r} needs a model that writes",
            hint="overproof perturb --writer MODEL makes its variants",
        )
    if colon:
        try:
            added = getattr(importlib.import_module(module_name), attribute)
        except (ImportError, AttributeError, ValueError) as error:
            raise UsageError(
                f"operator {name!r}: {error}",
                hint="module:function must be importable from where you are",
            ) from None
    else:
        added = load_plugin("operator", name)
    if added is None:
        known = (*OPERATORS, *ALIASES, *plugins("operator"))
        raise UnknownNameError("operator", name, known, hint="your own operator: module:function")
    return _own(name, added)


def _own(name: str, found: object) -> Operator:
    """Return what a user or a package wrote as an operator. Raises: UsageError."""
    if isinstance(found, Operator):
        return dataclasses.replace(found, name=name)
    if not callable(found):
        raise UsageError(
            f"operator {name!r}: got {type(found).__name__}, not a function or an Operator",
            hint="see overproof.perturbation.draft.Operator",
        )
    return Operator(name, "prompt", found, "own", True, 1.0)


def seen_operators(names: Iterable[str], trained: Iterable[str]) -> frozenset[str]:
    """Return those of `names` that do what training has seen, under whatever name.

    >>> sorted(seen_operators(["E1", "camel_case", "keyboard_typos"], ["keyboard_typos"]))
    ['E1', 'keyboard_typos']
    """
    known = {function for name in trained for function in _functions(get_operator(name))}
    return frozenset(name for name in names if known.intersection(_functions(get_operator(name))))


def _functions(operator: Operator) -> set[object]:
    """Return the functions that an operator is made of."""
    parts = {function for name in operator.parts for function in _functions(get_operator(name))}
    return parts or {operator.apply}
