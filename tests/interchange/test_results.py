"""Results out: in the forms that other tools read, and with the numbers of the run."""

import hashlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from overproof.cli import main
from overproof.errors import DataError
from overproof.interchange.measured import parts_of
from overproof.interchange.runs import read_run
from overproof.records import Outcome, encode_row

SCHEMAS = Path(__file__).parent / "schemas"


def convert(*arguments: object) -> Any:
    return CliRunner().invoke(main, ["convert", *map(str, arguments)])


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_parts_are_suites_under_operators(run_folder: Path) -> None:
    nominal, renamed = parts_of(read_run(run_folder), "distilled")
    assert (nominal.task, renamed.task) == ("humaneval", "humaneval+camel_case")
    found = {row.metric: row for row in nominal.aggregates}
    assert (found["pass@1"].value, found["pass@2"].value) == (0.5, 1.0)
    assert (found["pass@1"].stderr, found["pass@1"].n) == (0.0, 2)
    robust = {row.metric: row for row in renamed.aggregates}
    assert robust["robust_pass@1"].value == pytest.approx(0.5)
    assert not robust["robust_drop@1"].higher_is_better


def test_results_for_lm_eval(run_folder: Path, tmp_path: Path) -> None:
    result = convert(run_folder, "--to", "lm-eval", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["distilled", "teacher"]
    (path,) = (tmp_path / "out" / "teacher").glob("results_*.json")
    content = json.loads(path.read_text())
    tasks = ["humaneval", "humaneval+camel_case"]
    for name in ("results", "configs", "versions", "n-shot", "higher_is_better", "n-samples"):
        assert list(content[name]) == tasks, name
    assert content["results"]["humaneval"]["pass@1,none"] == 1.0
    assert content["results"]["humaneval"]["pass@1_stderr,none"] == 0.0
    assert content["results"]["humaneval+camel_case"]["robust_pass@1_stderr,none"] == "N/A"
    assert content["n-samples"]["humaneval"] == {"original": 2, "effective": 2}
    assert content["config"]["model_args"]["pretrained"] == "Qwen/Qwen2.5-Coder-1.5B"
    assert content["config"]["gen_kwargs"]["temperature"] == 0.8
    (samples,) = (tmp_path / "out" / "teacher").glob("samples_humaneval_*.jsonl")
    rows = lines(samples)
    assert [row["doc"]["task_id"] for row in rows] == ["HumanEval/0", "HumanEval/82"]
    assert [row["pass@1"] for row in rows] == [1.0, 1.0]
    assert len(rows[0]["resps"][0]) == 2
    assert rows[0]["prompt_hash"] == hashlib.sha256(rows[0]["doc"]["prompt"].encode()).hexdigest()


def test_logs_of_lm_eval_are_read_back(run_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    convert(run_folder, "--to", "lm-eval", "--out", out, "--model", "distilled")
    (samples,) = (out / "distilled").glob("samples_humaneval_*.jsonl")
    scored = CliRunner().invoke(main, ["score", str(samples), "--json"])
    assert scored.exit_code == 0, scored.output
    summary = json.loads(scored.stdout)
    assert (summary["passed"], summary["total"]) == (2, 4)
    assert summary["pass@k"]["pass@1"] == 0.5


def test_records_for_every_eval_ever_keep_to_its_schema(run_folder: Path, tmp_path: Path) -> None:
    result = convert(run_folder, "--to", "every-eval-ever", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "--model-id OWNER/NAME gives it one" in result.output
    aggregate = json.loads((SCHEMAS / "eval.schema.json").read_text())
    instance = json.loads((SCHEMAS / "instance_level_eval.schema.json").read_text())
    records = sorted((tmp_path / "data").rglob("*.json"))
    assert [path.parent.relative_to(tmp_path).as_posix() for path in records] == [
        "data/overproof/Qwen/Qwen2.5-Coder-1.5B",
        "data/overproof/local/distilled",
    ]
    for path in records:
        record = json.loads(path.read_text())
        jsonschema.validate(record, aggregate)
        detailed = record["detailed_evaluation_results"]
        companion = tmp_path / detailed["file_path"]
        assert companion.name == f"{path.stem}_samples.jsonl"
        assert hashlib.sha256(companion.read_bytes()).hexdigest() == detailed["checksum"]
        rows = lines(companion)
        assert len(rows) == detailed["total_rows"] == 8
        known = {result["evaluation_result_id"] for result in record["evaluation_results"]}
        for row in rows:
            jsonschema.validate(row, instance)
            assert row["evaluation_id"] == record["evaluation_id"]
            assert row["evaluation_result_id"] in known


def test_samples_of_every_eval_ever_have_their_latency(run_folder: Path, tmp_path: Path) -> None:
    convert(
        run_folder, "--to", "every-eval-ever", "--out", tmp_path, "--model", "distilled",
        "--model-id", "me/small",
    )  # fmt: skip
    (companion,) = (tmp_path / "data/overproof/me/small").glob("*_samples.jsonl")
    rows = lines(companion)
    timed = [row for row in rows if "latency_ms" in row["performance"]]
    assert {row["sample_id"].partition("#")[0] for row in timed} == {"HumanEval/0"}
    assert {row["evaluation_name"] for row in timed} == {"humaneval"}
    performance = timed[0]["performance"]
    assert (performance["latency_ms"], performance["time_to_first_token_ms"]) == (240.0, 40.0)
    assert performance["generation_time_ms"] == 200.0
    assert "generation of its own" in performance["additional_details"]["measured"]
    assert rows[0]["token_usage"] == {
        "input_tokens": 100, "output_tokens": 20, "total_tokens": 120,
    }  # fmt: skip
    (record,) = (tmp_path / "data/overproof/me/small").glob("*[!s].json")
    results = json.loads(record.read_text())["evaluation_results"]
    by_id = {row["metric_config"]["metric_id"]: row for row in results}
    assert by_id["ttft_ms"]["score_details"]["score"] == 40.0
    interval = by_id["pass@1"]["score_details"]["uncertainty"]["confidence_interval"]
    assert interval["lower"] <= 0.5 <= interval["upper"]
    result = convert(run_folder, "--to", "every-eval-ever", "--out", tmp_path, "--model", "teacher",
                     "--model-id", "no-owner")  # fmt: skip
    assert (result.exit_code, "is not OWNER/NAME" in result.output) == (2, True)


def test_logs_for_inspect(run_folder: Path, tmp_path: Path) -> None:
    result = convert(
        run_folder, "--to", "inspect", "--out", tmp_path / "logs", "--model", "teacher"
    )
    assert result.exit_code == 0, result.output
    logs = [json.loads(path.read_text()) for path in sorted((tmp_path / "logs").iterdir())]
    assert sorted(log["eval"]["task"] for log in logs) == ["humaneval", "humaneval+camel_case"]
    log = next(log for log in logs if log["eval"]["task"] == "humaneval")
    assert (log["version"], log["status"], log["results"]["total_samples"]) == (2, "success", 4)
    metrics = log["results"]["scores"][0]["metrics"]
    assert (metrics["accuracy"]["value"], metrics["stderr"]["value"]) == (1.0, 0.0)
    assert {(row["id"], row["epoch"]) for row in log["samples"]} == {
        (task, epoch) for task in ("HumanEval/0", "HumanEval/82") for epoch in (1, 2)
    }
    inspect_log = pytest.importorskip("inspect_ai.log")
    for path in (tmp_path / "logs").iterdir():
        assert inspect_log.read_eval_log(str(path)).status == "success"


def test_what_could_not_be_judged_is_left_out_and_said(run_folder: Path, tmp_path: Path) -> None:
    path = run_folder / "outcomes.jsonl"
    rows = path.read_bytes().splitlines()
    first = json.loads(rows[0])
    lost = Outcome(
        key=first["key"], task_id=first["task_id"], status="harness_error", sample=first["sample"]
    )
    path.write_bytes(b"\n".join([encode_row(lost), *rows[1:]]) + b"\n")
    for form in ("lm-eval", "inspect", "every-eval-ever"):
        result = convert(run_folder, "--to", form, "--out", tmp_path / form, "--model", "teacher")
        assert "1 answers that could not be judged are left out" in result.output, form
    (part, _) = parts_of(read_run(run_folder), "teacher")
    assert len(part.answers) == 3


def test_results_need_a_run_folder(tmp_path: Path, run_folder: Path) -> None:
    result = convert(tmp_path / "x.jsonl", "--to", "lm-eval", "--out", tmp_path)
    assert (result.exit_code, "are made of a run folder" in result.output) == (2, True)
    (run_folder / "results.json").write_text('{"scores": [{"no": "score"}]}')
    with pytest.raises(DataError, match="not our scores"):
        read_run(run_folder)
    (run_folder / "results.json").write_text("{")
    with pytest.raises(DataError, match="not JSON"):
        read_run(run_folder)
