"""Strategies: pure, within their bounds, and better at finding what there is to find."""

import random
from collections.abc import Callable

import pytest

from overproof.attack import default_operators
from overproof.attack.strengths import measured_strengths
from overproof.perturbation.compose import Step
from overproof.perturbation.search import STRATEGIES, Arsenal, StrategyName, Trial, propose

NAMES = tuple("abcdefgh")


def play(
    strategy: StrategyName, budget: int, breaks: Callable[[Trial], bool], seed: int = 0
) -> int | None:
    """Return after how many queries a toy model falls; None if it stands."""
    arsenal, history = Arsenal(NAMES), []
    for number in range(1, budget + 1):
        rng = random.Random(f"{strategy}/{seed}/{number}")
        steps = propose(strategy, history, arsenal, rng, max_steps=4)
        wanted = {"a", "b", "c"}
        pressure = len(wanted & {step.operator for step in steps}) / 3
        trial = Trial(steps, False, pressure)
        if breaks(trial):
            return number
        history.append(trial)
        arsenal.learn([trial])
    return None


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_proposals_are_a_function_of_history_and_keep_their_bounds(strategy: StrategyName) -> None:
    arsenal, history = Arsenal(NAMES), []
    for number in range(40):
        first = propose(strategy, history, arsenal, random.Random(number), max_steps=3)
        again = propose(strategy, list(history), arsenal, random.Random(number), max_steps=3)
        assert first == again
        assert 1 <= len(first) <= 3
        assert all(step.operator in (*NAMES, "null") for step in first)
        assert strategy in ("greedy", "evolution") or len(first) == 1
        history.append(Trial(first, False, random.Random(-number).random()))


def test_only_the_searches_reach_what_takes_three_operators() -> None:
    def breaks(trial: Trial) -> bool:
        return trial.pressure == 1

    fallen = {
        name: sum(play(name, 60, breaks, seed) is not None for seed in range(30))
        for name in STRATEGIES
    }
    assert fallen["random"] == fallen["null"] == 0
    assert fallen["greedy"] > 20
    assert fallen["evolution"] > 20


def drawn(arsenal: Arsenal, history: tuple[Trial, ...] = ()) -> list[str]:
    rng = random.Random(2)
    return [arsenal.draw_strong(rng, history).operator for _ in range(400)]


def test_operators_that_broke_others_are_drawn_more_often() -> None:
    arsenal, rng = Arsenal(NAMES), random.Random(1)
    assert max(map(drawn(arsenal).count, NAMES)) < 100
    steps = propose("random", [], Arsenal(("c",)), rng, 1)
    arsenal.learn([Trial(steps, True, 1.0)] * 5)
    assert drawn(arsenal).count("c") > 250
    assert set(drawn(arsenal)) == set(NAMES), "the others still get their turn"
    even = [arsenal.draw_evenly(rng).operator for _ in range(400)]
    assert max(map(even.count, NAMES)) < 100


def test_what_was_measured_before_counts_until_this_problem_withstands_it() -> None:
    arsenal = Arsenal(NAMES, dict.fromkeys(NAMES, (0, 10)) | {"d": (8, 10)})
    assert drawn(arsenal).count("d") > 300
    withstood = tuple(Trial((Step("d", seed),), False, 0.1) for seed in range(4))
    arsenal.learn(withstood)
    elsewhere, here = drawn(arsenal).count("d"), drawn(arsenal, withstood).count("d")
    assert here < 0.75 * elsewhere


def test_measured_strengths_are_of_operators_that_exist() -> None:
    strengths = measured_strengths()
    assert set(default_operators()) - set(strengths) == set()
    assert all(0 <= broke <= asked <= 16 for broke, asked in strengths.values())
