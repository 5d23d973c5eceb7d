"""Perturbations: plain functions, and a certificate for everything that they make.

    draft           what an operator is and returns, and how it may draw
    operators       all of them by name; presets: sets, and the names of other suites
    text            characters, words, grammar, sentences, notation (of examples and numbers),
                    on what docstring, examples, tagging and lexicon know
    names           names, renaming, with a vocabulary
    code            code, built from inserts, variables, loops, conditions, rewrites on halves
    layout          layout, with lines
    prompt          framing, stories, remarks; neighbours and combined do several things
    other languages languages, comments, spacing, on grammars and trees
    rewriting       prose that a language model writes
    certificate     what is checked; naturalness: how it reads
    variants        problems -> certified variants, and what each operator yielded
    compose, search several operators at once, and which to try next
    audit           prompts that another tool perturbed, read by claims

To see one: `overproof operators show keyboard_typos`.
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
