r"""The rows of published data sets: which field holds the text, which the code, which the tests.

    mbpp              text or prompt, code, test_list; also MBPP+
    codesearchnet     the corpus as on the hub, and as its authors packed it
    vault             The Vault, functions; `license` names the licences of each row
    oss_instruct      Magicoder-OSS-Instruct: problem, and a solution with fenced code
    opc_instruct      OpenCoder SFT, stage 2: instruction, code, entry_point, testcase
    response          self-oss-instruct and its like: instruction, and a response with fenced code
    input_output      OpenCodeInstruct: input, output with fenced code, whether its tests passed;
                      with an instruction as well, or instead of the input, as Alpaca's

The first shape whose fields a row has is its shape; all other rows are of the simple kind that
files.py reads. To add one, write a function and a line in `SHAPES`.

    >>> draft_row({"instruction": "Return half.", "response": "```py\nx\n```"}).text
    'Return half.'
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from overproof.pairs.reindent import reindent
from overproof.pairs.rules import UnfitError

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a row says, before its code is looked at."""

    text: str
    """Empty if the code's own docstring says it."""
    code: str
    """A program with the function, or the function alone."""
    language: str = "python"
    entry_point: str = ""
    setup: str = ""
    """A program that the code may need before it."""
    checks: tuple[str, ...] = ()
    """Assertions about the function."""
    fenced: bool = False
    """Whether `code` is an answer in prose, with the code in fenced blocks."""
    licences: tuple[str, ...] = ()
    """All of them hold; empty if the row does not tell."""
    origin: str = ""
    """Empty if the row has no name of its own."""
    mined: bool = False
    """Whether it comes from somebody's project, where little is written to be learnt from."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How one kind of row is known, and read."""

    fields: tuple[str, ...]
    """What such a row has."""
    draft: Callable[[Row], Draft]
    more: tuple[str, ...] = ()
    """What is read besides, where it is there."""


