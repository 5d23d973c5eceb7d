"""What int8 in ctranslate2 costs a model on this processor, beside float32.

    python benchmarks/int8_rounding.py --model smollm2-135m-instruct --problems 6

Prints the loss of HumanEval's canonical solutions at both precisions, and the divergence of int8
from float32 over the tokens that are likeliest in float32 (the 32 of the signals; the rest is left
out). CT2_USE_MKL=1 takes MKL's products in place of oneDNN's, which on x86 without VNNI saturate.
"""

import argparse
from collections.abc import Iterator

import numpy as np

from overproof.engines import load_engine
from overproof.engines.generate import form_for
from overproof.engines.protocol import TopLogits
from overproof.engines.rounding import saturates_here
from overproof.models import resolve_model
from overproof.suites import load_suites

UNKNOWN = -12.0
"""Log-probability of a token that is not among the kept ones."""


def main() -> None:
    """Score the same texts at both precisions and print what differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--problems", type=int, default=6)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    exact, rounded = (signals(args, precision) for precision in ("float32", "int8"))
    rows = np.array([row for pair in zip(exact, rounded, strict=True) for row in compare(*pair)])
    one, two, divergence = rows.mean(axis=0)
    print(f"{args.model}: {len(rows)} tokens; int8 saturates here: {saturates_here()}")
    print(f"loss, nats a token: float32 {one:.3f}, int8 {two:.3f}")
    print(f"KL(float32 || int8): mean {divergence:.4f}, median {np.median(rows[:, 2]):.4f}")


def signals(args: argparse.Namespace, precision: str) -> list[TopLogits]:
    """Return the model's top logits over each canonical solution."""
    source = resolve_model(args.model)
    form = form_for(source, "chat")
    engine = load_engine(source, "ctranslate2", precision, args.threads)
    try:
        return [
            engine.score(form.wrap(problem.prompt).text, problem.canonical_solution, 32)
            for problem in load_suites(["humaneval"], args.problems)
        ]
    finally:
        engine.close()


def compare(exact: TopLogits, rounded: TopLogits) -> Iterator[tuple[float, float, float]]:
    """Yield both losses and the divergence of each token."""
    for place, token in enumerate(exact.token_ids.tolist()):
        one = dict(zip(exact.ids[place].tolist(), exact.logprobs[place].tolist(), strict=True))
        two = dict(zip(rounded.ids[place].tolist(), rounded.logprobs[place].tolist(), strict=True))
        kl = sum(np.exp(value) * (value - two.get(key, UNKNOWN)) for key, value in one.items())
        yield -one[token], -two[token], kl


if __name__ == "__main__":
    main()
