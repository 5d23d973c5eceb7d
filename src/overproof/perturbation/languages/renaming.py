r"""Renaming the entry point of a problem in another language: what `names` does in Python.

A name is changed where the grammar says that it is the function's, and where a comment mentions
it; `list.add` keeps its name when the function `add` gets another.

    >>> from overproof.records import Problem
    >>> problem = Problem(
    ...     task_id="t", prompt="// Add one, see add(2).\nint add(int x) {\n", entry_point="add",
    ...     canonical_solution="  return x + 1;\n}\n", test="", language="cpp",
    ... )
    >>> print(rename_in(problem, "plus").prompt)
    // Add one, see plus(2).
    int plus(int x) {
    <BLANKLINE>
    >>> convert_case("HasZero", "go"), convert_case("has_zero", "csharp")
    ('has_zero', 'HasZero')

Not covered: functions that a program calls by a name that it puts together at run time, overloads
in other files, macros. Where a place is unsure (a symbol, a name in quotes where such a call is
usual, a short-hand property) nothing is renamed.
"""

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from overproof.perturbation.draft import Draft
from overproof.perturbation.languages.comments import definitions, describe
from overproof.perturbation.languages.grammars import grammar_of, keywords_of
from overproof.perturbation.languages.trees import Source, identifiers_of, parsed, plain_code_of
from overproof.perturbation.names.slips import mention_of, renamed_at
from overproof.perturbation.source import apply_edits
from overproof.records import Problem

if TYPE_CHECKING:
    from tree_sitter import Node

RESERVED = frozenset(
    {"true", "false", "null", "nil", "undefined", "this", "self", "super", "main", "new", "class"}
    | {"return", "break", "continue", "echo", "print", "printf", "puts", "test", "read", "eval"}
    | {"exec", "exit", "set", "unset", "shift", "source", "type", "wait", "init", "panic", "len"}
    | {"string", "int", "float", "double", "bool", "boolean", "void", "object", "array", "list"}
    | {"initialize", "arguments", "constructor", "require", "import", "assert"}
)
"""Words that mean something in at least one language, though its grammar does not say so."""

OWN_RECEIVERS = frozenset({"this", "self", "Self", "static", "main", "__PACKAGE__"})


def convert_case(name: str, language: str) -> str:
    """Return the name in the other convention; a single word changes its first letter's case.

    `snake_case` becomes what the language uses: PascalCase in C# and Go, camelCase elsewhere.

    >>> convert_case("countZeros", "java"), convert_case("prime?", "ruby")
    ('count_zeros', 'Prime?')
    """
    core = name.lstrip("_")
    prefix = name[: len(name) - len(core)]
    if "_" in core.rstrip("_"):
        words = [word[:1].upper() + word[1:] for word in core.split("_")]
        if grammar_of(language).case != "pascal":
            words[0] = words[0][:1].lower() + words[0][1:]
        return prefix + "".join(words)
    if re.search(r"[a-z0-9][A-Z]", core):
        return prefix + re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", core).lower()
    return prefix + core[:1].swapcase() + core[1:]


def rename_in(problem: Problem, name: str) -> Draft | None:
    """Return the problem under another entry point; None if that name cannot be given.

    It is refused if it is no name in that language, a keyword, used by the code or the tests or
    mentioned in a comment already, or if we can't be sure of every place of the old one.

    Raises: UnknownNameError for an unknown language; EngineError if its grammar is missing.
    """
    old, language = problem.entry_point, problem.language
    if name == old or not _is_free(problem, name):
        return None
    program = problem.prompt + problem.canonical_solution
    source = parsed(language, program)
    code = name_places(language, program, old)
    if not code or not definitions(source, old):
        return None
    bare_calls = any(not program[place + len(old) :].lstrip(" ").startswith("(") for place in code)
    if language == "ruby" and name[0].isupper() and bare_calls:
        return None
    places = code | _mentions(source, problem)
    return renamed_at(problem, name, places)


@lru_cache(maxsize=2048)
def name_places(language: str, program: str, name: str) -> frozenset[int] | None:
    """Return the offsets at which a function's name stands in the code; None if we can't be sure.

    It need not be defined there, so a test that calls the function can be searched as well.

    >>> sorted(name_places("java", "int f(int x) { return a.f(x) + f(1); }", "f"))
    [4, 31]
    """
    source = parsed(language, program)
    places: set[int] = set()
    for index, node in enumerate(source.tokens):
        if name not in source.text(node):
            continue
        mine = _is_the_function(source, index, name)
        if mine is None:
            return None
        if mine:
            places.add(source.span(node)[0])
    return frozenset(places)


