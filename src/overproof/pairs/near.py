"""Which token sequences are nearly the same: MinHash finds the candidates, exact counts decide.

    index = NearIndex(0.8)
    index.add(sketch("return the sum of the numbers".split(), 3))
    index.find(sketch("return the sum of all numbers".split(), 3))

Two sequences are compared by the sets of their runs of `n` tokens. What is reported was counted,
so nothing is ever called similar that is not. Of what is as similar as the threshold, at most one
in a hundred goes unseen (`RECALL`); far fewer above it. Hashes and permutations depend on nothing
but the tokens and a fixed seed, so that every machine gives the same answer.
"""

import functools
import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Shingles = NDArray[np.uint64]
"""Sorted, distinct hashes."""

PERMUTATIONS = 128
SEED = 1
RECALL = 0.99
"""Least probability that a pair of sets just at the threshold becomes a candidate."""

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_HIGH = np.uint64(32)


@dataclass(frozen=True)
class Sketch:
    """A set of shingles and its MinHash."""

    shingles: Shingles
    minhash: Any


def shingles(tokens: Sequence[str], n: int) -> Shingles:
    """Return hashes of all runs of `n` tokens; of the whole sequence if it is shorter.

    >>> shingles("a b c a b c".split(), 2).size
    3
    """
    n = min(n, len(tokens))
    if not n:
        return np.empty(0, dtype=np.uint64)
    hashes = np.array([_token_hash(token) for token in tokens], dtype=np.uint64)
    runs = np.zeros(len(tokens) - n + 1, dtype=np.uint64)
    for start in range(n):
        runs = runs * _FACTOR + hashes[start : start + runs.size]
    return np.unique(runs)


def jaccard(left: Shingles, right: Shingles) -> float:
    """Return |both| / |either| of two sets, in [0, 1]; two empty sets have nothing in common.

    >>> jaccard(shingles("abcd", 1), shingles("bcde", 1))
    0.6
    """
    both = np.intersect1d(left, right, assume_unique=True).size
    either = left.size + right.size - both
    return both / either if either else 0.0


def sketch(tokens: Sequence[str], n: int) -> Sketch:
    """Return what an index compares of a sequence of tokens.

    Source: Broder 1997, "On the resemblance and containment of documents".
    """
    from datasketch import MinHash

    found = shingles(tokens, n)
    minhash = MinHash(
        PERMUTATIONS, seed=SEED, hashfunc=int, permutations=_permutations(), scheme="affine32"
    )
    minhash.update_batch((found >> _HIGH).tolist())
    return Sketch(found, minhash)


class NearIndex:
    """Sketches, found again by others that are as similar as a threshold."""

    def __init__(self, threshold: float) -> None:
        """Begin with none; the threshold is a Jaccard index in (0, 1]."""
        from datasketch import MinHashLSH

        self.threshold = threshold
        self._sets: list[Shingles] = []
        # The library draws a name for the index from Python's own random numbers.
        state = random.getstate()
        self._buckets = MinHashLSH(num_perm=PERMUTATIONS, params=bands(threshold))
        random.setstate(state)

    def add(self, new: Sketch) -> int:
        """Keep a sketch; return its number, from 0. An empty one is never found."""
        number = len(self._sets)
        self._sets.append(new.shingles)
        if new.shingles.size:
            self._buckets.insert(number, new.minhash, check_duplication=False)
        return number

    def find(self, wanted: Sketch) -> tuple[int, float] | None:
        """Return number and Jaccard index of the most similar sketch, the first of equals.

        None if none reaches the threshold.
        """
        found = [
            (-jaccard(self._sets[number], wanted.shingles), number)
            for number in (self._buckets.query(wanted.minhash) if wanted.shingles.size else ())
        ]
        similarity, number = min(found, default=(0.0, 0))
        return (number, -similarity) if found and -similarity >= self.threshold else None


def bands(threshold: float) -> tuple[int, int]:
    """Return number and size of the bands: the largest that see `RECALL` of what is just similar.

    Source: Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", section 3.4.2.

    >>> bands(0.8)
    (21, 6)
    """
    rows = max(
        (
            rows
            for rows in range(1, PERMUTATIONS // 2 + 1)
            if 1 - (1 - threshold**rows) ** (PERMUTATIONS // rows) >= RECALL
        ),
        default=1,
    )
    return PERMUTATIONS // rows, rows


@functools.lru_cache(maxsize=1)
def _permutations() -> Any:
    from datasketch import MinHash

    return MinHash(PERMUTATIONS, seed=SEED, scheme="affine32").permutations


@functools.lru_cache(maxsize=1 << 17)
def _token_hash(token: str) -> int:
    return int.from_bytes(hashlib.blake2b(token.encode(), digest_size=8).digest(), "little")
