r"""Operators on what stands around the function: instructions, remarks, and nothing at all.

They add comments only; the function and its docstring keep their bytes.

    >>> from overproof.records import Problem
    >>> problem = Problem(
    ...     task_id="t", prompt='def f(x, y):\n    "Add both."\n', entry_point="f",
    ...     canonical_solution="    return x + y\n", test="",
    ... )
    >>> print(instruction_form(problem, random.Random(0), 1.0).prompt)
    # Write a Python function `f` that takes `x` and `y`. Add both.
    def f(x, y):
        "Add both."
    <BLANKLINE>
"""

import random
import textwrap

from overproof.perturb.docstring import example_spans, find_docstring
from overproof.perturb.draft import Draft, Operator, pick
from overproof.perturb.source import Positions, find_function, parse
from overproof.records import Problem

REMARKS = (
    "Moved here from the old reporting module; the call sites are being cleaned up.",
    "Please keep this in line with the style guide that we agreed on in spring.",
    "The nightly job prints a summary of this module, see the wiki for how to read it.",
    "Reviewed by two colleagues; the diagram in the handbook still shows the old layout.",
    "Logging was taken out here on purpose, the service around it writes its own log.",
    "This file is also used by the training course, so please keep it readable.",
    "Performance was never a problem here, even on the small machines in the lab.",
    "The name was chosen by vote; do not change it without telling the other team.",
)
"""True or false, they have nothing to do with what the function returns."""

HINTS = (
    "the result does not depend on the arguments.",
    "only the first element has to be looked at.",
    "it is enough to return the input unchanged.",
    "the loop can stop after the first step.",
    "an empty result is always correct here.",
    "the order of the checks below must be reversed.",
    "negative values never occur, so they can be dropped.",
    "return None whenever the input is not empty.",
)
"""Contradict the description that stands just above them."""

REMARK_OPENERS = ("Note:", "NB:", "FYI:", "Remark:")
HINT_OPENERS = ("Hint:", "Tip:", "Careful:", "Reminder:")

LONGEST_LINE = 100


def null(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Change nothing: what still differs between two runs is noise."""
    return Draft(problem.prompt, problem.entry_point)


def instruction_form(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Ask for the function in words before the code, as one asks a chat model."""
    function = find_function(
        parse(problem.prompt + problem.canonical_solution), problem.entry_point
    )
    if function is None:
        return None
    names = [f"`{argument.arg}`" for argument in [*function.args.posonlyargs, *function.args.args]]
    listed = " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
    takes = f" that takes {listed}" if names else ""
    lead = _lead(problem) or "Its docstring says what it must return."
    lines = textwrap.wrap(
        f"Write a Python function `{problem.entry_point}`{takes}. {lead}",
        LONGEST_LINE - 2,
        break_long_words=False,
        break_on_hyphens=False,
    )
    # Leading blank lines of the prompt stay between the request and the code.
    comment = "".join(f"# {line}\n" for line in lines)
    return Draft(comment + problem.prompt, problem.entry_point)


def distracting_remark(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Add a comment under the docstring that has nothing to do with the task."""
    return _with_comment(problem, f"{pick(rng, REMARK_OPENERS)} {pick(rng, REMARKS)}")


def misleading_hint(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Add a comment under the docstring that contradicts it."""
    return _with_comment(problem, f"{pick(rng, HINT_OPENERS)} {pick(rng, HINTS)}")


def _with_comment(problem: Problem, text: str) -> Draft | None:
    """Put a comment at the prompt's end, indented like the body; None without a body."""
    program = problem.prompt + problem.canonical_solution
    function = find_function(parse(program), problem.entry_point)
    indent = Positions(program).indent(function.body[-1]) if function else None
    if not indent:
        return None
    prompt = problem.prompt if problem.prompt.endswith("\n") else f"{problem.prompt}\n"
    return Draft(f"{prompt}{indent}# {text}\n", problem.entry_point)


def _lead(problem: Problem) -> str:
    """Return what the docstring says before its first example, as one line."""
    prompt = problem.prompt
    found = find_docstring(prompt, problem.entry_point, problem.canonical_solution)
    if found is None:
        return ""
    text = prompt[found.inner_start : found.inner_end]
    first = min((start for start, _ in example_spans(text, problem.entry_point)), default=None)
    return " ".join(text[:first].split())


CONTROLS = (Operator("null", "null", null, "own", True, 0.0),)
OPERATORS = (
    Operator("instruction_form", "prompt", instruction_form, "own", False, 1.0),
    Operator("distracting_remark", "prompt", distracting_remark, "own", True, 1.0),
    Operator("misleading_hint", "prompt", misleading_hint, "CodeCrash", True, 1.0),
)
