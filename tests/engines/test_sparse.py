import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from overproof.engines.sparse import captured_mass, cut, draw_tokens, from_listed, keep_top_k

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


def test_a_temperature_divides_the_logits() -> None:
    rows = np.array([[2.0, 1.0, 0.0, -1.0]])
    warm, divided = keep_top_k(rows, [1], 2, temperature=2.0), keep_top_k(rows / 2, [1], 2)
    assert warm.logprobs.tolist() == divided.logprobs.tolist()
    assert warm.tail.tolist() == divided.tail.tolist()


PROBABILITIES = np.array([[0.5, 0.3, 0.15, 0.05, 0.0], [0.01, 0.01, 0.01, 0.01, 0.96]])


def weights_of(seed: int, draws: int = 8, temperature: float = 1.0) -> np.ndarray:
    """The weight of every token of the vocabulary; what was not drawn weighs nothing."""
    with np.errstate(divide="ignore"):
        logits = np.log(PROBABILITIES) * temperature
    top = draw_tokens(logits, [0, 0], draws, seed=seed, temperature=temperature)
    dense = np.zeros(PROBABILITIES.shape)
    for row in range(2):
        kept = top.ids[row] >= 0
        dense[row, top.ids[row][kept]] = np.exp(top.logprobs[row][kept].astype(float))
    return dense


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_draws_weigh_what_the_teacher_gives_on_average(temperature: float) -> None:
    found = np.array([weights_of(seed, temperature=temperature) for seed in range(2000)])
    assert found.sum(axis=2) == pytest.approx(np.ones((2000, 2)), abs=1e-6)
    error = found.std(axis=0) / np.sqrt(len(found))
    assert (np.abs(found.mean(axis=0) - PROBABILITIES) <= 3.5 * error + 1e-9).all()
    assert (found[:, 0, 4] == 0).all()  # what cannot happen is never drawn


def test_the_shape_of_draws() -> None:
    top = draw_tokens(np.log([[0.97, 0.01, 0.01, 0.01]]), [3], 16, vocabulary=4, seed=0)
    assert top.sampled and top.ids.shape == top.logprobs.shape == (1, 16)
    kept = int((top.ids >= 0).sum())
    assert (top.ids[0, kept:] == -1).all() and np.isneginf(top.logprobs[0, kept:]).all()
    assert len(set(top.ids[0, :kept].tolist())) == kept
    assert (np.diff(top.logprobs[0, :kept]) <= 0).all()  # the most drawn first
    assert np.isneginf(top.tail).all()
    assert captured_mass(top) == pytest.approx(1.0)
    again = cut(np.log([[0.97, 0.01, 0.01, 0.01]]), [3], 16, sampled=True, seed=0)
    assert again.ids.tolist() == top.ids.tolist()
    assert cut(np.zeros((1, 9)), [3], 4).ids.shape == (1, 4)


def test_rows_that_pad_the_vocabulary_are_never_drawn() -> None:
    top = draw_tokens(np.array([[1.0, 2.0, 3.0, 99.0]]), [0], 50, vocabulary=3, seed=0)
    assert set(top.ids[0].tolist()) <= {-1, 0, 1, 2}
    with pytest.raises(ValueError, match="0 draws"):
        draw_tokens(np.zeros((1, 4)), [0], 0)


def test_rows_that_somebody_else_cut() -> None:
    rows = [{4: -0.1, 8: -4.0, 9: -3.0}, {2: -1.0}, {3: 1e-7, 6: -20.0, 7: -21.0}]
    top = from_listed(rows, [8, 5, 3], 2)
    assert top.ids.tolist() == [[4, 8], [2, -1], [3, 6]]
    assert top.logprobs[0].tolist() == pytest.approx([-0.1, -4.0], abs=1e-3)
    assert top.logprobs[2, 0] == 0  # rounding of theirs is no probability above 1
    assert np.exp(float(top.tail[0])) == pytest.approx(1 - np.exp(-0.1) - np.exp(-4), rel=1e-2)
    unknown = from_listed([{}], [8], 2)  # all of the mass is outside
    assert unknown.ids.tolist() == [[-1, -1]]
    assert unknown.tail.tolist() == [0.0]
    with pytest.raises(ValueError, match="rows of log-probabilities"):
        from_listed(rows[:2], [8, 5, 3], 2)


@pytest.mark.parametrize(("top_k", "gold"), [(0, 1), (4, 1), (2, 2)])
def test_impossible_sizes_are_refused(top_k: int, gold: int) -> None:
    with pytest.raises(ValueError, match=r"top_k|rows"):
        keep_top_k(np.zeros((1, 4)), np.zeros(gold, dtype=int), top_k)
