"""Suites of problems: the built-in ones by name, a user's own by path.

>>> "humaneval" in SUITES, "multicode:rust" in SUITES
(True, True)
"""

from overproof.suites.load import SUITES, load_suite, load_suites
from overproof.suites.read import read_problems

__all__ = ["SUITES", "load_suite", "load_suites", "read_problems"]
