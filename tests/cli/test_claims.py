"""`overproof claims` reads any run folder: with claims, without, with samples alone."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from msgspec import to_builtins

from overproof.cli import main
from overproof.measure.simulated import World, made_samples, report_scores, verdicts
from overproof.records import Claim, Outcome, encode_row, read_rows
from overproof.store import write_atomically

MODELS = [{"name": "undistilled"}, {"name": "distilled"}]


def draw() -> dict[str, np.ndarray]:
    world = World(first=0.75, second=0.3, tasks=60, prompts=3)
    one, two = verdicts(np.random.default_rng(5), world)
    return {"undistilled": two[0, ..., 0], "distilled": one[0, ..., 0]}


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """Return a folder as a run of an older version left it: no claims.json, no detectable."""
    (tmp_path / "recipe.yaml").write_text("name: demo\n")
    scores = to_builtins(report_scores(draw()))
    for row in scores:
        del row["detectable"]
    manifest = {"models": MODELS, "command": "overproof run demo"}
    results = {"title": "demo", "manifest": manifest, "scores": scores, "notes": {}}
    write_atomically(tmp_path / "results.json", json.dumps(results).encode())
    return tmp_path


def test_an_older_run_has_claims_too(finished: Path) -> None:
    result = CliRunner().invoke(main, ["claims", str(finished)])
    assert result.exit_code == 0, result.output
    assert "✓ VERIFIED, high confidence" in result.output
    assert "The robust pass@1 of distilled is higher than that of undistilled" in result.output
    assert "detectable" in result.output and "verified" in result.output.splitlines()[-1]


def test_json_is_the_rows_and_a_verdict_can_be_asked_for(finished: Path) -> None:
    result = CliRunner().invoke(main, ["claims", str(finished), "--json"])
    claims = json.loads(result.output)
    assert {claim["command"] for claim in claims} == {"overproof run demo"}
    lines = b"\n".join(encode_row(claim) for claim in claims)
    path = finished / "rows.jsonl"
    path.write_bytes(lines)
    assert len(read_rows(path, Claim)) == len(claims) >= 4
    asked = CliRunner().invoke(main, ["claims", str(finished), "--json", "--verdict", "refuted"])
    assert json.loads(asked.output) == [c for c in claims if c["verdict"] == "refuted"]


def test_samples_with_verdicts_are_enough(tmp_path: Path) -> None:
    samples, outcomes = [], []
    for model, table in draw().items():
        rows = made_samples(model, *table.shape)
        samples += rows
        outcomes += [
            Outcome(key=row.key, task_id=row.task_id, status="passed" if right else "error")
            for row, right in zip(rows, table.ravel().tolist(), strict=True)
        ]
    for name, table in (("samples", samples), ("outcomes", outcomes)):
        content = b"".join(encode_row(row) + b"\n" for row in table)
        (tmp_path / f"{name}.jsonl").write_bytes(content)
    result = CliRunner().invoke(main, ["claims", str(tmp_path), "--json"])
    assert result.exit_code == 0, result.output
    kinds = [claim["kind"] for claim in json.loads(result.output)]
    assert kinds[0] == "robust_gain" and "drop" in kinds


def test_a_folder_without_scores_says_how_to_get_them(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("name: demo\n")
    result = CliRunner().invoke(main, ["claims", str(tmp_path)])
    assert result.exit_code == 2
    assert "no scores yet" in result.output and "overproof run" in result.output
