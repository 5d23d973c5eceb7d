"""How far the ranks of a run are: rows, finished shares, who is at work.

    for line in status_lines(Path("runs/demo")): print(line)

Rows are counted by line ends, nothing is decoded, so that a big run is shown at once.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from overproof.locks import is_held
from overproof.scale.crew import STAGES
from overproof.scale.plan import read_plan
from overproof.scale.tables import DONE, ROWS, SHARDS, count_lines, lead_file


@dataclass(frozen=True, kw_only=True)
class StageState:
    """How far a stage is."""

    stage: str
    rows: int
    ranks: int
    done: int
    """Ranks that have finished their share."""
    busy: int
    slowest_s: float
    """Of those that are done; 0 where none is."""
    taken: int
    """Rows that the lead has taken over."""


def status_lines(run: Path) -> Iterator[str]:
    """Yield a line per stage that any rank or the lead has worked on.

    Raises: StorageError for a folder without a plan.
    """
    plan = read_plan(run)
    yield f"{plan.command or plan.mode}"
    for state in stage_states(run):
        slowest = f", slowest {state.slowest_s:.0f} s" if state.done else ""
        yield (
            f"{state.stage:<10} {state.rows} rows by {state.ranks} ranks ({state.done} done, "
            f"{state.busy} at work{slowest}); {state.taken} taken over"
        )


def stage_states(run: Path) -> list[StageState]:
    """Return the same as data. Raises: as `status_lines`."""
    read_plan(run)
    states = []
    for stage in STAGES:
        ranks = sorted(path for path in (run / SHARDS / stage).glob("*-of-*") if path.is_dir())
        taken = count_lines(lead_file(run, stage))
        if not ranks and not taken:
            continue
        rows = sum(count_lines(rank / ROWS) for rank in ranks)
        done = [rank for rank in ranks if (rank / DONE).exists()]
        busy = sum(is_held(rank) for rank in ranks)
        seconds = [json.loads((rank / DONE).read_bytes())["seconds"] for rank in done]
        states.append(
            StageState(
                stage=stage,
                rows=rows,
                ranks=len(ranks),
                done=len(done),
                busy=busy,
                slowest_s=max(seconds, default=0.0),
                taken=taken,
            )
        )
    return states
