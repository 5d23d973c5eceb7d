"""Dealing: every batch to one rank, evenly, by nothing but the batches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overproof.errors import UsageError
from overproof.scale.deal import Place, deal

KEYS = st.lists(st.text("abcdef", min_size=1, max_size=8), max_size=40, unique=True)


@given(KEYS, st.integers(1, 9))
def test_every_batch_is_dealt_once_and_evenly(keys: list[str], world: int) -> None:
    hands = [deal(keys, Place(rank, world)) for rank in range(world)]
    assert sorted(number for hand in hands for number in hand) == list(range(len(keys)))
    assert max(map(len, hands)) - min(map(len, hands)) <= 1
    assert all(hand == sorted(hand) for hand in hands)


def test_the_one_more_batch_goes_to_different_ranks() -> None:
    tables = [[f"{model} {number}" for number in range(5)] for model in range(40)]
    firsts = {next(r for r in range(4) if len(deal(keys, Place(r, 4))) == 2) for keys in tables}
    assert firsts == {0, 1, 2, 3}


@pytest.mark.parametrize(("rank", "world"), [(-1, 2), (2, 2), (0, 0)])
def test_a_rank_that_is_none_is_refused(rank: int, world: int) -> None:
    with pytest.raises(UsageError, match="ranks are 0 to"):
        Place(rank, world)
