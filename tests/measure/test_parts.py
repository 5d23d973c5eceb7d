"""Rows per suite and language are what each would give alone; pooled rows say what they pool."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overproof.measure.scores import measure
from overproof.records import (
    Certificate,
    Family,
    Outcome,
    Problem,
    Sample,
    Score,
    Source,
    Status,
    Variant,
    content_key,
)

CERTIFICATE = Certificate(
    parses=True,
    differs=True,
    gold_passes=True,
    examples_intact=True,
    entry_point_intact=True,
    edit_distance=3,
    naturalness=0.97,
)
OPERATORS: dict[str, tuple[Family, int]] = {
    "nominal": ("nominal", 1),
    "null": ("null", 2),
    "typos": ("text", 2),
    "camel": ("names", 1),
}
MODELS = ("undistilled", "one", "two")
Rows = tuple[list[Problem], list[Variant], list[Sample], list[Outcome]]


def make_rows(
    languages: dict[str, int],
    seed: int = 0,
    chance: float = 0.6,
    missing: str = "",
    plain: bool = False,
) -> Rows:
    """Return a run on so many tasks per language; `plain` adds a suite of the Python problems."""
    generator = random.Random(seed)
    problems = []
    for language, count in languages.items():
        for task in range(count):
            source = Source(
                task_id=f"T/{task}",
                prompt="",
                entry_point="f",
                canonical_solution="",
                excluded=(0, 3) if task == 1 else (),
            )
            problems.append(
                Problem(
                    task_id=f"{language}/{task}",
                    prompt="",
                    entry_point="f",
                    canonical_solution="",
                    test="",
                    suite=f"m:{language}",
                    language=language,
                    source=source,
                )
            )
    if plain:
        problems += [
            replace(problem, task_id=f"T/{task}", suite="plain", language="python", source=None)
            for task, problem in enumerate(problems[: next(iter(languages.values()))])
        ]
    rows: Rows = (problems, [], [], [])
    for problem in problems:
        for operator, (family, seeds) in OPERATORS.items():
            for number in range(seeds):
                add(rows, problem, operator, family, number, generator, chance, missing)
    return rows


def add(
    rows: Rows,
    problem: Problem,
    operator: str,
    family: Family,
    seed: int,
    generator: random.Random,
    chance: float,
    missing: str,
) -> None:
    _, variants, samples, outcomes = rows
    variant = Variant(
        key=content_key(problem.task_id, operator, seed),
        task_id=problem.task_id,
        suite=problem.suite,
        operator=operator,
        family=family,
        seed=seed,
        prompt="",
        entry_point="f",
        language=problem.language,
        certificate=None if operator == "nominal" else CERTIFICATE,
    )
    variants.append(variant)
    for model in MODELS:
        key = content_key(variant.key, model)
        status: Status = "passed" if generator.random() < chance else "wrong_answer"
        if problem.language == missing:
            status = "missing_tool"
        elif generator.random() < 0.03:
            status = "harness_error"
        samples.append(
            Sample(
                key=key,
                task_id=problem.task_id,
                variant=variant.key,
                operator=operator,
                seed=seed,
                model=model,
                sample_index=0,
                completion="",
                solution="",
                engine="e",
                precision="p",
                finish_reason="stop",
                prompt_tokens=1,
                completion_tokens=1,
                seconds=0.0,
            )
        )
        outcomes.append(Outcome(key=key, task_id=problem.task_id, status=status))


def scored(rows: Rows) -> list[Score]:
    return measure(*rows, models=MODELS)


def place(row: Score) -> tuple[str, ...]:
    return (row.model, row.metric, row.operator, row.family, row.against)


def by_place(
    scores: list[Score], suite: str = "", language: str = ""
) -> dict[tuple[str, ...], Score]:
    return {place(row): row for row in scores if (row.suite, row.language) == (suite, language)}


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 0.95))
def test_a_part_is_what_it_would_be_alone_and_the_pool_is_their_weighted_mean(
    seed: int, chance: float
) -> None:
    rows = make_rows({"go": 7, "rust": 9, "python": 8}, seed, chance)
    together = scored(rows)
    pooled = by_place(together)
    parts = {name: by_place(together, f"m:{name}", name) for name in ("go", "rust", "python")}
    for name, part in parts.items():
        own = [problem for problem in rows[0] if problem.language == name]
        ids = {problem.task_id for problem in own}
        alone = by_place(
            measure(
                own,
                *([row for row in kind if row.task_id in ids] for kind in rows[1:]),  # type: ignore[attr-defined]
                models=MODELS,
            )
        )
        for where, row in part.items():
            same = alone[where]
            numbers = (row.value, row.low, row.high, row.n, row.p)
            assert numbers == (same.value, same.low, same.high, same.n, same.p), where
            assert {k: v for k, v in row.counts.items() if k in same.counts} == same.counts
    for where, row in pooled.items():
        found = [part[where] for part in parts.values() if where in part]
        means = row.metric.startswith(("pass", "robust_pass", "robust_relative"))
        if means and found and row.value is not None:
            weighted = sum(part.n * (part.value or 0.0) for part in found)
            assert row.n == sum(part.n for part in found)
            assert row.value == pytest.approx(weighted / row.n)


def test_single_models_have_every_row_per_part_and_pairs_the_headline_ones() -> None:
    together = scored(make_rows({"go": 6, "rust": 6}))
    pooled, go = by_place(together), by_place(together, "m:go", "go")
    assert {key for key in pooled if not key[4]} == {key for key in go if not key[4]}
    assert {(key[2], key[3]) for key in go if key[4]} == {
        ("nominal", "nominal"),
        ("all", "all"),
        ("any", "all"),
    }
    assert len({row.key for row in together}) == len(together)


def test_a_language_without_its_tool_has_no_value_and_is_in_no_figure() -> None:
    together = scored(make_rows({"go": 6, "rust": 6}, chance=1.0, missing="rust"))
    rust = by_place(together, "m:rust", "rust")["one", "pass@1", "nominal", "nominal", ""]
    assert (rust.value, rust.n) == (None, 0)
    assert rust.counts["missing_tool"] == rust.counts["tasks_without_score"] == 6
    pooled = by_place(together)["one", "pass@1", "nominal", "nominal", ""]
    assert pooled.value == 1.0 and pooled.n <= 6
    assert pooled.counts["problems"] == 12
    assert "pooled" not in pooled.method  # it is Go alone


def test_what_a_language_lacks_is_counted() -> None:
    together = scored(make_rows({"python": 8, "bash": 6}))
    where = ("one", "pass@1", "nominal", "nominal", "")
    bash = by_place(together, "m:bash", "bash")[where].counts
    assert (bash["problems"], bash["absent"], bash["calls_left_out"]) == (6, 2, 2)
    pooled = by_place(together)[where]
    assert (pooled.counts["problems"], pooled.counts["source_tasks"]) == (14, 8)
    assert "absent" not in pooled.counts
    python, bash_n = (by_place(together, f"m:{n}", n)[where].n for n in ("python", "bash"))
    assert f"pooled: m:python {python}, m:bash {bash_n}" in pooled.method
    assert "pooled over 2 suites" in by_place(together)["one", "pass@1", "typos", "text", ""].method


def test_a_language_of_two_suites_has_a_row_of_its_own() -> None:
    together = scored(make_rows({"python": 5, "go": 5}, plain=True))
    found = list(dict.fromkeys((row.suite, row.language) for row in together))
    assert found == [
        ("", ""),
        ("", "python"),
        ("m:python", "python"),
        ("plain", "python"),
        ("m:go", "go"),
    ]
    where = ("one", "pass@1", "nominal", "nominal", "")
    sizes = [by_place(together, *part)[where].counts["problems"] for part in found]
    assert sizes == [15, 10, 5, 5, 5]
    # T/0 and python/0 are one source task: clustered also within the language.
    assert "between 5 source tasks" in by_place(together, "", "python")[where].method


def test_one_python_suite_has_no_parts_and_one_other_suite_one() -> None:
    python = scored(make_rows({"python": 5}))
    assert {(row.suite, row.language) for row in python} == {("", "")}
    assert not {"problems", "source_tasks"} & set(python[0].counts)
    rust = scored(make_rows({"rust": 5}))
    assert {(row.suite, row.language) for row in rust} == {("", ""), ("m:rust", "rust")}


def test_problems_and_their_ids_give_the_same_keys_where_no_task_is_there_twice() -> None:
    problems, *rest = make_rows({"python": 6})
    by_problem = measure(problems, *rest, models=MODELS)
    by_id = measure([problem.task_id for problem in problems], *rest, models=MODELS)
    assert by_problem == by_id
    problems, *rest = make_rows({"python": 6, "go": 6})
    keys = {row.key for row in measure(problems, *rest, models=MODELS)}
    ids = [problem.task_id for problem in problems]
    assert not keys & {row.key for row in measure(ids, *rest, models=MODELS)}


def test_tasks_in_many_languages_are_as_uncertain_as_in_one() -> None:
    def width(rows: list[Score]) -> float:
        row = by_place(rows)["one", "pass@1", "nominal", "nominal", ""]
        assert row.low is not None and row.high is not None
        return row.high - row.low

    def follow(rows: Rows) -> Rows:
        """Let a task pass in every language, or in none."""
        problems, variants, samples, outcomes = rows
        ease = {sample.key: int(sample.task_id.rpartition("/")[2]) % 2 for sample in samples}
        passes: list[Status] = ["wrong_answer", "passed"]
        outcomes = [replace(row, status=passes[ease[row.key]]) for row in outcomes]
        return problems, variants, samples, outcomes

    alone = scored(follow(make_rows({"python": 30})))
    many = scored(follow(make_rows(dict.fromkeys(("python", "go", "rust", "lua"), 30))))
    assert width(many) == pytest.approx(width(alone), rel=0.08)
