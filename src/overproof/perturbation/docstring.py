r"""Where a prompt's docstring is, and which of its words are prose.

Operators on text may touch prose words only. Everything that carries the contract is protected:

    worked examples      doctests with their outputs, everything after an "Example" heading, the
                         rest of a paragraph after "for example", lines that call the function or
                         hold an arrow or `==`
    literals             numbers, quoted text, anything in backticks or brackets (but a remark of
                         four plain words or more in round ones is prose)
    names                parameters, functions, words_with_underscores, camelCase, CAPITALS
    meaning in a letter  numerals and negations as words ("two", "not"), one-letter words
    syntax               quotes, escape sequences, field lists (`:param x:`), code blocks

Where a function has no docstring, whole-line comments under its `def` stand in for it. All this
is so that no edit of a prose word can end the string, change an escape or alter an example.
Not covered: an example told in plain words, without any of these marks.

    >>> from overproof.records import Problem
    >>> prompt = 'def f(x):\n    "Add two to x, see f(1)."\n'
    >>> problem = Problem(
    ...     task_id="t", prompt=prompt, entry_point="f", canonical_solution="", test=""
    ... )
    >>> [prompt[start:end] for start, end in prose_words(problem)]
    []
    >>> doc = find_docstring(prompt, "f")
    >>> prompt[doc.inner_start : doc.inner_end]
    'Add two to x, see f(1).'
"""

import ast
import io
import re
import tokenize
from dataclasses import dataclass
from functools import lru_cache

from overproof.perturbation.source import Positions, find_function, is_text, parse
from overproof.records import Problem

Span = tuple[int, int]

LITERAL_WORDS = frozenset(
    {"true", "false", "none", "null", "yes", "no", "not", "nor", "never", "without", "except"}
    | {"only", "unless", "zero", "one", "two", "three", "four", "five", "six", "seven", "eight"}
    | {"nine", "ten", "eleven", "twelve", "hundred", "thousand", "first", "second", "third"}
    | {"fourth", "fifth", "last", "once", "twice", "half", "int", "str", "bool", "dict", "tuple"}
)
"""Words in which a single letter carries the contract."""

HEADING = re.compile(
    r"^[\W_]*(?:for\s+|some\s+|here\s+(?:is|are)\s+)?(?:an?\s+|few\s+)?"
    r"(?:examples?|sample\s+(?:input|output)|usage|doctests?|test\s+cases?)\b[\s\d:.#-]*$",
    re.IGNORECASE,
)
INLINE_EXAMPLE = re.compile(r"\bexamples?\b|\be\.\s?g\b|\bfor instance\b", re.IGNORECASE)
CODE_LIKE = re.compile(r"[=-]>|==|>>>|[➞→⇒]|^\s*(?:input|output|explanation)\s*[:=]", re.IGNORECASE)
QUOTED = re.compile(r"(?<![\w\\])(?P<quote>``|[`'\"‘“]).+?(?:(?P=quote)|[’”])(?!\w)")
REMARK = re.compile(r"\((?:[A-Za-z]{2,}|a)(?:\s+(?:[A-Za-z]{2,}|a)){3,}\)")
WORD = re.compile(r"(?:(?<!\S)|(?<=\s\())[A-Za-z]{2,}(?=\)?[.,;:!?]*(?:\s|$))")
LONGEST_BRACKET = 300
"""A bracket that closes later than this (in characters) is taken for a stray one."""


@dataclass(frozen=True)
class Docstring:
    """Offsets of an entry function's docstring in its prompt."""

    start: int
    """Of the first character of the literal: prefix or quote."""
    inner_start: int
    inner_end: int
    end: int
    """After the closing quotes."""
    indent: str
    """White space before the literal; empty if it does not begin its line."""


@lru_cache(maxsize=2048)
def find_docstring(prompt: str, entry_point: str, body: str = "") -> Docstring | None:
    """Locate the first bare string of the entry function; None if it has none in the prompt.

    A string after other statements counts too: some suites import before they describe.
    """
    for program in (prompt + body, prompt, f"{prompt}\n    pass\n"):
        tree = parse(program)
        if tree is not None:
            break
    function = find_function(tree, entry_point)
    if function is None:
        return None
    positions = Positions(program)
    for node in function.body:
        if is_text(node) and positions.end(node) <= len(prompt):
            return _docstring_at(prompt, node, positions)
    return None


