import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from overproof.distillation.divergences import DIVERGENCES, forward_kl, jsd
from overproof.distillation.kernels import Objective, chunk_rows, head_loss

N, V, H, K = 9, 17, 5, 4


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def inputs(rows: int = V) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Hidden states, head and bias that want gradients, and K distinct ids per row."""
    generator = torch.Generator().manual_seed(7)
    ids = torch.stack([torch.randperm(rows, generator=generator)[:K] for _ in range(N)])
    leaves = draw(N, H, seed=1), draw(V, H, seed=2), draw(V, seed=3)
    return *(leaf.requires_grad_() for leaf in leaves), ids  # type: ignore[return-value]


def outside(logprobs: Tensor, ids: Tensor) -> Tensor:
    """Log of the mass outside the ids, by brute force."""
    return logprobs.scatter(1, ids, -torch.inf).logsumexp(1)


def against_a_teacher(name: str, top_k: int = K) -> tuple[Objective, Tensor]:
    """A divergence from a random teacher's top K, and their ids."""
    teacher = torch.log_softmax(2 * draw(N, V, seed=11), 1)
    kept_teacher, ids = teacher.topk(top_k, dim=1)
    tail_teacher = outside(teacher, ids)

    def objective(part: slice, kept: Tensor, tail: Tensor) -> Tensor:
        return DIVERGENCES[name](kept, tail, kept_teacher[part], tail_teacher[part])

    return objective, ids


def wild(part: slice, kept: Tensor, tail: Tensor) -> Tensor:
    """No divergence at all: any smooth function of what it is given."""
    factors = draw(N, K, seed=5)[part]
    return (factors * kept.exp()).sum(1) ** 2 + (kept * factors).sum(1) * tail + tail.exp().sin()


def gradients(loss: Tensor, *leaves: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(loss, leaves))


def assert_same(ours: list[Tensor], theirs: list[Tensor], tolerance: float) -> None:
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("rows", [V, V - 3])
@pytest.mark.parametrize("objective", [wild, *DIVERGENCES])
def test_value_and_gradient_are_those_of_autograd_on_dense_logits(
    objective: Any, rows: int, temperature: float
) -> None:
    hidden, weight, bias, ids = inputs(rows)
    if isinstance(objective, str):
        objective, _ = against_a_teacher(objective)
    options: dict[str, Any] = {"bias": bias, "rows": rows, "temperature": temperature}
    loss = head_loss(hidden, weight, ids, objective, chunk=4, **options)
    dense = torch.log_softmax((hidden @ weight.T + bias)[:, :rows] / temperature, 1)
    expected = objective(slice(0, N), dense.gather(1, ids), outside(dense, ids)).sum()
    leaves = (hidden, weight, bias)
    assert_same([loss, *gradients(loss, *leaves)], [expected, *gradients(expected, *leaves)], 1e-9)


@pytest.mark.parametrize("name", DIVERGENCES)
@pytest.mark.parametrize("top_k", [V - 1, V])
def test_with_all_or_all_but_one_token_kept_it_is_the_dense_divergence(
    top_k: int, name: str
) -> None:
    hidden, weight, _, _ = inputs()
    objective, ids = against_a_teacher(name, top_k)
    loss = head_loss(hidden, weight, ids, objective, chunk=4)
    p = torch.log_softmax(2 * draw(N, V, seed=11), 1)
    q = torch.log_softmax(hidden @ weight.T, 1)
    dense = dense_divergence(name, p, q)
    ours, theirs = gradients(loss, hidden, weight), gradients(dense, hidden, weight)
    assert_same([loss, *ours], [dense, *theirs], 1e-8)


def dense_divergence(name: str, p: Tensor, q: Tensor) -> Tensor:
    """By the textbook, over the whole vocabulary, with the default alpha and beta."""

    def kl(left: Tensor, right: Tensor) -> Tensor:
        return (left.exp() * (left - right)).sum()

    def mix(left: Tensor, right: Tensor, share: float) -> Tensor:
        return torch.log(share * left.exp() + (1 - share) * right.exp())

    middle = mix(p, q, 0.5)
    return {
        "forward_kl": kl(p, q),
        "reverse_kl": kl(q, p),
        "skewed_kl": kl(p, mix(p, q, 0.1)),
        "skewed_reverse_kl": kl(q, mix(q, p, 0.1)),
        "jsd": (kl(p, middle) + kl(q, middle)) / 2,
    }[name]


