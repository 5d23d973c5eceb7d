"""What the report says in sentences: the headline, what is pooled, and what a reader must know.

A claim is made only where `verdict` lets it; what is not shown is said to be not shown.

    headline(ScoreIndex(scores), models)
"""

from collections.abc import Mapping, Sequence

from overproof.records import Score
from overproof.report.facts import (
    Model,
    ScoreIndex,
    label_of,
    percent,
    points,
    value_only,
    verdict,
)

MANY = 4
"""From so many comparisons on, they are summed up in one sentence."""
NBSP = "\N{NO-BREAK SPACE}"
LENGTH_WINDOW = (0.9, 1.1)
"""Answers whose lengths differ by more make E2E times incomparable (MLPerf's window)."""


def headline(index: ScoreIndex, models: Sequence[Model]) -> list[str]:
    """Return the result in sentences: robustness first, then nominal quality, per pair.

    Four pairs and more are summed up. A run of one model gets its own numbers; so does each model
    where no pair was compared.
    """
    labels = {model["name"]: label_of(model) for model in models}
    pairs = main_pairs(index)
    claims = [
        [get(first, metric, second) for first, second in pairs]
        for metric, get in (("robust_pass@1", index.overall), ("pass@1", index.nominal))
    ]
    if len(pairs) >= MANY:
        found = [_summed_up(rows, labels) for rows in claims]
    else:
        found = [_claim(row, index, labels) for pair in zip(*claims, strict=True) for row in pair]
    return [text for text in found if text] or [_alone(index, model) for model in models]


def main_pairs(index: ScoreIndex) -> list[tuple[str, str]]:
    """Return the pairs of the headline: arms against `undistilled`, or else all pairs."""
    pairs = index.pairs()
    return [pair for pair in pairs if pair[1] == "undistilled"] or pairs


def coverage_warnings(index: ScoreIndex, models: Sequence[Model]) -> list[str]:
    """Return a sentence on the models whose robust pass@1 rests on fewer tasks than pass@1."""
    found = []
    for model in models:
        nominal = index.nominal(model["name"], "pass@1")
        robust = index.overall(model["name"], "robust_pass@1")
        if nominal and robust and robust.n < nominal.n:
            found.append(f"{label_of(model)} on {robust.n:,} tasks of {nominal.n:,}")
    if not found:
        return []
    return [
        f"Robust pass@1 rests on fewer tasks than pass@1: {', '.join(found)}. The others have no "
        "certified prompt or an execution that failed on our side; a drop compares the same tasks"
    ]


def length_warnings(index: ScoreIndex, models: Sequence[Model]) -> list[str]:
    """Return a sentence for every pair whose answers differ much in length."""
    labels = {model["name"]: label_of(model) for model in models}
    low, high = LENGTH_WINDOW
    found = []
    for first, second in index.ratio_pairs():
        score = index.nominal(first, "completion_tokens_ratio", second)
        if score and score.value and not low <= score.value <= high:
            found.append(
                f"Answers of {labels.get(first, first)} have {score.value:.2f} times the tokens of "
                f"{labels.get(second, second)}: compare TPOT, not E2E"
            )
    return found


def pooled_sentence(index: ScoreIndex, models: Sequence[Model]) -> str:
    """Return what the figures over all tasks pool; empty where that is one suite."""
    cells = [part for part in index.parts if all(part)]
    counts = max((_problems(index, model, ("", "")) for model in models), default=(0, 0))
    if len(cells) < 2 or not counts[0]:
        return ""
    languages = len({language for _, language in cells})
    kinds = f"{languages} languages" if languages > 1 else f"{len(cells)} suites"
    return (
        f"Figures over all tasks pool {kinds}: {counts[0]:,} problems, all of the same weight, "
        f"which come from {counts[1]:,} source tasks. Intervals and tests compare source tasks, "
        "each with all its problems"
    )


def missing_warnings(index: ScoreIndex, models: Sequence[Model]) -> list[str]:
    """Return sentences on languages where nothing was scored, and models with fewer tasks."""
    found, silent = [], []
    for part in index.parts:
        rows = [index.nominal(model["name"], "pass@1", part=part) for model in models]
        if all(part) and all(row is None or row.n == 0 for row in rows):
            silent.append(part[0])
    if silent:
        found.append(
            f"Nothing was scored in {', '.join(silent)}: these problems are in no figure, "
            "not even as failed (`overproof doctor` says what a language needs)"
        )
    rows = [index.nominal(model["name"], "pass@1") for model in models]
    sizes = [row.n for row in rows if row is not None]
    if len(set(sizes)) > 1:
        found.append(
            f"pass@1 rests on {min(sizes):,} to {max(sizes):,} problems, depending on the model; "
            "differences are taken on the problems that both have"
        )
    return found


def _problems(index: ScoreIndex, model: Model, part: tuple[str, str]) -> tuple[int, int]:
    """Return how many problems and source tasks a model was asked in a part of the run."""
    row = index.nominal(model["name"], "pass@1", part=part)
    counts = row.counts if row else {}
    return counts.get("problems", 0), counts.get("source_tasks", 0)


def _claim(difference: Score | None, index: ScoreIndex, labels: Mapping[str, str]) -> str:
    if difference is None or difference.value is None:
        return ""
    place = (difference.metric, difference.operator, difference.family)
    first, second = difference.model, difference.against
    new, old = index.get(first, *place), index.get(second, *place)
    change = f"{points(difference).replace(' ', NBSP)} points"
    numbers = f"{value_only(percent(new))}{NBSP}% against {value_only(percent(old))}{NBSP}%"
    subject = f"{_what(difference)} of {labels.get(first, first)} over {labels.get(second, second)}"
    outcome = verdict(difference)
    if outcome.startswith("not shown"):
        return f"A difference in {subject} is {outcome} ({numbers}; {change})."
    return f"The {subject} is {outcome}: {numbers}, {change}."


def _summed_up(differences: Sequence[Score | None], labels: Mapping[str, str]) -> str:
    """Return one sentence about many differences from the same model."""
    rows = [row for row in differences if row is not None and row.value is not None]
    if not rows:
        return ""
    outcomes = [verdict(row) for row in rows]

    def named(outcome: str) -> str:
        found = [
            f"{labels.get(row.model, row.model)} ({points(row).replace(' ', NBSP)} points)"
            for row, each in zip(rows, outcomes, strict=True)
            if each == outcome
        ]
        return ", ".join(found) or "none"

    rest = sum(outcome.startswith("not shown") for outcome in outcomes)
    over = labels.get(rows[0].against, rows[0].against)
    return (
        f"Of {len(rows)} models compared with {over}, {_what(rows[0])} is higher for "
        f"{named('higher')}, lower for {named('lower')}; for {rest} no difference is shown."
    )


def _what(difference: Score) -> str:
    if difference.operator == "nominal":
        return "nominal pass@1"
    return "robust pass@1" + (" under unseen operators" if difference.operator == "unseen" else "")


def _alone(index: ScoreIndex, model: Model) -> str:
    name = model["name"]
    nominal, robust = index.nominal(name, "pass@1"), index.overall(name, "robust_pass@1")
    if nominal is None or nominal.value is None:
        return f"{label_of(model)}: no task was scored."
    text = f"{label_of(model)} solves {percent(nominal)}{NBSP}% of {nominal.n} tasks"
    if robust is None or robust.value is None:
        return f"{text}."
    return f"{text}, and {percent(robust)}{NBSP}% under every perturbation."
