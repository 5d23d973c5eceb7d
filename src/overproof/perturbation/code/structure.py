r"""Operators on code that is already half written: the prompt goes on into the body.

Their fair nominal is `half_body`, the same half-written prompt without any change: a half-written
body helps a model by itself. `gold` is the rest of the (consistently changed) body. What the
operators do to a half is written in `inserts`, `variables`, `loops`, `conditions` and `rewrites`.

Not covered: bodies of one statement (40 of HumanEval's 164) have no half; such problems are
counted as not applicable.

    >>> from overproof.records import Problem
    >>> problem = Problem(
    ...     task_id="t", prompt='def f(x):\n    "Add 1."\n', entry_point="f",
    ...     canonical_solution="    y = x + 1\n    return y\n", test="",
    ... )
    >>> rename_variables(problem, random.Random(0), 1.0).partial
    '    var_0 = x + 1\n'
"""

import random

from overproof.perturbation.code import conditions, inserts, loops, rewrites, variables
from overproof.perturbation.code.halves import draft_of, halve, rewritten
from overproof.perturbation.draft import Draft, Operator
from overproof.records import Problem


def half_body(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Begin the body, change nothing: the control of what works on half-written prompts."""
    half = halve(problem)
    return draft_of(half) if half else None


def dead_code(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Insert blocks that never run before a share of the half-written body's statements."""
    return rewritten(problem, rng, intensity, inserts.insert_dead_code)


def dead_code_last(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Insert a block that never runs where the half-written body ends."""
    return rewritten(problem, rng, intensity, inserts.append_dead_code)


def garbage_code(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Insert functions, loops and values that nothing reads into the half-written body."""
    return rewritten(problem, rng, intensity, inserts.insert_garbage)


def misleading_comments(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Add comments that are false to a share of the half-written body's statements."""
    return rewritten(problem, rng, intensity, inserts.insert_comments)


def misleading_prints(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Add prints of what is false before a share of the half-written body's statements."""
    return rewritten(problem, rng, intensity, inserts.insert_prints)


def for_to_while(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Write every loop of the half-written body as another one: `for` as `while`, for example."""
    return rewritten(problem, rng, intensity, lambda half, _, __: loops.rewrite_loops(half))


def operand_swap(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Turn the half-written body's comparisons around, `a < b` to `b > a`."""
    return rewritten(problem, rng, intensity, lambda half, _, __: rewrites.swap_operands(half))


def swap_branches(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Negate the half-written body's conditions and swap their branches."""
    return rewritten(problem, rng, intensity, lambda half, _, __: conditions.swap_branches(half))


def rewrite_conditionals(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Write a share of the half-written body's conditions in an odd form."""
    return rewritten(problem, rng, intensity, conditions.odd_conditions)


def expand_assignments(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Write the half-written body's `x += 1` as `x = x + 1`, and `a, b = 0, 1` as two lines."""
    return rewritten(problem, rng, intensity, lambda half, _, __: rewrites.expand_assignments(half))


def rename_variables(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Give the variables of the half-written body names that say nothing."""
    return rewritten(problem, rng, intensity, variables.rename_all)


def rename_variable_naive(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Call the most frequent variable of the half-written body VAR_0."""
    return rewritten(problem, rng, intensity, variables.rename_naive)


def rename_variable_random(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Call the most frequent variable by random letters and digits, as many of each."""
    return rewritten(problem, rng, intensity, variables.rename_random)


def rename_variable_natural(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Call the most frequent variable as somebody else might have called it.

    ReCode asks CodeBERT for the name; here it follows from what the variable is bound to, the
    types of the parameters, and the words with which the description says what is returned.
    """
    return rewritten(problem, rng, intensity, lambda half, _, __: variables.rename_natural(half))


def all_structural(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Rename the variables, put conditions oddly and insert garbage, all at once."""
    half = halve(problem)
    if half is None:
        return None
    changes = 0
    for rewrite in (variables.rename_all, conditions.odd_conditions, inserts.insert_garbage):
        changed = rewrite(half, rng, intensity)
        changes += changed is not None
        half = changed or half
    return draft_of(half) if changes > 1 else None


NO_HALF = "a body of one statement has no half"
NO_LOOP = f"{NO_HALF}, and many a first half holds no loop"
NO_TEST = f"{NO_HALF}, and many a first half tests nothing"
NO_SWAP = f"{NO_HALF}, and many a first half compares nothing, or asks `in` and `is` only"
NO_NAME = f"{NO_HALF}, and some first halves bind nothing"
NO_SHORT = f"{NO_HALF}, and many a first half has none that is sure to mean the same"

OPERATORS = (
    Operator("half_body", "code", half_body, "ReCode", False, 0.0, few=NO_HALF),
    Operator("dead_code", "code", dead_code, "ReCode", True, 0.25, "half_body", few=NO_HALF),
    Operator("dead_code_last", "code", dead_code_last, "ReCode", True, 1.0, "half_body",
             few=NO_HALF),
    Operator("for_to_while", "code", for_to_while, "ReCode", False, 1.0, "half_body", few=NO_LOOP),
    Operator("operand_swap", "code", operand_swap, "ReCode", False, 1.0, "half_body", few=NO_SWAP),
    Operator("rename_variable_naive", "code", rename_variable_naive, "ReCode", False, 1.0,
             "half_body", few=NO_NAME),
    Operator("rename_variable_random", "code", rename_variable_random, "ReCode", True, 1.0,
             "half_body", few=NO_NAME),
    Operator("rename_variable_natural", "code", rename_variable_natural, "ReCode", False, 1.0,
             "half_body", few=NO_NAME),
    Operator("rename_variables", "code", rename_variables, "ALERT, CCTest", False, 1.0,
             "half_body", few=NO_NAME),
    Operator("swap_branches", "code", swap_branches, "CCTest", False, 1.0, "half_body",
             few=NO_TEST),
    Operator("expand_assignments", "code", expand_assignments, "NatGen", False, 1.0, "half_body",
             few=NO_SHORT),
    Operator("rewrite_conditionals", "code", rewrite_conditionals, "CodeCrash", True, 1.0,
             "half_body", few=NO_TEST),
    Operator("garbage_code", "code", garbage_code, "CodeCrash", True, 0.25, "half_body",
             few=NO_HALF),
    Operator("misleading_prints", "code", misleading_prints, "CodeCrash", True, 0.5, "half_body",
             few=NO_HALF),
    # Comments leave the program as it is, which the family `prompt` demands.
    Operator("misleading_comments", "prompt", misleading_comments, "CodeCrash", True, 0.5,
             "half_body", few=NO_HALF),
    Operator("all_structural", "combined", all_structural, "CodeCrash", True, 1.0, "half_body",
             few=NO_HALF),
)  # fmt: skip
