"""The output head and a loss on it in one step, a chunk of tokens at a time, with exact gradients.

A loss that reads only a token's K kept log-probabilities l and the log-mass t of all others needs
no (tokens × vocabulary) tensor kept for its gradient. With logits z, q = softmax(z), q_tail the
mass outside the K, g = ∂L/∂l, g_tail = ∂L/∂t and S = Σ g + g_tail,

    ∂L/∂z_j = g_j − S · q_j                        for a kept j
    ∂L/∂z_j = g_tail · q_j / q_tail − S · q_j      for any other j

because ∂l_k/∂z_j = [j = k] − q_j and ∂t/∂z_j = [j not kept] · q_j / q_tail − q_j. So autograd works
on (n, K) and (n,) tensors only; the logits of a chunk are overwritten by their own gradient, which
goes through the head at once: into the hidden states, and into one buffer of the head's size if
the head is trained. A frozen head costs no such buffer.

Where it differs from dense autograd: rows of the vocabulary that only pad the matrix are ignored
exactly, and sums are kept in float32 where the products are in bfloat16 (on a CPU each chunk's
product is rounded to bfloat16 first, as any product there is). It is not differentiable twice.
Source: own; gradients already in the forward pass, a chunk at a time: Hsu et al. 2024 (arXiv
2410.10989), there for dense losses.

    >>> import torch
    >>> hidden, head = torch.eye(3, requires_grad=True), torch.eye(3)
    >>> loss = head_loss(hidden, head, torch.arange(3)[:, None], lambda _part, kept, _tail: -kept)
    >>> loss.backward()
    >>> dense = torch.nn.functional.cross_entropy(torch.eye(3), torch.arange(3), reduction="sum")
    >>> bool(torch.isclose(loss, dense))
    True
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Objective: TypeAlias = "Callable[[slice, Tensor, Tensor], Tensor]"
"""Of the rows' numbers, their kept log-probabilities (n, K) and log-masses outside (n,): the loss
of each row, or their sum. It is called once per chunk, in order, and may keep detached values of
its own for the log; a second backward pass over a retained graph calls it again."""

CHUNK = 128
"""Tokens at a time: 78 MB of float32 logits for 152,000 entries. On a CPU, half as many cost about
a tenth more time, and twice as many about a tenth less."""
ALIGNMENT = 64
"""A row of the logits' buffer is a multiple of this long, which fast matrix products ask for."""
STRIP = 8192
"""Rows of a product that has to be rounded before it is summed, at a time."""


def head_loss(
    hidden: "Tensor",
    weight: "Tensor",
    ids: "Tensor",
    objective: Objective,
    *,
    bias: "Tensor | None" = None,
    rows: int | None = None,
    temperature: float = 1.0,
    chunk: int = CHUNK,
    cuts: Sequence[int] | None = None,
) -> "Tensor":
    """Return the objective summed over all tokens, differentiable in hidden, weight and bias.

    Shapes: hidden (N, H); weight (V, H); bias (V,); ids (N, K) int, distinct in a row, -1 for "no
    token here" (log-probability -inf, no gradient); returns (), in float32, or float64 if the
    inputs are. The first `rows` of the V are the true vocabulary, all of them by default. Logits
    are divided by `temperature`; a factor temperature**2 is the objective's. A chunk ends only at
    one of `cuts`, increasing row numbers, so it may be longer than `chunk` if a piece is.
    Raises: ValueError if shapes do not fit, an id is outside the vocabulary or cuts decrease.
    Source: see the module.
    """
    import torch

    count = len(weight) if rows is None else rows
    _check(hidden, weight, ids, count, temperature, chunk)
    kind = hidden.device.type
    plan = _Plan(
        ids=ids.to(torch.int64),
        objective=objective,
        rows=count,
        temperature=temperature,
        parts=tuple(chunk_rows(len(hidden), chunk, cuts)),
        dtype=torch.get_autocast_dtype(kind)
        if torch.is_autocast_enabled(kind)
        else torch.promote_types(hidden.dtype, weight.dtype),
    )
    tensors = (hidden, weight, bias)
    if not torch.is_grad_enabled() or not any(t is not None and t.requires_grad for t in tensors):
        return _walk(plan, *tensors, wanted=(False, False, False))[0]
    loss: Tensor = _head_function().apply(*tensors, plan)
    return loss


def chunk_rows(count: int, chunk: int, cuts: Sequence[int] | None = None) -> list[slice]:
    """Return slices over `count` rows, each of at most `chunk` and ending at a cut, if there are.

    A piece between two cuts that is longer than `chunk` stays whole.
    Raises: ValueError if the cuts decrease or leave the rows.

    >>> chunk_rows(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    >>> chunk_rows(9, 4, [3, 8])
    [slice(0, 3, None), slice(3, 8, None), slice(8, 9, None)]
    """
    ends = list(range(chunk, count, chunk)) if cuts is None else [int(cut) for cut in cuts]
    ends.append(count)
    parts, start, last = [], 0, 0
    for end in ends:
        if not last <= end <= count:
            raise ValueError(f"cuts must increase within 0 to {count}, got {end} after {last}")
        if end - start > chunk and last > start:
            parts.append(slice(start, last))
            start = last
        last = end
    return [*parts, slice(start, count)] if start < count else parts


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """All that a pass over the chunks needs besides the tensors that may get a gradient."""

    ids: "Tensor"
    objective: Objective
    rows: int
    temperature: float
    parts: tuple[slice, ...]
    dtype: "torch.dtype"
    """Of the matrix products; everything else is float32, or float64 if this is."""


