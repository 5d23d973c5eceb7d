import random

import numpy as np
import pytest

from overproof.pairs.near import RECALL, NearIndex, bands, jaccard, shingles, sketch


def overlapping(draw, size, similarity):
    """Return two sequences of different tokens whose Jaccard index is near the one asked for."""
    shared = round(2 * size * similarity / (1 + similarity))
    names = [f"t{number}" for number in draw.sample(range(10**9), 2 * size - shared)]
    return names[:size], names[size - shared :]


def exact(left, right):
    return len(set(left) & set(right)) / len(set(left) | set(right))


def test_the_decision_is_that_of_exact_counts_outside_a_margin():
    draw = random.Random(7)
    for threshold in (0.6, 0.8):
        missed = 0
        for _ in range(150):
            similarity = draw.uniform(0.3, 1)
            left, right = overlapping(draw, draw.randint(20, 120), similarity)
            index = NearIndex(threshold)
            index.add(sketch(left, 1))
            found = index.find(sketch(right, 1))
            truth = exact(left, right)
            if found:
                assert found == (0, pytest.approx(truth))
                assert truth >= threshold
            elif truth >= threshold + 0.05:
                pytest.fail(f"{truth} was not found at {threshold}")
            missed += not found and truth >= threshold
        assert missed <= 3


def test_bands_see_what_they_promise():
    for threshold in (0.3, 0.5, 0.7, 0.8, 0.95, 1.0):
        number, rows = bands(threshold)
        assert number >= 2
        assert number * rows <= 128
        assert 1 - (1 - threshold**rows) ** number >= RECALL


def test_the_most_similar_wins_and_of_equals_the_first():
    index = NearIndex(0.5)
    words = [f"w{number}" for number in range(20)]
    for kept in (words[:14], words[:19], words[1:], words[:19]):
        index.add(sketch(kept, 1))
    assert index.find(sketch(words, 1)) == (1, 0.95)
    assert index.find(sketch(["none", "of", "them"], 1)) is None


def test_what_is_empty_is_like_nothing():
    index = NearIndex(0.5)
    index.add(sketch([], 3))
    assert index.find(sketch([], 3)) is None
    assert jaccard(shingles([], 2), shingles([], 2)) == 0


def test_shingles_are_runs_in_order():
    assert shingles(["a", "b", "c"], 2).size == 2
    assert jaccard(shingles(["a", "b", "c"], 2), shingles(["b", "a", "c"], 2)) == 0
    assert jaccard(shingles(["a", "b"], 3), shingles(["a", "b"], 2)) == 1
    assert shingles(["ab", "c"], 2) != shingles(["a", "bc"], 2)


def test_hashes_are_the_same_on_every_machine():
    found = shingles(["return", "the", "sum", "of", "the", "numbers"], 3)
    assert found.dtype == np.uint64
    assert [hex(int(value)) for value in found[:2]] == ["0x2e159583864eed92", "0xa68a1d9d79f413ce"]
    assert sketch(["a"], 1).minhash.hashvalues[:2].tolist() == [1742042577, 1924989530]


def test_python_s_own_random_numbers_are_left_alone():
    random.seed(3)
    expected = random.random()
    random.seed(3)
    NearIndex(0.8).add(sketch(["some", "words"], 1))
    assert random.random() == expected
