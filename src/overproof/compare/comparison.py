"""The door of this room: two sides in, their differences out.

    compared = compare(read_side("runs/old"), read_side("runs/new"))
    compared.find("pass@1").difference.value

The numbers are those of `measure`, over the rows that both sides have, with B minus A as the only
pair; times are B over A, and only of one run, where the models took turns.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from overproof.compare.pairing import A, B, Shared, pair
from overproof.compare.sides import Side
from overproof.errors import UnknownNameError, UsageError
from overproof.measure.scopes import AGGREGATES
from overproof.measure.scores import measure
from overproof.measure.speed import SPEED
from overproof.records import Score, Timing

USUAL_KS = (10, 100)
"""Taken besides 1 and what the recipes say, where every task has as many samples."""
RATIOS = tuple(f"{name}_ratio" for name in SPEED)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One metric in one scope: what A and B reach, and B against A."""

    difference: Score
    """B minus A, or B over A for times."""
    a: Score | None
    b: Score | None

    @property
    def is_ratio(self) -> bool:
        """Whether it is B over A."""
        return self.difference.metric in RATIOS

    @property
    def overall(self) -> bool:
        """Whether it is a headline: the published prompts, or over all operators."""
        row = self.difference
        nominal = row.operator == "nominal"
        return nominal or (row.family == "all" and row.operator in ("all", "unseen"))


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two sides, compared."""

    a: Side
    b: Side
    shared: Shared
    rows: list[Row]
    timed: str
    """Why there are no times; empty where there are."""

    def find(self, metric: str, scope: Sequence[str] = ()) -> Row:
        """Return the row of a metric in a scope: operator, family, language or suite, in any order.

        Without a scope it is the published prompts for pass@k, and the worst over all operators
        (over the unseen ones, where training has seen some) for the robust metrics.
        Raises: UnknownNameError, UsageError.
        """
        rows = [row for row in self.rows if row.difference.metric == metric]
        if not rows:
            raise UsageError(f"{metric} is not among what both have", hint=self._why_no(metric))
        only = self._only_ones()
        wanted = _Wanted.of(metric, [word for word in scope if word not in only], self.rows)
        for operator in wanted.operators:
            for row in rows:
                found = row.difference
                if (found.operator, found.family) == (operator, wanted.family or found.family) and (
                    wanted.is_part(found)
                ):
                    return row
        known = sorted({_scope_text(row.difference) for row in rows} - {""})
        raise UsageError(
            f"{metric}[{', '.join(scope)}] is not compared" if scope else f"{metric} needs a scope",
            hint=f"it is for: {', '.join(known[:30])}" if known else "leave the scope out",
        )

    def _only_ones(self) -> set[str]:
        """Return the language and the suite of all tasks: as a scope they change nothing."""
        languages = {problem.language for problem in self.shared.problems}
        suites = {problem.suite for problem in self.shared.problems}
        return set().union(*(names for names in (languages, suites) if len(names) == 1))

    def _why_no(self, metric: str) -> str:
        known = list(dict.fromkeys(row.difference.metric for row in self.rows))
        base, at, k = metric.partition("@")
        if metric in RATIOS:
            return self.timed or f"known: {', '.join(known)}"
        if at and int(k) > self.shared.fewest:
            return (
                f"{metric} needs {k} samples of each prompt, and some task has {self.shared.fewest}"
            )
        if base.startswith("robust"):
            return "no perturbed prompts are in both; run `overproof eval --operators …`"
        return f"known: {', '.join(known)}"


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """A scope, read against what a comparison has."""

    operators: tuple[str, ...]
    """The first that there is."""
    family: str
    suite: str
    language: str

    @classmethod
    def of(cls, metric: str, scope: Sequence[str], rows: Sequence[Row]) -> "_Wanted":
        """Say what each word of the scope is. Raises: UnknownNameError."""
        known = [row.difference for row in rows]
        kinds = {
            "operator": {row.operator for row in known} | set(AGGREGATES),
            "family": {row.family for row in known},
            "language": {row.language for row in known},
            "suite": {row.suite for row in known},
        }
        found = dict.fromkeys(kinds, "")
        for word in scope:
            kind = next((kind for kind, names in kinds.items() if word in names - {""}), None)
            if kind is None or found[kind]:
                names = sorted(set().union(*kinds.values()) - {""})
                raise UnknownNameError("scope", word, names)
            found[kind] = word
        operator, family = found["operator"], found["family"]
        nominal = not metric.startswith("robust") and not operator and not family
        if operator in AGGREGATES or not operator:
            family = family or ("" if nominal else "all")
        default = ("nominal",) if nominal else ("all", "unseen", "seen" if found["family"] else "")
        return cls(
            operators=(operator,) if operator else default,
            family=family,
            suite=found["suite"],
            language=found["language"],
        )

    def is_part(self, row: Score) -> bool:
        """Return whether a row is about this suite and language, and no more or less."""
        if self.language and not self.suite:
            return row.language == self.language
        return (row.suite, row.language) == (self.suite, self.language) or (
            bool(self.suite) and not self.language and row.suite == self.suite
        )


def compare(first: Side, second: Side, *, ks: Iterable[int] = (), seed: int = 0) -> Comparison:
    """Compare two sides on what both have; `ks` are taken beside 1 and those of the recipes.

    Raises: UsageError if they share no task, or for a k below 1.
    """
    shared = pair(first, second)
    usual = (k for k in USUAL_KS if k <= shared.fewest)
    timings, timed = _timings(first, second)
    scores = measure(
        shared.problems,
        shared.variants,
        shared.samples,
        shared.outcomes,
        timings,
        ks=sorted({1, *first.ks, *second.ks, *ks, *usual}),
        models=[A, B],
        pairs=[(B, A)],
        seen=first.seen | second.seen,
        seed=seed,
    )
    return Comparison(a=first, b=second, shared=shared, rows=_rows(scores), timed=timed)


def _timings(first: Side, second: Side) -> tuple[list[Timing], str]:
    """Return the timings under the names A and B, or none and why."""
    if first.path.resolve() != second.path.resolve() or first.scored:
        return [], "times are compared within one run only, where the models took turns"
    if first.model == second.model:
        return [], "a model has no times against itself"
    if not first.timings or not second.timings:
        return [], "the run timed nothing; `--latency 20` or latency.prompts=20 does"
    named = [(A, first), (B, second)]
    return [replace(row, model=name) for name, side in named for row in side.timings], ""


def _rows(scores: Sequence[Score]) -> list[Row]:
    """Return the differences, each with the two numbers behind it."""
    places = {(_place(row, row.metric), row.model): row for row in scores if not row.against}
    found = []
    for row in scores:
        if row.against:
            place = _place(row, row.metric.removesuffix("_ratio"))
            found.append(Row(difference=row, a=places.get((place, A)), b=places.get((place, B))))
    return found


def _place(row: Score, metric: str) -> tuple[str, ...]:
    return metric, row.operator, row.family, row.suite, row.language


def _scope_text(row: Score) -> str:
    """Return the scope as a gate names it."""
    words = []
    if row.operator in AGGREGATES:
        words += [row.family] if row.family != "all" else []
        default = row.operator == "all" or (row.operator, row.family) == ("unseen", "all")
        words += [] if default else [row.operator]
    elif row.operator != "nominal":
        words.append(row.operator)
    return ", ".join([*words, *filter(None, (row.suite, row.language))])
