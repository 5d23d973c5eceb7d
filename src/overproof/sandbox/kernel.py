"""What the kernel offers to hold a program, called through ctypes: no compiled part.

Every function says by its result whether the feature was there; none of them is needed for the
verdict to be sound, only for the machine to be safe. Sources: prctl(2), namespaces(7),
landlock(7), mount_setattr(2); system calls from 424 on have one number on all architectures.

    python -c "from overproof.sandbox import kernel; print(kernel.landlock_version())"
"""

import ctypes
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

LINUX = sys.platform.startswith("linux")

_CLONE_ALL_NEW = 0x00020000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
"""Mount, uts, ipc, user, pid and net namespaces."""
_MS_NOSUID_NODEV, _MS_PRIVATE_RECURSIVE = 0x2 | 0x4, 0x40000 | 0x4000
_MS_BIND, _MS_REC, _MNT_DETACH = 0x1000, 0x4000, 2
_AT_FDCWD, _AT_RECURSIVE, _MOUNT_ATTR_RDONLY, _MOUNT_ATTR_NOSUID_NODEV = -100, 0x8000, 0x1, 0x6
_PIVOT_ROOT = (155, 41)
"""x86-64, arm64."""
_MOUNT_SETATTR = 442
_LANDLOCK_CREATE, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT = 444, 445, 446
_READ, _READ_FILE = 0b1101, 0b0101
"""Execute, read a file, list a folder; the second for plain files."""
_WRITE_FILE = 0b0111
_MAX_INODES = 20_000
"""Files and folders of one program: each costs time to remove."""
NOBODY = 65534
SHARED, BUILD, _WATCHED = "/.shared", "/.build", "/.proc"
"""In the root that `enter_root` makes: what languages share, where compilers work, and all
processes of the namespace."""
_ONLY_ITSELF = b"subset=pid,hidepid=4"
"""Options of a `/proc` that shows nothing of the machine, and only processes that the caller may
trace: with Landlock, itself and what it has started."""
_proc = Path("/proc")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 36, 38


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _syscall(number: int, *arguments: int | bytes | None) -> int:
    wide = [ctypes.c_long(a) if isinstance(a, int) else ctypes.c_char_p(a) for a in arguments]
    result = int(_libc().syscall(ctypes.c_long(number), *wide))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def prctl(option: int, value: int) -> bool:
    """Set an attribute of this process; False where there is no such thing."""
    return LINUX and _libc().prctl(option, ctypes.c_ulong(value), 0, 0, 0) == 0


def drop_capabilities() -> bool:
    """Give up all capabilities of this process, those in its own user namespace too."""
    if not LINUX:
        return False
    header = struct.pack("<Ii", 0x20080522, 0)
    return bool(_libc().capset(header, bytes(24)) == 0)


def mount(source: bytes, target: str, kind: bytes, flags: int, options: bytes = b"") -> None:
    """Mount a file system. Raises: OSError."""
    if _libc().mount(source, os.fsencode(target), kind, ctypes.c_ulong(flags), options):
        raise OSError(ctypes.get_errno(), f"mount {target}")


def enter_namespaces() -> None:
    """Move this process to namespaces of its own; its next child is pid 1 there.

    Root of the machine becomes root there, and `_NOBODY` exists beside it; any other user keeps
    its number. Raises: OSError where user namespaces are forbidden.
    """
    if not LINUX:
        raise OSError("no namespaces on this system")
    user, group = os.geteuid(), os.getegid()
    prctl(PR_SET_DUMPABLE, 1)  # or /proc/self belongs to root after a change of user
    if user:
        if _libc().unshare(_CLONE_ALL_NEW):
            raise OSError(ctypes.get_errno(), "unshare")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    else:
        _enter_as_root()
    mount(b"none", "/", b"", _MS_PRIVATE_RECURSIVE)


def _enter_as_root() -> None:
    """Unshare; a child that stays outside writes the maps, which takes root's rights there."""
    (unshared, tell), (mapped, answer) = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        written = b""
        try:
            if os.read(unshared, 1):
                for name in ("uid_map", "gid_map"):
                    Path(f"/proc/{os.getppid()}/{name}").write_text(f"0 0 1\n{NOBODY} {NOBODY} 1\n")
                written = b"+"
        finally:
            os.write(answer, written)
            os._exit(0)
    try:
        failed = _libc().unshare(_CLONE_ALL_NEW)
        number = ctypes.get_errno()
        os.write(tell, b"" if failed else b"+")
        os.close(tell)
        os.close(answer)
        done = os.read(mapped, 1)
    finally:
        os.close(unshared)
        os.close(mapped)
        os.waitpid(pid, 0)
    if failed or not done:
        raise OSError(number, "unshare")


