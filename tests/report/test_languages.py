"""Languages and suites: every number is a row's, and what was not scored is never a zero."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from overproof.records import Score
from overproof.report.facts import ScoreIndex, percent
from overproof.report.forests import MANY, languages
from overproof.report.languages import drop_table, language_table, left_out_table, part_rows
from overproof.report.sentences import missing_warnings, pooled_sentence
from overproof.report.terminal import language_tables, summary_tables


@pytest.fixture(scope="module")
def index(ablation: Any) -> ScoreIndex:
    return ScoreIndex(ablation.scores)


def rows_of(table: Any) -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in table.rows}


def test_a_row_per_language_by_its_title_and_the_pooled_one_last(index: ScoreIndex) -> None:
    assert [row.label for row in part_rows(index)] == ["Python", "Go", "Bash", "C#", "all, pooled"]


def test_rows_are_named_by_what_tells_them_apart() -> None:
    def labels(*parts: tuple[str, str]) -> list[str]:
        place = {"model": "m", "metric": "pass@1", "operator": "nominal", "family": "nominal"}
        numbers = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 9}
        rows = [Score(key="", suite=s, language=n, **place, **numbers) for s, n in parts]
        return [row.label for row in part_rows(ScoreIndex(rows))]

    assert labels(("multicode:rust", "rust")) == ["Rust"]
    assert labels(("humaneval", "python"), ("own", "python")) == ["humaneval", "own", "all, pooled"]
    python = ("", "python"), ("humaneval", "python"), ("multicode:python", "python")
    assert labels(*python, ("mine", "fortran"))[:4] == [
        "Python",
        "Python, humaneval",
        "Python, multicode",
        "fortran",
    ]
    mixed = labels(("peers", "go"), ("peers", "lua"), ("peers", ""), ("humaneval", "python"))
    assert mixed == ["Go", "Lua", "all of peers", "Python", "all, pooled"]


def test_one_python_suite_has_no_section(trial: Any) -> None:
    alone = ScoreIndex(trial.scores)
    models = trial.manifest["models"]
    assert not part_rows(alone)
    assert not language_table(alone, models, "pass@1").rows
    assert left_out_table(alone, models) is None
    assert pooled_sentence(alone, models) == "" and not missing_warnings(alone, models)
    assert not list(language_tables(alone, models))


def test_cells_are_the_rows_of_their_language(index: ScoreIndex, ablation: Any) -> None:
    models = ablation.manifest["models"]
    table = rows_of(language_table(index, models, "pass@1"))
    for place, model in enumerate(models):
        go = index.nominal(model["name"], "pass@1", part=("multicode:go", "go"))
        assert table["Go"][2 + place] == percent(go)
        assert table["all, pooled"][2 + place] == percent(index.nominal(model["name"], "pass@1"))
    robust = rows_of(language_table(index, models, "robust_pass@1"))
    unseen = index.get("kd", "robust_pass@1", "unseen", "all", part=("multicode:bash", "bash"))
    names = [model["name"] for model in models]
    assert robust["Bash"][1 + names.index("kd")] == percent(unseen)


def test_a_language_that_could_not_run_has_dashes_and_a_reason(
    index: ScoreIndex, ablation: Any
) -> None:
    models = ablation.manifest["models"]
    table = rows_of(language_table(index, models, "pass@1"))
    assert table["C#"] == ["8", "8", *["–"] * len(models)]
    assert table["Bash"][:2] == ["7", "1"] and table["all, pooled"][0] == "31"
    reasons = left_out_table(index, models)
    assert reasons is not None
    found = {row[0]: dict(zip(reasons.headings[1:], row[1:], strict=True)) for row in reasons.rows}
    assert found["C#"]["missing tool"] == found["C#"]["problems without a verdict"] == "8"
    assert found["Bash"]["not in this language"] == "1"
    assert found["Go"]["calls left out"] == "8"
    assert found["Python"]["missing tool"] == "–"
    (warning,) = [text for text in missing_warnings(index, models) if "Nothing was" in text]
    assert "multicode:csharp" in warning and "go" not in warning.split(":")[0]
    drops = rows_of(drop_table(index, models[0]))
    assert {cells[3] for name, cells in drops.items() if "prompts" not in name} == {"–"}


def test_what_is_pooled_is_said(index: ScoreIndex, ablation: Any) -> None:
    text = pooled_sentence(index, ablation.manifest["models"])
    assert "4 languages: 31 problems" in text and "8 source tasks" in text


def test_drops_have_a_row_per_operator_and_the_number_of_prompts(
    index: ScoreIndex, ablation: Any
) -> None:
    table = drop_table(index, ablation.manifest["models"][2])
    names = [row[0] for row in table.rows]
    assert names[0] == "null (nothing changed)" and table.marks[0] == "quiet"
    assert {"swap characters", "keyboard typos", "camel case"} < set(names)
    assert names[-2:] == ["all operators, seen and unseen", "prompts per task, all operators"]
    assert table.rows[-1][1:] == ["7"] * 5


def test_many_models_share_a_line_and_few_have_intervals(index: ScoreIndex, ablation: Any) -> None:
    models = ablation.manifest["models"]
    named = [(row.part, row.label) for row in part_rows(index)]
    many, few = languages(index, models, named), languages(index, models[:MANY], named)
    assert many is not None and few is not None
    assert "intervals" not in many["text"] and "intervals" in few["text"]
    assert languages(index, [{"name": "ghost"}], named) is None


@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_the_terminal_has_all_models_in_80_columns(
    index: ScoreIndex, ablation: Any, count: int
) -> None:
    models = ablation.manifest["models"][:count]
    out = StringIO()
    for table in language_tables(index, models):
        Console(file=out, width=80, color_system=None).print(table)
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 80 and "…" not in text
    for model in models:
        shown = percent(index.nominal(model["name"], "pass@1"))
        assert (shown if count <= 2 else shown.split(" [")[0]) in text
    assert text.count("C#") == -(-count // 5)


def test_the_terminal_says_it_all(ablation: Any, trial: Any) -> None:
    def printed(run: Any) -> str:
        out = StringIO()
        for table in summary_tables(run.scores, run.manifest["models"], run.notes):
            Console(file=out, width=80, color_system=None).print(table)
        return out.getvalue()

    text = printed(ablation)
    assert "31 problems" in text and "kd+robust" in text and "Δ unseen" in text and "−27" in text
    alone = printed(trial)
    assert "Δ" not in alone and "problems" not in alone
