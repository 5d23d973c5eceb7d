"""Claims, flows between models, adversaries, costs, yields, and the report as text."""

import json
import re
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from overproof.errors import DataError
from overproof.measure.tables import collect
from overproof.perturbation import Yield
from overproof.report.attacks import attack_figure, attack_sentences, attack_table, read_attacks
from overproof.report.claims import claim_counts, claim_table, claim_views
from overproof.report.facts import ScoreIndex
from overproof.report.flows import flow_figure, flow_sentence, flow_table, task_flow
from overproof.report.html import write_report
from overproof.report.markdown import escape, fenced, text_table
from overproof.report.packing import apply_edit, edit_between, pack, unpack
from overproof.report.pareto import frontier, pareto
from overproof.report.samples import browser_data
from overproof.report.tables import TextTable
from overproof.report.yields import is_yields, yield_table

STUDY = Path(__file__).parents[2] / "studies" / "attack-qwen-0.5b"


def flow_of(trial: Any, **changes: Any) -> Any:
    rows = {name: getattr(trial, name) for name in ("problems", "variants", "samples", "outcomes")}
    return task_flow(**{**rows, "models": trial.manifest["models"], **changes})


def test_the_flow_counts_what_the_scores_count(trial: Any) -> None:
    flow = flow_of(trial)
    assert flow.models == ["undistilled (0.5B)", "distilled", "teacher (1.5B)"]
    index = ScoreIndex(trial.scores)
    total = len(flow.tasks)
    assert total + flow.left_out == len(trial.problems)
    for place, name in enumerate(("undistilled", "distilled", "teacher")):
        states = Counter(task[place] for task in flow.tasks)
        robust = index.overall(name, "robust_pass@1")
        assert robust is not None and robust.n == total
        assert states["robust"] == round(robust.value * total)
        assert total - states["unsolved"] == round(index.nominal(name, "pass@1").value * total)


def test_a_task_without_a_verdict_is_in_no_ribbon(trial: Any) -> None:
    before = flow_of(trial)
    gone = next(s for s in trial.samples if s.model == "teacher" and s.operator == "dead_code")
    outcomes = [
        replace(o, status="harness_error") if o.key == gone.key else o for o in trial.outcomes
    ]
    after = flow_of(trial, outcomes=outcomes)
    assert after.left_out == before.left_out + 1 and len(after.tasks) == len(before.tasks) - 1
    assert "1 without a verdict" in flow_sentence(after)


def test_the_flow_table_adds_up_and_the_picture_draws_every_move(trial: Any) -> None:
    flow = flow_of(trial)
    rows = [row for row in flow_table(flow).rows if len(row) > 1]
    assert sum(int(row[-1]) for row in rows) == 2 * len(flow.tasks)
    moves = sum(len([n for n in flow.steps(place).values() if n]) for place in (0, 1))
    picture = flow_figure(flow)
    assert picture["wide"].count("<path") == picture["narrow"].count("<path") == moves
    assert picture["wide"].count("<rect") == sum(
        len({task[place] for task in flow.tasks}) for place in range(3)
    )


def test_without_perturbed_prompts_tasks_are_solved_or_not(trial: Any) -> None:
    nominal = [variant for variant in trial.variants if variant.operator == "nominal"]
    flow = flow_of(trial, variants=nominal)
    assert flow.states == ("solved", "unsolved") and len(flow.tasks) == 20


def test_of_many_models_three_are_drawn_and_of_one_none(
    trial: Any, single: Any, ablation: Any
) -> None:
    assert flow_of(ablation).models == ["undistilled (0.5B)", "kd+robust", "teacher (1.5B)"]
    assert flow_of(single) is None
    assert collect([], trial.variants, [], []).units == []
    assert flow_of(trial, problems=[]) is None


def test_claims_are_told_with_unit_and_sign(claims: Any) -> None:
    views = claim_views(claims)
    assert [view.estimate for view in views] == [
        "+12.0 [+2.0, +22.1] points",
        "1.01 [0.98, 1.04]",
        "−20.0 [−31.0, −9.0] points",
    ]
    assert [view.p for view in views] == ["0.012", "–", "0.001"]
    assert views[0].detectable == "9.0 points"
    assert claim_counts(claims) == "1 verified, 1 not shown, 1 refuted"
    nothing = replace(claims[0], estimate=None, low=None, high=None)
    assert claim_table([nothing]).rows[0][2] == "–"
    share = replace(claims[0], estimate=0.415, low=0.342, high=0.491, unit="share")
    assert claim_views([share])[0].estimate == "41.5 [34.2, 49.1] %"


def test_an_attack_of_the_run_folder_is_read(tmp_path: Path) -> None:
    assert read_attacks(tmp_path) == []
    (tmp_path / "attack").mkdir()
    (tmp_path / "attack" / "attack.json").write_bytes((STUDY / "attack.json").read_bytes())
    found = read_attacks(tmp_path)
    table = attack_table(found)
    assert table.rows[0] == ["0", "41.5 [27.8, 56.6]", "41.5 [27.8, 56.6]"]
    assert [row[0] for row in table.rows] == ["0", "1", "2", "5", "10", "20", table.rows[-1][0]]
    assert table.rows[-1][1:] == ["11 of 17", "16 of 17"]
    told = attack_sentences(found)
    assert "after 5 queries: −14.6 points [−27.5, −2.6], McNemar p = 0.0312." in told[0]
    assert told[1].endswith("not shown.")
    assert "from 41.5 to 2.4 % after 20 queries" in attack_figure(found)["text"]


