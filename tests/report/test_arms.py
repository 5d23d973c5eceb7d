"""The ablation: levels, steps and training are told as they were measured."""

from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from overproof.errors import DataError
from overproof.records import Score
from overproof.report.arms import (
    changes_table,
    changes_text,
    heldout_table,
    is_ablation,
    level_table,
    read_arms,
    seen_sentence,
    step_table,
)
from overproof.report.facts import ScoreIndex, percent, points, verdict
from overproof.report.sentences import headline
from overproof.report.tables import difference_table
from overproof.report.terminal import ablation_table
from overproof.report.training import POINTS, arm_differences, training_curve


@pytest.fixture(scope="module")
def index(ablation: Any) -> ScoreIndex:
    return ScoreIndex(ablation.scores)


def test_only_a_run_with_several_arms_is_an_ablation(
    index: ScoreIndex, ablation: Any, trial: Any
) -> None:
    assert is_ablation(index, ablation.manifest["models"])
    assert not is_ablation(ScoreIndex(trial.scores), trial.manifest["models"])


def test_levels_go_from_the_student_over_the_arms_to_the_teacher(
    index: ScoreIndex, ablation: Any
) -> None:
    table = level_table(index, ablation.manifest["models"])
    names = [row[0].split(" ")[0] for row in table.rows]
    assert names[0] == "undistilled" and names[-1] == "teacher" and len(names) == 12
    assert table.headings[1:] == [
        "pass@1",
        "robust, unseen",
        "robust, seen",
        "robust, both",
        "drop, unseen",
    ]
    row = table.rows[names.index("kd")]
    for cell, operator in zip(row[2:5], ("unseen", "seen", "mixed"), strict=True):
        assert cell == percent(index.get("kd", "robust_pass@1", operator, "all"))


def test_steps_are_against_undistilled_and_the_arm_before(index: ScoreIndex, ablation: Any) -> None:
    table = step_table(index, ablation.manifest["models"])
    heads = [row[0] for row, mark in zip(table.rows, table.marks, strict=True) if mark == "head"]
    assert heads == ["against undistilled", "against the arm before"]
    assert len(table.rows) == 2 + 10 + 9
    named = {row[0]: row[1:] for row in table.rows}
    gain = index.nominal("kd", "pass@1", "sft")
    assert gain is not None
    assert named["kd minus sft"][0].removesuffix(" *") == points(gain)
    flips = f"+{gain.counts['repaired']} −{gain.counts['broken']}"
    assert named["kd minus sft"][1:3] == [flips, f"{gain.p_adjusted:.3g}"]
    for row in index.rows:
        if row.against == "undistilled" and row.metric == "pass@1" and row.operator == "nominal":
            starred = named[row.model][0].endswith("*")
            assert starred == (not verdict(row).startswith("not shown"))


def test_a_named_reference_is_named(ablation: Any) -> None:
    rows = [
        replace(row, against="kd")
        if row.against and row.against not in ("undistilled", "kd") and row.model != "teacher"
        else row
        for row in ablation.scores
    ]
    table = step_table(ScoreIndex(rows), ablation.manifest["models"])
    assert ["against kd"] in table.rows


def test_holm_takes_back_what_one_comparison_of_many_would_claim() -> None:
    row = Score(
        key="",
        model="a",
        metric="pass@1",
        operator="nominal",
        family="nominal",
        value=0.1,
        low=0.01,
        high=0.2,
        n=20,
        against="undistilled",
        p=0.02,
    )
    assert verdict(row) == "higher"
    assert verdict(replace(row, p_adjusted=0.2)) == "not shown: p = 0.2 after Holm"
    assert verdict(replace(row, p=0.06, p_adjusted=0.06)) == "not shown: p = 0.06"
    adjusted = [row, replace(row, model="b", p=0.01, p_adjusted=0.02)]
    table = difference_table(ScoreIndex(adjusted), [{"name": n} for n in ("a", "b", "undistilled")])
    assert table.headings[4:] == ["p", "p, Holm", "at 95 %"]
    assert table.rows[-1][4:] == ["0.01", "0.02", "higher"]


