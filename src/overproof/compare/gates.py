"""Gates: `metric[scope] >= margin`, an expression over the difference B - A.

    >>> parse_gate("robust_pass@1[keyboard_typos] >= -0.02").scope
    ('keyboard_typos',)

    metric   pass@K  robust_pass@K  robust_drop@K  robust_relative@K    shares: -0.02 is 2 points
             ttft_ms_ratio  tpot_ms_ratio  e2e_ms_ratio …               B over A: 1.10 is 10 % more
    scope    an operator, a family, a language or a suite, or several, with commas; may be left out
    sense    >= or <=

A gate is judged by the 95 % interval: it passes if the whole interval is on the right side of the
margin, fails if it is wholly on the wrong side, and is undecided otherwise. That is the test of
non-inferiority at 2.5 %, one-sided. All gates of a command must hold, so no correction is taken.
"""

import re
from dataclasses import dataclass
from typing import Literal

from overproof.compare.comparison import RATIOS, Comparison, Row
from overproof.compare.needed import Needed, needed
from overproof.errors import UsageError, nearest_names

Sense = Literal[">=", "<="]
By = Literal["interval", "estimate"]
Result = Literal["pass", "fail", "undecided"]

SHARES = ("pass", "robust_pass", "robust_drop", "robust_relative")
LOWER_IS_BETTER = ("robust_drop", "robust_relative")
UNDECIDED_EXIT = 7
"""Exit code where a gate is undecided, and none fails."""

