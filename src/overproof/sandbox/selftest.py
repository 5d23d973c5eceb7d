r"""Attack the sandbox on this machine, and say what it holds here and what it does not.

Every attack of the corpus is run like any other program; it is held if it ends as it should and
if nothing outside has noticed it. Attacks that would do harm where they are not held are tried
only where weaker ones were held.

Covered: what the corpus covers (see `overproof.sandbox.attacks`), on Linux.
Not covered: other systems, where only verdicts, crashes and source text are tried.

    print("\n".join(summarise(run_selftest(Limits()))))
"""

import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from overproof.errors import OverproofError, UnknownNameError
from overproof.records import Outcome
from overproof.sandbox import kernel
from overproof.sandbox.attacks import ATTACKS, KINDS, RIGHT, Attack
from overproof.sandbox.attacks.attack import CHECK_HELD, Budget, place
from overproof.sandbox.folders import remove_tree
from overproof.sandbox.jobs import AnyJob, Job, Limits, StdioJob
from overproof.sandbox.pool import run_jobs
from overproof.sandbox.traps import Traps

_ANYWHERE = ("forge", "crash", "source_text", "right")
_NEXT = " then"
_MAX_DETAIL = 300


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What became of one attack, or of one right program, on this machine."""

    name: str
    kind: str
    held: bool
    """Whether the sandbox did what it should: held an attack, passed a right program."""
    tried: bool = True
    """False for an attack that would do harm here."""
    status: str = ""
    detail: str = ""
    """What was reached, or how it ended."""
    what: str = ""
    """What it means if it is not held."""
    needs: str = ""
    """The layers that would hold it and that this tier lacks; empty if that is not the reason."""
    tier: str = ""


def budgets(limits: Limits) -> dict[Budget, Limits]:
    """Return the limits of each kind of attack, so that the whole takes under a minute."""
    small = replace(
        limits,
        cpu_seconds=0.5,
        wall_seconds=6,
        memory_mib=192,
        max_processes=24,
        file_mib=4,
        folder_mib=16,
        output_mib=2,
        open_files=128,
    )
    asleep = replace(small, cpu_seconds=0.3, wall_seconds=0.7)
    return {"default": limits, "small": small, "asleep": asleep}


def run_selftest(
    limits: Limits,
    workers: int = 2,
    kinds: Sequence[str] = (),
    attacks: Sequence[Attack] = (*ATTACKS, *RIGHT),
) -> list[Finding]:
    """Run the corpus, or the kinds of it that are named, and return a finding for each program.

    Raises: UnknownNameError for a kind that does not exist; OverproofError if no sandbox can be
    started.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise UnknownNameError("kind of attack", kind, KINDS)
    wanted = [attack for attack in attacks if not kinds or attack.kind in kinds]
    tier = _tier(limits)
    known = layers(tier)
    possible = [attack for attack in wanted if kernel.LINUX or attack.kind in _ANYWHERE]
    harmless = [attack for attack in possible if not attack.danger]
    held = [attack for attack in possible if attack.danger and known & set(attack.held_by)]
    found = _attack(harmless, limits, workers, tier)
    if all(finding.held for finding in found.values() if finding.name.startswith("signals_")):
        found |= _attack(held, limits, workers, tier)
    findings = [
        found.pop(attack.name)
        if attack.name in found
        else _finding(attack, tier, held=False, tried=False)
        for attack in wanted
    ]
    return findings + list(found.values())


def layers(tier: str) -> set[str]:
    """Return the layers that a tier is made of.

    >>> sorted(layers("A: namespaces+rlimits"))
    ['namespaces', 'rlimits']
    """
    known = set(tier.rpartition(": ")[2].split("+"))
    if "landlock" in known and kernel.landlock_version() >= 6:
        known.add("landlock 6")
    return known


