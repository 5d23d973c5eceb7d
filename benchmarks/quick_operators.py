"""Which eight operators tell most about a model for their cost: how the preset `quick` was chosen.

    python benchmarks/quick_operators.py --model qwen2.5-coder-0.5b-instruct --problems 16 \
        --rows runs/quick-operators.jsonl

For each operator and problem: how much the model's loss on the canonical solution rises from the
operator's control to one certified variant (nats per token). A set of operators is worth what
share of the worst rise over all operators it finds, averaged over the problems. Operators are
taken one at a time, each family first once, by what the next one adds per prompt that it costs:
`--seeds` for a random operator, one for the others. Rows are kept, a rerun goes on.

Not covered: verdicts. A rise in loss is a proxy; it needs one forward pass instead of an answer.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

from overproof.engines import load_engine
from overproof.engines.generate import form_for
from overproof.models import resolve_model
from overproof.perturb import get_operator, perturb
from overproof.perturb.presets import get_preset
from overproof.records import Variant
from overproof.suites import load_suite

CHOSEN = 8


def main() -> None:
    """Measure what is missing, then print the choice."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="qwen2.5-coder-0.5b-instruct")
    parser.add_argument("--problems", type=int, default=16)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--form", default="brief")
    parser.add_argument("--rows", type=Path, required=True)
    options = parser.parse_args()
    names = get_preset("all")
    variants = perturb(load_suite("humaneval", options.problems), names, [0]).variants
    measure(variants, options.model, options.form, options.rows)
    known = {row["key"]: row["loss"] for row in read(options.rows)}
    choose(rises(variants, known), options.seeds)


def measure(variants: list[Variant], model: str, form_name: str, rows: Path) -> None:
    """Append the loss of every variant that is not there yet."""
    known = {row["key"] for row in read(rows)}
    missing = [row for row in variants if row.key not in known]
    if not missing:
        return
    source = resolve_model(model)
    form = form_for(source, form_name)
    engine = load_engine(source, "ctranslate2")
    missing.sort(key=lambda row: len(row.prompt))
    rows.parent.mkdir(parents=True, exist_ok=True)
    with rows.open("a") as out:
        for start in range(0, len(missing), 16):
            part = missing[start : start + 16]
            texts = [(form.wrap(row.prompt).text, row.canonical_solution) for row in part]
            for row, loss in zip(part, engine.losses(texts), strict=True):
                out.write(json.dumps({"key": row.key, "operator": row.operator, "loss": loss}))
                out.write("\n")
            out.flush()
            print(f"{start + len(part)}/{len(missing)}", flush=True)
    engine.close()


def read(rows: Path) -> list[dict[str, float]]:
    """Return what was measured before; a torn last line is left out."""
    if not rows.exists():
        return []
    return [json.loads(line) for line in rows.read_text().split("\n")[:-1] if line]


def rises(variants: list[Variant], losses: dict[str, float]) -> dict[str, dict[str, float]]:
    """Return, per operator and problem, the loss on a variant minus that on its control."""
    by_place = {(row.operator, row.task_id): losses[row.key] for row in variants}
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for row in variants:
        if row.certificate is not None and row.family != "null":
            control = get_operator(row.operator).control
            if control != row.operator and (control, row.task_id) in by_place:
                rise = losses[row.key] - by_place[control, row.task_id]
                found[row.operator][row.task_id] = rise
    return found


def choose(found: dict[str, dict[str, float]], seeds: int) -> None:
    """Print all operators by mean rise, then the eight that were taken, in order."""
    found.pop("half_body", None)
    tasks = sorted({task for row in found.values() for task in row})
    worst = {task: max(0.0, *(row.get(task, 0.0) for row in found.values())) for task in tasks}
    cost = {name: seeds if get_operator(name).random else 1 for name in found}

    def share(chosen: list[str]) -> float:
        best = {task: max(0.0, *(found[n].get(task, 0.0) for n in chosen)) for task in tasks}
        return sum(best[t] / worst[t] for t in tasks if worst[t]) / len(tasks)

    print(f"{'operator':<34}{'family':<10}{'cost':>5}{'problems':>9}{'mean rise':>10}{'share':>7}")
    for name in sorted(found, key=lambda n: -sum(found[n].values()) / len(found[n])):
        row = found[name]
        mean = sum(row.values()) / len(row)
        family = get_operator(name).family
        alone = share([name, name])
        print(f"{name:<34}{family:<10}{cost[name]:>5}{len(row):>9}{mean:>10.3f}{alone:>7.2f}")
    chosen: list[str] = []
    families = {get_operator(name).family for name in found}
    print("\ntaken, by what is added per prompt")
    while len(chosen) < CHOSEN:
        missing = families - {get_operator(name).family for name in chosen}
        allowed = [
            name
            for name in found
            if name not in chosen and (not missing or get_operator(name).family in missing)
        ]
        base = share([*chosen, *chosen]) if chosen else 0.0
        best = max(allowed, key=lambda n: ((share([*chosen, n, n]) - base) / cost[n], n))
        chosen.append(best)
        print(
            f"{best:<34}{get_operator(best).family:<10}{cost[best]:>5}  share {share(chosen * 2):.2f}"
        )


if __name__ == "__main__":
    main()
