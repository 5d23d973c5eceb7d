"""Divergences between teacher p and student q over K kept tokens and one bucket for the rest.

    p̂ = (p_1 … p_K, 1 − Σ p),   q̂ = (q_1 … q_K, 1 − Σ q)

Nothing is renormalised: the student also learns how much mass lies outside the K, which a plain
top-K cut leaves free. All of them are f-divergences, so putting tokens into one bucket can only
lower them (the data processing inequality): each is a lower bound of the dense divergence, equal
to it at K = V − 1.

All functions take kept (n, K) and tail (n,) log-masses of student and teacher, return (n,) nats,
and work in the student's precision; the gradient is the student's. An entry of -inf on both sides
(no token here, an empty tail) adds nothing. A factor temperature**2 is the caller's.

Sampled rows (K draws from the teacher as weights, the tail empty) are meant for `forward_kl`
alone: its gradient is linear in p, so that of draws is right on average. What the others return
for such rows is finite, but neither unbiased nor a divergence.

    >>> import torch
    >>> own = torch.log(torch.tensor([[0.7, 0.2]])), torch.log(torch.tensor([0.1]))
    >>> all(bool(divergence(*own, *own).abs() < 1e-6) for divergence in DIVERGENCES.values())
    True
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

NOTHING = -1e4
"""Log-mass that stands for -inf, so that no difference of two is undefined: its exp is 0. Mass of
the one where the other has none costs this much a unit, instead of an infinite amount."""


def forward_kl(
    kept_student: "Tensor", tail_student: "Tensor", kept_teacher: "Tensor", tail_teacher: "Tensor"
) -> "Tensor":
    """Return KL(p ‖ q) = Σ p log(p / q): the student has to cover all that the teacher does.

    Of sampled rows the gradient is unbiased, and the value too large by the entropy that draws
    lack.
    Source: Hinton et al. 2015, section 2; sampled: Anshumann et al. 2025 (arXiv 2503.16870).
    """
    q, p = _rows(kept_student, tail_student, kept_teacher, tail_teacher)
    return _kl(p, q)


def reverse_kl(
    kept_student: "Tensor", tail_student: "Tensor", kept_teacher: "Tensor", tail_teacher: "Tensor"
) -> "Tensor":
    """Return KL(q ‖ p) = Σ q log(q / p): the student keeps to what the teacher finds likely.

    Source: Gu et al. 2024 (MiniLLM, arXiv 2306.08543), equation 1, here per token.
    """
    q, p = _rows(kept_student, tail_student, kept_teacher, tail_teacher)
    return _kl(q, p)


def skewed_kl(
    kept_student: "Tensor",
    tail_student: "Tensor",
    kept_teacher: "Tensor",
    tail_teacher: "Tensor",
    alpha: float = 0.1,
) -> "Tensor":
    """Return KL(p ‖ α p + (1 − α) q), at most −log α, so no token's gradient runs away.

    Raises: ValueError unless 0 <= alpha < 1.
    Source: Ko et al. 2024 (DistiLLM, arXiv 2402.03898), section 3.1; alpha 0 is `forward_kl`.
    """
    q, p = _rows(kept_student, tail_student, kept_teacher, tail_teacher)
    return _kl(p, _mixture(p, q, alpha))


def skewed_reverse_kl(
    kept_student: "Tensor",
    tail_student: "Tensor",
    kept_teacher: "Tensor",
    tail_teacher: "Tensor",
    alpha: float = 0.1,
) -> "Tensor":
    """Return KL(q ‖ α q + (1 − α) p), at most −log α.

    Raises: ValueError unless 0 <= alpha < 1.
    Source: Ko et al. 2024 (DistiLLM, arXiv 2402.03898), section 3.1; alpha 0 is `reverse_kl`.
    """
    q, p = _rows(kept_student, tail_student, kept_teacher, tail_teacher)
    return _kl(q, _mixture(q, p, alpha))


def jsd(
    kept_student: "Tensor",
    tail_student: "Tensor",
    kept_teacher: "Tensor",
    tail_teacher: "Tensor",
    beta: float = 0.5,
) -> "Tensor":
    """Return β KL(p ‖ m) + (1 − β) KL(q ‖ m) with m = β p + (1 − β) q: from 0 to log 2.

    Raises: ValueError unless 0 < beta < 1; towards either end it vanishes, and only after a
    division by beta or 1 − beta would it become one of the KL.
    Source: Agarwal et al. 2024 (GKD, arXiv 2306.13649), equation 1; Lin 1991.
    """
    if not 0.0 < beta < 1.0:
        raise ValueError(f"beta must be between 0 and 1, got {beta}")
    q, p = _rows(kept_student, tail_student, kept_teacher, tail_teacher)
    mixture = _mixture(p, q, beta)
    return beta * _kl(p, mixture) + (1.0 - beta) * _kl(q, mixture)


def cross_entropy(kept_student: "Tensor", place: "Tensor") -> "Tensor":
    """Return −log q(gold) per token, in nats; the gold token is always among the kept ones.

    Shapes: kept_student (n, K); place (n,) int, where among the K it is (`gold_places`).
    Source: maximum likelihood.
    """
    return -kept_student.gather(1, place[:, None]).squeeze(1)


def gold_places(ids: "Tensor", gold: "Tensor") -> "Tensor":
    """Return where the gold token stands among the kept ids.

    Shapes: ids (N, K); gold (N,) int; returns (N,) int64.
    Raises: ValueError if a gold token was not kept.
    """
    found = ids == gold[:, None]
    kept = found.any(dim=1)
    if not bool(kept.all()):
        row = int((~kept).nonzero()[0])
        raise ValueError(f"the gold token {int(gold[row])} of row {row} is not among the kept")
    return found.int().argmax(dim=1)


DIVERGENCES: "dict[str, Callable[..., Tensor]]" = {
    "forward_kl": forward_kl,
    "reverse_kl": reverse_kl,
    "skewed_kl": skewed_kl,
    "skewed_reverse_kl": skewed_reverse_kl,
    "jsd": jsd,
}
"""By the name in a recipe; after the four, the skewed ones take alpha, and `jsd` beta."""


def _rows(
    kept_student: "Tensor", tail_student: "Tensor", kept_teacher: "Tensor", tail_teacher: "Tensor"
) -> "tuple[Tensor, Tensor]":
    """Return the log-masses of student and teacher over all K + 1 entries, none of them -inf."""
    import torch

    student = torch.cat([kept_student, tail_student[:, None]], dim=1)
    teacher = torch.cat([kept_teacher, tail_teacher[:, None]], dim=1).to(student.dtype).detach()
    return (
        student.masked_fill(student == -torch.inf, NOTHING),
        teacher.masked_fill(teacher == -torch.inf, NOTHING),
    )


def _kl(left: "Tensor", right: "Tensor") -> "Tensor":
    return (left.exp() * (left - right)).sum(dim=1)


def _mixture(own: "Tensor", other: "Tensor", share: float) -> "Tensor":
    """Return the log of share · own + (1 − share) · other.

    Raises: ValueError unless 0 <= share < 1.
    """
    import torch

    if not 0.0 <= share < 1.0:
        raise ValueError(f"the share of a mixture must be at least 0 and below 1, got {share}")
    if share == 0.0:
        return other
    return torch.logaddexp(own + math.log(share), other + math.log1p(-share))
