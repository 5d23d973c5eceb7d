"""A user's own problems: what is read, and what is refused with file and line."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from overproof.errors import DataError, RowError, UsageError
from overproof.suites import read_problems

ROW: dict[str, Any] = {
    "task_id": "mine/0",
    "prompt": 'def add(a, b):\n    "Add."\n',
    "entry_point": "add",
    "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
    "canonical_solution": "    return a + b\n",
}


def written(folder: Path, *rows: Any, name: str = "mine.jsonl") -> Path:
    path = folder / name
    text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["mine.jsonl", "mine.jsonl.gz"])
def test_plain_and_gzipped_files_give_the_same_problems(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, ROW, "", "   ", ROW | {"task_id": "mine/1", "extra": 5}, name=name)
    first, second = read_problems(path)
    assert (first.task_id, second.task_id, first.suite) == ("mine/0", "mine/1", "mine")
    assert first.prompt == ROW["prompt"]
    assert first.canonical_solution == ROW["canonical_solution"]
    assert read_problems(path, suite="other")[0].suite == "other"


def test_a_solution_may_be_missing_and_another_language_is_not_checked(tmp_path: Path) -> None:
    bare = {name: value for name, value in ROW.items() if name != "canonical_solution"}
    rust = ROW | {"task_id": "mine/1", "language": "rust", "prompt": "fn add(", "test": "t"}
    first, second = read_problems(written(tmp_path, bare, rust))
    assert first.canonical_solution == ""
    assert (first.language, second.language) == ("python", "rust")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "got list"),
        ("7", "got int"),
        ({}, "task_id.*got nothing"),
        (ROW | {"prompt": 5}, "prompt.*got int"),
        (ROW | {"prompt": ""}, "prompt.*got nothing"),
        (ROW | {"canonical_solution": None}, "canonical_solution.*got nothing"),
        (ROW | {"entry_point": "a b"}, "not a Python name"),
        (ROW | {"entry_point": "ad"}, "does not define the entry point 'ad'"),
        (ROW | {"prompt": "class A:\n    def add(a):\n"}, "does not define"),
        (ROW | {"test": "assert add(1, 2) == 3"}, "check"),
        (ROW | {"task_id": "first"}, "on line 1 already"),
    ],
)
def test_bad_rows_are_refused_with_file_and_line(tmp_path: Path, row: Any, message: str) -> None:
    path = written(tmp_path, ROW | {"task_id": "first"}, "", row)
    with pytest.raises(RowError, match=rf"mine\.jsonl:3: .*{message}"):
        read_problems(path)


def test_bytes_that_are_no_text_are_a_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_bytes(b'{"task_id": "\xff"}')
    with pytest.raises(RowError, match=r"mine\.jsonl:1"):
        read_problems(path)


@pytest.mark.parametrize("content", [b"", b"\n  \n"])
def test_empty_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match="no problem"):
        read_problems(path)


@pytest.mark.parametrize("cut", [0, 3, 20, -4])
def test_broken_gzip_is_refused(tmp_path: Path, cut: int) -> None:
    path = written(tmp_path, ROW, name="mine.jsonl.gz")
    path.write_bytes(path.read_bytes()[:cut] if cut else b"plain text")
    with pytest.raises(DataError, match="gzip"):
        read_problems(path)


def test_files_that_cannot_be_opened_are_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_problems(tmp_path / "missing.jsonl")
    with pytest.raises(UsageError, match="is a directory"):
        read_problems(tmp_path)
