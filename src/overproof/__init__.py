"""Distil a large code model into a small one, and prove what came out.

Importing this package is cheap (no torch, no network). The commands are functions here, loaded
when they are first used; see `overproof.api`:

    overproof run demo
    overproof.evaluate("smollm2-135m-instruct", limit=10)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from overproof.api import distill, evaluate, perturb, run, score
    from overproof.recipe import load_recipe
    from overproof.suites import load_suite

__all__ = [
    "__version__",
    "distill",
    "evaluate",
    "load_recipe",
    "load_suite",
    "perturb",
    "run",
    "score",
]

__version__ = "0.1.0"

_HOMES = {"load_recipe": "overproof.recipe", "load_suite": "overproof.suites"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES.get(name, "overproof.api")), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