def _check(
    hidden: "Tensor", weight: "Tensor", ids: "Tensor", rows: int, temperature: float, chunk: int
) -> None:
    """Refuse what would be computed wrongly in silence, or fail far from its cause."""
    if hidden.shape[1:] != weight.shape[1:] or hidden.ndim != 2:
        raise ValueError(f"hidden {tuple(hidden.shape)} does not fit head {tuple(weight.shape)}")
    if ids.ndim != 2 or len(ids) != len(hidden):
        raise ValueError(f"ids {tuple(ids.shape)} for {len(hidden)} hidden states")
    if not 0 < rows <= len(weight):
        raise ValueError(f"{rows} rows of a head that has {len(weight)}")
    if temperature <= 0 or chunk < 1:
        raise ValueError(f"temperature {temperature} and chunk {chunk} must be positive")
    if ids.numel():
        low, high = (int(bound) for bound in ids.aminmax())
        if low < -1 or high >= rows:
            raise ValueError(f"ids from {low} to {high} in a vocabulary of {rows}")


@functools.cache
def _head_function() -> Any:
    """Return the autograd function; made on first use, so that importing this loads no torch."""
    import torch
    from torch.autograd.function import once_differentiable

    class HeadFunction(torch.autograd.Function):
        """Computes the gradients with the value, and hands them out scaled."""

        @staticmethod
        def forward(ctx: Any, *inputs: Any) -> "Tensor":
            """Return the value, and keep the gradients that are wanted."""
            *tensors, ctx.plan = inputs
            ctx.save_for_backward(*tensors)
            value, ctx.gradients = _walk(ctx.plan, *tensors, wanted=ctx.needs_input_grad[:3])
            return value

        @staticmethod
        @once_differentiable
        def backward(ctx: Any, *upstream: "Tensor") -> tuple["Tensor | None", ...]:
            """Scale the gradients in place and give them away.

            So a second one of the head's size never exists; a second call computes them anew.
            """
            tensors, gradients = ctx.saved_tensors, ctx.gradients
            ctx.gradients = None
            if gradients is None:
                _, gradients = _walk(ctx.plan, *tensors, wanted=ctx.needs_input_grad[:3])
            scaled = (
                None if gradient is None else gradient.mul_(upstream[0]).to(tensor.dtype)
                for gradient, tensor in zip(gradients, tensors, strict=True)
            )
            return (*scaled, None)

    return HeadFunction


def _walk(
    plan: _Plan,
    hidden: "Tensor",
    weight: "Tensor",
    bias: "Tensor | None",
    *,
    wanted: tuple[bool, ...],
) -> tuple["Tensor", "list[Tensor | None]"]:
    """Return the value and the wanted gradients in hidden, weight and bias, in wide precision."""
    import torch

    wide = torch.promote_types(plan.dtype, torch.float32)
    with torch.no_grad(), torch.autocast(hidden.device.type, enabled=False):
        head = weight[: plan.rows].to(plan.dtype)
        total = torch.zeros((), dtype=wide, device=hidden.device)
        gradients = _gradient_buffers(plan, (hidden, weight, bias), wide, wanted)
        for number, (part, space) in enumerate(_spaces(plan, wide, hidden.device)):
            states, logits = hidden[part].to(plan.dtype), space[:, :-1]
            _multiply(logits, states, head.t())
            if bias is not None:
                logits.add_(bias[: plan.rows])
            if plan.temperature != 1.0:
                logits.mul_(1.0 / plan.temperature)
            total += _differentiate(space, plan, part, wanted=any(wanted))
            if any(wanted):  # what was the logits' place now holds the gradient in them
                _push(gradients, logits, states, head, part, add=number > 0)
    return total, gradients


