"""What is laid out on this machine for attacks to reach: files, servers, a decoy, and their trace.

A program that says nothing proves nothing, so every trap is looked at from outside: files still
have their content and their times, nobody has called a server, the decoy was neither signalled
nor read nor written, and no process or object with a mark is left. Traps are open to everybody.

    with Traps(["reads_files"], limits) as traps: print(traps.host("reads_files"))
"""

import contextlib
import ctypes
import json
import os
import secrets
import signal
import site
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from overproof.sandbox.folders import remove_tree
from overproof.sandbox.jobs import Limits
from overproof.sandbox.servers import Servers

_DECOY = r"""
import ctypes, json, os, signal, sys, tempfile
counts = {"SIGURG": 0, "SIGWINCH": 0}
def count(number, frame): counts[signal.Signals(number).name] += 1
signal.signal(signal.SIGURG, count)
signal.signal(signal.SIGWINCH, count)
capset = getattr(ctypes.CDLL(None), "capset", None)
if capset: capset(b"\x22\x05\x08\x20" + bytes(4), bytes(24))
secret = sys.argv[1]
memory = ctypes.create_string_buffer(secret.encode(), 128)
file = tempfile.TemporaryFile()
file.write(secret.encode())
file.flush()
os.set_inheritable(file.fileno(), True)
print(json.dumps({"address": ctypes.addressof(memory), "open_file": file.fileno()}), flush=True)
sys.stdin.readline()
print(json.dumps(counts | {"memory": memory.value.decode(errors="replace")}), flush=True)
"""
_IPC = (("shm", "shmctl", 2), ("msg", "msgctl", 2), ("sem", "semctl", 3))
_KEYCTL = {"x86_64": 250, "aarch64": 219}
_KEY_SEARCH, _KEY_UNLINK, _SESSION_KEYRING = 10, 9, -3
_VIRTUAL_INTERFACES = (
    "lo",
    "tunl",
    "sit",
    "ip6tnl",
    "gre",
    "erspan",
    "ip_vti",
    "ip6_vti",
    "ip6gre",
)


