"""Checkpoints of a training under way: each process writes its share, any number resumes.

    save_state(folder, model, optimizer, scheduler, order)
    load_state(folder, model, optimizer, scheduler, order)

By torch's distributed checkpoint: trained weights, the optimizer's state and the schedule of the
learning rate, by name, so that two processes read what one has written and the other way round.
Frozen weights are the student's own and are not stored. A folder counts when the file `complete`
is in it, which is made when all have written: a kill before costs the steps since the checkpoint
before. The order of the examples follows from the seed (schedule.py); what is stored of it is its
hash, and a checkpoint of another order is refused.

Limits: the folder has to be on a disk that all processes see. It is read by unpickling, as torch
does it: resume from folders of your own. The state of the random numbers is kept for a resume with
as many processes (dropout, where a model has it, draws anew with another number).
Source: pytorch.org/docs/stable/distributed.checkpoint.html.
"""

import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from overproof.distillation.sharding import leads, several, told
from overproof.errors import DataError
from overproof.store import storage_errors

COMPLETE = "complete"
METADATA = ".metadata"
"""What torch writes last; without it a folder is of another form."""


def newest_checkpoint(folder: Path) -> Path | None:
    """Return the newest complete checkpoint, the same in all processes; others are removed."""
    complete: dict[int, Path] = {}
    for path in folder.glob("checkpoint-*") if leads() else ():
        if (path / COMPLETE).exists() and (path / METADATA).exists():
            complete[int(path.name.rpartition("-")[2])] = path
        else:
            shutil.rmtree(path, ignore_errors=True)
    found: Path | None = told(complete[max(complete)] if complete else None)
    return found


def save_state(folder: Path, model: Any, optimizer: Any, scheduler: Any, order: str) -> None:
    """Write the state of a training; all processes have to.

    Raises: StorageError.
    """
    from torch.distributed.checkpoint.state_dict_saver import save

    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        state = {
            "model": _trained(model),
            "optimizer": _optimizer_state(model, optimizer),
            "scheduler": scheduler.state_dict(),
            "order": order,
        }
        with _alone_or_together() as how:
            save(state, checkpoint_id=folder, **how)


def load_weights_of(folder: Path, model: Any) -> None:
    """Put the weights of a checkpoint into the model; all processes have to."""
    from torch.distributed.checkpoint.state_dict_loader import load

    state = {"model": _trained(model)}
    with _alone_or_together() as how:
        load(state, checkpoint_id=folder, **how)


def load_state(folder: Path, model: Any, optimizer: Any, scheduler: Any, order: str) -> None:
    """Put all else of a checkpoint into optimizer and scheduler; all processes have to.

    Raises: DataError if the checkpoint is of another order of examples.
    """
    from torch.distributed.checkpoint.state_dict import set_optimizer_state_dict
    from torch.distributed.checkpoint.state_dict_loader import load

    state = {
        "optimizer": _optimizer_state(model, optimizer),
        "scheduler": scheduler.state_dict(),
        "order": "",
    }
    with _alone_or_together() as how:
        load(state, checkpoint_id=folder, **how)
    if state["order"] != order:
        raise DataError(
            f"{folder}: this checkpoint has seen other examples, or the same in another order",
            hint=f"delete {folder.parent} and rerun: the training begins anew",
        )
    set_optimizer_state_dict(model, optimizer, optim_state_dict=state["optimizer"])
    scheduler.load_state_dict(state["scheduler"])


@contextmanager
def _alone_or_together() -> Iterator[dict[str, Any]]:
    """Yield whether one process writes and reads, of which torch would warn."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "torch.distributed is disabled")
        yield {"no_dist": not several()}


def _trained(model: Any) -> dict[str, Any]:
    """Return the trained tensors by name, a share of each where they are shared out.

    Tensors that are one (embeddings and head) stand here once.
    """
    return {
        name: parameter.detach()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


def _optimizer_state(model: Any, optimizer: Any) -> dict[str, Any]:
    """Return the optimizer's state by the names of the parameters, made if there is none yet."""
    from torch.distributed.checkpoint.state_dict import get_optimizer_state_dict

    state: dict[str, Any] = get_optimizer_state_dict(model, optimizer)
    return state
