"""What is shipped: the wheel has the package and its data and nothing else; the pages agree."""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

import pytest
import yaml

from overproof import __version__

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "overproof"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-W", "error", "-m", "hatchling", "build", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr.lower()
    return folder


def test_the_wheel_has_every_file_of_the_package_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    here = {
        f"overproof/{path.relative_to(SOURCE).as_posix()}"
        for path in SOURCE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    beside = {name for name in names if not name.startswith("overproof/")}
    assert names - beside == here
    assert all(name.startswith(f"overproof-{__version__}.dist-info/") for name in beside)
    assert {"overproof/py.typed", "overproof/recipes/demo.yaml"} <= names
    assert any(name.endswith("licenses/LICENSE") for name in beside)
    assert any(name.endswith("WORDNET-LICENSE.txt") for name in beside)


def test_its_metadata_name_the_versions_that_it_runs_on(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    archive = zipfile.ZipFile(wheel)
    told = message_from_string(archive.read(f"overproof-{__version__}.dist-info/METADATA").decode())
    versions = re.findall(r"Python :: (3\.\d+)", " ".join(told.get_all("Classifier", [])))
    assert versions == ["3.11", "3.12", "3.13"]
    assert told["Requires-Python"] == ">=3.11"
    assert {"report", "gguf", "train", "data", "cluster", "languages", "all", "models"} <= set(
        told.get_all("Provides-Extra", [])
    )
    core = [line for line in told.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert not re.search("torch|scipy|altair", " ".join(core))


def test_the_sdist_builds_without_what_is_not_source(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        tops = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert {"src", "tests", "pyproject.toml", "README.md", "LICENSE"} <= tops
    assert not tops & {"studies", "runs", "build", "dist", ".venv", ".ci", "dev"}


def test_the_citation_is_of_this_version() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["version"] == __version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert cited["license"] == project["license"]
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