def test_gradcheck_in_double_precision() -> None:
    hidden, weight, bias, ids = inputs()
    ids[0, 1:] = -1

    def loss(*leaves: Tensor) -> Tensor:
        hidden, weight, bias = leaves
        return head_loss(hidden, weight, ids, robustly(wild), bias=bias, rows=V - 1, chunk=4)

    ids[ids == V - 1] = -1
    assert torch.autograd.gradcheck(loss, (hidden, weight, bias))


def robustly(objective: Objective) -> Objective:
    """The objective with 0 in place of every log-probability that is not there."""

    def over_zeros(part: slice, kept: Tensor, tail: Tensor) -> Tensor:
        return objective(part, kept.masked_fill(kept == -torch.inf, 0.0), tail)

    return over_zeros


def test_rows_that_pad_the_vocabulary_are_ignored_exactly() -> None:
    hidden, weight, _, ids = inputs(V - 3)
    padded = weight.detach().clone()
    padded[V - 3 :] = 1e3  # they would take all the mass
    padded.requires_grad_()
    cut = weight.detach()[: V - 3].clone().requires_grad_()
    ours = head_loss(hidden, padded, ids, wild, rows=V - 3)
    theirs = head_loss(hidden, cut, ids, wild)
    in_hidden, in_padded = gradients(ours, hidden, padded)
    in_hidden_too, in_cut = gradients(theirs, hidden, cut)
    assert torch.equal(ours, theirs)
    assert torch.equal(in_hidden, in_hidden_too)
    assert torch.equal(in_padded[: V - 3], in_cut)
    assert not in_padded[V - 3 :].any()


@pytest.mark.parametrize(
    ("chunk", "cuts"), [(1, None), (2, None), (100, None), (2, [3, 4, 8]), (5, [0, 1, 2, 9])]
)
def test_the_chunks_change_neither_value_nor_gradient(chunk: int, cuts: list[int] | None) -> None:
    hidden, weight, _, ids = inputs()
    whole = head_loss(hidden, weight, ids, wild, chunk=N)
    parts = head_loss(hidden, weight, ids, wild, chunk=chunk, cuts=cuts)
    leaves = (hidden, weight)
    assert_same([parts, *gradients(parts, *leaves)], [whole, *gradients(whole, *leaves)], 1e-10)


def test_what_belongs_together_stays_in_one_chunk() -> None:
    hidden, weight, _, ids = inputs()
    seen = []

    def objective(part: slice, kept: Tensor, tail: Tensor) -> Tensor:
        seen.append((part.start, part.stop))
        return kept.sum() + tail.sum()  # a sum is as good as a value for each row

    head_loss(hidden, weight, ids, objective, chunk=3, cuts=[2, 4, 8])
    assert seen == [(0, 2), (2, 4), (4, 8), (8, 9)]


@pytest.mark.parametrize("cuts", [[3, 2], [-1], [N + 1]])
def test_cuts_that_do_not_increase_are_refused(cuts: list[int]) -> None:
    with pytest.raises(ValueError, match="cuts must increase"):
        chunk_rows(N, 4, cuts)


def test_an_id_of_minus_one_is_no_token_and_gets_no_gradient() -> None:
    hidden, weight, _, _ = inputs()
    objective, top = against_a_teacher("forward_kl")
    shown: list[Tensor] = []

    def with_gaps(part: slice, kept: Tensor, tail: Tensor) -> Tensor:
        shown.append(kept.detach())
        return objective(part, kept[:, ::2], tail)

    gaps = torch.full((N, 2 * K), -1)
    gaps[:, ::2] = top
    loss, plain = (
        head_loss(hidden, weight, ids, function, chunk=4)
        for ids, function in ((gaps, with_gaps), (top, objective))
    )
    assert (torch.cat(shown)[:, 1::2] == -torch.inf).all()
    assert_same(gradients(loss, hidden, weight), gradients(plain, hidden, weight), 1e-12)


