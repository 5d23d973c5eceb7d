"""The words say what the numbers say, and no more."""

from io import StringIO
from typing import Any

import msgspec
import pytest
from rich.console import Console

from overproof.records import Score
from overproof.report.facts import (
    ScoreIndex,
    number,
    percent,
    points,
    size_text,
    summary_rows,
    verdict,
)
from overproof.report.pictures import slots
from overproof.report.sentences import coverage_warnings, headline, length_warnings
from overproof.report.tables import (
    difference_table,
    operator_table,
    side_table,
    word_columns,
)
from overproof.report.terminal import summary_table

MODELS = [{"name": "undistilled", "label": "small"}, {"name": "distilled"}]


def score(value: float | None, low: float | None, high: float | None, **place: Any) -> Score:
    fields = {"model": "m", "metric": "pass@1", "operator": "nominal", "family": "nominal"}
    return Score(key="", value=value, low=low, high=high, **{"n": 20, **fields, **place})


def pair(low: float, high: float, method: str = "") -> list[Score]:
    overall = {"metric": "robust_pass@1", "operator": "all", "family": "all"}
    return [
        score(0.299, 0.2, 0.4, model="undistilled", **overall),
        score(0.36, 0.3, 0.4, model="distilled", **overall),
        score(0.061, low, high, model="distilled", against="undistilled", method=method, **overall),
        score(0.061, low, high, model="distilled", against="undistilled"),
    ]


def test_a_gain_is_claimed_only_when_the_interval_leaves_out_zero() -> None:
    claimed, _ = headline(ScoreIndex(pair(0.002, 0.12)), MODELS)
    assert claimed.replace("\u00a0", " ") == (
        "Distillation improves robustness: the robust pass@1 of distilled is higher than that of "
        "small: 36.0 % against 29.9 %, +6.1 [+0.2, +12.0] points."
    )
    doubted, _ = headline(ScoreIndex(pair(-0.002, 0.12)), MODELS)
    assert "is not shown" in doubted and "higher" not in doubted


def test_results_of_older_versions_are_read_as_they_were() -> None:
    old = {
        "key": "b88d",
        "model": "distilled",
        "metric": "pass@1",
        "operator": "nominal",
        "family": "nominal",
        "value": 0.25,
        "low": 0.03,
        "high": 0.43,
        "n": 164,
        "against": "undistilled",
        "method": "Newcombe; exact McNemar p = 0.0625",
        "counts": {"broken": 0, "repaired": 5},
    }
    row = msgspec.convert(old, Score)
    assert ScoreIndex([row]).nominal("distilled", "pass@1", "undistilled") == row
    assert verdict(row) == "not shown: McNemar p = 0.0625"
    table = difference_table(ScoreIndex([row]), MODELS)
    assert table.headings[4:] == ["p", "at 95 %"] and table.rows[-1][4] == "0.0625"


def test_a_loss_is_called_a_loss() -> None:
    assert verdict(score(-0.1, -0.2, -0.01)) == "lower"
    assert verdict(score(0.1, 0.0, 0.2)) == "not shown: the interval includes 0"
    assert verdict(score(0.1, None, None)) == "not shown: no interval"


def test_an_interval_that_mcnemar_does_not_support_claims_nothing() -> None:
    doubted = score(0.25, 0.03, 0.43, method="Newcombe; exact McNemar p = 0.0625; s = 1")
    assert verdict(doubted) == "not shown: McNemar p = 0.0625"
    sure = score(0.25, 0.03, 0.43, method="Newcombe; exact McNemar p = 6.1e-05; s = 1")
    assert verdict(sure) == "higher"


def test_a_single_model_is_reported_alone(single: Any) -> None:
    (sentence,) = headline(ScoreIndex(single.scores), single.manifest["models"])
    assert sentence.startswith("my-model solves ") and "under every perturbation" in sentence
    assert headline(ScoreIndex([]), [{"name": "x"}]) == ["x: no task was scored."]


def test_numbers_as_a_reader_expects_them() -> None:
    assert percent(score(0.415, 0.342, 0.491)) == "41.5 [34.2, 49.1]"
    assert percent(score(-0.0004, -0.1, 0.1)) == "0.0 [−10.0, 10.0]"
    assert points(score(0.061, -0.002, 0.12)) == "+6.1 [−0.2, +12.0]"
    assert percent(score(None, None, None)) == percent(None) == "–"
    assert percent(score(0.5, None, None)) == "50.0"
    assert number(score(123.4, 100.0, 150.0)) == "123 [100, 150]"
    assert number(score(7.256, 7.1, 7.4)) == "7.26 [7.10, 7.40]"


@pytest.mark.parametrize(
    ("size", "text"),
    [(None, "–"), (98_362_432, "98 MB"), (1_117_320_768, "1.12 GB"), (5_000_000, "5.0 MB")],
)
def test_sizes(size: int | None, text: str) -> None:
    assert size_text(size) == text


