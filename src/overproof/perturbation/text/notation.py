r"""Operators on worked examples and numbers: the same facts, written differently or left out.

The prose keeps its words, `drop_examples` takes nothing but examples, and the others keep every
call with its result, or every number with its value; the certificate checks each of these claims.

    >>> from overproof.records import Problem
    >>> problem = Problem(
    ...     task_id="t", prompt='def f(x):\n    "Add 1 to the 2 numbers, so f(1) == 2."\n',
    ...     entry_point="f", canonical_solution="", test="",
    ... )
    >>> print(numbers_as_words(problem, random.Random(0), 1.0))
    None

Not covered: examples that `examples.find_examples` does not read, and calls of another function's
name that no heading announces.
"""

import random
import re
from functools import lru_cache

from overproof.perturbation.docstring import QUOTED, example_spans, find_docstring
from overproof.perturbation.draft import Draft, Operator, shuffled
from overproof.perturbation.source import Edit, apply_edits
from overproof.perturbation.text.examples import (
    CALL,
    NUMBER_WORDS,
    Example,
    closing_bracket,
    digits_for_words,
    find_examples,
    heads_an_example,
    without_examples,
)
from overproof.records import Problem

LINKS = (" == ", " -> ", " => ", " ==> ", " ➞ ", " returns ", " should return ", "  # returns ")
BULLETS = ("", "* ", "- ")
STYLES = (
    *((bullet, link) for bullet in BULLETS for link in LINKS),
    *((bullet, form) for bullet in ("", "") for form in ("doctest", "io")),
)
"""Bullet and notation: a link between call and result, a doctest, or `Input:` and `Output:`."""

FEWEST_WORDS = 3
"""Words that must be left when the examples go."""


