"""Distil a large code model into a small one, and prove what came out.

Importing this package is cheap (no torch, no network); the work starts in `overproof.study`:

    overproof run demo
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
