r"""Run untrusted programs, and reach a verdict that the program cannot write.

    caller ── oracle ── candidate      the tests run in the oracle, the program in the candidate
                └─ zygote ─┘           the zygote forks, limits, kills and reaps candidates

The candidate only answers calls, in tagged plain data over a socket; it never sees the tests or
the expected values, and whatever it does to its own process changes nothing but its answers.

Covered: forged verdicts, endless loops, memory, file, process and output bombs, survivors,
changed inputs; in tiers A and B also other processes, the network and the files of the machine.
What held is written into each outcome's `tier`.
Not covered: kernel bugs; tests that look at an argument changed in place. Tests that pass live
objects run inside the program's process, where a verdict can be forged: the outcome says so.

    >>> add = "def add(a, b):\n    return a + b\n"
    >>> test = "def check(candidate):\n    assert candidate(2, 3) == 5\n"
    >>> job = Job(key="k", task_id="toy/0", program=add, entry_point="add", test=test)
    >>> [outcome.status for outcome in run_jobs([job], Limits())]
    ['passed']
"""

from overproof.sandbox.examples import parse_examples
from overproof.sandbox.jobs import AnyJob, ExampleJob, Job, Limits, StdioJob
from overproof.sandbox.pool import Pool, run_jobs, usable_cores

__all__ = [
    "AnyJob",
    "ExampleJob",
    "Job",
    "Limits",
    "Pool",
    "StdioJob",
    "parse_examples",
    "run_jobs",
    "usable_cores",
]
