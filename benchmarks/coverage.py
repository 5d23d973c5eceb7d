"""Whether the statistics hold: coverage, false claims, power and detectable effects, simulated.

    make bench-coverage                  2,000 runs each, about a quarter of an hour on one core
    python benchmarks/coverage.py --runs 200 --only coverage

Every figure comes from the functions that reports are made with, on made-up verdicts whose true
values are known (measure/simulated.py). The tables are those of docs/concepts/statistics.md.
"""

import argparse
from collections.abc import Callable, Iterator
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from overproof.measure.equivalence import judge
from overproof.measure.estimates import (
    Column,
    Estimate,
    corrected_drop_estimate,
    drop_difference,
    drop_estimate,
    mean_difference,
    mean_estimate,
)
from overproof.measure.intervals import mcnemar_p
from overproof.measure.ledger import ledger
from overproof.measure.power import detectable_clustered, detectable_paired, mean_error
from overproof.measure.simulated import World, claim_scores, verdicts
from overproof.measure.trends import slope_estimate, slope_weights

Floats = NDArray[np.float64]
Pair = tuple[NDArray[np.bool_], NDArray[np.bool_]]
POPULATION = 400_000
SHARES = ((0.5, 0.4), (0.6, 0.6), (0.2, 0.15), (0.9, 0.85), (0.1, 0.05), (0.03, 0.02))
SHAPES = {
    "one verdict": {"prompts": 1, "samples": 1},
    "5 samples": {"prompts": 1, "samples": 5},
    "5 variants": {"prompts": 5, "samples": 1},
    "13 languages": {"prompts": 13, "samples": 1},
}
MODELS = [{"name": name} for name in ("teacher", "undistilled", "distilled")]


