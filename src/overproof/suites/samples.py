r"""Samples from a file of any tool, one by one: each with its task and one text.

    {"task_id": "HumanEval/0", "completion": "    return 1\n"}     or `solution`, a whole program
    {"task_id": "HumanEval/0", "generation": "def f(): …"}          either, told by what it defines
    {"name": "HumanEval_0_f", "language": "js", "completions": ["…", "…"]}             MultiPL-E
    [["def f(): …", "…"], ["…"]]       bigcode's harness: one list for each problem, in their order

A line is a sample, or several where the field holds a list. A file called `.json` may be one JSON
value; a folder of files will do, as MultiPL-E writes them (`*.results.json.gz` are left out).

    for place, fields in read_samples(Path("samples.jsonl"), problems): …
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from overproof.errors import DataError, RowError
from overproof.records import Problem
from overproof.suites.peers import defines
from overproof.suites.read import read_content, read_lines

FIELDS = {
    "solution": "solution",
    "completion": "completion",
    "completions": "completion",
    "generation": "generation",
    "generations": "generation",
}
"""What may hold a sample's text, or a list of them; the first that is there counts."""
_SUFFIXES = (".json", ".jsonl", ".json.gz", ".jsonl.gz")


def read_samples(
    path: Path, problems: Mapping[str, Problem]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield where each sample stands in the file or folder, and its fields.

    `problems` are those of the suite, by task_id, in order. Of the fields in `FIELDS` each sample
    has one at most: `solution`, `completion` or `generation`.

    Raises: RowError with file and line; DataError; UsageError if the file can't be opened.
    """
    for file in _files(path):
        folder = f"{file.name}:" if path.is_dir() else ""
        for place, fields in _rows(file, problems):
            yield from ((folder + where, sample) for where, sample in _each(place, fields))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = [file for file in sorted(path.iterdir()) if file.name.endswith(_SUFFIXES)]
    found = [file for file in found if ".results." not in file.name]
    if not found:
        raise DataError(f"{path}: no file of samples in it", hint="JSON or JSONL, maybe gzipped")
    return found


def _rows(path: Path, problems: Mapping[str, Problem]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield place and fields of what a file holds for each task."""
    whole = _whole(path)
    if whole is None:
        for number, fields in read_lines(path, "samples"):
            yield str(number), fields
        return
    entries = whole if isinstance(whole, list) else [whole]
    if entries and all(isinstance(entry, list) for entry in entries):
        entries = list(_by_order(path, entries, list(problems.values())))
    for number, fields in enumerate(entries, start=1):
        if not isinstance(fields, dict):
            raise RowError(
                f"{path}: entry {number}: got {type(fields).__name__}, not an object",
                hint="a list of samples, or a list of texts for each problem",
            )
        yield str(number), fields


def _whole(path: Path) -> Any:
    """Return what a file holds that is one JSON value, not one in each line; else None."""
    if not path.name.endswith((".json", ".json.gz")):
        return None
    try:
        return msgspec.json.decode(read_content(path, "samples"))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _by_order(
    path: Path, lists: Sequence[list[Any]], problems: Sequence[Problem]
) -> Iterator[dict[str, Any]]:
    """Yield what lists of texts, one for each problem, say with names.

    Raises: DataError if they are more than the problems, or a text is another problem's.
    """
    if len(lists) > len(problems):
        raise DataError(
            f"{path}: {len(lists)} lists of texts for {len(problems)} problems",
            hint="name the file of problems that they were made for: --problems",
        )
    for number, (texts, problem) in enumerate(zip(lists, problems, strict=False), start=1):
        own = any(defines(text, problem) for text in texts if isinstance(text, str))
        if texts and not own and any(_of_another(text, problems) for text in texts):
            raise DataError(
                f"{path}: list {number} is not about {problem.task_id}",
                hint="the lists must be in the suite's order: name the file of problems that they "
                "were made for: --problems",
            )
        yield {"task_id": problem.task_id, "generations": texts}


def _of_another(text: Any, problems: Sequence[Problem]) -> bool:
    return isinstance(text, str) and any(defines(text, problem) for problem in problems)


def _each(place: str, fields: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the samples of one row."""
    named = next((name for name in FIELDS if name in fields), None)
    if named is None:
        yield place, fields
        return
    rest = {name: value for name, value in fields.items() if name not in FIELDS}
    texts = fields[named]
    if not isinstance(texts, list):
        yield place, rest | {FIELDS[named]: texts}
        return
    for number, text in enumerate(texts, start=1):
        yield f"{place}.{number}", rest | {FIELDS[named]: text}
