"""What the sandbox holds and whether it keeps its word over time; run by `sandbox_speed.py`.

make bench-sandbox ARGS='--endurance 50000 --flaky 10'
"""

import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from driver import Block, Contender, Usage, programs_of, settle
from overproof.records import Problem

MEMORY_TARGET_MIB = 150
GROWTH_MIB = 8.0
"""Growth of resident memory between the first tenth and the end that still counts as none."""
SPIN_SECONDS, SPIN_LIMIT_SECONDS, SPINS, SPINNERS = 1.0, 3.0, 16, 8


def verdict_line(met: bool, target: str, found: str) -> str:
    """Return the line that says whether a target is met.

    >>> verdict_line(False, "twice as fast", "1.5 times")
    'FALLS SHORT  twice as fast: 1.5 times'
    """
    return f"{'PASS' if met else 'FALLS SHORT':<12} {target}: {found}"


def check_memory(problems: Sequence[Problem]) -> bool:
    """Measure a process that runs programs with two workers; return whether it is small.

    All processes count: the caller, two oracles, two zygotes with their parents in the outer
    namespace, and the candidates of the moment.
    """
    with Contender("ours", problems, workers=2) as contender:
        contender.run(programs_of(problems, "warm-up"))
        settle(0.5)
        idle = contender.usage()
        contender.start([program for mark in range(5) for program in programs_of(problems, mark)])
        seen = []
        for _ in range(20):
            settle()
            seen.append(contender.usage())
        contender.result()
    peak = max(usage.rss_mib for usage in seen)
    median = statistics.median(usage.rss_mib for usage in seen)
    shares = [usage.pss_mib for usage in seen if usage.pss_mib is not None]
    share = f"{max(shares):.0f}" if shares else "not readable"
    print(
        f"\ncaller and two workers, MiB: at work {median:.0f} (largest {peak:.0f}), "
        f"with shared pages counted once {share}; idle {show_usage(idle)}"
    )
    met = peak <= MEMORY_TARGET_MIB
    print(verdict_line(met, f"at most {MEMORY_TARGET_MIB} MiB resident", f"{peak:.0f} MiB"))
    return met


def check_endurance(problems: Sequence[Problem], count: int) -> bool:
    """Run `count` samples through one pool of two; return whether nothing grew or was left."""
    print(f"\nendurance: {count} samples, two workers")
    step = max(count // 20, 1)
    history: list[Usage] = []
    failed: list[str] = []
    done, started = 0, time.monotonic()
    with Contender("ours", problems, workers=2) as contender:
        for programs in cut(endless(problems), count, step):
            block = contender.run(programs)
            failed += block.failed
            done += len(programs)
            settle(0.5)
            history.append(contender.usage())
            folders = len(contender.leftovers())
            rate = done / (time.monotonic() - started)
            print(f"{done:>8}  {show_usage(history[-1])}, {folders} folders, {rate:.0f}/s")
        contender.finish()
        left = contender.leftovers()
    first, last = history[min(1, len(history) - 1)], history[-1]
    grown = last.rss_mib - first.rss_mib
    caller = f", of which the caller {last.caller_mib - first.caller_mib:+.1f}"
    for line in dict.fromkeys(failed):
        print(f"  not passed: {line}")
    checks = {
        f"all {count} passed": (not failed, f"{len(failed)} not"),
        "memory does not grow": (grown <= GROWTH_MIB, f"{grown:+.1f} MiB{caller}"),
        "open files do not grow": (last.files <= first.files, f"{first.files}, {last.files}"),
        "no process is left": (last.processes <= first.processes, str(last.processes)),
        "no folder is left": (not left, f"{len(left)}"),
    }
    for target, (met, found) in checks.items():
        print(verdict_line(met, target, found))
    return all(met for met, _ in checks.values())


def check_flakiness(problems: Sequence[Problem], rounds: int) -> bool:
    """Run right programs on an idle and a busy machine; return whether all of them passed."""
    cores = len(os.sched_getaffinity(0))
    failed: list[str] = []
    for state, burners in (("idle", 0), (f"{cores} cores busy", cores)):
        found: list[str] = []
        with burning(burners), Contender("ours", problems, workers=2) as contender:
            for number in range(rounds):
                found += contender.run(programs_of(problems, number)).failed
        print(f"\n{state}: {rounds * len(problems)} right programs, {len(found)} not passed")
        failed += [f"{state}: {line}" for line in found]
    spun = run_spinners()
    failed += spun.failed
    print(
        f"{SPINS} right programs of {SPIN_SECONDS:g} s of CPU, {SPINNERS} at once, limit "
        f"{SPIN_LIMIT_SECONDS:g} s: {len(spun.failed)} not passed"
    )
    for line in failed:
        print(f"  {line}")
    print(verdict_line(not failed, "no right program fails", f"{len(failed)} failed"))
    return not failed


def run_spinners() -> Block:
    """Run programs that need a second of CPU, all of them in one pool of many workers."""
    problem = Problem(
        task_id="spin",
        suite="bench",
        prompt="",
        entry_point="spin",
        canonical_solution="def spin():\n    return True\n",
        test="def check(candidate):\n    assert candidate() is True\n",
    )
    source = (
        "import time\n\ndef spin():\n    started = time.process_time()\n"
        f"    while time.process_time() - started < {SPIN_SECONDS}:\n        pass\n"
        "    return True\n"
    )
    programs = [("spin", f"{source}# {number}\n") for number in range(SPINS)]
    with Contender(
        "ours", [problem], workers=SPINNERS, cpu_seconds=SPIN_LIMIT_SECONDS
    ) as contender:
        return contender.run(programs)


@contextlib.contextmanager
def burning(count: int) -> Iterator[None]:
    """Keep `count` cores busy for the time being."""
    command = [sys.executable, "-c", "while True: pass"]
    burners = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def endless(problems: Sequence[Problem]) -> Iterator[tuple[str, str]]:
    """Yield the canonical solutions over and over, no two programs alike."""
    mark = 0
    while True:
        yield from programs_of(problems, mark)
        mark += 1


def cut(
    programs: Iterator[tuple[str, str]], count: int, step: int
) -> Iterator[list[tuple[str, str]]]:
    """Yield `count` programs, `step` at a time.

    >>> [len(part) for part in cut(iter([("t", "")] * 9), 7, 3)]
    [3, 3, 1]
    """
    for start in range(0, count, step):
        yield [next(programs) for _ in range(min(step, count - start))]


def show_usage(usage: Usage) -> str:
    """Return what processes hold, in a few words."""
    pss = "" if usage.pss_mib is None else f" ({usage.pss_mib:.0f} with shared pages once)"
    return f"{usage.rss_mib:.0f}{pss} MiB, {usage.processes} processes, {usage.files} files"
