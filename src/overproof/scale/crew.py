"""The lead of a run and who helps it: nobody, processes of this machine, or ranks elsewhere.

    study.run(recipe, out, command, Crew(workers=4))

Alone, a run is as it always was, and takes over what ranks have left. With workers, each shared
stage that lacks rows is done by that many processes, then taken over. With `until`, the lead works
up to that stage and stops there: a scheduler then runs the stage's ranks.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from overproof.engines.generate import Contender
from overproof.errors import UsageError
from overproof.perturbation import PerturbResult
from overproof.recipe import Recipe
from overproof.records import Pair, Problem
from overproof.scale.plan import Mode, Plan
from overproof.scale.processes import run_ranks
from overproof.scale.tables import SHARDS, LeadTable, UnfinishedError, shard_files
from overproof.scale.variants import Piece, perturb_in_pieces, perturb_once
from overproof.store import Row, RunFolder, Table

TEACHING = ("checks", "solutions", "lessons")
MEASURING = ("variants", "samples", "outcomes")
STAGES = (*TEACHING, *MEASURING)
"""Shared stages in their order; each is the name of a table."""
MAX_WORKERS = 512


class LeadFolder(RunFolder):
    """A run folder some of whose tables are made by ranks."""

    def __init__(self, path: Path, plan: Plan, crew: "Crew") -> None:
        """Open the folder and write the plan. Raises: StorageError."""
        super().__init__(path)
        self.plan, self._crew = plan, crew
        self.shared: tuple[str, ...] = ()
        """Stages that are shared at this point of the run."""
        self.total = 0
        """Rows that the models will have written."""

    def table(self, name: str, kind: type[Row]) -> Table[Row]:
        """Return the rows stored under `name`; those of a shared stage come from its ranks, too."""
        if name not in self.shared or name == "variants":  # those come in pieces
            return super().table(name, kind)
        return self.shared_table(name, kind)

    def shared_table(self, name: str, kind: type[Row]) -> LeadTable[Row]:
        """Return the table of a shared stage."""

        def ranks(missing: int) -> None:
            rows = missing if name == "variants" else self.total or missing
            self._crew.have_made(self, name, rows)

        return LeadTable(self.path, name, kind, ranks)


class Crew:
    """Who makes the rows of shared stages."""

    def __init__(self, workers: int = 1, until: str = "") -> None:
        """Choose: processes of this machine, or the stage before which the lead stops.

        Raises: UsageError.
        """
        if not 1 <= workers <= MAX_WORKERS:
            raise UsageError(
                f"workers: got {workers}, allowed are 1 to {MAX_WORKERS}",
                hint="one per core is plenty on one machine; `overproof scale submit` for more",
            )
        if until and until not in STAGES:
            raise UsageError(f"no shared stage {until!r}", hint=f"one of {', '.join(STAGES)}")
        self.workers, self.until = workers, until

    @property
    def alone(self) -> bool:
        """Whether the lead does everything itself."""
        return self.workers == 1 and not self.until

    def open(
        self, out: Path, mode: Mode, command: str, models: Sequence[str] | None = None
    ) -> RunFolder:
        """Return the run folder; a plain one if nobody shares the work or has shared it."""
        if self.alone and not (out / SHARDS).is_dir():
            return RunFolder(out)
        plan = Plan(mode=mode, command=command, models=list(models or ()))
        return LeadFolder(out, plan, self)

    @contextmanager
    def teaching(
        self, folder: RunFolder, teacher: Contender, pairs: Sequence[Pair], recipe: Recipe
    ) -> Iterator[None]:
        """Share the teacher's stages within."""
        if isinstance(folder, LeadFolder):
            folder.plan.tell_teaching(folder.path, teacher, pairs, recipe.models.teacher)
            folder.shared = TEACHING
            yield
            folder.shared = ()
        else:
            yield

    def measuring(self, folder: RunFolder, contenders: Sequence[Contender], recipe: Recipe) -> None:
        """Share the stages that measure these models from here on."""
        if isinstance(folder, LeadFolder):
            models = recipe.models
            asked = {"teacher": models.teacher, "undistilled": models.student}
            if folder.plan.mode == "eval":
                names = [one.name for one in contenders]
                asked = dict(zip(names, folder.plan.models, strict=True))
            folder.plan.tell(folder.path, contenders, asked)
            folder.shared = MEASURING

    def perturb(
        self,
        folder: RunFolder,
        problems: Sequence[Problem],
        operators: Sequence[str],
        seeds: Sequence[int],
        recipe: Recipe,
        workers: int,
    ) -> PerturbResult:
        """Return the variants: in pieces where ranks share them, else in one go, once."""
        pieces = bool(shard_files(folder.path, "variants"))
        if isinstance(folder, LeadFolder) and (pieces or not self.alone) and operators:
            table = folder.shared_table("variants", Piece)
            return perturb_in_pieces(problems, operators, seeds, recipe.limits, table)
        return perturb_once(problems, operators, seeds, recipe.limits, folder, workers)

    def expect(self, folder: RunFolder, rows: int) -> None:
        """Say how many samples there will be, of all models together."""
        if isinstance(folder, LeadFolder):
            folder.total = rows

    def have_made(self, folder: LeadFolder, stage: str, rows: int) -> None:
        """Have the ranks make what a stage lacks.

        Raises: UnfinishedError if this lead stops before the stage; as `run_ranks`.
        """
        if self.until and STAGES.index(stage) >= STAGES.index(self.until):
            raise UnfinishedError(stage)
        if self.workers > 1:
            run_ranks(folder.path, stage, self.workers, rows)
