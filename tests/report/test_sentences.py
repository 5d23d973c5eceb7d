"""The headline answers the main question with its interval, or says that the run cannot."""

from typing import Any

import pytest

from overproof.measure.ledger import ledger
from overproof.records import Score
from overproof.report.facts import ScoreIndex
from overproof.report.sentences import headline

MODELS = [{"name": "teacher"}, {"name": "undistilled"}, {"name": "kd"}]
NOMINAL = {"metric": "pass@1", "operator": "nominal", "family": "nominal"}
ROBUST = {"metric": "robust_pass@1", "operator": "unseen", "family": "all"}


def rows(low: float, high: float, *places: dict[str, str], **fields: Any) -> list[Score]:
    found = []
    for place in places:
        change = (low + high) / 2
        own = {"undistilled": 0.4, "kd": 0.4 + change}
        for name, share in own.items():
            levels = {"value": share, "low": 0.1, "high": 0.9, "n": 164}
            found.append(Score(key=f"{name}-{place['metric']}", model=name, **levels, **place))
        difference = {"value": change, "low": low, "high": high, "n": 164, **fields}
        found.append(
            Score(
                key=f"d-{place['metric']}", model="kd", against="undistilled", **difference, **place
            )
        )
    return found


def said(scores: list[Score]) -> list[str]:
    return [text.replace("\u00a0", " ") for text in headline(ScoreIndex(scores), MODELS)]


def test_the_answer_is_one_sentence_with_its_interval() -> None:
    robust, nominal = said(rows(0.04, 0.12, ROBUST, NOMINAL))
    assert robust == (
        "Distillation improves robustness: the robust pass@1 under unseen operators of kd is "
        "higher than that of undistilled: 48.0 % against 40.0 %, +8.0 [+4.0, +12.0] points."
    )
    assert nominal.startswith("The nominal pass@1 of kd is higher than that of undistilled: 48.0")


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-0.12, -0.04, "is lower than that of undistilled: 32.0 % against 40.0 %, −8.0"),
        (-0.03, 0.01, "is not 2 points higher than that of undistilled"),
    ],
)
def test_a_refuted_answer_says_what_is_shown_instead(low: float, high: float, words: str) -> None:
    robust, _ = said(rows(low, high, ROBUST, NOMINAL))
    assert robust.startswith("Distillation does not improve robustness: the robust pass@1")
    assert words in robust


def test_what_is_not_shown_says_what_would_have_been_missed() -> None:
    robust, nominal = said(rows(-0.04, 0.08, ROBUST, NOMINAL, detectable=0.086))
    assert robust == (
        "Whether distillation improves robustness is not shown: the robust pass@1 under unseen "
        "operators of kd against that of undistilled, 42.0 % against 40.0 %, +2.0 [−4.0, +8.0] "
        "points; a true difference below 8.6 points would mostly be missed."
    )
    assert nominal.startswith("That the nominal pass@1 of kd is higher than that of undistilled is")


def test_an_exact_test_that_disagrees_is_named() -> None:
    robust, _ = said(rows(0.001, 0.1, ROBUST, NOMINAL, p=0.07))
    assert robust.startswith("Whether") and robust.endswith("; adjusted p = 0.07.")


def test_a_run_without_perturbed_prompts_says_that_it_cannot_tell() -> None:
    first, second = said(rows(0.04, 0.12, NOMINAL))
    assert first.startswith("This run cannot say whether distillation improves robustness")
    assert second.startswith("The nominal pass@1 of kd is higher")


def test_the_claims_that_are_given_are_those_that_are_told() -> None:
    scores = rows(0.04, 0.12, ROBUST, NOMINAL)
    index = ScoreIndex(scores)
    claims = ledger(scores, {"models": MODELS}, {})
    assert headline(index, MODELS, claims) == headline(index, MODELS)
    assert headline(index, MODELS, [claims[1]])[1:] == headline(index, MODELS)[1:]
