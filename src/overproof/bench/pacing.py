"""When requests are sent under load: a fixed number in flight, or at times that nobody waits for.

In a closed loop the next request waits for an answer, so a slow server is asked less; in an open
loop requests are due at times drawn beforehand (Poisson), whatever the server does. What cannot be
sent at its time waits here, and its latency counts from when it was due.
Source: Tene, "How not to measure latency" (coordinated omission); Schroeder et al. 2006, "Open
versus closed: a cautionary tale".
Not covered: arrivals in bursts; thousands of requests in flight (each holds a thread).

    sent = open_loop(calls, poisson_offsets_s(2.0, len(calls), "0"), most=128)
"""

import itertools
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Paced(Generic[Result]):
    """What a call returned, and when it was due."""

    due_ns: int
    """`time.perf_counter_ns`."""
    result: Result


def poisson_offsets_s(rate: float, count: int, seed: str) -> list[float]:
    """Return the times of `count` arrivals, in seconds; the first is at 0.

    >>> poisson_offsets_s(10, 3, "a") == poisson_offsets_s(10, 3, "a")
    True
    """
    generator = random.Random(f"{seed} arrivals")
    gaps = (generator.expovariate(rate) for _ in range(count - 1))
    return list(itertools.accumulate(gaps, initial=0.0))[:count]


def open_loop(
    calls: Sequence[Callable[[], Result]],
    offsets_s: Sequence[float],
    most: int,
) -> list[Paced[Result]]:
    """Make every call at its time, at most `most` at once; return in order.

    Raises: what a call raises, once all have ended.
    """
    began_ns = time.perf_counter_ns()
    with ThreadPoolExecutor(most) as pool:
        pending = []
        for call, offset_s in zip(calls, offsets_s, strict=True):
            due_ns = began_ns + int(offset_s * 1e9)
            pause_s = (due_ns - time.perf_counter_ns()) / 1e9
            if pause_s > 0:
                time.sleep(pause_s)
            pending.append((due_ns, pool.submit(call)))
        return [Paced(due_ns, future.result()) for due_ns, future in pending]


def closed_loop(
    calls: Sequence[Callable[[], Result]],
    concurrency: int,
    filler: Callable[[], object] | None = None,
) -> list[Paced[Result]]:
    """Keep `concurrency` calls in flight until all have ended; return in order.

    A call is due when a place is free. `filler` is called to keep the load up while the last
    calls end; its results are dropped.
    Raises: what a call raises, once all have ended.
    """
    numbers = iter(range(len(calls)))
    lock = threading.Lock()
    done: dict[int, Paced[Result]] = {}

    def work() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is not None:
                due_ns = time.perf_counter_ns()
                done[number] = Paced(due_ns, calls[number]())
            elif filler is None or len(done) == len(calls) or failed.is_set():
                return
            else:
                filler()

    failed = threading.Event()

    def guarded() -> None:
        try:
            work()
        except BaseException:
            failed.set()
            raise

    with ThreadPoolExecutor(concurrency) as pool:
        workers = [pool.submit(guarded) for _ in range(concurrency)]
    for worker in workers:
        worker.result()
    return [done[number] for number in range(len(calls))]
