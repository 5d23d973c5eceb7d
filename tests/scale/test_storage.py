"""Rows to and from storage: joined on both ways, none lost, nothing half."""

from pathlib import Path
from uuid import uuid4

import pytest

from overproof.errors import DataError, EngineError, FetchError
from overproof.scale.deal import Place
from overproof.scale.storage import pull, push, push_rank
from overproof.scale.tables import ROWS, shard_folder


def line(key: str, more: str = "x") -> bytes:
    return f'{{"key":"{key}","text":"{more}"}}\n'.encode()


def keys(path: Path) -> list[str]:
    return [text.split('"')[3] for text in path.read_text().splitlines()]


@pytest.fixture(params=["file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "memory":
        return f"memory://{uuid4().hex}/demo"
    return f"file://{tmp_path}/store/demo"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    for rank in range(2):
        own = shard_folder(folder, "samples", Place(rank, 2))
        own.mkdir(parents=True)
        (own / ROWS).write_bytes(line(f"a{rank}") + line(f"b{rank}"))
        (own / ".lock").write_text("{}")
    (folder / "samples.jsonl").write_bytes(line("a0") + line("b0"))
    (folder / "recipe.yaml").write_text("name: demo\n")
    (folder / ".recipe.yaml.1.tmp").write_text("half")
    return folder


def test_a_run_comes_back_as_it_was(run: Path, url: str, tmp_path: Path) -> None:
    assert push(run, url) == "4 new"
    assert push(run, url) == "4 equal"
    other = tmp_path / "other"
    assert pull(url, other) == "4 new"
    assert pull(url, other) == "4 equal"
    files = sorted(p.relative_to(other) for p in other.rglob("*") if p.is_file())
    assert len(files) == 4
    assert not any(path.name.startswith(".") for path in files)
    assert all((other / path).read_bytes() == (run / path).read_bytes() for path in files)


def test_rows_of_both_sides_are_joined_and_none_comes_twice(
    run: Path, url: str, tmp_path: Path
) -> None:
    push(run, url)
    other = tmp_path / "other"
    pull(url, other)
    with (other / "samples.jsonl").open("ab") as table:
        table.write(line("there"))
    push(other, url)
    with (run / "samples.jsonl").open("ab") as table:
        table.write(line("here"))
    assert "1 joined" in pull(url, run)
    assert keys(run / "samples.jsonl") == ["a0", "b0", "here", "there"]
    assert "1 joined" in push(run, url)
    assert "1 joined" in pull(url, other)
    assert sorted(keys(other / "samples.jsonl")) == sorted(keys(run / "samples.jsonl"))


def test_a_torn_line_is_not_joined(run: Path, url: str) -> None:
    push(run, url)
    table = run / "samples.jsonl"
    table.write_bytes(line("a0") + b'{"key":"to')
    pull(url, run)
    assert keys(table) == ["a0", "b0"]


def test_a_rank_sends_its_own_files_only(run: Path, url: str, tmp_path: Path) -> None:
    assert push_rank(run, "samples", Place(1, 2), url) == "1 new"
    other = tmp_path / "other"
    pull(url, other)
    (file,) = (path for path in other.rglob("*") if path.is_file())
    assert file == shard_folder(other, "samples", Place(1, 2)) / ROWS


def test_what_the_lead_says_replaces(run: Path, url: str, tmp_path: Path) -> None:
    push(run, url)
    other = tmp_path / "other"
    pull(url, other)
    (run / "recipe.yaml").write_text("name: demx\n")  # the same size
    assert "1 replaced" in push(run, url)
    assert "1 replaced" in pull(url, other)
    assert (other / "recipe.yaml").read_text() == "name: demx\n"


def test_errors_say_what_to_do(run: Path, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="no run there"):
        pull(f"memory://{uuid4().hex}", tmp_path / "none")
    with pytest.raises(EngineError) as caught:
        push(run, "nosuchthing://bucket/x")
    assert "s3fs" in caught.value.hint
    url = f"memory://{uuid4().hex}/x"
    push(run, url)
    (run / "samples.jsonl").write_bytes(b"no row\n")
    with pytest.raises(DataError, match="no row"):
        pull(url, run)
