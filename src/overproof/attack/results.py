"""What an attack showed: curves with intervals, paired differences, the variants found."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from overproof.attack.config import AttackConfig
from overproof.measure.intervals import mcnemar_p, newcombe, wilson
from overproof.records import Variant, encode_row
from overproof.store import RunFolder, write_atomically


@dataclass(frozen=True, kw_only=True)
class Attacked:
    """What one strategy did to one model."""

    model: str
    strategy: str
    total: int
    """Problems of the suite that were judged."""
    solved: int
    """Solved as published."""
    broken_at: dict[str, int]
    """Task to the number of the query that broke it."""
    budget: int
    queries: int = 0
    scored: int = 0
    found: list[Variant] = field(default_factory=list)
    """The first variant that broke each problem."""

    def robust(self, queries: int) -> int:
        """Return how many problems are solved and stand after this many queries."""
        return self.solved - sum(number <= queries for number in self.broken_at.values())

    def curve(self) -> list[dict[str, float]]:
        """Return robust pass@1 with its 95 % Wilson interval after 0 … budget queries."""
        points = []
        for queries in range(self.budget + 1):
            low, high = wilson(self.robust(queries), self.total)
            value = self.robust(queries) / self.total
            points.append({"queries": queries, "value": value, "low": low, "high": high})
        return points


def compare(
    first: Attacked, second: Attacked, queries: int, tasks: Sequence[str]
) -> dict[str, Any]:
    """Return the paired difference in robust pass@1 after this many queries, first - second."""
    stands = [
        (
            first.broken_at.get(task, queries + 1) > queries,
            second.broken_at.get(task, queries + 1) > queries,
        )
        for task in tasks
    ]
    both = sum(a and b for a, b in stands)
    only_first = sum(a and not b for a, b in stands)
    only_second = sum(b and not a for a, b in stands)
    neither = first.total - both - only_first - only_second
    low, high = newcombe(both, only_first, only_second, neither)
    return {
        "first": first.strategy,
        "second": second.strategy,
        "queries": queries,
        "value": (only_first - only_second) / first.total,
        "low": low,
        "high": high,
        "p": mcnemar_p(only_second, only_first),
    }


def summary_lines(found: Sequence[Attacked]) -> Iterator[str]:
    """Yield robust pass@1 against queries for every strategy, and the paired differences."""
    budget = found[0].budget
    marks = sorted({0, 1, 2, 5, 10, 20, 50, budget} & set(range(budget + 1)))
    yield f"robust pass@1 of {found[0].model} after so many queries, %, 95 % interval"
    yield f"{'queries':>7}  " + "  ".join(f"{each.strategy:<20}" for each in found)
    for mark in marks:
        cells = []
        for each in found:
            point = each.curve()[mark]
            interval = f"[{100 * point['low']:.1f}, {100 * point['high']:.1f}]"
            cells.append(f"{100 * point['value']:5.1f} {interval:<14}")
        yield f"{mark:>7}  " + "  ".join(cells)
    for each in found:
        means = f"{each.queries} queries" + (f", {each.scored} scored" if each.scored else "")
        yield f"{each.strategy}: {len(each.broken_at)} of {each.solved} broken, {means}"
    for row in differences(found):
        interval = f"[{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]"
        yield (
            f"{row['first']} minus {row['second']} at {row['queries']} queries: "
            f"{100 * row['value']:+.1f} points {interval}, McNemar p = {row['p']:.3g}"
        )


def differences(found: Sequence[Attacked]) -> list[dict[str, Any]]:
    """Return every later strategy against the first one, after 5 queries and at the end."""
    rows = []
    for later in found[1:]:
        tasks = sorted({*later.broken_at, *found[0].broken_at})
        standing = found[0].solved - len(tasks)
        padded = [*tasks, *(f"standing {number}" for number in range(standing))]
        marks = sorted({min(5, later.budget), later.budget})
        rows += [compare(later, found[0], mark, padded) for mark in marks]
    return rows


def summary(found: Sequence[Attacked]) -> dict[str, Any]:
    """Return the curves and the paired differences as plain data."""
    results = [
        {
            "model": each.model,
            "strategy": each.strategy,
            "problems": each.total,
            "solved": each.solved,
            "broken": len(each.broken_at),
            "queries": each.queries,
            "scored": each.scored,
            "curve": each.curve(),
        }
        for each in found
    ]
    return {"results": results, "differences": differences(found)}


def write_results(found: Sequence[Attacked], config: AttackConfig, folder: RunFolder) -> None:
    """Write the curves and, as a dataset, the variants that broke the model."""
    settings = asdict(config) | {"max_perplexity_ratio": str(config.max_perplexity_ratio)}
    folder.write_json("attack.json", {"settings": settings, **summary(found)})
    rows = {row.key: row for each in found if each.strategy != "null" for row in each.found}
    content = b"".join(encode_row(row) + b"\n" for row in rows.values())
    write_atomically(folder.path / "found.jsonl", content)