def drop_examples(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Leave the worked examples out and keep the prose."""
    text = _description(problem)
    if not find_examples(text, problem.entry_point):
        return None
    left = without_examples(text, problem.entry_point)
    return _described(problem, left) if len(re.findall(r"\w+", left)) >= FEWEST_WORDS else None


def restyle_examples(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Write the worked examples in another notation, each call with its result."""
    text = _description(problem)
    found = find_examples(text, problem.entry_point)
    if not found or any(not CALL.match(each.call) for each in found if not each.doctest):
        return None
    for bullet, form in shuffled(rng, STYLES):
        lines = text.split("\n")
        for each in reversed(found):
            before = lines[each.first]
            indent = before[: len(before) - len(before.lstrip())]
            written = _written(each, problem.entry_point, bullet, form)
            # A doctest's output ends at a blank line: prose that follows must not join it.
            follows = each.tail < len(lines) and lines[each.tail].strip()
            starts = any(other.first == each.tail for other in found)
            if form == "doctest" and follows and not starts and each.end == each.tail:
                written.append("")
            lines[each.first : each.end] = [(indent + line).rstrip() for line in written]
        if lines != text.split("\n"):
            return _described(problem, "\n".join(lines))
    return None


def reorder_examples(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Give the worked examples of each section in reversed order."""
    lines = _description(problem).split("\n")
    groups: list[list[Example]] = []
    end = -1
    for each in find_examples("\n".join(lines), problem.entry_point):
        between = lines[end : each.first] if groups else ["prose"]
        if any(line.strip() and not heads_an_example(line) for line in between):
            groups.append([])
        groups[-1].append(each)
        end = each.tail
    new = list(lines)
    for group in reversed(groups):
        chunks = [lines[each.first : each.tail] for each in group]
        for slot, chunk in zip(reversed(group), chunks, strict=True):
            new[slot.first : slot.tail] = chunk
    return _described(problem, "\n".join(new)) if new != lines else None


def numbers_as_words(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Spell the prose's numbers below 13 as words."""
    edits = [(start, end, NUMBER_WORDS[int(old)]) for start, end, old in _numerals(problem)]
    return _edited(problem, edits)


def words_as_numbers(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Write the prose's number words up to twelve as digits, "one" only where it counts."""
    edits = [(start, end, digits_for_words(old)) for start, end, old in _number_words(problem)]
    return _edited(problem, edits)


def _written(example: Example, entry_point: str, bullet: str, form: str) -> list[str]:
    """Return an example's lines in one style, without indentation."""
    call, comment = _code_and_comment(example.call)
    result = example.result or "None"
    opening = CALL.match(call)
    closing = closing_bracket(call, opening.end() - 1) if opening else None
    if form == "io" and opening and opening["name"] == entry_point and closing == len(call):
        return [f"Input: {call[opening.end() : -1]}{comment}", f"Output: {result}"]
    if form in ("doctest", "io"):
        return [f">>> {call}{comment}", result]
    return [f"{bullet}{call}{form}{result}{comment}"]


def _code_and_comment(call: str) -> tuple[str, str]:
    """Split a call from the comment behind it, two blanks included."""
    opening = re.match(r"[\w.]+\s*\(", call)
    closing = closing_bracket(call, opening.end() - 1) if opening else None
    if closing is None or not call[closing:].lstrip().startswith("#"):
        return call, ""
    return call[:closing], f"  {call[closing:].lstrip()}"


NUMERAL = re.compile(
    r"(?<![\w.,'\"@#$%/^*+<>=≤≥|–-])(?:1[0-2]|\d)(?![\w'\"%°/^*+<>=≤≥|–-]|[.,:]\w)"
)
NUMBER_WORD = re.compile(
    rf"(?<![\w-])(?:{'|'.join(NUMBER_WORDS[2:])}|(?<!non )zero(?! point)"
    r"|(?<=exactly )one|(?<=at least )one|(?<=at most )one|(?<=only )one)(?![\w'-])",
    re.IGNORECASE,
)
MATHS = frozenset("+-*/^<>=≤≥|–(,[{:")
"""What makes a neighbouring number part of a formula or of a list of values."""


@lru_cache(maxsize=1024)
def _numerals(problem: Problem) -> tuple[Edit, ...]:
    """Return the places and texts of the small numbers that stand in plain sentences."""
    text = _description(problem)
    found = []
    for match in NUMERAL.finditer(text):
        before, after = text[: match.start()].rstrip(" "), text[match.end() :].lstrip(" ")
        goes_on = re.match(r",\s*(?:and\s+|or\s+)?\d", after)
        ends = re.search(r",\s*\d+,?\s+(?:and|or)$", before)
        listed = goes_on or ends or before[-1:] in MATHS
        begins = not before or before.endswith("\n")
        if not listed and not begins and after[:1] not in MATHS - set(",(:"):
            found.append((match.start(), match.end(), match[0]))
    return _outside_of_code(problem, text, found)


@lru_cache(maxsize=1024)
def _number_words(problem: Problem) -> tuple[Edit, ...]:
    """Return the places and texts of the number words that count something."""
    text = _description(problem)
    found = [(match.start(), match.end(), match[0]) for match in NUMBER_WORD.finditer(text)]
    return _outside_of_code(problem, text, found)


def _outside_of_code(problem: Problem, text: str, found: list[Edit]) -> tuple[Edit, ...]:
    """Keep what stands in no example, no quotes and no brackets."""
    spans = list(example_spans(text, problem.entry_point))
    spans += [match.span() for match in QUOTED.finditer(text)]
    spans += [match.span() for match in re.finditer(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}", text)]
    lines = text.split("\n")
    starts = [sum(len(line) + 1 for line in lines[:index]) for index in range(len(lines))]
    for each in find_examples(text, problem.entry_point):
        spans.append((starts[each.first], starts[each.tail - 1] + len(lines[each.tail - 1])))
    return tuple(edit for edit in found if not any(start <= edit[0] < end for start, end in spans))


def _description(problem: Problem) -> str:
    """Return the docstring's source; empty if there is none."""
    found = find_docstring(problem.prompt, problem.entry_point, problem.canonical_solution)
    return problem.prompt[found.inner_start : found.inner_end] if found else ""


def _described(problem: Problem, text: str) -> Draft | None:
    """Return the prompt with another text in its docstring; None if it has none."""
    found = find_docstring(problem.prompt, problem.entry_point, problem.canonical_solution)
    if found is None:
        return None
    before, after = problem.prompt[: found.inner_start], problem.prompt[found.inner_end :]
    return Draft(before + text + after, problem.entry_point)


def _edited(problem: Problem, edits: list[Edit]) -> Draft | None:
    """Return the prompt with edits made in its description; None if there are none."""
    return _described(problem, apply_edits(_description(problem), edits)) if edits else None


OPERATORS = (
    Operator(
        "drop_examples",
        "text",
        drop_examples,
        "EvoEval",
        False,
        1.0,
        kind="sentence",
        rewrites="no_examples",
    ),
    Operator(
        "restyle_examples",
        "text",
        restyle_examples,
        "EvoEval",
        True,
        1.0,
        kind="sentence",
        rewrites="examples",
    ),
    Operator(
        "reorder_examples",
        "text",
        reorder_examples,
        "own",
        False,
        1.0,
        kind="sentence",
        rewrites="examples",
        few="a single example has no order",
    ),
    Operator(
        "numbers_as_words",
        "text",
        numbers_as_words,
        "Break-the-Chain",
        False,
        1.0,
        kind="sentence",
        rewrites="numbers",
        few="most descriptions have no small number outside of formulas and examples",
    ),
    Operator(
        "words_as_numbers",
        "text",
        words_as_numbers,
        "Break-the-Chain",
        False,
        1.0,
        kind="sentence",
        rewrites="numbers",
        few="most descriptions have no number word that counts something",
    ),
)
