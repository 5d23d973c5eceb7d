"""Where tools are looked for: the system's folders, then wheels that bring them."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from overproof.languages.language import Toolchain
from overproof.sandbox.environment import ENVIRONMENT
from overproof.sandbox.toolchains import find, folder_in_wheel

NEEDED = Toolchain(tool="toytool", version=("toytool", "1.2"), packages=("toy",), wheel="toy-wheel")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    site = tmp_path / "site"
    (site / "toy" / "bin").mkdir(parents=True)
    (site / "toy_wheel-1.dist-info").mkdir()
    (site / "toy_wheel-1.dist-info" / "METADATA").write_text("Name: toy-wheel\nVersion: 1\n")
    (site / "toy_wheel-1.dist-info" / "RECORD").write_text("toy/bin/toytool,,\n")
    monkeypatch.syspath_prepend(site)
    find.cache_clear()
    return site


def add(folder: Path, text: bytes) -> None:
    (folder / "toytool").write_bytes(text)
    (folder / "toytool").chmod(0o755)


def test_a_wheel_brings_a_tool(site: Path) -> None:
    folder = site / "toy" / "bin"
    assert find(NEEDED) is None
    find.cache_clear()
    add(folder, Path("/bin/echo").read_bytes())
    tool = find(NEEDED)
    assert tool is not None
    assert tool.label == "toytool 1.2"
    assert tool.path == f"{folder}:{ENVIRONMENT['PATH']}"
    assert find(replace(NEEDED, wheel="")) is None


def test_the_system_comes_first(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(site / "toy" / "bin", Path("/bin/echo").read_bytes())
    (tmp_path / "own").mkdir()
    add(tmp_path / "own", b"#!/bin/sh\necho toytool of the system\n")
    monkeypatch.setitem(ENVIRONMENT, "PATH", f"{tmp_path / 'own'}:/usr/bin:/bin")
    tool = find(NEEDED)
    assert tool is not None
    assert tool.label == "toytool of the system"


def test_scripts_that_start_a_python_do_not_count(site: Path) -> None:
    add(site / "toy" / "bin", f"#!{sys.executable}\n".encode())
    assert folder_in_wheel(NEEDED) == ""
