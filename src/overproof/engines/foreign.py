r"""From an answer to a program, in any language but Python: by names and brackets, no parser.

    >>> from overproof.languages import load_language
    >>> js = load_language("javascript")
    >>> print(assemble("// One.\nfunction f(x){\n", "  return 1;\n", "f", js), end="")
    // One.
    function f(x){
      return 1;
    }

The answer may be the rest of the function or the whole of it. What the prompt holds above the
function (imports, helpers, the class around it) is put before a whole one, as far as the answer
does not bring it itself; brackets that are left open are closed.

Not covered: a function that is defined twice, prose without a fence around the code.
"""

import re
from collections.abc import Iterator

from overproof.languages.language import Language

_IMPORT = re.compile(
    r"\s*(import|using|use|#\s*include|package|require|declare|<\?php)\b|\s*<\?php"
)
_OWN_TYPE = r"^\s*(?:public\s+|final\s+|static\s+|internal\s+|sealed\s+|abstract\s+)*class\s+\w+"
_TEXT = r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|[{}]"
_SLASHES = re.compile(rf"//[^\n]*|/\*.*?\*/|`(?:\\.|[^`\\])*`|{_TEXT}", re.DOTALL)
_HASH = re.compile(rf"(?:(?<=\s)|^)#[^\n]*|{_TEXT}", re.DOTALL | re.MULTILINE)
"""What finds braces, and whatever may hold some that are none, by what begins a comment."""


def assemble(prompt: str, code: str, entry_point: str, language: Language) -> str:
    """Return the whole program that a prompt and the code of an answer make."""
    if not code.strip():
        return ""
    writing = language.translation
    definition = re.compile(writing.definition(entry_point), re.MULTILINE)
    own = definition.search(code)
    if own is None or not (writing.in_class or _at_margin(own)):
        return _balanced(f"{prompt.rstrip()}\n{code.strip(chr(10))}", language)
    begun = definition.search(prompt)
    above = _above(prompt, begun.start() if begun else 0, language)
    if writing.in_class and re.search(_OWN_TYPE, code[: own.start()], re.MULTILINE):
        above = [line for line in above if _IMPORT.match(line)]
    brought = {line.strip() for line in code.split("\n")}
    kept = [line for line in above if not (_IMPORT.match(line) and line.strip() in brought)]
    if any(line.startswith("package ") for line in code.split("\n")):
        kept = []  # Go: a file of its own, with its imports
    return _balanced("".join(f"{line}\n" for line in kept) + code.strip("\n"), language)


def closing(prompt: str, language: Language) -> str:
    r"""Return what makes a program of a prompt, its function without a body.

    >>> from overproof.languages import load_language
    >>> closing("function f(x){\n", load_language("javascript"))
    '}\n'
    """
    if language.translation.block_end != "}":
        return f"{language.translation.block_end}\n"
    return _balanced(prompt, language)[len(prompt.rstrip()) :].removeprefix("\n")


def _at_margin(found: re.Match[str]) -> bool:
    """Return whether a definition is indented by nothing: a variable of a body is."""
    return not found.group().lstrip("\n")[:1].isspace()


def _above(prompt: str, end: int, language: Language) -> list[str]:
    """Return the lines of the prompt above the comment that describes the function."""
    lines = prompt[:end].rstrip("\n").split("\n") if end else []
    mark = language.translation.comment
    while lines and (lines[-1].strip().startswith(mark) or not lines[-1].strip()):
        lines.pop()
    return lines


def _balanced(program: str, language: Language) -> str:
    """Close what is left open; drop closing braces that close nothing."""
    if language.translation.block_end != "}":
        return f"{program.rstrip()}\n"
    depth, cut = 0, len(program)
    for brace, place in _braces(program, language):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            cut = place
            break
    else:
        closing = "".join(f"{'    ' * level}}}\n" for level in reversed(range(depth)))
        return f"{program.rstrip()}\n{closing}"
    return f"{program[:cut].rstrip()}\n"


def _braces(program: str, language: Language) -> Iterator[tuple[str, int]]:
    tokens = _HASH if language.translation.comment == "#" else _SLASHES
    for match in tokens.finditer(program):
        if match.group() in ("{", "}"):
            yield match.group(), match.start()
