r"""Attack the sandbox on this machine, and say what it holds here and what it does not.

Every attack of the corpus is run like any other program; it is held if it ends as it should and
if nothing outside has noticed it. Attacks that would do harm where they are not held are tried
only where weaker ones were held.

Covered: what the corpus covers (see `overproof.sandbox.attacks`), on Linux.
Not covered: other systems, where only verdicts, crashes and source text are tried; languages whose
toolchain is not here, which count as not tried, never as held.

    print("\n".join(summarise(run_selftest(Limits()))))
"""

import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from overproof.errors import OverproofError, UnknownNameError
from overproof.languages import load_language
from overproof.records import Outcome
from overproof.sandbox import kernel
from overproof.sandbox.attacks import KINDS, LANGUAGES, Attack, attacks_in
from overproof.sandbox.attacks.attack import CHECK_HELD, HOLDS, PROMPT, Budget
from overproof.sandbox.attacks.host import comment, place
from overproof.sandbox.folders import remove_tree
from overproof.sandbox.jobs import AnyJob, Job, Limits, StdioJob
from overproof.sandbox.pool import run_jobs
from overproof.sandbox.toolchains import toolchain
from overproof.sandbox.traps import Traps

_ANYWHERE = ("forge", "crash", "source_text", "right")
_NEXT = " then"
_SIGNALS = "signals_"
"""In the names of attacks that show whether signals get out."""
_MAX_DETAIL = 300


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What became of one attack, or of one right program, on this machine."""

    name: str
    kind: str
    held: bool
    """Whether the sandbox did what it should: held an attack, passed a right program."""
    language: str = "python"
    tried: bool = True
    """False for an attack that would do harm here, or whose language cannot be run here."""
    status: str = ""
    detail: str = ""
    """What was reached, or how it ended."""
    what: str = ""
    """What it means if it is not held."""
    needs: str = ""
    """The layers that would hold it and that this tier lacks; empty if that is not the reason."""
    missing: str = ""
    """The toolchain without which it was not tried, with the command that adds it."""
    tier: str = ""


def budgets(limits: Limits) -> dict[Budget, Limits]:
    """Return the limits of each kind of attack, so that the whole takes minutes, not hours."""
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
    building = replace(small, build_seconds=min(limits.build_seconds, 4))
    return {"default": limits, "small": small, "asleep": asleep, "building": building}


def run_selftest(
    limits: Limits,
    workers: int = 2,
    kinds: Sequence[str] = (),
    languages: Sequence[str] = LANGUAGES,
    attacks: Sequence[Attack] | None = None,
) -> list[Finding]:
    """Run the corpora of some languages, or these attacks; return a finding for each program.

    Raises: UnknownNameError for a kind or a language that does not exist; OverproofError if no
    sandbox can be started.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise UnknownNameError("kind of attack", kind, KINDS)
    if attacks is None:
        attacks = [attack for language in languages for attack in attacks_in(language)]
    wanted = [attack for attack in attacks if not kinds or attack.kind in kinds]
    tier = _tier(limits)
    findings = []
    for language in dict.fromkeys(attack.language for attack in wanted):
        part = [attack for attack in wanted if attack.language == language]
        missing = _missing(language)
        if missing:
            findings += [_untried(attack, tier, missing) for attack in part]
        else:
            findings += _run_part(part, limits, workers, tier)
    return findings


def _run_part(
    wanted: Sequence[Attack], limits: Limits, workers: int, tier: str
) -> Iterator[Finding]:
    """Run the attacks of one language, the dangerous ones last; yield a finding for each."""
    known = layers(tier)
    possible = [attack for attack in wanted if kernel.LINUX or attack.kind in _ANYWHERE]
    harmless = [attack for attack in possible if not attack.danger]
    held = [attack for attack in possible if attack.danger and known & set(attack.held_by)]
    found = _attack(harmless, limits, workers, tier)
    if all(finding.held for finding in found.values() if _SIGNALS in finding.name):
        found |= _attack(held, limits, workers, tier)
    for attack in wanted:
        yield found.pop(attack.name) if attack.name in found else _untried(attack, tier)
    yield from found.values()