def _docstring_at(prompt: str, node: ast.stmt, positions: Positions) -> Docstring | None:
    """Measure one literal; None if it is glued from several or its ends are not quotes."""
    start, end = positions.start(node), positions.end(node)
    opening = re.match(r"[rRuU]?(\"{3}|'{3}|\"|')", prompt[start:end])
    if opening is None:
        return None
    quotes = opening[1]
    inner_start, inner_end = start + opening.end(), end - len(quotes)
    inner = prompt[inner_start:inner_end]
    if prompt[inner_end:end] != quotes or re.search(rf"(?<!\\){quotes}", inner):
        return None
    return Docstring(start, inner_start, inner_end, end, positions.indent(node) or "")


@dataclass(frozen=True)
class Described:
    """What describes a function, and which of its characters must stay as they are."""

    start: int
    """Offset of the text in the prompt."""
    text: str
    """As in the prompt; outside comments, where there is no docstring, all is blanked."""
    fixed: bytes
    """One byte for each character; not zero where it must stay."""
    names: frozenset[str]
    """What the prompt's code binds."""
    examples: tuple[Span, ...]
    """The parts of lines that show examples, code or calls."""


@lru_cache(maxsize=2048)
def described(problem: Problem) -> Described | None:
    """Return a problem's description: its docstring, or else the comments under its `def`.

    In another language it is the comment that describes the function, by its grammar.
    """
    if problem.language != "python":
        from overproof.perturbation.languages import comments  # it protects words by our rules

        return comments.described_in(problem)
    found = find_docstring(problem.prompt, problem.entry_point, problem.canonical_solution)
    if found is not None:
        start, text = found.inner_start, problem.prompt[found.inner_start : found.inner_end]
    else:
        start, text = _comments_under(problem)
    if not text.strip():
        return None
    fixed = bytes(_protected(text, problem.entry_point))
    examples = tuple(example_spans(text, problem.entry_point))
    return Described(start, text, fixed, frozenset(_names_in(problem)), examples)


@lru_cache(maxsize=2048)
def prose_words(problem: Problem) -> tuple[Span, ...]:
    """Return the offsets, in the prompt, of the words that an operator on text may touch."""
    if problem.language != "python":
        from overproof.perturbation.languages import comments

        return comments.prose_words_of(problem)
    found = described(problem)
    if found is None:
        return ()
    spans = []
    for match in WORD.finditer(found.text):
        word = match[0]
        free = (
            not any(found.fixed[match.start() : match.end()])
            and word not in found.names
            and word.lower() not in LITERAL_WORDS
            and word[1:].islower()
        )
        if free:
            spans.append((found.start + match.start(), found.start + match.end()))
    return tuple(spans)


def _comments_under(problem: Problem) -> tuple[int, str]:
    """Return the text of whole-line comments after the function's head, all else blanked."""
    prompt = problem.prompt
    head = re.search(
        rf"^\s*(?:async\s+)?def\s+{re.escape(problem.entry_point)}\b", prompt, re.MULTILINE
    )
    if head is None:
        return 0, ""
    lines = Positions(prompt)
    comments: list[Span] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(prompt).readline):
            row, column = token.start
            if token.type == tokenize.COMMENT and not lines.lines[row - 1][:column].strip():
                start = lines.starts[row - 1] + column
                comments.append((start + 1, start + len(token.string)))
    except (tokenize.TokenError, SyntaxError):
        pass  # A prompt may stop in the middle: what was read before counts.
    text = list(re.sub(r"[^\n]", " ", prompt))
    for start, end in comments:
        if start > head.end():
            text[start:end] = prompt[start:end]
    return head.end(), "".join(text[head.end() :])


def _names_in(problem: Problem) -> set[str]:
    """Return the names that the prompt's code binds: functions, parameters, variables."""
    tree = parse(problem.prompt + problem.canonical_solution) or parse(problem.prompt)
    names = {problem.entry_point}
    for node in ast.walk(tree) if tree else ():
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.arg(arg=name):
                names.add(name)
            case ast.ClassDef(name=name):
                names.add(name)
    for node in tree.body if tree else ():
        if isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return names


