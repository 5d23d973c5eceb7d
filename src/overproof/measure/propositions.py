"""What a run could claim: each sentence with the rows behind it, before anything is judged.

    for proposition in propositions(Rows(scores), models, trained=True): ...

What is asked, in the order of a report:

    robust_gain, gain   a model's robust pass@1, or its pass@1, is higher than that of another
    kept                its pass@1 is no more than 2 points below the undistilled student's
    drop                its robust drop is smaller than the undistilled student's
    drop_inherited      its robust drop is no larger than its teacher's
    speed, speed_kept   it takes less time per token than its teacher; hardly more than undistilled
    size, closeness     larger models do better; what they learnt comes closer to reality
    level               what a model solves, where nothing is compared

Not covered: sentences about single operators, families, suites and languages.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from overproof.measure.claims import TEACHER, UNDISTILLED
from overproof.measure.places import Rows, detectable, exact_p, subject
from overproof.records import Score

MARGIN = 0.02
"""Of shares: what counts as no worse, and the smallest gain that is worth a claim."""
SPEED_MARGIN = 1.05
"""Of times per token."""
ONE_RUN = ("One training run: the interval is over tasks, not over seeds of training",)


@dataclass(frozen=True, kw_only=True)
class Proposition:
    """A sentence that rows can verify or refute."""

    kind: str
    text: str
    value: float | None
    low: float | None
    high: float | None
    pair: tuple[str, str]
    """The model that the sentence is about, and what it is compared with."""
    rows: tuple[Score, ...]
    """The first one gives the estimate."""
    n: int
    detectable: float | None = None
    sign: int = 1
    """1 if a larger value speaks for the sentence, -1 if a smaller one does."""
    threshold: float = 0.0
    """The sentence holds if the whole interval is on the right side of this."""
    refuted_at: float = 0.0
    """It is refuted if the whole interval is on the wrong side of this."""
    margin: float | None = None
    ratio: bool = False
    p: float | None = None
    """Exact, two-sided, where a test of no difference was made."""
    limitations: tuple[str, ...] = ()
    primary: bool = False
    """Whether it answers the run's main question."""


def propositions(
    rows: Rows, models: Sequence[Mapping[str, Any]], trained: bool
) -> Iterator[Proposition]:
    """Yield what can be claimed; the primary ones first.

    `models` are the manifest's entries; `trained` says whether arms were distilled in this run.
    """
    names = {m["name"]: str(m.get("label") or m["name"]) for m in models}
    pairs = [pair for pair in rows.pairs() if pair[0] != TEACHER or pair[1] == UNDISTILLED]
    main = [pair for pair in pairs if pair[1] == UNDISTILLED] or pairs
    for pair in main:
        yield from _gain(rows, names, pair, robust=True, primary=True, trained=trained)
    for pair in main:
        yield from _gain(rows, names, pair, robust=False, primary=False, trained=trained)
    for first, second in main if trained else []:
        yield from _kept(rows, names, first, second)
        yield from _drops(rows, names, first, second)
    for pair in pairs:
        if pair not in main:
            yield from _gain(rows, names, pair, robust=True, primary=False, trained=trained)
            yield from _gain(rows, names, pair, robust=False, primary=False, trained=trained)
    yield from _speed(rows, names)
    yield from _sizes(rows, names)
    if not main:
        yield from _levels(rows, names)


def _gain(
    rows: Rows,
    names: Mapping[str, str],
    pair: tuple[str, str],
    *,
    robust: bool,
    primary: bool,
    trained: bool,
) -> Iterator[Proposition]:
    get, metric = (rows.overall, "robust_pass@1") if robust else (rows.nominal, "pass@1")
    row = get(pair[0], metric, pair[1])
    if row is None:
        return
    first, second = (names.get(name, name) for name in pair)
    text = f"The {subject(row)} of {first} is higher than that of {second}"
    found = _difference(rows, row, "robust_gain" if robust else "gain", text)
    yield replace(
        found,
        refuted_at=MARGIN,
        margin=MARGIN,
        primary=primary,
        limitations=found.limitations + (ONE_RUN if trained else ()),
    )


def _kept(rows: Rows, names: Mapping[str, str], first: str, second: str) -> Iterator[Proposition]:
    row = rows.nominal(first, "pass@1", second)
    if row is None:
        return
    text = (
        f"The nominal pass@1 of {names.get(first, first)} is no more than {100 * MARGIN:.0f} "
        f"points below that of {names.get(second, second)}"
    )
    found = _difference(rows, row, "kept", text)
    limits = (*found.limitations, *ONE_RUN)
    found = replace(found, threshold=-MARGIN, refuted_at=-MARGIN, margin=MARGIN)
    yield replace(found, p=None, limitations=limits)


