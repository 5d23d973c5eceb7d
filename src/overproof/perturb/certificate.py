r"""What is checked before a variant is let in; the gold run alone needs the sandbox.

    parses          prompt + gold body compiles
    differs         the prompt changed, and only as its family may (below); `null`: it did not
    examples        doctests, calls of the function, numbers and quoted texts of the description
                    are as they were, the new name aside
    entry point     defined once, and the old name no longer
    gold            passes the problem's tests, in the sandbox

    family          what may change
    text, layout,   nothing but docstrings, comments and layout: the syntax tree of prompt + gold
    prompt, null    stays the same
    names           the syntax tree is the same with the old name put back
    code            the syntax tree differs from the control's; the description keeps its bytes

Not covered: whether the sentence still reads well. `naturalness` is a cheap stand-in.

    >>> from overproof.perturb.operators import OPERATORS
    >>> problem = Problem(
    ...     task_id="t", prompt='def f(x):\n    "Add 1 to x."\n', entry_point="f",
    ...     canonical_solution="    return x + 1\n", test="",
    ... )
    >>> broken = Draft('def f(x):\n    "Add 2 to x."\n', "f")
    >>> check_draft(problem, broken, OPERATORS["keyboard_typos"]).examples_intact
    False
"""

import ast
import re
from dataclasses import dataclass

from overproof.perturb.distance import edit_distance
from overproof.perturb.docstring import description_of, literals, worked_examples
from overproof.perturb.draft import Draft, Operator, generator_for
from overproof.perturb.names import mention_of
from overproof.perturb.operators import OPERATORS
from overproof.perturb.source import Function, compiles, find_function, parse, plain_code
from overproof.records import Certificate, Problem


@dataclass(frozen=True)
class Checks:
    """The checks that need no execution."""

    parses: bool
    differs: bool
    examples_intact: bool
    entry_point_intact: bool

    @property
    def passed(self) -> bool:
        """Whether all four hold."""
        return self.parses and self.differs and self.examples_intact and self.entry_point_intact


def check_draft(problem: Problem, draft: Draft, operator: Operator) -> Checks:
    """Return the static checks of one draft."""
    if not compiles(gold_program(problem, draft)):
        return Checks(False, is_changed(problem, draft, operator), False, False)
    return Checks(
        parses=True,
        differs=_differs_as_it_may(problem, draft, operator),
        examples_intact=_examples_are_intact(problem, draft),
        entry_point_intact=_entry_point_is_intact(problem, draft),
    )


def certify(
    problem: Problem, draft: Draft, operator: Operator, checks: Checks, *, gold_passes: bool
) -> Certificate:
    """Return the certificate of one draft; distances are taken to its control's prompt."""
    nominal = control_draft(problem, operator).prompt
    distance = edit_distance(nominal, draft.prompt)
    longest = max(len(nominal), len(draft.prompt), 1)
    return Certificate(
        parses=checks.parses,
        differs=checks.differs,
        gold_passes=gold_passes,
        examples_intact=checks.examples_intact,
        entry_point_intact=checks.entry_point_intact,
        edit_distance=distance,
        naturalness=1 - distance / longest,
    )


def gold_program(problem: Problem, draft: Draft) -> str:
    """Return the perturbed prompt with the body that completes it correctly."""
    return draft.prompt + (problem.canonical_solution if draft.gold is None else draft.gold)


def is_changed(problem: Problem, draft: Draft, operator: Operator) -> bool:
    """Return whether the draft differs at all from its control."""
    control = control_draft(problem, operator)
    return (draft.prompt, draft.entry_point) != (control.prompt, control.entry_point)


def control_draft(problem: Problem, operator: Operator) -> Draft:
    """Return the prompt that an operator's variants are compared with."""
    nominal = Draft(problem.prompt, problem.entry_point)
    control = OPERATORS.get(operator.control)
    if control is None:
        return nominal
    rng = generator_for(problem.task_id, control.name, 0)
    return control.apply(problem, rng, control.intensity) or nominal


def _differs_as_it_may(problem: Problem, draft: Draft, operator: Operator) -> bool:
    """Return whether the draft changed, and only what its family may change."""
    changed = is_changed(problem, draft, operator)
    nominal = plain_code(problem.prompt + problem.canonical_solution)
    code = plain_code(gold_program(problem, draft)) or ""
    match operator.family:
        case "null" | "nominal":
            return not changed
        case "names":
            renamed = draft.entry_point != problem.entry_point
            return renamed and _renamed(code, problem.entry_point, draft.entry_point) == nominal
        case "code":
            # The control itself begins the body; everything else must change the code.
            begun = draft.prompt.endswith(draft.partial) and bool(draft.partial)
            kept = draft.prompt == problem.prompt + draft.partial
            own_control = operator.control == "nominal"
            return changed and begun and kept and (code == nominal) == own_control
        case _:
            return changed and code == nominal


def _renamed(code: str, old: str, new: str) -> str | None:
    """Return the dump with the old name put back; None if that name is still somewhere."""
    if re.search(rf"\b(?:id|name)='{re.escape(old)}'", code):
        return None
    return re.sub(rf"\b(id|name|arg)='{re.escape(new)}'", lambda m: f"{m[1]}='{old}'", code)


def _examples_are_intact(problem: Problem, draft: Draft) -> bool:
    """Return whether worked examples and literals are as they were, the new name aside."""
    gold = problem.canonical_solution if draft.gold is None else draft.gold
    before = description_of(problem.prompt, problem.entry_point, problem.canonical_solution)
    after = description_of(draft.prompt, draft.entry_point, gold)
    old, new = problem.entry_point, draft.entry_point
    if old != new:
        if mention_of(old).search(after):
            return False
        after = re.sub(rf"(?<!\w){re.escape(new)}(?!\w)", lambda _: old, after)
    return worked_examples(before, old) == worked_examples(after, old) and literals(
        before
    ) == literals(after)


def _entry_point_is_intact(problem: Problem, draft: Draft) -> bool:
    """Return whether the name that the tests call is defined once, and the old one not at all."""
    tree = parse(gold_program(problem, draft))
    names = [node.name for node in ast.walk(tree) if isinstance(node, Function)] if tree else []
    found = find_function(tree, draft.entry_point) is not None
    left_over = draft.entry_point != problem.entry_point and problem.entry_point in names
    return found and names.count(draft.entry_point) == 1 and not left_over
