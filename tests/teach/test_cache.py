"""Signals on disk: nothing lost, at most 140 bytes a token, damage found out."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from overproof.engines.protocol import TopLogits
from overproof.engines.sparse import draw_tokens, from_listed, keep_top_k
from overproof.errors import RowError
from overproof.teach.cache import (
    has_logits,
    load_logits,
    logits_path,
    pack,
    save_logits,
    unpack,
)

NAMES = ("token_ids", "ids", "logprobs", "tail")
NEGATIVE = st.one_of(st.floats(-60000, 0, width=16), st.sampled_from([-np.inf, -0.0, 0.0]))


def assert_same(given: TopLogits, back: TopLogits) -> None:
    assert given.sampled == back.sampled
    for name in NAMES:
        ours, theirs = getattr(given, name), getattr(back, name)
        assert ours.dtype == theirs.dtype, name
        assert np.array_equal(ours, theirs), name


def random_top(vocabulary: int, sampled: bool, tokens: int = 100, kept: int = 32) -> TopLogits:
    """A signal over ids up to the last of the vocabulary."""
    rng = np.random.default_rng(0)
    ids = np.stack([rng.choice(vocabulary, 2 * kept, replace=False) for _ in range(tokens)])
    logits = rng.normal(size=ids.shape) * 3
    gold = np.zeros(tokens, dtype=int)
    top = (draw_tokens if sampled else keep_top_k)(logits, gold, kept)
    named = np.take_along_axis(ids, np.maximum(top.ids, 0), axis=1)
    named[0, 0] = vocabulary - 1
    named = np.where(top.ids < 0, -1, named).astype(np.int32)
    outside = np.full(tokens, vocabulary - 2, dtype=np.int32)
    return dataclasses.replace(
        top, ids=named, token_ids=outside if sampled else ids[:, 0].astype(np.int32)
    )


@pytest.mark.parametrize("sampled", [False, True])
@pytest.mark.parametrize("vocabulary", [49_152, 151_936, 262_144])
def test_a_token_takes_at_most_140_bytes_and_nothing_is_lost(
    vocabulary: int, sampled: bool, cache: Path
) -> None:
    top = random_top(vocabulary, sampled)
    if sampled:  # the worst case: no gold token was drawn
        assert not (top.ids == top.token_ids[:, None]).any()
    save_logits("abcd", top)
    assert logits_path("abcd").stat().st_size <= 140 * len(top.token_ids)
    assert_same(top, load_logits("abcd"))


@given(
    arrays.arrays(np.float16, st.tuples(st.integers(1, 9), st.integers(1, 40)), elements=NEGATIVE),
    st.sampled_from([1, 1 << 16, (1 << 17) - 1, 1 << 18, (1 << 31) - 1]),
    st.data(),
)
def test_any_signal_comes_back_as_it_was(logprobs: Any, largest: int, data: st.DataObject) -> None:
    length, width = logprobs.shape
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    kept = rng.integers(0, width + 1, length)
    ids = rng.integers(0, largest, (length, width), endpoint=True).astype(np.int32)
    absent = np.arange(width) >= kept[:, None]
    top = TopLogits(
        token_ids=np.where(
            rng.random(length) < 0.5, ids[:, 0], rng.integers(0, largest, length)
        ).astype(np.int32),
        ids=np.where(absent, np.int32(-1), ids),
        logprobs=np.where(absent, np.float16(-np.inf), logprobs),
        tail=logprobs[:, 0],
    )
    assert_same(top, unpack(pack(top)))


def test_more_than_255_kept_tokens() -> None:
    top = random_top(2000, False, tokens=3, kept=300)
    assert_same(top, unpack(pack(top)))


def test_weights_of_draws_are_exact() -> None:
    top = random_top(500, True, tokens=20, kept=12)
    weights = np.exp(unpack(pack(top)).logprobs.astype(np.float64)) * 12
    assert weights == pytest.approx(np.rint(weights), abs=1e-5)
    assert weights.sum(axis=1) == pytest.approx(np.full(20, 12), abs=1e-5)


@pytest.mark.parametrize(
    ("ids", "logprobs"),
    [
        ([[-1, 5]], [[-np.inf, -1.0]]),
        ([[4, 5]], [[0.5, -1.0]]),
        ([[4, 5]], [[np.nan, -1.0]]),
    ],
)
def test_what_is_no_signal_is_refused(ids: Any, logprobs: Any) -> None:
    top = TopLogits(
        token_ids=np.array([5], np.int32),
        ids=np.array(ids, np.int32),
        logprobs=np.array(logprobs, np.float16),
        tail=np.array([-1.0], np.float16),
    )
    with pytest.raises(ValueError, match=r"above 0|end of their row"):
        pack(top)


def test_damage_is_found_out(cache: Path) -> None:
    content = pack(from_listed([{3: -0.5, 4: -1.0}] * 40, [3] * 40, 4))
    path = logits_path("abcd")
    path.parent.mkdir(parents=True)
    for place in (0, 5, 30, len(content) - 1):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(RowError, match="damaged") as caught:
            load_logits("abcd")
        assert "rerun" in caught.value.hint
    for length in (0, 10, len(content) - 3):
        path.write_bytes(content[:length])
        with pytest.raises(RowError, match="damaged"):
            load_logits("abcd")


def test_files_of_the_older_form_are_read(cache: Path) -> None:
    from safetensors.numpy import save_file

    assert not has_logits("abcd")
    with pytest.raises(RowError, match="missing"):
        load_logits("abcd")
    top = random_top(300, False, tokens=5, kept=8)
    old = logits_path("abcd").with_suffix(".safetensors")
    old.parent.mkdir(parents=True)
    save_file({name: getattr(top, name) for name in NAMES}, old)
    assert has_logits("abcd")
    assert_same(top, load_logits("abcd"))
    old.write_bytes(b"not tensors")
    with pytest.raises(RowError, match="damaged"):
        load_logits("abcd")
