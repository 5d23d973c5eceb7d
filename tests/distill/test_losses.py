import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from overproof.distill.losses import (
    cross_entropy_of,
    kept_logprobs,
    sparse_kl,
    sparse_kl_of,
)
from overproof.engines.sparse import keep_top_k

V = 11


def rows(seed: int, count: int = 6) -> Tensor:
    return torch.randn(count, V, generator=torch.Generator().manual_seed(seed)).double()


def sparse(teacher: Tensor, top_k: int) -> tuple[Tensor, Tensor, Tensor]:
    """Exact (not float16) top K of the teacher, gold token 0."""
    logprobs = torch.log_softmax(teacher, dim=1)
    kept, ids = logprobs.topk(top_k, dim=1)
    return ids, kept, torch.log(1 - kept.exp().sum(1))


@pytest.mark.parametrize("top_k", [1, 4, V - 1])
def test_the_kl_of_a_model_with_itself_is_zero(top_k: int) -> None:
    teacher = rows(0)
    ids, kept, tail = sparse(teacher, top_k)
    assert sparse_kl(teacher, ids, kept, tail).abs().max() < 1e-6


def test_all_but_one_token_kept_is_the_dense_kl() -> None:
    teacher, student = rows(1), rows(2)
    ids, kept, tail = sparse(teacher, V - 1)
    p, q = torch.log_softmax(teacher, 1), torch.log_softmax(student, 1)
    dense = (p.exp() * (p - q)).sum(1)
    assert sparse_kl(student, ids, kept, tail) == pytest.approx(dense, abs=1e-5)


def test_the_sparse_kl_is_a_lower_bound_that_grows_with_k() -> None:
    teacher, student = rows(3), rows(4)
    values = [sparse_kl(student, *sparse(teacher, k)) for k in range(1, V)]
    for smaller, larger in itertools.pairwise(values):
        assert (larger - smaller > -1e-5).all()
    assert (values[0] >= -1e-6).all()


def test_the_gradient_is_q_minus_p_on_kept_and_scaled_on_the_rest() -> None:
    teacher, student = rows(5), rows(6).requires_grad_()
    ids, kept, tail = sparse(teacher, 4)
    sparse_kl(student, ids, kept, tail).sum().backward()
    q = torch.softmax(student.detach(), 1)
    q_tail = 1 - q.gather(1, ids).sum(1, keepdim=True)
    expected = q * (1 - tail.exp()[:, None] / q_tail)
    expected.scatter_(1, ids, q.gather(1, ids) - kept.exp())
    assert student.grad is not None
    assert student.grad == pytest.approx(expected, abs=1e-5)


def test_cross_entropy_is_torchs() -> None:
    logits = rows(7)
    gold = torch.tensor([3, 1, 4, 1, 5, 9])
    top = keep_top_k(rows(8).numpy(), gold.numpy(), 3)
    ids = torch.from_numpy(top.ids.astype(np.int64))
    ours = cross_entropy_of(kept_logprobs(logits, ids), ids, gold)
    theirs = torch.nn.functional.cross_entropy(logits.float(), gold, reduction="none")
    assert ours == pytest.approx(theirs, abs=1e-5)


def test_a_gold_token_that_was_not_kept_is_refused() -> None:
    ids = torch.tensor([[1, 2]])
    with pytest.raises(ValueError, match="gold"):
        cross_entropy_of(torch.zeros(1, 2), ids, torch.tensor([3]))


def test_a_student_that_puts_all_on_the_kept_tokens_gives_finite_gradients() -> None:
    logits = torch.tensor([[60.0, 0.0, 0.0]], requires_grad=True)
    kept = torch.log(torch.tensor([[0.6, 0.2]]))
    loss = sparse_kl(logits, torch.tensor([[0, 1]]), kept, torch.log(torch.tensor([0.2])))
    loss.sum().backward()
    assert torch.isfinite(loss).all()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_both_forms_agree() -> None:
    student = rows(9)
    ids, kept, tail = sparse(rows(10), 5)
    direct = sparse_kl(student, ids, kept, tail)
    assert sparse_kl_of(kept_logprobs(student, ids), kept, tail) == pytest.approx(direct)
