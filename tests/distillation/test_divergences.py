import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from overproof.distillation.divergences import (
    DIVERGENCES,
    cross_entropy,
    forward_kl,
    gold_places,
    jsd,
    reverse_kl,
    skewed_kl,
    skewed_reverse_kl,
)
from overproof.engines.sparse import keep_top_k

V = 11
NAMES = tuple(DIVERGENCES)


def logprobs(seed: int, count: int = 6, spread: float = 1.0) -> Tensor:
    """Log-probabilities over the whole vocabulary, in double precision."""
    generator = torch.Generator().manual_seed(seed)
    return torch.log_softmax(spread * torch.randn(count, V, generator=generator).double(), 1)


def sparse(dense: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
    return dense.gather(1, ids), dense.scatter(1, ids, -torch.inf).logsumexp(1)


def both(student: Tensor, teacher: Tensor, top_k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What the divergences take: student and teacher over the teacher's top K and the rest."""
    ids = teacher.topk(top_k, dim=1).indices
    return (*sparse(student, ids), *sparse(teacher, ids))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("top_k", [1, 4, V - 1, V])
def test_a_model_does_not_diverge_from_itself(top_k: int, name: str) -> None:
    teacher = logprobs(0, spread=3)
    assert DIVERGENCES[name](*both(teacher, teacher, top_k)).abs().max() < 1e-12
    single = teacher.float()
    assert DIVERGENCES[name](*both(single, single, top_k)).abs().max() < 1e-6


def test_known_values() -> None:
    student, teacher = torch.tensor([[0.5, 0.25]]).log(), torch.tensor([[0.25, 0.25]]).log()
    tails = torch.tensor([0.25]).log(), torch.tensor([0.5]).log()
    rows = (student, tails[0], teacher, tails[1])
    assert forward_kl(*rows).item() == pytest.approx(0.25 * math.log(2))
    assert reverse_kl(*rows).item() == pytest.approx(0.25 * math.log(2))
    middle = 0.25 * (math.log(2 / 3) + 2 * math.log(4 / 3))
    assert jsd(*rows).item() == pytest.approx(middle)


@pytest.mark.parametrize("name", NAMES)
def test_a_bucket_only_lowers_it_and_more_tokens_never_do(name: str) -> None:
    student, teacher = logprobs(3), logprobs(4)
    values = [DIVERGENCES[name](*both(student, teacher, k)) for k in range(1, V)]
    for smaller, larger in itertools.pairwise(values):
        assert (larger - smaller > -1e-12).all()
    assert (values[0] >= -1e-12).all()
    dense = DIVERGENCES[name](*both(student, teacher, V))
    torch.testing.assert_close(values[-1], dense, rtol=0, atol=1e-12)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_mixtures_bound_what_they_can_cost(share: float) -> None:
    student, teacher = logprobs(5, count=200, spread=20), logprobs(6, count=200, spread=20)
    rows = both(student, teacher, 4)
    for skewed in (skewed_kl, skewed_reverse_kl):
        values = skewed(*rows, share)
        assert (values >= -1e-12).all()
        assert (values <= -math.log(share) + 1e-12).all()
    values = jsd(*rows, share)
    entropy = -share * math.log(share) - (1 - share) * math.log1p(-share)
    assert (values >= -1e-12).all()
    assert (values <= entropy + 1e-12).all()
    assert entropy <= math.log(2)
    assert values.max() > 0.5 * entropy  # so the bound is not met by being near 0


def test_without_a_share_the_skewed_ones_are_the_plain_ones() -> None:
    rows = both(logprobs(7), logprobs(8), 4)
    assert torch.equal(skewed_kl(*rows, 0.0), forward_kl(*rows))
    assert torch.equal(skewed_reverse_kl(*rows, 0.0), reverse_kl(*rows))


def test_jsd_is_the_same_from_both_sides() -> None:
    student, student_tail, teacher, teacher_tail = both(logprobs(9), logprobs(10), 4)
    one = jsd(student, student_tail, teacher, teacher_tail, 0.3)
    other = jsd(teacher, teacher_tail, student, student_tail, 0.7)
    torch.testing.assert_close(one, other)


@pytest.mark.parametrize("name", NAMES)
def test_entries_without_mass_on_both_sides_change_nothing(name: str) -> None:
    kept, tail, kept_teacher, tail_teacher = both(logprobs(11), logprobs(12), 4)
    kept = kept.requires_grad_()
    gap = torch.full((len(kept), 2), -torch.inf, dtype=torch.double)
    student = torch.cat([kept, gap], 1)
    wide = DIVERGENCES[name](student, tail, torch.cat([kept_teacher, gap], 1), tail_teacher)
    plain = DIVERGENCES[name](kept, tail, kept_teacher, tail_teacher)
    torch.testing.assert_close(wide, plain)
    slopes = [torch.autograd.grad(value.sum(), kept)[0] for value in (wide, plain)]
    torch.testing.assert_close(*slopes)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", ["student", "teacher"])
def test_mass_where_the_other_has_none_is_finite(side: str, name: str) -> None:
    full, empty = torch.tensor([[0.6]]).log(), torch.tensor([[1.0]]).log()
    tails = torch.tensor([0.4]).log(), torch.tensor([-torch.inf])
    here = [full, tails[0], empty, tails[1]]
    rows = here if side == "student" else here[2:] + here[:2]
    leaf = rows[0].clone().requires_grad_()
    value = DIVERGENCES[name](leaf, *rows[1:])
    value.sum().backward()
    assert torch.isfinite(value).all()
    assert leaf.grad is not None
    assert torch.isfinite(leaf.grad).all()


@pytest.mark.parametrize("name", NAMES)
def test_extreme_logits_give_finite_values_and_gradients(name: str) -> None:
    logits = torch.tensor([[3e4, 0.0, -3e4], [0.0, 3e4, 0.0]], requires_grad=True)
    student = torch.log_softmax(logits, 1)
    teacher = torch.log_softmax(-logits.detach(), 1)
    value = DIVERGENCES[name](student[:, :2], student[:, 2], teacher[:, :2], teacher[:, 2])
    value.sum().backward()
    assert torch.isfinite(value).all()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_is_the_students_alone(name: str) -> None:
    rows = [row.clone().requires_grad_() for row in both(logprobs(13), logprobs(14), 4)]
    DIVERGENCES[name](*rows).sum().backward()
    assert all(row.grad is not None and row.grad.any() for row in rows[:2])
    assert all(row.grad is None for row in rows[2:])


def test_the_gradient_of_forward_kl_is_q_minus_p_on_kept_and_scaled_on_the_rest() -> None:
    teacher = logprobs(5)
    logits = logprobs(6).requires_grad_()
    ids = teacher.topk(4, dim=1).indices
    kept_teacher, tail_teacher = sparse(teacher, ids)
    student = torch.log_softmax(logits, 1)
    forward_kl(*sparse(student, ids), kept_teacher, tail_teacher).sum().backward()
    q = student.detach().exp()
    q_tail = 1 - q.gather(1, ids).sum(1, keepdim=True)
    expected = q * (1 - tail_teacher.exp()[:, None] / q_tail)
    expected.scatter_(1, ids, q.gather(1, ids) - kept_teacher.exp())
    torch.testing.assert_close(logits.grad, expected)


def test_float16_signals_are_compared_in_the_students_precision() -> None:
    kept, tail, kept_teacher, tail_teacher = both(logprobs(15).float(), logprobs(16), 4)
    value = forward_kl(kept, tail, kept_teacher.half(), tail_teacher.half())
    assert value.dtype == torch.float32
    expected = forward_kl(kept, tail, kept_teacher, tail_teacher)
    torch.testing.assert_close(value, expected, rtol=0, atol=5e-3)


@pytest.mark.parametrize(
    ("function", "share"),
    [(jsd, 0.0), (jsd, 1.0), (skewed_kl, 1.0), (skewed_reverse_kl, -0.1)],
)
def test_a_share_that_leaves_nothing_to_learn_is_refused(function: Any, share: float) -> None:
    with pytest.raises(ValueError, match=str(share)):
        function(*both(logprobs(0), logprobs(1), 4), share)


def test_cross_entropy_is_torchs() -> None:
    logits = logprobs(7)
    gold = torch.tensor([3, 1, 4, 1, 5, 9])
    top = keep_top_k(logprobs(8).numpy(), gold.numpy(), 3)
    ids = torch.from_numpy(top.ids.astype(np.int64))
    ours = cross_entropy(logits.gather(1, ids), gold_places(ids, gold))
    theirs = torch.nn.functional.cross_entropy(logits, gold, reduction="none")
    torch.testing.assert_close(ours, theirs)


def test_cross_entropy_does_not_look_at_entries_that_are_not_there() -> None:
    kept = torch.tensor([[-0.5, -torch.inf]], requires_grad=True)
    value = cross_entropy(kept, gold_places(torch.tensor([[3, -1]]), torch.tensor([3])))
    value.sum().backward()
    assert value.item() == 0.5
    assert kept.grad is not None
    assert kept.grad.tolist() == [[-1.0, 0.0]]


def test_a_gold_token_that_was_not_kept_is_refused() -> None:
    with pytest.raises(ValueError, match="gold token 3 of row 1"):
        gold_places(torch.tensor([[3, 2], [1, 2]]), torch.tensor([3, 3]))
