"""A few pairs, a small recipe, and a cache of signals of its own for each test."""

from pathlib import Path

import pytest

from overproof.catalog import ModelSource
from overproof.models import resolve_model
from overproof.pairs.functions import find_pairs
from overproof.recipe import Recipe, load_recipe
from overproof.records import Pair

SOURCE = '''
import random


def larger(a, b):
    """Return the larger of two numbers, whichever it is.

    >>> larger(2, 3)
    3
    >>> larger(5, 4)
    5
    """
    if a > b:
        return a
    return b


def squares(n):
    """Return the squares of the even numbers below n, in order."""
    found = []
    for number in range(0, n, 2):
        found.append(number**2)
    return found


def draw(n):
    """Return a random number below n, another one every time."""
    share = random.random()
    return share * n


def always(n):
    """Return the number seven, whatever was asked for by the caller."""
    seven = 7
    return seven


def spaced(word):
    """Return the word between two spaces on either side of it."""
    space = "  "
    return space + word + space
'''


@pytest.fixture(scope="session")
def pairs() -> list[Pair]:
    return find_pairs(SOURCE, "toys.py", "MIT")[0]


@pytest.fixture
def recipe() -> Recipe:
    return load_recipe(
        "demo",
        [
            "models.teacher=smollm2-135m-instruct",
            "models.student=smollm2-135m-instruct",
            "models.threads=1",
            "teach.max_new_tokens=24",
            "teach.views=[text_to_code, code_to_text, repair, fill_in_middle]",
        ],
    )


@pytest.fixture(scope="session")
def small() -> ModelSource:
    return resolve_model("smollm2-135m-instruct")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that signals and vectors go to."""
    folder = tmp_path / "cache"
    for module in ("cache", "embeddings"):
        monkeypatch.setattr(f"overproof.teach.{module}.cache_folder", lambda: folder)
    return folder
