"""A shared stage's table: as one rank sees it, and as the lead of the run sees it.

    runs/demo/shards/samples/00003-of-00064/rows.jsonl     written by rank 3 of 64 alone
    runs/demo/shards/samples/00003-of-00064/done.json      its share is finished
    runs/demo/samples.jsonl                                the lead's, after taking over

A rank reads the rows of all others and of the lead, and writes to its own file only, so nothing is
locked but that file. The lead takes rows over in the order in which one process would have written
them; taking over twice is the same as once. Both files keep the promises of `store.Table`.

Not covered: file systems that show a file's new lines late (some NFS settings): a rank may then
make a row that another has, and the lead keeps one.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from overproof.errors import OverproofError
from overproof.records import content_key
from overproof.scale.deal import Place, deal
from overproof.store import Keyed, Table, batches, read_row, storage_errors

Row = TypeVar("Row", bound=Keyed)
Item = TypeVar("Item")

SHARDS = "shards"
"""Folder of all that belongs to ranks, inside the run folder."""
ROWS, DONE = "rows.jsonl", "done.json"


class UnfinishedError(OverproofError):
    """Rows of a shared stage are missing that are not this process's business."""

    def __init__(self, stage: str) -> None:
        """Name the stage whose rows are missing."""
        super().__init__(
            f"the stage {stage} is not finished",
            hint=f"run its ranks first: overproof scale rank FOLDER {stage} --rank R --of N",
        )
        self.stage = stage


def shard_folder(run: Path, stage: str, place: Place) -> Path:
    """Return the folder of one rank."""
    return run / SHARDS / stage / str(place)


def shard_files(run: Path, stage: str) -> list[Path]:
    """Return the row files of all ranks of a stage, whatever their world size, in order."""
    return sorted((run / SHARDS / stage).glob(f"*/{ROWS}"))


def lead_file(run: Path, stage: str) -> Path:
    """Return the lead's file: of the variants, that of the pieces they come in."""
    return run / SHARDS / "variants.jsonl" if stage == "variants" else run / f"{stage}.jsonl"


