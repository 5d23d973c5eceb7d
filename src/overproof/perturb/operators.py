"""Every operator by name: to add one, write a function and a line in its family's table.

    >>> get_operator("keyboard_typos").what
    "Hit a neighbouring key for a share of the prose's letters."

An operator of your own needs no line: name it `module:function` (or `module:OPERATOR`, for an
`Operator` with a family and a default intensity of its own).

Sources, in short: ReCode is Wang et al. 2023 (arXiv 2212.10264), NLPerturbator is Chen et al.
2024 (2406.19783), CodeCrash is Lam et al. 2025 (2504.14119). Only the ideas are theirs; the code
is ours, and so is the rule of which words are protected.
"""

import dataclasses
import importlib

from overproof.errors import UnknownNameError, UsageError
from overproof.perturb import code, framing, layout, names, text
from overproof.perturb.draft import Operator

OPERATORS: dict[str, Operator] = {
    operator.name: operator
    for operator in (
        *framing.CONTROLS,
        *text.OPERATORS,
        *names.OPERATORS,
        *code.OPERATORS,
        *layout.OPERATORS,
        *framing.OPERATORS,
    )
}


def get_operator(name: str) -> Operator:
    """Return the operator with this name, or the one that `module:function` names.

    A plain function becomes a random operator of the family `prompt` with intensity 1; it must
    keep the program as it is, comments and docstrings apart.

    Raises: UnknownNameError; UsageError if the module has no such operator.
    """
    if name in OPERATORS:
        return OPERATORS[name]
    module_name, colon, attribute = name.partition(":")
    if not colon:
        raise UnknownNameError(
            "operator", name, OPERATORS, hint="your own operator: module:function"
        )
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(
            f"operator {name!r}: {error}",
            hint="module:function must be importable from where you are",
        ) from None
    if isinstance(found, Operator):
        return dataclasses.replace(found, name=name)
    if not callable(found):
        raise UsageError(
            f"operator {name!r}: got {type(found).__name__}, not a function or an Operator",
            hint="see overproof.perturb.draft.Operator",
        )
    return Operator(name, "prompt", found, "own", True, 1.0)
