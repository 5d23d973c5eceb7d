"""Naturalness: what shouts scores low, what a person would write does not."""

import math
from collections.abc import Sequence

import pytest

from overproof.perturbation import PerturbResult
from overproof.perturbation.naturalness import known_words, perplexity_ratios, with_perplexity


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("Return the sum", 1.0),
        ("Please return the total sum of these numbers", 1.0),
        ("Retrun teh sum", 1 / 3),
        ("rEtURn the sum", 2 / 3),
        ("123 == 45", 1.0),
    ],
)
def test_known_words(after: str, expected: float) -> None:
    assert known_words("Return the sum", after) == pytest.approx(expected)


def test_words_of_the_control_are_known_however_odd() -> None:
    assert known_words("Call fooBar on xqz", "Call fooBar on xqz twice") == 1.0


def test_typos_score_below_remarks_and_above_shouting(certified: PerturbResult) -> None:
    means = {}
    for name in ("change_case", "keyboard_typos", "distracting_remark", "blank_lines"):
        scores = [
            row.certificate.naturalness
            for row in certified.variants
            if row.operator == name and row.certificate
        ]
        means[name] = sum(scores) / len(scores)
    assert means["change_case"] < means["keyboard_typos"] < means["distracting_remark"]
    assert means["blank_lines"] == 1.0


class Letters:
    """Finds every q surprising."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def losses(self, texts: Sequence[tuple[str, str]]) -> list[float]:
        self.asked += [text for _, text in texts]
        return [1.0 + text.count("q") for _, text in texts]


def test_ratios_are_of_exponentials_and_every_text_is_asked_once() -> None:
    judge = Letters()
    ratios = perplexity_ratios([("a", "aq"), ("a", "a"), ("a", "qq")], judge)
    assert ratios == pytest.approx([math.e, 1.0, math.e**2])
    assert sorted(judge.asked) == ["a", "aq", "qq"]


def test_each_variant_is_measured_against_its_own_control(certified: PerturbResult) -> None:
    rows = with_perplexity(certified.variants, Letters())
    by_place = {(row.task_id, row.operator, row.seed): row for row in rows}
    for row in rows:
        if row.operator == "nominal":
            continue
        assert row.certificate is not None and row.certificate.perplexity_ratio is not None
        if row.operator == "dead_code":
            control = by_place[row.task_id, "half_body", 0].prompt
            expected = math.exp(row.prompt.count("q") - control.count("q"))
            assert row.certificate.perplexity_ratio == pytest.approx(expected, abs=1e-4)