def summarise(findings: Sequence[Finding]) -> list[str]:
    """Return the findings as lines for a terminal: a table, then whatever was not held."""
    tier = next((finding.tier for finding in findings), "")
    lines = [f"tier {tier}", "", f"{'kind':<12}{'held':>6}{'of':>6}{'not tried':>12}"]
    for kind in KINDS:
        of_kind = [finding for finding in findings if finding.kind == kind]
        tried = [finding for finding in of_kind if finding.tried]
        if not of_kind:
            continue
        counts = (sum(finding.held for finding in tried), len(tried), len(of_kind) - len(tried))
        name = "right passed" if kind == "right" else kind
        lines.append(f"{name:<12}{counts[0]:>6}{counts[1]:>6}{counts[2] or '':>12}")
    for title, chosen in (
        ("not held", [f for f in findings if f.tried and not f.held and f.kind != "right"]),
        ("right, but failed", [f for f in findings if not f.held and f.kind == "right"]),
        ("not tried, because it would do harm here", [f for f in findings if not f.tried]),
    ):
        if chosen:
            lines += ["", f"{title}:"]
            lines += [line for finding in chosen for line in _describe(finding)]
    return lines


def _describe(finding: Finding) -> Iterator[str]:
    yield f"  {finding.kind} {finding.name}: {finding.what}"
    if finding.tried:
        yield f"      {finding.status}: {finding.detail}"
        if finding.needs:
            yield f"      this tier lacks {finding.needs}"


def _tier(limits: Limits) -> str:
    program = "def add(a, b): return 'held'\n"
    job = Job(key="", task_id="", program=program, entry_point="add", test=CHECK_HELD)
    (outcome,) = run_jobs([job], limits, 1)
    if not outcome.passed:
        raise OverproofError(
            f"the sandbox failed a program that does nothing: {outcome.status} {outcome.detail}",
            hint="overproof doctor says what this machine offers",
        )
    return outcome.tier


def _attack(
    attacks: Sequence[Attack], limits: Limits, workers: int, tier: str
) -> dict[str, Finding]:
    """Run attacks among traps of their own; return the findings by name."""
    if not attacks:
        return {}
    outcomes: dict[str, Outcome] = {}
    survivors: dict[str, str] = {}
    names = [attack.name for attack in attacks]
    with Traps(names, budgets(limits)["small"]) as traps, _own_temporary_folder() as folder:
        for outcome in _outcomes(attacks, traps, limits, workers):
            outcomes[outcome.key] = outcome
            name = outcome.key.removesuffix(_NEXT)
            survivors[name] = survivors.get(name) or traps.survivors(name)
        seen = traps.look()
        left = sorted(path.name for path in folder.iterdir())
        for attack in attacks:
            seen[attack.name] += filter(None, [survivors.get(attack.name, "")])
            seen[attack.name] += [f"trap {trap}" for trap in attack.traps if trap in traps.trapped]
        found = {
            attack.name: _judge(attack, outcomes, seen[attack.name], traps.secret, tier)
            for attack in attacks
        }
    return found | _of_the_whole(traps.trapped, left, attacks, tier)


def _of_the_whole(
    trapped: Iterable[str], left: Sequence[str], attacks: Sequence[Attack], tier: str
) -> dict[str, Finding]:
    """Return findings on what cannot be laid to one attack."""
    claimed = {trap for attack in attacks for trap in attack.traps}
    evidence = [f"trap {trap}" for trap in trapped if trap not in claimed]
    evidence += [f"left {name} in the temporary folder" for name in left]
    if not evidence:
        return {}
    return {
        "all_together": Finding(
            name="all_together",
            kind="escape",
            held=False,
            detail="; ".join(evidence)[:_MAX_DETAIL],
            what="one of the attacks left a trace outside",
            tier=tier,
        )
    }


@contextlib.contextmanager
def _own_temporary_folder() -> Iterator[Path]:
    """Let the sandbox put its folders where nobody else's are, to see whether any is left."""
    before = tempfile.tempdir
    folder = Path(tempfile.mkdtemp(prefix="op"))
    folder.chmod(0o711)
    tempfile.tempdir = str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        remove_tree(folder)


