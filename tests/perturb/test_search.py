"""Strategies: pure, within their bounds, and better at finding what there is to find."""

import random
from collections.abc import Callable

import pytest

from overproof.perturb.search import STRATEGIES, Arsenal, StrategyName, Trial, propose

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


def test_operators_that_broke_others_are_drawn_more_often() -> None:
    arsenal, rng = Arsenal(NAMES), random.Random(1)
    steps = propose("random", [], Arsenal(("c",)), rng, 1)
    arsenal.learn([Trial(steps, True, 1.0)] * 20)
    drawn = [arsenal.draw(rng, learned=True).operator for _ in range(400)]
    even = [arsenal.draw(rng, learned=False).operator for _ in range(400)]
    assert drawn.count("c") > 1.5 * even.count("c")
    assert set(drawn) == set(NAMES), "the others still get their turn"