@pytest.mark.parametrize("content", ["{", "[]", '{"results": [{"model": 1}]}'])
def test_a_damaged_attack_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "attack.json").write_text(content)
    with pytest.raises(DataError, match=r"attack\.json"):
        read_attacks(tmp_path)


def test_costs_are_drawn_where_they_are_known(trial: Any) -> None:
    models = trial.manifest["models"]
    both = pareto(ScoreIndex(trial.scores), models)
    assert both is not None and "ms per token, 491 MB" in both["text"]
    untimed = [row for row in trial.scores if row.metric != "tpot_ms"]
    size = pareto(ScoreIndex(untimed), models)
    assert size is not None and "ms" not in size["text"]
    assert pareto(ScoreIndex(untimed), [{**m, "size_bytes": None} for m in models]) is None
    assert pareto(ScoreIndex([]), models) is None


def test_no_model_of_the_frontier_is_beaten() -> None:
    rows = [{"tpot": (7 * i) % 11, "robust": (5 * i) % 13} for i in range(1, 40)]
    best = frontier(rows, "tpot")
    for row in rows:
        beaten = any(
            other["tpot"] <= row["tpot"]
            and other["robust"] >= row["robust"]
            and (other["tpot"], other["robust"]) != (row["tpot"], row["robust"])
            for other in rows
        )
        on_it = any((b["tpot"], b["robust"]) == (row["tpot"], row["robust"]) for b in best)
        assert on_it != beaten


def test_yields_show_why_prompts_were_refused() -> None:
    names = [name for name in Yield.__dataclass_fields__ if name not in ("operator", "family")]
    row = {"operator": "swap_words", "family": "text", **dict.fromkeys(names, 0)}
    told = [row | {"wanted": 60, "certified": 58, "given_up": 2, "attempts": 71, "gold_break": 11}]
    assert set(told[0]) == set(asdict(Yield(**told[0])))
    assert is_yields(told) and not is_yields([{"operator": "a"}]) and not is_yields("text")
    table = yield_table(told)
    assert table.headings[-1] == "gold solution fails"
    assert table.rows == [["swap words", "97 %", "60", "58", "2", "–", "71", "11"]]


def test_edits_and_packing_give_back_what_they_took() -> None:
    texts = ["", "a", "aa", "aba", "the whole", "the whloe", "\u2028\ud800", "aaaa", "xaaay"]
    for before in texts:
        for after in texts:
            assert apply_edit(before, edit_between(before, after)) == after
    assert unpack(pack(texts)) == texts
    assert re.fullmatch("[A-Za-z0-9+/=]+", pack({"<script>": "</script>"}))


def test_prompts_beyond_the_basic_plane_are_kept_whole(single: Any) -> None:
    variants = [
        v if v.operator == "nominal" else replace(v, prompt=v.prompt.replace("whole", "🐍 whole"))
        for v in single.variants
    ]
    prompts = browser_data(single.problems, variants, [], [], []).texts["prompts"]
    for variant, prompt in zip(variants, prompts, strict=True):
        assert isinstance(prompt, list) == (
            "🐍" not in variant.prompt and variant.seed >= 0 and variant.operator != "nominal"
        )


def test_markdown_has_the_findings_of_the_page(trial: Any, claims: Any, tmp_path: Path) -> None:
    (tmp_path / "attack.json").write_bytes((STUDY / "attack.json").read_bytes())
    write_report(
        tmp_path,
        "a|b <img> # c",
        trial.recipe,
        trial.manifest,
        trial.problems,
        trial.variants,
        trial.samples,
        trial.outcomes,
        trial.scores,
        trial.timings,
        trial.notes,
        claims=claims,
    )
    text = (tmp_path / "report.md").read_text()
    assert text.startswith("# a\\|b \\<img\\> # c\n")
    headings = re.findall("^## (.*)$", text, re.MULTILINE)
    assert headings == [
        "Claims",
        "Result",
        "From model to model",
        "Robustness by operator",
        "Under an adversary",
        "Differences between models",
        "Latency",
        "Material and notes",
        "Reproduce",
        "Small print",
    ]
    page = (tmp_path / "report.html").read_text()
    for view in claim_views(claims):
        assert f"| {view.claim} | {view.verdict} | {view.estimate} |" in text
        assert view.claim in page and view.estimate in page
    # Every row of a table has the width of its heading.
    for block in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["title"] == "a|b <img> # c"


def test_hostile_text_stays_a_cell() -> None:
    hostile = "a|b\n\n# head\n![x](y) [a](javascript:b) `c` **d** <script> \u202e"
    line = text_table(TextTable(["x"], [[hostile]], [""])).splitlines()[-1]
    assert line.count("|") - line.count("\\|") == 2
    assert "](" not in line.replace("\\](", "") and "<" not in line.replace("\\<", "")
    assert "⟨U+202E⟩" in escape(hostile)
    assert fenced("```\nend").startswith("````text\n")
