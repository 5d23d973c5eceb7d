"""Whether the tests of every language refuse wrong answers: call by call, nothing is executed.

    python benchmarks/multicode_mutants.py [--language rust]

For each call that a language is asked, the reference's answer is replaced by wrong ones of the
same type; each goes the way that the language's answers go, and HumanEval's own test judges it.
"""

import argparse

from overproof.languages import NAMES
from overproof.suites import load_suite
from overproof.suites.multicode.prove import prove


def main() -> None:
    """Print a line per language, and every wrong answer that was taken for right."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--language", choices=NAMES, action="append")
    options = parser.parse_args()
    problems = load_suite("humaneval")
    print(f"{'language':<12}{'calls':>7}{'wrong answers':>15}{'accepted':>10}")
    for name in options.language or NAMES:
        proofs = list(prove(problems, name))
        tried = sum(proof.tried for proof in proofs)
        accepted = sum(len(proof.passed) for proof in proofs)
        print(f"{name:<12}{len(proofs):>7}{tried:>15}{accepted:>10}")
        for proof in proofs:
            for answer in proof.passed:
                print(f"    {proof.task_id} call {proof.number}: {answer}")


if __name__ == "__main__":
    main()