def main() -> None:
    """Print the tables that were asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--tasks", type=int, default=164)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=TABLES, action="append")
    asked = parser.parse_args()
    for name in asked.only or TABLES:
        generator = np.random.default_rng([asked.seed, list(TABLES).index(name)])
        print(f"\n{name}: {asked.runs:,} runs of {asked.tasks} tasks", flush=True)
        for line in TABLES[name](generator, asked.runs, asked.tasks):
            print(line, flush=True)


def coverage(generator: np.random.Generator, runs: int, tasks: int) -> Iterator[str]:
    """Yield the coverage of means, differences and drops, by how verdicts hang together."""
    yield f"{'shares':>10} {'verdicts':>13} {'mean':>6} {'difference':>11} {'drop':>6}"
    for first, second in SHARES:
        for shape, counts in SHAPES.items():
            world = World(first=first, second=second, tasks=tasks, **counts)
            one, two = verdicts(generator, world, 1, POPULATION)
            a, b = float(one.mean()), float(two.mean())
            ids = np.repeat(np.arange(tasks), counts["prompts"])
            makers: list[tuple[Callable[[Column, Column], Estimate], float]] = [
                (lambda x, y: mean_estimate(x), a),
                (mean_difference, a - b),
                (drop_estimate, 1 - b / a),
            ]
            shares = _cover(generator, world, runs, ids, makers)
            cells = f"{shares[0]:6.1f} {shares[1]:11.1f} {shares[2]:6.1f}"
            yield f"{first:>5}/{second:<4} {shape:>13} {cells}"


def _cover(
    generator: np.random.Generator,
    world: World,
    runs: int,
    ids: NDArray[np.int64],
    makers: list[tuple[Callable[[Column, Column], Estimate], float]],
) -> list[float]:
    hits, defined = np.zeros(len(makers)), np.zeros(len(makers))
    for one, two in _draws(generator, world, runs):
        columns = [Column(table.mean(axis=-1).ravel(), ids) for table in (one, two)]
        for place, (make, truth) in enumerate(makers):
            found = make(columns[0], columns[1])
            if found.low is not None and found.high is not None:
                defined[place] += 1
                hits[place] += found.low <= truth <= found.high
    return list(100 * hits / np.maximum(defined, 1))


def _draws(
    generator: np.random.Generator, world: World, runs: int, batch: int = 200
) -> Iterator[Pair]:
    for start in range(0, runs, batch):
        one, two = verdicts(generator, world, min(batch, runs - start))
        yield from zip(one, two, strict=True)


def drops(generator: np.random.Generator, runs: int, tasks: int) -> Iterator[str]:
    """Yield the coverage of worst-case figures: s variants per task, and as many repeats."""
    yield f"{'shares':>10} {'s':>2} {'robust':>7} {'drop':>6} {'beyond noise':>13} {'gap':>6}"
    ids = np.arange(tasks)
    for first, second in SHARES[:-1]:
        for s in (1, 3, 5):
            world = World(first=first, second=second, tasks=tasks, prompts=1 + 2 * s)
            truths = _worst(*(_parts(t[0], s) for t in verdicts(generator, world, 1, POPULATION)))
            hits, defined = np.zeros(4), np.zeros(4)
            for one, two in _draws(generator, world, runs):
                (n1, r1, z1), (n2, r2, _) = (
                    [Column(part, ids) for part in _parts(t, s)] for t in (one, two)
                )
                found = [
                    mean_estimate(r1),
                    drop_estimate(n1, r1),
                    corrected_drop_estimate(n1, r1, n1, z1),
                    drop_difference((n1, r1), (n2, r2)),
                ]
                for place, (estimate, truth) in enumerate(zip(found, truths, strict=True)):
                    if estimate.low is not None and estimate.high is not None:
                        defined[place] += 1
                        hits[place] += estimate.low <= truth <= estimate.high
            share = 100 * hits / np.maximum(defined, 1)
            cells = f"{share[0]:7.1f} {share[1]:6.1f} {share[2]:13.1f} {share[3]:6.1f}"
            yield f"{first:>5}/{second:<4} {s:>2} {cells}"


def _parts(table: NDArray[np.bool_], s: int) -> list[Floats]:
    """Return nominal verdicts, the worst of s variants, and the worst of s others."""
    flat = table[..., 0]
    columns = flat[:, 0], flat[:, 1 : 1 + s].all(axis=1), flat[:, 1 + s :].all(axis=1)
    return [np.asarray(column, dtype=np.float64) for column in columns]


def _worst(one: list[Floats], two: list[Floats]) -> list[float]:
    (n1, r1, z1), (n2, r2, _) = ([float(c.mean()) for c in part] for part in (one, two))
    return [r1, 1 - r1 / n1, 1 - (r1 / n1) / (z1 / n1), r2 / n2 - r1 / n1]


def sizes(generator: np.random.Generator, runs: int, tasks: int) -> Iterator[str]:
    """Yield coverage and false findings of the slope over the size, with 2 and 4 models."""
    yield f"{'models':>6} {'share':>6} {'coverage':>9} {'p <= 0.05 under no effect':>26}"
    for sizes_of in ((1.0, 3.0), (0.5, 1.5, 3.0, 7.0)):
        weights = slope_weights(sizes_of)
        for share in (0.5, 0.1, 0.03):
            world = World(first=share, second=share, tasks=tasks)
            hits = found = 0
            for _ in range(runs):
                table = _several(generator, world, len(sizes_of))
                estimate, p = slope_estimate(table, [str(i) for i in range(tasks)], weights)
                assert estimate.low is not None and estimate.high is not None and p is not None
                hits += estimate.low <= 0 <= estimate.high
                found += p <= 0.05
            cells = f"{100 * hits / runs:9.1f} {100 * found / runs:26.1f}"
            yield f"{len(sizes_of):>6} {share:>6} {cells}"


def _several(generator: np.random.Generator, world: World, count: int) -> Floats:
    """Return verdicts of as many models of one skill on the same tasks; shape (count, tasks)."""
    # One model per prompt, each with an ease of its own: prompt and own spread taken together.
    spread = sqrt(world.own**2 + world.prompt**2)
    alike = World(
        first=world.first, second=world.first, tasks=world.tasks,
        prompts=count, own=0.0, prompt=spread,
    )  # fmt: skip
    table, _ = verdicts(generator, alike)
    return table[0, :, :, 0].T.astype(np.float64)


def null(generator: np.random.Generator, runs: int, tasks: int) -> Iterator[str]:
    """Yield how many reports say anything false where all models are alike."""
    yield f"{'share':>6} {'s':>2} {'any verified':>13} {'headline':>9} {'true ones refuted':>18}"
    for share in (0.5, 0.2):
        s, alike = 3, World(first=share, second=share, tasks=tasks, prompts=4)
        any_verified = main = refuted = 0
        for one, two in _draws(generator, alike, runs):
            # The third model of a task shares its ease as the others do; see _third.
            tables = {
                "teacher": _third(generator, alike, one, two),
                "undistilled": one,
                "distilled": two,
            }
            passed = {name: table[..., 0] for name, table in tables.items()}
            scores = claim_scores(passed, {"teacher": 3.0, "undistilled": 1.0})
            claims = ledger(scores, {"models": MODELS}, {})
            # Of two that are alike, one is no worse than the other: these are no false claims.
            true = [claim for claim in claims if claim.kind in ("kept", "drop_inherited")]
            any_verified += any(c.verdict == "verified" for c in claims if c.kind != "kept")
            refuted += any(claim.verdict == "refuted" for claim in true)
            main += any(c.verdict == "verified" for c in claims if c.kind == "robust_gain")
        cells = [f"{100 * count / runs:.1f}" for count in (any_verified, main, refuted)]
        yield f"{share:>6} {s:>2} {cells[0]:>13} {cells[1]:>9} {cells[2]:>18}"


def _third(
    generator: np.random.Generator, world: World, one: NDArray[np.bool_], two: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return a third model's verdicts: on every task those of one of the two, or of another."""
    picked = np.where(generator.random(world.tasks)[:, None, None] < 0.5, one, two)
    other, _ = verdicts(generator, world)
    fresh = generator.random(world.tasks)[:, None, None] < 0.3
    return np.where(fresh, other[0], picked)


