"""Web sources against a real server on the loopback address, honest and otherwise."""

import fcntl
import hashlib
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from overproof.catalog import CATALOG, CatalogEntry, cached_file
from overproof.errors import FetchError, IntegrityError, StorageError
from overproof.fetch import bar, fetch, is_fetched, verify
from overproof.sources import HubFile, Source, WebFile

DATA = random.Random(1).randbytes(300_000)
OTHER = random.Random(2).randbytes(300_000)


class FileServer:
    """Serves `content`; the switches make it dishonest."""

    def __init__(self) -> None:
        self.content = DATA
        self.ranges = True
        self.cut_at: list[int] = []
        """Bytes after which to drop the connection, one number per request."""
        self.announces_length = True
        self.status = 200
        self.etag = ""
        self.gate: threading.Event | None = None
        self.seen: list[tuple[str, str]] = []
        """Path and Range header of each request."""
        outer = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range", "")
        self.seen.append((request.path, asked))
        if self.gate is not None:
            self.gate.wait(20)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.ranges else 0
        body = self.content[start:]
        if self.status != 200:
            request.send_error(self.status)
            return
        request.send_response(206 if start else 200)
        if start:
            last, total = len(self.content) - 1, len(self.content)
            request.send_header("Content-Range", f"bytes {start}-{last}/{total}")
        if self.announces_length:
            request.send_header("Content-Length", str(len(body)))
        if self.etag:
            request.send_header("X-Linked-Etag", f'"{self.etag}"')
        request.end_headers()
        request.wfile.write(body[: self.cut_at.pop(0)] if self.cut_at else body)

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def server() -> Iterator[FileServer]:
    server = FileServer()
    yield server
    server.close()


@pytest.fixture
def second() -> Iterator[FileServer]:
    server = FileServer()
    yield server
    server.close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OVERPROOF_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "home"


Add = Callable[..., CatalogEntry]


@pytest.fixture
def add(home: Path, monkeypatch: pytest.MonkeyPatch) -> Add:
    """Put an entry for DATA into the catalogue."""

    def add(*sources: Source) -> CatalogEntry:
        entry = CatalogEntry(
            name="demo",
            kind="data",
            file="demo.bin",
            size_bytes=len(DATA),
            sha256=hashlib.sha256(DATA).hexdigest(),
            licence="MIT",
            what="test data",
            sources=sources,
        )
        monkeypatch.setitem(CATALOG, "demo", entry)
        return entry

    return add


class Recorder:
    def __init__(self) -> None:
        self.calls: list[tuple[int, int]] = []

    def on_bytes(self, done: int, total: int) -> None:
        self.calls.append((done, total))


def part_of(home: Path) -> Path:
    return home / "partial" / "demo" / "file.part"


def leave_part(home: Path, content: bytes) -> None:
    part_of(home).parent.mkdir(parents=True)
    part_of(home).write_bytes(content)


def data_left(home: Path) -> list[str]:
    """Names of the files in the cache, the empty lock apart."""
    return sorted(file.name for file in home.rglob("*") if file.is_file() and file.name != "lock")


def test_fetch_places_the_bytes_and_never_asks_again(
    server: FileServer, add: Add, home: Path
) -> None:
    entry = add(WebFile(server.url))
    progress = Recorder()
    path = fetch("demo", progress=progress)
    assert path == cached_file(entry) and path.read_bytes() == DATA
    assert progress.calls == sorted(progress.calls)
    assert progress.calls[-1] == (len(DATA), len(DATA))
    assert data_left(home) == ["demo.bin", "demo.bin.ok"]
    assert is_fetched("demo") and verify("demo").status == "ok"
    assert fetch("demo") == path
    assert len(server.seen) == 1


def test_broken_connections_are_taken_up_at_the_byte(server: FileServer, add: Add) -> None:
    add(WebFile(server.url))
    server.cut_at = [70_000, 100_000, 1]
    assert fetch("demo").read_bytes() == DATA
    starts = [asked for _, asked in server.seen]
    assert starts == ["", "bytes=70000-", "bytes=170000-", "bytes=170001-"]


def test_a_server_that_never_gives_more_is_given_up_and_the_part_kept(
    server: FileServer, add: Add, home: Path
) -> None:
    add(WebFile(server.url))
    server.cut_at = [70_000, 0, 0, 0]
    with pytest.raises(FetchError):
        fetch("demo")
    assert len(server.seen) == 2
    assert part_of(home).read_bytes() == DATA[:70_000]


