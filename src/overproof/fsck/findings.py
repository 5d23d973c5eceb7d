"""What `fsck` found: where, what, and what is to be done about it.

>>> str(Finding(file="samples.jsonl", line=7, what="not a row", remedy="move line"))
'samples.jsonl:7: not a row'
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Remedy = Literal["move line", "end line", "cut tail", "move file", "remove", "rerun", "upgrade"]
"""`move line`, `move file`: aside, into `.damaged`; `end line`: a whole row lacks its newline;
`cut tail`: half a row at the end, which is moved aside as well; `remove`: the remains of a file
that was being written; `rerun`: nothing to mend, the next run makes what is missing; `upgrade`:
nothing to mend, a newer version wrote it."""
NOT_HERE: tuple[Remedy, ...] = ("rerun", "upgrade")
"""What no repair is for."""

SHOWN = 10
"""Findings of one kind in one file that a terminal is shown."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong."""

    file: str
    """Relative to the run folder; as it is where it lies elsewhere."""
    line: int = 0
    """From 1; 0 for the file as a whole."""
    what: str
    remedy: Remedy

    def __str__(self) -> str:
        """Return where and what."""
        return f"{self.file}{f':{self.line}' if self.line else ''}: {self.what}"


@dataclass(kw_only=True)
class Checked:
    """A folder that was verified."""

    path: Path
    rows: dict[str, int] = field(default_factory=dict)
    """Good rows by file."""
    unsealed: int = 0
    """Of these, rows without a checksum, as older versions wrote them."""
    findings: list[Finding] = field(default_factory=list)
    mended: list[Finding] = field(default_factory=list)
    """Those that `mend` has dealt with."""

    @property
    def open(self) -> list[Finding]:
        """What is still wrong."""
        done = set(map(id, self.mended))
        return [finding for finding in self.findings if id(finding) not in done]

    def as_json(self) -> dict[str, Any]:
        """Return everything as one object."""
        done = set(map(id, self.mended))
        return {
            "path": str(self.path),
            "rows": self.rows,
            "rows_without_checksum": self.unsealed,
            "findings": [{**asdict(one), "mended": id(one) in done} for one in self.findings],
        }


def checked_lines(checked: Checked) -> Iterator[str]:
    """Yield what a terminal shows."""
    total = sum(checked.rows.values())
    unsealed = f", {checked.unsealed:,} of them without a checksum" if checked.unsealed else ""
    yield f"{checked.path}: {total:,} good rows in {len(checked.rows)} tables{unsealed}"
    shown: dict[tuple[str, str], int] = {}
    done = set(map(id, checked.mended))
    for finding in checked.findings:
        place = (finding.file, finding.remedy)
        shown[place] = shown.get(place, 0) + 1
        if shown[place] <= SHOWN:
            yield f"{'mended' if id(finding) in done else finding.remedy:<9}  {finding}"
    for (file, remedy), count in shown.items():
        if count > SHOWN:
            yield f"{remedy:<9}  {file}: {count - SHOWN:,} more like these"
    yield _end(checked)


def _end(checked: Checked) -> str:
    left = checked.open
    if not checked.findings:
        return "nothing is wrong"
    if not left:
        return (
            f"{len(checked.mended):,} mended; what was taken out is in files ending in .damaged. "
            "Run the command that made the folder: it makes again what is missing"
        )
    if all(finding.remedy == "upgrade" for finding in left):
        return "pip install --upgrade overproof: the rows are good, and newer than this version"
    if all(finding.remedy in NOT_HERE for finding in left):
        return "run the command that made the folder: it makes again what is missing"
    return f"{len(left):,} findings; mend them with: overproof fsck {checked.path} --repair"
