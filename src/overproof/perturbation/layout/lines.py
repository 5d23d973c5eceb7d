r"""Where lines can be broken and joined, and layout operators on half-written bodies.

    >>> from overproof.records import Problem
    >>> problem = Problem(
    ...     task_id="t", prompt="def add_all(numbers, start):\n", entry_point="add_all",
    ...     canonical_solution="    return start + sum(numbers)\n", test="",
    ... )
    >>> split_place(problem)
    (20, 21, '\n        ')

Not covered: lines that are longer because of a comment behind them.
"""

import dataclasses
import io
import random
import re
import textwrap
import tokenize
from collections.abc import Iterator
from functools import lru_cache

from overproof.perturbation.code.halves import halve
from overproof.perturbation.docstring import example_spans, find_docstring, literals, prose_words
from overproof.perturbation.draft import Apply, Draft
from overproof.perturbation.source import Edit, Positions, find_function, parse
from overproof.records import Problem

WIDTHS = (100, 60, 48, 36, 28, 20)
"""Characters per line of prose; the first that changes anything is taken."""

Span = tuple[int, int]
DEEPER = " " * 8
"""How far the rest of a broken line is indented more than its beginning."""
SET_APART = re.compile(r"\s*(?:[-*•+:@#|>]|\d+[.):]|\w+:\s|$)")
"""How lines begin that are no running text: lists, fields, tables, headings."""


