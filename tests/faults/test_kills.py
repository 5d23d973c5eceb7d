"""A study that is killed again and again says what one says that was left in peace."""

import os
import re
import subprocess
import sys
from pathlib import Path

from kills import plans

KILLS, MANY = 10, 200


def test_ten_kills_over_all_stages() -> None:
    """In a process of its own: the runs are forks, and a test session has threads to lose."""
    script = [sys.executable, str(Path(__file__).with_name("kills.py"))]
    said = subprocess.run(
        [*script, "--kills", str(KILLS), "--seed", "1"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    _, _, summary = said.stdout.partition(f"\n{KILLS} kills, seed 1,")
    stages = re.findall(r"^  (\S.*?) +(\d+)$", summary, re.MULTILINE)
    assert len(stages) >= 5 and sum(int(count) for _, count in stages) == KILLS, said.stdout
    assert summary.rstrip().endswith("PASS")


def test_the_schedule_is_seeded_and_goes_through_every_stage() -> None:
    stages = [f"stage {number}" for number in range(17)]
    chains = plans(MANY, stages, 0)
    assert plans(MANY, stages, 0) == chains != plans(MANY, stages, 1)
    hits = [name for chain in chains for name, _, _ in chain]
    assert len(hits) == MANY and all(hits.count(stage) >= MANY // 17 for stage in stages)
    assert all([name for name, _, _ in chain] == sorted({name for name, _, _ in chain},
               key=stages.index) for chain in chains)  # fmt: skip
