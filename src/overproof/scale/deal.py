"""Which part of a stage a rank does: a pure function of (rank, world size) and the stage's rows.

    >>> deal(["a", "b", "c", "d", "e"], Place(0, 2)), deal(["a", "b", "c", "d", "e"], Place(1, 2))
    ([0, 2, 4], [1, 3])

Batches of a stage come in an order that their content decides (length of the prompt, then hash),
and are dealt like cards: a rank gets short and long ones alike, and no rank more than one batch
more than another. The first card goes to a rank that the content chooses, so that of several models
not always the same rank has one more. A batch is never split: what is in it decides what it says.

Not covered: machines of different speed. A batch that any rank has made is never made again, so
with another world size a rerun loses nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from overproof.errors import UsageError
from overproof.records import content_key


@dataclass(frozen=True)
class Place:
    """Which of how many."""

    rank: int
    """From 0."""
    world: int

    def __post_init__(self) -> None:
        """Refuse a rank that is not among the ranks. Raises: UsageError."""
        if self.world < 1 or not 0 <= self.rank < self.world:
            raise UsageError(
                f"rank {self.rank} of {self.world}: ranks are 0 to {max(self.world, 1) - 1}",
                hint="--rank counts from 0, --of is how many there are",
            )

    def __str__(self) -> str:
        """Return the name of this place's folder; names sort by rank."""
        return f"{self.rank:05d}-of-{self.world:05d}"


def deal(keys: Sequence[str], place: Place) -> list[int]:
    """Return the numbers of the batches, by their keys in order, that this rank does."""
    first = int(content_key(list(keys))[:8], 16) if len(keys) % place.world else 0
    return [number for number in range(len(keys)) if (number + first) % place.world == place.rank]
