"""Which example is seen when: an order fixed by the seed before training begins.

The loop reads it from front to back, so that a resumed run sees what the killed one would have
seen, and any number of processes share the same steps between them.

    >>> [sorted(part) for part in (shuffled(3, 6, 0)[:3], shuffled(3, 6, 0)[3:])]
    [[0, 1, 2], [0, 1, 2]]
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from overproof.distillation.examples import Example
from overproof.distillation.shelf import Shelf
from overproof.records import content_key

WINDOW = 8
"""Steps that share out the examples of their window by length."""


class Schedule(Sequence[Example]):
    """The examples in the order of training, with one twin each where one is drawn at random."""

    def __init__(self, examples: Sequence[Example], order: Sequence[int], worst: bool) -> None:
        """Take the order; `worst` leaves all twins in place, for the loss to choose from."""
        self._examples = examples
        self._order = np.asarray(order, dtype=np.int64)
        self._worst = worst

    def __len__(self) -> int:
        """Return the number of examples in the whole training, repetitions counted."""
        return len(self._order)

    def tokens(self, places: int) -> int:
        """Return how many target tokens are seen up to this place."""
        return int(sizes_of(self._examples)[self._order[:places], 1].sum())

    @cached_property
    def digest(self) -> str:
        """Which order this is: a hash of the places and of the keys of what stands there."""
        found = hashlib.sha256(self._order.astype("<i8").tobytes())
        for key in _column(self._examples, "key"):
            found.update(key.encode() + b"\n")
        return found.hexdigest()[:16]

    def __getitem__(self, place: int) -> Example:  # type: ignore[override]
        """Return what is seen at this place."""
        example = self._examples[int(self._order[place])]
        if self._worst or len(example.twins) < 2:
            return example
        chosen = int(content_key(example.key, place)[:8], 16) % len(example.twins)
        return replace(example, twins=[example.twins[chosen]])


def make_schedule(
    examples: Sequence[Example],
    total: int,
    seed: int,
    *,
    step_size: int = 1,
    paired: bool = False,
    worst: bool = False,
) -> Schedule:
    """Return `total` examples, every one before any is seen again.

    Optimizer steps of `step_size` hold examples of similar length, so that less of them is padding;
    the order of the steps is random. With `paired`, both directions of a pair follow each other, so
    that they share a batch of an even size: the alignment term compares the pairs of a batch.
    """
    if not paired:
        order = shuffled(len(examples), total, seed)
        lengths = sizes_of(examples).sum(axis=1)
        return Schedule(examples, _by_length(lengths, order, step_size, seed), worst)
    places: dict[str, list[int]] = {}
    if isinstance(examples, Shelf):
        alone = examples.lacks("vector")
    else:
        alone = (one.vector is None for one in examples)
    names = zip(_column(examples, "pair"), _column(examples, "key"), alone, strict=True)
    for place, (pair, key, single) in enumerate(names):
        places.setdefault(key if single else pair, []).append(place)
    groups = sorted(places.values(), key=lambda group: (len(group) % 2, group))
    couples = [group[start : start + 2] for group in groups for start in range(0, len(group), 2)]
    singles = [couple[0] for couple in couples if len(couple) == 1]
    couples = [couple for couple in couples if len(couple) == 2]
    couples += [list(two) for two in zip(singles[::2], singles[1::2], strict=False)]
    couples += [[singles[-1], singles[0]]] if len(singles) % 2 else []
    turns = shuffled(len(couples), -(-total // 2), seed)
    order = [place for turn in turns for place in couples[turn]]
    return Schedule(examples, order[:total], worst)


def sizes_of(examples: Sequence[Example]) -> Any:
    """Return how long prompts and targets are, without reading more than that from a shelf.

    Shapes: (N, 2) tokens of the clean prompt and of the target.
    """
    if isinstance(examples, Shelf):
        return examples.sizes
    rows = [(len(one.clean), len(one.signal.token_ids)) for one in examples]
    return np.array(rows, dtype=np.int32).reshape(-1, 2)


def _column(examples: Sequence[Example], name: str) -> Iterator[Any]:
    if isinstance(examples, Shelf):
        return examples.column(name)
    return (getattr(one, name) for one in examples)


def _by_length(lengths: Any, order: Sequence[int], step_size: int, seed: int) -> list[int]:
    """Return the order with the examples of every window sorted into steps by their length.

    A window is no longer than a round, so that no step holds an example twice for this.
    """
    size = step_size * min(WINDOW, max(1, len(lengths) // step_size))
    found: list[int] = []
    for start in range(0, len(order), size):
        window = sorted(order[start : start + size], key=lambda n: (int(lengths[n]), n))
        steps = [window[at : at + step_size] for at in range(0, len(window), step_size)]
        rng = np.random.default_rng([seed, start])
        whole = [step for step in steps if len(step) == step_size]
        found += [n for turn in rng.permutation(len(whole)) for n in whole[turn]]
        found += [n for step in steps[len(whole) :] for n in step]
    return found


def shuffled(count: int, total: int, seed: int) -> list[int]:
    """Return `total` numbers below `count`, in rounds that each hold all of them once."""
    rounds = range(-(-total // count))
    order = [np.random.default_rng([seed, turn]).permutation(count) for turn in rounds]
    return [int(place) for place in np.concatenate(order)[:total]] if total else []