def power(generator: np.random.Generator, runs: int, tasks: int) -> Iterator[str]:
    """Yield how often a true gain of 10 points in robust pass@1 is verified."""
    yield f"{'discordance':>11} {'verified':>9} {'detectable, points':>19}"
    ids = np.arange(tasks)
    for discordance in (0.10, 0.12, 0.15, 0.18, 0.20, 0.25):
        found = 0
        for _ in range(runs):
            one, two = _paired(generator, tasks, discordance, 0.10)
            estimate = mean_difference(Column(one, ids), Column(two, ids))
            p = mcnemar_p(int((one < two).sum()), int((one > two).sum()))
            assert estimate.low is not None
            found += estimate.low > 0 and p < 0.05
        least = detectable_paired(tasks, discordance) or 1.0
        yield f"{discordance:>11.2f} {100 * found / runs:9.1f} {100 * least:19.1f}"


def _paired(
    generator: np.random.Generator, tasks: int, discordance: float, difference: float
) -> tuple[Floats, Floats]:
    """Return verdicts of which the first alone passes (discordance + difference) / 2."""
    only_first = (discordance + difference) / 2
    drawn = generator.random(tasks)
    first, second = drawn < only_first, (drawn >= only_first) & (drawn < discordance)
    both = drawn > 1 - (1 - discordance) / 2
    return (first | both).astype(np.float64), (second | both).astype(np.float64)


def detectable(generator: np.random.Generator, runs: int, tasks: int) -> Iterator[str]:
    """Yield how often a difference of the detectable size is found: 80 % is right."""
    yield f"{'verdicts':>22} {'detectable, points':>19} {'found':>6}"
    for discordance in (0.05, 0.1, 0.2, 0.4):
        least = detectable_paired(tasks, discordance) or 1.0
        drawn = generator.multinomial(tasks, _cells(max(discordance, least), least), size=runs)
        found = sum(mcnemar_p(int(c[1]), int(c[0])) < 0.05 for c in drawn) / runs
        yield f"{'discordance ' + str(discordance):>22} {100 * least:19.1f} {100 * found:6.1f}"
    for shape in list(SHAPES)[1:]:
        counts = SHAPES[shape]
        ids = np.repeat(np.arange(tasks), counts["prompts"])
        alike = World(first=0.4, second=0.4, tasks=tasks, **counts)
        errors = [
            mean_error((one.mean(-1) - two.mean(-1)).ravel(), ids)
            for one, two in _draws(generator, alike, min(runs, 200))
        ]
        least = detectable_clustered(float(np.mean(errors)), tasks) or 1.0
        apart = World(first=0.4 + least, second=0.4, tasks=tasks, **counts)
        found = 0.0
        for one, two in _draws(generator, apart, runs):
            a, b = (Column(t.mean(-1).ravel(), ids) for t in (one, two))
            limits = mean_difference(a, b)
            found += limits.low is not None and limits.low > 0
        yield f"{shape:>22} {100 * least:19.1f} {100 * found / runs:6.1f}"


def _cells(discordance: float, difference: float) -> list[float]:
    first = (discordance + difference) / 2
    return [first, discordance - first, 1 - discordance]


def margins(generator: np.random.Generator, runs: int, tasks: int) -> Iterator[str]:
    """Yield how often a model worse by the margin is called non-inferior: 2.5 % is right."""
    heads = f"{'worse by it':>12} {'as good':>8} {'equivalent':>11}"
    yield f"{'verdicts':>13} {'margin':>7} {'tasks':>6} {heads}"
    for shape, counts in SHAPES.items():
        for margin, size in ((0.1, tasks), (0.05, 4 * tasks)):
            ids = np.repeat(np.arange(size), counts["prompts"])
            found = []
            for loss in (margin, 0.0):
                world = World(first=0.5 - loss, second=0.5, tasks=size, **counts)
                said = [
                    _judged(one, two, ids, margin) for one, two in _draws(generator, world, runs)
                ]
                found.append(100 * sum(v in ("non-inferior", "equivalent") for v in said) / runs)
            same = 100 * sum(verdict == "equivalent" for verdict in said) / runs
            yield f"{shape:>13} {margin:>7} {size:>6} {found[0]:12.1f} {found[1]:8.1f} {same:11.1f}"


def _judged(
    one: NDArray[np.bool_], two: NDArray[np.bool_], ids: NDArray[np.int64], margin: float
) -> str:
    found = mean_difference(*(Column(t.mean(-1).ravel(), ids) for t in (one, two)))
    assert found.value is not None and found.low is not None and found.high is not None
    return judge(found.value, found.low, found.high, margin).verdict


TABLES = {
    "coverage": coverage,
    "drops": drops,
    "sizes": sizes,
    "null": null,
    "power": power,
    "detectable": detectable,
    "margins": margins,
}

if __name__ == "__main__":
    main()
