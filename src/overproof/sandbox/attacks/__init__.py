"""Hostile programs, and right ones that are easily taken for such, as literal data.

`overproof.sandbox.selftest` runs them on this machine and looks from outside at what they
reached. A program that gets past the sandbox belongs here as soon as it is known.

Covered: verdicts, escapes, resources, survivors, crashes and odd source text, in Python; the same,
less of each, in the languages of `LANGUAGES`.
Not covered: faults of the kernel, and whatever nobody has thought of yet.

>>> len(ATTACKS) > 250, len(RIGHT) > 100
(True, True)
>>> len(attacks_in("javascript")) > 100
True
"""

import importlib
from typing import cast

from overproof.errors import UnknownNameError
from overproof.sandbox.attacks import (
    crash,
    escape_files,
    escape_kernel,
    escape_network,
    escape_processes,
    everywhere,
    exhaust,
    exhaust_time,
    forge_output,
    forge_process,
    forge_protocol,
    forge_tests,
    forge_values,
    neighbours,
    outlive,
    outlive_leaves,
    right,
    right_machine,
    right_results,
    right_stdio,
    source_text,
)
from overproof.sandbox.attacks.attack import KINDS, Attack, Kind

ATTACKS: tuple[Attack, ...] = (
    *forge_values.ATTACKS,
    *forge_tests.ATTACKS,
    *forge_process.ATTACKS,
    *forge_protocol.ATTACKS,
    *forge_output.ATTACKS,
    *escape_files.ATTACKS,
    *escape_processes.ATTACKS,
    *escape_network.ATTACKS,
    *escape_kernel.ATTACKS,
    *exhaust.ATTACKS,
    *exhaust_time.ATTACKS,
    *outlive.ATTACKS,
    *outlive_leaves.ATTACKS,
    *crash.ATTACKS,
    *source_text.ATTACKS,
)
"""Programs that must be held."""

RIGHT: tuple[Attack, ...] = (
    *right.ATTACKS,
    *right_machine.ATTACKS,
    *right_results.ATTACKS,
    *right_stdio.ATTACKS,
)
"""Programs that must pass."""

_OWN = ("bash", "cpp", "javascript")
LANGUAGES = ("python", *_OWN, *everywhere.PHRASES)
"""Languages that have a corpus; that of the last is small."""


def attacks_in(language: str) -> tuple[Attack, ...]:
    """Return the corpus of a language, right programs last. Raises: UnknownNameError."""
    if language == "python":
        return (*ATTACKS, *RIGHT)
    if language in everywhere.PHRASES:
        return (*everywhere.programs(language), *neighbours.programs(language))
    if language not in _OWN:
        raise UnknownNameError("language with a corpus", language, LANGUAGES)
    module = importlib.import_module(f"overproof.sandbox.attacks.{language}")
    return cast(tuple[Attack, ...], module.PROGRAMS)


__all__ = ["ATTACKS", "KINDS", "LANGUAGES", "RIGHT", "Attack", "Kind", "attacks_in"]
