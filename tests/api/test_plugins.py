"""What another package adds by entry points: a real distribution on the path, not a mock."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

MODULE = '''
from overproof.languages import load_language
from overproof.perturbation.draft import Draft
from overproof.records import Problem
import dataclasses

def shout(problem, rng, intensity):
    """Begin the docstring in capitals."""
    head, quotes, tail = problem.prompt.partition('"""')
    return Draft(prompt=head + quotes + " PLEASE HELP:" + tail, entry_point=problem.entry_point)

def one():
    return [Problem(task_id="added/0", suite="added", prompt="def one():\\n",
                    entry_point="one", canonical_solution="    return 1\\n",
                    test="def check(candidate):\\n    assert candidate() == 1\\n")]

class Echo:
    def __init__(self, source, precision, threads):
        self.source, self.precision = source, precision
    def close(self): ...

serpent = dataclasses.replace(load_language("lua"), name="serpent", title="Serpent")
nothing = 3
'''
ENTRIES = """
[overproof.operators]
shout = added_package:shout
broken = added_package:missing
nothing = added_package:nothing
keyboard_typos = added_package:shout

[overproof.suites]
added = added_package:one

[overproof.engines]
echo = added_package:Echo

[overproof.languages]
serpent = added_package:serpent
wrong = added_package:nothing
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    (folder / "added_package.py").write_text(MODULE)
    info = folder / "added_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: added-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    return folder


def run(path: Path, code: str) -> str:
    script = f"import sys; sys.path.insert(0, {str(path)!r})\n" + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_operators_are_found_certified_and_do_not_replace_ours(path: Path) -> None:
    out = run(
        path,
        """
        import overproof
        from overproof.perturbation import get_operator
        found = overproof.perturb("humaneval", operators="shout", seeds=1, limit=1, workers=1)
        print(len(found), found[0].prompt.count("PLEASE HELP"), get_operator("shout").what)
        print(get_operator("keyboard_typos").what)
        """,
    )
    assert out.splitlines()[0] == "1 1 Begin the docstring in capitals."
    assert "capitals" not in out.splitlines()[1]


def test_suites_and_engines_are_found(path: Path) -> None:
    out = run(
        path,
        """
        import overproof
        from overproof.catalog import ModelSource
        from overproof.engines import load_engine
        from overproof.recipe import load_recipe
        problems = overproof.load_suite("added")
        lines = [{"task_id": "added/0", "completion": "    return 1\\n"}]
        print(overproof.score(lines, suite="added").passed, problems[0].task_id)
        source = ModelSource(name="m", kind="folder", sha256="0" * 64)
        print(type(load_engine(source, "echo")).__name__)
        print(load_recipe("demo", ["models.engine=echo"]).models.engine)
        """,
    )
    assert out.split() == ["1", "added/0", "Echo", "echo"]


def test_languages_are_found_with_their_problems(path: Path) -> None:
    out = run(
        path,
        """
        from overproof.languages import is_language, load_language
        print(is_language("serpent"), load_language("serpent").title, is_language("fortran"))
        """,
    )
    assert out.split() == ["True", "Serpent", "False"]


def test_what_cannot_be_loaded_is_said_with_its_package(path: Path) -> None:
    out = run(
        path,
        """
        from overproof.errors import OverproofError
        from overproof.engines import load_engine
        from overproof.languages import load_language
        from overproof.perturbation import get_operator
        from overproof.recipe import load_recipe
        from overproof.suites import load_suite
        for call in (
            lambda: get_operator("broken"),
            lambda: get_operator("nothing"),
            lambda: get_operator("shoot"),
            lambda: load_language("wrong"),
            lambda: load_suite("adedd"),
            lambda: load_recipe("demo", ["models.engine=ehco"]),
        ):
            try:
                call()
            except OverproofError as error:
                print(" | ".join(str(error).splitlines()))
        """,
    )
    broken, nothing, near, wrong, suite, engine = out.splitlines()
    assert "'broken' of added-package cannot be loaded: AttributeError" in broken
    assert "got int, not a function" in nothing
    assert "shout" in near
    assert "got int, not a Language" in wrong
    assert "added" in suite
    assert "did you mean echo?" in engine
