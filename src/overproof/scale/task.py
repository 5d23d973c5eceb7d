"""One task of DataTrove: a process that does one rank's share, or goes on as the lead.

Imported by DataTrove's workers, so it needs 'overproof[cluster]'. A process of its own leaves
nothing of a model or a sandbox behind in a worker that does several tasks.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from datatrove.pipeline.base import PipelineStep

from overproof.scale.cluster import Step, command_of, task_log
from overproof.scale.processes import error_of


class Task(PipelineStep):  # type: ignore[misc]
    """A pipeline of one step, without documents."""

    name = "overproof"
    type = "run"

    def __init__(self, *, run: str, name: str, stage: str, kind: Literal["lead", "ranks"]) -> None:
        """Keep what is to be done."""
        super().__init__()
        self.folder, self.step = run, Step(name, stage, kind)

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        """Do it, and yield nothing. Raises: the error that the process ended with."""
        folder = Path(self.folder)
        log = task_log(folder, self.step.name, rank)
        log.parent.mkdir(parents=True, exist_ok=True)
        command = command_of(folder, self.step, rank, world_size)
        with log.open("ab") as output:
            code = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            ).returncode
            output.write(f"exit code {code}\n".encode())
        if code != 0:
            error = error_of(log, code)
            raise RuntimeError(f"{error.message}; {error.hint}")
        yield from ()
