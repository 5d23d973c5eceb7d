"""The terms of the objective, each a plain function of logits and the teacher's sparse row.

    L = λ_kd · KL(p̂ ‖ q̂)  +  λ_ce · −log q(gold)  +  λ_robust · KL(p̂ ‖ q̂(perturbed prompt))

p̂ and q̂ are distributions over the K kept tokens and one tail bucket. In the robust term the
teacher is the cached one, on the clean prompt; so robustness costs no extra teacher pass.

    >>> import torch
    >>> logits = torch.log(torch.tensor([[0.7, 0.2, 0.1]]))
    >>> kept = torch.tensor([[0, 1]])
    >>> own = torch.log(torch.tensor([[0.7, 0.2]])), torch.log(torch.tensor([0.1]))
    >>> bool(sparse_kl(logits, kept, *own).abs() < 1e-6)
    True
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

SMALLEST_TAIL = 1e-7
"""Mass below which a tail counts as this much: float32 cannot tell it from zero."""


def kept_logprobs(logits: "Tensor", ids: "Tensor") -> "Tensor":
    """Return the student's log-probabilities of the kept tokens, normalised over the vocabulary.

    Shapes: logits (N, V); ids (N, K) int; returns (N, K) float32.
    """
    import torch

    wide = logits.float()
    return wide.gather(1, ids) - torch.logsumexp(wide, dim=1, keepdim=True)


def sparse_kl(
    logits: "Tensor", ids: "Tensor", teacher_logprobs: "Tensor", teacher_tail: "Tensor"
) -> "Tensor":
    """Return KL(teacher || student) over K tokens and the tail, per token, in nats.

    Shapes: logits (N, V); ids, teacher_logprobs (N, K); teacher_tail (N,); returns (N,).
    Source: Hinton et al. 2015, section 2, at temperature 1; the tail bucket keeps the mass outside
    the K in the objective instead of renormalising it away. A lower bound of the dense KL, equal
    to it at K = V − 1.
    """
    return sparse_kl_of(kept_logprobs(logits, ids), teacher_logprobs, teacher_tail)


def sparse_kl_of(
    student_logprobs: "Tensor", teacher_logprobs: "Tensor", teacher_tail: "Tensor"
) -> "Tensor":
    """Return the same from the student's kept log-probabilities.

    Shapes: student_logprobs, teacher_logprobs (N, K); teacher_tail (N,); returns (N,).
    """
    import torch

    kept = student_logprobs.exp().sum(dim=1)
    student_tail = torch.log((1.0 - kept).clamp(min=SMALLEST_TAIL))
    teacher = teacher_logprobs.float()
    tail = teacher_tail.float()
    inside = (teacher.exp() * (teacher - student_logprobs)).sum(dim=1)
    return inside + tail.exp() * (tail - student_tail)


def cross_entropy_of(student_logprobs: "Tensor", ids: "Tensor", gold: "Tensor") -> "Tensor":
    """Return −log q(gold) per token, in nats; the gold token is always among the kept ones.

    Shapes: student_logprobs, ids (N, K); gold (N,) int; returns (N,).
    Raises: ValueError if a gold token was not kept.
    """
    places = ids == gold[:, None]
    if not bool(places.any(dim=1).all()):
        raise ValueError("a gold token is not among the kept logits")
    return -(student_logprobs * places).sum(dim=1)
