"""One hash over everything that the operators draw on HumanEval: equal on every machine and Python.

    for python in python3.11 python3.12 python3.13; do $python benchmarks/perturb_digest.py; done

Nothing is executed: what is hashed are the drafts that pass the static checks.
"""

import hashlib
import sys

from overproof.perturbation import OPERATORS, perturb_prompt
from overproof.suites import load_suite

SEEDS = range(2)


def main() -> None:
    """Print the version of Python, how many drafts there were, and their hash."""
    digest, drawn = hashlib.sha256(), 0
    for problem in load_suite("humaneval")[::3]:
        for name in OPERATORS:
            for seed in SEEDS:
                draft = perturb_prompt(problem, name, seed)
                parts = draft and (draft.prompt, draft.entry_point, draft.partial, draft.gold)
                digest.update(repr((problem.task_id, name, seed, parts)).encode())
                drawn += 1
    print(sys.version.split()[0], drawn, digest.hexdigest()[:16])


if __name__ == "__main__":
    main()