def at_half(apply: Apply, problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Apply a layout operator to the prompt with half of the body; None without a half."""
    begun = _begun(problem)
    draft = apply(begun, rng, intensity) if begun else None
    if begun is None or draft is None:
        return None
    gold = begun.canonical_solution if draft.gold is None else draft.gold
    start = _body_start(problem, draft.prompt, gold)
    return Draft(draft.prompt, draft.entry_point, draft.prompt[start:], gold)


@lru_cache(maxsize=1024)
def _begun(problem: Problem) -> Problem | None:
    """Return the problem whose prompt goes on into half of the body."""
    half = halve(problem)
    if half is None:
        return None
    first, second = half.program[: half.cut], half.program[half.cut :]
    return dataclasses.replace(problem, prompt=first, canonical_solution=second)


def _body_start(problem: Problem, prompt: str, gold: str) -> int:
    """Return where the body's first statement begins in a prompt that was set differently.

    Layout keeps the number of statements, the docstring aside, so they are counted from the end.
    """
    original = problem.prompt + problem.canonical_solution
    before = find_function(parse(original), problem.entry_point)
    after = find_function(parse(prompt + gold), problem.entry_point)
    if before is None or after is None:
        return len(prompt)
    positions = Positions(original)
    count = sum(positions.start(node) >= len(problem.prompt) for node in before.body)
    return Positions(prompt + gold).line_start(after.body[-count])


@lru_cache(maxsize=1024)
def split_place(problem: Problem) -> Edit | None:
    """Return the edit that breaks the prompt's longest line of code near its middle.

    Commas within brackets come first, then the inside of any bracket, then a backslash.
    """
    program, prompt = problem.prompt + problem.canonical_solution, problem.prompt
    tree = parse(program)
    if tree is None or find_function(tree, problem.entry_point) is None:
        return None
    lines = prompt.split("\n")[:-1]
    breaks = _breaks(program)
    numbers = sorted(range(len(lines)), key=lambda number: (-len(lines[number]), number))
    for number in numbers:
        line = lines[number]
        found = breaks.get(number + 1, [])
        if not found:
            continue
        middle = len(line) / 2
        rank, _, column = min((rank, abs(column - middle), column) for column, rank in found)
        start = sum(len(each) + 1 for each in lines[:number]) + column
        gap = len(line[column:]) - len(line[column:].lstrip(" "))
        indent = line[: len(line) - len(line.lstrip())]
        backslash = " \\" if rank == 2 else ""
        return start, start + gap, f"{backslash}\n{indent}{DEEPER}"
    return None


def _breaks(program: str) -> dict[int, list[tuple[int, int]]]:
    """Return, by line, the columns at which it can be broken, each with a rank.

    0 stands for a comma in brackets, 1 for elsewhere in brackets, 2 for where a backslash is
    needed. Strings are taken as a whole, on Pythons that look into f-strings too.
    """
    found: dict[int, list[tuple[int, int]]] = {}
    depth = nested = 0
    previous: tokenize.TokenInfo | None = None
    for token in _tokens(program):
        kind = tokenize.tok_name[token.type]
        nested -= kind in ("FSTRING_END", "TSTRING_END")
        line = previous is not None and previous.end[0] == token.start[0]
        first = previous is None or not token.line[: token.start[1]].strip()
        plain = kind in ("NAME", "NUMBER", "STRING", "OP", "FSTRING_START", "TSTRING_START")
        if previous is not None and line and not first and plain and not nested:
            apart = previous.end[1] < token.start[1]
            rank = 2 if depth == 0 else 0 if previous.string == "," else 1
            if depth or apart:
                found.setdefault(token.start[0], []).append((previous.end[1], rank))
        nested += kind in ("FSTRING_START", "TSTRING_START")
        if kind == "OP" and not nested:
            depth += (token.string in "([{") - (token.string in ")]}")
        previous = token
    return found


def _tokens(program: str) -> Iterator[tokenize.TokenInfo]:
    """Yield the program's tokens as far as they can be told."""
    try:
        yield from tokenize.generate_tokens(io.StringIO(program).readline)
    except (tokenize.TokenError, SyntaxError):
        return


@lru_cache(maxsize=1024)
def prose_lines(problem: Problem) -> tuple[Span, ...]:
    """Return start and end of the docstring's lines that are running text, quotes left out."""
    found = find_docstring(problem.prompt, problem.entry_point, problem.canonical_solution)
    if found is None:
        return ()
    text = problem.prompt[found.inner_start : found.inner_end]
    shown = example_spans(text, problem.entry_point)
    words = [start - found.inner_start for start, _ in prose_words(problem)]
    spans: list[Span] = []
    start = 0
    for line in text.split("\n"):
        end = start + len(line)
        free = not any(first < end and last > start for first, last in shown)
        told = any(start <= word < end for word in words) or _goes_on(line, spans)
        if free and told and not line.endswith("\\"):
            spans.append((found.inner_start + start, found.inner_start + end))
        start = end + 1
    return tuple(spans)


def _goes_on(line: str, spans: list[Span]) -> bool:
    """Return whether a line of protected words goes on with the prose above it."""
    return bool(spans) and bool(re.search(r"[a-z]{3}", line)) and "=" not in line


@lru_cache(maxsize=1024)
def rewrapped(problem: Problem) -> str | None:
    """Return the prompt with its docstring's paragraphs wrapped at another width.

    A paragraph stays as it is where a number or a quoted text would be torn or joined.
    """
    found = find_docstring(problem.prompt, problem.entry_point, problem.canonical_solution)
    if found is None or found.inner_start - found.start < 3:
        return None
    prompt = problem.prompt
    indent = found.indent or " " * 4
    for width in WIDTHS:
        changed = prompt
        for start, end in reversed(_paragraphs(problem, indent)):
            changed = changed[:start] + _wrapped(prompt, start, end, indent, width) + changed[end:]
        if changed != prompt:
            return changed
    return None


def _wrapped(prompt: str, start: int, end: int, indent: str, width: int) -> str:
    """Return one paragraph at a width; as it was if that would change its literals."""
    old = prompt[start:end]
    column = start - (prompt.rfind("\n", 0, start) + 1)
    lines = textwrap.wrap(
        " ".join(line.strip() for line in old.split("\n")),
        max(width, len(indent) + 12),
        initial_indent=" " * column,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
        fix_sentence_endings=False,
    )
    new = "\n".join(lines)[column:]
    return new if literals(new) == literals(old) and not _looks_set_apart(new) else old


def _looks_set_apart(text: str) -> bool:
    """Return whether a line but the first begins like an item of a list."""
    return any(SET_APART.match(line) for line in text.split("\n")[1:])


def _paragraphs(problem: Problem, indent: str) -> list[Span]:
    """Return the runs of prose lines that belong together, without white space at their ends."""
    prompt = problem.prompt
    runs: list[list[Span]] = []
    for start, end in prose_lines(problem):
        line = prompt[start:end]
        first = prompt[start - 1] != "\n"
        level = line[: len(line) - len(line.lstrip())]
        apart = SET_APART.match(line) is not None or not (first or level == indent)
        follows = bool(runs) and bool(runs[-1]) and runs[-1][-1][1] + 1 == start
        ended = follows and prompt[: runs[-1][-1][1]].rstrip(" ").endswith(":")
        if apart:
            runs.append([])
        elif follows and not ended:
            runs[-1].append((start, end))
        else:
            runs.append([(start, end)])
    spans = []
    for run in filter(None, runs):
        text = prompt[run[0][0] : run[-1][1]]
        start = run[0][0] + len(text) - len(text.lstrip())
        spans.append((start, start + len(text.strip())))
    return spans
