r"""Where a function of another language is, what describes it, and which words of that are prose.

The description is the comment right above the function, or else the first one inside it, or else
the one above its class. What `overproof.perturbation.docstring` protects is protected here as
well, and what other languages have besides:

    tags        `@param {number} x`, `\brief`, `<summary>`, `@example` with all that follows
    calls       lines that call the function without brackets (`$ f "1 2"`, `f 1, 2`)
    names       every name that the prompt's code uses, types included

    >>> from overproof.records import Problem
    >>> prompt = "// Add two to x, and halve it. See f(1).\nfunc f(x int) int {\n"
    >>> problem = Problem(
    ...     task_id="t", prompt=prompt, entry_point="f", canonical_solution="return 1 }", test="",
    ...     language="go",
    ... )
    >>> found = describe(problem)
    >>> found.text(prompt)
    ' Add two to x, and halve it. See f(1).'
    >>> found = find_description("java", "/* Halve it. */ int f(int x) {", "f", "return x / 2; }")
    >>> found.lines
    ((2, 12),)

Not covered: a description that is not a comment.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

from overproof.perturbation.docstring import (
    LITERAL_WORDS,
    WORD,
    Described,
    Span,
    _protected,
    example_spans,
)
from overproof.perturbation.languages.trees import Source, identifiers_of, parsed
from overproof.records import Problem

if TYPE_CHECKING:
    from tree_sitter import Node

FUNCTIONS = frozenset(
    {"function_declaration", "generator_function_declaration", "method_definition"}
    | {"method_declaration", "function_definition", "function_item", "method", "singleton_method"}
    | {"subroutine_declaration_statement", "local_function_statement"}
)
BINDINGS = frozenset({"variable_declarator", "assignment_statement"})
"""They define a function if their value is one."""
DECLARATORS = frozenset(
    {"function_declarator", "pointer_declarator", "reference_declarator", "qualified_identifier"}
    | {"dot_index_expression", "method_index_expression", "variable_list"}
)
"""What may stand between a name and the function that it names."""
ATTRIBUTES = re.compile(r"(?:#\[[^\n]*\]|@\w+(?:\([^\n]*\))?|\[[A-Z][^\n]*\])\s*")

MARK = {"//": r"///?!?|//!", "#": r"#+", "--": r"---?"}
"""What begins a line comment, by its shortest form."""
MAGIC = re.compile(r"#!|#\s*(?:-\*-|\w+_string_literal:|(?:en)?coding[:=])")
OPENING = re.compile(r"/\*[*!]?(?!/)|--\[=*\[|=begin[^\n]*|=\w+[^\n]*")
CLOSING = re.compile(r"\s*\**\*/$|\]=*\]$|\n=(?:end|cut)[^\n]*$")
STAR = re.compile(r"\s*\*(?!/)")

TAG = re.compile(
    r"(?<!\w)[@\\][A-Za-z]+(?:\[[^\]\n]*\])?(?:[ \t]+\{[^}\n]*\})?(?:[ \t]+[^\s\w]\S*)*|<[^<>\n]+>"
)
TYPED_TAG = re.compile(r"@(?:param|var|type|field)[ \t]+\S+[ \t]+\S+|@returns?[ \t]+\S+")
"""Where the type stands bare after the tag: PHP and Lua."""
SHOWN = re.compile(
    r"@example\b.*?(?=^\W*@\w|\Z)|<(example|code|c|pre)\b[^>]*>.*?</\1>|\{@\w+[^}]*\}",
    re.DOTALL | re.MULTILINE,
)
CONTRACT_WORDS = LITERAL_WORDS | {"nil", "undefined", "nan", "char", "void", "undef", "vec", "std"}


@dataclass(frozen=True)
class Description:
    """The comment that describes a function, line by line."""

    start: int
    end: int
    lines: tuple[Span, ...]
    """Where each line's text is in the prompt, without the comment's own signs."""

    def text(self, prompt: str) -> str:
        """Return what the comment says."""
        return "\n".join(prompt[start:end] for start, end in self.lines)


def describe(problem: Problem) -> Description | None:
    """Locate the comment that describes the problem's function; None if there is none."""
    return find_description(
        problem.language, problem.prompt, problem.entry_point, problem.canonical_solution
    )