def _missing(language: str) -> str:
    """Return what is missing to run a language here, and how to add it; empty if nothing."""
    if language == "python":
        return ""
    needed = load_language(language)
    return "" if toolchain(needed) else f"{needed.toolchain.tool}: {needed.toolchain.install}"


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
    """Return the findings as lines for a terminal: tables, then whatever was not held."""
    tier = next((finding.tier for finding in findings), "")
    lines = [f"tier {tier}"]
    languages = list(dict.fromkeys(finding.language for finding in findings))
    for language in languages:
        of_language = [finding for finding in findings if finding.language == language]
        lines += ["", *_table(language if len(languages) > 1 else "kind", of_language)]
    failed = [finding for finding in findings if finding.tried and not finding.held]
    harmful = [finding for finding in findings if not finding.tried and not finding.missing]
    for title, chosen in (
        ("not held", [finding for finding in failed if finding.kind != "right"]),
        ("right, but failed", [finding for finding in failed if finding.kind == "right"]),
        ("not tried, because it would do harm here", harmful),
    ):
        if chosen:
            lines += ["", f"{title}:"]
            lines += [line for finding in chosen for line in _describe(finding)]
    missing = {finding.language: finding.missing for finding in findings if finding.missing}
    if missing:
        lines += ["", "not tried, because a toolchain is missing:"]
        lines += [f"  {language}: {needed}" for language, needed in missing.items()]
    return lines


def _table(title: str, findings: Sequence[Finding]) -> Iterator[str]:
    """Yield how many were held of each kind."""
    yield f"{title:<12}{'held':>6}{'of':>6}{'not tried':>12}"
    for kind in KINDS:
        of_kind = [finding for finding in findings if finding.kind == kind]
        tried = [finding for finding in of_kind if finding.tried]
        if of_kind:
            name = "right passed" if kind == "right" else kind
            left = len(of_kind) - len(tried) or ""
            yield f"{name:<12}{sum(f.held for f in tried):>6}{len(tried):>6}{left:>12}"


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
        return StdioJob(
            key=attack.name,
            task_id="",
            program=program,
            cases=attack.cases,
            language=attack.language,
        )
    return Job(
        key=attack.name,
        task_id="",
        program=program,
        entry_point=attack.entry_point,
        prompt=attack.prompt,
        reference=attack.reference,
        test=attack.test,
        language=attack.language,
    )


def _next(attack: Attack, traps: Traps) -> Job:
    # The comment keeps it from being taken for the one that follows another attack.
    program = place(attack.next_program, traps.host(attack.name), attack.language)
    own = attack.language == "python"
    return Job(
        key=attack.name + _NEXT,
        task_id="",
        program=f"{program}{comment(attack.language)}after {attack.name}\n",
        entry_point=attack.entry_point,
        prompt="" if own else PROMPT,
        reference="" if own else HOLDS,
        test=CHECK_HELD,
        language=attack.language,
    )


def _judge(
    attack: Attack, outcomes: Mapping[str, Outcome], seen: list[str], secret: str, tier: str
) -> Finding:
    """Weigh how an attack ended, and what was seen outside."""
    outcome = outcomes.get(attack.name)
    if outcome is None:
        return _finding(attack, tier, held=False, status="harness_error", detail="no outcome")
    if outcome.status == "missing_tool":
        return _untried(attack, tier, outcome.detail)
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


def _untried(attack: Attack, tier: str, missing: str = "") -> Finding:
    found = _finding(attack, tier, held=False, tried=False)
    return replace(found, missing=missing, needs="") if missing else found


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
        language=attack.language,
        held=held,
        tried=tried,
        status=status,
        detail=detail,
        what=attack.what,
        needs=" or ".join(attack.held_by) if lacking else "",
        tier=tier,
    )