def _drops(rows: Rows, names: Mapping[str, str], first: str, second: str) -> Iterator[Proposition]:
    arm = names.get(first, first)
    row = rows.overall(first, "robust_drop@1", second)
    if row is not None:
        text = f"The {subject(row)} of {arm} is smaller than that of {names.get(second, second)}"
        found = _difference(rows, row, "drop", text)
        limits = (*found.limitations, *ONE_RUN)
        yield replace(found, sign=-1, refuted_at=-MARGIN, margin=MARGIN, limitations=limits)
    row = rows.overall(TEACHER, "robust_drop@1", first)
    if row is not None:
        text = f"The {subject(row)} of {arm} is no larger than that of its teacher"
        found = _difference(rows, row, "drop_inherited", text)
        limits = (*found.limitations, *ONE_RUN)
        yield replace(_turned(found), sign=-1, pair=(first, TEACHER), limitations=limits)


def _speed(rows: Rows, names: Mapping[str, str]) -> Iterator[Proposition]:
    ratios = [row for row in rows.every if row.metric == "tpot_ms_ratio"]
    for row in ratios:
        first, second = names.get(row.model, row.model), names.get(row.against, row.against)
        found = Proposition(
            kind="speed",
            text=f"{first} takes less time per token than {second}",
            value=row.value,
            low=row.low,
            high=row.high,
            pair=(row.model, row.against),
            rows=(row,),
            n=row.n,
            detectable=detectable(row),
            sign=-1,
            threshold=1.0,
            refuted_at=1.0,
            ratio=True,
            limitations=("This machine, one request at a time; tokens of two tokenizers differ",),
        )
        if row.against == UNDISTILLED and row.model != TEACHER:
            percent = f"{100 * (SPEED_MARGIN - 1):.0f} %"
            text = f"{first} takes no more than {percent} longer per token than {second}"
            found = replace(
                found,
                kind="speed_kept",
                text=text,
                margin=SPEED_MARGIN,
                threshold=SPEED_MARGIN,
                refuted_at=SPEED_MARGIN,
            )
        yield found


def _sizes(rows: Rows, names: Mapping[str, str]) -> Iterator[Proposition]:
    """Yield the two claims about size, each on the published prompts and on perturbed ones."""
    trends = [row for row in rows.every if row.metric.endswith("_per_doubling@1")]
    words = {"nominal": "on the prompts as published"}
    for row in trends:
        if row.operator not in ("nominal", "all", "unseen"):
            continue
        where = words.get(row.operator, "on perturbed prompts")
        count = row.counts.get("models", 2)
        found = _difference(rows, row, "size", "")
        limits = (
            f"{count} models, from {names.get(row.against, row.against)} to "
            f"{names.get(row.model, row.model)}; sizes differ together with data and training",
            "Points per doubling of the size of the weights",
        )
        found = replace(found, limitations=limits, margin=MARGIN, refuted_at=MARGIN)
        if row.metric.startswith(("pass_", "robust_pass_")):
            text = "Larger models provide improved generation results than smaller ones"
            yield replace(found, text=f"{text}, {where}")
        closer = (
            f"With the size of the model the distribution learnt comes closer to reality, {where}"
        )
        if row.metric.startswith("pass_"):
            proxy = "Closeness is the least total-variation distance to right programs, 1 - pass@1"
            proxy += ": the size claim with its sign turned, not a likelihood of human programs"
            found = replace(_turned(found), kind="closeness", text=closer)
            yield replace(found, sign=-1, refuted_at=-MARGIN, limitations=(*limits, proxy))
        if row.metric.startswith("robust_relative_"):
            proxy = "Closeness is the share of verdicts that other wordings flip, 0 for whoever "
            proxy += "understands the text; not a likelihood of human programs"
            found = replace(found, kind="closeness", text=closer, limitations=(*limits, proxy))
            yield replace(found, sign=-1, refuted_at=-MARGIN)


def _levels(rows: Rows, names: Mapping[str, str]) -> Iterator[Proposition]:
    for name, label in names.items():
        for row in (rows.nominal(name, "pass@1"), rows.overall(name, "robust_pass@1")):
            if row is not None and row.value is not None:
                yield Proposition(
                    kind="level",
                    text=f"{label} reaches this {subject(row)}",
                    value=row.value,
                    low=row.low,
                    high=row.high,
                    pair=(name, ""),
                    rows=(row,),
                    n=row.n,
                )


def _difference(rows: Rows, row: Score, kind: str, text: str) -> Proposition:
    """Return a difference as it stands in its row, with both models' own rows behind it."""
    own = (rows.beside(row, row.model), rows.beside(row, row.against))
    nominal = rows.nominal(row.model, "pass@1", row.against)
    limits = []
    if nominal is not None and row.n < nominal.n:
        limits.append(f"On {row.n:,} of {nominal.n:,} tasks: the others have no certified prompt")
    if row.operator == "unseen":
        limits.append("Unseen are operators that no arm was trained on")
    return Proposition(
        kind=kind,
        text=text,
        value=row.value,
        low=row.low,
        high=row.high,
        pair=(row.model, row.against),
        rows=(row, *(other for other in own if other is not None)),
        n=row.n,
        detectable=detectable(row),
        p=exact_p(row),
        limitations=tuple(limits),
    )


def _turned(item: Proposition) -> Proposition:
    """Return a difference the other way round."""
    value, low, high = (None if x is None else -x for x in (item.value, item.high, item.low))
    return replace(item, value=value, low=low, high=high)