@lru_cache(maxsize=1024)
def find_description(
    language: str, prompt: str, entry_point: str, body: str = ""
) -> Description | None:
    """Locate the comment above an entry function, inside it, or above its class.

    Raises: UnknownNameError for an unknown language; EngineError if its grammar is missing.
    """
    source = parsed(language, prompt + body)
    spans = [_comment_span(source, node) for node in source.comments]
    spans = [span for span in spans if span[1] <= len(prompt)]
    function = next(reversed(definitions(source, entry_point)), None)
    if function is None:
        run = _run_before(source, spans, spans[-1][1]) if spans else []
    else:
        start = source.span(function)[0]
        inside = [span for span in spans if span[0] > start]
        run = _run_before(source, spans, start) or _first_run(source, inside)
        above = function.parent
        while not run and above is not None and above.parent is not None:
            run = _run_before(source, spans, source.span(above)[0])
            above = above.parent
    lines = [line for span in run for line in _lines(source, span)]
    return Description(run[0][0], run[-1][1], tuple(lines)) if lines else None


def description_in(language: str, prompt: str, entry_point: str, body: str = "") -> str:
    """Return what the comment of a function says; empty if there is none."""
    found = find_description(language, prompt, entry_point, body)
    return found.text(prompt) if found else ""


@lru_cache(maxsize=2048)
def prose_words_of(problem: Problem) -> tuple[Span, ...]:
    """Return the offsets, in the prompt, of the words that an operator on text may touch."""
    found = describe(problem)
    if found is None:
        return ()
    text = found.text(problem.prompt)
    starts = list(accumulate((end - start + 1 for start, end in found.lines), initial=0))
    mask = protected(text, problem.entry_point, problem.language)
    program = problem.prompt + problem.canonical_solution
    names = identifiers_of(problem.language, program, len(problem.prompt))
    spans = []
    for match in WORD.finditer(text):
        word = match[0]
        free = (
            not any(mask[match.start() : match.end()])
            and word not in names
            and word.lower() not in CONTRACT_WORDS
            and word[1:].islower()
        )
        if free:
            line = bisect_right(starts, match.start()) - 1
            shift = found.lines[line][0] - starts[line]
            spans.append((match.start() + shift, match.end() + shift))
    return tuple(spans)


def described_in(problem: Problem) -> Described | None:
    """Return the comment as text operators want it: what is no text of its lines is blanked."""
    found = describe(problem)
    if found is None:
        return None
    prompt, start = problem.prompt, found.lines[0][0]
    text = found.text(prompt)
    mask = protected(text, problem.entry_point, problem.language)
    width = found.lines[-1][1] - start
    letters = ["\n" if letter == "\n" else " " for letter in prompt[start : start + width]]
    fixed = bytearray(b"\x01" * width)
    place = 0
    for first, last in found.lines:
        letters[first - start : last - start] = prompt[first:last]
        fixed[first - start : last - start] = mask[place : place + last - first]
        place += last - first + 1
    program = prompt + problem.canonical_solution
    names = identifiers_of(problem.language, program, len(prompt))
    blanked = "".join(letters)
    examples = tuple(example_spans(blanked, problem.entry_point))
    return Described(start, blanked, bytes(fixed), names, examples)


def protected(text: str, entry_point: str, language: str) -> bytearray:
    """Mark the characters of a description that must stay as they are, one byte each."""
    mask = _protected(text, entry_point)
    name = re.escape(entry_point)
    call = re.compile(
        rf"^[ \t]*(?:\$ |=\w)[^\n]*|^[^\n]*(?<!\w){name}[ \t]+[\"'\d$\[{{-][^\n]*", re.M
    )
    patterns = [TAG, SHOWN, call]
    if language in ("php", "lua"):
        patterns.append(TYPED_TAG)
    if language == "go":
        patterns.append(re.compile(r"^\t[^\n]*", re.M))
    for pattern in patterns:
        for match in pattern.finditer(text):
            mask[match.start() : match.end()] = b"\x01" * (match.end() - match.start())
    return mask


