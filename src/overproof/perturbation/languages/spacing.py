r"""Layout for problems in other languages: what `layout` does in Python.

Every change is tried on the whole program first, and kept only if its tree stays the same, so
strings, heredocs and lines that go on elsewhere keep their bytes.

    >>> from overproof.records import Problem
    >>> problem = Problem(
    ...     task_id="t", prompt="/** Add one. */\nint f(int x) {\n", entry_point="f",
    ...     canonical_solution="  return x + 1;\n}\n", test="", language="java",
    ... )
    >>> print(comment_style_in(problem, random.Random(0), 1.0).prompt)
    // Add one.
    int f(int x) {
    <BLANKLINE>

Not covered: prompts without any indented line have no tabs to get.
"""

import random
import re
import textwrap
from functools import lru_cache

from overproof.perturbation.draft import Draft, pick, share, shuffled
from overproof.perturbation.languages.comments import (
    Description,
    describe,
    description_in,
    prose_words_of,
)
from overproof.perturbation.languages.trees import Source, parsed, parses, plain_code_of
from overproof.perturbation.source import apply_edits
from overproof.records import Problem


def blank_lines_in(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Insert one or two blank lines at a share of the places where they mean nothing."""
    gaps = _gaps(problem)
    chosen = shuffled(rng, gaps)[: share(intensity, len(gaps))]
    edits = [(start, start, f"{line}\n" * pick(rng, (1, 2))) for start, line in chosen]
    return _checked(problem, apply_edits(problem.prompt, edits), problem.canonical_solution)


def tab_indent_in(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Indent with tabs instead of spaces."""
    program = problem.prompt + problem.canonical_solution
    lines = program.split("\n")
    unit = _unit(parsed(problem.language, program))
    if not unit or not problem.prompt.endswith("\n"):
        return None
    split = problem.prompt.count("\n")
    tabbed = [_tabbed(line, unit) for line in lines]
    gold = "\n".join(tabbed[split:])
    return _checked(problem, "\n".join(tabbed[:split]) + "\n", gold)


def trailing_newline_in(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """End the prompt without its last line break, or with one if it has none."""
    prompt, gold = problem.prompt, problem.canonical_solution
    if prompt.endswith("\n"):
        return _checked(problem, prompt[:-1], f"\n{gold}")
    return _checked(problem, f"{prompt}\n", gold.removeprefix("\n"))


def comment_style_in(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Write the describing block comment as line comments, or the other way round."""
    found = describe(problem)
    if found is None:
        return None
    prompt = problem.prompt
    source = parsed(problem.language, prompt + problem.canonical_solution)
    line_start = prompt.rfind("\n", 0, found.start) + 1
    indent = prompt[line_start : found.start]
    if indent.strip() or not re.match(r"[ \t]*(?:\n|$)", prompt[found.end :]):
        return None
    text, mark = _said(found, prompt), source.grammar.line
    if not _is_line_comment(found, prompt):
        block = [f"{mark} {line}".rstrip() for line in text]
    elif source.grammar.block and not any("*/" in line for line in text):
        block = ["/**", *(f" * {line}".rstrip() for line in text), " */"]
    else:
        return None
    new = f"\n{indent}".join(block)
    prompt = prompt[: found.start] + new + prompt[found.end :]
    return _checked(problem, prompt, problem.canonical_solution)


def _is_line_comment(found: Description, prompt: str) -> bool:
    """Return whether each line of a description has a sign of its own."""
    return re.match(r"//|#|--(?!\[=*\[)", prompt[found.start :]) is not None


def _said(found: Description, prompt: str) -> list[str]:
    """Return a comment's lines without its margin, empty ones at its ends aside."""
    first, *rest = [prompt[start:end].rstrip() for start, end in found.lines]
    if _is_line_comment(found, prompt):
        return [line.removeprefix(" ") for line in (first, *rest)]
    text = f"{first.strip()}\n" + textwrap.dedent("\n".join(rest))
    return text.strip("\n").split("\n")


def _unit(source: Source) -> int:
    """Return the width of the shallowest indented line of code, in spaces; 0 without any."""
    comments = [source.span(node) for node in source.comments]
    indented = re.finditer(r"^ +(?=[^ \n])", source.program, re.MULTILINE)
    return min(
        (
            match.end() - match.start()
            for match in indented
            if not any(start <= match.end() < end for start, end in comments)
        ),
        default=0,
    )


def _tabbed(line: str, unit: int) -> str:
    """Return a line with a tab for every full unit of its indentation."""
    bare = line.lstrip(" ")
    tabs, spaces = divmod(len(line) - len(bare), unit)
    return "\t" * tabs + " " * spaces + bare


@lru_cache(maxsize=1024)
def _gaps(problem: Problem) -> tuple[tuple[int, str], ...]:
    """Return the line starts before which a line may be inserted, and that line.

    That is an empty line before code, and a line with nothing but the comment's own sign before
    a line of the description that begins with prose.
    """
    prompt, language = problem.prompt, problem.language
    found = describe(problem)
    prose = {start for start, _ in prose_words_of(problem)}
    within: dict[int, str] = {}
    begin = found.start if found else 0
    for start, end in found.lines[1:] if found else ():
        line_start = prompt.rfind("\n", 0, start) + 1
        text = prompt[start:end]
        if start + len(text) - len(text.lstrip()) in prose and line_start > begin:
            within[line_start] = prompt[line_start:start].rstrip()
    gaps = list(within.items())
    source = parsed(language, prompt + problem.canonical_solution)
    inside = [source.span(node) for node in source.comments]
    plain = plain_code_of(language, source.program)
    for match in re.finditer(r"^(?=.*\S)|(?<=\n)\Z", prompt, re.MULTILINE):
        start = match.start()
        first = prompt.startswith("#!", start)
        if (
            first
            or (found and found.start < start <= found.end)
            or any(a < start < b for a, b in inside)
        ):
            continue
        if plain_code_of(language, f"{source.program[:start]}\n{source.program[start:]}") == plain:
            gaps.append((start, ""))
    return tuple(sorted(gaps))


def _checked(problem: Problem, prompt: str, gold: str) -> Draft | None:
    """Return the draft if prompt and body changed in layout only, and the prompt did."""
    language = problem.language
    program = problem.prompt + problem.canonical_solution
    if prompt == problem.prompt or not parses(language, prompt + gold):
        return None
    if plain_code_of(language, prompt + gold) != plain_code_of(language, program):
        return None
    before = description_in(
        language, problem.prompt, problem.entry_point, problem.canonical_solution
    )
    after = description_in(language, prompt, problem.entry_point, gold)
    if before.split() != after.split():
        return None
    return Draft(prompt, problem.entry_point, gold=gold)
