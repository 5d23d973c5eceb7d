"""pass@k and the robust metrics against brute force over all subsets of samples."""

from itertools import combinations
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overproof.measure.passk import pass_at_k
from overproof.measure.robust import (
    expected_relative,
    expected_worst,
    robust_drop,
    robust_pass_at_k,
    robust_relative_at_k,
)


def share(events: list[bool]) -> float:
    return mean(map(float, events))


@pytest.mark.parametrize("n", range(1, 8))
def test_pass_at_k_is_the_share_of_subsets_with_a_correct_sample(n: int) -> None:
    for c in range(n + 1):
        correct = [True] * c + [False] * (n - c)
        for k in range(1, n + 1):
            expected = share([any(subset) for subset in combinations(correct, k)])
            assert pass_at_k(n, c, k) == pytest.approx(expected, abs=1e-12)


def test_pass_at_k_does_not_lose_digits_where_factorials_are_huge() -> None:
    assert pass_at_k(2000, 1, 1000) == 0.5


@pytest.mark.parametrize(("n", "c", "k"), [(3, 4, 1), (3, -1, 1), (3, 1, 4), (3, 1, 0)])
def test_pass_at_k_refuses_impossible_counts(n: int, c: int, k: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        pass_at_k(n, c, k)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[bool], list[list[bool]], int]:
    n, s = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    row = st.lists(st.booleans(), min_size=s, max_size=s)
    correct = draw(st.lists(row, min_size=n, max_size=n))
    nominal = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    return nominal, correct, draw(st.integers(1, n))


@given(tables())
def test_robust_pass_is_the_share_of_subsets_with_a_sample_that_passes_everywhere(
    drawn: tuple[list[bool], list[list[bool]], int],
) -> None:
    _, correct, k = drawn
    expected = share([any(all(row) for row in rows) for rows in combinations(correct, k)])
    assert robust_pass_at_k(correct, k) == pytest.approx(expected)


@given(tables())
def test_robust_relative_adds_subsets_with_a_loss_and_subsets_with_a_win(
    drawn: tuple[list[bool], list[list[bool]], int],
) -> None:
    nominal, correct, k = drawn
    subsets = list(combinations(list(zip(nominal, correct, strict=True)), k))
    lost = share([any(b and not all(row) for b, row in subset) for subset in subsets])
    won = share([any(not b and any(row) for b, row in subset) for subset in subsets])
    assert robust_relative_at_k(nominal, correct, k) == pytest.approx(lost + won)


@given(tables())
def test_the_worst_case_ties_the_sample_index_and_never_exceeds_a_single_variant(
    drawn: tuple[list[bool], list[list[bool]], int],
) -> None:
    _, correct, k = drawn
    for column in zip(*correct, strict=True):
        assert robust_pass_at_k(correct, k) <= pass_at_k(len(correct), sum(column), k) + 1e-12


def test_two_samples_that_fail_on_different_variants_leave_nothing_robust() -> None:
    # Worst over variants of pass@1 would say 0.5: the definition ties the sample index.
    assert robust_pass_at_k([[True, False], [False, True]], k=1) == 0


@given(st.lists(st.booleans(), min_size=1, max_size=6), st.integers(1, 7), st.booleans())
def test_expected_worst_and_relative_enumerate_the_draws(
    row: list[bool], draws: int, before: bool
) -> None:
    subsets = list(combinations(row, min(draws, len(row))))
    assert expected_worst(row, draws) == pytest.approx(share([all(s) for s in subsets]))
    flipped = share([not all(s) if before else any(s) for s in subsets])
    assert expected_relative(before, row, draws) == pytest.approx(flipped)


def test_drop_is_relative_to_nominal_and_undefined_from_zero() -> None:
    assert robust_drop(0.5, 0.4) == pytest.approx(0.2)
    assert robust_drop(0.5, 0.6) == pytest.approx(-0.2)
    assert robust_drop(0.0, 0.0) is None


def test_ragged_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="width"):
        robust_pass_at_k([[True], [True, False]])
    with pytest.raises(ValueError, match="perturbed"):
        robust_relative_at_k([True], [[True], [False]])
