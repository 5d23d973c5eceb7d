"""Claims say what the rows say: verified, refuted or not shown, by interval, margin and p."""

from dataclasses import replace

import numpy as np
import pytest

from overproof.measure.ledger import ledger
from overproof.measure.simulated import World, claim_scores, report_scores, verdicts
from overproof.records import Claim, Score, decode_row, encode_row

MODELS = [{"name": name} for name in ("teacher", "undistilled", "distilled")]
MANIFEST = {"models": MODELS, "command": "overproof run demo"}
ROBUST = {"metric": "robust_pass@1", "operator": "all", "family": "all"}


def row(low: float, high: float, **fields: object) -> Score:
    """Return a difference of the distilled student over the undistilled one."""
    place = {"metric": "pass@1", "operator": "nominal", "family": "nominal"}
    given = {"model": "distilled", "against": "undistilled", "n": 164, **place, **fields}
    key = "-".join(str(given[name]) for name in ("model", "metric", "against"))
    return Score(key=key, value=(low + high) / 2, low=low, high=high, **given)  # type: ignore[arg-type]


def judged(*rows: Score, kind: str) -> Claim:
    (found,) = [claim for claim in ledger(rows, MANIFEST, {}) if claim.kind == kind]
    return found


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.01, 0.15, "verified"),
        (0.001, 0.012, "verified"),
        (-0.05, 0.01, "refuted"),
        (-0.2, -0.1, "refuted"),
        (-0.05, 0.05, "not shown"),
        (-0.01, 0.021, "not shown"),
    ],
)
def test_a_gain_is_verified_above_zero_and_refuted_below_the_margin(
    low: float, high: float, verdict: str
) -> None:
    claim = judged(row(low, high, **ROBUST), kind="robust_gain")
    assert claim.verdict == verdict
    assert (claim.low, claim.high) == (pytest.approx(100 * low), pytest.approx(100 * high))
    assert (claim.unit, claim.margin, claim.command) == ("points", 2.0, "overproof run demo")
    assert (claim.model, claim.against) == ("distilled", "undistilled")


def test_an_exact_test_that_disagrees_takes_the_claim_back() -> None:
    sure = row(0.01, 0.15, p=0.03, **ROBUST)
    assert judged(sure, kind="robust_gain").verdict == "verified"
    doubted = judged(replace(sure, p=0.06), kind="robust_gain")
    assert (doubted.verdict, doubted.p_adjusted) == ("not shown", 0.06)
    old = replace(sure, p=None, method="Newcombe; exact McNemar p = 0.0625; s = 1")
    assert judged(old, kind="robust_gain").p_adjusted == 0.0625


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(-0.015, 0.05, "verified"), (-0.06, -0.03, "refuted"), (-0.05, 0.05, "not shown")],
)
def test_kept_is_judged_by_the_margin_and_says_how_many_tasks_it_would_take(
    low: float, high: float, verdict: str
) -> None:
    claim = judged(row(low, high), kind="kept")
    assert claim.verdict == verdict
    needed = [text for text in claim.limitations if "tasks with this spread" in text]
    assert bool(needed) == (verdict == "not shown")
    if needed:
        assert "1,025 tasks" in needed[0]  # 164 * (5 points / 2 points) ** 2


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    # Rows are teacher less arm; the claim is about arm less teacher.
    [(0.02, 0.2, "verified"), (-0.2, -0.02, "refuted"), (-0.1, 0.1, "not shown")],
)
def test_the_drop_is_compared_with_the_teachers_own(low: float, high: float, verdict: str) -> None:
    drop = {"metric": "robust_drop@1", "operator": "unseen", "family": "all"}
    rows = [row(0, 0.1), row(low, high, model="teacher", against="distilled", **drop)]
    claim = judged(*rows, kind="drop_inherited")
    assert claim.verdict == verdict
    assert (claim.low, claim.high) == (pytest.approx(-100 * high), pytest.approx(-100 * low))
    assert (claim.model, claim.against) == ("distilled", "teacher")
    assert "unseen" in claim.claim and "no larger" in claim.claim


def test_times_are_judged_as_ratios() -> None:
    speed = {"metric": "tpot_ms_ratio", "model": "distilled"}
    rows = [
        row(0.2, 0.3, against="teacher", **speed),
        row(0.97, 1.03, **speed),
        replace(row(0.9, 1.4, **speed), model="undistilled", against="teacher"),
    ]
    found = {(c.kind, c.model): c for c in ledger(rows, MANIFEST, {})}
    assert found["speed", "distilled"].verdict == "verified"
    assert found["speed_kept", "distilled"].verdict == "verified"
    assert found["speed", "undistilled"].verdict == "not shown"
    assert found["speed", "distilled"].unit == "ratio"


@pytest.mark.parametrize(("prompts", "verdict"), [(2, "not shown"), (8, "verified")])
def test_two_prompts_verify_no_time_however_narrow_their_bootstrap(
    prompts: int, verdict: str
) -> None:
    fast = row(0.30, 0.33, metric="tpot_ms_ratio", against="teacher", n=prompts)
    claim = judged(fast, kind="speed")
    assert claim.verdict == verdict
    assert claim.p_adjusted == 2.0 ** (1 - prompts)


