"""Perturbations: plain functions, and a certificate for everything that they make.

    draft           what an operator is and returns, and how it may draw
    operators       all of them by name; presets: sets, and the names of other suites
    text/           characters, words, grammar, sentences, worked examples
    names/          the entry point under another name
    code/           a half-written body, changed
    layout/         the same code and words, set differently
    prompt/         what stands around the function
    combined        several of these at once
    languages/      all that in twelve other languages, where it can be had
    rewriting       prose that a language model writes
    certificate     what is checked; naturalness: how it reads
    variants        problems -> certified variants, and what each operator yielded
    compose, search several operators at once, and which to try next
    audit           prompts that another tool perturbed, read by claims

To see one: `overproof operators show keyboard_typos`.
"""

from overproof.perturbation.draft import Draft, Operator
from overproof.perturbation.operators import OPERATORS, get_operator, seen_operators
from overproof.perturbation.variants import PerturbResult, Yield, perturb, perturb_prompt

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
