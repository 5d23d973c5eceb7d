from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from overproof.distillation.schedule import make_schedule, shuffled

from .conftest import make_examples


@given(st.integers(1, 9), st.integers(0, 30), st.integers(0, 3))
def test_no_number_is_seen_again_before_all_were(count: int, total: int, seed: int) -> None:
    order = shuffled(count, total, seed)
    assert len(order) == total
    seen = Counter(order)
    assert not seen or max(seen.values()) - min(seen[n] for n in range(count)) <= 1


def test_the_order_depends_on_the_seed_alone() -> None:
    assert shuffled(7, 20, 1) == shuffled(7, 20, 1) != shuffled(7, 20, 2)
    assert shuffled(7, 20, 1)[:14] == shuffled(7, 14, 1)


def test_one_twin_at_a_time_and_both_in_turn() -> None:
    examples = make_examples(2)
    schedule = make_schedule(examples, 40, 0, paired=False, worst=False)
    seen: set[Any] = {tuple(one.twins[0]) for one in schedule if one.twins}
    assert all(len(one.twins) <= 1 for one in schedule)
    assert seen == {tuple(twin) for twin in examples[0].twins}
    worst = make_schedule(examples, 4, 0, paired=False, worst=True)
    assert max(len(one.twins) for one in worst) == 2


def test_both_directions_of_a_pair_share_a_batch() -> None:
    examples = make_examples(7, vectors=True)
    schedule = make_schedule(examples, 16, 0, paired=True, worst=False)
    couples = [(schedule[place].pair, schedule[place + 1].pair) for place in range(0, 16, 2)]
    assert sum(first == second for first, second in couples) >= 12 * 3 // 4 // 2
    assert {one.key for one in schedule} == {one.key for one in examples}


def test_batches_hold_examples_of_similar_length() -> None:
    examples = make_examples(24)

    def padding(step_size: int) -> int:
        schedule = make_schedule(examples, 96, 0, step_size=step_size)
        assert sorted(one.key for one in schedule) == sorted(4 * [one.key for one in examples])
        lengths = [len(one.clean) + len(one.signal.token_ids) for one in schedule]
        batches = [lengths[at : at + 4] for at in range(0, 96, 4)]
        return sum(max(batch) * 4 - sum(batch) for batch in batches)

    assert padding(4) < 0.5 * padding(1)
