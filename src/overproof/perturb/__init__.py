"""Perturbations: plain functions, and a certificate for everything that they make.

    draft          what an operator is and returns, and how it may draw
    text, names,   the operators, one file per family
    code, layout,
    framing
    operators      the literal table of all of them
    docstring      which words of a docstring may be touched
    certificate    what is checked
    variants       problems -> certified variants, and what each operator yielded

To see one: `python -m doctest -v src/overproof/perturb/text.py`.
"""

from overproof.perturb.draft import Draft, Operator
from overproof.perturb.operators import OPERATORS, get_operator, seen_operators
from overproof.perturb.variants import PerturbResult, Yield, perturb, perturb_prompt

__all__ = [
    "OPERATORS",
    "Draft",
    "Operator",
    "PerturbResult",
    "Yield",
    "get_operator",
    "perturb",
    "perturb_prompt",
    "seen_operators",
]