def _spaces(plan: _Plan, wide: "torch.dtype", device: "torch.device") -> "Iterator[Any]":
    """Yield each chunk with the room for its logits, and one column more where id -1 points.

    It is the same room for all chunks.
    """
    import torch

    longest = max((part.stop - part.start for part in plan.parts), default=0)
    width = (plan.rows // ALIGNMENT + 1) * ALIGNMENT
    space = torch.empty(longest, width, dtype=wide, device=device)
    for part in plan.parts:
        yield part, space[: part.stop - part.start, : plan.rows + 1]


def _differentiate(space: "Tensor", plan: _Plan, part: slice, *, wanted: bool) -> "Tensor":
    """Return the chunk's value; if wanted, turn its logits into the gradient in them, in place."""
    import torch
    from torch.nn.functional import logsigmoid

    space[:, -1] = -torch.inf
    places = plan.ids[part]
    missing = places < 0
    places = places.masked_fill(missing, plan.rows)
    own = space.gather(1, places)
    space.scatter_(1, places, -torch.inf)
    peak = space.amax(dim=1, keepdim=True).clamp_(min=torch.finfo(space.dtype).min)
    outside = space.sub_(peak).exp_().sum(dim=1, keepdim=True)
    log_outside, log_inside = outside.log() + peak, own.logsumexp(dim=1, keepdim=True)
    # Not log(1 − Σ q): both keep their digits, however small the mass inside or outside is.
    kept = own - log_inside + logsigmoid(log_inside - log_outside)
    kept = kept.masked_fill_(missing, -torch.inf)
    tail = logsigmoid(log_outside - log_inside).squeeze(1)
    if not wanted:
        return plan.objective(part, kept, tail).detach().sum()
    value, slope, tail_slope = _slopes(plan.objective, part, kept, tail)
    slope.masked_fill_(missing, 0.0)
    settled = (tail == -torch.inf) | (tail == 0.0)  # none or all is outside, whatever the logits
    tail_slope = tail_slope.masked_fill_(settled, 0.0)[:, None]
    whole = slope.sum(dim=1, keepdim=True) + tail_slope
    scale = 1.0 / plan.temperature
    share = (peak - torch.logaddexp(log_inside, log_outside)).exp_()  # space · share is q
    # The largest term of `outside` is 1, unless there is none: then nothing is divided by 0.
    space.mul_((tail_slope / outside.clamp(min=1.0) - whole * share) * scale)
    space.scatter_(1, places, (slope - whole * kept.exp()) * scale)
    return value


def _slopes(
    objective: Objective, part: slice, kept: "Tensor", tail: "Tensor"
) -> "tuple[Tensor, Tensor, Tensor]":
    """Return the objective's sum and its gradients in the kept log-probabilities and the tail."""
    import torch

    with torch.enable_grad():
        leaves = (kept.detach().requires_grad_(), tail.detach().requires_grad_())
        value = objective(part, *leaves).sum()
    if not value.requires_grad:
        return value, torch.zeros_like(kept), torch.zeros_like(tail)
    slope, tail_slope = torch.autograd.grad(
        value, leaves, allow_unused=True, materialize_grads=True
    )
    return value.detach(), slope.clone(), tail_slope.clone()


def _gradient_buffers(
    plan: _Plan,
    tensors: "tuple[Tensor, Tensor, Tensor | None]",
    wide: "torch.dtype",
    wanted: tuple[bool, ...],
) -> "list[Tensor | None]":
    """Return room for the gradient of each tensor that wants one.

    The head's is written by its first product, so it is not filled with zeros before; but for what
    pads the vocabulary, which no product reaches.
    """
    import torch

    buffers: list[Tensor | None] = []
    for place, (tensor, needed) in enumerate(zip(tensors, wanted, strict=True)):
        if tensor is None or not needed:
            buffers.append(None)
            continue
        room = torch.empty_like(tensor, dtype=wide)
        room[plan.rows if place and plan.parts else 0 :] = 0.0
        buffers.append(room)
    return buffers


def _push(
    gradients: "list[Tensor | None]",
    slopes: "Tensor",
    states: "Tensor",
    head: "Tensor",
    part: slice,
    *,
    add: bool,
) -> None:
    """Carry a chunk's gradient in the logits into the hidden states, the head and the bias."""
    in_hidden, in_weight, in_bias = gradients
    rows = len(head)
    if in_bias is not None:
        in_bias[:rows] = slopes.sum(dim=0) + (in_bias[:rows] if add else 0.0)
    if in_hidden is None and in_weight is None:
        return
    narrow = slopes.to(head.dtype)
    if in_hidden is not None:
        _multiply(in_hidden[part], narrow, head)
    if in_weight is not None:
        _multiply(in_weight[:rows], narrow.t(), states, add=add)


def _multiply(out: "Tensor", left: "Tensor", right: "Tensor", *, add: bool = False) -> None:
    """Write left @ right into `out`, or add it, summed in the precision of `out`."""
    import torch

    if left.dtype == out.dtype:
        out.addmm_(left, right, beta=float(add))  # with beta 0, what is in `out` does not count
    elif not _sums_wide(out.device):
        for start in range(0, len(left), STRIP):
            product = left[start : start + STRIP] @ right
            strip = out[start : start + STRIP]
            strip.add_(product) if add else strip.copy_(product)
    elif add:
        torch.addmm(out, left, right, out_dtype=out.dtype, out=out)
    else:
        torch.mm(left, right, out_dtype=out.dtype, out=out)


@functools.cache
def _sums_wide(device: "torch.device") -> bool:
    """Return whether a product of narrow matrices can be had in float32: on CUDA from Ampere on."""
    import torch

    if device.type != "cuda" or torch.version.cuda is None:
        return False
    return torch.cuda.get_device_capability(device)[0] >= 8
