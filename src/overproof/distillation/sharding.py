"""A student whose tensors are shared out among the processes of a training: FSDP2.

    shard(model, causal, bf16=False)      # after the processes know each other
    weights = gather_trained(model)       # whole again, in the process that leads

Each layer is a group of its own: its tensors are gathered when its turn comes, forward and
backward, and given up afterwards; its gradients are summed over the processes and each keeps its
share. What is left (embeddings, last norm, output head) is the group of the root, and stays whole
from the start of the objective to the end of its backward pass. So the head is an ordinary tensor
where the loss reads it (kernels.py), though it is no module's forward that does so, and its
gradient goes back with that of the embeddings where the two are one.

With bfloat16 a layer's tensors are gathered in it and its gradients are summed in float32. The
root's stay float32, as autocast has them, and so does what flows between layers.

Limits: the frozen part of a model with adapters is shared out as well, but every process loads the
whole student first. Whatever a process runs of the model all have to run, in the same order.
Source: FSDP2, pytorch.org/docs/stable/distributed.fsdp.fully_shard.html.
"""

from functools import cache
from typing import Any

Weights = dict[str, Any]
"""Trained tensors by their name in the model, whole, on the CPU."""


def several() -> bool:
    """Return whether this training has more than one process."""
    import torch.distributed as processes

    started = processes.is_available() and processes.is_initialized()
    return started and processes.get_world_size() > 1


def leads() -> bool:
    """Return whether this process is alone, or the one that writes and speaks for all."""
    import torch.distributed as processes

    return not several() or processes.get_rank() == 0


def told(value: Any) -> Any:
    """Return what the leading process has here, in all of them."""
    if not several():
        return value
    import torch.distributed as processes

    box = [value]
    processes.broadcast_object_list(box)
    return box[0]


def any_of(wish: bool) -> bool:
    """Return whether any process wishes it, so that all do the same."""
    if not several():
        return wish
    import torch
    import torch.distributed as processes

    device = "cuda" if processes.get_backend() == "nccl" else "cpu"
    found = torch.tensor(int(wish), device=device)
    processes.all_reduce(found, op=processes.ReduceOp.MAX)
    return bool(found)


def wait_for_all() -> None:
    """Go on when every process has come here."""
    if several():
        import torch.distributed as processes

        processes.barrier()


def join_rows(rows: Any) -> Any:
    """Return the rows of all processes, one after the other; the gradient finds its way back.

    Every process has to call it, and to run the backward pass of what it makes of it.

    Shapes: rows (n, ...), n may be 0 and differ, the rest may not; returns (Σ n, ...).
    """
    if not several():
        return rows
    import torch
    import torch.distributed as processes

    own = torch.tensor(rows.shape, device=rows.device)
    shapes = [torch.empty_like(own) for _ in range(processes.get_world_size())]
    processes.all_gather(shapes, own)
    counts = [int(shape[0]) for shape in shapes]
    rest = torch.stack(shapes).amax(0)[1:].tolist()  # of those that have any
    longest = max(counts)
    padded = rows.new_zeros(longest, *rest)
    if len(rows):
        padded = torch.cat([rows, padded[len(rows) :]])
    elif rows.requires_grad:
        padded = padded + rows.sum()
    joined = _join_function().apply(padded)
    return torch.cat([joined[place, :count] for place, count in enumerate(counts)])


@cache
def _join_function() -> Any:
    """Return the autograd function; made on first use, so that importing this loads no torch."""
    import torch
    import torch.distributed as processes

    class Join(torch.autograd.Function):
        """Stacks what the processes have; what they do with each other's is summed."""

        @staticmethod
        def forward(_ctx: Any, *given: Any) -> Any:
            """Shapes: (n, ...) in each process; returns (processes, n, ...)."""
            found = [torch.empty_like(given[0]) for _ in range(processes.get_world_size())]
            processes.all_gather(found, given[0].contiguous())
            return torch.stack(found)

        @staticmethod
        def backward(_ctx: Any, *upstream: Any) -> Any:
            """Return the part that belongs to this process."""
            whole = upstream[0].contiguous()
            processes.all_reduce(whole)
            return whole[processes.get_rank()]

    return Join


def shard(model: Any, causal: Any, device: Any, *, bf16: bool) -> None:
    """Share the tensors of a model out among all processes, in place.

    `causal` is the model without its adapters, or the same. All processes have to hold the same.
    """
    import torch
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    mesh = init_device_mesh(device.type, (torch.distributed.get_world_size(),))
    policy = MixedPrecisionPolicy(cast_forward_inputs=False)
    if bf16:
        policy = MixedPrecisionPolicy(
            param_dtype=torch.bfloat16, reduce_dtype=torch.float32, cast_forward_inputs=False
        )
    blocks = set(getattr(causal, "_no_split_modules", None) or ())
    for module in reversed(list(causal.get_decoder().modules())):
        if type(module).__name__ in blocks:
            fully_shard(module, mesh=mesh, mp_policy=policy)
    root = MixedPrecisionPolicy(cast_forward_inputs=False)
    fully_shard(model, mesh=mesh, mp_policy=root, reshard_after_forward=False)
    model._is_accelerate_prepared = True  # or accelerate would wrap it once more, for DDP


def is_sharded(model: Any) -> bool:
    """Return whether the tensors of a model are shared out."""
    from torch.distributed.fsdp import FSDPModule

    return isinstance(model, FSDPModule)


def gather_trained(model: Any) -> Weights:
    """Return the trained tensors, whole, one after the other; all processes have to ask.

    Only the leading process gets them, the others nothing.
    """
    from torch.distributed.tensor import DTensor

    found: Weights = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        tensor = parameter.detach()
        tensor = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
        if leads():
            found[name] = tensor.cpu().clone().contiguous()
    return found
