"""What each term of the objective does, as Markdown: an arm against the arm that lacks its term.

python benchmarks/ablation_table.py runs/ablation-smollm2

An arm's counterpart is the one that shares most of its settings; the plainest arm's, the student
before training. Differences are of nats per held-out token, over the same lessons, with the 95 %
percentile interval of a bootstrap over lessons; p by flipping signs, Holm over the table's terms
within a condition. Below zero the term brings the student nearer to its teacher.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from overproof.measure.claims import holm
from overproof.measure.clustered import sign_flip_p

DRAWS = 10_000
UNTRAINED = "undistilled"
Rows = Any
"""Lessons by two: the sum of the divergences of the tokens, and their number."""


def load(run: Path) -> dict[str, dict[str, Any]]:
    """Return the training record of every arm, those with fewer settings of their own first."""
    found = [json.loads(path.read_text()) for path in run.glob("models/*/training.json")]
    if not found:
        sys.exit(f"{run}: no trained arm, looked for models/*/training.json")
    return {record["arm"]: record for record in sorted(found, key=lambda row: len(row["changes"]))}


def counterpart(arm: str, arms: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the arm whose settings are the largest part of this one's that is unique."""
    changes = arms[arm]["changes"]
    sizes: dict[int, list[str]] = {}
    for name, other in arms.items():
        if name != arm and other["changes"].items() < changes.items():
            sizes.setdefault(len(other["changes"]), []).append(name)
    unique = [size for size, names in sizes.items() if len(names) == 1]
    return sizes[max(unique)][0] if unique else UNTRAINED


def rows_of(arm: str, condition: str, arms: Mapping[str, Mapping[str, Any]]) -> Rows:
    """Return an arm's held-out lessons under a condition, as they were measured last."""
    record = next(iter(arms.values())) if arm == UNTRAINED else arms[arm]
    steps = sorted(record["measured"], key=int)
    measured = record["measured"][steps[0] if arm == UNTRAINED else steps[-1]]
    return np.array(measured[condition], dtype=float)


def difference(one: Rows, two: Rows) -> tuple[float, float, float, float]:
    """Return the difference of means per token, its limits and p."""
    tokens = one[:, 1]
    per_lesson = (one[:, 0] - two[:, 0]) / tokens.mean()
    draws = np.random.default_rng(0).integers(0, len(one), (DRAWS, len(one)))
    means = (one[:, 0] - two[:, 0])[draws].sum(1) / tokens[draws].sum(1)
    low, high = np.quantile(means, [0.025, 0.975])
    p = sign_flip_p(per_lesson, np.arange(len(one)))
    return float(per_lesson.mean()), float(low), float(high), p


def main() -> None:
    """Print a table of means and one of differences."""
    arms = load(Path(sys.argv[1]))
    conditions = list(next(iter(arms.values()))["heldout"])
    print(f"| arm | {' | '.join(conditions)} | target tokens | tokens/s |")
    print("|---" * (len(conditions) + 3) + "|")
    for arm in (UNTRAINED, *arms):
        found = [rows_of(arm, condition, arms) for condition in conditions]
        cells = [f"{row[:, 0].sum() / row[:, 1].sum():.3f}" for row in found]
        record = arms.get(arm, {})
        cells += [str(record.get("tokens", "–")), str(record.get("target_tokens_per_s", "–"))]
        print(f"| {arm} | {' | '.join(cells)} |")
    pairs = [(arm, counterpart(arm, arms)) for arm in arms]
    columns = []
    for condition in conditions:
        found_all = [
            difference(rows_of(one, condition, arms), rows_of(other, condition, arms))
            for one, other in pairs
        ]
        adjusted = holm([row[3] for row in found_all])
        columns.append(
            [
                f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]{'*' if p < 0.05 else ''}"
                for (mean, low, high, _), p in zip(found_all, adjusted, strict=True)
            ]
        )
    print(f"\n| arm | against | {' | '.join(conditions)} |")
    print("|---" * (len(conditions) + 2) + "|")
    for (arm, other), *cells in zip(pairs, *columns, strict=True):
        print(f"| {arm} | {other} | {' | '.join(cells)} |")
    print("\nNats per held-out token; * p < 0.05 after Holm over the column.")


if __name__ == "__main__":
    main()