def test_a_part_of_a_killed_run_is_continued(server: FileServer, add: Add, home: Path) -> None:
    add(WebFile(server.url))
    leave_part(home, DATA[:123_456])
    assert fetch("demo").read_bytes() == DATA
    assert [asked for _, asked in server.seen] == ["bytes=123456-"]


def test_a_part_that_is_already_whole_needs_no_source(add: Add, home: Path) -> None:
    add(WebFile("http://127.0.0.1:9/nothing-listens"))
    leave_part(home, DATA)
    assert fetch("demo").read_bytes() == DATA


def test_a_server_without_ranges_starts_over(server: FileServer, add: Add, home: Path) -> None:
    add(WebFile(server.url))
    server.ranges = False
    leave_part(home, DATA[:123_456])
    assert fetch("demo").read_bytes() == DATA


@pytest.mark.parametrize("size", [1000, len(DATA), len(DATA) + 5])
def test_a_wrong_part_costs_one_fresh_try(
    server: FileServer, add: Add, home: Path, size: int
) -> None:
    add(WebFile(server.url))
    leave_part(home, (OTHER + OTHER)[:size])
    assert fetch("demo").read_bytes() == DATA
    assert server.seen[-1][1] == ""


def test_tampered_bytes_are_refused_and_nothing_is_left(
    server: FileServer, add: Add, home: Path
) -> None:
    add(WebFile(server.url))
    server.content = DATA[:-1] + bytes([DATA[-1] ^ 1])
    with pytest.raises(IntegrityError) as caught:
        fetch("demo")
    assert "\n" not in caught.value.message and "sha256" in caught.value.message
    assert caught.value.hint
    assert data_left(home) == []
    assert verify("demo").status == "missing"


@pytest.mark.parametrize("announces_length", [True, False])
@pytest.mark.parametrize("content", [DATA[:-7], DATA + b"more", b""])
def test_another_number_of_bytes_is_refused(
    server: FileServer, add: Add, home: Path, content: bytes, announces_length: bool
) -> None:
    add(WebFile(server.url))
    server.content, server.announces_length = content, announces_length
    progress = Recorder()
    with pytest.raises(IntegrityError, match=r"bytes, pinned|more than"):
        fetch("demo", progress=progress)
    assert all(done <= total for done, total in progress.calls)
    assert data_left(home) == []


def test_the_next_source_is_tried_after_wrong_bytes(
    server: FileServer, second: FileServer, add: Add
) -> None:
    add(WebFile(server.url), WebFile(second.url))
    server.content = OTHER
    assert fetch("demo").read_bytes() == DATA


def test_a_refused_offer_does_not_cost_the_part(
    server: FileServer, second: FileServer, add: Add, home: Path
) -> None:
    add(WebFile(server.url), WebFile(second.url))
    leave_part(home, DATA[:200_000])
    server.content = b"<html>log in to the network</html>" + bytes(250_000)
    assert fetch("demo").read_bytes() == DATA
    assert [asked for _, asked in second.seen] == ["bytes=200000-"]


def test_the_hub_hash_is_read_before_the_bytes(server: FileServer, add: Add) -> None:
    entry = add(WebFile(server.url))
    server.etag = hashlib.sha256(OTHER).hexdigest()
    progress = Recorder()
    with pytest.raises(IntegrityError, match="offers sha256"):
        fetch("demo", progress=progress)
    assert progress.calls == []
    server.etag = entry.sha256
    assert fetch("demo").read_bytes() == DATA


def test_unreachable_sources_are_all_named_and_quick(server: FileServer, add: Add) -> None:
    entry = add(WebFile("http://127.0.0.1:9/closed"), WebFile(server.url))
    server.status = 404
    start = time.monotonic()
    with pytest.raises(FetchError) as caught:
        fetch("demo")
    assert time.monotonic() - start < 5
    assert "http://127.0.0.1:9/closed: " in caught.value.message
    assert f"{server.url}: HTTP 404" in caught.value.message
    assert "HTTPS_PROXY" in caught.value.hint and str(cached_file(entry)) in caught.value.hint


