"""Perturb problems of your own with an operator of your own; every variant is certified.

python examples/perturb_prompts.py
"""

import json
import random
import tempfile
from pathlib import Path

import overproof
from overproof.perturbation.draft import Draft, pick
from overproof.records import Problem

PROBLEM = {
    "task_id": "shop/1",
    "prompt": 'def total(prices, rate):\n    """Return the sum of the prices, with tax added.\n\n'
    '    >>> total([10, 20], 0.5)\n    45.0\n    """\n',
    "canonical_solution": "    return sum(prices) * (1 + rate)\n",
    "test": "def check(candidate):\n    assert candidate([10, 20], 0.5) == 45.0\n"
    "    assert candidate([], 0.2) == 0\n",
    "entry_point": "total",
}
GREETINGS = ("Hi!", "Good morning.", "Quick one:", "Please help.")


def greet(problem: Problem, rng: random.Random, intensity: float) -> Draft | None:
    """Begin the docstring as people begin a message."""
    quotes = '"""'
    before, found, after = problem.prompt.partition(quotes)
    if not found:
        return None
    prompt = f"{before}{quotes}{pick(rng, GREETINGS)} {after}"
    return Draft(prompt=prompt, entry_point=problem.entry_point)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "shop.jsonl"
        file.write_text(json.dumps(PROBLEM) + "\n")
        own = f"{Path(__file__).stem}:greet"  # module:function, as this script is importable
        variants = overproof.perturb(str(file), operators=["keyboard_typos", own], seeds=3)
    for variant in variants:
        print(f"--- {variant.operator}, seed {variant.seed}\n{variant.prompt}")
    print(variants)
