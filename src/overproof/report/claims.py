"""The claims of a run: every sentence that carries a number, with what stands behind it.

    claim_views(claims)[0].verdict

The rows are judged elsewhere (measure/); here they only become words. A claim that is not shown is
told as plainly as one that is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from overproof.records import Claim
from overproof.report.facts import MISSING, visible
from overproof.report.tables import TextTable

MARKS = {"verified": "✓", "not shown": "–", "refuted": "✗"}


@dataclass(frozen=True, kw_only=True)
class ClaimView:
    """One claim, ready to print."""

    anchor: str
    """Its id in the page."""
    claim: str
    verdict: str
    mark: str
    estimate: str
    """With interval and unit."""
    p: str
    confidence: str
    tasks: str
    detectable: str
    rows: tuple[str, ...]
    command: str
    limitations: tuple[str, ...]


def claim_views(claims: Sequence[Claim]) -> list[ClaimView]:
    """Return the claims as text, in their order."""
    return [
        ClaimView(
            anchor=f"claim-{number}",
            claim=visible(claim.claim),
            verdict=claim.verdict,
            mark=MARKS[claim.verdict],
            estimate=estimate_text(claim),
            p=MISSING if claim.p_adjusted is None else p_text(claim.p_adjusted),
            confidence=claim.confidence,
            tasks=f"{claim.n:,}" if claim.n else MISSING,
            detectable=_in_unit(claim.detectable, claim.unit) if claim.detectable else "",
            rows=tuple(map(visible, claim.rows)),
            command=visible(claim.command),
            limitations=tuple(map(visible, claim.limitations)),
        )
        for number, claim in enumerate(claims, start=1)
    ]


def claim_table(claims: Sequence[Claim]) -> TextTable:
    """Return the claims as a table, without rows, commands and limitations."""
    rows = [
        [view.claim, view.verdict, view.estimate, view.p, view.confidence]
        for view in claim_views(claims)
    ]
    headings = ["claim", "verdict", "estimate [95 %]", "p, adjusted", "confidence"]
    return TextTable(headings, rows, [""] * len(rows))


def claim_counts(claims: Sequence[Claim]) -> str:
    """Return how many claims hold: `3 verified, 2 not shown, 0 refuted`."""
    return ", ".join(f"{sum(c.verdict == name for c in claims)} {name}" for name in MARKS)


def p_text(value: float) -> str:
    """Return a p value as it is printed.

    >>> p_text(1e-290), p_text(0.0312)
    ('< 0.0001', '0.031')
    """
    return "< 0.0001" if value < 1e-4 else f"{value:.2g}"


def estimate_text(claim: Claim) -> str:
    """Return an estimate with its interval, in the claim's unit.

    >>> row = Claim(key="a", claim="b", estimate=6.1, low=0.2, high=12, unit="points",
    ...             p_adjusted=None, verdict="verified", confidence="low", rows=(), command="")
    >>> estimate_text(row)
    '+6.1 [+0.2, +12.0] points'
    """
    if claim.estimate is None:
        return MISSING
    unit = {"points": " points", "share": " %", "ms": " ms"}.get(claim.unit, "")
    text = _number(claim.estimate, claim.unit)
    if claim.low is None or claim.high is None:
        return text + unit
    return f"{text} [{_number(claim.low, claim.unit)}, {_number(claim.high, claim.unit)}]{unit}"


def _in_unit(value: float, unit: str) -> str:
    suffix = {"points": " points", "share": " %", "ms": " ms"}.get(unit, "")
    return _number(value, unit).lstrip("+") + suffix


def _number(value: float, unit: str) -> str:
    if unit == "points":
        text = f"{value + 0.0:+.1f}"
    elif unit == "share":
        text = f"{100 * value + 0.0:.1f}"
    elif unit in ("ratio", ""):
        text = f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"
    else:
        text = f"{value:.3g}"
    return text.replace("-", "\N{MINUS SIGN}")
