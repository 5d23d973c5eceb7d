import math

import pytest
import torch
from torch import Tensor

from overproof.distillation.alignment import info_nce, relational_loss

B = 5


def vectors(seed: int, width: int = 7, count: int = B) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed)).double()


def similarities(text: Tensor, code: Tensor, temperature: float) -> Tensor:
    """By hand, one cosine at a time."""
    rows = [
        [float(x @ c) / (float(x.norm()) * float(c.norm())) / temperature for c in code]
        for x in text
    ]
    return torch.tensor(rows, dtype=torch.double)


def test_it_is_the_formula() -> None:
    text, code, teacher_text, teacher_code = vectors(0), vectors(1), vectors(2, 3), vectors(3, 3)
    student, teacher = similarities(text, code, 0.2), similarities(teacher_text, teacher_code, 0.2)
    expected = 0.0
    for own, other in ((student, teacher), (student.T, teacher.T)):
        q, p = torch.softmax(own, 1), torch.softmax(other, 1)
        expected += 0.5 * float((p * (p / q).log()).sum(1).mean())
    ours = relational_loss(text, code, teacher_text, teacher_code, 0.2)
    assert ours.item() == pytest.approx(expected, rel=1e-12)


def test_the_same_structure_in_another_space_costs_nothing() -> None:
    text, code = vectors(4), vectors(5)
    rotation = torch.linalg.qr(vectors(6, 12, 12)).Q[:7]  # 7 dimensions into 12
    loss = relational_loss(text, code, 3 * text @ rotation, 0.1 * code @ rotation, 0.1)
    assert loss.abs() < 1e-12


def test_pairs_in_another_order_cost_the_same() -> None:
    rows = [vectors(seed) for seed in range(4)]
    order = torch.tensor([3, 1, 4, 0, 2])
    torch.testing.assert_close(
        relational_loss(*rows, 0.1), relational_loss(*(row[order] for row in rows), 0.1)
    )


def test_text_and_code_may_change_places() -> None:
    text, code, teacher_text, teacher_code = (vectors(seed) for seed in range(4))
    torch.testing.assert_close(
        relational_loss(text, code, teacher_text, teacher_code, 0.1),
        relational_loss(code, text, teacher_code, teacher_text, 0.1),
    )


def test_the_gradient_is_the_students_alone() -> None:
    rows = [vectors(seed).requires_grad_() for seed in range(4)]
    relational_loss(*rows, 0.1).backward()
    assert all(row.grad is not None and row.grad.any() for row in rows[:2])
    assert all(row.grad is None for row in rows[2:])
    leaves = (vectors(0).requires_grad_(), vectors(1).requires_grad_())
    teacher = (vectors(2, 3), vectors(3, 3))
    assert torch.autograd.gradcheck(lambda *own: relational_loss(*own, *teacher, 0.3), leaves)


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_pairs_have_nothing_to_compare(count: int) -> None:
    text, code = (vectors(seed, count=count).requires_grad_() for seed in (0, 1))
    loss = relational_loss(text, code, vectors(2, count=count), vectors(3, count=count), 0.1)
    loss = loss + info_nce(text, code, 0.1)
    loss.backward()
    assert loss.item() == 0.0
    assert text.grad is not None
    assert not text.grad.any()


def test_descending_it_brings_the_teachers_structure() -> None:
    text, code = vectors(7).requires_grad_(), vectors(8).requires_grad_()
    teacher = (vectors(9, 20), vectors(10, 20))
    optimizer = torch.optim.Adam([text, code], lr=0.05)
    before = similarities(text.detach(), code.detach(), 1.0)
    for _ in range(200):
        optimizer.zero_grad()
        relational_loss(text, code, *teacher, 0.1).backward()
        optimizer.step()
    target = torch.softmax(similarities(*teacher, 0.1), 1)
    after = similarities(text.detach(), code.detach(), 1.0)
    distances = [(torch.softmax(s / 0.1, 1) - target).abs().sum() for s in (before, after)]
    assert distances[1] < 0.1 * distances[0]


def test_info_nce_is_torchs_cross_entropy_both_ways() -> None:
    text, code = vectors(11), vectors(12)
    scores, own = similarities(text, code, 0.07), torch.arange(B)
    entropy = torch.nn.functional.cross_entropy
    expected = (entropy(scores, own) + entropy(scores.T, own)) / 2
    torch.testing.assert_close(info_nce(text, code, 0.07), expected)


def test_info_nce_of_what_looks_alike_is_log_b_and_of_true_partners_less() -> None:
    same = vectors(13, count=1).expand(B, -1)
    assert info_nce(same, same, 0.1).item() == pytest.approx(math.log(B))
    assert info_nce(vectors(14), vectors(14), 0.05).item() < 0.01


def test_autocast_and_half_precision_do_not_reach_the_similarities() -> None:
    rows = [vectors(seed).float() for seed in range(4)]
    with torch.autocast("cpu"):
        inside = relational_loss(*rows, 0.1), info_nce(*rows[:2], 0.1)
    assert inside[0] == relational_loss(*rows, 0.1)
    assert inside[1] == info_nce(*rows[:2], 0.1)
    halves = [row.bfloat16() for row in rows]
    assert relational_loss(*halves, 0.1).dtype == torch.float32


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="5 texts for 4 codes"):
        info_nce(vectors(0), vectors(1, count=4), 0.1)
    with pytest.raises(ValueError, match="temperature"):
        info_nce(vectors(0), vectors(1), 0.0)
