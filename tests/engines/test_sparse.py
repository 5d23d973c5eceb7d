import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from overproof.engines.sparse import captured_mass, keep_top_k

ROWS = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 5), st.integers(6, 12)),
    elements=st.floats(-8, 8, width=32),
)


@given(ROWS, st.integers(1, 5), st.data())
def test_kept_mass_and_tail_make_one_and_gold_is_kept(
    rows: np.ndarray, top_k: int, data: st.DataObject
) -> None:
    vocabulary = rows.shape[1]
    gold = np.array([data.draw(st.integers(0, vocabulary - 1)) for _ in rows])
    top = keep_top_k(rows, gold, top_k)
    total = np.exp(top.logprobs.astype(float)).sum(1) + np.exp(top.tail.astype(float))
    assert total == pytest.approx(np.ones(len(rows)), abs=5e-3)  # float16
    assert (top.ids == gold[:, None]).any(axis=1).all()
    assert all(len(set(ids)) == top_k for ids in top.ids.tolist())


def test_logprobs_are_not_renormalised() -> None:
    probabilities = np.array([[0.5, 0.3, 0.15, 0.05]])
    top = keep_top_k(np.log(probabilities), np.array([3]), 2)
    assert top.ids.tolist() == [[0, 3]]  # gold displaces the second likeliest
    assert np.exp(top.logprobs.astype(float)) == pytest.approx(np.array([[0.5, 0.05]]), rel=1e-2)
    assert np.exp(float(top.tail[0])) == pytest.approx(0.45, rel=1e-2)
    assert captured_mass(top) == pytest.approx(0.55, rel=1e-2)


def test_padding_rows_of_the_vocabulary_are_ignored() -> None:
    rows = np.array([[1.0, 2.0, 3.0, 50.0, 50.0]])
    padded = keep_top_k(rows, np.array([0]), 2, vocabulary=3)
    exact = keep_top_k(rows[:, :3], np.array([0]), 2)
    assert padded.ids.tolist() == exact.ids.tolist()
    assert padded.logprobs.tolist() == exact.logprobs.tolist()


@pytest.mark.parametrize(("top_k", "gold"), [(0, 1), (4, 1), (2, 2)])
def test_impossible_sizes_are_refused(top_k: int, gold: int) -> None:
    with pytest.raises(ValueError, match=r"top_k|rows"):
        keep_top_k(np.zeros((1, 4)), np.zeros(gold, dtype=int), top_k)
