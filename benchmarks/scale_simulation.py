"""Many ranks without many machines: measured costs, dealt as a run deals them.

    python benchmarks/scale_simulation.py scale.json --batches 4096

Reads what benchmarks/scale_throughput.py wrote. First the check: the simulated time of 1 and of 2
ranks beside the measured one. Then a larger study, whose batches are drawn from the measured ones,
on 1 to 64 ranks: how long the slowest rank works, what that is of the ideal, and the same with two
other ways to deal (by hash; the next batch to whoever is free, which needs a scheduler).

Simulated: the batches' times, the start of each rank. Not simulated: a shared disk, memory bus or
server, nodes of different speed, a scheduler's queue. Those only make it slower.
"""

import argparse
import heapq
import json
import random
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from overproof.records import content_key
from overproof.scale.deal import Place, deal

WORLDS = (1, 2, 4, 8, 16, 32, 64)

Dealing = Callable[[Sequence[float], int], list[float]]
"""From batch times and the world size to how long each rank works."""


def like_cards(batches: Sequence[float], world: int) -> list[float]:
    """As a run does: batch by batch to the next rank."""
    keys = [str(number) for number in range(len(batches))]
    return [
        sum(batches[number] for number in deal(keys, Place(rank, world))) for rank in range(world)
    ]


def by_hash(batches: Sequence[float], world: int) -> list[float]:
    """Each batch to the rank that its hash names."""
    loads = [0.0] * world
    for number, seconds in enumerate(batches):
        loads[int(content_key(number)[:8], 16) % world] += seconds
    return loads


def on_demand(batches: Sequence[float], world: int) -> list[float]:
    """Each batch to the rank that is free first."""
    loads = [0.0] * world
    heapq.heapify(loads)
    for seconds in batches:
        heapq.heapreplace(loads, loads[0] + seconds)
    return loads


def main() -> None:
    """Print the check, then the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("measured", type=Path)
    parser.add_argument("--batches", type=int, default=4096)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    measured = json.loads(options.measured.read_text())
    for stage in ("generate", "execute"):
        check(stage, measured[stage])
    one = measured["generate"]
    start_s = start_seconds(one) + loading_seconds(one)
    drawn = draw(one["batch_s"], options.batches, options.seed)
    print(
        f"\n{options.batches} batches, {sum(drawn) / 3600:.1f} h of one rank, {start_s:.1f} s start"
    )
    print(
        f"{'ranks':>6}{'slowest, s':>12}{'speed-up':>10}{'of ideal':>10}{'by hash':>10}"
        f"{'on demand':>11}"
    )
    alone = start_s + sum(drawn)
    for world in WORLDS:
        ways: tuple[Dealing, ...] = (like_cards, by_hash, on_demand)
        cards, hashed, demand = (start_s + max(way(drawn, world)) for way in ways)
        print(
            f"{world:>6}{cards:>12.0f}{alone / cards:>10.1f}{alone / cards / world:>10.1%}"
            f"{alone / hashed / world:>10.1%}{alone / demand / world:>11.1%}"
        )


def check(stage: str, found: dict[str, Any]) -> None:
    """Print simulated beside measured times of 1 and 2 ranks."""
    start_s = start_seconds(found)
    work_s = statistics.median(found["rank_s"]["1"])
    batches = found["batch_s"] or [work_s / found["items"]] * found["items"]
    loading_s = loading_seconds(found)
    for world in (1, 2):
        simulated = start_s + loading_s + max(like_cards(batches, world))
        real = statistics.median(found["wall_s"][str(world)])
        print(
            f"{stage}, {world} rank{'s' if world > 1 else ''}: simulated {simulated:.1f} s, "
            f"measured {real:.1f} s, {simulated / real - 1:+.1%}"
        )


def start_seconds(found: dict[str, Any]) -> float:
    """Return how long a rank takes until it is at work: the interpreter, the imports."""
    pairs = zip(found["wall_s"]["1"], found["rank_s"]["1"], strict=True)
    return float(statistics.median(wall - work for wall, work in pairs))


def loading_seconds(found: dict[str, Any]) -> float:
    """Return what every rank pays before its first batch: the model; 0 where it is not told."""
    if not found["batch_s"]:
        return 0.0
    work_s, batches_s = statistics.median(found["rank_s"]["1"]), sum(found["batch_s"])
    return float(max(0.0, work_s - batches_s))


def draw(batches: Sequence[float], count: int, seed: int) -> list[float]:
    """Return a larger study's batches: measured ones drawn with replacement, the order kept.

    Batches come by length of the prompt, so that a study's are drawn in that order, too.
    """
    chosen = random.Random(seed).choices(range(len(batches)), k=count)
    return [batches[number] for number in sorted(chosen)]


if __name__ == "__main__":
    main()
