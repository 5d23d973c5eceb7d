import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overproof.errors import RowError, StorageError
from overproof.records import Outcome
from overproof.store import RunFolder, Table, batches, write_atomically


def outcome(number: int) -> Outcome:
    return Outcome(key=f"k{number}", task_id=f"t/{number}", status="passed")


def test_rows_survive_reopening(tmp_path: Path) -> None:
    table = Table(tmp_path / "rows.jsonl", Outcome)
    table.append([outcome(1), outcome(2)])
    again = Table(tmp_path / "rows.jsonl", Outcome)
    assert again["k1"] == outcome(1)
    assert len(again) == 2


def test_a_row_is_written_once(tmp_path: Path) -> None:
    table = Table(tmp_path / "rows.jsonl", Outcome)
    table.append([outcome(1)])
    table.append([outcome(1), outcome(2)])
    assert len((tmp_path / "rows.jsonl").read_bytes().splitlines()) == 2


@settings(deadline=None)  # a busy disk is no failure
@given(st.integers(min_value=0, max_value=200))
def test_a_torn_last_line_is_cut_off_and_made_again(cut: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        Table(path, Outcome).append([outcome(1), outcome(2)])
        whole = path.read_bytes()
        path.write_bytes(whole[: min(cut, len(whole))])
        table = Table(path, Outcome)
        table.append([outcome(1), outcome(2)])
        assert path.read_bytes() == whole


def test_a_damaged_line_in_the_middle_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    Table(path, Outcome).append([outcome(1), outcome(2), outcome(3)])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b'{"schema":1,"key":"k2"\n' + lines[2])
    with pytest.raises(RowError, match=r"rows\.jsonl:2") as error:
        Table(path, Outcome)
    assert "delete line 2" in error.value.hint
    assert len(path.read_bytes().splitlines()) == 3


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"schema":99,"key":"k","task_id":"t","status":"passed"}\n')
    with pytest.raises(RowError, match="schema 99"):
        Table(path, Outcome)


def test_fill_makes_only_what_is_missing_and_keeps_batches_whole(tmp_path: Path) -> None:
    seen: list[list[int]] = []

    def work(part: list[int]) -> list[Outcome]:
        seen.append(part)
        return [outcome(number) for number in part]

    table = Table(tmp_path / "rows.jsonl", Outcome)
    table.append([outcome(0), outcome(1), outcome(2)])
    rows = table.fill(list(range(6)), lambda n: f"k{n}", work, batch=2)
    assert [row.key for row in rows] == [f"k{n}" for n in range(6)]
    assert seen == [[2, 3], [4, 5]]  # the half-done batch is done again whole


def test_a_killed_process_loses_at_most_its_last_batch(tmp_path: Path) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from overproof.records import Outcome
from overproof.store import Table
table = Table(Path(sys.argv[1]), Outcome)
def work(part):
    for number in part:
        if number == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        yield Outcome(key=f"k{number}", task_id="t", status="passed")
table.fill(list(range(8)), lambda n: f"k{n}", work, batch=2)
"""
    path = tmp_path / "rows.jsonl"
    for victim in (3, 6, 99):
        subprocess.run([sys.executable, "-c", program, str(path), str(victim)], check=False)
    keys = [line.split(b'"key":"')[1][:2].decode() for line in path.read_bytes().splitlines()]
    assert keys == [f"k{number}" for number in range(8)]


def test_two_runs_on_one_folder_are_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with (
        folder.locked(),
        pytest.raises(StorageError, match="in use"),
        RunFolder(tmp_path / "run").locked(),
    ):
        raise AssertionError("the second run got in")


def test_a_full_disk_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(tmp_path / "rows.jsonl", Outcome)
    table.append([outcome(1)])
    before = table.path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="disk is full"):
        table.append([outcome(2)])
    assert table.path.read_bytes() == before
    with pytest.raises(StorageError, match="disk is full"):
        write_atomically(table.path, b"new")
    assert table.path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_a_file_in_the_way_of_the_folder_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("here first")
    with pytest.raises(StorageError, match="a file is in the way"):
        RunFolder(tmp_path / "run")
    assert (tmp_path / "run").read_text() == "here first"


@given(st.lists(st.integers(0, 3)), st.integers(1, 5))
def test_batches_keep_order_and_never_mix_groups(items: list[int], size: int) -> None:
    parts = list(batches(items, size, group=lambda item: item))
    assert [item for part in parts for item in part] == items
    assert all(len(part) <= size and len(set(part)) == 1 for part in parts)