class Traps:
    """Everything that is laid out, as a context; nothing of it is left behind."""

    def __init__(self, names: Sequence[str], limits: Limits) -> None:
        """Prepare traps for attacks of these names; `limits` are what `HOST` tells them."""
        self.token = secrets.token_hex(4)
        self.secret = f"f{secrets.token_hex(12)[1:]}"  # a name, which compilers complain about
        self.limits = limits
        self.numbers = {name: number for number, name in enumerate(names)}
        self.tops: list[Path] = []
        self.before: dict[Path, tuple[int, int, int]] = {}
        self.trapped: list[str] = []
        self.decoy: subprocess.Popen[str] | None = None
        self.decoy_says: dict[str, Any] = {}
        self.stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Lay them out."""
        self.stack.callback(self.leftovers)
        try:
            self.lay_files()
            self.start_decoy()
            self.servers = self.stack.enter_context(Servers(self.token, self.tops))
            os.environ[self.variable] = self.secret
            self.stack.callback(os.environ.pop, self.variable, None)
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove them."""
        self.stack.close()

    @property
    def variable(self) -> str:
        """The environment variable with a secret."""
        return f"OVERPROOF_SELFTEST_{self.token.upper()}"

    def mark(self, name: str) -> str:
        """Return the text that whatever an attack leaves or sends carries."""
        return f"op{self.token}.{name}."

    def tag(self, name: str) -> str:
        """Return the name of an attack's processes, short enough for the kernel."""
        return f"op{self.token[:6]}{self.numbers[name]:04}"

    def key(self, name: str) -> int:
        """Return the key of an attack's objects of System V."""
        return (int(self.token, 16) & 0x3FFF_0000) + 1 + self.numbers[name]

    def host(self, name: str) -> dict[str, Any]:
        """Return what an attack is told of this machine."""
        home = _home()
        start_files = (".bashrc", ".profile", ".zshrc", ".ssh/authorized_keys")
        return {
            "mark": self.mark(name),
            "tag": self.tag(name),
            "key": self.key(name),
            "places": [str(top / name) for top in self.tops],
            "canary": str(self.tops[0] / name / "canary"),
            "relative": f"{'../' * 12}{self.tops[0] / name / 'canary'}",
            "top_folders": [str(folder) for folder in _top_folders()],
            "python": [sys.prefix, *site.getsitepackages()],
            "package": str(Path(__file__).parent),
            "start_files": [str(home / file) for file in start_files if (home / file).exists()],
            "variable": self.variable,
            "self": os.getpid(),
            "nice": os.getpriority(os.PRIO_PROCESS, 0),
            "interfaces": _interfaces(),
            **self.decoy_says,
            **self.servers.addresses,
            "cpu_seconds": self.limits.cpu_seconds,
            "memory_mib": self.limits.memory_mib,
            "processes": self.limits.max_processes,
            "file_mib": self.limits.file_mib,
            "folder_mib": self.limits.folder_mib,
            "open_files": self.limits.open_files,
        }

    def lay_files(self) -> None:
        """Put a folder with a file for each attack into each place that programs know."""
        for place in dict.fromkeys(
            (tempfile.gettempdir(), str(_home()), "/var/tmp", "/dev/shm", "/tmp")
        ):
            try:
                top = Path(tempfile.mkdtemp(prefix=f".op{self.token}", dir=place))
            except OSError:
                continue
            self.stack.callback(remove_tree, top)
            self.tops.append(top)
            top.chmod(0o777)
            for name in self.numbers:
                folder = top / name
                folder.mkdir()
                folder.chmod(0o777)
                file = folder / "canary"
                file.write_text(f"{self.secret} read by {name}\n")
                file.chmod(0o666)
                self.before[file] = _state(file)

    def start_decoy(self) -> None:
        """Start a process with a secret in its memory, its arguments and its environment."""
        self.decoy = subprocess.Popen(
            [sys.executable, "-S", "-c", _DECOY, self.secret],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": os.defpath, self.variable: self.secret},
            text=True,
            start_new_session=True,
        )
        self.stack.callback(self.end_decoy)
        assert self.decoy.stdout is not None
        self.decoy_says = {"pid": self.decoy.pid, **json.loads(self.decoy.stdout.readline())}

    def end_decoy(self) -> None:
        """End the decoy."""
        if self.decoy is not None:
            self.decoy.kill()
            self.decoy.communicate()

    def ask_decoy(self) -> dict[str, Any]:
        """Return what the decoy has noticed; it ends with that."""
        assert self.decoy is not None
        try:
            answer, _ = self.decoy.communicate("report\n", timeout=10)
            return dict(json.loads(answer))
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return {"ended": 1}

    def survivors(self, name: str) -> str:
        """Return what is still running of an attack, and end it."""
        mark, tag = self.mark(name).encode(), self.tag(name).encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                ours = mark in (folder / "cmdline").read_bytes()
                ours = ours or (folder / "comm").read_bytes().strip() == tag
                state = (folder / "stat").read_bytes().rpartition(b")")[2].split()[0]
            except (OSError, IndexError):
                continue
            if ours and state != b"Z":
                found.append(int(folder.name))
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        return f"{len(found)} processes went on" if found else ""

    def look(self) -> dict[str, list[str]]:
        """Return, for each attack, what the traps show; once, when all attacks are over."""
        self.servers.wait_until_quiet()
        decoy = self.ask_decoy()
        seen: dict[str, list[str]] = {name: [] for name in self.numbers}
        leftovers = self.leftovers()
        for name, shown in seen.items():
            mark = self.mark(name)
            shown += [
                f"{place} got its mark"
                for place, text in self.servers.heard
                if mark.encode() in text
            ]
            shown += self.changed(name)
            shown += [f"left {path}" for path in leftovers if mark in path]
            shown += _left_in_the_kernel(mark, self.key(name))
        self.trapped = [name for name, count in decoy.items() if name != "memory" and count]
        if decoy.get("memory") != self.secret and "ended" not in decoy:
            self.trapped.append("memory")
        return seen

    def changed(self, name: str) -> Iterator[str]:
        """Yield what has changed in an attack's folders."""
        for top in self.tops:
            folder = top / name
            try:
                entries = sorted(path.name for path in folder.iterdir())
                state = _state(folder / "canary")
                text = (folder / "canary").read_text()
            except OSError as error:
                yield f"{folder}: {type(error).__name__}"
                continue
            if entries != ["canary"]:
                yield f"{folder} holds {entries}"
            elif state != self.before[folder / "canary"] or not text.startswith(self.secret):
                yield f"{folder}/canary was changed"

    def leftovers(self) -> list[str]:
        """Return files with a mark in folders that everybody knows, and remove them."""
        found = []
        groups = Path("/sys/fs/cgroup")
        inside = (Path(os.__file__).parent, Path(__file__).parent, groups, *groups.glob("*/"))
        for folder in (*_top_folders(), *inside):
            with contextlib.suppress(OSError):
                found += [entry for entry in folder.iterdir() if f"op{self.token}." in entry.name]
        for path in found:
            remove_tree(path)
        return [str(path) for path in found]


def _state(file: Path) -> tuple[int, int, int]:
    found = file.stat()
    return found.st_mode, found.st_mtime_ns, found.st_size


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a user without an entry, as in some containers
        return Path(tempfile.gettempdir())


def _top_folders() -> list[Path]:
    known = (Path("/"), Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), Path("/run/lock"))
    return [*known, _home(), Path.cwd(), Path(tempfile.gettempdir())]


def _interfaces() -> list[str]:
    names = [name for _, name in socket.if_nameindex()]
    return [name for name in names if name.rstrip("0123456789") not in _VIRTUAL_INTERFACES]


def _left_in_the_kernel(mark: str, key: int) -> Iterator[str]:
    """Yield the kernel's objects that an attack left, and remove them."""
    libc = ctypes.CDLL(None, use_errno=True)
    for kind, control, fields in _IPC:
        for number in _ipc_numbers(kind, key):
            remove: Callable[..., int] = getattr(libc, control)
            remove(number, *([0] * (fields - 1)), None)
            yield f"left an object of System V ({kind})"
    if hasattr(libc, "mq_unlink") and libc.mq_unlink(f"/{mark}".encode()) == 0:
        yield "left a queue of messages"
    call = _KEYCTL.get(os.uname().machine)
    if call is not None:
        ring = ctypes.c_long(_SESSION_KEYRING)
        found = libc.syscall(call, _KEY_SEARCH, ring, b"user", mark.encode(), 0)
        if found >= 0:
            libc.syscall(call, _KEY_UNLINK, ctypes.c_long(found), ring, 0, 0)
            yield "left a key"


def _ipc_numbers(kind: str, key: int) -> list[int]:
    try:
        lines = Path(f"/proc/sysvipc/{kind}").read_text().splitlines()[1:]
    except OSError:
        return []
    return [int(line.split()[1]) for line in lines if int(line.split()[0]) == key]
