"""How one candidate is started: which allowance it has, and the first message to it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Launch:
    """How a candidate is started."""

    letter: bytes
    """What the zygote is told: which allowance the candidate has."""
    job: dict[str, Any]
    """The first message to it."""
    built: Path | None = None
    """The compiled file that is handed to it."""

    def descriptors(self) -> list[int]:
        """Open what is handed over before the streams; the caller closes it."""
        return [os.open(self.built, os.O_RDONLY | os.O_CLOEXEC)] if self.built else []
