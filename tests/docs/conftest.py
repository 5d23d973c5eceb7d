"""The pages taken apart by the tools that check them, and their commands run in a shell."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tools"))  # the checks are scripts, not a package

import docs_check  # noqa: E402
from docs_pages import Block, read_page  # noqa: E402


class Pages:
    """What the tests of the pages have in common."""

    check: ModuleType = docs_check

    @staticmethod
    def blocks(page: str, *languages: str) -> list[Block]:
        """Return a page's blocks of these languages, in order."""
        found = read_page((ROOT / "docs" / page).read_text()).blocks
        return [block for block in found if block.language in languages]

    def text(self, page: str, language: str, changes: Sequence[tuple[str, str]] = ()) -> str:
        """Return all blocks of a language as one text, each change made in it."""
        return smaller("".join(block.text for block in self.blocks(page, language)), changes)

    @staticmethod
    def shell(script: str, folder: Path, bins: Sequence[Path] = (), seconds: float = 900) -> str:
        """Run a script in a folder, `overproof` on its path; return what it printed."""
        path = [*map(str, bins), str(Path(sys.executable).parent), os.environ["PATH"]]
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=folder,
            env={**os.environ, "PATH": os.pathsep.join(path)},
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def smaller(text: str, changes: Sequence[tuple[str, str]]) -> str:
    """Return the text with each change made; one that changes nothing is out of date."""
    for before, after in changes:
        assert before in text, f"the page no longer says {before!r}"
        text = text.replace(before, after)
    return text


@pytest.fixture(scope="session")
def pages() -> Pages:
    """Return what reads the pages and runs their commands."""
    return Pages()
