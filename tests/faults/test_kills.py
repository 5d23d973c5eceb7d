"""A study that is killed again and again says what one says that was left in peace."""

from pathlib import Path

import pytest
from kills import kill_all, plans

KILLS, MANY = 10, 200


def test_ten_kills_over_all_stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    said: list[str] = []
    tally = kill_all(KILLS, 1, tmp_path, said.append)
    assert tally.kills.total() == KILLS, said
    assert len(tally.kills) >= 5, said


def test_the_schedule_is_seeded_and_goes_through_every_stage() -> None:
    stages = [f"stage {number}" for number in range(17)]
    chains = plans(MANY, stages, 0)
    assert plans(MANY, stages, 0) == chains != plans(MANY, stages, 1)
    hits = [name for chain in chains for name, _, _ in chain]
    assert len(hits) == MANY and all(hits.count(stage) >= MANY // 17 for stage in stages)
    assert all([name for name, _, _ in chain] == sorted({name for name, _, _ in chain},
               key=stages.index) for chain in chains)  # fmt: skip
