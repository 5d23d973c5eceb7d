r"""Operators on layout: the same code and the same words, set differently.

Apart from the docstring, the syntax tree stays what it was; the certificate checks it. The six of
ReCode come twice, for the prompt and, as `half_…`, for the prompt with half of the body, which is
what ReCode itself perturbs; the fair nominal of those is `half_body`.

Not covered: what a formatter would do with the lines.

    >>> from overproof.records import Problem
    >>> problem = Problem(
    ...     task_id="t", prompt='def f(x):\n    "Add 1."\n', entry_point="f",
    ...     canonical_solution="    return x + 1\n", test="",
    ... )
    >>> print(docstring_to_comments(problem, random.Random(0), 1.0).prompt)
    def f(x):
        # Add 1.
    <BLANKLINE>
"""

import ast
import random
from collections.abc import Callable, Iterator
from functools import lru_cache

from overproof.perturbation.docstring import Docstring, example_spans, find_docstring, prose_words
from overproof.perturbation.draft import Draft, Operator, pick, share, shuffled
from overproof.perturbation.languages import spacing
from overproof.perturbation.layout.lines import at_half, prose_lines, rewrapped, split_place
from overproof.perturbation.source import Positions, apply_edits, find_function, parse
from overproof.records import Problem

TAILS = (" ", "  ", "   ", "    ", "\t")
"""What an editor leaves at the end of a line."""