def count_lines(path: Path) -> int:
    """Return the number of whole lines; 0 if there is no file."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


def read_shard(path: Path, kind: type[Row]) -> Iterator[Row]:
    """Yield the whole rows of a file that another process may be writing to.

    Raises: RowError for a damaged line, with file and line.
    """
    if not path.exists():
        return
    with storage_errors(path), path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                return  # it is being written
            yield read_row(line[:-1], kind, path, number)


class RankTable(Table[Row]):
    """A table of a shared stage, as a rank sees it."""

    def __init__(
        self,
        run: Path,
        stage: str,
        kind: type[Row],
        place: Place,
        *,
        own: bool,
        keep: bool = True,
    ) -> None:
        """Read the rows that are there; with `own` this is the stage whose share is to be done.

        Without `keep` only the keys of other processes' rows stay in memory, and `fill` returns
        nothing: for large rows that nobody reads.
        Raises: RowError, StorageError.
        """
        path = shard_folder(run, stage, place) / ROWS
        if own:
            with storage_errors(path):
                path.parent.mkdir(parents=True, exist_ok=True)
            super().__init__(path, kind)
        else:
            super().__init__(path.with_name("nothing"), kind)
        self._stage, self._place, self._own = stage, place, own
        files = [lead_file(run, stage), *shard_files(run, stage)]
        self._keep = keep
        self._elsewhere: dict[str, Row | None] = {
            row.key: row if keep else None
            for file in files
            if not (own and file == path)
            for row in read_shard(file, kind)
        }

    def __contains__(self, key: str) -> bool:
        """Return whether any process has made this row."""
        return super().__contains__(key) or key in self._elsewhere

    def __getitem__(self, key: str) -> Row:
        """Return the row, whoever made it. Raises: UnfinishedError if nobody has."""
        row = self._elsewhere.get(key)
        if row is not None:
            return row
        if super().__contains__(key):
            return super().__getitem__(key)
        raise UnfinishedError(self._stage)

    def fill(
        self,
        items: Sequence[Item],
        key: Callable[[Item], str],
        work: Callable[[list[Item]], Iterable[Row]],
        *,
        batch: int = 1,
        group: Callable[[Item], Hashable] | None = None,
        on_batch: Callable[[int], None] | None = None,
    ) -> list[Row]:
        """Make the rows of this rank's share, and return all.

        Raises: UnfinishedError once the share is done, if rows of other ranks are missing.
        """
        if self._own:
            for part in self.share(list(batches(items, batch, group)), key):
                if any(key(item) not in self for item in part):
                    self.append(work(part))
                if on_batch is not None:
                    on_batch(len(part))
        if not self._keep and all(key(item) in self for item in items):
            return []
        return [self[key(item)] for item in items]

    def share(self, parts: Sequence[list[Item]], key: Callable[[Item], str]) -> list[list[Item]]:
        """Return those of the parts that are dealt to this rank, in order."""
        names = [content_key([key(item) for item in part]) for part in parts]
        return [parts[number] for number in deal(names, self._place)]


class LeadTable(Table[Row]):
    """A table of a shared stage, as the lead of the run sees it."""

    def __init__(
        self, run: Path, stage: str, kind: type[Row], ranks: Callable[[int], None]
    ) -> None:
        """Read the lead's own rows; `ranks` is told how many are missing, and has them made."""
        super().__init__(lead_file(run, stage), kind)
        self._stage, self._kind, self._run, self._ranks = stage, kind, run, ranks
        self._asked = False

    def __contains__(self, key: str) -> bool:
        """Return whether the row is there; the first that is not has the ranks begin."""
        if not super().__contains__(key) and not self._asked:
            self._asked = True
            self._take_all()
            if not super().__contains__(key):
                self._ranks(0)
                self._take_all()
        return super().__contains__(key)

    def append(self, rows: Iterable[Row], *, sync: bool = True) -> None:
        """Write rows that are new; as a table does."""
        self._asked = True
        super().append(rows, sync=sync)

    def fill(
        self,
        items: Sequence[Item],
        key: Callable[[Item], str],
        work: Callable[[list[Item]], Iterable[Row]],
        *,
        batch: int = 1,
        group: Callable[[Item], Hashable] | None = None,
        on_batch: Callable[[int], None] | None = None,
    ) -> list[Row]:
        """Return the rows for `items`: those of the ranks, taken over in order, and the rest made.

        Nothing is taken over before the ranks are done, so that a run which was broken off has the
        order of one that was not. One missing batch is made here: that is over before a second
        process has begun.
        """
        self._asked = True
        keys = [key(item) for item in items]
        parts = list(batches(items, batch, group))
        made = self._made(keys)
        waiting = [
            part
            for part in parts
            if any(name not in self and name not in made for name in map(key, part))
        ]
        if len(waiting) > 1:
            self._ranks(sum(map(len, waiting)))
            made = self._made(keys)
        taken: list[Row] = []
        for part in parts:
            lacking = [name for name in map(key, part) if name not in self]
            if all(name in made for name in lacking):
                taken += [made[name] for name in lacking]
            else:
                self.append(taken)
                taken = []
                self.append(work(part))
            if on_batch is not None:
                on_batch(len(part))
        self.append(taken)
        return [self[name] for name in keys]

    def _made(self, keys: Sequence[str]) -> dict[str, Row]:
        """Return those of these rows that a rank has made and that are not taken over yet."""
        wanted = {name for name in keys if name not in self}
        if not wanted:
            return {}
        return {
            row.key: row
            for file in shard_files(self._run, self._stage)
            for row in read_shard(file, self._kind)
            if row.key in wanted
        }

    def _take_all(self) -> None:
        """Take over all rows that ranks have made, by rank."""
        for file in shard_files(self._run, self._stage):
            self.append(read_shard(file, self._kind))