_FENCE = re.compile(r"^[ \t]*```[ \t]*([\w+#-]*)[^\n]*\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE)
_ASSERTED = re.compile(r"\bassert\s+(?:not\s+)?\(?(?:(?:set|list|sorted|tuple|len)\()?(\w+)\(")
_TAGS = {
    "py": "python",
    "python3": "python",
    "js": "javascript",
    "ts": "typescript",
    "c++": "cpp",
    "c#": "csharp",
    "cs": "csharp",
    "rs": "rust",
    "golang": "go",
    "rb": "ruby",
    "sh": "bash",
    "shell": "bash",
}


def draft_row(row: Row) -> Draft | None:
    """Return what a row of a known shape says; None if it has none of the shapes.

    Raises: UnfitError if a field does not hold what it should.
    """
    for shape in SHAPES.values():
        if all(row.get(name) is not None for name in shape.fields):
            return shape.draft(row)
    return None


def fenced_code(answer: str, language: str = "python") -> str:
    r"""Return the first fenced block of a language, or without one; all of it if nothing is fenced.

    >>> fenced_code("So:\n```py\nx = 1\n```\n")
    'x = 1\n'

    Raises: UnfitError if only other languages are fenced.
    """
    blocks = [(language_name(found[1]), str(found[2])) for found in _FENCE.finditer(answer)]
    if not blocks and "```" not in answer:
        return answer
    fitting = [code for tag, code in blocks if tag in ("", language)]
    if not fitting:
        raise UnfitError("no_code", f"no block of {language} in the answer")
    return next((code for code in fitting if language != "python" or "def " in code), fitting[0])


def language_name(tag: str) -> str:
    """Return a language as it is called here.

    >>> language_name("C++"), language_name("Python"), language_name("swift")
    ('cpp', 'python', 'swift')
    """
    return _TAGS.get(tag.lower(), tag.lower())


def _mbpp(row: Row) -> Draft:
    setup = [*_strings(row, "test_imports"), _string(row, "test_setup_code")]
    number = row.get("task_id", "")
    return Draft(
        text=_string(row, "text", "prompt"),
        code=reindent(_string(row, "code").replace("\r\n", "\n")),
        entry_point=_asserted(_strings(row, "test_list")),
        setup="\n".join(part for part in setup if part),
        checks=_strings(row, "test_list"),
        origin=str(number) if isinstance(number, str) else f"MBPP/{number}",
    )


def _codesearchnet(row: Row) -> Draft:
    language = language_name(_string(row, "language"))
    place = (
        _string(row, "repository_name", "repo"),
        _string(row, "func_path_in_repository", "path"),
        _string(row, "func_name"),
    )
    return Draft(
        text=_string(row, "func_documentation_string", "docstring"),
        code=_string(row, "whole_func_string", "original_string", "func_code_string", "code"),
        language=language,
        origin="/".join(part for part in place if part),
        mined=True,
    )


def _vault(row: Row) -> Draft:
    place = (_string(row, "repo"), _string(row, "path"), _string(row, "identifier"))
    licences = row.get("license") or ()
    return Draft(
        text=_string(row, "docstring"),
        code=_string(row, "original_string", "code"),
        language=language_name(_string(row, "language")),
        entry_point=_string(row, "identifier"),
        licences=(licences,) if isinstance(licences, str) else tuple(map(str, licences)),
        origin="/".join(part for part in place if part),
        mined=True,
    )


def _oss_instruct(row: Row) -> Draft:
    language = language_name(_string(row, "lang"))
    return Draft(
        text=_string(row, "problem"),
        code=_string(row, "solution"),
        fenced=True,
        language=language,
    )


def _opc_instruct(row: Row) -> Draft:
    return Draft(
        text=_string(row, "instruction"),
        code=_string(row, "code"),
        entry_point=_string(row, "entry_point"),
        checks=_strings(row, "testcase"),
    )


def _response(row: Row) -> Draft:
    return Draft(
        text=_string(row, "instruction"),
        code=_string(row, "response"),
        fenced=True,
    )


def _input_output(row: Row) -> Draft:
    statuses = _strings(row, "tests_execution_status")
    score = row.get("average_test_score")
    if any(status != "pass" for status in statuses) or (score is not None and not _is_one(score)):
        raise UnfitError("failed_tests", "its own tests did not pass")
    task = [_string(row, "instruction"), _string(row, "input")]
    checks = _strings(row, "unit_tests")
    return Draft(
        text="\n\n".join(part for part in task if part.strip()),
        code=_string(row, "output"),
        fenced=True,
        entry_point=_asserted(checks),
        checks=checks,
    )


SHAPES: dict[str, Shape] = {
    "codesearchnet": Shape(
        fields=("func_name", "language", "func_documentation_string"),
        more=(
            *("whole_func_string", "func_code_string", "repository_name"),
            *("func_path_in_repository", "license", "licence"),
        ),
        draft=_codesearchnet,
    ),
    "codesearchnet_packed": Shape(
        fields=("func_name", "language", "docstring", "code"),
        more=("original_string", "repo", "path", "license", "licence"),
        draft=_codesearchnet,
    ),
    "vault": Shape(
        fields=("identifier", "language", "docstring", "code"),
        more=("original_string", "repo", "path", "license"),
        draft=_vault,
    ),
    "mbpp": Shape(
        fields=("code", "test_list"),
        more=("text", "prompt", "task_id", "test_imports", "test_setup_code"),
        draft=_mbpp,
    ),
    "oss_instruct": Shape(fields=("problem", "solution", "lang"), draft=_oss_instruct),
    "opc_instruct": Shape(
        fields=("instruction", "code", "entry_point", "testcase"),
        draft=_opc_instruct,
    ),
    "response": Shape(fields=("instruction", "response"), draft=_response),
    "input_output": Shape(
        fields=("input", "output"),
        more=(
            *("instruction", "unit_tests"),
            *("tests_execution_status", "average_test_score"),
        ),
        draft=_input_output,
    ),
    "instruction_output": Shape(fields=("instruction", "output"), draft=_input_output),
}
"""By name; the first that fits a row is taken."""


def _asserted(checks: tuple[str, ...]) -> str:
    """Return the name that the first assertion calls; empty if it calls none."""
    found = _ASSERTED.search("\n".join(checks))
    return found[1] if found else ""


def _string(row: Row, *names: str) -> str:
    """Return the first of some fields that holds something; empty if none does."""
    for name in names:
        value = row.get(name)
        if value is not None and not isinstance(value, str):
            kind = type(value).__name__
            raise UnfitError("damaged", f"{name} is a {kind}, but it must be a string")
        if value:
            return str(value)
    return ""


def _strings(row: Row, name: str) -> tuple[str, ...]:
    """Return a list of strings, which may be written as JSON; empty if there is none."""
    value = row.get(name) or []
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = [value]
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise UnfitError("damaged", f"{name} is no list of strings")
    return tuple(value)


def _is_one(score: Any) -> bool:
    try:
        return float(score) >= 1
    except (TypeError, ValueError):
        raise UnfitError("damaged", f"average_test_score is {score!r}, no number") from None
