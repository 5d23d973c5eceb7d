r"""The worked examples of a description, in whatever notation: what is called, what comes back.

Read are doctests, calls with what they return behind a sign or a word (`f(1) == 2`, `f(1) ➞ 2`,
`f(1) returns 2`), `Input:` and `Output:`, and "For x = 1 the output should be 2". An example's
explanation belongs to it; a recurrence such as `fib(n) == fib(n-1) + fib(n-2)` is no example, but
part of the task.

    >>> text = "Count up.\n    >>> f(1)\n    2\n\n    f( 2 ) ➞ 3\n    Input: x = 4\n    Output: 5"
    >>> example_pairs(text, "f")
    [('f(1)', '2'), ('f(2)', '3'), ('f(x=4)', '5')]
    >>> without_examples(text, "f")
    'Count up.'

Not covered: examples told in sentences, and those that hang together (`>>> x = 1`, `>>> f(x)`).
"""

import ast
import re
from dataclasses import dataclass
from functools import lru_cache

from overproof.perturbation.source import parse

NUMBER_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)

HEADING = re.compile(
    r"^[\W_]*(?:(?:for|some|see|here\s+are)\s+)?(?:an?\s+|few\s+|input/output\W+)?"
    r"(?:exam[pb]les?|samples?|usage|doctests?|test\s+cases?)\b[\s\d:.#-]*$",
    re.IGNORECASE,
)
CALL = re.compile(r"\s*(?:[*•-]\s+|\d+[.)]\s+)?(?:for\s+|assert\s+)?(?P<name>[A-Za-z_]\w*)\s*\(")
LINK = re.compile(
    r"\s*(?:==>|=>|==|=|->|➞|→|should\s+(?:return|be)\b|#\s*(?:=>|returns?\b)?|returns?\b)\s*"
)
INPUT = re.compile(r"\s*(?:[*•-]\s+)?Input\s*:(.*)", re.IGNORECASE)
OUTPUT = re.compile(r"\s*(?:[*•-]\s+)?Output\s*:(.*)", re.IGNORECASE)
IN_WORDS = re.compile(
    r"\s*For\s+(?P<values>\w+\s*=.+?),?\s+the\s+(?:output|result)\s+should\s+be\s+(?P<result>.+)",
    re.IGNORECASE,
)
EXPLANATION = re.compile(r"\s*Explanation\b", re.IGNORECASE)
ASIDE = re.compile(r"\s*(?:[#=]|[\d\s=*+/().-]+$)")

LONGEST = 8
"""Lines that one example's call may take."""


@dataclass(frozen=True)
class Example:
    """One worked example, by its lines in the description."""

    first: int
    end: int
    """After the last line of call and result."""
    tail: int
    """After the explanation that belongs to it; `end` where there is none."""
    call: str
    result: str
    doctest: bool = False
    link: str = ""


@lru_cache(maxsize=2048)
def find_examples(description: str, entry_point: str) -> tuple[Example, ...]:
    """Return the worked examples of a description, in order."""
    lines = description.split("\n")
    found: list[Example] = []
    announced, index = False, 0
    while index < len(lines):
        example = _example_at(lines, index, entry_point, announced)
        if example is not None:
            found.append(example)
            index = example.tail
        else:
            index += 1
        if lines[index - 1].strip():
            announced = example is not None or HEADING.match(lines[index - 1]) is not None
    return _without_definitions(found)


def example_pairs(description: str, entry_point: str) -> list[tuple[str, str]]:
    """Return what is called and what comes back, in order, both as Python would print them.

    What Python cannot parse keeps its text, white space aside.
    """
    return [
        (_tidy(each.call), _tidy(each.result)) for each in find_examples(description, entry_point)
    ]


def without_examples(description: str, entry_point: str) -> str:
    """Return the description without its examples, their headings and their explanations."""
    lines = description.split("\n")
    gone: set[int] = set()
    for example in find_examples(description, entry_point):
        gone.update(range(example.first, example.tail))
        above = example.first - 1
        while above >= 0 and (HEADING.match(lines[above]) or not lines[above].strip()):
            if lines[above].strip():
                gone.update(range(above, example.first))
            above -= 1
    kept: list[str] = []
    for index, line in enumerate(lines):
        last = index == len(lines) - 1
        if index in gone:
            continue
        # Where examples went, one blank line is enough, and none before the closing quotes.
        if index - 1 in gone and not line.strip():
            while len(kept) > 1 and not kept[-1].strip():
                kept.pop()
            if last and not kept[-1].strip():
                continue
        kept.append(line)
    while len(kept) > 1 and not kept[-1].strip() and not kept[-2].strip():
        kept.pop(-2)
    if len(lines) - 1 in gone:
        return "\n".join(kept).rstrip()
    return "\n".join(kept)


def digits_for_words(text: str) -> str:
    """Return the text with the number words up to twelve as digits.

    >>> digits_for_words("Two of the twelve, a two-way 3")
    '2 of the 12, a two-way 3'
    """
    values = {word: str(value) for value, word in enumerate(NUMBER_WORDS)}
    pattern = rf"(?<![\w-])(?:{'|'.join(NUMBER_WORDS)})(?![\w-])"
    return re.sub(pattern, lambda match: values[match[0].lower()], text, flags=re.IGNORECASE)


def heads_an_example(line: str) -> bool:
    """Return whether a line is nothing but the announcement of examples."""
    return HEADING.match(line) is not None


