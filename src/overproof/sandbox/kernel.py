"""What the kernel offers to hold a program, called through ctypes: no compiled part.

Every function says by its result whether the feature was there; none of them is needed for the
verdict to be sound, only for the machine to be safe. Sources: prctl(2), namespaces(7),
landlock(7), mount_setattr(2); system calls from 424 on have one number on all architectures.

    python -c "from overproof.sandbox import kernel; print(kernel.landlock_version())"
"""

import ctypes
import os
import resource
import struct
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

LINUX = sys.platform.startswith("linux")

_CLONE_ALL_NEW = 0x00020000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
"""Mount, uts, ipc, user, pid and net namespaces."""
_MS_NOSUID_NODEV, _MS_PRIVATE_RECURSIVE = 0x2 | 0x4, 0x40000 | 0x4000
_AT_FDCWD, _AT_RECURSIVE, _MOUNT_ATTR_RDONLY = -100, 0x8000, 0x1
_MOUNT_SETATTR = 442
_LANDLOCK_CREATE, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT = 444, 445, 446
_READ, _READ_FILE = 0b1101, 0b0101
"""Execute, read a file, list a folder; the second for plain files."""
_WRITE_FILE = 0b0111
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

    Raises: OSError where user namespaces are forbidden.
    """
    if not LINUX:
        raise OSError("no namespaces on this system")
    user, group = os.geteuid(), os.getegid()
    prctl(PR_SET_DUMPABLE, 1)  # or /proc/self belongs to root after a change of user
    if _libc().unshare(_CLONE_ALL_NEW):
        raise OSError(ctypes.get_errno(), "unshare")
    for name, content in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        Path(f"/proc/self/{name}").write_text(content)
    mount(b"none", "/", b"", _MS_PRIVATE_RECURSIVE)


def mount_private_folders(box: str, size_mib: int) -> None:
    """Make the machine's files read-only here, and lay fresh memory file systems over a few.

    Must run as pid 1 of the new namespaces. Raises: OSError.
    """
    attributes = struct.pack("<QQQQ", _MOUNT_ATTR_RDONLY, 0, 0, 0)
    _syscall(_MOUNT_SETATTR, _AT_FDCWD, b"/", _AT_RECURSIVE, attributes, len(attributes))
    mount(b"proc", "/proc", b"proc", _MS_NOSUID_NODEV)
    mount(b"tmpfs", box, b"tmpfs", _MS_NOSUID_NODEV, b"mode=700,size=%dm" % size_mib)
    if Path("/dev/shm").is_dir():
        mount(b"tmpfs", "/dev/shm", b"tmpfs", _MS_NOSUID_NODEV, b"mode=1777,size=%dm" % size_mib)


def landlock_version() -> int:
    """Return the version of Landlock that this kernel offers; 0 if none."""
    if not LINUX:
        return 0
    try:
        return _syscall(_LANDLOCK_CREATE, None, 0, 1)
    except OSError:
        return 0


def landlock_rules(readable: Iterable[str], writable: Iterable[str]) -> int | None:
    """Return a ruleset (a descriptor) that leaves only these paths, or None without Landlock.

    From version 4 it also refuses TCP, from version 6 signals to processes outside.
    """
    version = landlock_version()
    if not version:
        return None
    files = (1 << 13) - 1 | (1 << 13 if version >= 2 else 0) | (1 << 14 if version >= 3 else 0)
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


def landlock_restrict(rules: int) -> None:
    """Apply a ruleset to this process for good. Raises: OSError."""
    _syscall(_LANDLOCK_RESTRICT, rules, 0)


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


def processes() -> dict[int, tuple[int, int, float]]:
    """Return pid -> (parent, threads, CPU seconds) for all processes that /proc shows."""
    found = {}
    tick = os.sysconf("SC_CLK_TCK")
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "stat").read_bytes()
        except OSError:
            continue
        fields = line.rpartition(b")")[2].split()
        cpu = (int(fields[11]) + int(fields[12])) / tick
        found[int(entry.name)] = (int(fields[1]), int(fields[17]), cpu)
    return found


def descendants(root: int) -> dict[int, tuple[int, int, float]]:
    """Return the entries of `processes` that descend from `root`, zombies too, without it."""
    everything = processes()
    found: dict[int, tuple[int, int, float]] = {}
    parents = {root}
    while parents:
        level = {pid: entry for pid, entry in everything.items() if entry[0] in parents}
        parents = set(level) - set(found)
        found |= level
    return found
