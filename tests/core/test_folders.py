"""Run folders are read as they lie, listed with their state, and shown whole or half."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from overproof.errors import DataError, RowError, UnknownNameError, UsageError
from overproof.folders.listing import as_json, list_runs, listing_lines
from overproof.folders.rows import count_lines, read_lines, read_table
from overproof.folders.run import open_run
from overproof.folders.showing import count_statuses, run_json, run_parts, sample_json, sample_parts
from overproof.locks import NAME, is_held
from overproof.records import Outcome, Sample, Status
from overproof.store import RunFolder

Write = Callable[..., Path]
STUDIES = Path(__file__).parents[2] / "studies"
OPERATORS = {"nominal": 1, "keyboard_typos": 2}


def even(model: str, operator: str, task: int, seed: int, index: int) -> Status:
    return "passed" if task % 2 == 0 else "wrong_answer"


def bare(table: Path) -> list[bytes]:
    """Return the lines as older versions wrote them: without checksum, fit to be edited."""
    return [
        re.sub(rb',"crc32":"[0-9a-f]{8}"', b"", line)
        for line in table.read_bytes().splitlines(keepends=True)
    ]


def cut(path: Path, lines: int) -> None:
    path.write_bytes(b"".join(line + b"\n" for line in path.read_bytes().split(b"\n")[:lines]))


def test_a_state_is_told_by_lock_results_and_recipe(tmp_path: Path, write_run: Write) -> None:
    run = open_run(write_run(tmp_path / "run", even))
    assert run.state == "finished"
    with RunFolder(run.path).locked():
        assert run.state == "running"
        assert is_held(run.path)
    assert run.state == "finished"
    later = time.time() + 60
    os.utime(run.path / "recipe.yaml", (later, later))  # the clock was set back meanwhile
    assert run.state == "finished"
    (run.path / NAME).unlink()  # a copy of the rows: the files' times are all that is left
    assert run.state == "interrupted"
    os.utime(run.path / "recipe.yaml", (0, 0))
    with pytest.raises(KeyError), RunFolder(run.path).locked():
        raise KeyError("a run that does not come to its end")
    assert run.state == "interrupted"
    (run.path / "results.json").unlink()
    assert run.state == "interrupted"
    assert open_run(STUDIES / "perturbed-qwen-0.5b").state == "recorded"
    trained = tmp_path / "trained"
    (trained / "models" / "distilled-1").mkdir(parents=True)
    (trained / "models" / "distilled-1" / "training.json").write_text("{}")
    (trained / "recipe.yaml").write_text("name: demo\n")
    assert open_run(trained).state == "trained"


def test_looking_changes_nothing_and_refuses_no_run(tmp_path: Path, write_run: Write) -> None:
    path = write_run(tmp_path / "run", even, finished=False)
    with (path / "samples.jsonl").open("ab") as table:
        table.write(b'{"half a row')
    before = {file.name: file.read_bytes() for file in path.iterdir()}
    for part in run_parts(open_run(path)):
        assert part is not None
    list_runs(tmp_path)
    assert {file.name: file.read_bytes() for file in path.iterdir()} == before
    with RunFolder(path).locked():
        pass


def test_runs_are_found_at_any_depth_but_not_inside_of_runs(
    tmp_path: Path, write_run: Write
) -> None:
    for place in ("old", "nightly/monday", "nightly/tuesday"):
        write_run(tmp_path / place, even, operators=OPERATORS, models=("one", "two"))
    write_run(tmp_path / "old" / "models" / "inner", even)
    (tmp_path / "empty").mkdir()
    listed = list_runs(tmp_path)
    assert sorted(str(run.path.relative_to(tmp_path)) for run in listed) == [
        "nightly/monday",
        "nightly/tuesday",
        "old",
    ]
    run = listed[0]
    assert run.models == ["one", "two"]
    assert (run.samples, run.samples_wanted) == (20 * 3 * 2, 20 * 3 * 2)
    assert run.pass_at_1 == {"one": 0.5, "two": 0.5}
    assert run.robust_pass_at_1 == {"one": 0.5, "two": 0.5}
    assert run.command == "overproof eval --model one"
    lines = list(listing_lines(listed, tmp_path))
    assert sum("finished" in line for line in lines) == 3
    assert any("two" in line and "pass@1 50.0 %  robust pass@1 50.0 %" in line for line in lines)
    assert as_json(run)["when"][:4].isdigit()
    with pytest.raises(UsageError, match="no folder"):
        list_runs(tmp_path / "nowhere")
    assert "no runs below" in next(listing_lines([], tmp_path))


def test_progress_is_of_what_the_recipe_wants(tmp_path: Path, write_run: Write) -> None:
    path = write_run(
        tmp_path / "half", even, operators=OPERATORS, models=("one", "two"), finished=False
    )
    cut(path / "samples.jsonl", 47)
    listed = list_runs(tmp_path)[0]
    assert (listed.state, listed.samples, listed.samples_wanted) == ("interrupted", 47, 120)
    assert "47 of 120 samples" in "\n".join(listing_lines([listed], tmp_path))
    three = write_run(tmp_path / "three", even, models=("one", "two", "3"), finished=False)
    assert next(r for r in list_runs(tmp_path) if r.path == three).samples_wanted is None


def test_a_damaged_run_is_listed_as_such(tmp_path: Path, write_run: Write) -> None:
    path = write_run(tmp_path / "run", even)
    (path / "results.json").write_text("{")
    write_run(tmp_path / "good", even)
    states = {run.path.name: run for run in list_runs(tmp_path)}
    assert states["good"].state == "finished"
    assert states["run"].state == "damaged"
    assert "not JSON" in states["run"].problem
    with pytest.raises(DataError, match="not JSON"):
        list(run_parts(open_run(path)))


def test_a_recipe_of_another_version_is_shown_as_it_is(tmp_path: Path, write_run: Write) -> None:
    path = write_run(tmp_path / "run", even)
    (path / "recipe.yaml").write_text("name: old\nsampling:\n  an_older_key: 3\n")
    run = open_run(path)
    assert run.recipe is None
    assert any("an_older_key: 3" in str(part) for part in run_parts(run))
    assert len(run.outcomes) == 20


def test_a_half_finished_run_is_shown(tmp_path: Path, write_run: Write) -> None:
    path = write_run(tmp_path / "run", even, models=("one", "two"), finished=False)
    cut(path / "outcomes.jsonl", 30)
    found = run_json(open_run(path))
    assert found["state"] == "interrupted"
    assert found["report"] is None
    assert found["rows"] == {"variants": 20, "samples": 40, "outcomes": 30}
    assert sum(row.get("not executed", 0) for row in found["statuses"].values()) == 10
    text = "\n".join(part for part in run_parts(open_run(path)) if isinstance(part, str))
    assert "scores: none yet" in text
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "recipe.yaml").write_text("name: demo\n")
    assert count_statuses(open_run(bare)) == {}
    assert list(run_parts(open_run(bare)))


def test_a_sample_is_shown_with_what_its_prompt_changed(tmp_path: Path, write_run: Write) -> None:
    path = write_run(tmp_path / "run", even, operators=OPERATORS)
    samples = read_table(path, "samples", Sample)
    typos = next(row for row in samples if row.operator == "keyboard_typos" and not row.seed)
    text = "\n".join(sample_parts(open_run(path), typos.key[:12]))
    assert "[-sum-]{+smu+}" in text
    assert typos.completion.strip() in text
    assert "verdict     passed" in text
    wrong = next(row for row in samples if row.task_id == "HumanEval/1")
    assert "wrong_answer: add(1, 2) == 3" in "\n".join(sample_parts(open_run(path), wrong.key))
    coloured = "\n".join(sample_parts(open_run(path), typos.key, colour=True))
    assert "\033[32msmu\033[0m" in coloured
    found = sample_json(open_run(path), typos.key)
    assert found["nominal"]["prompt"] != found["variant"]["prompt"]
    assert found["outcome"]["status"] == "passed"
    with pytest.raises(UnknownNameError, match="unknown sample"):
        list(sample_parts(open_run(path), "zz"))
    with pytest.raises(UsageError, match="60 samples begin with"):
        list(sample_parts(open_run(path), ""))


def test_what_a_terminal_would_obey_is_made_visible(tmp_path: Path, write_run: Write) -> None:
    path = write_run(tmp_path / "run", even, models=("\033]0;title\a",))
    table = path / "samples.jsonl"
    lines = [line.replace(b"return a + b", b"\\u001b[2J return a + b") for line in bare(table)]
    table.write_bytes(b"".join(lines))
    run = open_run(path)
    shown = [part for part in sample_parts(run, run.samples[0].key) if "\033" in part]
    shown += [part for part in run_parts(run) if isinstance(part, str) and "\033" in part]
    shown += [line for line in listing_lines(list_runs(tmp_path), tmp_path) if "\033" in line]
    assert shown == []


def test_a_study_without_prompts_shows_its_samples() -> None:
    run = open_run(STUDIES / "perturbed-qwen-0.5b")
    text = "\n".join(sample_parts(run, run.samples[0].key))
    assert "the folder keeps no variants" in text
    assert "return sorted(set(l))" in text
    assert count_statuses(run)["qwen2.5-coder-0.5b-instruct"]["passed"] == 881


def test_rows_are_read_as_the_store_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.jsonl"
    for content in (b"", b'{"key":"a"', b'{"key":"a","task_id":"t","status":"passed"}\n{"key"'):
        path.write_bytes(content)
        mine = read_lines(path, Outcome)
        count = count_lines(tmp_path, "outcomes")
        assert path.read_bytes() == content
        assert mine == RunFolder(tmp_path).table("outcomes", Outcome).rows()
        assert count == len(mine)
    twice = (
        b'{"key":"a","task_id":"t","status":"passed"}\n{"key":"a","task_id":"u","status":"error"}\n'
    )
    path.write_bytes(twice)
    assert read_lines(path, Outcome) == RunFolder(tmp_path).table("outcomes", Outcome).rows()
    path.write_bytes(b"\n" + twice)
    with pytest.raises(RowError, match=r"outcomes\.jsonl:1"):
        read_lines(path, Outcome)
    with pytest.raises(RowError, match=r"outcomes\.jsonl:1"):
        RunFolder(tmp_path).table("outcomes", Outcome)
    assert read_table(tmp_path, "samples", Sample) == []
