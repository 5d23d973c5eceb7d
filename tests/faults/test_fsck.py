"""`fsck` finds every kind of damage, says where, and mends it without losing a good row."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from overproof.cli import main
from overproof.errors import StorageError, UsageError
from overproof.fsck import check, check_and_mend
from overproof.fsck.files import fresh_hash
from overproof.models import hash_folder
from overproof.records import Outcome, Sample, Status, Variant, encode_row
from overproof.seals import seal
from overproof.store import RunFolder

Write = Callable[..., Path]


def even(model: str, operator: str, task: int, seed: int, index: int) -> Status:
    return "passed" if task % 2 == 0 else "wrong_answer"


@pytest.fixture
def run(tmp_path: Path, write_run: Write) -> Path:
    return write_run(tmp_path / "run", even, operators={"nominal": 1, "keyboard_typos": 2})


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def put(path: Path, lines: list[bytes]) -> None:
    path.write_bytes(b"".join(lines))


def told(run: Path) -> list[str]:
    return [f"{finding.remedy}: {finding}" for finding in check(run).findings]


def test_nothing_is_wrong_with_a_good_run(run: Path) -> None:
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    checked = check(run)
    assert checked.findings == [] and checked.unsealed == 0
    assert checked.rows == {"variants.jsonl": 60, "samples.jsonl": 60, "outcomes.jsonl": 60}
    check_and_mend(run)
    left = {path.name: path.read_bytes() for path in run.iterdir()}
    left.pop(".lock", None)
    assert left == before


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda line: line.replace(b"HumanEval/2", b"HumanEval/3"), "checksum does not fit"),
        (lambda line: b'{"schema":1,"key":"half\n', "not a Sample row"),
        (lambda line: b"\x00\x00\x00\n", "not a Sample row"),
        (lambda line: b"\n", "not a Sample row"),
    ],
    ids=["edited", "cut", "zeros", "empty"],
)
def test_a_damaged_sample_goes_aside_with_its_verdict(
    damage: Callable[[bytes], bytes], said: str, run: Path
) -> None:
    samples, outcomes = lines_of(run / "samples.jsonl"), lines_of(run / "outcomes.jsonl")
    damaged = damage(samples[6])
    put(run / "samples.jsonl", [*samples[:6], damaged, *samples[7:]])
    first, second = told(run)
    assert first.startswith("move line: samples.jsonl:7: ") and said in first
    key = json.loads(samples[6])["key"]
    assert second == f"move line: outcomes.jsonl:7: its sample {key} is not in samples.jsonl"
    checked = check_and_mend(run)
    assert len(checked.mended) == 2 and checked.open == []
    assert lines_of(run / "samples.jsonl") == [*samples[:6], *samples[7:]]
    assert lines_of(run / "outcomes.jsonl") == [*outcomes[:6], *outcomes[7:]]
    assert lines_of(run / "samples.jsonl.damaged") == [damaged]
    assert lines_of(run / "outcomes.jsonl.damaged") == [outcomes[6]]
    assert told(run) == []
    table = RunFolder(run).table("samples", Sample)  # a run goes on from there
    assert len(table) == 59 and key not in table


def test_a_row_that_only_lacks_its_newline_is_kept(run: Path) -> None:
    outcomes = lines_of(run / "outcomes.jsonl")
    put(run / "outcomes.jsonl", [*outcomes[:-1], outcomes[-1][:-1]])
    assert told(run) == ["end line: outcomes.jsonl:60: the row is whole, but its line has no end"]
    check_and_mend(run)
    assert lines_of(run / "outcomes.jsonl") == outcomes
    assert not (run / "outcomes.jsonl.damaged").exists()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_half_a_row_at_the_end_is_cut_off(share: float, run: Path) -> None:
    outcomes = lines_of(run / "outcomes.jsonl")
    half = outcomes[-1][: int(share * len(outcomes[-1])) - 1]
    put(run / "outcomes.jsonl", [*outcomes[:-1], half])
    with RunFolder(run).locked():  # may be what a run is writing just now
        assert told(run) == []
    assert told(run) == ["cut tail: outcomes.jsonl:60: half a row at the end"]
    check_and_mend(run)
    assert lines_of(run / "outcomes.jsonl") == outcomes[:-1]
    assert lines_of(run / "outcomes.jsonl.damaged") == [half + b"\n"]


def test_of_rows_with_one_key_the_first_stays(run: Path) -> None:
    outcomes = lines_of(run / "outcomes.jsonl")
    row = json.loads(outcomes[3])
    other = Outcome(key=row["key"], task_id=row["task_id"], status="error", sample=row["sample"])
    put(run / "outcomes.jsonl", [*outcomes, outcomes[0], seal(encode_row(other)) + b"\n"])
    first, second = told(run)
    assert "outcomes.jsonl:61: the key" in first and "outcomes.jsonl:62: the key" in second
    check_and_mend(run)
    assert lines_of(run / "outcomes.jsonl") == outcomes


def test_a_sample_whose_variant_is_lost_waits_for_the_next_run(run: Path) -> None:
    variants, samples = lines_of(run / "variants.jsonl"), lines_of(run / "samples.jsonl")
    put(run / "variants.jsonl", variants[1:])
    (found,) = told(run)
    assert found.startswith("rerun: samples.jsonl:1: its variant ")
    checked = check_and_mend(run)
    assert [finding.remedy for finding in checked.open] == ["rerun"]
    assert lines_of(run / "samples.jsonl") == samples
    table = RunFolder(run).table("variants", Variant)  # what the next run does
    with (run / "variants.jsonl").open("ab") as file:
        file.write(variants[0])
    assert len(table) == 59 and told(run) == []


def test_rows_of_a_newer_version_are_left_alone(run: Path) -> None:
    before = (run / "outcomes.jsonl").read_bytes()
    newer = seal(b'{"schema":99,"key":"k","what":"nobody knows yet"}') + b"\n"
    (run / "outcomes.jsonl").write_bytes(before + newer)
    checked = check_and_mend(run)
    assert [finding.remedy for finding in checked.open] == ["upgrade"]
    assert (run / "outcomes.jsonl").read_bytes() == before + newer


def test_rows_of_older_versions_are_counted_not_condemned(run: Path) -> None:
    import re

    table = run / "outcomes.jsonl"
    table.write_text(re.sub(r',"crc32":"\w{8}"', "", table.read_text()))
    checked = check(run)
    assert checked.findings == [] and checked.unsealed == 60


def test_files_beside_the_tables(run: Path) -> None:
    (run / "manifest.json").write_bytes((run / "manifest.json").read_bytes()[:40])
    (run / ".results.json.4711.tmp").write_text("{")
    (run / "models" / ".distilled-ab.4711").mkdir(parents=True)
    (run / "pairs-0123.jsonl").write_text("")
    said = " ".join(told(run))
    assert "manifest.json: not JSON" in said
    assert ".results.json.4711.tmp: left behind" in said
    assert "models/.distilled-ab.4711: left behind" in said
    assert "pairs-0123.jsonl: it has no certificate" in said
    check_and_mend(run)
    assert told(run) == []
    assert (run / "manifest.json.damaged").is_file() and (
        run / "pairs-0123.jsonl.damaged"
    ).is_file()
    assert not list(run.glob(".*.tmp")) and not list((run / "models").iterdir())


def test_weights_that_are_not_what_was_measured(run: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    checkpoint = run / "models" / "distilled-ab"
    checkpoint.mkdir(parents=True)
    save_file({"w": np.arange(64, dtype=np.float32)}, checkpoint / "model.safetensors")
    (checkpoint / "config.json").write_text("{}")
    (checkpoint / "training.json").write_text("{}")
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["models"][0] |= {"source": checkpoint.name, "sha256": hash_folder(checkpoint)}
    assert fresh_hash(checkpoint) == hash_folder(checkpoint)
    (run / "manifest.json").write_text(json.dumps(manifest))
    assert told(run) == []
    weights = checkpoint / "model.safetensors"
    times = weights.stat().st_mtime_ns
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    import os

    os.utime(weights, ns=(times, times))  # rot changes neither size nor time
    (found,) = told(run)
    assert found.startswith("move file: models/distilled-ab: SHA-256 ")
    check_and_mend(run)
    assert not checkpoint.exists() and (run / "models" / "distilled-ab.damaged").is_dir()


def test_claims_rest_on_scores_that_are_there(run: Path) -> None:
    results = json.loads((run / "results.json").read_text())
    results["claims"] = [{"key": "c1", "rows": [results["scores"][0]["key"], "nowhere"]}]
    (run / "results.json").write_text(json.dumps(results))
    (found,) = told(run)
    assert "the claim c1 rests on scores that are not there: nowhere" in found


def test_the_command_says_it_in_words_and_exits_with_0_or_1(run: Path) -> None:
    def fsck(*options: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["fsck", str(run), *options])
        return result.exit_code, result.output

    code, output = fsck()
    assert code == 0 and "180 good rows in 3 tables" in output and "nothing is wrong" in output
    samples = lines_of(run / "samples.jsonl")
    put(run / "samples.jsonl", [samples[0].replace(b"def", b"fed"), *samples[1:]])
    code, output = fsck()
    assert code == 1
    assert "samples.jsonl:1: the row's checksum does not fit" in output
    assert f"overproof fsck {run} --repair" in output
    code, output = fsck("--json")
    found = json.loads(output)
    assert code == 1 and [row["line"] for row in found["findings"]] == [1, 1]
    code, output = fsck("--repair")
    assert code == 0 and "2 mended" in output and "makes again what is missing" in output
    assert fsck()[0] == 0


def test_a_folder_in_use_is_not_mended_and_its_state_is_kept(run: Path, tmp_path: Path) -> None:
    from overproof.folders.run import open_run

    with RunFolder(run).locked():
        assert check(run).findings == []
        with pytest.raises(StorageError, match="in use by process"):
            check_and_mend(run)
    with pytest.raises(KeyError), RunFolder(run).locked():
        raise KeyError
    assert open_run(run).state == "interrupted"
    check_and_mend(run)
    assert open_run(run).state == "interrupted"
    (tmp_path / "nothing").mkdir()
    for path in (tmp_path / "nothing", tmp_path / "nowhere"):
        with pytest.raises(UsageError, match="no run"):
            check_and_mend(path)
    assert list((tmp_path / "nothing").iterdir()) == []


def test_what_ranks_have_written_is_verified_too(run: Path) -> None:
    place = run / "shards" / "outcomes" / "00000-of-00002"
    rows = lines_of(run / "outcomes.jsonl")
    place.mkdir(parents=True)
    put(place / "rows.jsonl", [rows[0], rows[1].replace(b"passed", b"failed"), rows[2][:50]])
    assert check(run).rows["shards/outcomes/00000-of-00002/rows.jsonl"] == 1
    first, second = told(run)
    assert "rows.jsonl:2: the row's checksum" in first and "cut tail" in second
    check_and_mend(run)
    assert told(run) == []
    assert lines_of(place / "rows.jsonl") == rows[:1]


def test_a_packed_table_is_checked_and_never_rewritten(run: Path) -> None:
    import gzip

    table = run / "outcomes.jsonl"
    packed = run / "outcomes.jsonl.gz"
    packed.write_bytes(gzip.compress(table.read_bytes()))
    table.unlink()
    assert check(run).rows["outcomes.jsonl.gz"] == 60
    packed.write_bytes(packed.read_bytes()[:-20])
    assert any("not a whole gzip file" in line for line in told(run))
