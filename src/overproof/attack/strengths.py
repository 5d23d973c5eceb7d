r"""How often one variant of each operator broke a model that solved the problem, measured before.

    python benchmarks/quick_operators.py --out runs/quick-operators \
        --strengths src/overproof/attack/strengths.json

On 16 problems of HumanEval and qwen2.5-coder-0.5b-instruct (studies/quick-preset); a search
starts from it, at a discount, and trusts what it sees itself more.
"""

from importlib.resources import files

import msgspec


def measured_strengths() -> dict[str, tuple[int, int]]:
    """Return per operator how many problems fell, and of how many.

    >>> measured_strengths()["misleading_hint"]
    (6, 10)
    """
    content = files("overproof.attack").joinpath("strengths.json").read_bytes()
    return msgspec.json.decode(content, type=dict[str, tuple[int, int]])