def _protected(text: str, entry_point: str) -> bytearray:
    """Mark the characters of a docstring that must stay as they are, one byte each."""
    mask = bytearray(len(text))
    brackets = [span for span in _brackets(text) if not REMARK.fullmatch(text, *span)]
    for start, end in [*example_spans(text, entry_point), *brackets]:
        mask[start:end] = b"\x01" * (end - start)
    for match in QUOTED.finditer(text):
        mask[match.start() : match.end()] = b"\x01" * (match.end() - match.start())
    return mask


def example_spans(text: str, entry_point: str) -> list[Span]:
    """Return the parts of lines that show examples, code or calls."""
    call = re.compile(rf"(?<!\w){re.escape(entry_point)}\s*\(")
    spans: list[Span] = []
    lines = text.split("\n")
    # The first line follows the quotes: it counts as indented like the least indented other one.
    margin = min((len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()), default=0)
    state, depth, start = "prose", 0, 0
    for line in lines:
        end, bare = start + len(line), line.strip()
        indent = len(line) - len(line.lstrip()) if start else margin
        if state in ("want", "paragraph") and not bare:
            state = "prose"
        if state == "block" and bare and indent <= depth:
            state = "prose"
        inline = INLINE_EXAMPLE.search(line)
        if state == "fence":
            spans.append((start, end))
            state = "prose" if bare.startswith("```") else state
        elif state != "prose":
            spans.append((start, end))
        elif bare.startswith((">>>", "```")):
            spans.append((start, end))
            state = "want" if bare.startswith(">>>") else "fence"
        elif HEADING.match(bare):
            spans.append((start, end))
            state = "rest"
        elif call.search(line) or CODE_LIKE.search(line):
            spans.append((start, end))
        elif inline:
            spans.append((start + inline.start(), end))
            state = "paragraph"
        elif bare.endswith("::"):
            state, depth = "block", indent
        start = end + 1
    return spans


def _brackets(text: str) -> list[Span]:
    """Return the spans of matched brackets, the outer ones included."""
    closing = {")": "(", "]": "[", "}": "{"}
    opened: list[tuple[str, int]] = []
    spans = []
    for index, letter in enumerate(text):
        if letter in "([{":
            opened.append((letter, index))
        elif letter in closing and opened and opened[-1][0] == closing[letter]:
            start = opened.pop()[1]
            if index - start <= LONGEST_BRACKET:
                spans.append((start, index + 1))
    return spans


def description_of(prompt: str, entry_point: str, body: str = "") -> str:
    """Return the source of what describes the function: its docstring, or else its comments."""
    found = find_docstring(prompt, entry_point, body)
    if found is not None:
        return prompt[found.inner_start : found.inner_end]
    defined = re.search(rf"^\s*(?:async\s+)?def\s+{re.escape(entry_point)}\b", prompt, re.MULTILINE)
    lines = prompt[defined.end() if defined else 0 :].split("\n")
    comments = [re.match(r"\s*#\s?(.*)", line) for line in lines]
    return "\n".join(comment[1] for comment in comments if comment)


def worked_examples(description: str, entry_point: str) -> list[str]:
    r"""Return the lines of doctests and their outputs, and the lines that call the function.

    >>> worked_examples("Adds.\n  >>> f(1)\n  2\n\n  f(2) == 3", "f")
    ['>>> f(1)', '2', 'f(2) == 3']
    """
    call = re.compile(rf"(?<!\w){re.escape(entry_point)}\s*\(")
    lines, within = [], False
    for line in description.split("\n"):
        bare = line.strip()
        within = bool(bare) and (within or bare.startswith(">>>"))
        if within or call.search(bare):
            lines.append(bare)
    return lines


def literals(description: str) -> list[str]:
    """Return the numbers and the quoted texts of a description, sorted.

    >>> literals("At most 10 of 'ab', 2.5 times, not fib4")
    ['10', '2.5', "'ab'"]
    """
    numbers = re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?!\w)", description)
    quoted = [match[0] for match in QUOTED.finditer(description)]
    return sorted(numbers) + sorted(quoted)
