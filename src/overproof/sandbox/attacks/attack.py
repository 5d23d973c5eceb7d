"""What an attack is: a program, what must become of it, and what is looked at from outside.

An attack harms nothing where it is not held: it sends `SIGURG` where a killer would send
`SIGKILL`, touches only files laid out for it, asks the kernel with arguments that do nothing,
stops at a few times a limit and ends by itself. The few that cannot be made harmless name the
`danger`, and are tried only where weaker probes have shown that it is held.

>>> Attack(name="a", kind="crash", what="ends", program="import os; os.abort()").text({})
'import os; os.abort()'
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from textwrap import dedent
from typing import Literal, get_args

from overproof.records import Status
from overproof.sandbox.attacks.host import comment, place

Kind = Literal["forge", "escape", "exhaust", "outlive", "crash", "source_text", "right"]
KINDS: tuple[Kind, ...] = get_args(Kind)

Layer = Literal["namespaces", "landlock", "landlock 6", "seccomp", "seatbelt"]
"""`landlock 6`: a Landlock that also scopes signals and abstract sockets."""

Budget = Literal["default", "small", "asleep", "building"]
"""Which limits an attack runs under; see `overproof.sandbox.selftest.BUDGETS`."""

Danger = Literal["", "signals", "processes"]
"""What would be lost on a machine that does not hold it: other processes; all its processes."""

FAILED: tuple[Status, ...] = (
    "wrong_answer",
    "error",
    "timeout",
    "out_of_memory",
    "output_limit",
    "crashed",
    "protocol_violation",
)
"""A verdict on the program; `harness_error` is none, and would hide a wrong program."""
NEVER_RAN: tuple[Status, ...] = ("compile_error", "no_code")

CHECK_ADD = """
def check(candidate):
    assert candidate(2, 3) == 5
    assert candidate(-1, 1) == 0
    assert candidate(10, 5) == 15
"""

CHECK_HELD = """
def check(candidate):
    answer = candidate(2, 3)
    if answer != "held":
        raise ValueError(repr(answer)[:150])
"""
"""The test of a program that reports what it reached: the report becomes the outcome's detail."""

PROMPT, ADDS, HOLDS = "def add(a, b):\n", "    return a + b\n", "    return 'held'\n"
"""What other languages' programs are translated from, with the bodies that belong to the tests."""

PRELUDE = """
import ctypes, errno, os, socket, struct, sys, time
reached = []
libc = ctypes.CDLL(None, use_errno=True)
REFUSALS = (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ESRCH)


def attempt(label, action, *arguments):
    try:
        got = action(*arguments)
    except OSError:
        return None
    reached.append(label if got is None or got is True else f"{label} {got!r}"[:100])
    return got


def call(name, x86_64, aarch64, *arguments):
    # Whatever is not a refusal was looked at by the kernel: it would have been done.
    number = {"x86_64": x86_64, "aarch64": aarch64}.get(os.uname().machine, -1)
    if number < 0:
        return -1
    wide = [ctypes.c_long(a) if type(a) is int else a for a in arguments]
    result = libc.syscall(ctypes.c_long(number), *wide)
    if result >= 0 or ctypes.get_errno() not in REFUSALS:
        reached.append(name)
    return result


def report():
    return "; ".join(reached) or "held"
"""
"""What the programs that are judged by `CHECK_HELD` start with, after `HOST`."""


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One program of the corpus; those of the kind `right` are no attacks, and must pass."""

    name: str
    """Unique over all languages; begins with the language unless that is Python."""
    kind: Kind
    what: str
    """What it means if it is not held, in a line; for a right program, what it uses."""
    program: str | Callable[[], str]
    """The source, or what makes it where the source is huge."""
    language: str = "python"
    expect: tuple[Status, ...] = FAILED
    """The statuses that mean held, if nothing outside was touched."""
    test: str = CHECK_ADD
    prompt: str = ""
    reference: str = ""
    entry_point: str = "add"
    cases: tuple[tuple[str, str], ...] = ()
    """With cases, the program is run as a whole, once per (standard input, expected output)."""
    next_program: str = ""
    """Run right after it by the same worker, and built together with it where its language builds
    many at once; must report `held`: nothing was left for it."""
    held_by: tuple[Layer, ...] = ()
    """Any of these layers holds it; empty if every machine must."""
    budget: Budget = "default"
    danger: Danger = ""
    traps: tuple[str, ...] = ()
    """Traps that tell that this attack was not held, though they cannot tell which one it was."""

    def text(self, host: Mapping[str, object]) -> str:
        """Return the program, told in `HOST` where the traps of this machine are."""
        program = self.program if isinstance(self.program, str) else self.program()
        return place(program, host, self.language)


def source(text: str) -> str:
    """Return an indented literal as the text of a file."""
    return dedent(text).lstrip("\n")


def corpus(
    kind: Kind,
    programs: Mapping[str, str],
    *,
    language: str = "python",
    prelude: str = "",
    expect: tuple[Status, ...] = FAILED,
    test: str = CHECK_ADD,
    reference: str = "",
    entry_point: str = "add",
    cases: tuple[tuple[str, str], ...] = (),
    held_by: tuple[Layer, ...] = (),
    budget: Budget = "default",
    danger: Danger = "",
    next_program: str = "",
    traps: tuple[str, ...] = (),
) -> tuple[Attack, ...]:
    """Return attacks of one kind and fate; each program's first line, a comment, is its `what`.

    The prelude comes after that line. Tests of other languages' programs know what is right: the
    reference, by default that of `CHECK_ADD`.
    """
    own = language == "python"
    found = []
    for name, text in programs.items():
        what, _, rest = source(text).partition("\n")
        found.append(
            Attack(
                name=name if own else f"{language}_{name}",
                kind=kind,
                what=what.removeprefix(comment(language)),
                program=f"{what}\n{prelude}{rest}",
                language=language,
                expect=expect,
                test=test,
                prompt="" if own else PROMPT,
                reference="" if own else reference or ADDS,
                entry_point=entry_point,
                cases=cases,
                held_by=held_by,
                budget=budget,
                danger=danger,
                next_program=next_program,
                traps=traps,
            )
        )
    return tuple(found)


def reports(
    kind: Kind,
    programs: Mapping[str, str],
    *,
    language: str = "python",
    prelude: str = "",
    held_by: tuple[Layer, ...] = (),
    budget: Budget = "default",
    traps: tuple[str, ...] = (),
    next_program: str = "",
) -> tuple[Attack, ...]:
    """Return attacks that say themselves what they reached: held if they come to say `held`.

    The prelude of other languages brings what `PRELUDE` brings to Python.
    """
    return corpus(
        kind,
        programs,
        language=language,
        prelude=(PRELUDE if language == "python" else "") + prelude,
        expect=("passed",),
        test=CHECK_HELD,
        reference=HOLDS,
        held_by=held_by,
        budget=budget,
        traps=traps,
        next_program=next_program,
    )
