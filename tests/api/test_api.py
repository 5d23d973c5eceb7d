"""The functions of the package: what they take, what they return, how they are shown."""

import subprocess
import sys
from pathlib import Path

import pytest

import overproof
from overproof.errors import RecipeError, UnknownNameError, UsageError
from overproof.recipe import load_recipe
from overproof.results import Evaluation
from overproof.suites import load_suite

MODEL = "smollm2-135m-instruct"


def test_the_package_has_what_it_names_and_loads_it_late() -> None:
    code = (
        "import sys, overproof; assert set(overproof.__all__) <= set(dir(overproof)); "
        "assert not {'torch', 'numpy', 'rich', 'msgspec'} & set(sys.modules), 'too early'; "
        "import overproof.distillation.arm, overproof.perturbation, overproof.scoring; "
        "assert all(callable(getattr(overproof, n)) for n in overproof.__all__[1:])"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    with pytest.raises(AttributeError, match="no attribute 'evalute'"):
        overproof.evalute  # type: ignore[attr-defined]  # noqa: B018


def test_samples_are_scored_from_lines_and_from_a_file(tmp_path: Path) -> None:
    problems = load_suite("humaneval", limit=3)
    lines = [
        {"task_id": p.task_id, "completion": body}
        for p in problems
        for body in (p.canonical_solution, "    return None\n")
    ]
    scored = overproof.score(lines, suite=problems, workers=2, out=tmp_path / "verdicts.jsonl")
    assert [outcome.passed for outcome in scored.outcomes] == [True, False] * 3
    assert "3 of 6 samples passed" in str(scored)
    assert "<pre" in scored._repr_html_()
    assert "pass@1" in scored._repr_html_()
    file = tmp_path / "samples.jsonl"
    import json

    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    again = overproof.score(file, suite=problems, workers=1)
    assert [o.status for o in again.outcomes] == [o.status for o in scored.outcomes]


def test_variants_are_rows_with_their_yields(tmp_path: Path) -> None:
    found = overproof.perturb("humaneval", operators="null, keyboard_typos", seeds=2, limit=3)
    assert {row.operator for row in found} == {"null", "keyboard_typos"}
    assert all(row.certificate is not None for row in found)
    assert found[0] in list(found[:1])
    assert {row.operator for row in found.yields} == {"null", "keyboard_typos"}
    assert len(found.write(tmp_path / "variants.jsonl").read_text().splitlines()) == len(found)
    assert f"{len(found)} certified variants" in str(found)
    rows = overproof.perturb(load_suite("humaneval", limit=1), operators=["null"], seeds=1)
    assert {row.task_id for row in rows} == {"HumanEval/0"}


def test_bad_input_is_a_clear_error() -> None:
    with pytest.raises(UnknownNameError, match="keyboard_typo"):
        overproof.perturb("humaneval", operators="keyboard_typo", limit=1)
    with pytest.raises(UsageError, match="int where a name is expected"):
        overproof.perturb([1, 2], operators="null")  # type: ignore[list-item]
    with pytest.raises(RecipeError, match=r"distill\.stepz"):
        overproof.distill("demo", {"distill.stepz": 3})
    with pytest.raises(RecipeError, match=r"distill\.stepz"):
        overproof.run(load_recipe("demo"), ["distill.stepz=3"])


@pytest.mark.models
def test_a_model_is_measured_and_shown(tmp_path: Path) -> None:
    found = overproof.evaluate(
        MODEL,
        operators="null",
        limit=2,
        overrides={"sampling.max_new_tokens": 8},
        out=tmp_path / "run",
    )
    assert found.report.is_file()
    assert found.folder == tmp_path / "run"
    assert found.score("pass@1").n == 2
    assert found.value("pass@1") == found.score("pass@1", model=MODEL).value
    assert {"model", "metric", "value", "low", "high"} <= set(found.as_records()[0])
    assert "pass@1" in str(found)
    assert "pass@1" in found._repr_html_()
    with pytest.raises(UnknownNameError, match="metric"):
        found.value("pass@7")
    manifest = (tmp_path / "run" / "manifest.json").read_text()
    assert "overproof.evaluate('smollm2-135m-instruct')" in manifest


def test_one_number_of_several_models_needs_a_name(tmp_path: Path) -> None:
    found = Evaluation(
        folder=tmp_path,
        report=tmp_path / "report.html",
        scores=[],
        models=[{"name": "a"}, {"name": "b"}],
        notes={},
    )
    with pytest.raises(UsageError, match="2 models"):
        found.score("pass@1")