def test_many_arms_get_one_sentence_per_metric(index: ScoreIndex, ablation: Any) -> None:
    sentences = headline(index, ablation.manifest["models"])
    assert len(sentences) == 2
    assert sentences[0].startswith("Of 10 models compared with undistilled (0.5B), robust pass@1")
    assert "under unseen operators" in sentences[0]
    shown = [
        row.model
        for row in index.rows
        if (row.against, row.metric, row.operator, row.family)
        == ("undistilled", "robust_pass@1", "unseen", "all")
        and verdict(row) == "higher"
    ]
    before = sentences[0].partition(", and shown not to be")[0]
    assert [name for name in shown if name not in before] == []
    assert f"; for {10 - len(shown)} no difference is shown" in sentences[0] or shown == []


def test_who_saw_what_is_said_where_operators_are_split(
    index: ScoreIndex, ablation: Any, trial: Any
) -> None:
    arms = read_arms(ablation.notes)
    text = seen_sentence(index, arms, ablation.manifest["models"])
    assert "with keyboard_typos: kd+robust; with none: sft, kd" in text
    without = [replace(arm, seen=()) for arm in arms]
    assert "Trained" not in seen_sentence(index, without, ablation.manifest["models"])
    assert seen_sentence(ScoreIndex(trial.scores), arms, trial.manifest["models"]) == ""


def test_training_is_told_in_words_and_numbers(ablation: Any) -> None:
    arms, models = read_arms(ablation.notes), ablation.manifest["models"]
    changes = changes_table(arms, models)
    assert changes.rows[0] == ["sft", "kd_weight 0", "40", "31,240"]
    heldout = heldout_table(arms, models)
    assert heldout is not None
    assert heldout.headings == ["arm", "clean prompts", "unseen operators", "lessons"]
    assert heldout.rows[0][1:] == [
        "0.41 → 0.30, −27 % [−33, −20]",
        "0.50 → 0.55, +10 % [−1, +20]",
        "60–64",
    ]
    assert heldout_table([replace(arm, heldout={}) for arm in arms], models) is None
    assert changes_text({}) == "nothing"


def test_a_note_of_another_form_is_refused() -> None:
    with pytest.raises(DataError, match=r"Arms.*heldout"):
        read_arms({"Arms": [{"arm": "a", "heldout": {"clean": {"before": 1}}}]})
    with pytest.raises(DataError, match="Arms"):
        read_arms({"Arms": "words"})
    assert read_arms({}) == []


def test_curves_have_a_line_per_term_and_condition_and_few_points(ablation: Any) -> None:
    arm = read_arms(ablation.notes)[-1]
    found = training_curve(arm, 0)
    assert found is not None
    for line in ("loss", "kd", "ce", "robust", "clean prompts: from 0.41 to"):
        assert line in found["text"]
    assert "learning rate" not in found["text"]
    long = replace(
        arm, measured={}, curve=[{"step": i, "loss": 1.0 / (i + 1)} for i in range(5000)]
    )
    drawn = training_curve(long, 1)
    assert drawn is not None and len(drawn["wide"]) < 200 * POINTS
    assert "loss: from" in drawn["text"]
    gaps = replace(arm, measured={}, curve=[{"step": 1, "loss": None}, {"step": 2, "loss": 1.0}])
    assert training_curve(gaps, 2) is not None
    assert training_curve(replace(arm, measured={}, curve=[]), 3) is None


def test_differences_are_drawn_for_arms_that_have_any(index: ScoreIndex, ablation: Any) -> None:
    found = arm_differences(index, ablation.manifest["models"])
    assert found is not None
    assert found["text"].count("nominal:") == found["text"].count("robust:") == 10
    assert arm_differences(ScoreIndex([]), ablation.manifest["models"]) is None


def test_the_terminal_table_fits_80_columns(index: ScoreIndex, ablation: Any) -> None:
    models = [dict(model) for model in ablation.manifest["models"]]
    models[2]["label"] = "[bold]a very long name of an arm[/bold]"
    out = StringIO()
    table = ablation_table(index, models, read_arms(ablation.notes))
    Console(file=out, width=80, color_system=None).print(table)
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 80 and "…" not in text
    assert "[bold]" in text and "teacher" not in text
    gain = index.nominal("kd+robust", "pass@1", "undistilled")
    assert points(gain) in text
