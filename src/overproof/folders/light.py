"""The rows of a large run without their texts: what figures are computed from, and no more.

    samples = light_samples(Path("runs/demo"))
    statuses = count_statuses(Path("runs/demo"))

A sample is mostly its completion and its program. Left undecoded, a million rows are read in
seconds, and what is kept of each is some hundred bytes. Checksums are compared all the same.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar, cast

import msgspec

from overproof.folders.rows import table_path, whole_lines
from overproof.migrations import SCHEMA_VERSION
from overproof.records import Outcome, Sample, Status
from overproof.seals import is_intact
from overproof.store import Keyed, read_row


class SampleHead(msgspec.Struct, gc=False):
    """A sample without completion and solution."""

    key: str
    task_id: str
    variant: str
    operator: str
    seed: int
    model: str
    sample_index: int
    engine: str
    precision: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    schema: int = 1


class OutcomeHead(msgspec.Struct, gc=False):
    """A verdict without its detail and costs."""

    key: str
    task_id: str
    status: Status
    tier: str = ""
    toolchain: str = ""
    sample: str = ""
    schema: int = 1


Head = TypeVar("Head", SampleHead, OutcomeHead)
Row = TypeVar("Row", bound=Keyed)


def sample_heads(folder: Path) -> Iterator[SampleHead]:
    """Yield the samples of a folder, of each key the first. Raises: as `read_table`."""
    return _heads(folder, "samples", Sample, SampleHead)


def outcome_heads(folder: Path) -> Iterator[OutcomeHead]:
    """Yield the verdicts of a folder, of each key the first. Raises: as `read_table`."""
    intern = sys.intern
    for head in _heads(folder, "outcomes", Outcome, OutcomeHead):
        head.task_id, head.status = intern(head.task_id), cast(Status, intern(head.status))
        head.tier, head.toolchain = intern(head.tier), intern(head.toolchain)
        yield head


def light_samples(folder: Path) -> list[Sample]:
    """Return the samples without their texts. Raises: as `read_table`."""
    intern = sys.intern
    return [
        Sample(
            key=head.key,
            task_id=intern(head.task_id),
            variant=intern(head.variant),
            operator=intern(head.operator),
            seed=head.seed,
            model=intern(head.model),
            sample_index=head.sample_index,
            completion="",
            solution="",
            engine=intern(head.engine),
            precision=intern(head.precision),
            finish_reason="stop" if head.finish_reason == "stop" else "length",
            prompt_tokens=head.prompt_tokens,
            completion_tokens=head.completion_tokens,
            seconds=head.seconds,
        )
        for head in sample_heads(folder)
    ]


def light_outcomes(verdicts: dict[str, OutcomeHead]) -> list[Outcome]:
    """Return verdicts, by key of the sample, as rows under that key, without their details."""
    return [
        Outcome(
            key=key,
            task_id=head.task_id,
            status=head.status,
            tier=head.tier,
            toolchain=head.toolchain,
        )
        for key, head in verdicts.items()
    ]


def _heads(folder: Path, name: str, kind: type[Keyed], head: type[Head]) -> Iterator[Head]:
    path = table_path(folder, name)
    decoder = msgspec.json.Decoder(head)
    seen: set[str] = set()
    for number, line in enumerate(whole_lines(path) if path else (), start=1):
        try:
            row = decoder.decode(line)
            whole = is_intact(line) is not False
        except msgspec.DecodeError:
            whole = False
        if not whole or row.schema != SCHEMA_VERSION:
            assert path is not None
            full = read_row(line, kind, path, number)  # says what is wrong, or migrates
            fields = (field for field in head.__struct_fields__ if field != "schema")
            row = head(**{field: getattr(full, field) for field in fields})
        if row.key not in seen:
            seen.add(row.key)
            yield row


def full_row(folder: Path, name: str, kind: type[Row], key: str) -> Row | None:
    """Return one row of a table whole, without decoding the others. Raises: as `read_table`."""
    path = table_path(folder, name)
    wanted = key.encode()
    for number, line in enumerate(whole_lines(path) if path else (), start=1):
        if wanted in line:
            assert path is not None
            row = read_row(line, kind, path, number)
            if row.key == key:
                return row
    return None


def full_rows(
    folder: Path, name: str, kind: type[Row], wanted: "Callable[[Which], bool]"
) -> Iterator[Row]:
    """Yield the rows of a table that are wanted, whole, of each key the first.

    Raises: as `read_table`.
    """
    path = table_path(folder, name)
    seen: set[str] = set()
    decoder = msgspec.json.Decoder(Which)
    for number, line in enumerate(whole_lines(path) if path else (), start=1):
        if wanted(decoder.decode(line)):
            assert path is not None
            row = read_row(line, kind, path, number)
            if row.key not in seen:
                seen.add(row.key)
                yield row


class Which(msgspec.Struct, gc=False):
    """What a row is chosen by."""

    key: str
    variant: str = ""
