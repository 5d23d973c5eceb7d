"""What the report says in sentences: the headline, what is pooled, and what a reader must know.

The headline says what the claims of the ledger say, and no more: the first sentence of a run with
training answers what distillation did for robustness, or says that the run cannot tell.

    headline(ScoreIndex(scores), models, claims)
"""

from collections.abc import Sequence

from overproof.measure.ledger import has_arms, ledger
from overproof.measure.places import subject
from overproof.records import Claim, Score
from overproof.report.claims import estimate_text
from overproof.report.facts import (
    MISSING,
    Model,
    ScoreIndex,
    label_of,
    percent,
    value_only,
    verdict,
)

MANY = 4
"""From so many comparisons on, they are summed up in one sentence."""
NBSP = "\N{NO-BREAK SPACE}"
LENGTH_WINDOW = (0.9, 1.1)
"""Answers whose lengths differ by more make E2E times incomparable (MLPerf's window)."""


def headline(index: ScoreIndex, models: Sequence[Model], claims: Sequence[Claim] = ()) -> list[str]:
    """Return the result in sentences: robustness first, then nominal quality, per pair.

    Four pairs and more are summed up. Where no pair was compared, each model gets its own numbers.
    Without `claims` they are taken from the rows of the index.
    """
    if not claims:
        claims = ledger(index.rows, {"models": models}, {})
    trained = has_arms([model["name"] for model in models])
    pairs = main_pairs(index)
    gains = {(claim.kind, claim.model, claim.against): claim for claim in claims}
    found = []
    many = len(pairs) >= MANY
    for kinds in (("robust_gain",), ("gain",)) if many else (("robust_gain", "gain"),):
        wanted = [gains.get((kind, *pair)) for pair in pairs for kind in kinds]
        rows = [claim for claim in wanted if claim is not None and claim.estimate is not None]
        if many:
            found += [_summed_up(rows, index, models)] if rows else []
        else:
            found += [_sentence(claim, index, trained=trained) for claim in rows]
    if found and trained and not any(claim.kind == "robust_gain" for claim in claims):
        found.insert(
            0,
            "This run cannot say whether distillation improves robustness: no arm was "
            "compared with the undistilled student on perturbed prompts.",
        )
    return found or [_alone(index, model) for model in models]


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


def _sentence(claim: Claim, index: ScoreIndex, *, trained: bool) -> str:
    """Return a claim with its verdict and numbers; the answer to the main question is led in."""
    answer = trained and claim.kind == "robust_gain"
    numbers = _numbers(claim, index)
    what = claim.claim[0].lower() + claim.claim[1:]
    if claim.verdict == "verified":
        lead = "Distillation improves robustness: " if answer else ""
        return f"{lead}{what if lead else claim.claim}: {numbers}."
    if claim.verdict == "refuted":
        lead = "Distillation does not improve robustness: " if answer else ""
        row = _row(claim, index)
        lower = row is not None and verdict(row) == "lower"
        margin = f"{claim.margin or 0:.0f}{NBSP}points"
        new = what.replace("is higher than", "is lower than")
        if not lower:
            new = what.replace("is higher than", f"is not {margin} higher than")
        return f"{lead}{new if lead else new[0].upper() + new[1:]}: {numbers}."
    if claim.detectable:
        numbers += f"; a true difference below {claim.detectable:.1f}{NBSP}points "
        numbers += "would mostly be missed"
    if claim.low is not None and claim.low > 0 and claim.p_adjusted is not None:
        numbers += f"; adjusted p = {claim.p_adjusted:.2g}"
    if answer:
        beside = what.replace("is higher than", "against")
        return f"Whether distillation improves robustness is not shown: {beside}, {numbers}."
    return f"That {what} is not shown: {numbers}."


def _numbers(claim: Claim, index: ScoreIndex) -> str:
    """Return both models' levels, and the difference with its interval."""
    row = _row(claim, index)
    place = (row.metric, row.operator, row.family) if row else ("", "", "")
    own = [percent(index.get(name, *place)) for name in (claim.model, claim.against)]
    levels = f"{value_only(own[0])}{NBSP}% against {value_only(own[1])}{NBSP}%, "
    change = estimate_text(claim).replace(" ", NBSP)
    return change if MISSING in own else levels + change


def _row(claim: Claim, index: ScoreIndex) -> Score | None:
    if claim.kind == "gain":
        return index.nominal(claim.model, "pass@1", claim.against)
    return index.overall(claim.model, "robust_pass@1", claim.against)


def _summed_up(claims: Sequence[Claim], index: ScoreIndex, models: Sequence[Model]) -> str:
    """Return one sentence about many gains over the same model."""
    labels = {model["name"]: label_of(model) for model in models}

    def named(verdict: str) -> str:
        found = [
            f"{labels.get(claim.model, claim.model)} ({estimate_text(claim).replace(' ', NBSP)})"
            for claim in claims
            if claim.verdict == verdict
        ]
        return ", ".join(found) or "none"

    over = labels.get(claims[0].against, claims[0].against)
    row = _row(claims[0], index)
    what = subject(row) if row else "pass@1"
    rest = sum(claim.verdict == "not shown" for claim in claims)
    return (
        f"Of {len(claims)} models compared with {over}, {what} is higher for "
        f"{named('verified')}, and shown not to be {claims[0].margin or 0:.0f} points higher for "
        f"{named('refuted')}; for {rest} no difference is shown."
    )


def _alone(index: ScoreIndex, model: Model) -> str:
    name = model["name"]
    nominal, robust = index.nominal(name, "pass@1"), index.overall(name, "robust_pass@1")
    if nominal is None or nominal.value is None:
        return f"{label_of(model)}: no task was scored."
    text = f"{label_of(model)} solves {percent(nominal)}{NBSP}% of {nominal.n} tasks"
    if robust is None or robust.value is None:
        return f"{text}."
    return f"{text}, and {percent(robust)}{NBSP}% under every perturbation."
