"""A model against itself while the machine is busy: how often the interval of the ratio holds 1.

    make bench-latency                       100 runs and 20 in blocks, an hour and a half
    make bench-latency ARGS="--runs 10"      a tenth of it
    make bench-latency ARGS="--out FILE"     each run is kept in FILE; the same command goes on

One engine is loaded twice, so the true ratio is 1. Every run asks 164 prompts (HumanEval's, cut
short: what is tested is the clock, not the answer) of both, in turns, as `overproof bench` does,
while other processes, as many as there are cores, switch on and off at random every few seconds.
Every run is measured afresh. Beside it: the geometric mean with a bootstrap interval on the same
answers; and blocks (all prompts to the one, then all to the other), as most tools do it.
Aims: the interval holds 1 in 95 % of the runs or more; half its width is at most 5 % in CPU time
and 12 % in wall time.
"""

import argparse
import json
import multiprocessing
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from overproof.bench.machine import Meter, pinned
from overproof.bench.turns import close_all, load_all, request_for, turn_orders
from overproof.engines.generate import Contender, form_for
from overproof.engines.protocol import Engine, Request
from overproof.measure.intervals import Floats, bootstrap_rows, wilson
from overproof.measure.speed import typical_ratio
from overproof.models import resolve_model
from overproof.progress import say
from overproof.recipe import ModelsConfig
from overproof.suites import load_suite

NAMES = ("one", "two")
CLOCKS = ("wall", "cpu")
AIMS = {"wall": 0.12, "cpu": 0.05}
Times = dict[str, dict[str, list[float]]]


def burn(seed: int, on_s: float) -> None:
    """Keep a core busy for a while, rest for a while, for ever."""
    generator = random.Random(seed)
    while True:
        until = time.monotonic() + generator.expovariate(1 / on_s)
        while time.monotonic() < until:
            sum(range(2000))
        time.sleep(generator.expovariate(1 / on_s))


def requests_for(model: str, prompts: int, characters: int, tokens: int) -> list[Request]:
    """Return short requests, one a prompt."""
    form = form_for(resolve_model(model), "raw")
    problems = load_suite("humaneval")[:prompts]
    return [request_for(p.prompt[:characters], p.language, form, tokens) for p in problems]


def answer(engines: dict[str, Engine], name: str, request: Request, times: Times) -> None:
    """Time one answer on both clocks."""
    stamps = engines[name].time(request)
    times[name]["wall"].append((stamps.ended_ns - stamps.sent_ns) / 1e9)
    times[name]["cpu"].append(stamps.cpu_seconds)


def mean_ratio(first: Floats, second: Floats, seed: int) -> tuple[float, float, float]:
    """Return the geometric mean of the ratios with its bootstrap interval, for comparison."""
    logs = np.log(first / second)
    low, high = bootstrap_rows(logs, lambda drawn: drawn.mean(axis=1), seed=seed) or (0.0, 0.0)
    return float(np.exp(logs.mean())), float(np.exp(low)), float(np.exp(high))


def one_run(
    engines: dict[str, Engine], requests: Sequence[Request], seed: int, blocks: bool
) -> dict[str, Any]:
    """Ask everything of both and return the ratio on both clocks, by both estimators."""
    times: Times = {name: {clock: [] for clock in CLOCKS} for name in NAMES}
    meter = Meter()
    if blocks:
        [order] = turn_orders(NAMES, 1, seed)
        for name in order:
            for request in requests:
                answer(engines, name, request, times)
    else:
        for request, order in zip(requests, turn_orders(NAMES, len(requests), seed), strict=True):
            for name in order:
                answer(engines, name, request, times)
    used = meter.read()
    found: dict[str, Any] = {"blocks": blocks, "seconds": used.seconds, "others": used.others}
    for clock in CLOCKS:
        one, two = (np.array(times[name][clock]) for name in NAMES)
        found[clock] = typical_ratio(one, two)[:3]
        found[f"{clock}_mean"] = mean_ratio(one, two, seed)
    return found