def test_a_row_without_any_token_has_all_of_its_mass_outside_and_no_gradient() -> None:
    hidden, weight, _, ids = inputs()
    ids[3] = -1
    tails: list[Tensor] = []

    def objective(part: slice, kept: Tensor, tail: Tensor) -> Tensor:
        tails.append(tail.detach())
        return kept.masked_fill(kept == -torch.inf, 0.0).sum(1) + tail

    (in_hidden,) = gradients(head_loss(hidden, weight, ids, objective), hidden)
    assert torch.cat(tails)[3] == 0.0
    assert not in_hidden[3].any()
    assert in_hidden[4].abs().min() > 0


def test_what_an_objective_makes_of_an_absent_token_goes_nowhere() -> None:
    """The gradient of where(there, q log q, 0) is 0 times infinity where there is no token."""
    hidden, weight, _, ids = inputs()
    ids[:, 1] = -1

    def objective(_part: slice, kept: Tensor, _tail: Tensor) -> Tensor:
        return torch.where(kept > -torch.inf, kept.exp() * kept, 0.0).sum(1)

    loss = head_loss(hidden, weight, ids, objective)
    fewer = head_loss(hidden, weight, ids[:, [0, 2, 3]], objective)
    assert_same(gradients(loss, hidden, weight), gradients(fewer, hidden, weight), 1e-12)


def test_a_tail_that_the_model_rules_out_has_no_mass_and_no_gradient() -> None:
    """All logits but those of two kept tokens are -inf, as a mask of the vocabulary makes them."""
    hidden, weight, _, _ = inputs()
    ids = torch.tensor([[0, 1]]).expand(N, 2)
    mask = torch.full((V,), -torch.inf, dtype=torch.double)
    mask[:2] = 0.0

    def objective(_part: slice, kept: Tensor, tail: Tensor) -> Tensor:
        return kept[:, 0] + tail.exp()

    loss = head_loss(hidden, weight, ids, objective, bias=mask)
    in_hidden, in_weight = gradients(loss, hidden, weight)
    short = torch.log_softmax(hidden @ weight[:2].T, 1)[:, 0].sum()
    expected = gradients(short, hidden, weight)
    assert_same([loss, in_hidden, in_weight], [short, *expected], 1e-12)


def test_the_gradient_of_draws_from_the_teacher_is_unbiased() -> None:
    """10,000 rows with the same logits; each has its own 6 draws from the teacher."""
    draws, rows = 6, 10_000
    logits, teacher = draw(V, seed=1), torch.softmax(1.5 * draw(V, seed=2), 0)
    counts = np.random.default_rng(0).multinomial(draws, teacher.numpy(), size=rows)
    order = np.argsort(-counts, axis=1, kind="stable")[:, :draws]
    drawn = torch.from_numpy(np.take_along_axis(counts, order, axis=1))
    ids = torch.from_numpy(order).masked_fill(drawn == 0, -1)
    weights = torch.log(drawn / draws)  # -inf for padding
    hidden = logits.expand(rows, V).clone().requires_grad_()

    def objective(part: slice, kept: Tensor, tail: Tensor) -> Tensor:
        return forward_kl(kept, tail, weights[part], torch.full_like(tail, -torch.inf))

    (slopes,) = gradients(
        head_loss(hidden, torch.eye(V, dtype=torch.double), ids, objective, chunk=1000), hidden
    )
    expected = torch.softmax(logits, 0) - teacher
    errors = (slopes.mean(0) - expected) / (slopes.std(0) / math.sqrt(rows))
    # What a single coordinate passes within 3 standard errors, for the largest of all of them.
    bound = stats.norm.isf(stats.norm.sf(3) / V)
    assert errors.abs().max() < bound
    # The test has power: the gradient from the likeliest 6, renormalised, is far outside.
    top, places = teacher.topk(draws)
    biased = torch.softmax(logits, 0).index_add(0, places, -top / top.sum())
    assert ((biased - expected).abs() / (slopes.std(0) / math.sqrt(rows))).max() > 3 * bound


