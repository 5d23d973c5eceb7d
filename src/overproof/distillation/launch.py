"""One command, several processes: the first one leads, the others help it to train.

    torchrun --nproc-per-node 8 -m overproof distill demo distill.sharding=fsdp2

`torchrun` starts the same command on every device. The process of rank 0 runs it as if it were
alone; before it trains, it tells the others what (job.py), and they load the same student and take
their part of every step. Between trainings they wait, and when the command ends they end.

Covered: one machine and several; a process that dies (`torchrun` ends the others, and the same
command goes on from the newest checkpoint); Ctrl-C, which stores a checkpoint first. Not covered:
machines that do not see the run folder and the cache (`OVERPROOF_HOME`) under the same path;
`torchrun` with a number of machines that changes while it runs.
"""

import atexit
import os
import pickle
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from overproof import interrupts
from overproof.distillation.job import Job, carry_out
from overproof.progress import muted

PAUSE_SECONDS = 0.2
"""How often a process that waits looks whether there is something to do."""
JOB, END = "overproof/job-", "overproof/end"
"""Messages of the leading process: a job by its number, and that there will be no more."""

_handed = 0
"""Jobs that the leading process has handed out."""


def launched() -> int:
    """Return how many processes `torchrun` has started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "RANK" in os.environ else 1


def follow() -> bool:
    """Help to train until the leading process ends, and return whether there was one to help.

    In the leading process, or in one that is alone, it returns False at once.
    Raises: as `carry_out`; KeyboardInterrupt.
    """
    if launched() == 1:
        return False
    if os.environ["RANK"] == "0":
        atexit.register(_dismiss)
        return False
    number = 0
    with muted(), interrupts.two_steps(), _farewell():
        while (job := _next_job(number)) is not None:
            carry_out(job, keep=False)
            number += 1
    return True


def hand_out(job: Job) -> None:
    """Tell the other processes what is trained next, if there are others."""
    global _handed
    if launched() > 1:
        _store().set(f"{JOB}{_handed}", pickle.dumps(job))
        _handed += 1


def _next_job(number: int) -> Job | None:
    """Wait for a job and return it, or None when the leading process has ended."""
    store, name = _store(), f"{JOB}{number}"
    while not store.check([name]):
        if store.check([END]):
            return None
        interrupts.settle()
        time.sleep(PAUSE_SECONDS)
    job: Job = pickle.loads(store.get(name))
    return job


def _dismiss() -> None:
    """Tell the others that no more is to be done, and leave the group."""
    with _farewell():
        _store().set(END, b"")


@contextmanager
def _farewell() -> Iterator[None]:
    """Leave the group of the processes at the end, as the communication library asks for."""
    try:
        yield
    finally:
        import torch.distributed as processes

        if processes.is_initialized():
            processes.destroy_process_group()


@cache
def _store() -> Any:
    """Return what the processes of this launch can leave messages in; torchrun serves it."""
    from torch.distributed.rendezvous import rendezvous

    store, _, _ = next(rendezvous("env://"))
    return store
