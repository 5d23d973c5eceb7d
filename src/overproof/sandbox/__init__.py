r"""Run untrusted programs, and reach a verdict that the program cannot write.

    caller ── oracle ── candidate      the tests run in the oracle, the program in the candidate
                └─ zygote ─┘           the zygote forks, limits, kills and reaps candidates

The candidate only answers calls, in tagged plain data over a socket; it never sees the tests or
the expected values, and whatever it does to its own process changes nothing but its answers.

Covered: forged verdicts, endless loops, memory, file, process and output bombs, survivors,
changed inputs; with namespaces or Landlock also other processes, the network and the files of
the machine. What held is written into each outcome's `tier`.
Not covered: kernel bugs; in the tier `rlimits` alone, a program that kills the processes of its
own user or reads their files; tests that look at an argument changed in place, or that pass
functions or open files.

    >>> add = "def add(a, b):\n    return a + b\n"
    >>> test = "def check(candidate):\n    assert candidate(2, 3) == 5\n"
    >>> job = Job(key="k", task_id="toy/0", program=add, entry_point="add", test=test)
    >>> [outcome.status for outcome in run_jobs([job], Limits())]
    ['passed']
"""

from overproof.sandbox.examples import parse_examples
from overproof.sandbox.jobs import ExampleJob, Job, Limits
from overproof.sandbox.pool import run_examples, run_jobs

__all__ = ["ExampleJob", "Job", "Limits", "parse_examples", "run_examples", "run_jobs"]
