"""Larger against smaller models: slopes per doubling, paired by task."""

import numpy as np
import pytest

from overproof.measure.simulated import World, report_scores, verdicts
from overproof.measure.trends import sized, slope_estimate, slope_weights


def tables(seed: int = 0, tasks: int = 60) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    large, small = verdicts(generator, World(first=0.7, second=0.4, tasks=tasks, prompts=3))
    return {"large": large[0, ..., 0], "small": small[0, ..., 0]}


def test_two_models_give_their_difference_over_the_doublings_between_them() -> None:
    passed = tables()
    scores = report_scores(passed, {"large": 4.0, "small": 1.0})
    rows = {(row.metric, row.operator): row for row in scores if row.suite == ""}
    slope = rows["pass_per_doubling@1", "nominal"]
    difference = passed["large"][:, 0].mean() - passed["small"][:, 0].mean()
    assert slope.value == pytest.approx(difference / 2)
    assert (slope.model, slope.against, slope.counts) == ("large", "small", {"models": 2})
    assert slope.low is not None and slope.low < difference / 2 and slope.detectable
    drop = rows["robust_drop_per_doubling@1", "all"]
    assert drop.low is not None and drop.value is not None and drop.low < drop.value
    assert "bootstrap" in drop.method and drop.p is None
    own = {
        row.model: row.value
        for row in scores
        if row.metric == "robust_drop@1"
        and not row.against
        and row.operator == "all"
        and row.family == "all"
    }
    assert drop.value == pytest.approx((own["large"] - own["small"]) / 2)


def test_without_two_sizes_there_is_no_row() -> None:
    for sizes in ({}, {"large": 4.0}, {"large": 1.0, "small": 1.0}, {"large": 0, "small": 1.0}):
        assert not [r for r in report_scores(tables(tasks=8), sizes) if "doubling" in r.metric]


def test_arms_are_no_sizes() -> None:
    sizes = {"teacher": 3.0, "undistilled": 1.0, "kd": 1.0}
    assert sized(["teacher", "undistilled", "kd"], sizes) == ["undistilled", "teacher"]
    assert sized(["b", "a", "c"], {"a": 1, "b": 2, "c": 9}) == ["a", "b", "c"]


def test_slopes_of_four_models_cover_and_find_nothing_where_there_is_nothing() -> None:
    generator = np.random.default_rng(8)
    weights = slope_weights([0.5, 1.5, 3, 7])
    ids = [str(i) for i in range(164)]
    runs, hits, found = 400, 0, 0
    for _ in range(runs):
        alike, _ = verdicts(generator, World(first=0.3, second=0.3, prompts=4, own=0.0))
        estimate, p = slope_estimate(alike[0, :, :, 0].T.astype(float), ids, weights)
        assert estimate.low is not None and estimate.high is not None and p is not None
        hits += estimate.low <= 0 <= estimate.high
        found += p <= 0.05
    assert 0.92 < hits / runs < 0.98
    assert found / runs < 0.08


def test_a_slope_that_no_task_shows_still_has_a_width() -> None:
    estimate, p = slope_estimate(np.ones((2, 30)), [str(i) for i in range(30)], np.array([-1, 1.0]))
    assert estimate.value == 0 and estimate.high is not None and estimate.high > 0.1 and p == 1
