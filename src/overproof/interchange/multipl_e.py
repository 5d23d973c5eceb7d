r"""MultiPL-E's files: problems with tests as source text, and completions for them.

    multipl_e_problem(load_suite("multicode:rust")[0])["name"]     # HumanEval_0_has_close_elements

The tests of our own translations are written by `overproof.suites.multicode.source_tests`. What
runs such a file appends tests to prompt and completion, so the braces that the tests begin by
closing are taken off the completion's end.

Limits: their verdict is an exit status, and can be forged by a program that ends early; ours is
not. Time and memory limits are those of the tool that runs the file.

Source: Cassano et al. 2022, "MultiPL-E"; field names as its evaluator reads them.
"""

import re
from collections.abc import Sequence
from typing import Any

from overproof.errors import DataError
from overproof.languages import load_language
from overproof.records import Problem
from overproof.suites.multicode.source_tests import source_test
from overproof.suites.peers import SourceTested

NAMES = {
    "bash": "sh",
    "csharp": "cs",
    "javascript": "js",
    "perl": "pl",
    "python": "py",
    "ruby": "rb",
    "rust": "rs",
    "typescript": "ts",
}
"""What MultiPL-E calls our languages, where not as we do."""


def multipl_e_problem(problem: Problem) -> dict[str, Any]:
    """Return a problem in MultiPL-E's fields.

    Raises: DataError if its tests cannot be written in its language.
    """
    language = load_language(problem.language)
    return {
        "name": _name(problem),
        "language": NAMES.get(problem.language, problem.language),
        "prompt": problem.prompt,
        "doctests": "keep",
        "prompt_terminology": "reworded",
        "tests": _tests(problem),
        "stop_tokens": list(language.translation.stop),
    }


def multipl_e_file(problem: Problem, programs: Sequence[str]) -> dict[str, Any]:
    """Return a problem with completions, as MultiPL-E's evaluator reads it.

    Where a program does not begin with the prompt, the file's prompt is empty and its completions
    are whole programs.
    """
    row = multipl_e_problem(problem)
    bodies = [_opened(program, row["tests"], problem.language) for program in programs]
    if all(body.startswith(problem.prompt) for body in bodies):
        bodies = [body[len(problem.prompt) :] for body in bodies]
    else:
        row["prompt"] = ""
    return row | {"temperature": 0.2, "top_p": 0.95, "max_tokens": 1024, "completions": bodies}


def _name(problem: Problem) -> str:
    """Return the name: as it came, or made of HumanEval's number and function."""
    source = problem.source
    task_id, entry_point = (
        (source.task_id, source.entry_point) if source else (problem.task_id, problem.entry_point)
    )
    if isinstance(problem, SourceTested) or "/" not in task_id:
        return re.sub(r"[^\w.+-]", "_", problem.task_id)
    return f"{task_id.replace('/', '_')}_{entry_point}"


def _tests(problem: Problem) -> str:
    if isinstance(problem, SourceTested):
        return problem.test
    if problem.cases:
        raise DataError(f"{problem.task_id}: MultiPL-E has no tests on standard input")
    if problem.language == "python":
        return f"\n{problem.test.rstrip()}\n\ncheck({problem.entry_point})\n"
    if problem.source is None:
        raise DataError(
            f"{problem.task_id}: its tests are in Python, its language is {problem.language}",
            hint="suites that can be written so: multicode:LANGUAGE, and MultiPL-E's own files",
        )
    return source_test(problem)


def _opened(program: str, tests: str, language: str) -> str:
    """Return the program without the closing braces that the tests bring."""
    if load_language(language).translation.block_end != "}":
        return program
    texts = r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])'|//[^\n]*|/\*.*?\*/"
    plain = re.sub(texts, "", tests, flags=re.DOTALL)
    head = re.match(r"(?:\s|//[^\n]*\n)*\}", tests) is not None
    for _ in range(max(plain.count("}") - plain.count("{"), int(head))):
        end = program.rstrip()
        if not end.endswith("}"):
            break
        program = end[:-1].rstrip() + "\n"
    return program
