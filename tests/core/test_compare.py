"""Two sides compared: on what both have, with the signs right, and everything else counted."""

import gzip
import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from overproof.compare.comparison import Comparison, compare
from overproof.compare.sides import read_side, split_name
from overproof.errors import DataError, RowError, UnknownNameError, UsageError
from overproof.records import Outcome, Sample, Status, Variant, encode_row
from overproof.store import RunFolder

Write = Callable[..., Path]
STUDY = Path(__file__).parents[2] / "studies" / "perturbed-qwen-0.5b"
OPERATORS = {"nominal": 1, "keyboard_typos": 3, "camel_case": 1}


def of(a: Path | str, b: Path | str, **options: object) -> Comparison:
    return compare(read_side(str(a)), read_side(str(b)), **options)  # type: ignore[arg-type]


def skilled(share: float, salt: int = 0) -> Callable[..., Status]:
    """Return a rule by which a model solves this share of the tasks, typos a third less often."""

    def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        ease = random.Random(task).random()
        noise = random.Random(f"{salt} {operator} {task} {seed} {index}").random()
        lost = operator not in ("nominal", "null") and noise < 0.3
        return "passed" if ease < share and not lost else "wrong_answer"

    return rule


def bare(table: Path) -> str:
    """Return a table as older versions wrote it: without checksums, so that it can be edited."""
    return re.sub(',"crc32":"[0-9a-f]{8}"', "", table.read_text())


def even(model: str, operator: str, task: int, seed: int, index: int) -> Status:
    return "passed" if task % 2 == 0 else "wrong_answer"


def value(compared: Comparison, metric: str, *scope: str) -> float:
    found = compared.find(metric, scope).difference.value
    assert found is not None
    return found


def test_a_recorded_study_against_itself_is_zero_without_flips() -> None:
    compared = of(STUDY, STUDY)
    assert compared.shared.counts["tasks"] == {
        "both": 82, "only_a": 0, "only_b": 0, "compared": 82
    }  # fmt: skip
    assert len(compared.rows) > 40
    for row in compared.rows:
        assert row.difference.value == 0
        assert row.difference.low is not None
        assert row.difference.low < 0 < (row.difference.high or 0)
        assert row.difference.counts.get("broken", 0) == 0
        assert row.difference.counts.get("repaired", 0) == 0
    assert compared.find("pass@1").a.value == pytest.approx(0.476, abs=5e-4)  # type: ignore[union-attr]


def test_a_recorded_study_says_what_its_report_says() -> None:
    compared = of(STUDY, STUDY)
    published = {"change_case": 0.256, "name_misleading": 0.207, "misleading_hint": 0.037}
    for operator, share in published.items():
        side = compared.find("robust_pass@1", (operator,)).b
        assert side is not None
        assert side.value == pytest.approx(share, abs=5e-4)
    half = compared.find("robust_drop@1", ("rename_variables",)).b
    assert half is not None  # against the half-written body, not the published prompt
    assert half.value == pytest.approx(0.162, abs=5e-4)