def _example_at(lines: list[str], index: int, entry_point: str, announced: bool) -> Example | None:
    """Return the example that begins on a line; None if none does."""
    if lines[index].strip().startswith(">>>"):
        return _doctest(lines, index)
    if INPUT.match(lines[index]):
        return _input_and_output(lines, index, entry_point)
    words = IN_WORDS.match(lines[index])
    if words is not None:
        call = f"{entry_point}({words['values']})"
        if _parsed(call) is None:
            return None
        result = words["result"].strip().removesuffix(".")
        return Example(index, index + 1, _tail(lines, index + 1), call, result, link="words")
    return _call_line(lines, index, entry_point, announced)


def _doctest(lines: list[str], index: int) -> Example:
    """Return the doctest that begins on a line, its output as one line."""
    code = [lines[index].strip()[3:].strip()]
    end = index + 1
    while end < len(lines) and lines[end].strip().startswith("..."):
        code.append(lines[end].strip()[3:].strip())
        end += 1
    outputs = []
    while end < len(lines) and lines[end].strip() and not lines[end].strip().startswith(">>>"):
        if EXPLANATION.match(lines[end]) or lines[end].strip().startswith("#"):
            break
        outputs.append(lines[end].strip())
        end += 1
    call, result = " ".join(code), " ".join(outputs)
    opening = CALL.match(call)
    closing = closing_bracket(call, opening.end() - 1) if opening and not outputs else None
    if closing is not None:
        # `>>> f(1) == 2` without an output shows what comes back all the same.
        link = LINK.match(call, closing)
        rest = call[link.end() if link else closing :].strip()
        call, result = call[:closing], rest or "None"
    return Example(index, end, _tail(lines, end), call, result, doctest=True)


def _input_and_output(lines: list[str], index: int, entry_point: str) -> Example | None:
    """Return the example of an `Input:` line; None if no `Output:` follows."""
    opening = INPUT.match(lines[index])
    values = [opening[1].strip().removesuffix(",")] if opening else []
    for end in range(index + 1, min(index + LONGEST, len(lines))):
        output = OUTPUT.match(lines[end])
        if output is not None:
            listed = ", ".join(re.sub(r"^(\w+)\s*:\s*", r"\1 = ", each) for each in values if each)
            call = f"{entry_point}({listed})"
            result = output[1].strip()
            return Example(index, end + 1, _tail(lines, end + 1), call, result, link="io")
        values.append(lines[end].strip().removesuffix(","))
    return None


def _call_line(lines: list[str], index: int, entry_point: str, announced: bool) -> Example | None:
    """Return the example of a line that begins with a call; other names only under a heading."""
    opening = CALL.match(lines[index])
    if opening is None:
        return None
    text = "\n".join(lines[index : index + LONGEST])
    closing = closing_bracket(text, opening.end() - 1)
    if not announced and f"{entry_point}(" not in text[opening.start("name") : closing]:
        return None
    link = LINK.match(text, closing) if closing is not None else None
    if closing is None or link is None or "\n" in text[closing : link.end()]:
        return None
    line_end = text.find("\n", link.end())
    result = text[link.end() : line_end if line_end >= 0 else None].strip()
    if not result:
        return None
    if "should" in link[0]:
        result = result.removesuffix(".")
    call = " ".join(text[opening.start("name") : closing].split("\n"))
    end = index + text.count("\n", 0, link.end()) + 1
    return Example(index, end, _tail(lines, end), call, result, link=link[0])


def _tail(lines: list[str], end: int) -> int:
    """Return the line after the explanation that begins on line `end`, or `end`."""
    explained = False
    while end < len(lines) and lines[end].strip():
        explained = explained or EXPLANATION.match(lines[end]) is not None
        if lines[end].strip().startswith(">>>") or INPUT.match(lines[end]):
            break
        opening = CALL.match(lines[end])
        if opening and LINK.search(lines[end], opening.end()):
            break
        if not explained and not ASIDE.match(lines[end]):
            break
        end += 1
    return end


def _without_definitions(found: list[Example]) -> tuple[Example, ...]:
    """Leave out the runs of lines that define the function by itself."""
    runs: list[list[Example]] = []
    for example in found:
        if runs and runs[-1][-1].tail == example.first and not example.doctest:
            runs[-1].append(example)
        else:
            runs.append([example])
    return tuple(example for run in runs if not any(map(_defines, run)) for example in run)


def _defines(example: Example) -> bool:
    """Return whether what comes back is told in the names that the call is given."""
    tree = _parsed(example.call)
    if tree is None or example.doctest:
        return False
    given = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    named = {example.call.partition("(")[0].strip()}
    return any(re.search(rf"(?<!\w){name}(?!\w)", example.result) for name in given - named)


def closing_bracket(text: str, opening: int) -> int | None:
    """Return the offset after the bracket that closes the one at `opening`; strings are skipped.

    >>> closing_bracket("f(')', [1]) == 2", 1)
    11
    """
    depth, quote, index = 0, "", opening
    while index < len(text):
        letter = text[index]
        if letter == "\\":
            index += 1
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
            if depth == 0:
                return index + 1
        index += 1
    return None


def _parsed(expression: str) -> ast.Expr | None:
    """Return the tree of an expression; None if it is none."""
    tree = parse(expression.strip())
    only = tree.body[0] if tree is not None and len(tree.body) == 1 else None
    return only if isinstance(only, ast.Expr) else None


def _tidy(expression: str) -> str:
    """Return an expression as Python prints it, comments dropped; or its words."""
    tree = _parsed(expression)
    return " ".join(expression.split()) if tree is None else ast.unparse(tree)