def _outcomes(
    attacks: Sequence[Attack], traps: Traps, limits: Limits, workers: int
) -> Iterator[Outcome]:
    """Run attacks in groups of equal limits; pairs one after the other in one worker."""
    for budget, allowed in budgets(limits).items():
        group = [attack for attack in attacks if attack.budget == budget]
        alone = [_job(attack, traps) for attack in group if not attack.next_program]
        pairs = [attack for attack in group if attack.next_program]
        yield from _run(alone, allowed, workers)
        jobs = [job for attack in pairs for job in (_job(attack, traps), _next(attack, traps))]
        yield from _run(jobs, allowed, 1)


def _run(jobs: Sequence[AnyJob], limits: Limits, workers: int) -> Iterator[Outcome]:
    """Run jobs; where one of them ends the caller's run, halve them until it is found."""
    done = set()
    try:
        for outcome in run_jobs(jobs, limits, workers):
            done.add(outcome.key)
            yield outcome
        return
    except OverproofError:
        raise
    except Exception as error:
        detail = f"it ended the whole run: {type(error).__name__}: {error}"[:200]
    rest = [job for job in jobs if job.key not in done]
    if len(rest) == 1:
        yield Outcome(key=rest[0].key, task_id="", status="harness_error", detail=detail)
    else:
        for part in (rest[: len(rest) // 2], rest[len(rest) // 2 :]):
            yield from _run(part, limits, workers)


def _job(attack: Attack, traps: Traps) -> AnyJob:
    program = attack.text(traps.host(attack.name))
    if attack.cases:
        return StdioJob(key=attack.name, task_id="", program=program, cases=attack.cases)
    return Job(
        key=attack.name,
        task_id="",
        program=program,
        entry_point=attack.entry_point,
        prompt=attack.prompt,
        reference=attack.reference,
        test=attack.test,
    )


def _next(attack: Attack, traps: Traps) -> Job:
    # The comment keeps it from being taken for the one that follows another attack.
    program = place(attack.next_program, traps.host(attack.name)) + f"# after {attack.name}\n"
    return Job(
        key=attack.name + _NEXT, task_id="", program=program, entry_point="add", test=CHECK_HELD
    )


def _judge(
    attack: Attack, outcomes: Mapping[str, Outcome], seen: list[str], secret: str, tier: str
) -> Finding:
    """Weigh how an attack ended, and what was seen outside."""
    outcome = outcomes.get(attack.name)
    if outcome is None:
        return _finding(attack, tier, held=False, status="harness_error", detail="no outcome")
    evidence = list(seen)
    if secret in outcome.detail:
        evidence.append("the secret came back")
    if not outcome.detail.isprintable() or len(outcome.detail) > _MAX_DETAIL:
        evidence.append("the detail is not one line of text")
    later = outcomes.get(attack.name + _NEXT)
    if attack.next_program and (later is None or not later.passed):
        evidence.append(
            f"the next program: {later.status if later else ''} "
            f"{later.detail if later else 'no outcome'}"
        )
    held = outcome.status in attack.expect and not evidence
    text = "; ".join(filter(None, [*evidence, outcome.detail]))[:_MAX_DETAIL]
    detail = "".join(letter if letter.isprintable() else "?" for letter in text)
    return _finding(attack, tier, held=held, status=outcome.status, detail=detail)


def _finding(
    attack: Attack,
    tier: str,
    *,
    held: bool,
    tried: bool = True,
    status: str = "",
    detail: str = "",
) -> Finding:
    lacking = not held and attack.held_by and not set(attack.held_by) & layers(tier)
    return Finding(
        name=attack.name,
        kind=attack.kind,
        held=held,
        tried=tried,
        status=status,
        detail=detail,
        what=attack.what,
        needs=" or ".join(attack.held_by) if lacking else "",
        tier=tier,
    )
