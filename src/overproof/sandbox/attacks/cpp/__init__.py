"""Hostile and right programs in C++, built by g++ and linked with its driver.

>>> {attack.language for attack in PROGRAMS}
{'cpp'}
"""

from overproof.sandbox.attacks.attack import Attack
from overproof.sandbox.attacks.cpp import (
    compiling,
    escape,
    exhaust,
    forge_driver,
    forge_values,
    outlive,
    right,
)

PROGRAMS: tuple[Attack, ...] = (
    *forge_values.ATTACKS,
    *forge_driver.ATTACKS,
    *compiling.ATTACKS,
    *escape.ATTACKS,
    *exhaust.ATTACKS,
    *outlive.ATTACKS,
    *right.ATTACKS,
)