def test_a_frozen_head_gets_no_gradient_and_costs_no_buffer() -> None:
    hidden, weight, _, ids = big_inputs()
    frozen = weight.detach()
    with Largest(frozen) as watched:
        head_loss(hidden, frozen, ids, wild_sum, chunk=8).backward()
    assert hidden.grad is not None
    assert frozen.grad is None
    assert watched.bytes <= 8 * (len(weight) + 64) * 4  # the logits of one chunk


def test_nothing_but_a_chunk_of_logits_and_the_heads_gradient_is_ever_held() -> None:
    hidden, weight, _, ids = big_inputs()
    with Largest(weight) as watched:
        head_loss(hidden, weight, ids, wild_sum, chunk=8).mul(0.5).backward()
    assert weight.grad is not None
    assert watched.bytes == weight.nbytes  # smaller than 64 tokens' logits
    assert watched.large == 1


def test_without_gradients_only_the_value_is_computed() -> None:
    hidden, weight, _, ids = inputs()
    loss = head_loss(hidden, weight, ids, wild, chunk=4)
    with torch.no_grad():
        value = head_loss(hidden, weight, ids, wild, chunk=4)
    assert not value.requires_grad
    assert torch.equal(value, loss.detach())
    assert not head_loss(hidden.detach(), weight.detach(), ids, wild).requires_grad


def test_a_second_backward_over_a_kept_graph_gives_the_same() -> None:
    hidden, weight, _, ids = inputs()
    loss = 0.25 * head_loss(hidden, weight, ids, wild)
    first = torch.autograd.grad(loss, (hidden, weight), retain_graph=True)
    second = torch.autograd.grad(loss, (hidden, weight))
    assert_same(list(first), list(second), 0.0)


def test_an_objective_that_does_not_depend_on_the_student_has_no_gradient() -> None:
    hidden, weight, _, ids = inputs()
    loss = head_loss(hidden, weight, ids, lambda _part, kept, _tail: torch.ones(len(kept)))
    assert loss == N
    assert not any(slope.any() for slope in gradients(loss, hidden, weight))


def test_no_tokens_are_no_loss() -> None:
    hidden = torch.zeros(0, H, requires_grad=True)
    weight = torch.ones(V, H, requires_grad=True)
    head_loss(hidden, weight, torch.zeros(0, K, dtype=torch.int64), wild).backward()
    assert weight.grad is not None
    assert not weight.grad.any()


@pytest.mark.parametrize("size", [1e2, 1e4, 1e30])
def test_extreme_logits_give_finite_losses_and_gradients(size: float) -> None:
    generator = torch.Generator().manual_seed(0)
    hidden = (size * torch.randn(N, V, generator=generator)).requires_grad_()
    for name in DIVERGENCES:
        objective, ids = against_a_teacher(name)
        loss = head_loss(hidden, torch.eye(V), ids, objective)
        (slopes,) = gradients(loss, hidden)
        assert torch.isfinite(loss), name
        assert torch.isfinite(slopes).all(), name


def test_a_tail_far_below_float32s_resolution_keeps_its_digits() -> None:
    """1 − Σ q is 0 in float32 here; the logarithm of the tail is −60 + log 2 all the same."""
    logits = torch.tensor([[60.0, 0.0, 0.0]], requires_grad=True)
    loss = head_loss(logits, torch.eye(3), torch.tensor([[0]]), lambda _part, _kept, tail: tail)
    (slopes,) = gradients(loss, logits)
    assert loss.item() == pytest.approx(-60 + math.log(2), rel=1e-6)
    assert slopes[0].tolist() == pytest.approx([-1.0, 0.5, 0.5])