def _is_the_function(source: Source, index: int, name: str) -> bool | None:
    """Return whether a token that holds the name is the function's; None if that is unsure."""
    grammar, node = source.grammar, source.tokens[index]
    text, parent = source.text(node), node.parent
    assert parent is not None, "a token has a parent"
    if "preproc" in node.type:
        return None if re.search(rf"\b{re.escape(name)}\b", text) else False
    if text != name:
        by_text = grammar.by_text and text.strip("'\":&").rpartition("::")[2] == name
        return None if by_text else False
    if node.type in grammar.variables:
        return _is_called_variable(parent)
    if parent.type in grammar.variables or _is_key(source, node, parent):
        return False
    if node.type not in grammar.names | grammar.members:
        return None if grammar.by_text or node.type in grammar.types else False
    if node.type == "word" and parent.type not in ("command_name", "function_definition"):
        return None
    receiver = _receiver(source, index)
    if receiver is None:
        declared = parent.type in ("function_declarator", "method_definition", "method_declaration")
        return declared or node.type in grammar.names
    owners = _owners(source, name)
    if receiver in OWN_RECEIVERS | owners:
        return True
    made = "|".join(rf"\bnew\s+{owner}\b|\b{owner}(?:\.new\b|\s*\()" for owner in owners)
    return None if made and re.search(made, source.program) else False


def _is_key(source: Source, node: "Node", parent: "Node") -> bool:
    """Return whether a name is a key of a Lua table, or names an argument where `$` marks those."""
    named = parent.type == "field" or (parent.type == "argument" and source.grammar.variables)
    return bool(named) and parent.child_by_field_name("name") == node


def _receiver(source: Source, index: int) -> str | None:
    """Return the last word of the object that a member is taken from; None if it is no member."""
    before = source.tokens[max(0, index - 3) : index][::-1]
    if len(before) < 2 or source.text(before[0]) not in source.grammar.access:
        return None
    parent = source.tokens[index].parent
    if parent is not None and parent.type == "qualified_identifier":
        return None if parent.child_by_field_name("scope") is None else source.text(before[1])
    words = [source.text(token) for token in before[1:]]
    return words[-1] if words[0] == "?" else words[0]


def _is_called_variable(parent: "Node") -> bool | None:
    """Return whether it is Perl's `&f`; Bash's `declare -f f` is unsure."""
    if parent.type == "declaration_command":
        flags = parent.children[1].text or b""
        return None if flags.startswith(b"-") and b"f" in flags else False
    return parent.type == "function"


@lru_cache(maxsize=512)
def _owners(source: Source, name: str) -> frozenset[str]:
    """Return the names of the classes, modules or tables that hold the function."""
    found: set[str] = set()
    access = "|".join(re.escape(sign) for sign in sorted(source.grammar.access))
    for function in definitions(source, name):
        text = source.text(function)
        found.update(re.findall(r"^func\s*\((\w+)\s", text))
        head = text.partition("(")[0]
        found.update(re.findall(rf"(\w+)\s*(?:{access})\s*{re.escape(name)}", head))
        above = function.parent
        while above is not None:
            named = above.child_by_field_name("name") or above.child_by_field_name("type")
            if named is not None:
                found.add(source.text(named))
            above = above.parent
    return frozenset(found)


def _mentions(source: Source, problem: Problem) -> set[int]:
    """Return the offsets at which comments mention the function."""
    name = problem.entry_point
    shown = re.compile(rf"(?:>>>|\$)[ \t]+({re.escape(name)})(?!\w)")
    places: set[int] = set()
    for node in source.comments:
        start, end = source.span(node)
        places |= {m.start() for m in mention_of(name).finditer(source.program, start, end)}
        places |= {m.start(1) for m in shown.finditer(source.program, start, end)}
    found = describe(problem)
    if problem.language == "go" and found is not None:
        first = re.compile(rf"\s*({re.escape(name)})\b").match(problem.prompt, found.lines[0][0])
        places |= {first.start(1)} if first else set()
    return places


def _is_free(problem: Problem, name: str) -> bool:
    """Return whether a function of this problem could be called so."""
    language = problem.language
    shape = r"[A-Za-z_][A-Za-z0-9_]*" + (r"[?!]?" if language == "ruby" else "")
    words = keywords_of(language) | RESERVED
    known = name.lower() if language == "php" else name
    if not re.fullmatch(shape, name) or known in words:
        return False
    used = identifiers_of(language, problem.prompt + problem.canonical_solution)
    used |= identifiers_of(language, problem.test)
    return name not in used and mention_of(name).search(problem.prompt) is None


def renamed_code_of(language: str, program: str, old: str, new: str) -> str | None:
    """Return `plain_code_of` with the old name put back; None if that name is still somewhere.

    >>> old, new = "function f() end", "function g() end"
    >>> renamed_code_of("lua", new, "f", "g") == plain_code_of("lua", old)
    True
    """
    places = name_places(language, program, new)
    if places is None or name_places(language, program, old) != frozenset():
        return None
    edits = [(place, place + len(new), old) for place in places]
    return plain_code_of(language, apply_edits(program, edits))


def count_definitions(language: str, program: str, name: str) -> int:
    """Return how many functions of that name a program defines."""
    return len(definitions(parsed(language, program), name))
