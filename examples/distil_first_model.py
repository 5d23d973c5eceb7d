"""Distil from pairs of your own, then measure the student before and after.

The teacher is the larger Qwen where you name it (`--teacher qwen2.5-coder-0.5b-instruct`, 490 MB);
by default SmolLM2-135M teaches itself, which shows the way and teaches nothing.

    python examples/distil_first_model.py
"""

import argparse
import json
from pathlib import Path

import overproof

STUDENT = "smollm2-135m-instruct"
PAIRS = (
    ("Return the larger of two numbers.", "def larger(a, b):\n    return a if a > b else b\n"),
    ("Count the vowels of a text.", "def vowels(s):\n    return sum(c in 'aeiou' for c in s)\n"),
    ("Return the squares of numbers.", "def squares(xs):\n    return [x * x for x in xs]\n"),
    ("Whether a text reads the same backwards.", "def mirror(s):\n    return s == s[::-1]\n"),
)


def parse() -> argparse.Namespace:
    """Return the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher", default=STUDENT)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--limit", type=int, default=4, help="problems, evenly spread")
    parser.add_argument("--out", default="runs/first-model", help="run folder; resumes there")
    return parser.parse_args()


if __name__ == "__main__":
    arguments = parse()
    folder = Path(arguments.out)
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"text": text, "code": code, "licence": "MIT"}) for text, code in PAIRS]
    file = folder / "my_pairs.jsonl"
    file.write_text("\n".join(lines) + "\n")
    student = overproof.distill(
        "demo",
        {
            "name": "first-model",
            "models.teacher": arguments.teacher,
            "models.student": STUDENT,
            "pairs.sources": [str(file.resolve())],
            "teach.solutions": False,
            "distill.steps": arguments.steps,
            "distill.batch_size": 2,
        },
        out=folder / "training",
    )
    print(student)
    found = overproof.evaluate(
        [STUDENT, str(student.path)],
        limit=arguments.limit,
        engine="ctranslate2",
        precision="float32",
        overrides={"sampling.max_new_tokens": 64},
        out=folder / "measured",
    )
    print(found)