@pytest.mark.parametrize("autocast", [False, True])
def test_bfloat16_is_close_to_float32(autocast: bool) -> None:
    hidden, weight, bias, ids = (leaf.detach() for leaf in big_inputs())
    objective = shared_objective(ids)
    exact = [leaf.clone().requires_grad_() for leaf in (hidden, weight, bias)]
    kind = torch.float32 if autocast else torch.bfloat16
    rough = [leaf.clone().to(kind).requires_grad_() for leaf in (hidden, weight, bias)]
    loss = head_loss(exact[0], exact[1], ids, objective, bias=exact[2], chunk=8)
    with torch.autocast("cpu", enabled=autocast):
        rounded = head_loss(rough[0], rough[1], ids, objective, bias=rough[2], chunk=8)
    assert rounded.dtype == torch.float32
    assert float(rounded.detach()) == pytest.approx(float(loss.detach()), rel=5e-3)
    for one, other in zip(gradients(rounded, *rough), gradients(loss, *exact), strict=True):
        assert one.dtype == kind
        distance = (one.float() - other).norm() / other.norm()
        assert distance < 2e-2


def test_bfloat16_sums_the_heads_gradient_in_float32() -> None:
    """600 equal chunks of 2/3 each: in bfloat16 the sum would stall at 256."""
    hidden = torch.ones(600, 1, dtype=torch.bfloat16)
    weight = torch.zeros(3, 1, dtype=torch.bfloat16, requires_grad=True)
    ids = torch.zeros(600, 1, dtype=torch.int64)
    head_loss(hidden, weight, ids, lambda _part, kept, _tail: -kept[:, 0], chunk=1).backward()
    assert weight.grad is not None
    slopes = weight.grad.float()[:, 0].tolist()
    assert slopes == pytest.approx([-400, 200, 200], rel=8e-3)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ids": torch.full((N, K), V)}, "vocabulary of 17"),
        ({"ids": torch.full((N, K), -2)}, "ids from -2"),
        ({"ids": torch.zeros(N - 1, K, dtype=torch.int64)}, "8, 4"),
        ({"hidden": torch.zeros(N, H + 1)}, "does not fit"),
        ({"rows": V + 1}, "18 rows"),
        ({"temperature": 0.0}, "must be positive"),
        ({"chunk": 0}, "must be positive"),
    ],
)
def test_what_does_not_fit_is_refused(wrong: dict[str, Any], message: str) -> None:
    hidden, weight, _, ids = inputs()
    given: dict[str, Any] = {"hidden": hidden, "weight": weight, "ids": ids, "objective": wild}
    with pytest.raises(ValueError, match=message):
        head_loss(**(given | wrong))


def big_inputs() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """In float32, 64 tokens of a vocabulary so large that one tensor of both would stand out."""
    generator = torch.Generator().manual_seed(3)
    hidden = torch.randn(64, 32, generator=generator)
    weight = 0.3 * torch.randn(3000, 32, generator=generator)
    bias = 0.1 * torch.randn(3000, generator=generator)
    ids = torch.stack([torch.randperm(3000, generator=generator)[:K] for _ in range(64)])
    return *(leaf.requires_grad_() for leaf in (hidden, weight, bias)), ids  # type: ignore[return-value]


def wild_sum(_part: slice, kept: Tensor, tail: Tensor) -> Tensor:
    return kept.sum(1) * tail


def shared_objective(ids: Tensor) -> Callable[[slice, Tensor, Tensor], Tensor]:
    teacher = torch.randn(len(ids), K + 1, generator=torch.Generator().manual_seed(4))
    rows = torch.log_softmax(teacher, 1)

    def objective(part: slice, kept: Tensor, tail: Tensor) -> Tensor:
        return jsd(kept, tail, rows[part, :-1], rows[part, -1])

    return objective


class Largest(TorchDispatchMode):
    """Watches every operation for the largest storage that it makes, the head's own apart."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.own = weight.untyped_storage().data_ptr()
        self.threshold = weight.nbytes
        self.sizes: dict[int, int] = {}

    @property
    def bytes(self) -> int:
        return max(self.sizes.values())

    @property
    def large(self) -> int:
        """How many storages are as large as the head."""
        return sum(size >= self.threshold for size in self.sizes.values())

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for made in result if isinstance(result, tuple | list) else (result,):
            if isinstance(made, Tensor) and made.untyped_storage().data_ptr() != self.own:
                storage = made.untyped_storage()
                self.sizes[storage.data_ptr()] = storage.nbytes()
        return result
