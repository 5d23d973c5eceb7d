"""Measure a model on HumanEval, and what perturbed prompts cost it.

python examples/evaluate_models.py --limit 20
python examples/evaluate_models.py --model MODEL --model OTHER --limit 164
"""

import argparse

import overproof


def parse() -> argparse.Namespace:
    """Return the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="append", help="by default SmolLM2-135M, 98 MB")
    parser.add_argument("--limit", type=int, default=20, help="problems, evenly spread")
    parser.add_argument("--out", help="run folder; the same call resumes there")
    return parser.parse_args()


if __name__ == "__main__":
    arguments = parse()
    models = arguments.model or ["smollm2-135m-instruct"]
    found = overproof.evaluate(
        models,
        operators="null, keyboard_typos",
        seeds=2,
        limit=arguments.limit,
        overrides={"sampling.max_new_tokens": 128},
        out=arguments.out,
    )
    print(found)
    for model in found.models:
        score = found.score("pass@1", model=str(model["name"]))
        print(f"{model['label']}: {score.value:.1%} of {score.n} problems")
