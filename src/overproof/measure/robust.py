"""Robust pass, robust drop and robust relative of one task, as ReCode defines them.

A task is a table `correct[i][j]`: did sample i pass on the j-th perturbed prompt? The worst
case ties the *same sample index* across the prompts. The mean over tasks gives RP_s@k and
RR_s@k; RD_s@k is taken of the two means, not per task.

Limit: RP falls as s grows, with or without a perturbation; compare at equal s, and read it
beside the null operator.

    >>> robust_pass_at_k([[True, True], [True, False]], k=1)
    0.5

Source: Wang et al. 2023 (ReCode: Robustness Evaluation of Code Generation Models), section 4.
"""

from collections.abc import Sequence
from math import comb

from overproof.measure.passk import pass_at_k

Table = Sequence[Sequence[bool]]
"""correct[sample_i][variant_j] of one task."""


def robust_pass_at_k(correct: Table, k: int = 1) -> float:
    """Return 1 - C(n - rc, k) / C(n, k), where rc counts the samples that pass every variant.

    Raises: ValueError if k is not in 1..n or there is no variant.
    """
    _check_shape(correct)
    return pass_at_k(len(correct), sum(all(row) for row in correct), k)


def robust_relative_at_k(nominal: Sequence[bool], correct: Table, k: int = 1) -> float:
    """Return 2 - C(n - rc_minus, k) / C(n, k) - C(n - rc_plus, k) / C(n, k).

    rc_minus counts samples that are correct on the nominal prompt and fail on the worst variant,
    rc_plus those that fail on the nominal prompt and pass on the best. With k = 1 and one greedy
    sample the mean over tasks is the share of tasks whose verdict flips either way.

    Raises: ValueError if `nominal` and `correct` differ in length, or as `robust_pass_at_k`.
    """
    broken, repaired = flips(nominal, correct)
    return pass_at_k(len(nominal), broken, k) + pass_at_k(len(nominal), repaired, k)


def flips(nominal: Sequence[bool], correct: Table) -> tuple[int, int]:
    """Return (broken, repaired): samples lost on the worst variant, and won on the best.

    Raises: ValueError if `nominal` and `correct` differ in length or there is no variant.
    """
    _check_shape(correct)
    if len(nominal) != len(correct):
        raise ValueError(f"{len(nominal)} nominal samples, but {len(correct)} perturbed ones")
    pairs = list(zip(nominal, correct, strict=True))
    broken = sum(before and not all(row) for before, row in pairs)
    repaired = sum(not before and any(row) for before, row in pairs)
    return broken, repaired


def robust_drop(nominal_pass: float, robust_pass: float) -> float | None:
    """Return (Pass@k - RP_s@k) / Pass@k of the two means; None if nothing passes nominally."""
    return None if nominal_pass == 0 else (nominal_pass - robust_pass) / nominal_pass


def expected_worst(row: Sequence[bool], draws: int) -> float:
    """Return the probability that `draws` variants, drawn without replacement, all pass.

    It gives aggregates over many operators the same budget as a single one: with fewer than
    `draws` variants all of them are taken. Where `draws` covers them all it is the worst case.

    Source: own; the counterpart of the estimator of Chen et al. 2021 for "all of s".
    """
    draws = min(draws, len(row))
    return comb(sum(row), draws) / comb(len(row), draws)


def expected_relative(before: bool, row: Sequence[bool], draws: int) -> float:
    """Return the probability that a verdict flips under `draws` variants drawn at random."""
    if before:
        return 1 - expected_worst(row, draws)
    return 1 - expected_worst([not passed for passed in row], draws)


def _check_shape(correct: Table) -> None:
    widths = {len(row) for row in correct}
    if len(widths) != 1 or 0 in widths:
        raise ValueError(f"rows of {sorted(widths)} variants, expected one width of at least 1")
