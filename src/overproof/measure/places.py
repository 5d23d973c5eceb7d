"""Score rows by their place, and what is read off one where it does not say so itself.

    Rows(scores).overall("distilled", "robust_pass@1", "undistilled")

Rows of older versions lack p and the detectable effect: both are worked out from what they hold.
"""

import re
from collections.abc import Iterable
from math import exp, log

from overproof.measure.power import detectable_from_limits, detectable_paired
from overproof.records import Score


class Rows:
    """Scores about all tasks of a run, by their place."""

    def __init__(self, scores: Iterable[Score]) -> None:
        """Keep those that are about no single suite or language."""
        self.every = [row for row in scores if not row.suite and not row.language]
        self._places = {
            (row.model, row.metric, row.operator, row.family, row.against): row
            for row in self.every
        }

    def nominal(self, model: str, metric: str, against: str = "") -> Score | None:
        """Return the row about the prompts as published, or about speed."""
        return self._places.get((model, metric, "nominal", "nominal", against))

    def overall(self, model: str, metric: str, against: str = "") -> Score | None:
        """Return the row over all perturbing operators, or over those unseen in training."""
        found = (
            self._places.get((model, metric, operator, "all", against))
            for operator in ("all", "unseen")
        )
        return next((row for row in found if row is not None), None)

    def beside(self, row: Score, model: str) -> Score | None:
        """Return a model's own row at the place of a difference."""
        return self._places.get((model, row.metric, row.operator, row.family, ""))

    def pairs(self) -> list[tuple[str, str]]:
        """Return the pairs of models whose verdicts are compared, first less second."""
        metrics = ("pass@1", "robust_pass@1")
        rows = [row for row in self.every if row.against and row.metric in metrics]
        return list(dict.fromkeys((row.model, row.against) for row in rows))


def subject(row: Score) -> str:
    """Return what a row is about, in words.

    >>> subject(Score(key="", model="a", metric="robust_drop@1", operator="unseen", family="all",
    ...               value=0.1, low=0, high=1, n=9))
    'robust drop under unseen operators'
    """
    if row.operator == "nominal":
        return "nominal pass@1"
    what = {"robust_pass@1": "robust pass@1", "robust_drop@1": "robust drop"}[row.metric]
    return what + (" under unseen operators" if row.operator == "unseen" else "")


def exact_p(row: Score) -> float | None:
    """Return the p of a difference; in rows of older versions its method names it."""
    if row.p is not None:
        return row.p
    found = re.search(r"McNemar p = ([\d.e+-]+)", row.method)
    return float(found[1]) if found else None


def detectable(row: Score) -> float | None:
    """Return a row's minimum detectable effect; of an older row from its counts or its interval."""
    if row.detectable is not None or row.low is None or row.high is None:
        return row.detectable
    if row.metric.endswith("_ratio"):
        return exp(detectable_from_limits(log(row.low), log(row.high))) if row.low > 0 else None
    if "McNemar" in row.method:
        differ = row.counts.get("broken", 0) + row.counts.get("repaired", 0)
        return detectable_paired(row.n, differ / row.n)
    return detectable_from_limits(row.low, row.high)