def blank_lines(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Insert one or two blank lines at a share of the places where they mean nothing."""
    if problem.language != "python":
        return spacing.blank_lines_in(problem, rng, intensity)
    gaps = _gaps(problem)
    chosen = shuffled(rng, gaps)[: share(intensity, len(gaps))]
    if not chosen:
        return None
    prompt = apply_edits(problem.prompt, [(gap, gap, pick(rng, ("\n", "\n\n"))) for gap in chosen])
    return Draft(prompt, problem.entry_point)


def blank_line_after_docstring(
    problem: Problem, rng: random.Random, intensity: float
) -> Draft | None:
    """Insert a blank line under the docstring."""
    found = _docstring(problem)
    if found is None:
        return None
    end = problem.prompt.find("\n", found.end) + 1
    if end == 0 or problem.prompt[found.end : end].strip():
        return None
    return Draft(problem.prompt[:end] + "\n" + problem.prompt[end:], problem.entry_point)


def blank_line_after_code(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """End the prompt with a blank line."""
    ended = problem.prompt if problem.prompt.endswith("\n") else f"{problem.prompt}\n"
    gold = problem.canonical_solution
    if ended != problem.prompt and gold.startswith("\n"):
        gold = gold.removeprefix("\n")
    return Draft(f"{ended}\n", problem.entry_point, gold=gold)


def strip_trailing_newline(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """End the prompt without its last newline, which is left for the completion to write."""
    if problem.language != "python":
        return spacing.trailing_newline_in(problem, rng, intensity)
    if not problem.prompt.endswith("\n"):
        return None
    prompt = problem.prompt.removesuffix("\n")
    return Draft(prompt, problem.entry_point, gold=f"\n{problem.canonical_solution}")


def trailing_spaces(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Leave blanks or a tab at the ends of a share of the lines, worked examples aside."""
    ends = _line_ends(problem)
    chosen = shuffled(rng, ends)[: share(intensity, len(ends))]
    if not chosen:
        return None
    prompt = apply_edits(problem.prompt, [(end, end, pick(rng, TAILS)) for end in chosen])
    return Draft(prompt, problem.entry_point)


def split_long_lines(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Break the longest line of code in two, within brackets or with a backslash."""
    found = split_place(problem)
    if found is None:
        return None
    return Draft(apply_edits(problem.prompt, [found]), problem.entry_point)


def join_docstring(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Wrap the docstring's paragraphs at another width; examples and lists stay as they are."""
    prompt = rewrapped(problem)
    return None if prompt is None else Draft(prompt, problem.entry_point)


def indent_with_tabs(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Indent with tabs instead of spaces."""
    if problem.language != "python":
        return spacing.tab_indent_in(problem, rng, intensity)
    return _indented(problem, lambda unit: "\t")


def wide_indent(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Indent with twice as many spaces."""
    return _indented(problem, lambda unit: unit * 2)


def narrow_indent(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Indent with half as many spaces."""
    return _indented(problem, lambda unit: unit[: len(unit) // 2] or unit)


def docstring_to_comments(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Say what the docstring says in comments instead."""
    if problem.language != "python":
        return spacing.comment_style_in(problem, rng, intensity)
    found = _docstring(problem)
    if found is None or not found.indent:
        return None
    prompt = problem.prompt
    lines = prompt[found.inner_start : found.inner_end].strip().split("\n")
    comments = []
    for line in lines:
        text = line.removeprefix(found.indent).rstrip()
        comments.append(f"# {text}" if text else "#")
    block = f"\n{found.indent}".join(comments)
    return Draft(prompt[: found.start] + block + prompt[found.end :], problem.entry_point)


def half_blank_lines(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Insert blank lines into the prompt and the half-written body."""
    return at_half(blank_lines, problem, rng, intensity)


def half_blank_line_after_docstring(
    problem: Problem, rng: random.Random, intensity: float
) -> Draft | None:
    """Insert a blank line between the docstring and the half-written body."""
    return at_half(blank_line_after_docstring, problem, rng, intensity)


def half_blank_line_after_code(
    problem: Problem, rng: random.Random, intensity: float
) -> Draft | None:
    """Insert a blank line after the half-written body."""
    return at_half(blank_line_after_code, problem, rng, intensity)


def half_split_long_lines(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Break the longest line of code in two, the half-written body's lines included."""
    return at_half(split_long_lines, problem, rng, intensity)


def half_indent_with_tabs(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Indent the prompt and the half-written body with tabs instead of spaces."""
    return at_half(indent_with_tabs, problem, rng, intensity)


def half_docstring_to_comments(
    problem: Problem, rng: random.Random, intensity: float
) -> Draft | None:
    """Say what the docstring says in comments above a half-written body."""
    return at_half(docstring_to_comments, problem, rng, intensity)


def _docstring(problem: Problem) -> Docstring | None:
    """Locate the problem's docstring."""
    return find_docstring(problem.prompt, problem.entry_point, problem.canonical_solution)


@lru_cache(maxsize=1024)
def _gaps(problem: Problem) -> tuple[int, ...]:
    """Return offsets of line starts before which a blank line changes nothing.

    That is before a statement, and inside a docstring of several lines before a line of prose,
    before the first example and before the closing quotes.
    """
    prompt = problem.prompt
    program = prompt + problem.canonical_solution
    tree = parse(program)
    positions = Positions(program)
    gaps = set()
    for node in ast.walk(tree) if tree else ():
        if not isinstance(node, ast.stmt) or positions.indent(node) is None:
            continue
        start = positions.line_start(node)
        # An `elif` or a line after a backslash begins its line, but no statement does there.
        apart = not prompt.startswith("elif", positions.start(node))
        if 0 < start < len(prompt) and apart and prompt[max(start - 2, 0) : start] != "\\\n":
            gaps.add(start)
    found = _docstring(problem)
    if found is not None and found.inner_start - found.start >= 3:
        for start, _ in prose_words(problem):
            line_start = prompt.rfind("\n", 0, start) + 1
            # A line may be prose at its end only, where an example's output stands before it.
            if line_start > found.inner_start and not prompt[line_start:start].strip():
                gaps.add(line_start)
        gaps.update(_around_examples(prompt, found, problem.entry_point))
    return tuple(sorted(gaps))


def _around_examples(prompt: str, found: Docstring, entry_point: str) -> Iterator[int]:
    """Yield where a docstring's examples begin on a line of their own, and where it closes so."""
    text = prompt[found.inner_start : found.inner_end]
    first = min((start for start, _ in example_spans(text, entry_point)), default=0)
    for place in (found.inner_start + first, found.inner_end):
        line_start = prompt.rfind("\n", 0, place) + 1
        if line_start > found.inner_start and not prompt[line_start:place].strip():
            yield line_start


@lru_cache(maxsize=1024)
def _line_ends(problem: Problem) -> tuple[int, ...]:
    """Return offsets of line ends at which blanks change nothing: code and prose."""
    program = problem.prompt + problem.canonical_solution
    tree = parse(program)
    if tree is None:
        return ()
    found = _docstring(problem)
    inside = _lines_within_strings(tree, program, None)
    inside |= {number - 1 for number in inside}
    prose = {end for _, end in prose_lines(problem)}
    ends, end = [], -1
    for number, line in enumerate(problem.prompt.split("\n")[:-1], start=1):
        end += len(line) + 1
        free = number not in inside or (found is not None and end in prose)
        if line.strip() and free and not line.endswith("\\"):
            ends.append(end)
    return tuple(ends)


def _indented(problem: Problem, level: Callable[[str], str]) -> Draft | None:
    """Return the problem with another unit of indentation, body included; None if unsure."""
    program = problem.prompt + problem.canonical_solution
    tree = parse(program)
    function = find_function(tree, problem.entry_point)
    if tree is None or function is None or not problem.prompt.endswith("\n"):
        return None
    unit = Positions(program).indent(function.body[-1])
    if not unit or unit.strip(" ") or level(unit) == unit:
        return None
    fixed = _lines_within_strings(tree, program, _docstring(problem))
    lines = []
    for number, line in enumerate(program.split("\n"), start=1):
        bare = line.lstrip(" ")
        levels, spaces = divmod(len(line) - len(bare), len(unit))
        lines.append(line if number in fixed else level(unit) * levels + " " * spaces + bare)
    split = problem.prompt.count("\n")
    prompt = "\n".join(lines[:split]) + "\n"
    return Draft(prompt, problem.entry_point, gold="\n".join(lines[split:]))


def _lines_within_strings(tree: ast.Module, program: str, docstring: Docstring | None) -> set[int]:
    """Return the numbers of lines that begin inside a string other than the docstring."""
    positions = Positions(program)
    numbers: set[int] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant | ast.JoinedStr):
            continue
        own = docstring is not None and positions.start(node) == docstring.start
        if not own:
            numbers.update(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))
    return numbers


NO_HALF = "a body of one statement has no half"

OPERATORS = (
    Operator("blank_lines", "layout", blank_lines, "ReCode", True, 0.5, languages=()),
    Operator(
        "blank_line_after_docstring", "layout", blank_line_after_docstring, "ReCode", False, 1.0
    ),
    Operator("blank_line_after_code", "layout", blank_line_after_code, "ReCode", False, 1.0),
    Operator("split_long_lines", "layout", split_long_lines, "ReCode", False, 1.0),
    Operator("indent_with_tabs", "layout", indent_with_tabs, "ReCode", False, 1.0, languages=()),
    Operator(
        "docstring_to_comments", "layout", docstring_to_comments, "ReCode", False, 1.0, languages=()
    ),
    Operator("wide_indent", "layout", wide_indent, "own", False, 1.0),
    Operator("narrow_indent", "layout", narrow_indent, "own", False, 1.0),
    Operator("join_docstring", "layout", join_docstring, "own", False, 1.0),
    Operator("trailing_spaces", "layout", trailing_spaces, "own", True, 0.5),
    Operator(
        "strip_trailing_newline",
        "layout",
        strip_trailing_newline,
        "bigcode-evaluation-harness",
        False,
        1.0,
        languages=(),
    ),
    Operator(
        "half_blank_lines",
        "layout",
        half_blank_lines,
        "ReCode",
        True,
        0.5,
        "half_body",
        few=NO_HALF,
    ),
    Operator(
        "half_blank_line_after_docstring",
        "layout",
        half_blank_line_after_docstring,
        "ReCode",
        False,
        1.0,
        "half_body",
        few=NO_HALF,
    ),
    Operator(
        "half_blank_line_after_code",
        "layout",
        half_blank_line_after_code,
        "ReCode",
        False,
        1.0,
        "half_body",
        few=NO_HALF,
    ),
    Operator(
        "half_split_long_lines",
        "layout",
        half_split_long_lines,
        "ReCode",
        False,
        1.0,
        "half_body",
        few=NO_HALF,
    ),
    Operator(
        "half_indent_with_tabs",
        "layout",
        half_indent_with_tabs,
        "ReCode",
        False,
        1.0,
        "half_body",
        few=NO_HALF,
    ),
    Operator(
        "half_docstring_to_comments",
        "layout",
        half_docstring_to_comments,
        "ReCode",
        False,
        1.0,
        "half_body",
        few=NO_HALF,
    ),
)
