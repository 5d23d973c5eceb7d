"""Hostile and right programs in JavaScript, run by Node.js through its driver.

>>> {attack.language for attack in PROGRAMS}
{'javascript'}
"""

from overproof.sandbox.attacks.attack import Attack
from overproof.sandbox.attacks.javascript import (
    escape,
    exhaust,
    forge_driver,
    forge_messages,
    forge_values,
    outlive,
    right,
)

PROGRAMS: tuple[Attack, ...] = (
    *forge_values.ATTACKS,
    *forge_driver.ATTACKS,
    *forge_messages.ATTACKS,
    *escape.ATTACKS,
    *exhaust.ATTACKS,
    *outlive.ATTACKS,
    *right.ATTACKS,
)
