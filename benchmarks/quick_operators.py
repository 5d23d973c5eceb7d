"""Which eight operators tell most about a model for their cost: how the preset `quick` was chosen.

    python benchmarks/quick_operators.py --model qwen2.5-coder-0.5b-instruct --problems 16 \
        --out runs/quick-operators

Every operator is tried once on every problem that the model solves on the operator's control.
An operator finds a problem if the answer to its variant fails. A set of operators is worth the
share it finds of the problems that any operator finds. Operators are taken one at a time, each
family first once, by what the next one adds per prompt that it costs (`--seeds` for a random
operator, one for the others); ties go to the family that has most operators for each one taken,
then to the operator that finds more by itself, then to the cheaper.
Operators that apply to fewer than half of those problems are not taken. Rows are kept; a rerun
goes on.

Not covered: what more seeds of an operator would find; other models.
"""

import argparse
import json
from collections import Counter, defaultdict
from pathlib import Path

from overproof.engines.generate import generate, name_contenders
from overproof.evaluation import evaluation_recipe
from overproof.models import resolve_model
from overproof.perturbation import get_operator, perturb
from overproof.perturbation.presets import get_preset
from overproof.records import Outcome, Sample, Variant
from overproof.sandbox.execute import execute
from overproof.store import RunFolder
from overproof.suites import load_suite

CHOSEN = 8
CONTROLS = ("nominal", "half_body")
SETTINGS = ["models.form=brief", "sampling.max_new_tokens=200", "sampling.batch_size=64"]


def main() -> None:
    """Measure what is missing, then print the choice."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="qwen2.5-coder-0.5b-instruct")
    parser.add_argument("--problems", type=int, default=16)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--strengths", type=Path, help="write them here as JSON, for the adversary")
    options = parser.parse_args()
    found = failures(options.model, options.problems, options.out)
    choose(found, options.seeds)
    if options.strengths:
        counts = {name: [sum(row.values()), len(row)] for name, row in sorted(found.items())}
        lines = ",\n".join(f"  {json.dumps(name)}: {counts[name]}" for name in counts)
        options.strengths.write_text("{\n" + lines + "\n}\n")


def failures(model: str, problems: int, out: Path) -> dict[str, dict[str, bool]]:
    """Return, per operator and task that its control solves, whether the variant fails."""
    recipe = evaluation_recipe([model], ["humaneval"], "", 1, None, "ctranslate2", "", 0, SETTINGS)
    suite = load_suite("humaneval", problems)
    folder = RunFolder(out)
    (contender,) = name_contenders([resolve_model(model)])
    variants = perturb(suite, get_preset("all"), [0], workers=2).variants

    def passed(rows: list[Variant]) -> dict[tuple[str, str], bool]:
        table = folder.table("samples", Sample)
        samples = generate(contender, rows, recipe.models, recipe.sampling, 0, table)
        outcomes = folder.table("outcomes", Outcome)
        verdicts = execute(samples, rows, suite, recipe.limits, outcomes)
        by_variant = {
            sample.variant: verdict.passed
            for sample, verdict in zip(samples, verdicts, strict=True)
        }
        return {(row.operator, row.task_id): by_variant[row.key] for row in rows}

    controls = [row for row in variants if row.operator in CONTROLS]
    solved = {place for place, good in passed(controls).items() if good}
    tried = [
        row
        for row in variants
        if row.operator not in CONTROLS
        and (get_operator(row.operator).control, row.task_id) in solved
    ]
    found: dict[str, dict[str, bool]] = defaultdict(dict)
    for (operator, task), good in passed(tried).items():
        found[operator][task] = not good
    return found


def choose(found: dict[str, dict[str, bool]], seeds: int) -> None:
    """Print all operators by the share of problems that they find, then the eight taken."""
    fallen = {task for row in found.values() for task, failed in row.items() if failed}
    cost = {name: seeds if get_operator(name).random else 1 for name in found}
    rate = {name: sum(row.values()) / len(row) for name, row in found.items()}

    def share(chosen: list[str]) -> float:
        hit = {task for name in chosen for task, failed in found[name].items() if failed}
        return len(hit) / max(1, len(fallen))

    print(f"{len(fallen)} problems fall to at least one operator")
    print(f"{'operator':<34}{'family':<10}{'cost':>5}{'problems':>9}{'failed, %':>10}")
    for name in sorted(found, key=lambda each: (-rate[each], each)):
        family, tried = get_operator(name).family, len(found[name])
        print(f"{name:<34}{family:<10}{cost[name]:>5}{tried:>9}{100 * rate[name]:>10.0f}")
    chosen: list[str] = []
    most = max(map(len, found.values()))
    found = {name: row for name, row in found.items() if len(row) >= most / 2}
    sizes = Counter(get_operator(name).family for name in found)
    families = set(sizes)
    print("\ntaken, by what each adds per prompt")
    while len(chosen) < CHOSEN:
        missing = families - {get_operator(name).family for name in chosen}
        allowed = [
            name
            for name in found
            if name not in chosen and (not missing or get_operator(name).family in missing)
        ]
        taken = Counter(get_operator(name).family for name in chosen)
        best = max(
            allowed,
            key=lambda name: (
                (share([*chosen, name]) - share(chosen)) / cost[name],
                sizes[get_operator(name).family] / max(1, taken[get_operator(name).family]),
                rate[name],
                -cost[name],
                name,
            ),
        )
        chosen.append(best)
        family = get_operator(best).family
        print(f"{best:<34}{family:<10}{cost[best]:>5}  found so far {share(chosen):.2f}")


if __name__ == "__main__":
    main()
