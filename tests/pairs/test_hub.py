import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from overproof.errors import FetchError, UsageError
from overproof.pairs.hub import choose_files, fetch_dataset, read_card
from overproof.pairs.imports import import_pairs
from overproof.pairs.specs import parse_source

constants = pytest.importorskip("huggingface_hub.constants")
pyarrow = pytest.importorskip("pyarrow")
from pyarrow import parquet  # noqa: E402

CARD = """---
license: cc-by-4.0
configs:
- config_name: full
  default: true
  data_files:
  - split: train
    path: full/train-*
  - split: test
    path: [full/test-*]
- config_name: small
  data_files: small/*.jsonl
---
# A data set
"""
FULL = ["README.md", "full/train-0.parquet", "full/train-1.parquet", "full/test-0.parquet"]
PATHS = [*FULL, "small/a.jsonl", "small/notes.txt", "dataset_infos.json"]


def row(number):
    return {
        "task_id": 600 + number,
        "text": f"Write a function that returns the number {number} steps after n.",
        "code": f"def after(n):\n    n += {number}\n    return n",
        "test_list": [f"assert after(1) == {1 + number}"],
    }


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """A cache as the hub's own client leaves it, and no network."""
    folder = tmp_path / "datasets--own--steps"
    snapshot = folder / "snapshots" / ("0" * 40)
    (snapshot / "full").mkdir(parents=True)
    (snapshot / "small").mkdir()
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("0" * 40)
    (snapshot / "README.md").write_text(CARD)
    for name, numbers in {"train-0": (1, 2), "train-1": (3,), "test-0": (4,)}.items():
        table = pyarrow.Table.from_pylist([row(number) for number in numbers])
        parquet.write_table(table, snapshot / "full" / f"{name}.parquet")
    (snapshot / "small" / "a.jsonl").write_text(json.dumps(row(5)))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return snapshot


def test_a_data_set_is_read_as_its_card_says(cached):
    found = import_pairs(parse_source("hub:own/steps"))
    assert [pair.origin for pair in found.pairs] == ["MBPP/601", "MBPP/602", "MBPP/603"]
    assert {pair.licence for pair in found.pairs} == {"CC-BY-4.0"}
    test = import_pairs(parse_source("hub:own/steps/full:test#licence=MIT"))
    assert [(pair.origin, pair.licence) for pair in test.pairs] == [("MBPP/604", "MIT")]
    small = import_pairs(parse_source("hub:own/steps/small:train"))
    assert [pair.origin for pair in small.pairs] == ["MBPP/605"]


def test_what_the_data_set_lacks_is_named(cached):
    with pytest.raises(UsageError, match="no files of full validation") as error:
        fetch_dataset("own/steps/full", "validation")
    assert "full, small" in error.value.hint


def test_a_hub_out_of_reach_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(FetchError, match="own/other") as error:
        import_pairs(parse_source("hub:own/other/full:train"))
    assert "hf download own/other --repo-type dataset" in error.value.hint
    assert error.value.exit_code == 4


class Empty(BaseHTTPRequestHandler):
    """A hub without anything."""

    def do_GET(self):
        self.send_error(404)

    def log_message(self, *_):
        pass


def test_a_data_set_that_the_hub_lacks(tmp_path, monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(FetchError, match="404"):
            fetch_dataset("own/other", "train")
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_a_network_that_is_down(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(FetchError, match="refused"):
        fetch_dataset("own/other", "train")


@pytest.mark.parametrize(
    ("config", "split", "expected"),
    [
        ("", "", FULL[1:3]),
        ("full", "test", FULL[3:]),
        ("small", "train", ["small/a.jsonl"]),
    ],
)
def test_cards_choose(tmp_path, config, split, expected):
    (tmp_path / "README.md").write_text(CARD)
    assert choose_files(PATHS, config, split, read_card(tmp_path)) == expected


@pytest.mark.parametrize(
    ("paths", "config", "split", "expected"),
    [
        (PATHS, "full", "train", FULL[1:3]),
        (PATHS, "full", "test", FULL[3:]),
        (["default/train/0000.parquet", "default/valid/0000.parquet"], "", "validation",
         ["default/valid/0000.parquet"]),
        (["data-oss_instruct-decontaminated.jsonl", "README.md"], "", "", ["data-oss_instruct-"
         "decontaminated.jsonl"]),
        (["python/train/a.jsonl.gz", "java/train/a.jsonl.gz"], "java", "train",
         ["java/train/a.jsonl.gz"]),
    ],
)  # fmt: skip
def test_without_a_card_names_choose(paths, config, split, expected):
    assert choose_files(paths, config, split, {}) == expected


def test_no_card_and_a_damaged_one_say_nothing(tmp_path):
    assert read_card(tmp_path) == {}
    (tmp_path / "README.md").write_text("---\n: [\n---\n")
    assert read_card(tmp_path) == {}
    with pytest.raises(UsageError, match="no files of train") as error:
        choose_files(["a.txt"], "", "", {})
    assert "none" in error.value.hint
