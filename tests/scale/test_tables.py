"""A shared table: shares, what the lead takes over, and in which order."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from overproof.scale.deal import Place
from overproof.scale.tables import LeadTable, RankTable, UnfinishedError, shard_files
from overproof.store import Table


@dataclass(frozen=True, kw_only=True)
class Word:
    key: str
    text: str


ITEMS = [f"w{number}" for number in range(11)]


def work(part: list[str]) -> list[Word]:
    return [Word(key=item, text=item.upper()) for item in part]


def fill(table: Table[Word], seen: list[str] | None = None, items: list[str] = ITEMS) -> list[Word]:
    def make(part: list[str]) -> list[Word]:
        if seen is not None:
            seen.extend(part)
        return work(part)

    return table.fill(items, lambda item: item, make, batch=2)


def rank(run: Path, number: int, world: int, items: list[str] = ITEMS) -> list[str]:
    """Let a rank do its share; return the items that it worked on."""
    seen: list[str] = []
    table = RankTable(run, "words", Word, Place(number, world), own=True)
    try:
        fill(table, seen, items)
    except UnfinishedError as error:
        assert error.stage == "words"
    return seen


def lead(run: Path, ranks: Callable[[int], None] = lambda missing: None) -> LeadTable[Word]:
    return LeadTable(run, "words", Word, ranks)


def test_ranks_do_all_once_and_the_lead_has_the_order_of_one_process(tmp_path: Path) -> None:
    one, many = tmp_path / "one", tmp_path / "many"
    one.mkdir()
    fill(Table(one / "words.jsonl", Word))
    done = [item for number in (3, 1, 0, 2) for item in rank(many, number, 4)]
    assert sorted(done) == sorted(ITEMS)
    made_here: list[str] = []
    rows = fill(lead(many), made_here)
    assert made_here == []
    assert [row.key for row in rows] == ITEMS
    assert (many / "words.jsonl").read_bytes() == (one / "words.jsonl").read_bytes()


def test_taking_over_twice_is_the_same_as_once(tmp_path: Path) -> None:
    for number in range(3):
        rank(tmp_path, number, 3)
    fill(lead(tmp_path))
    before = (tmp_path / "words.jsonl").read_bytes()
    fill(lead(tmp_path))
    assert (tmp_path / "words.jsonl").read_bytes() == before


@pytest.mark.parametrize("world", [1, 2, 5])
def test_another_world_size_makes_no_row_again(tmp_path: Path, world: int) -> None:
    for number in range(2):  # one of three is missing
        rank(tmp_path, number, 3)
    there = {row.key for path in shard_files(tmp_path, "words") for row in Table(path, Word).rows()}
    made = [item for number in range(world) for item in rank(tmp_path, number, world)]
    assert made
    assert not there & set(made)
    assert [row.key for row in fill(lead(tmp_path))] == ITEMS


def test_a_killed_rank_repeats_at_most_the_batch_under_way(tmp_path: Path) -> None:
    rank(tmp_path, 0, 2)
    (path,) = shard_files(tmp_path, "words")
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:9])  # torn in the middle of a batch
    assert len(rank(tmp_path, 0, 2)) <= len(lines) - 2
    assert sorted(path.read_bytes().splitlines()) == sorted(whole.splitlines())


def test_the_lead_does_not_touch_a_line_that_is_being_written(tmp_path: Path) -> None:
    rank(tmp_path, 0, 2)
    (path,) = shard_files(tmp_path, "words")
    with path.open("ab") as file:
        file.write(b'{"schema": 1, "ke')
    before = path.read_bytes()
    assert [row.key for row in fill(lead(tmp_path))] == ITEMS
    assert path.read_bytes() == before


def test_ranks_are_asked_only_if_more_than_a_batch_is_missing(tmp_path: Path) -> None:
    asked: list[int] = []

    def ranks(missing: int) -> None:
        asked.append(missing)
        for number in range(2):
            rank(tmp_path, number, 2)

    fill(lead(tmp_path, ranks))
    assert asked == [len(ITEMS)]
    fill(lead(tmp_path, ranks), items=[*ITEMS, "one more"])
    assert asked == [len(ITEMS)]


def test_a_row_that_nobody_has_made_is_named(tmp_path: Path) -> None:
    table = RankTable(tmp_path, "words", Word, Place(0, 2), own=False)
    with pytest.raises(UnfinishedError, match="the stage words is not finished"):
        table["w0"]


def test_contains_has_the_ranks_begin_once(tmp_path: Path) -> None:
    asked: list[int] = []

    def ranks(missing: int) -> None:
        asked.append(missing)
        rank(tmp_path, 0, 1)

    table = lead(tmp_path, ranks)
    assert "w3" in table
    assert "nothing" not in table
    assert asked == [0]
    assert table["w5"].text == "W5"


def test_a_later_stage_reads_the_rows_of_its_own_place_too(tmp_path: Path) -> None:
    rank(tmp_path, 0, 1)
    table = RankTable(tmp_path, "words", Word, Place(0, 1), own=False)
    assert [row.key for row in fill(table)] == ITEMS


def test_what_was_broken_off_has_the_same_order(tmp_path: Path) -> None:
    def stop(missing: int) -> None:
        raise UnfinishedError("words")

    rank(tmp_path, 1, 2)
    with pytest.raises(UnfinishedError):
        fill(lead(tmp_path, stop))
    assert not (tmp_path / "words.jsonl").exists()
    seen: list[str] = []
    fill(lead(tmp_path), seen)  # alone: it makes the rest itself, each in its place
    assert 0 < len(seen) < len(ITEMS)
    assert [row.key for row in Table(tmp_path / "words.jsonl", Word).rows()] == ITEMS
