"""Cross-modal terms: how a model's texts lie to its codes, not where either of them lies.

The teacher's vectors and the student's may differ in length: only similarities within a batch are
compared, so there is no projector to learn. Texts and codes are the pooled hidden states of the
pairs of a batch, row i of both being a pair.

Limits: what counts is the batch, so it has to hold several pairs, and with one there is nothing to
compare (0). A pair that is in a batch twice is its own negative in `info_nce`.

    >>> import torch
    >>> text, code = torch.eye(3), torch.eye(3).roll(1, 0)
    >>> float(relational_loss(text, code, text, code, 0.1))
    0.0
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def relational_loss(
    text: "Tensor",
    code: "Tensor",
    teacher_text: "Tensor",
    teacher_code: "Tensor",
    temperature: float,
) -> "Tensor":
    """Return the divergence of the student's text–code similarities from the teacher's.

    L = ½ [KL(S_T ‖ S_S) + KL(S_Tᵀ ‖ S_Sᵀ)], each S the cosine similarities over the temperature,
    a softmax in every row (for the transposed one: from each code over all texts), averaged over
    the rows. The gradient is the student's alone.

    Shapes: text, code (B, H); teacher_text, teacher_code (B, D); returns (), in nats.
    Source: own combination; distributions over similarities as in Fang et al. 2021 (SEED, arXiv
    2101.04731), here between modalities instead of against a queue.
    """
    from torch.nn.functional import kl_div, log_softmax

    student = _similarities(text, code, temperature)
    teacher = _similarities(teacher_text, teacher_code, temperature).detach()
    total = student.new_zeros(())
    for own, other in ((student, teacher), (student.t(), teacher.t())):
        own, other = log_softmax(own, dim=1), log_softmax(other, dim=1)
        total = total + kl_div(own, other, reduction="sum", log_target=True)
    return total / (2 * max(1, len(student)))


def info_nce(text: "Tensor", code: "Tensor", temperature: float) -> "Tensor":
    """Return the mean −log probability of the own partner, from text to code and back.

    Shapes: text, code (B, H); returns (), in nats: log B where all partners look alike.
    Source: van den Oord et al. 2018 (arXiv 1807.03748), equation 4; both directions as in Radford
    et al. 2021 (arXiv 2103.00020), section 2.3.
    """
    from torch.nn.functional import log_softmax

    scores = _similarities(text, code, temperature)
    both = log_softmax(scores, dim=1).diagonal() + log_softmax(scores, dim=0).diagonal()
    return -both.sum() / (2 * max(1, len(scores)))


def _similarities(text: "Tensor", code: "Tensor", temperature: float) -> "Tensor":
    """Return cosine similarities over the temperature, in float32 whatever the autocast.

    Shapes: text, code (B, H); returns (B, B), from each text to all codes.
    """
    import torch
    from torch.nn.functional import normalize

    if len(text) != len(code):
        raise ValueError(f"{len(text)} texts for {len(code)} codes")
    if temperature <= 0:
        raise ValueError(f"the temperature must be positive, got {temperature}")
    wide = torch.promote_types(text.dtype, torch.float32)
    with torch.autocast(text.device.type, enabled=False):
        return normalize(text.to(wide), dim=1) @ normalize(code.to(wide), dim=1).t() / temperature