def enter_root(
    place: str, readable: Iterable[str], size_mib: int, shared: str = "", build_mib: int = 0
) -> str:
    """Make `place` the root of the file system, with nothing in it but what is named here.

    `readable` paths appear read-only under their own names, and `shared` as `SHARED`; a folder
    whose name is returned is memory of at most `size_mib`, as is `/dev/shm`, and `BUILD` of
    `build_mib`; `/proc` shows each process itself, and the functions of this module all of the
    namespace. Must run as pid 1 of new namespaces. Raises: OSError.
    """
    global _proc
    mount(b"tmpfs", place, b"tmpfs", _MS_NOSUID_NODEV, b"mode=755,size=1m")
    shown = _outermost(readable)
    # where Python itself is installed below /tmp, that folder is not for programs to write to
    writable = "/box" if any(path.startswith("/tmp/") for path in shown) else "/tmp"
    for path in shown:
        _bind(path, place)
    if shared:
        Path(place + SHARED).mkdir()
        mount(os.fsencode(shared), place + SHARED, b"", _MS_BIND)
    attributes = struct.pack("<QQQQ", _MOUNT_ATTR_RDONLY | _MOUNT_ATTR_NOSUID_NODEV, 0, 0, 0)
    memory = {writable: size_mib, "/dev/shm": size_mib} | ({BUILD: build_mib} if build_mib else {})
    folders = ("/dev", "/proc", _WATCHED, *memory)
    for name in folders:
        Path(place + name).mkdir(exist_ok=True, parents=True)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        Path(f"{place}/dev/{name}").symlink_to(f"/proc/self/fd/{number}")
    Path(f"{place}/dev/fd").symlink_to("/proc/self/fd")
    for name in DEVICES:
        if Path(name).exists():
            Path(place + name).touch()
    _syscall(_MOUNT_SETATTR, _AT_FDCWD, os.fsencode(place), _AT_RECURSIVE, attributes, 32)
    for name in DEVICES:
        if Path(name).exists():
            mount(os.fsencode(name), place + name, b"", _MS_BIND)
    mount(b"proc", place + _WATCHED, b"proc", _MS_NOSUID_NODEV)
    mount(b"proc", f"{place}/proc", b"proc", _MS_NOSUID_NODEV, _ONLY_ITSELF)
    for name, most_mib in memory.items():
        options = b"mode=1777,size=%dm,nr_inodes=%d" % (most_mib, _MAX_INODES)
        mount(b"tmpfs", place + name, b"tmpfs", _MS_NOSUID_NODEV, options)
    os.chdir(place)
    _syscall(_PIVOT_ROOT[os.uname().machine == "aarch64"], b".", b".")
    if _libc().umount2(b".", _MNT_DETACH):
        raise OSError(ctypes.get_errno(), "umount2")
    os.chdir("/")
    _proc = Path(_WATCHED)
    return writable


def _outermost(paths: Iterable[str]) -> list[str]:
    """Return the paths that exist, links resolved beside them, without those inside others."""
    found = {str(Path(path)) for path in paths if Path(path).exists()}
    found |= {os.path.realpath(path) for path in found}
    return sorted(path for path in found if not any(str(up) in found for up in Path(path).parents))


def _bind(path: str, place: str) -> None:
    """Show a path of the machine in the new root: a link as a link, the rest by a bind mount."""
    target = Path(place + path)
    target.parent.mkdir(parents=True, exist_ok=True)
    if os.path.realpath(path) != path:
        target.symlink_to(os.path.realpath(path))
        return
    if Path(path).is_dir():
        target.mkdir(exist_ok=True)
    else:
        target.touch()
    mount(os.fsencode(path), str(target), b"", _MS_BIND | _MS_REC)


def landlock_version() -> int:
    """Return the version of Landlock that this kernel offers; 0 if none."""
    if not LINUX:
        return 0
    try:
        return _syscall(_LANDLOCK_CREATE, None, 0, 1)
    except OSError:
        return 0