_METRIC = re.compile(r"[A-Za-z_]\w*(?:@\w*)?")
_SENSE = re.compile(r"[<>=!≤≥]+")
_NUMBER = re.compile(r"[+\-−]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


@dataclass(frozen=True, kw_only=True)
class Gate:
    """An expression, read."""

    text: str
    metric: str
    scope: tuple[str, ...]
    sense: Sense
    margin: float

    @property
    def k(self) -> int | None:
        """Samples that the metric is about; None for times."""
        _, at, k = self.metric.partition("@")
        return int(k) if at else None


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A gate and what came of it."""

    gate: Gate
    by: By
    result: Result
    row: Row
    why: str
    """In a sentence, with the numbers."""
    needed: Needed | None = None
    """For an undecided gate: what would decide it."""


def parse_gate(text: str) -> Gate:
    """Read an expression.

    Raises: UsageError that points at the place where it goes wrong.
    """
    reader = _Reader(text)
    metric = reader.metric()
    scope = reader.scope()
    sense = reader.sense()
    margin = reader.margin(metric)
    return Gate(text=text.strip(), metric=metric, scope=scope, sense=sense, margin=margin)


def judge(gate: Gate, compared: Comparison, by: By = "interval") -> Judged:
    """Hold a gate against a comparison.

    Raises: UsageError, UnknownNameError where the comparison has no such number.
    """
    row = compared.find(gate.metric, gate.scope)
    result = _by_estimate(gate, row) if by == "estimate" else _by_interval(gate, row)
    return Judged(
        gate=gate,
        by=by,
        result=result,
        row=row,
        why=_why(gate, row, by, result),
        needed=needed(row, gate.sense, gate.margin) if result == "undecided" else None,
    )


def exit_code(judged: list[Judged], undecided: Literal["fail", "pass", "error"]) -> int:
    """Return 1 if a gate fails, else what `undecided` says if one is, else 0."""
    results = {each.result for each in judged}
    if "fail" in results:
        return 1
    if "undecided" in results:
        return {"fail": 1, "pass": 0, "error": UNDECIDED_EXIT}[undecided]
    return 0


def holds(sense: Sense, value: float, margin: float) -> bool:
    """Return whether a value is on the right side; the margin itself is."""
    return value >= margin if sense == ">=" else value <= margin


def _by_interval(gate: Gate, row: Row) -> Result:
    low, high = row.difference.low, row.difference.high
    if low is None or high is None:
        return "undecided"
    sides = {holds(gate.sense, low, gate.margin), holds(gate.sense, high, gate.margin)}
    if len(sides) > 1:
        return "undecided"
    return "pass" if sides == {True} else "fail"


def _by_estimate(gate: Gate, row: Row) -> Result:
    value = row.difference.value
    if value is None:
        return "undecided"
    return "pass" if holds(gate.sense, value, gate.margin) else "fail"


def _why(gate: Gate, row: Row, by: By, result: Result) -> str:
    found = row.difference
    if found.value is None:
        return f"the difference is not defined ({found.method})"
    over = "prompts" if row.is_ratio else "tasks"
    what = f"{'B / A' if row.is_ratio else 'B − A'} = {amount(row, found.value, sign=True)}"
    margin = amount(row, gate.margin, sign=True)
    if by == "estimate":
        return f"{what} over {found.n} {over}; by the estimate alone, margin {margin}"
    if found.low is None or found.high is None:
        return f"{what} over {found.n} {over}, without an interval ({found.method})"
    span = f"[{amount(row, found.low, sign=True)}, {amount(row, found.high, sign=True)}]"
    place = {
        "pass": "all of it on the right side of",
        "fail": "all of it on the wrong side of",
        "undecided": "it reaches over",
    }[result]
    return f"{what} {span} over {found.n} {over}: {place} {margin}"


def amount(row: Row, value: float, *, sign: bool = False) -> str:
    """Return a difference in points, or a ratio, as text."""
    if row.is_ratio:
        return f"{value:.2f}"
    text = f"{100 * value:+.1f}" if sign else f"{100 * value:.1f}"
    return text.replace("-", "\N{MINUS SIGN}")


class _Reader:
    """Reads an expression from left to right, and points at what it cannot read."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def metric(self) -> str:
        self._space()
        found = _METRIC.match(self.text, self.at)
        if found is None:
            raise self._error("expected a metric", self.at, hint="for example pass@1 >= -0.02")
        name, at, k = found[0].partition("@")
        known = [*SHARES, *RATIOS]
        if name not in known:
            near = nearest_names(name, known)
            hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
            raise self._error(f"unknown metric {name!r}", self.at, hint=hint)
        if name in SHARES and not at:
            raise self._error(
                f"{name} of how many samples?", found.end(), hint=f"{name}@1, for example"
            )
        if name in RATIOS and at:
            raise self._error(
                f"{name} takes no @", self.at + len(name), hint=f"{name} <= 1.10, for example"
            )
        if at and not (k.isascii() and k.isdigit() and int(k) > 0):
            place = self.at + len(name) + 1
            raise self._error(f"k is {k!r}, not a whole number from 1", place, hint=f"{name}@1")
        self.at = found.end()
        return f"{name}@{int(k)}" if at else name

    def scope(self) -> tuple[str, ...]:
        self._space()
        if not self.text.startswith("[", self.at):
            return ()
        end = self.text.find("]", self.at)
        if end < 0:
            raise self._error("this bracket is not closed", self.at, hint="pass@1[rust] >= -0.05")
        words = []
        place = self.at + 1
        for part in self.text[place:end].split(","):
            if not part.strip():
                raise self._error("an empty scope", place, hint="leave the brackets out for all")
            words.append(part.strip())
            place += len(part) + 1
        self.at = end + 1
        return tuple(words)

    def sense(self) -> Sense:
        self._space()
        found = _SENSE.match(self.text, self.at)
        sign = {"≥": ">=", "≤": "<="}.get(found[0], found[0]) if found else ""
        if sign not in (">=", "<="):
            got = f"got {found[0]!r}" if found else f"got {self._rest()}"
            raise self._error(
                f"expected >= or <=, {got}",
                self.at,
                hint="quote the expression, or the shell takes > and < for files",
            )
        assert found is not None
        self.at = found.end()
        return ">=" if sign == ">=" else "<="

    def margin(self, metric: str) -> float:
        self._space()
        found = _NUMBER.match(self.text, self.at)
        if found is None:
            raise self._error(
                f"expected a number, got {self._rest()}", self.at, hint="-0.02 is two points"
            )
        start, self.at = self.at, found.end()
        value = float(found[0].replace("−", "-"))
        self._space()
        if self.at < len(self.text):
            hint = "shares, not percent: -0.02 is two points"
            raise self._error(
                f"expected the end, got {self._rest()}",
                self.at,
                hint=hint if self.text[self.at] == "%" else "one gate each: repeat --gate",
            )
        if metric in RATIOS and value <= 0:
            raise self._error(
                "a ratio is above 0", start, hint=f"{metric} <= 1.10 allows B ten percent more"
            )
        if metric not in RATIOS and abs(value) > 1:
            raise self._error(
                "differences of shares are within -1 and 1", start, hint="-0.02 is two points"
            )
        return value

    def _rest(self) -> str:
        return repr(self.text[self.at :].strip()) if self.text[self.at :].strip() else "nothing"

    def _space(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def _error(self, what: str, place: int, *, hint: str) -> UsageError:
        shown = "".join(char if char.isprintable() else " " for char in self.text)
        return UsageError(
            f"--gate: {what} (column {place + 1})\n  {shown}\n  {' ' * place}^", hint=hint
        )