def definitions(source: Source, name: str) -> list["Node"]:
    """Return the nodes that define a function of that name, with all that belongs to them."""
    kinds = source.grammar.names | source.grammar.members
    found = []
    for node in source.nodes:
        if node.type in kinds and source.text(node) == name:
            function = _defined_by(node)
            if function is not None:
                found.append(_outermost(source, function))
    return found


def _defined_by(node: "Node") -> "Node | None":
    """Return the function that a name is the name of, if any."""
    parent = node.parent
    while parent is not None and parent.type in DECLARATORS:
        node, parent = parent, parent.parent
    if parent is None or parent.type not in FUNCTIONS | BINDINGS:
        return None
    if parent.type in BINDINGS:
        if not any("function" in part.type for part in _values(parent)):
            return None
        return parent if node == parent.named_children[0] else None
    name = parent.child_by_field_name("name") or parent.child_by_field_name("declarator")
    return parent if node == name else None


def _values(binding: "Node") -> Iterator["Node"]:
    """Yield what a binding gives its names."""
    for child in binding.named_children[1:]:
        yield from child.named_children if child.type == "expression_list" else (child,)


def _outermost(source: Source, node: "Node") -> "Node":
    """Return the largest node that begins on the function's own line or is its template."""
    while node.parent is not None and node.parent.parent is not None:
        between = source.data[node.parent.start_byte : node.start_byte]
        if node.parent.type != "template_declaration" and re.search(rb"[{\n;]", between):
            return node
        node = node.parent
    return node


def _comment_span(source: Source, node: "Node") -> Span:
    """Return a comment's offsets without the line's end, which some grammars include."""
    start, end = source.span(node)
    return start, start + len(source.program[start:end].rstrip())


def _run_before(source: Source, spans: list[Span], anchor: int) -> list[Span]:
    """Return the comments that end right above an offset, without a gap between them."""
    run: list[Span] = []
    for start, end in reversed([span for span in spans if span[1] <= anchor]):
        between = source.program[end : run[0][0] if run else anchor]
        gap = between if run else ATTRIBUTES.sub("", between)
        if gap.strip() or (run and not _follows(source, (start, end), run[0], gap)):
            break
        if MAGIC.match(source.program, start) or not _begins_line(source, start):
            break
        run.insert(0, (start, end))
    return run


def _first_run(source: Source, spans: list[Span]) -> list[Span]:
    """Return the first comments, without a gap between them."""
    run: list[Span] = []
    for span in spans:
        if run:
            gap = source.program[run[-1][1] : span[0]]
            if gap.strip() or not _follows(source, run[-1], span, gap):
                break
        run.append(span)
    return run


def _follows(source: Source, first: Span, second: Span, gap: str) -> bool:
    """Return whether two comments are lines of one: line comments on neighbouring lines."""
    mark = source.grammar.line
    both = all(source.program.startswith(mark, start) for start, _ in (first, second))
    return both and gap.count("\n") == 1 and not OPENING.match(source.program, first[0])


def _begins_line(source: Source, start: int) -> bool:
    line = source.program.rfind("\n", 0, start) + 1
    return not source.program[line:start].strip()


def _lines(source: Source, span: Span) -> Iterator[Span]:
    """Yield where the text of each line of a comment is."""
    start, end = span
    text = source.program[start:end]
    opening = OPENING.match(text)
    if opening is None:
        mark = re.match(MARK[source.grammar.line], text)
        yield start + (mark.end() if mark else 0), end
        return
    closing = CLOSING.search(text, opening.end())
    position, last = opening.end(), closing.start() if closing else len(text)
    for line in text[position:last].split("\n"):
        star = STAR.match(line) if position > opening.end() else None
        yield start + position + (star.end() if star else 0), start + position + len(line)
        position += len(line) + 1