def landlock_rules(readable: Iterable[str], writable: Iterable[str]) -> int:
    """Return a ruleset (a descriptor) that leaves only these paths. Raises: OSError.

    From version 4 it also refuses TCP, from version 6 signals to processes outside.
    """
    version = landlock_version()
    files = (1 << 13) - 1
    for since, right in ((2, 13), (3, 14), (5, 15)):  # refer, truncate, device ioctl
        files |= 1 << right if version >= since else 0
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    handled = struct.pack("<QQQ", files, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    rules = _syscall(_LANDLOCK_CREATE, handled, size, 0)
    for paths, on_folder, on_file in (
        (readable, _READ, _READ_FILE),
        (writable, files, _WRITE_FILE | files & 1 << 14),
    ):
        for path in paths:
            try:
                opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            allowed = on_folder if Path(path).is_dir() else on_file
            _syscall(_LANDLOCK_ADD_RULE, rules, 1, struct.pack("<Qi", allowed, opened), 0)
            os.close(opened)
    return rules


def landlock_restriction(rules: int, every: Sequence[int]) -> Callable[[], None]:
    """Return what applies a ruleset, once, to the process that calls it; it raises OSError.

    It closes `every` ruleset then. Made ahead: after a fork, every object that is touched costs a
    page fault.
    """
    call, number = _libc().syscall, ctypes.c_long(_LANDLOCK_RESTRICT)
    descriptor, flags = ctypes.c_long(rules), ctypes.c_long(0)

    def restrict() -> None:
        if call(number, descriptor, flags):
            raise OSError(ctypes.get_errno(), "landlock_restrict_self")
        for ruleset in every:
            os.close(ruleset)

    return restrict


def set_rlimit(name: str, value: int) -> None:
    """Lower a resource limit for good, as far as the hard limit lets us."""
    kind = getattr(resource, f"RLIMIT_{name}", None)
    if kind is None:
        return
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def address_space_bytes() -> int:
    """Return the size of this process's address space; 0 where it is not known."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (OSError, ValueError):
        return 0
    return pages * resource.getpagesize()


class Usage(NamedTuple):
    """What one process uses."""

    parent: int
    threads: int
    cpu_seconds: float
    resident_bytes: int


def processes() -> dict[int, Usage]:
    """Return pid -> usage for all processes that /proc shows, or `ps` where there is no /proc."""
    if not LINUX:
        return processes_by_ps()
    found = {}
    tick, page = os.sysconf("SC_CLK_TCK"), resource.getpagesize()
    for entry in _proc.glob("[0-9]*"):
        try:
            line = (entry / "stat").read_bytes()
        except OSError:
            continue
        fields = line.rpartition(b")")[2].split()
        cpu = sum(map(int, fields[11:15])) / tick  # its own, and of children it waited for
        resident = int(fields[21]) * page
        found[int(entry.name)] = Usage(int(fields[1]), int(fields[17]), cpu, resident)
    return found


def processes_by_ps() -> dict[int, Usage]:
    """Return what `ps` tells of all processes; it does not tell their threads."""
    import subprocess  # dear for a forking process: only where there is nothing else

    fields = ["ps", "-A", "-o", "pid=,ppid=,rss=,time="]
    try:
        text = subprocess.run(fields, capture_output=True, text=True, timeout=5, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return {}
    found = {}
    for pid, parent, resident, spent in (line.split() for line in text.splitlines()):
        found[int(pid)] = Usage(int(parent), 1, seconds_of(spent), int(resident) * 1024)
    return found


def seconds_of(spent: str) -> float:
    """Return the seconds of a time as `ps` writes it, with fractions on macOS.

    >>> seconds_of("1-02:03:04"), seconds_of("3:04.25")
    (93784.0, 184.25)
    """
    days, _, clock = spent.rpartition("-")
    seconds = 0.0
    for part in clock.split(":"):
        seconds = 60 * seconds + float(part)
    return 86400 * int(days or 0) + seconds


def disowns_children(pid: int) -> bool:
    """Return whether a process ignores SIGCHLD, so that its children's CPU time is lost."""
    try:
        text = (_proc / str(pid) / "status").read_text()
    except OSError:
        return False
    ignored = next((line for line in text.splitlines() if line.startswith("SigIgn:")), "0:0")
    return bool(int(ignored.partition(":")[2], 16) >> (signal.SIGCHLD - 1) & 1)


def proportional_bytes(pid: int) -> int:
    """Return what a process has resident, its share alone of what it has in common with others.

    Where the kernel does not tell, all of it.
    """
    try:
        for line in (_proc / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    usage = processes().get(pid)
    return usage.resident_bytes if usage else 0


def descendants(root: int) -> dict[int, Usage]:
    """Return the entries of `processes` that descend from `root`, zombies too, without it."""
    everything = processes()
    found: dict[int, Usage] = {}
    parents = {root}
    while parents:
        level = {pid: entry for pid, entry in everything.items() if entry.parent in parents}
        parents = set(level) - set(found)
        found |= level
    return found
