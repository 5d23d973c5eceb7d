"""Wait for workers, and tell the time in which nobody could do anything.

    found, stopped = readable([channel.fileno()], 40.0)

A process that is stopped (Ctrl-Z, a closed lid) finds its clock far ahead when it goes on, and so
it would blame workers that were stopped with it. Time is therefore waited for in small parts: one
that takes much longer than was asked for is such a stop.
"""

import select
import time
from collections.abc import Iterable

LOOK_SECONDS = 1.0
"""How long a part is."""


def readable(descriptors: Iterable[int], patience_s: float) -> tuple[set[int], float]:
    """Wait until one of the descriptors can be read, or patience ends.

    Return those that can, and for how many seconds this process was stopped meanwhile (Ctrl-Z, a
    closed lid), with its workers: that time is nobody's fault, and does not count.
    """
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    waited = stopped = 0.0
    while True:
        part = min(max(patience_s - waited, 0.01), LOOK_SECONDS)
        began = time.monotonic()
        found = {descriptor for descriptor, _ in poll.poll(1000 * part)}
        over = time.monotonic() - began - part
        stopped += over if over > LOOK_SECONDS else 0.0
        waited += part
        if found or waited >= patience_s:
            return found, stopped
