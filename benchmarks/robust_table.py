"""The robustness table of a run as Markdown: an operator, a family or an aggregate a row.

python benchmarks/robust_table.py runs/quick05
"""

import json
import sys
from pathlib import Path

import msgspec

from overproof.records import Score
from overproof.report.facts import ScoreIndex, operator_name, percent

METRICS = ("pass", "robust_pass", "robust_drop", "robust_drop_corrected", "robust_relative")
HEADS = ("mean pass@1", "RP@1", "RD@1", "RD beyond noise", "RR@1", "broken", "repaired")


def main() -> None:
    """Print one table per model."""
    results = json.loads((Path(sys.argv[1]) / "results.json").read_text())
    index = ScoreIndex(msgspec.convert(results["scores"], list[Score]))
    for model in results["manifest"]["models"]:
        name = model["name"]
        nominal = index.nominal(name, "pass@1")
        print(f"\n{name}: pass@1 {percent(nominal)} % of {nominal.n if nominal else 0} tasks\n")
        print(f"| operator | family | tasks | s | {' | '.join(HEADS)} |")
        print("|---" * (len(HEADS) + 4) + "|")
        for operator, family in index.places(single_families=True):
            found = {m: index.get(name, f"{m}@1", operator, family) for m in METRICS}
            robust, relative = found["robust_pass"], found["robust_relative"]
            counts = relative.counts if relative else {}
            cells = [
                operator_name(operator, family),
                family,
                str(robust.n if robust else 0),
                str(robust.counts.get("variants_per_task", "")) if robust else "",
                *(percent(score) for score in found.values()),
                str(counts.get("broken", "")),
                str(counts.get("repaired", "")),
            ]
            print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