def test_holm_is_taken_over_the_main_answers_and_over_the_rest() -> None:
    arms = ["a", "b"]
    models = {"models": [{"name": n} for n in ("undistilled", *arms)], "command": ""}
    rows = [row(0.01, 0.1, model=arm, p=0.02, **ROBUST) for arm in arms]
    rows += [row(0.01, 0.1, model=arm, p=0.02) for arm in arms]
    found = ledger(rows, models, {})
    assert [c.p_adjusted for c in found if c.kind == "robust_gain"] == [0.04, 0.04]
    # Two gains and two about what is kept, of which those are surer.
    gains = [c for c in found if c.kind == "gain"]
    assert [c.p_adjusted for c in gains] == [0.04, 0.04]
    kept = [c.p_adjusted for c in found if c.kind == "kept"]
    assert all(p is not None and p < 0.04 for p in kept)
    more = ledger([*rows, row(-0.1, 0.1, model="b", against="a")], models, {})
    assert [c.verdict for c in more if c.kind == "gain"][:2] == ["not shown", "not shown"]
    assert [c.verdict for c in more if c.kind == "robust_gain"] == ["verified", "verified"]


def test_confidence_is_about_the_interval_and_never_high_on_few_tasks() -> None:
    def confidence(low: float, high: float, **fields: object) -> str:
        return judged(row(low, high, **ROBUST, **fields), kind="robust_gain").confidence

    assert confidence(0.1, 0.2) == "high"
    assert confidence(0.1, 0.2, n=40) == "moderate"
    assert confidence(0.002, 0.2) == "low"
    assert confidence(-0.03, 0.04) == "high"  # whatever there is, it is below five points
    assert confidence(-0.03, 0.06, detectable=0.06) == "moderate"
    assert confidence(-0.2, 0.3, detectable=0.35) == "low"


def test_what_has_no_interval_is_not_shown() -> None:
    none = Score(
        key="k", model="distilled", against="undistilled", value=None, low=None, high=None, n=0,
        metric="robust_drop@1", operator="all", family="all",
    )  # fmt: skip
    claim = judged(row(0, 0.1), none, kind="drop")
    assert (claim.verdict, claim.confidence, claim.p_adjusted) == ("not shown", "low", None)


def test_a_single_model_has_its_levels_and_a_claim_survives_the_disk() -> None:
    level = row(0.3, 0.5, model="mine", against="")
    (claim,) = ledger([level], {"models": [{"name": "mine"}]}, {})
    assert (claim.kind, claim.verdict, claim.unit, claim.estimate) == (
        "level", "verified", "share", 0.4
    )  # fmt: skip
    assert decode_row(encode_row(claim), Claim) == claim
    assert ledger([], {"models": []}, {}) == []


def draws(first: float, second: float, runs: int) -> list[list[Claim]]:
    generator = np.random.default_rng(12)
    world = World(first=first, second=second, prompts=3)
    pairs = zip(*verdicts(generator, world, runs), strict=True)
    found = []
    for other, (one, two) in zip(verdicts(generator, world, runs)[0], pairs, strict=True):
        tables = {"teacher": other, "undistilled": two, "distilled": one}
        passed = {name: table[..., 0] for name, table in tables.items()}
        found.append(ledger(claim_scores(passed), MANIFEST, {}))
    return found


def test_the_fast_rows_are_those_of_measure() -> None:
    drawn, _ = verdicts(np.random.default_rng(9), World(first=0.5, second=0.5, prompts=4), 3)
    passed = dict(zip(("teacher", "undistilled", "distilled"), drawn[..., 0], strict=True))
    sizes = {"teacher": 3.0, "undistilled": 1.0}
    whole = {(r.model, r.metric, r.operator, r.family, r.against): r
             for r in report_scores(passed, sizes)}  # fmt: skip
    fast = claim_scores(passed, sizes)
    assert len(fast) == 9
    for score in fast:
        same = whole[score.model, score.metric, score.operator, score.family, score.against]
        for name in ("value", "low", "high", "p", "n", "detectable"):
            assert getattr(score, name) == pytest.approx(getattr(same, name)), score.key


def test_reports_on_models_that_are_alike_hardly_ever_claim_anything() -> None:
    # The third model is drawn apart: what it is compared in is left aside here.
    reports = draws(0.5, 0.5, 300)
    wrong = sum(
        any(c.verdict == "verified" and c.kind in ("robust_gain", "gain", "drop") for c in report)
        for report in reports
    )
    # 5 % at the most; 26 of 300 and more would come once in 200 times.
    assert wrong < 26
    refuted = sum(c.verdict == "refuted" for r in reports for c in r if c.kind == "kept")
    assert refuted < 26


def test_a_large_gain_is_found_and_its_opposite_refuted() -> None:
    up = draws(0.65, 0.45, 50)
    assert sum(c.verdict == "verified" for r in up for c in r if c.kind == "gain") >= 45
    down = draws(0.45, 0.65, 50)
    assert sum(c.verdict == "refuted" for r in down for c in r if c.kind == "gain") >= 45
    assert not any(c.verdict == "verified" for r in down for c in r if c.kind == "gain")


def test_the_claims_about_size_are_there_where_sizes_are_known() -> None:
    generator = np.random.default_rng(3)
    large, small = verdicts(generator, World(first=0.8, second=0.4, prompts=3))
    passed = {"large": large[0, ..., 0], "small": small[0, ..., 0]}
    models = {"models": [{"name": "large"}, {"name": "small"}]}
    found = [
        c for c in ledger(report_scores(passed, {"large": 8, "small": 1}), models, {})
        if c.kind in ("size", "closeness")
    ]  # fmt: skip
    assert [(c.kind, "published" in c.claim) for c in found] == [
        ("size", True), ("closeness", True), ("size", False), ("closeness", False)
    ]  # fmt: skip
    assert found[0].verdict == "verified" and found[0].estimate is not None
    assert found[1].estimate == pytest.approx(-found[0].estimate)
    assert all("Closeness is" in c.limitations[2] for c in found if c.kind == "closeness")
    assert not [c for c in ledger(report_scores(passed), models, {}) if c.kind == "size"]