def test_the_hub_address_follows_the_environment(
    server: FileServer, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(HubFile("org/name", "demo.bin", "v1"))
    monkeypatch.setenv("HF_ENDPOINT", server.url + "/")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(FetchError, match="HF_HUB_OFFLINE"):
        fetch("demo")
    assert server.seen == []
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    fetch("demo")
    assert server.seen == [("/org/name/resolve/v1/demo.bin", "")]


def test_a_changed_file_is_found_and_forced_anew(server: FileServer, add: Add) -> None:
    add(WebFile(server.url))
    path = fetch("demo")
    path.write_bytes(OTHER)
    assert not is_fetched("demo")
    with pytest.raises(IntegrityError) as caught:
        fetch("demo")
    assert str(path) in caught.value.message and "fetch demo --force" in caught.value.hint
    assert verify("demo").status == "damaged"
    assert fetch("demo", force=True).read_bytes() == DATA
    assert verify("demo").status == "ok"


def test_verify_hashes_even_where_size_and_mtime_are_unchanged(
    server: FileServer, add: Add
) -> None:
    add(WebFile(server.url))
    path = fetch("demo")
    stat = path.stat()
    path.write_bytes(OTHER)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert is_fetched("demo")
    assert verify("demo").status == "damaged"
    assert not is_fetched("demo")


def test_a_file_copied_by_hand_is_accepted_after_a_check(add: Add) -> None:
    entry = add(WebFile("http://127.0.0.1:9/closed"))
    path = cached_file(entry)
    path.parent.mkdir(parents=True)
    path.write_bytes(DATA)
    assert not is_fetched("demo")
    assert fetch("demo") == path
    assert is_fetched("demo")


def test_force_keeps_the_old_file_until_the_new_one_is_there(server: FileServer, add: Add) -> None:
    add(WebFile(server.url))
    path = fetch("demo")
    server.status = 503
    with pytest.raises(FetchError, match="503"):
        fetch("demo", force=True)
    assert path.read_bytes() == DATA and fetch("demo") == path


def test_a_full_disk_is_told_before_the_download(
    server: FileServer, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(WebFile(server.url))

    class Usage:
        free = len(DATA) - 1

    monkeypatch.setattr("overproof.fetch.shutil.disk_usage", lambda _: Usage)
    with pytest.raises(StorageError, match=r"needed 0\.00 GiB, free 0\.00 GiB"):
        fetch("demo")
    assert server.seen == []
    Usage.free += 1
    assert fetch("demo").read_bytes() == DATA


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_disk_that_fills_up_meanwhile_is_a_storage_error(
    server: FileServer, add: Add, home: Path
) -> None:
    add(WebFile(server.url))
    part_of(home).parent.mkdir(parents=True)
    part_of(home).symlink_to("/dev/full")
    with pytest.raises(StorageError, match="the disk is full") as caught:
        fetch("demo")
    assert "OVERPROOF_HOME" in caught.value.hint


def test_a_file_in_the_way_of_the_cache_is_a_storage_error(
    server: FileServer, add: Add, home: Path
) -> None:
    add(WebFile(server.url))
    home.write_text("not a folder")
    with pytest.raises(StorageError) as caught:
        fetch("demo")
    assert "OVERPROOF_HOME" in caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission_is_a_storage_error(server: FileServer, add: Add, home: Path) -> None:
    add(WebFile(server.url))
    home.mkdir()
    home.chmod(0o500)
    with pytest.raises(StorageError, match="no permission"):
        fetch("demo")
    home.chmod(0o700)


def test_a_second_process_waits_and_uses_what_the_first_fetched(
    server: FileServer, add: Add, home: Path
) -> None:
    entry = add(WebFile(server.url))
    server.gate = threading.Event()
    first = threading.Thread(target=fetch, args=("demo",))
    first.start()
    while not server.seen:
        time.sleep(0.01)
    with (part_of(home).with_name("lock")).open() as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    code = (
        "from overproof.fetch import fetch; from overproof.catalog import *;"
        "from overproof.sources import *;"
        f"CATALOG['demo'] = {entry!r};"
        "print('started', flush=True); print(fetch('demo'))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"started\n"
        time.sleep(0.3)
        assert other.poll() is None
        server.gate.set()
        first.join()
        assert other.stdout.readline().decode().strip() == str(cached_file(entry))
    assert other.returncode == 0
    assert len(server.seen) == 1


def test_the_bar_is_for_terminals_only_and_on_stderr(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(variable, raising=False)
    with bar("demo") as progress:
        progress.on_bytes(1, 2)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("FORCE_COLOR", "1")  # colour, yes; what moves has no place in a log
    monkeypatch.setenv("TERM", "xterm")
    with bar("demo") as progress:
        progress.on_bytes(1, 2)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr("overproof.fetch.lively", lambda stream: True)
    with bar("demo") as progress:
        progress.on_bytes(500, 2000)
        progress.on_bytes(1000, 2000)
    out, err = capsys.readouterr()
    assert out == "" and "demo" in err and "1.0/2.0 kB" in err