def test_the_summary_shows_the_scores_that_measure_computed(trial: Any) -> None:
    index = ScoreIndex(trial.scores)
    for row in summary_rows(index, trial.manifest["models"]):
        nominal = next(
            s
            for s in trial.scores
            if (s.model, s.metric, s.operator, s.against) == (row.name, "pass@1", "nominal", "")
        )
        assert row.pass_at_1 == percent(nominal)
        assert "[" in row.robust and "[" in row.drop and "[" in row.tpot


def test_the_terminal_table_fits_80_columns_without_colour(trial: Any) -> None:
    models = [dict(model) for model in trial.manifest["models"]]
    models[0]["label"] = "[bold]a very long name of a model[/bold]"
    out = StringIO()
    Console(file=out, width=80, color_system=None).print(summary_table(trial.scores, models))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text and "\x1b" not in text
    assert "[bold]" in text
    for row in summary_rows(ScoreIndex(trial.scores), models):
        assert row.pass_at_1 in text and row.robust in text
        assert row.drop.split(" [")[0] in text and row.tokens_per_s.split(" [")[0] in text


def test_the_widest_numbers_fit_80_columns() -> None:
    rows = [
        score(1.0, 0.812, 1.0, model="m"),
        score(1.0, 0.812, 1.0, metric="robust_pass@1", operator="all", family="all"),
        score(-1.0, -2.0, 1.0, metric="robust_drop@1", operator="all", family="all"),
        score(12345.0, 10000.0, 20000.0, metric="tpot_ms"),
        score(12345.0, 10000.0, 20000.0, metric="tokens_per_s"),
    ]
    out = StringIO()
    table = summary_table(rows, [{"name": "m", "label": "m" * 40}])
    Console(file=out, width=80, color_system=None).print(table)
    assert max(map(len, out.getvalue().splitlines())) <= 80
    assert out.getvalue().count("100.0 [81.2, 100.0]") == 2 and "12345" in out.getvalue()


def test_null_stands_first_and_all_last_and_families_of_one_are_not_repeated(trial: Any) -> None:
    table = operator_table(ScoreIndex(trial.scores), trial.manifest["models"])
    names = [row[0] for row in table.rows]
    assert names[0] == "null (nothing changed)" and table.marks[0] == "quiet"
    assert names[-1] == "all operators"
    assert "all of text" in names and "all of code" not in names
    assert len(names) == len(set(names)) and "half body" not in names


def test_every_pair_has_its_nominal_null_family_and_overall_difference(trial: Any) -> None:
    table = difference_table(ScoreIndex(trial.scores), trial.manifest["models"])
    heads = [row[0] for row, mark in zip(table.rows, table.marks, strict=True) if mark == "head"]
    assert heads == ["distilled minus undistilled (0.5B)", "teacher (1.5B) minus distilled"]
    metrics = [row[0] for row in table.rows[1 : table.rows.index([heads[1]])]]
    assert metrics[0] == "pass@1, nominal" and metrics[-1] == "robust drop, all operators"
    assert "robust pass@1, all of code" in metrics
    assert all(len(row) in (1, len(table.headings)) for row in table.rows)


def test_thin_coverage_and_unequal_lengths_are_said() -> None:
    overall = {"metric": "robust_pass@1", "operator": "all", "family": "all"}
    rows = [
        score(0.5, 0.4, 0.6, model="distilled"),
        score(0.3, 0.2, 0.4, model="distilled", **{**overall, "n": 7}),
        score(1.2, 1.1, 1.3, model="distilled", against="x", metric="completion_tokens_ratio"),
    ]
    assert "distilled on 7 tasks of 20" in coverage_warnings(ScoreIndex(rows), MODELS)[0]
    assert "1.20 times the tokens" in length_warnings(ScoreIndex(rows), MODELS)[0]
    assert not coverage_warnings(ScoreIndex(rows[:1]), MODELS)
    assert not length_warnings(ScoreIndex(rows[:2]), MODELS)


def test_side_tables_take_rows_mappings_and_text() -> None:
    rows = side_table([{"a_b": 1, "c": None}, {"d": True}])
    assert rows is not None
    assert rows.headings == ["a b", "c", "d"]
    assert rows.rows == [["1", "–", "–"], ["–", "–", "yes"]]
    reasons = side_table([{"pair": "a", "count": 3, "why": "shares a 13-gram"}])
    assert reasons is not None and word_columns(reasons) == [2]
    mapping = side_table({"x": 0.123456})
    assert mapping is not None and mapping.rows == [["x", "0.1235"]]
    assert side_table("words") is None and side_table([]) is None and side_table({}) is None


def test_models_never_share_a_colour_up_to_twelve() -> None:
    names = ["b", "teacher", "a", "undistilled", *"cdefghij"]
    chosen = slots([{"name": name} for name in names])
    assert (chosen["teacher"], chosen["undistilled"], chosen["b"]) == (0, 1, 2)
    assert len(set(chosen.values())) == 12
    assert slots([{"name": "x"}, {"name": "y"}]) == {"x": 0, "y": 1}
