"""pass@k from n samples of which c are correct, without bias.

Limit: it needs n >= k samples drawn independently at one temperature; one greedy sample gives
pass@1 only.

    >>> pass_at_k(5, 1, 2)
    0.4
"""

from math import comb


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the probability that at least one of k samples, drawn from n, is correct.

    Raises: ValueError unless 0 <= c <= n and 1 <= k <= n.
    Source: Chen et al. 2021 (Evaluating Large Language Models Trained on Code), equation 1.
    """
    if not 0 <= c <= n:
        raise ValueError(f"c = {c} correct samples, expected 0 to n = {n}")
    if not 1 <= k <= n:
        raise ValueError(f"k = {k}, expected 1 to n = {n}")
    # Integers of any size: exact where a product of floats would round.
    return (comb(n, k) - comb(n - c, k)) / comb(n, k)