def test_a_study_with_some_verdicts_turned_differs_by_just_those(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text((STUDY / "recipe.yaml").read_text())
    (tmp_path / "samples.jsonl.gz").write_bytes((STUDY / "samples.jsonl.gz").read_bytes())
    nominal = {
        row["key"]
        for line in gzip.decompress((STUDY / "samples.jsonl.gz").read_bytes()).splitlines()
        if (row := json.loads(line))["operator"] == "nominal"
    }
    lines, turned = [], 0
    for line in gzip.decompress((STUDY / "outcomes.jsonl.gz").read_bytes()).splitlines():
        row = json.loads(line)
        if row["sample"] in nominal and row["status"] != "passed" and turned < 7:
            row["status"] = "passed"
            turned += 1
        lines.append(json.dumps(row).encode() + b"\n")
    (tmp_path / "outcomes.jsonl").write_bytes(b"".join(lines))
    found = of(STUDY, tmp_path).find("pass@1").difference
    assert found.value == pytest.approx(7 / 82)
    assert (found.counts["broken"], found.counts["repaired"]) == (0, 7)
    assert found.low is not None
    assert found.low > 0
    assert found.p == pytest.approx(2 * 0.5**7)


def test_the_order_of_the_two_flips_the_signs(tmp_path: Path, write_run: Write) -> None:
    a = write_run(tmp_path / "a", skilled(0.4), operators=OPERATORS, tasks=range(60))
    b = write_run(tmp_path / "b", skilled(0.6, 1), operators=OPERATORS, tasks=range(60))
    there, back = of(a, b), of(b, a)
    assert value(there, "pass@1") > 0
    for row in there.rows:
        one = row.difference
        two = next(
            other.difference
            for other in back.rows
            if (other.difference.metric, other.difference.operator, other.difference.family)
            == (one.metric, one.operator, one.family)
        )
        assert one.value == pytest.approx(-(two.value or 0))
        assert one.low == pytest.approx(-(two.high or 0), abs=1e-9)
        assert one.p == two.p
        if "broken" in one.counts:
            assert one.counts["broken"] == two.counts["repaired"]


def test_only_what_both_have_counts(tmp_path: Path, write_run: Write) -> None:
    a = write_run(tmp_path / "a", even, tasks=range(30), operators=OPERATORS, samples=3)
    b = write_run(
        tmp_path / "b", even, tasks=range(10, 40), operators={"nominal": 1, "keyboard_typos": 2}
    )
    compared = of(a, b)
    counts = compared.shared.counts
    assert counts["tasks"] == {"both": 20, "only_a": 10, "only_b": 10, "compared": 20}
    assert counts["prompts"]["both"] == 20 * 3
    assert counts["samples"]["compared"] == 20 * 3
    assert counts["samples"]["only_a"] == 30 * 5 * 3 - 20 * 3
    row = compared.find("robust_pass@1", ("keyboard_typos",)).difference
    assert (row.value, row.n, row.counts["variants_per_task"]) == (0, 20, 2)
    said = " ".join(compared.shared.warnings)
    assert "tasks: 20 in both, 10 only in A, 10 only in B" in said
    assert "operators only in A: camel_case" in said
    assert "sampling.num_samples differs: 3 in A, 1 in B" in said


def test_no_shared_task_is_an_error_that_says_why(tmp_path: Path, write_run: Write) -> None:
    a = write_run(tmp_path / "a", even, tasks=range(5))
    b = write_run(tmp_path / "b", even, tasks=range(5, 9))
    with pytest.raises(UsageError, match="0 in both, 5 only in A, 4 only in B"):
        of(a, b)
    rust = write_run(tmp_path / "rust", even, tasks=range(5), suites=("multicode:rust",))
    with pytest.raises(UsageError) as caught:
        of(a, rust)
    assert "A is about humaneval, B about multicode:rust" in caught.value.hint
    other = write_run(tmp_path / "other", even, tasks=range(5))
    table = other / "samples.jsonl"
    table.write_text(bare(table).replace('"variant":"', '"variant":"x'))
    variants = other / "variants.jsonl"
    variants.write_text(bare(variants).replace('"key":"', '"key":"x'))
    with pytest.raises(UsageError) as caught:
        of(a, other)
    assert "other prompts" in caught.value.hint


def test_another_engine_is_a_warning(tmp_path: Path, write_run: Write) -> None:
    a = write_run(tmp_path / "a", even)
    b = write_run(tmp_path / "b", even, engine="xllamacpp", changes={"limits": {"cpu_seconds": 9}})
    said = of(a, b).shared.warnings
    assert any("engine differs: ctranslate2 in A, xllamacpp in B" in text for text in said)
    assert any("limits.cpu_seconds differs: 5.0 in A, 9" in text for text in said)
    assert of(a, a).shared.warnings == ["A and B are the same weights, by their SHA-256"]


def test_samples_that_cannot_be_judged_are_left_out_on_both_sides(
    tmp_path: Path, write_run: Write
) -> None:
    def broken_harness(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        return "harness_error" if task == 0 else even(model, operator, task, seed, index)

    a = write_run(tmp_path / "a", even)
    b = write_run(tmp_path / "b", broken_harness)
    compared = of(a, b)
    row = compared.find("pass@1")
    assert (row.difference.value, row.difference.n) == (0, 19)
    assert row.a is not None
    assert row.a.value == 9 / 19
    assert compared.shared.counts["samples"]["not_judged"] == 1
    assert any("1 samples could not be judged" in text for text in compared.shared.warnings)


def test_pass_at_k_where_every_task_has_k_samples(tmp_path: Path, write_run: Write) -> None:
    def often(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        return "passed" if index < task % 4 else "wrong_answer"

    a = write_run(tmp_path / "a", even, samples=10)
    b = write_run(tmp_path / "b", often, samples=10)
    compared = of(a, b)
    assert value(compared, "pass@10") == pytest.approx(0.75 - 0.5)
    with pytest.raises(UsageError) as caught:
        compared.find("pass@100")
    assert "pass@100 needs 100 samples of each prompt, and some task has 10" in caught.value.hint


def test_two_models_of_one_run_have_times(tmp_path: Path, write_run: Write) -> None:
    both = write_run(
        tmp_path / "run", even, models=("old", "new"), tpot_ms={"old": 10.0, "new": 12.0}
    )
    compared = of(f"{both}:old", f"{both}:new")
    assert compared.find("tpot_ms_ratio").difference.value == pytest.approx(1.2, abs=0.01)
    assert value(of(f"{both}:new", f"{both}:old"), "tpot_ms_ratio") == pytest.approx(
        1 / 1.2, abs=0.01
    )
    other = write_run(tmp_path / "other", even, models=("new",), tpot_ms={"new": 12.0})
    with pytest.raises(UsageError) as caught:
        of(f"{both}:old", other).find("tpot_ms_ratio")
    assert "within one run only" in caught.value.hint


def test_a_model_must_be_named_where_there_are_several(tmp_path: Path, write_run: Write) -> None:
    both = write_run(tmp_path / "run", even, models=("old", "new"))
    with pytest.raises(UsageError, match="several of them: old, new"):
        read_side(str(both))
    with pytest.raises(UnknownNameError, match="unknown model 'odl'"):
        read_side(f"{both}:odl")
    with pytest.raises(UsageError, match="as well"):
        read_side(f"{both}:old", "new")
    with pytest.raises(UsageError, match="no run folder or file"):
        read_side(str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="holds no run"):
        read_side(str(tmp_path))


def test_a_path_with_colons_and_a_served_model_are_told_apart(tmp_path: Path) -> None:
    folder = tmp_path / "run:1"
    folder.mkdir()
    assert split_name(str(folder)) == (folder, "")
    assert split_name(f"{folder}:http://host:80/v1#m") == (folder, "http://host:80/v1#m")


def test_languages_pair_by_their_source_task(tmp_path: Path, write_run: Write) -> None:
    suites = ("humaneval", "multicode:rust", "multicode:go")

    def worse_in_rust(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        return "passed" if task % 4 == 0 else "wrong_answer"

    a = write_run(tmp_path / "a", even, suites=suites, tasks=range(40))
    b = write_run(tmp_path / "b", worse_in_rust, suites=("multicode:rust",), tasks=range(40))
    full = write_run(tmp_path / "full", even, suites=suites, tasks=range(40))
    compared = of(a, full)
    assert compared.find("pass@1").difference.n == 120
    assert "40 source tasks" in compared.find("pass@1").a.method  # type: ignore[union-attr]
    assert compared.find("pass@1", ("rust",)).difference.n == 40
    with pytest.raises(UnknownNameError, match="'rsut'"):
        compared.find("pass@1", ("rsut",))
    only_rust = of(a, b)
    assert value(only_rust, "pass@1", "rust") == value(only_rust, "pass@1") == -0.25
    assert any("suites only in A: humaneval, multicode:go" in t for t in only_rust.shared.warnings)


def test_a_multicode_study_of_real_verdicts_compares_by_language(tmp_path: Path) -> None:
    rows = gzip.decompress(
        (STUDY.parent / "multicode-proof" / "outcomes.jsonl.gz").read_bytes()
    ).splitlines()
    for name, kind in (("canonical", "canonical/"), ("buggy", "buggy/")):
        with (tmp_path / f"{name}.jsonl").open("wb") as file:
            for number, line in enumerate(rows, start=1):
                row = json.loads(line)
                if row["key"].startswith(kind):
                    row |= {"key": f"{number}", "sample": f"{name}.jsonl:{number}"}
                    file.write(json.dumps(row).encode() + b"\n")
    compared = of(tmp_path / "canonical.jsonl", tmp_path / "buggy.jsonl")
    languages = {row.difference.language for row in compared.rows} - {""}
    assert len(languages) >= 2
    assert value(compared, "pass@1") < -0.5
    for language in languages:
        assert value(compared, "pass@1", language) < 0


def scored(path: Path, verdicts: dict[str, Status], name: str = "samples.jsonl") -> Path:
    """Write verdicts as `overproof score --out` does, in the order in which programs ended."""
    rows = []
    for place, status in verdicts.items():
        line, task_id = place.split()
        key = f"{name}{place}"
        rows.append(Outcome(key=key, task_id=task_id, status=status, sample=f"{name}:{line}"))
    random.Random(5).shuffle(rows)
    with path.open("ab") as file:
        file.write(b"".join(encode_row(row) + b"\n" for row in rows))
    return path


def test_files_of_verdicts_pair_samples_in_the_order_of_the_scored_file(tmp_path: Path) -> None:
    names = [f"{line} HumanEval/{(line - 1) // 2}" for line in range(1, 25)]  # two samples each
    first = scored(tmp_path / "a.jsonl", dict.fromkeys(names, "passed"))
    second = scored(
        tmp_path / "b.jsonl",
        {name: ("wrong_answer", "passed")[number % 2] for number, name in enumerate(names)},
    )
    side = read_side(str(second))
    assert [side.outcomes["HumanEval/5", index].status for index in (0, 1)] == [
        "wrong_answer",
        "passed",
    ]
    compared = of(first, second)
    assert value(compared, "pass@1") == -0.5
    assert compared.shared.fewest == 2


def test_a_run_and_a_file_of_verdicts_share_the_published_prompts(
    tmp_path: Path, write_run: Write
) -> None:
    run = write_run(tmp_path / "run", even, operators=OPERATORS, tasks=range(12))
    verdicts = scored(
        tmp_path / "v.jsonl", {f"{n} HumanEval/{n - 1}": "passed" for n in range(1, 11)}
    )
    compared = of(run, verdicts)
    assert compared.find("pass@1").difference.n == 10
    assert value(compared, "pass@1") == 0.5
    assert any("taken for the same" in text for text in compared.shared.warnings)
    with pytest.raises(UsageError) as caught:
        compared.find("robust_pass@1")
    assert "no perturbed prompts are in both" in caught.value.hint


def test_verdicts_of_several_files_need_a_name_and_older_ones_give_way(tmp_path: Path) -> None:
    path = scored(tmp_path / "v.jsonl", {"1 T/0": "wrong_answer"}, "one.jsonl")
    scored(path, {"1 T/0": "passed"}, "two.jsonl")
    with pytest.raises(UsageError, match=r"several of them: one\.jsonl, two\.jsonl"):
        read_side(str(path))
    assert read_side(f"{path}:two.jsonl").outcomes["T/0", 0].passed
    again = Outcome(key="other", task_id="T/0", status="passed", sample="one.jsonl:1")
    with path.open("ab") as file:
        file.write(encode_row(again) + b"\n")
    side = read_side(f"{path}:one.jsonl")
    assert side.outcomes["T/0", 0].passed
    assert "1 verdicts on lines that were scored again" in side.notes[0]
    bare = tmp_path / "bare.jsonl"
    bare.write_bytes(encode_row(Outcome(key="k", task_id="T/0", status="passed")) + b"\n")
    with pytest.raises(DataError, match="does not say which line"):
        read_side(str(bare))


def test_a_torn_last_line_is_read_as_the_store_does_and_stays(
    tmp_path: Path, write_run: Write
) -> None:
    run = write_run(tmp_path / "run", even, finished=False)
    table = run / "outcomes.jsonl"
    torn = table.read_bytes()[:-20]
    table.write_bytes(torn)
    side = read_side(str(run))
    assert len(side.outcomes) == 19
    assert table.read_bytes() == torn  # a run may be writing that very line
    assert any("not finished (interrupted)" in note for note in side.notes)
    compared = of(run, run)
    assert compared.shared.counts["samples"]["not_executed"] == 1
    assert compared.find("pass@1").difference.n == 19
    assert len(RunFolder(run).table("outcomes", Outcome)) == 19


def test_a_damaged_line_is_named(tmp_path: Path, write_run: Write) -> None:
    run = write_run(tmp_path / "run", even)
    lines = (run / "samples.jsonl").read_bytes().split(b"\n")
    lines[2] = b'{"key": 1}'
    (run / "samples.jsonl").write_bytes(b"\n".join(lines))
    with pytest.raises(RowError, match=r"samples\.jsonl:3"):
        read_side(str(run))
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "samples.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(DataError, match="not a whole gzip file"):
        read_side(str(tmp_path / "study"))


def test_of_two_verdicts_the_one_under_the_recipes_limits_counts(
    tmp_path: Path, write_run: Write
) -> None:
    run = write_run(tmp_path / "run", even, tasks=range(2))
    table = RunFolder(run).table("outcomes", Outcome)
    sample = table.rows()[0].sample
    stale = Outcome(key="of other limits", task_id="HumanEval/0", status="timeout", sample=sample)
    table.append([stale])
    assert (
        read_side(str(run))
        .outcomes[RunFolder(run).table("variants", Variant).rows()[0].key, 0]
        .passed
    )


def test_older_answers_to_the_same_prompt_give_way(tmp_path: Path, write_run: Write) -> None:
    run = write_run(tmp_path / "run", even, tasks=range(4))
    write_run(run, even, tasks=range(4), engine="xllamacpp")  # the same folder, made again
    side = read_side(str(run))
    assert {sample.engine for sample in side.samples.values()} == {"xllamacpp"}
    assert any("4 older answers" in note for note in side.notes)
    assert len(RunFolder(run).table("samples", Sample)) == 8


def test_operators_that_training_saw_are_kept_apart(tmp_path: Path, write_run: Write) -> None:
    operators = {"nominal": 1, "keyboard_typos": 1, "camel_case": 1}

    def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        if operator == "camel_case":
            return "wrong_answer" if task == 0 else "passed"
        return even(model, operator, task, seed, index)

    changes = {"distill": {"robust_operators": ["keyboard_typos"], "robust_weight": 0.3}}
    run = write_run(tmp_path / "run", rule, operators=operators, changes=changes)
    (run / "lessons.jsonl").write_text("")
    compared = of(run, run)
    unseen = compared.find("robust_pass@1")
    assert (unseen.difference.operator, unseen.b.value) == ("unseen", 0.95)  # type: ignore[union-attr]
    assert compared.find("robust_pass@1", ("seen",)).b.value == 0.5  # type: ignore[union-attr]
    assert compared.find("robust_pass@1", ("text",)).difference.operator == "seen"
