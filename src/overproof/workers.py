"""Processes that share the work of a stage, and end with the one that started them.

    with processes(2) as executor:
        results = [executor.submit(work, part) for part in parts]

Each is a fresh interpreter, never a fork of a process that may have the threads of torch. A Ctrl-C
is the parent's business; if the parent is killed, the kernel ends them (Linux). Not covered: other
systems than Linux, where a killed parent leaves them waiting.
"""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context

from overproof.errors import OverproofError


@contextmanager
def processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """Yield an executor with so many processes; what has not begun at the end is dropped.

    Raises: OverproofError if one of them was killed.
    """
    executor = ProcessPoolExecutor(
        count, mp_context=get_context("spawn"), initializer=_begin, initargs=(os.getpid(),)
    )
    try:
        yield executor
    except BrokenProcessPool:
        raise OverproofError(
            "one of the processes that share the work was killed",
            hint="check free memory (the kernel kills what takes too much), and rerun",
        ) from None
    finally:
        executor.shutdown(cancel_futures=True)


def _begin(parent: int) -> None:
    """Prepare one of the processes."""
    from overproof.sandbox import kernel

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if kernel.LINUX:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was killed before we could say so
        os._exit(1)
