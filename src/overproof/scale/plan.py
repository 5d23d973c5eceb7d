"""What a rank has to know of a run, written by its lead: shards/plan.json, shards/pairs.jsonl.

    plan = read_plan(Path("runs/demo"))
    plan.contenders()

Models are written with their hash. A rank on another machine looks for the same path, then for the
name that the user gave, and refuses other bytes. The recipe is `recipe.yaml` beside it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from overproof.catalog import ModelSource
from overproof.engines.generate import Contender
from overproof.errors import DataError, StorageError
from overproof.models import resolve_model
from overproof.records import Pair, encode_row, read_rows
from overproof.scale.tables import SHARDS
from overproof.store import storage_errors, write_atomically

Mode = Literal["run", "eval"]
PLAN, PAIRS = "plan.json", "pairs.jsonl"


@dataclass(kw_only=True)
class Plan:
    """What the lead of a run tells its ranks; it grows while the run goes on."""

    mode: Mode
    command: str
    """As the user typed it."""
    models: list[str] = field(default_factory=list)
    """Of `eval`: the models as named."""
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Models by their name in the tables, and `teacher of lessons`."""

    def contenders(self, run: Path) -> list[Contender]:
        """Return the models of the tables, in order. Raises: DataError, and as `resolve_model`."""
        return [
            Contender(name=name, source=_found(record, run))
            for name, record in self.told.items()
            if name != TEACHER
        ]

    def teacher(self, run: Path) -> Contender:
        """Return the teacher of the lessons. Raises: DataError, and as `resolve_model`."""
        if TEACHER not in self.told:
            raise DataError(f"{run}: its pairs are not gathered yet", hint=LEAD_HINT)
        return Contender(name="teacher", source=_found(self.told[TEACHER], run))

    def tell(self, run: Path, contenders: Sequence[Contender], asked: Mapping[str, str]) -> None:
        """Write down the models of the tables; `asked` has the names that the user gave."""
        teacher = {TEACHER: self.told[TEACHER]} if TEACHER in self.told else {}
        self.told = teacher | {
            one.name: _record(one.source, run, asked.get(one.name, "")) for one in contenders
        }
        self.write(run)

    def tell_teaching(
        self, run: Path, teacher: Contender, pairs: Sequence[Pair], asked: str
    ) -> None:
        """Write down the pairs and who teaches them."""
        self.told[TEACHER] = _record(teacher.source, run, asked)
        lines = b"".join(encode_row(pair) + b"\n" for pair in pairs)
        write_atomically(run / SHARDS / PAIRS, lines)
        self.write(run)

    def write(self, run: Path) -> None:
        """Replace the file. Raises: StorageError."""
        path = run / SHARDS / PLAN
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(asdict(self), indent=2).encode() + b"\n")


TEACHER = "teacher of lessons"
LEAD_HINT = "let the lead begin: overproof scale lead FOLDER --until STAGE"


def read_plan(run: Path) -> Plan:
    """Return what the lead has told. Raises: StorageError if it has not begun, DataError."""
    path = run / SHARDS / PLAN
    if not path.is_file():
        raise StorageError(f"{run}: no plan of a shared run", hint=LEAD_HINT)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Plan)
    except (msgspec.DecodeError, OSError) as error:
        raise DataError(f"{path}: not a plan ({error})", hint=LEAD_HINT) from None


def read_told_pairs(run: Path) -> list[Pair]:
    """Return the pairs that the lead has gathered. Raises: DataError, RowError."""
    path = run / SHARDS / PAIRS
    if not path.is_file():
        raise DataError(f"{run}: its pairs are not gathered yet", hint=LEAD_HINT)
    return read_rows(path, Pair)


def _record(source: ModelSource, run: Path, asked: str) -> dict[str, Any]:
    """Return a model as JSON; a path inside the run folder is relative to it."""
    record: dict[str, Any] = asdict(source) | {"asked": asked, "path": None, "tokenizer": None}
    if source.path is not None:
        inside = source.path.resolve().is_relative_to(run.resolve())
        path = source.path.resolve()
        record["path"] = str(path.relative_to(run.resolve()) if inside else path)
    if source.tokenizer is not None:
        record["tokenizer"] = _record(source.tokenizer, run, "")
    return record


def _found(record: dict[str, Any], run: Path) -> ModelSource:
    """Return the model on this machine. Raises: DataError for other bytes, and of resolving."""
    fields = {name: value for name, value in record.items() if name != "asked"}
    if record["tokenizer"] is not None:
        fields["tokenizer"] = _found(record["tokenizer"], run)
    if record["path"] is None:
        return ModelSource(**fields)
    path = run.resolve() / record["path"]  # an absolute path stays one
    if path.exists():
        return ModelSource(**{**fields, "path": path})
    if not record["asked"]:
        raise DataError(f"no model at {path}", hint="give all ranks the same folders")
    source = resolve_model(record["asked"])
    if source.sha256 != record["sha256"]:
        raise DataError(
            f"{record['asked']}: other bytes here than where the run was begun",
            hint="name the model by a catalogue name or a revision, or copy it",
        )
    return source
