"""Every operator by name: to add one, write a function and put one line here.

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

# name, family, function, source, random, intensity
OPERATORS: dict[str, Operator] = {
    "null": Operator("null", "null", framing.null, "own", True, 0.0),
    "keyboard_typos": Operator("keyboard_typos", "text", text.keyboard_typos, "ReCode", True, 0.05),
    "swap_characters": Operator(
        "swap_characters", "text", text.swap_characters, "ReCode", True, 0.05
    ),
    "change_case": Operator("change_case", "text", text.change_case, "ReCode", True, 0.35),
    "repeat_words": Operator(
        "repeat_words", "text", text.repeat_words, "NLPerturbator", True, 0.15
    ),
    "camel_case": Operator("camel_case", "names", names.camel_case, "ReCode", False, 1.0),
    "typo_name": Operator("typo_name", "names", names.typo_name, "ReCode", True, 0.1),
    "half_body": Operator("half_body", "code", code.half_body, "ReCode", False, 0.0),
    "dead_code": Operator("dead_code", "code", code.dead_code, "ReCode", True, 0.25, "half_body"),
    "for_to_while": Operator(
        "for_to_while", "code", code.for_to_while, "ReCode", False, 1.0, "half_body"
    ),
    "rename_variables": Operator(
        "rename_variables", "code", code.rename_variables, "ReCode", False, 1.0, "half_body"
    ),
    "blank_lines": Operator("blank_lines", "layout", layout.blank_lines, "ReCode", True, 0.5),
    "tab_indent": Operator("tab_indent", "layout", layout.tab_indent, "ReCode", False, 1.0),
    "docstring_to_comments": Operator(
        "docstring_to_comments", "layout", layout.docstring_to_comments, "ReCode", False, 1.0
    ),
    "instruction_form": Operator(
        "instruction_form", "prompt", framing.instruction_form, "own", False, 1.0
    ),
    "distracting_remark": Operator(
        "distracting_remark", "prompt", framing.distracting_remark, "own", True, 1.0
    ),
    "misleading_hint": Operator(
        "misleading_hint", "prompt", framing.misleading_hint, "CodeCrash", True, 1.0
    ),
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