def summary(rows: Sequence[dict[str, Any]], what: str, field: str) -> tuple[float, float]:
    """Print and return how often 1 is within, and half the width of the middle run."""
    limits = [(row[field][1], row[field][2]) for row in rows if row[field][1] is not None]
    held = sum(low <= 1 <= high for low, high in limits)
    width = median((high - low) / 2 for low, high in limits)
    low, high = wilson(held, len(limits))
    far = max(abs(np.log(row[field][0])) for row in rows)
    print(
        f"{what:<26}{field:<10} holds 1 in {held}/{len(limits)} ({held / len(limits):.0%}, "
        f"[{low:.0%}, {high:.0%}]), half-width {width:.1%}, furthest ratio {np.exp(far):.3f}"
    )
    return held / len(limits), width


SETTING = ("runs", "block_runs", "prompts", "tokens", "characters", "model", "engine", "burners")


def keep(options: argparse.Namespace, row: dict[str, Any]) -> None:
    """Append a run to `--out`, with the setting that it belongs to."""
    if options.out:
        setting = {name: getattr(options, name) for name in SETTING}
        with options.out.open("a") as file:
            file.write(json.dumps({"setting": setting, **row}) + "\n")


def read_runs(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the runs that `--out` holds, the last line without its end left out."""
    if not (options.out and options.out.exists()):
        return []
    whole = options.out.read_text().rpartition("\n")[0]
    options.out.write_text(whole + "\n" if whole else "")
    rows = [json.loads(line) for line in whole.splitlines()]
    setting = {name: getattr(options, name) for name in SETTING}
    if any(row["setting"] != setting for row in rows):
        sys.exit(f"{options.out}: holds runs with another setting than {setting}")
    return rows


def main() -> None:
    """Run what `--out` does not hold yet, print the summary; exit with 1 if an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--block-runs", type=int, help="default: a fifth of the runs")
    parser.add_argument("--prompts", type=int, default=164)
    parser.add_argument("--tokens", type=int, default=4, help="of an answer")
    parser.add_argument("--characters", type=int, default=160, help="of a prompt")
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--engine", default="ctranslate2")
    parser.add_argument("--burners", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--on-seconds", type=float, default=2.0, help="mean of a busy stretch")
    parser.add_argument("--out", type=Path, help="JSON lines, one a run")
    options = parser.parse_args()
    requests = requests_for(options.model, options.prompts, options.characters, options.tokens)
    contenders = [Contender(name=name, source=resolve_model(options.model)) for name in NAMES]
    blocks = options.runs // 5 if options.block_runs is None else options.block_runs
    plan = [False] * options.runs + [True] * blocks
    random.Random(0).shuffle(plan)  # so that no hour belongs to one design
    spawn = multiprocessing.get_context("spawn")
    rows = read_runs(options)
    if len(rows) >= len(plan):
        sys.exit(report(rows))
    with pinned(1):
        precision = "int8" if options.engine == "ctranslate2" else "gguf"
        models = ModelsConfig(engine=options.engine, precision=precision, threads=1)
        engines = load_all(contenders, models)
    burners = [
        spawn.Process(target=burn, args=(seed, options.on_seconds), daemon=True)
        for seed in range(options.burners)
    ]
    try:
        for process in burners:
            process.start()
        with pinned(1):
            for request in requests[:2]:
                one_run(engines, [request], 0, False)
            for number, block in list(enumerate(plan))[len(rows) :]:
                rows.append(one_run(engines, requests, number, block))
                keep(options, rows[-1])
                took = rows[-1]["seconds"]
                say(f"run {number + 1} of {len(plan)}{' (blocks)' if block else ''}: {took:.0f} s")
    finally:
        for process in burners:
            process.kill()
        close_all(engines)
    sys.exit(report(rows))


def report(rows: Sequence[dict[str, Any]]) -> int:
    """Print all designs side by side; return 1 if one of the aims is missed."""
    turns = [row for row in rows if not row["blocks"]]
    blocks = [row for row in rows if row["blocks"]]
    missed = 0
    for clock in CLOCKS:
        held, width = summary(turns, "turns, signed rank", clock)
        missed |= held < 0.95 or width > AIMS[clock]
        summary(turns, "turns, mean and bootstrap", f"{clock}_mean")
        if blocks:
            summary(blocks, "blocks, signed rank", clock)
    busy = median(row["others"] or 0.0 for row in rows)
    print(f"other programs kept {busy:.1f} cores busy; aims {'missed' if missed else 'met'}")
    return int(missed)


if __name__ == "__main__":
    main()
