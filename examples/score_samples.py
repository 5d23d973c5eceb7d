"""Score answers that any tool made: right, wrong, and one that forges equality.

python examples/score_samples.py
"""

import overproof

PROBLEMS = overproof.load_suite("humaneval", limit=4)
FORGERY = """\
class Same:
    def __eq__(self, other): return True
def {name}(*args): return Same()
"""


def samples() -> list[dict[str, str]]:
    """Return the known solution of each problem, an empty one, and the forgery."""
    lines = []
    for problem in PROBLEMS:
        task_id = problem.task_id
        lines.append({"task_id": task_id, "completion": problem.canonical_solution})
        lines.append({"task_id": task_id, "completion": "    return None\n"})
        lines.append({"task_id": task_id, "solution": FORGERY.format(name=problem.entry_point)})
    return lines


if __name__ == "__main__":
    scored = overproof.score(samples(), suite=PROBLEMS)
    for outcome in scored.outcomes:
        print(f"{outcome.task_id:<14} {outcome.status}")
    print(scored)
    assert scored.passed == len(PROBLEMS), "only the known solutions pass"
