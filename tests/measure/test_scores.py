"""From rows to scores: what is counted, what is left out, and what is compared with what."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from overproof.errors import DataError, UsageError
from overproof.measure.claims import default_pairs
from overproof.measure.scores import measure
from overproof.measure.speed import ratio_pairs
from overproof.records import (
    Certificate,
    Family,
    Outcome,
    Sample,
    Score,
    Status,
    Timing,
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
FAMILIES: dict[str, Family] = {
    "nominal": "nominal",
    "null": "null",
    "typos": "text",
    "swaps": "text",
    "camel": "names",
    "half_body": "code",
    "dead_code": "code",
    "half_layout": "layout",
    "layout": "layout",
}
BEGUN = {"half_body", "dead_code", "half_layout"}
Rule = Callable[[str, str, int, int, int], Status]
"""(model, operator, task, seed, sample_index) to status."""


@dataclass
class Run:
    """The rows of a small run, made by a rule."""

    tasks: list[str] = field(default_factory=list)
    variants: list[Variant] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    def scores(self, **options: object) -> list[Score]:
        return measure(self.tasks, self.variants, self.samples, self.outcomes, **options)  # type: ignore[arg-type]


def make_run(
    rule: Rule,
    seeds: dict[str, int],
    models: tuple[str, ...] = ("one",),
    tasks: int = 4,
    samples: int = 1,
    languages: tuple[str, ...] = ("python",),
) -> Run:
    run = Run(tasks=[f"T/{task}" for task in range(tasks)])
    for task in range(tasks):
        for language in languages:
            for operator, count in seeds.items():
                for seed in range(count):
                    key = content_key(task, language, operator, seed)
                    run.variants.append(
                        Variant(
                            key=key,
                            task_id=f"T/{task}",
                            suite="s",
                            operator=operator,
                            family=FAMILIES[operator],
                            seed=seed,
                            prompt="def f():",
                            entry_point="f",
                            language=language,
                            partial="    x = 1\n" if operator in BEGUN else "",
                            certificate=None if operator == "nominal" else CERTIFICATE,
                        )
                    )
                    for model in models:
                        for index in range(samples):
                            status = rule(model, operator, task, seed, index)
                            add_sample(run, run.variants[-1], model, index, status)
    return run


def add_sample(run: Run, variant: Variant, model: str, index: int, status: Status) -> None:
    key = content_key(variant.key, model, index)
    run.samples.append(
        Sample(
            key=key,
            task_id=variant.task_id,
            variant=variant.key,
            operator=variant.operator,
            seed=variant.seed,
            model=model,
            sample_index=index,
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
    run.outcomes.append(Outcome(key=key, task_id=variant.task_id, status=status))


def find(
    scores: list[Score],
    metric: str,
    operator: str,
    model: str = "one",
    against: str = "",
    family: str | None = None,
    part: tuple[str, str] = ("", ""),
) -> Score:
    wanted = (model, metric, operator, against, *part)
    rows = [
        s
        for s in scores
        if (s.model, s.metric, s.operator, s.against, s.suite, s.language) == wanted
        and family in (None, s.family)
    ]
    assert len(rows) == 1, f"{len(rows)} rows for {wanted}"
    return rows[0]


def test_nominal_mean_robust_drop_and_relative_by_hand() -> None:
    # Tasks 0, 1, 2 pass nominally; under typos 0 holds, 1 breaks on one seed, 2 on both, and
    # task 3, failing nominally, is repaired on one.
    typos = {0: (1, 1), 1: (1, 0), 2: (0, 0), 3: (0, 1)}

    def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        good = typos[task][seed] if operator == "typos" else task < 3
        return "passed" if good else "wrong_answer"

    scores = make_run(rule, {"nominal": 1, "typos": 2}).scores()
    assert find(scores, "pass@1", "nominal").value == 0.75
    assert find(scores, "pass@1", "typos").value == 0.5
    assert find(scores, "robust_pass@1", "typos").value == 0.25
    assert find(scores, "robust_drop@1", "typos").value == pytest.approx(2 / 3)
    relative = find(scores, "robust_relative@1", "typos")
    assert relative.value == 0.75
    assert (relative.counts["broken"], relative.counts["repaired"]) == (2, 1)
    assert "s = 2" in relative.method


@pytest.mark.parametrize("status", ["harness_error", "missing_tool"])
def test_our_own_failures_are_taken_out_and_counted(status: Status) -> None:
    def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        return status if task == 0 else "passed"

    scores = make_run(rule, {"nominal": 1, "typos": 2}).scores()
    for operator in ("nominal", "typos"):
        row = find(scores, "pass@1", operator)
        assert (row.value, row.n) == (1.0, 3)
        assert row.counts["tasks_without_score"] == 1
        assert row.counts[status] > 0


def test_a_harness_failure_on_one_variant_takes_the_task_out_of_that_operator_only() -> None:
    def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        failed = operator == "typos" and task == 0 and seed == 1
        return "harness_error" if failed else "passed"

    scores = make_run(rule, {"nominal": 1, "typos": 2, "swaps": 2}).scores()
    assert find(scores, "robust_pass@1", "typos").n == 3
    assert find(scores, "robust_pass@1", "swaps").n == 4
    assert find(scores, "pass@1", "nominal").n == 4


def test_a_sample_that_was_not_executed_is_not_wrong() -> None:
    run = make_run(lambda *_: "passed", {"nominal": 1})
    del run.outcomes[0]
    row = find(run.scores(), "pass@1", "nominal")
    assert (row.value, row.n, row.counts["tasks_without_score"]) == (1.0, 3, 1)


def test_s_is_the_same_for_every_random_operator_and_takes_the_first_seeds() -> None:
    def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        return "passed" if seed < 2 else "wrong_answer"

    seeds = {"nominal": 1, "null": 3, "typos": 5, "swaps": 2, "camel": 1}
    scores = make_run(rule, seeds).scores()
    for operator, s in [("null", 2), ("typos", 2), ("swaps", 2), ("camel", 1)]:
        row = find(scores, "robust_pass@1", operator)
        assert row.value == 1.0, "a seed beyond s was used"
        assert f"s = {s};" in row.method


def test_tasks_with_too_few_variants_are_left_out_and_counted() -> None:
    run = make_run(lambda *_: "passed", {"nominal": 1, "typos": 3})
    run.variants = [v for v in run.variants if not (v.task_id == "T/0" and v.seed == 2)]
    kept = {variant.key for variant in run.variants}
    run.samples = [sample for sample in run.samples if sample.variant in kept]
    row = find(run.scores(), "robust_pass@1", "typos")
    assert (row.n, row.counts["too_few_variants"]) == (3, 1)


def test_variants_without_a_valid_certificate_are_never_scored() -> None:
    run = make_run(lambda *_: "wrong_answer", {"nominal": 1, "typos": 1, "camel": 1})
    broken = replace(CERTIFICATE, gold_passes=False)
    run.variants = [
        replace(v, certificate=broken if v.operator == "typos" else None)
        if v.operator != "nominal"
        else v
        for v in run.variants
    ]
    for operator in ("typos", "camel"):
        row = find(run.scores(), "pass@1", operator)
        assert (row.value, row.n, row.counts["uncertified"]) == (None, 0, 4)


def test_a_family_has_the_budget_of_one_operator_and_all_is_the_worst_of_everything() -> None:
    # Each of the two operators breaks every task on one of its two seeds.
    def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        bad = operator in ("typos", "swaps") and seed == 0
        return "wrong_answer" if bad else "passed"

    seeds = {"nominal": 1, "null": 2, "typos": 2, "swaps": 2, "camel": 1}
    scores = make_run(rule, seeds).scores()
    family = find(scores, "robust_pass@1", "all", family="text")
    assert family.value == pytest.approx(1 / 6)  # 2 of 4 variants pass: C(2,2) / C(4,2)
    assert find(scores, "robust_pass@1", "all", family="all").value == 0
    assert find(scores, "robust_pass@1", "null").value == 1
    everything = find(scores, "robust_pass@1", "all", family="all")
    assert everything.counts["variants_per_task"] == 5  # the null prompts are not among them


def test_any_gives_all_families_together_the_budget_of_one_operator() -> None:
    def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        return "wrong_answer" if (operator, seed) == ("typos", 0) else "passed"

    scores = make_run(rule, {"nominal": 1, "typos": 2, "swaps": 2, "camel": 1}).scores()
    anything = find(scores, "robust_pass@1", "any", family="all")
    assert anything.value == pytest.approx(
        6 / 10
    )  # of C(5, 2) pairs, C(4, 2) leave the bad one out
    assert "s = 2, drawn from all variants" in anything.method


def test_operators_that_training_saw_are_never_mixed_with_others() -> None:
    def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        return "wrong_answer" if operator == "swaps" else "passed"

    seeds = {"nominal": 1, "null": 2, "typos": 2, "swaps": 2, "camel": 1}
    scores = make_run(rule, seeds).scores(seen=["typos"])
    aggregates = {(s.operator, s.family) for s in scores if s.operator in ("all", "any", "seen")}
    assert aggregates == {("seen", "text"), ("seen", "all")}
    assert find(scores, "robust_pass@1", "seen", family="text").value == 1
    assert find(scores, "robust_pass@1", "unseen", family="text").value == 0
    assert find(scores, "robust_pass@1", "unseen", family="names").value == 1
    assert find(scores, "robust_pass@1", "unseen", family="all").value == 0


def test_what_any_arm_has_seen_is_seen_for_all_and_only_mixed_holds_both() -> None:
    def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        lost = {"typos": task == 0, "swaps": task == 1, "camel": task == 2}
        return "wrong_answer" if lost.get(operator, False) else "passed"

    run = make_run(rule, {"nominal": 1, "typos": 2, "swaps": 2, "camel": 1})
    scores = run.scores(seen={"plain": [], "first": ["typos"], "second": ["swaps"]})
    assert scores == run.scores(seen=["swaps", "typos"])
    values = {
        name: find(scores, "robust_pass@1", name, family="all").value
        for name in ("seen", "unseen", "mixed")
    }
    assert values == {"seen": 0.5, "unseen": 0.75, "mixed": 0.25}
    everything = find(run.scores(), "robust_pass@1", "all", family="all")
    assert everything.value == values["mixed"]
    all_seen = run.scores(seen=["typos", "swaps", "camel"])
    assert not [row for row in all_seen if row.operator in ("mixed", "unseen")]


def test_an_unknown_reference_is_refused() -> None:
    run = make_run(lambda *_: "passed", {"nominal": 1}, models=("undistilled", "a", "b"))
    with pytest.raises(UsageError, match="'ghost'"):
        run.scores(reference="ghost")
    scores = run.scores(reference="a")
    assert find(scores, "pass@1", "nominal", "b", "a").value == 0


def test_differences_carry_their_p_and_several_samples_flip_whole_tasks() -> None:
    def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        good = task < 6 if model == "a" else task < 2 or (task < 6 and index == 0)
        return "passed" if good else "wrong_answer"

    one = make_run(rule, {"nominal": 1, "typos": 2}, models=("b", "a"), tasks=8).scores()
    assert find(one, "pass@1", "nominal", "a", "b").p == 1.0
    several = make_run(
        rule, {"nominal": 1, "typos": 2}, models=("b", "a"), tasks=8, samples=3
    ).scores()
    row = find(several, "pass@1", "nominal", "a", "b")
    assert row.p == row.p_adjusted == pytest.approx(2 / 2**4)
    assert "sign flips of whole tasks, p = 0.125" in row.method
    assert find(several, "pass@1", "typos", "a", "b").p is None
    assert find(several, "robust_pass@1", "all", "a", "b", family="all").p == pytest.approx(0.125)


def test_the_drop_beyond_noise_leaves_out_what_repeats_lose() -> None:
    # Repeats of the same prompt lose one task of four, typos two.
    def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        lost = {"null": task < 1 and seed == 1, "typos": task < 2 and seed == 0}
        return "wrong_answer" if lost.get(operator, False) else "passed"

    scores = make_run(rule, {"nominal": 1, "null": 2, "typos": 2, "camel": 1}).scores()
    assert find(scores, "robust_drop@1", "typos").value == pytest.approx(0.5)
    beyond = find(scores, "robust_drop_corrected@1", "typos")
    assert beyond.value == pytest.approx(1 - (2 / 4) / (3 / 4))
    assert beyond.low is not None and beyond.low <= beyond.value <= (beyond.high or 0)
    # One variant is set against one repeat: half of the lost task.
    camel = find(scores, "robust_drop_corrected@1", "camel")
    assert camel.value == pytest.approx(1 - 1 / ((3 + 0.5) / 4))
    assert not [s for s in scores if "corrected" in s.metric and s.operator in ("null", "nominal")]
    without = make_run(rule, {"nominal": 1, "typos": 2}).scores()
    assert not [s for s in without if "corrected" in s.metric]


def test_code_operators_are_compared_with_the_half_written_prompt() -> None:
    # The half body makes three tasks easy that fail nominally; dead code breaks one of them.
    def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        good = {"nominal": task < 1, "half_body": True, "dead_code": task < 3}[operator]
        return "passed" if good else "wrong_answer"

    with_control = make_run(rule, {"nominal": 1, "half_body": 1, "dead_code": 1}).scores()
    assert find(with_control, "robust_drop@1", "dead_code").value == pytest.approx(0.25)
    assert "half_body" in find(with_control, "robust_drop@1", "dead_code").method
    assert not [s for s in with_control if s.operator == "half_body" and "robust" in s.metric]
    without = make_run(rule, {"nominal": 1, "dead_code": 1}).scores()
    assert find(without, "robust_drop@1", "dead_code").value == pytest.approx(-2)


def test_what_begins_the_body_has_its_own_nominal_whatever_its_family() -> None:
    # Half a body makes all tasks easy; layout alone loses one of the two that pass nominally.
    def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        good = {"nominal": task < 2, "half_body": True, "half_layout": task < 3, "layout": task < 1}
        return "passed" if good[operator] else "wrong_answer"

    scores = make_run(rule, dict.fromkeys(("nominal", "half_body", "half_layout", "layout"), 1))
    found = scores.scores()
    assert find(found, "robust_drop@1", "half_layout").value == pytest.approx(0.25)
    assert find(found, "robust_drop@1", "layout").value == pytest.approx(0.5)
    assert find(found, "robust_drop@1", "all", family="layout").value == pytest.approx(0.5)
    begun = find(found, "robust_drop@1", "all", family="half-written layout")
    assert begun.value == pytest.approx(0.25)
    assert "half_body" in begun.method


def test_pass_at_k_needs_k_samples() -> None:
    def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        return "passed" if index == 0 else "error"

    scores = make_run(rule, {"nominal": 1, "typos": 2}, samples=4).scores(ks=(1, 2, 8))
    assert find(scores, "pass@1", "nominal").value == 0.25
    assert find(scores, "pass@2", "nominal").value == 0.5
    assert find(scores, "robust_pass@2", "typos").value == 0.5
    assert not [score for score in scores if score.metric.endswith("@8")]


def test_differences_are_paired_and_count_flips() -> None:
    def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        solved = {"undistilled": {0, 1, 2}, "distilled": {1, 2, 3, 4, 5}, "teacher": set(range(9))}
        return "passed" if task in solved[model] else "wrong_answer"

    models = ("distilled", "teacher", "undistilled")
    scores = make_run(rule, {"nominal": 1}, models=models, tasks=10).scores(models=models)
    gain = find(scores, "pass@1", "nominal", "distilled", "undistilled")
    assert gain.value == pytest.approx(0.2)
    assert (gain.counts["broken"], gain.counts["repaired"]) == (1, 3)
    assert "McNemar p = 0.625" in gain.method
    assert find(scores, "pass@1", "nominal", "teacher", "distilled").value == pytest.approx(0.4)


def test_a_pair_is_compared_on_the_tasks_that_both_have() -> None:
    def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        if model == "a" and task == 0:
            return "harness_error"
        return "passed" if model == "a" or task > 0 else "wrong_answer"

    scores = make_run(rule, {"nominal": 1}, models=("b", "a")).scores()
    row = find(scores, "pass@1", "nominal", "a", "b")
    assert (row.value, row.n) == (0.0, 3)


def test_languages_of_one_task_are_one_cluster() -> None:
    def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        return "passed" if task % 2 else "wrong_answer"

    alone = make_run(rule, {"nominal": 1}, tasks=20).scores()
    five = make_run(rule, {"nominal": 1}, tasks=20, languages=tuple("abcde")).scores()
    one, many = find(alone, "pass@1", "nominal"), find(five, "pass@1", "nominal")
    assert (one.n, many.n) == (20, 100)
    assert one.high is not None and one.low is not None
    assert many.high is not None and many.low is not None
    assert (many.high - many.low) == pytest.approx(one.high - one.low, rel=0.15)


def test_the_order_of_the_rows_changes_nothing_but_a_verdict_changes_the_keys() -> None:
    def rule(model: str, operator: str, task: int, seed: int, index: int) -> Status:
        return "passed" if (task * 7 + seed * 3 + len(operator)) % 3 else "wrong_answer"

    run = make_run(rule, {"nominal": 1, "typos": 2, "camel": 1}, models=("a", "b"), tasks=9)
    before = run.scores(models=("a", "b"))
    random.Random(1).shuffle(run.samples)
    random.Random(2).shuffle(run.outcomes)
    assert run.scores(models=("a", "b")) == before
    assert len({score.key for score in before}) == len(before)
    flipped: Status = "wrong_answer" if run.outcomes[0].status == "passed" else "passed"
    run.outcomes[0] = replace(run.outcomes[0], status=flipped)
    after = run.scores(models=("a", "b"))
    assert not {score.key for score in before} & {score.key for score in after}


def test_a_sample_of_an_unknown_variant_is_an_error_not_a_skip() -> None:
    run = make_run(lambda *_: "passed", {"nominal": 1})
    run.variants.pop()
    with pytest.raises(DataError, match="not among"):
        run.scores()


def test_bad_options_are_refused() -> None:
    run = make_run(lambda *_: "passed", {"nominal": 1})
    with pytest.raises(UsageError, match="k = 0"):
        run.scores(ks=(0,))
    with pytest.raises(UsageError, match="'ghost'"):
        run.scores(pairs=[("one", "ghost")])


def test_pairs_by_name_and_by_order() -> None:
    assert default_pairs(["undistilled", "a", "b", "teacher"]) == [
        ("a", "undistilled"),
        ("b", "undistilled"),
        ("teacher", "a"),
        ("teacher", "b"),
        ("b", "a"),
    ]
    assert default_pairs(["undistilled", "a", "b", "c"], reference="b")[3:] == [
        ("a", "b"),
        ("c", "b"),
    ]
    assert default_pairs(["undistilled", "a", "b"], "undistilled") == [
        ("a", "undistilled"),
        ("b", "undistilled"),
    ]
    assert default_pairs(["x", "y", "z"]) == [("y", "x"), ("z", "x")]
    assert default_pairs(["x", "y", "z"], reference="y") == [("x", "y"), ("z", "y")]
    assert default_pairs(["only"]) == []
    assert ratio_pairs(["distilled", "undistilled", "teacher"]) == [
        ("distilled", "teacher"),
        ("undistilled", "teacher"),
        ("distilled", "undistilled"),
    ]


def make_timings(prompts: int, factors: dict[str, float], cpu: float = 1.0) -> list[Timing]:
    rows = []
    for model, factor in factors.items():
        for prompt in range(prompts):
            tokens = 11 + prompt
            for warmup in (True, False):
                scale = 50.0 if warmup else factor
                rows.append(
                    Timing(
                        key=content_key(model, prompt, warmup),
                        task_id=f"T/{prompt}",
                        model=model,
                        position=0,
                        warmup=warmup,
                        ttft_ms=20 * scale,
                        e2e_ms=scale * (20 + 10 * (tokens - 1)),
                        completion_tokens=tokens,
                        cpu_seconds=cpu * scale * tokens / 100,
                    )
                )
    return rows


def test_latency_levels_and_paired_ratios_without_warm_up() -> None:
    timings = make_timings(30, {"teacher": 3.0, "undistilled": 1.0, "distilled": 1.5})
    scores = measure([], [], [], [], timings)
    assert find(scores, "tpot_ms", "nominal", "teacher").value == pytest.approx(30)
    assert find(scores, "ttft_ms", "nominal", "distilled").value == pytest.approx(30)
    assert find(scores, "cpu_ms_per_token", "nominal", "undistilled").value == pytest.approx(10)
    assert find(scores, "tpot_ms_ratio", "nominal", "distilled", "teacher").value == pytest.approx(
        0.5
    )
    ratio = find(scores, "e2e_ms_ratio", "nominal", "distilled", "undistilled")
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((1.5, 1.5, 1.5))
    rate = find(scores, "tokens_per_s", "nominal", "undistilled")
    assert rate.value == pytest.approx(1000 * 25.5 / (20 + 10 * 24.5), rel=0.01)


def test_p90_needs_29_prompts_and_cpu_needs_a_clock() -> None:
    few = {s.metric for s in measure([], [], [], [], make_timings(28, {"m": 1.0}, cpu=0))}
    many = {s.metric for s in measure([], [], [], [], make_timings(29, {"m": 1.0}))}
    assert "tpot_ms_p90" not in few and "tpot_ms_p90" in many
    assert "cpu_s" not in few and "cpu_s" in many
    assert "tpot_ms" in few


def test_a_single_token_has_no_time_per_token() -> None:
    row = make_timings(1, {"m": 1.0})[1]
    scores = measure([], [], [], [], [replace(row, completion_tokens=1)])
    assert "tpot_ms" not in {score.metric for score in scores}
    assert find(scores, "ttft_ms", "nominal", "m").low is None
