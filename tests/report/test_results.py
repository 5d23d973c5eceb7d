"""results.json keeps to its published schema, and the schema refuses what does not."""

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from overproof.report.html import write_report
from overproof.report.results import results_of, results_schema

PUBLISHED = Path(__file__).parents[2] / "docs" / "reference" / "results.schema.json"


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = json.loads(PUBLISHED.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.fixture(scope="module")
def results(trial: Any, claims: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("results")
    write_report(
        folder,
        "Trial",
        trial.recipe,
        trial.manifest,
        trial.problems,
        trial.variants,
        trial.samples,
        trial.outcomes,
        trial.scores,
        trial.timings,
        {**trial.notes, "loss": [{"step": 0, "loss": float("nan")}]},
        claims=claims,
    )
    return json.loads((folder / "results.json").read_text())


def test_a_run_keeps_to_the_schema(validator: Any, results: Any, claims: Any) -> None:
    validator.validate(results)
    assert [row["verdict"] for row in results["claims"]] == [claim.verdict for claim in claims]
    assert results["notes"]["loss"][0]["loss"] is None


def test_an_ablation_keeps_to_the_schema(validator: Any, ablation: Any) -> None:
    content = results_of("x", ablation.manifest, ablation.scores, (), ablation.notes)
    validator.validate(json.loads(json.dumps(content)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), 99),
        (("scores", 0, "value"), "41.5"),
        (("scores", 0, "colour"), "red"),
        (("claims", 0, "verdict"), "proven"),
        (("manifest", "models", 0, "size_bytes"), "small"),
        (("manifest",), None),
        (("extra",), 1),
    ],
)
def test_the_schema_refuses_other_forms(
    validator: Any, results: Any, path: tuple[Any, ...], value: Any
) -> None:
    changed = copy.deepcopy(results)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert not validator.is_valid(changed)


@pytest.mark.parametrize("key", ["schema", "title", "manifest", "claims", "scores", "notes"])
def test_no_key_may_be_missing(validator: Any, results: Any, key: str) -> None:
    assert not validator.is_valid({k: v for k, v in results.items() if k != key})


def test_every_key_of_a_row_is_explained() -> None:
    definitions = results_schema()["$defs"]
    for kind in ("Score", "Claim"):
        told = [p for p in definitions[kind]["properties"].values() if p.get("description")]
        assert len(told) > 8, kind
