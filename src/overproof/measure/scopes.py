"""Which variants each row is about: an operator's, a family's, those that training saw or not.

An operator's row is the worst of its s variants. A family's row is what s variants drawn from
all of the family's would leave, so that families with many operators are not punished for
their number; `any` is the same over all families. `all` of `all` is the plain worst case over
every variant of every perturbing operator.

Operators that training has seen are not mixed with others: where there are some, every aggregate
is split in two, `seen` and `unseen`, and the one that holds both is called `mixed`.
Prompts that begin the body (family `code`, and a few others) are compared with the half-written
prompt as it is (`half_body`), where that was run; no family's row mixes the two.

    scopes(verdicts)[0].operator
"""

from collections.abc import Sequence
from dataclasses import dataclass

from overproof.measure.tables import CONTROLS, HALF_BODY, NOMINAL, Verdicts

AGGREGATES = ("any", "all", "seen", "unseen", "mixed")
"""What rows about several operators are called."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Which variants a row is about, and which prompt they are compared with."""

    operator: str
    """As it stands in the row: an operator, or for an aggregate one of `AGGREGATES`."""
    family: str
    members: tuple[str, ...]
    control: str
    draws: int | None = None
    """Variants drawn for a family's row; None for the worst of all."""

    @property
    def is_control(self) -> bool:
        """Whether nothing is perturbed, and no drop can be taken."""
        return self.members == (self.control,)


def scopes(verdicts: Verdicts) -> list[Scope]:
    """Return the nominal scope, one per operator, one per perturbing family, and `all`."""
    families = verdicts.families

    def control(name: str) -> str:
        begun = name == HALF_BODY or name in verdicts.begun
        return HALF_BODY if begun and HALF_BODY in families else NOMINAL

    found = [
        Scope(operator=name, family=family, members=(name,), control=control(name))
        for name, family in families.items()
    ]
    found.sort(key=lambda scope: scope.operator != NOMINAL)
    perturbing = [name for name in families if name not in CONTROLS]
    for family in dict.fromkeys(families[name] for name in perturbing):
        members = [name for name in perturbing if families[name] == family]
        by_control = {
            start: [name for name in members if control(name) == start]
            for start in dict.fromkeys(control(name) for name in members)
        }
        for start, part in by_control.items():
            mixed = len(by_control) > 1 and start == HALF_BODY
            label = f"half-written {family}" if mixed else family
            found += _aggregates(verdicts, label, part, start, verdicts.num_seeds)
    if perturbing:
        found += _aggregates(verdicts, "all", perturbing, NOMINAL, None)
        trained = verdicts.seen.intersection(perturbing)
        if not trained:
            found.append(_over_all(perturbing, "any", verdicts.num_seeds))
        elif trained != set(perturbing):
            found.append(_over_all(perturbing, "mixed", None))
    return found


def _aggregates(
    verdicts: Verdicts, family: str, members: Sequence[str], control: str, draws: int | None
) -> list[Scope]:
    """Return one scope over these operators, or one over the seen and one over the unseen."""
    seen = tuple(name for name in members if name in verdicts.seen)
    unseen = tuple(name for name in members if name not in verdicts.seen)
    parts = {"seen": seen, "unseen": unseen} if verdicts.seen else {"all": unseen}
    return [
        Scope(operator=label, family=family, members=part, control=control, draws=draws)
        for label, part in parts.items()
        if part
    ]


def _over_all(members: Sequence[str], label: str, draws: int | None) -> Scope:
    return Scope(operator=label, family="all", members=tuple(members), control=NOMINAL, draws=draws)
