"""Large runs: read without their texts, shown by a part that says so, counted whole."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from overproof.cli import main
from overproof.errors import RowError, StorageError
from overproof.folders.light import light_outcomes, light_samples, sample_heads
from overproof.folders.reporting import rewrite_report
from overproof.folders.run import open_run
from overproof.folders.showing import run_parts
from overproof.records import Outcome, Status, encode_row
from overproof.report import choosing
from overproof.report.choosing import choose, choose_variants
from overproof.report.packing import unpack
from overproof.seals import seal
from overproof.store import RunFolder

Write = Callable[..., Path]
OPERATORS = {"nominal": 1, "null": 2, "keyboard_typos": 2, "camel_case": 1}


def even(model: str, operator: str, task: int, seed: int, index: int) -> Status:
    return "passed" if (task + seed) % 2 == 0 else "wrong_answer"


@pytest.fixture
def run(tmp_path: Path, write_run: Write) -> Path:
    return write_run(
        tmp_path / "run",
        even,
        models=("one", "two"),
        operators=OPERATORS,
        tpot_ms={"one": 10.0, "two": 12.0},
        changes={"perturb": {"operators": ["keyboard_typos", "camel_case"], "seeds": 2}},
    )


def test_rows_without_texts_are_the_rows_but_for_the_texts(run: Path) -> None:
    opened = open_run(run)
    assert light_samples(run) == [
        replace(row, completion="", solution="") for row in opened.samples
    ]
    found = {row.key: row.status for row in light_outcomes(opened.verdicts)}
    assert found == {key: row.status for key, row in opened.outcomes.items()}
    assert opened.builds == {"one": ("ctranslate2", "int8"), "two": ("ctranslate2", "int8")}


def test_of_two_verdicts_the_same_one_counts_whole_or_light(run: Path) -> None:
    table = RunFolder(run).table("outcomes", Outcome)
    first, second = table.rows()[:2]
    again = Outcome(
        key="other limits", task_id=first.task_id, status="timeout", sample=first.sample
    )
    before = (run / "outcomes.jsonl").read_bytes().splitlines(keepends=True)
    early = seal(encode_row(replace(again, key="old", sample=second.sample))) + b"\n"
    (run / "outcomes.jsonl").write_bytes(early + b"".join(before))
    RunFolder(run).table("outcomes", Outcome).append([again])
    opened = open_run(run)
    assert {key: head.key for key, head in opened.verdicts.items()} == {
        key: row.key for key, row in opened.outcomes.items()
    }
    assert opened.outcomes[first.sample] == first
    assert opened.outcomes[second.sample] == second


def test_a_damaged_row_is_seen_without_its_texts_being_read(run: Path) -> None:
    table = run / "samples.jsonl"
    lines = table.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b"return a", b"return b")
    table.write_bytes(b"".join(lines))
    with pytest.raises(RowError, match=r"samples\.jsonl:5: .*checksum"):
        list(sample_heads(run))


def test_answers_to_a_prompt_are_kept_together_published_ones_first(run: Path) -> None:
    opened = open_run(run)
    variants, samples = opened.variants, opened.samples
    assert len(samples) == 240
    outcomes = list(opened.outcomes.values())
    assert choose(variants, samples, outcomes, most=240).note == ""
    kept = choose(variants, samples, outcomes, most=100)
    assert len(kept.samples) == 100 and "100 of the 240 samples" in kept.note
    counts = {variant.key: 0 for variant in kept.variants}
    for sample in kept.samples:
        counts[sample.variant] += 1
    assert set(counts.values()) == {2}
    operators = [variant.operator for variant in kept.variants]
    assert operators.count("nominal") == 20 and len(set(operators)) == 4
    assert len(kept.outcomes) == 100
    assert choose_variants(variants, (row.variant for row in samples), 100) == set(counts)


def test_the_page_holds_a_part_says_so_and_counts_all(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rewrite_report(run).read_text()
    numbers = json.loads((run / "results.json").read_text())["scores"]
    monkeypatch.setattr(choosing.choose_variants, "__defaults__", (100,))
    part = rewrite_report(run).read_text()
    assert "The list holds 100 of the 240 samples" in part
    assert "The list holds" not in whole
    assert shown(whole) == 240 and shown(part) == 100
    assert json.loads((run / "results.json").read_text())["scores"] == numbers
    assert "240 samples" in part


def shown(page: str) -> int:
    packed = map(unpack, re.findall(r">\s*(H4sI[\w+/=]+)\s*<", page))
    index = next(found for found in packed if "samples" in found)
    return len(index["samples"]["key"])


def test_a_report_from_the_rows_is_that_of_the_run(run: Path) -> None:
    before = json.loads((run / "results.json").read_text())
    assert CliRunner().invoke(main, ["report", str(run)]).exit_code == 0
    after = json.loads((run / "results.json").read_text())
    assert after["scores"] == before["scores"] and after["manifest"] == before["manifest"]
    assert "report.html" in {path.name for path in run.iterdir()}
    assert open_run(run).state == "finished"


def test_a_run_that_was_interrupted_has_a_report_too(tmp_path: Path, write_run: Write) -> None:
    run = write_run(tmp_path / "run", even, models=("one", "two"), finished=False)
    table = (run / "outcomes.jsonl").read_bytes().splitlines(keepends=True)
    (run / "outcomes.jsonl").write_bytes(b"".join(table[:30]))
    with RunFolder(run).locked(), pytest.raises(StorageError, match="in use"):
        rewrite_report(run)
    rewrite_report(run)
    assert open_run(run).state == "interrupted"
    assert "scores" in list(run_parts(open_run(run)))
    results = json.loads((run / "results.json").read_text())
    assert [model["name"] for model in results["manifest"]["models"]] == ["one", "two"]
    assert any(score["metric"] == "pass@1" for score in results["scores"])
