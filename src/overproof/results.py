"""What the functions of `overproof.api` return: objects that print as text and show as tables.

    found = overproof.evaluate(["smollm2-135m-instruct", "runs/demo/models/distilled-…"])
    found.value("pass@1", model="smollm2-135m-instruct")
    pandas.DataFrame(found.as_records())

In a terminal `rich.print(found)` draws the table, in a notebook the last line of a cell does.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from overproof.errors import UnknownNameError, UsageError
from overproof.records import Score, Variant
from overproof.shown import Shown

if TYPE_CHECKING:
    from rich.console import RenderableType

    from overproof.distillation.arm import Distilled
    from overproof.perturbation import Yield
    from overproof.perturbing import Perturbed
    from overproof.study import Finished


@dataclass(frozen=True, kw_only=True)
class Evaluation(Shown):
    """What `run` and `evaluate` found, and where it stands."""

    folder: Path
    """The run folder, with recipe, rows, results.json and claims.json."""
    report: Path
    """The report, one HTML file."""
    scores: Sequence[Score]
    """Every number, with its 95 % interval."""
    models: Sequence[Mapping[str, Any]]
    """name, label, size_bytes, sha256, engine and precision of each model."""
    notes: Mapping[str, Any]
    """What the report says of the stages before: pairs, teacher, arms, operators."""

    @classmethod
    def of(cls, finished: "Finished", folder: Path) -> "Evaluation":
        """Return the result of a finished run in this folder."""
        return cls(
            folder=folder,
            report=finished.report,
            scores=finished.scores,
            models=finished.models,
            notes=finished.notes,
        )

    def score(self, metric: str, *, model: str = "", operator: str = "nominal") -> Score:
        """Return one number with its interval, pooled over the suites of the run.

        Args:
            metric: `pass@1`, `robust_pass@1`, `robust_drop@1`, `ttft_ms`, … (docs/reference/rows).
            model: name in `models`; may be left out if the run has one.
            operator: an operator, or `all` for an aggregate.

        Raises: UnknownNameError for a metric, model or operator of which the run has no number;
        UsageError if the run has several models and none is named.
        """
        rows = [row for row in self.scores if not (row.against or row.suite or row.language)]
        names = [str(each["name"]) for each in self.models]
        if not model and len(names) > 1:
            raise UsageError(f"the run has {len(names)} models", hint=f"model=: {', '.join(names)}")
        wanted = {"model": model or names[0], "metric": metric, "operator": operator}
        for key, value in wanted.items():
            left = [row for row in rows if getattr(row, key) == value]
            if not left:
                raise UnknownNameError(key, value, {getattr(row, key) for row in rows})
            rows = left
        return rows[0]

    def value(self, metric: str, *, model: str = "", operator: str = "nominal") -> float | None:
        """Return the value of `score`, a share for pass@k; None where it is not defined."""
        return self.score(metric, model=model, operator=operator).value

    def as_records(self) -> list[dict[str, Any]]:
        """Return every number as a flat record, as data frames take them."""
        return [dataclasses.asdict(row) for row in self.scores]

    def __rich__(self) -> "RenderableType":
        """Return the tables that the command prints."""
        from rich.console import Group

        from overproof.report.terminal import summary_tables

        return Group(
            *summary_tables(self.scores, self.models, self.notes), f"report: {self.report}"
        )


@dataclass(frozen=True, kw_only=True)
class Student(Shown):
    """A trained arm; `str(student.path)` is a model's name everywhere."""

    name: str
    path: Path
    """The checkpoint: a folder that transformers and every engine here can load."""
    record: Mapping[str, Any]
    """arm, changes, heldout, curve, tokens, steps: see training.json in the folder."""

    @classmethod
    def of(cls, distilled: "Distilled") -> "Student":
        """Return the student of a finished training."""
        path = distilled.source.path
        assert path is not None  # it was written here
        return cls(name=str(distilled.record["arm"]), path=path, record=distilled.record)

    @property
    def heldout(self) -> Mapping[str, Mapping[str, Any]]:
        """Nats per held-out token by condition: before, after, fall and its 95 % interval."""
        held: Mapping[str, Mapping[str, Any]] = self.record["heldout"]
        return held

    def lines(self) -> Iterator[str]:
        """Yield what the command prints."""
        for condition, row in self.heldout.items():
            known = row["low"] is not None
            span = f" [{row['low']:.0%}, {row['high']:.0%}]" if known else ""
            few = "" if known else f", {row['n']} lessons only"
            yield (
                f"held out, {condition}: {row['before']:.4f} -> {row['after']:.4f} nats per token, "
                f"{row['fall']:.0%} less{span}{few}"
            )
        yield f"checkpoint: {self.path}"

    def __rich__(self) -> "RenderableType":
        """Return the lines as one text."""
        from rich.text import Text

        return Text("\n".join(self.lines()))


class Variants(Shown, Sequence[Variant]):
    """Certified variants of prompts, in order; what was refused is counted in `yields`."""

    def __init__(self, perturbed: "Perturbed") -> None:
        """Take what `overproof.perturbing.perturb_suite` returned."""
        self._perturbed = perturbed
        self._rows = perturbed.variants

    def __len__(self) -> int:
        """Return the number of certified variants."""
        return len(self._rows)

    def __getitem__(self, place: Any) -> Any:
        """Return a variant, or a list of them for a slice."""
        return self._rows[place]

    @property
    def yields(self) -> Sequence["Yield"]:
        """What each operator was asked for, made, and had refused."""
        return self._perturbed.result.yields

    @property
    def left_out(self) -> tuple[str, ...]:
        """Operators that need a model that writes, where none was named."""
        return self._perturbed.left_out

    def write(self, path: str | Path) -> Path:
        """Write one JSON line a variant, all or nothing. Raises: UsageError, StorageError."""
        from overproof.perturbing import write_variants

        write_variants(self._rows, Path(path))
        return Path(path)

    def __rich__(self) -> "RenderableType":
        """Return the table of the operators, as the command prints it."""
        from rich.text import Text

        from overproof.perturbing import yield_lines

        return Text("\n".join((*yield_lines(self._perturbed), f"{len(self)} certified variants")))
