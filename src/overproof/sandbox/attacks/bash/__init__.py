"""Hostile and right programs in Bash, run through its driver, which is a script itself.

>>> {attack.language for attack in PROGRAMS}
{'bash'}
"""

from overproof.sandbox.attacks.attack import Attack
from overproof.sandbox.attacks.bash import (
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
    *escape.ATTACKS,
    *exhaust.ATTACKS,
    *outlive.ATTACKS,
    *right.ATTACKS,
)
