"""What is asked of the models, and what counts as in time: loads, caches, service-level objectives.

>>> parse_load("open:2.5"), str(parse_load("closed:4"))
(Load(kind='open', level=2.5), 'closed:4')
>>> parse_slo("ttft=500ms,e2e=2s")
Slo(ttft_ms=500.0, tpot_ms=None, e2e_ms=2000.0)
"""

import re
from dataclasses import dataclass, fields
from typing import Literal, get_args

from overproof.errors import UsageError

Kind = Literal["paired", "closed", "open"]
Cache = Literal["cold", "warm"]
LOAD_HINT = "--load paired, --load closed:4 (requests in flight) or --load open:2 (per second)"
SLO_HINT = "for example --slo ttft=500ms,tpot=50ms,e2e=2s"
_UNITS = {"ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Load:
    """How requests follow each other."""

    kind: Kind
    """`paired`: one at a time, in turns; `closed`: a number in flight; `open`: a rate."""
    level: float = 1.0
    """Requests in flight (`closed`), or per second (`open`)."""

    def __str__(self) -> str:
        """Return it as it is written on the command line."""
        return self.kind if self.kind == "paired" else f"{self.kind}:{self.level:g}"


@dataclass(frozen=True)
class Slo:
    """What an answer must keep, all of it, to be in time; None is no limit."""

    ttft_ms: float | None = None
    """Time to the first token, from when the request was due."""
    tpot_ms: float | None = None
    """Time per token after the first; an answer of one token keeps it."""
    e2e_ms: float | None = None
    """Time to the last token, from when the request was due."""

    def __bool__(self) -> bool:
        """Return whether anything is limited."""
        return any(getattr(self, field.name) is not None for field in fields(self))

    def __str__(self) -> str:
        """Return it as it is written on the command line."""
        limits = {field.name[:-3]: getattr(self, field.name) for field in fields(self)}
        return ",".join(f"{name}={ms:g}ms" for name, ms in limits.items() if ms is not None)


@dataclass(frozen=True, kw_only=True)
class BenchConfig:
    """How models are timed; which models, prompts and tokens is the recipe's."""

    loads: tuple[Load, ...] = (Load("paired"),)
    caches: tuple[Cache, ...] = ("cold",)
    """States of the prompt cache; both are kept apart. Loads other than `paired` are cold."""
    slo: Slo = Slo()
    warmup: int = 2
    """Prompts at the start of every load that are answered and dropped."""
    repeats: int = 1
    """Paired: how often every prompt is answered; every other time in the opposite order."""
    rounds: int = 6
    """Other loads: parts that the prompts are cut into; in each, every model has its turn."""
    most_in_flight: int = 128
    """Open loop: requests at once; more wait here, and the wait counts."""

    def __post_init__(self) -> None:
        """Refuse what cannot be run.

        Raises: UsageError.
        """
        if not self.loads or not self.caches:
            raise UsageError("no load or no cache state to measure", hint=LOAD_HINT)
        if self.warmup < 0 or min(self.repeats, self.rounds, self.most_in_flight) < 1:
            raise UsageError("warmup must be at least 0; repeats and rounds at least 1")


def parse_load(text: str) -> Load:
    """Return a load from its name and level. Raises: UsageError."""
    kind, _, level = text.partition(":")
    if kind == "paired" and not level:
        return Load("paired")
    try:
        amount = float(level)
    except ValueError:
        amount = 0.0
    whole = kind != "closed" or amount == int(amount)
    if kind not in get_args(Kind) or kind == "paired" or not 0 < amount < 1e5 or not whole:
        raise UsageError(f"no such load: {text!r}", hint=LOAD_HINT)
    return Load("closed" if kind == "closed" else "open", amount)


def parse_slo(text: str) -> Slo:
    """Return the objectives in a comma-separated list. Raises: UsageError."""
    limits: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        found = re.fullmatch(r"(ttft|tpot|e2e)=([\d.]+)(ms|s)", part)
        if found is None or f"{found[1]}_ms" in limits:
            raise UsageError(f"cannot read the objective {part!r}", hint=SLO_HINT)
        try:
            limits[f"{found[1]}_ms"] = float(found[2]) * _UNITS[found[3]]
        except ValueError:
            raise UsageError(f"not a number: {found[2]!r}", hint=SLO_HINT) from None
    return Slo(**limits)
