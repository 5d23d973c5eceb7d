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
    combined        the entry point's own code is the same with the old name put back, where the
                    body is not begun; else what the gold run allows

A few operators say that they write more than prose differently (`Operator.rewrites`): worked
examples in another notation must give the same pairs of call and result, examples that are left
out must leave the other words alone, numbers in words must be the same numbers.

Not covered: whether the sentence still reads well. `naturalness` is a cheap stand-in.

    >>> from overproof.perturbation.operators import OPERATORS
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
from collections import Counter
from dataclasses import dataclass

from overproof.perturbation.distance import edit_distance
from overproof.perturbation.docstring import (
    description_of,
    literals,
    worked_examples,
)
from overproof.perturbation.draft import Draft, Operator, Rewrites, generator_for
from overproof.perturbation.languages import comments, renaming, trees
from overproof.perturbation.names.slips import mention_of
from overproof.perturbation.naturalness import known_words
from overproof.perturbation.operators import OPERATORS
from overproof.perturbation.source import Function, compiles, find_function, parse, plain_code
from overproof.perturbation.text.examples import digits_for_words, example_pairs, without_examples
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
    if problem.language != "python":
        return _check_elsewhere(problem, draft, operator)
    if not compiles(gold_program(problem, draft)):
        return Checks(False, is_changed(problem, draft, operator), False, False)
    return Checks(
        parses=True,
        differs=_differs_as_it_may(problem, draft, operator),
        examples_intact=_examples_are_intact(problem, draft, operator.rewrites),
        entry_point_intact=_entry_point_is_intact(problem, draft),
    )


def _check_elsewhere(problem: Problem, draft: Draft, operator: Operator) -> Checks:
    """Return the static checks in another language, by its grammar; `code` has no operators there.

    Raises: EngineError if the grammar is not installed.
    """
    language, program = problem.language, gold_program(problem, draft)
    changed = is_changed(problem, draft, operator)
    if not trees.parses(language, program):
        return Checks(False, changed, False, False)
    old, new = problem.entry_point, draft.entry_point
    nominal = trees.plain_code_of(language, problem.prompt + problem.canonical_solution)
    match operator.family:
        case "null" | "nominal":
            differs = not changed
        case "names":
            differs = (
                old != new and renaming.renamed_code_of(language, program, old, new) == nominal
            )
        case "code" | "combined":
            differs = False
        case _:
            differs = changed and trees.plain_code_of(language, program) == nominal
    defined = renaming.count_definitions(language, program, new) == 1
    gone = old == new or renaming.count_definitions(language, program, old) == 0
    return Checks(True, differs, _examples_are_intact(problem, draft), defined and gone)


def certify(
    problem: Problem, draft: Draft, operator: Operator, checks: Checks, *, gold_passes: bool
) -> Certificate:
    """Return the certificate of one draft; distances are taken to its control's prompt."""
    nominal = control_draft(problem, operator).prompt
    distance = edit_distance(nominal, draft.prompt)
    return Certificate(
        parses=checks.parses,
        differs=checks.differs,
        gold_passes=gold_passes,
        examples_intact=checks.examples_intact,
        entry_point_intact=checks.entry_point_intact,
        edit_distance=distance,
        naturalness=round(known_words(nominal, draft.prompt), 4),
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
        case "combined":
            return changed and (bool(draft.partial) or _same_function(problem, draft))
        case _:
            return changed and code == nominal


def _renamed(code: str, old: str, new: str) -> str | None:
    """Return the dump with the old name put back; None if that name is still somewhere."""
    if re.search(rf"\b(?:id|name)='{re.escape(old)}'", code):
        return None
    return re.sub(rf"\b(id|name|arg)='{re.escape(new)}'", lambda m: f"{m[1]}='{old}'", code)


def _same_function(problem: Problem, draft: Draft) -> bool:
    """Return whether the entry point's code is as it was, its name aside, whatever stands by it."""
    before = find_function(parse(problem.prompt + problem.canonical_solution), problem.entry_point)
    after = find_function(parse(gold_program(problem, draft)), draft.entry_point)
    if before is None or after is None:
        return False
    old, new = plain_code(ast.unparse(before)), plain_code(ast.unparse(after))
    if draft.entry_point != problem.entry_point and new is not None:
        new = _renamed(new, problem.entry_point, draft.entry_point)
    return old == new


def _examples_are_intact(problem: Problem, draft: Draft, rewrites: Rewrites = "") -> bool:
    """Return whether worked examples and literals are as they were, the new name aside."""
    gold = problem.canonical_solution if draft.gold is None else draft.gold
    before = _description(problem, problem.prompt, problem.entry_point, problem.canonical_solution)
    after = _description(problem, draft.prompt, draft.entry_point, gold)
    old, new = problem.entry_point, draft.entry_point
    if old != new:
        if mention_of(old).search(after):
            return False
        after = re.sub(rf"(?<!\w){re.escape(new)}(?!\w)", lambda _: old, after)
    match rewrites:
        case "examples":
            pairs = Counter(example_pairs(after, old))
            return bool(pairs) and pairs == Counter(example_pairs(before, old))
        case "no_examples":
            told = without_examples(after, old).split()
            left = example_pairs(after, old)
            return not left and told == without_examples(before, old).split()
        case "numbers":
            before, after = digits_for_words(before), digits_for_words(after)
    return worked_examples(before, old) == worked_examples(after, old) and literals(
        before
    ) == literals(after)


def _description(problem: Problem, prompt: str, entry_point: str, body: str) -> str:
    if problem.language == "python":
        return description_of(prompt, entry_point, body)
    return comments.description_in(problem.language, prompt, entry_point, body)


def _entry_point_is_intact(problem: Problem, draft: Draft) -> bool:
    """Return whether the name that the tests call is defined once, and the old one not at all."""
    tree = parse(gold_program(problem, draft))
    names = [node.name for node in ast.walk(tree) if isinstance(node, Function)] if tree else []
    found = find_function(tree, draft.entry_point) is not None
    left_over = draft.entry_point != problem.entry_point and problem.entry_point in names
    return found and names.count(draft.entry_point) == 1 and not left_over
