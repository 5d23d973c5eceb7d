"""Rows carry a checksum: damage is seen, named with file and line, and nothing is read past it."""

import json
import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overproof.errors import RowError, StorageError
from overproof.folders.rows import read_table
from overproof.records import Outcome, encode_row
from overproof.seals import is_intact, seal
from overproof.store import RunFolder, Table


def outcome(number: int) -> Outcome:
    return Outcome(key=f"k{number}", task_id=f"t/{number}", status="passed", detail="ünïcode")


def written(path: Path, count: int = 3) -> list[bytes]:
    Table(path, Outcome).append(map(outcome, range(count)))
    return path.read_bytes().splitlines(keepends=True)


def test_other_tools_read_the_rows_and_can_check_them(tmp_path: Path) -> None:
    for line in written(tmp_path / "outcomes.jsonl"):
        row = json.loads(line)
        assert row["task_id"] and list(row)[-1] == "crc32"
        bare = line.strip().replace(b',"crc32":"%s"' % row["crc32"].encode(), b"")
        assert f"{zlib.crc32(bare):08x}" == row["crc32"]
    assert subprocess.run(
        [sys.executable, "-c", "import sys, json; [json.loads(line) for line in sys.stdin]"],
        input=(tmp_path / "outcomes.jsonl").read_bytes(),
        check=True,
    )


def test_rows_without_a_checksum_are_read(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.jsonl"
    path.write_bytes(encode_row(outcome(0)) + b"\n")
    table = Table(path, Outcome)
    table.append([outcome(1)])
    assert [is_intact(line) for line in path.read_bytes().splitlines()] == [None, True]
    assert Table(path, Outcome).rows() == [outcome(0), outcome(1)]
    assert read_table(tmp_path, "outcomes", Outcome) == [outcome(0), outcome(1)]


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_no_flipped_bit_goes_unseen(place: int, bit: int) -> None:
    line = seal(encode_row(outcome(7)))
    flipped = bytearray(line)
    flipped[place % len(line)] ^= 1 << bit
    damaged = bytes(flipped)
    assert is_intact(line) is True
    if is_intact(damaged) is None:  # the checksum's own name or shape was hit
        assert place % len(line) >= len(line) - 20
    else:
        assert is_intact(damaged) is False


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda line: line.replace(b"passed", b"error_"), "checksum"),
        (lambda line: line[: len(line) // 2] + b"\n", "not a Outcome row"),
        (lambda line: b"\x00" * (len(line) - 1) + b"\n", "not a Outcome row"),
        (lambda line: b"<<<<<<< HEAD\n", "not a Outcome row"),
        (lambda line: line[:40] + line, "not a Outcome row|checksum"),
    ],
    ids=["edited", "cut", "zeros", "foreign", "spliced"],
)
def test_a_damaged_line_stops_every_reader(
    damage: Callable[[bytes], bytes], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "outcomes.jsonl"
    lines = written(path)
    path.write_bytes(lines[0] + damage(lines[1]) + lines[2])
    before = path.read_bytes()
    for read in (
        lambda: Table(path, Outcome),
        lambda: read_table(tmp_path, "outcomes", Outcome),
    ):
        with pytest.raises(RowError, match=rf"outcomes\.jsonl:2: .*({said})") as caught:
            read()
        assert "fsck" in caught.value.hint and "--repair" in caught.value.hint
    assert path.read_bytes() == before


def test_of_two_rows_with_one_key_the_first_counts(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.jsonl"
    lines = written(path)
    other = Outcome(key="k0", task_id="t/0", status="error")
    path.write_bytes(b"".join(lines) + seal(encode_row(other)) + b"\n" + lines[1])
    assert Table(path, Outcome).rows() == [outcome(0), outcome(1), outcome(2)]
    assert read_table(tmp_path, "outcomes", Outcome) == [outcome(0), outcome(1), outcome(2)]


def test_what_a_kill_left_half_is_removed_on_the_next_start(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    (folder.path / ".report.html.4711.tmp").write_bytes(b"<html>half a rep")
    (folder.path / ".hidden").write_bytes(b"not ours")
    with folder.locked():
        left = sorted(path.name for path in folder.path.iterdir())
    assert left == [".hidden", ".lock"]


IN_A_SMALL_FILE_SYSTEM = """
import os, sys
from pathlib import Path
from overproof.errors import StorageError
from overproof.records import Outcome
from overproof.store import RunFolder
folder = RunFolder(Path(sys.argv[1]) / "run")
table = folder.table("outcomes", Outcome)
try:
    with folder.locked():
        for n in range(10_000):
            table.append([Outcome(key=f"k{n}", task_id="t", status="passed", detail="x" * 3000)])
except StorageError as error:
    print(len(table), error)
    size = table.path.stat().st_size
    assert table.path.read_bytes().count(b"\\n") == len(table), "half a row was left"
    (Path(sys.argv[1]) / "ballast").unlink()
    with folder.locked():
        again = folder.table("outcomes", Outcome)
        again.append([Outcome(key="last", task_id="t", status="passed")])
        assert len(again) == len(table) + 1
        folder.write_json("results.json", {})
"""


def test_a_full_disk_says_so_and_keeps_every_finished_row(tmp_path: Path) -> None:
    """A real one: a file system of a megabyte, in a mount namespace of its own."""
    script = f"""
set -e
mount -t tmpfs -o size=1m none {tmp_path}
head -c 200000 /dev/zero > {tmp_path}/ballast
exec {sys.executable} -c '{IN_A_SMALL_FILE_SYSTEM}' {tmp_path}
"""
    probe = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if subprocess.run([*probe, f"mount -t tmpfs none {tmp_path}"], capture_output=True).returncode:
        pytest.skip("no mount namespace can be made here")
    done = subprocess.run([*probe, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    count, _, said = done.stdout.partition(" ")
    assert int(count) > 100 and "the disk is full" in said and "finished rows are kept" in said


@pytest.mark.parametrize("what", ["folder", "table"])
def test_a_read_only_folder_is_a_clear_error(what: str, tmp_path: Path) -> None:
    """As another user where the tests run as root, whom no permission stops."""
    run = tmp_path / "run"
    RunFolder(run).table("outcomes", Outcome).append([outcome(0)])
    before = (run / "outcomes.jsonl").read_bytes()
    (run / "outcomes.jsonl").chmod(0o444)
    run.chmod(0o555 if what == "folder" else 0o755)
    for parent in (run, *run.parents):
        if parent.stat().st_uid == os.getuid() and parent != run and str(parent) > "/tmp":
            parent.chmod(parent.stat().st_mode | 0o055)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if os.getuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            folder = RunFolder(run)
            try:
                if what == "folder":
                    with folder.locked():
                        pass
                else:
                    folder.table("outcomes", Outcome).append([outcome(1)])
            except StorageError as error:
                expected = ("no permission" in error.message, "--out" in error.hint)
                status = 0 if all(expected) else 2
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    run.chmod(0o755)
    assert os.waitstatus_to_exitcode(status) == 0
    assert (run / "outcomes.jsonl").read_bytes() == before
