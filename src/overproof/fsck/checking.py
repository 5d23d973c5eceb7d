"""The tables of a folder in the order in which they refer to one another.

    checked = check(Path("runs/demo"))

A damaged sample takes its verdict with it: the key says what a sample was made from, and not what
the model wrote, so another answer may come to stand under the same key. A damaged variant takes
nothing with it: the next run makes the very same again.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from overproof.errors import UsageError
from overproof.folders.rows import table_path
from overproof.fsck.files import check_files
from overproof.fsck.findings import Checked, Remedy
from overproof.fsck.tables import Look, Scan, all_keys, refers, scan_table
from overproof.locks import is_held
from overproof.records import (
    Checks,
    Lesson,
    Outcome,
    OwnProblem,
    Pair,
    Query,
    Sample,
    Solution,
    Timing,
    Variant,
)
from overproof.scale.tables import SHARDS
from overproof.scale.variants import Piece
from overproof.store import Keyed


def check(path: Path, *, held: bool = False) -> Checked:
    """Return what is wrong with a folder. Nothing is written; a run may be on.

    `held` says that it is the caller who holds the folder, so that no run can be on.
    Raises: UsageError if there is no such folder, or nothing in it that a run writes.
    """
    if not path.is_dir():
        raise UsageError(f"no run folder {path}", hint="`overproof ls` lists those below runs/")
    if not (path / "recipe.yaml").is_file() and not any(_tables(path)):
        raise UsageError(
            f"{path} holds no run: neither recipe.yaml nor a table",
            hint=f"`overproof ls {path}` lists the runs below it",
        )
    checked = Checked(path=path)
    for scan in _Tables(path, held).scans():
        checked.rows[scan.name] = len(scan.keys)
        checked.unsealed += scan.unsealed
        checked.findings += scan.bad
    checked.findings += check_files(path, live=is_held(path) and not held)
    return checked


def _tables(path: Path) -> Iterator[Path]:
    for pattern in ("*.jsonl", "*.jsonl.gz"):
        yield from path.glob(pattern)


class _Tables:
    """Every table of a folder, each after those that it refers to."""

    def __init__(self, path: Path, held: bool) -> None:
        self.path, self.held = path, held
        self.live = is_held(path) and not held

    def scans(self) -> Iterator[Scan]:
        yield from (pairs := list(self._pairs()))
        yield from self._lessons(pairs)
        variants = self._scan("variants", Variant)
        found = self._scan("found", Variant, remedy="move file")
        yield from filter(None, (variants, found))
        trials = self._scan("trials", _trial())
        samples = self._scan("samples", Sample, self._look("variant", variants), missing="rerun")
        yield from filter(None, (trials, samples))
        verdict = self._verdict(samples, trials)
        yield from filter(None, (self._scan("outcomes", Outcome, verdict),))
        yield from filter(None, (self._scan("timings", Timing),))
        asked = self._look("variant", variants)
        yield from filter(None, (self._scan("queries", Query, asked, missing="rerun"),))
        yield from self._shards()

    def _pairs(self) -> Iterator[Scan]:
        """Yield the files of pairs: written whole, so that one bad line condemns the file."""
        for path in sorted(self.path.glob("pairs-*.jsonl")):
            yield scan_table(path, Pair, remedy="move file")

    def _lessons(self, pairs: list[Scan]) -> Iterator[Scan]:
        """Yield what was taught. Pairs that the teacher made up are in no file of pairs."""
        own = self._scan("problems", OwnProblem)
        look = None
        if pairs and not own and not any(scan.bad for scan in pairs):
            look = refers("pair", all_keys(*pairs), "pairs-*.jsonl")
        kinds: dict[str, type[Keyed]] = {
            "checks": Checks, "solutions": Solution, "rollouts": Solution, "lessons": Lesson,
        }  # fmt: skip
        tables = [self._scan(name, kind, look, missing="rerun") for name, kind in kinds.items()]
        yield from filter(None, (own, *tables))

    def _shards(self) -> Iterator[Scan]:
        """Yield what ranks have written that share the work of this run."""
        kinds: dict[str, Any] = {
            "checks": Checks, "solutions": Solution, "lessons": Lesson, "variants": Piece,
            "samples": Sample, "outcomes": Outcome,
        }  # fmt: skip
        for path in sorted((self.path / SHARDS).rglob("*.jsonl")):
            name = path.relative_to(self.path)
            kind = kinds.get(path.stem if path.parent.name == SHARDS else name.parts[1])
            if kind is not None:
                live = self.live or (is_held(path.parent) and not self.held)
                yield scan_table(path, kind, name=str(name), live=live)

    def _look(self, field_name: str, known: Scan | None) -> Look | None:
        return refers(field_name, known.keys, known.name) if known else None

    def _scan(
        self,
        name: str,
        kind: type[Keyed],
        look: Look | None = None,
        *,
        remedy: Remedy = "move line",
        missing: Remedy = "move line",
    ) -> Scan | None:
        path = table_path(self.path, name)
        if path is None:
            return None
        return scan_table(path, kind, look, live=self.live, remedy=remedy, missing=missing)

    def _verdict(self, samples: Scan | None, trials: Scan | None) -> Look | None:
        """Return the look at a verdict's sample.

        Those of a latency measurement are about programs, whose hash is their key: none is lost.
        """
        return refers("sample", samples.keys, samples.name) if samples and not trials else None


def _trial() -> Any:
    from overproof.bench.rows import Trial

    return Trial
