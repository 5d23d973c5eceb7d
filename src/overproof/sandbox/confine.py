"""The order in which the kernel's features are applied: once per worker, then per program.

Once: leave root if that is possible, enter namespaces if that is allowed, prepare the Landlock
rules. Per program: session, folder, limits, capabilities, Landlock. What held is the tier.

    python -c "from overproof.sandbox import confine; print(confine.namespaces_work('/tmp'))"
"""

import math
import os
import site
import sys
from dataclasses import dataclass
from pathlib import Path

from overproof.sandbox import kernel
from overproof.sandbox.jobs import Limits
from overproof.sandbox.spawn import ENVIRONMENT

_NOBODY = 65534
_SYSTEM_PATHS = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime")
_DEVICES = ("/dev/zero", "/dev/random", "/dev/urandom")


@dataclass(frozen=True, kw_only=True)
class Confinement:
    """What this worker could set up."""

    tier: str
    """`namespaces+landlock+rlimits`, or as much of it as the machine allows."""
    namespaces: bool
    """Whether this process is pid 1 of its own pid namespace."""
    rules: int | None
    """Descriptor of the Landlock rules."""
    limits: Limits
    folder: str
    """Working folder of each program: made anew for each, in the box that holds nothing else."""
    base_bytes: int
    """Address space of the bare interpreter."""


def confine_worker(box: str, limits: Limits) -> Confinement:
    """Set up what all programs of this worker share; returns in the process that forks them."""
    leave_root(box)
    namespaces = limits.isolation == "best" and namespaces_work(box)
    if namespaces:
        kernel.enter_namespaces()
        pid = os.fork()
        if pid:
            os.closerange(3, 256)
            os.waitpid(pid, 0)
            os._exit(0)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, 9)
        kernel.mount_private_folders(box, limits.folder_mib)
    else:
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    rules = None
    if limits.isolation != "rlimits":
        rules = kernel.landlock_rules(_readable(), _writable(box, namespaces))
    parts = ("namespaces" if namespaces else "", "landlock" if rules is not None else "", "rlimits")
    folder = str(Path(box, "work"))
    os.environ.clear()
    os.environ.update({**ENVIRONMENT, "HOME": folder, "TMPDIR": folder})
    return Confinement(
        tier="+".join(filter(None, parts)),
        namespaces=namespaces,
        rules=rules,
        limits=limits,
        folder=folder,
        base_bytes=kernel.address_space_bytes(),
    )


def confine_program(confinement: Confinement) -> None:
    """Limit this process for good, just before it reads an untrusted program."""
    limits = confinement.limits
    os.chdir(confinement.folder)
    kernel.set_rlimit("AS", (limits.memory_mib << 20) + confinement.base_bytes)
    kernel.set_rlimit("CPU", math.ceil(limits.cpu_seconds) + 1)
    kernel.set_rlimit("FSIZE", limits.file_mib << 20)
    kernel.set_rlimit("NOFILE", limits.open_files)
    kernel.set_rlimit("CORE", 0)
    others = 0 if confinement.namespaces else _threads_of_this_user()
    kernel.set_rlimit("NPROC", limits.max_processes + others)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    kernel.drop_capabilities()
    if confinement.rules is not None:
        kernel.landlock_restrict(confinement.rules)
        os.close(confinement.rules)


def leave_root(box: str) -> bool:
    """Become the user nobody, if we are root and nobody can read this Python installation."""
    if os.geteuid() != 0:
        return False
    try:
        os.seteuid(_NOBODY)  # fails in a container that has no such user
        Path(box).stat()
        for path in filter(os.path.isdir, sys.path):
            next(Path(path).iterdir(), None)
        Path(os.__file__).read_bytes()
        Path(sys.executable).open("rb").close()
    except OSError:
        return False
    finally:
        os.seteuid(0)
    os.chown(box, _NOBODY, _NOBODY)
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    return True


def namespaces_work(box: str) -> bool:
    """Return whether namespaces and mounts are allowed, tried out in a child that then ends."""
    pid = os.fork()
    if pid == 0:
        try:
            kernel.enter_namespaces()
            inner = os.fork()
            if inner == 0:
                kernel.mount_private_folders(box, 1)
                os._exit(0)
            os._exit(os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]) & 255)
        except BaseException:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def _readable() -> list[str]:
    installed = [sys.prefix, sys.base_prefix, sys.exec_prefix, *site.getsitepackages(), *sys.path]
    return [*_SYSTEM_PATHS, *_DEVICES, *dict.fromkeys(filter(None, installed))]


def _writable(box: str, namespaces: bool) -> list[str]:
    return [box, "/dev/null", *(["/dev/shm"] if namespaces else [])]


def _threads_of_this_user() -> int:
    user, threads = os.geteuid(), 0
    for pid, (_, count, _) in kernel.processes().items():
        try:
            threads += count if Path(f"/proc/{pid}").stat().st_uid == user else 0
        except OSError:
            continue
    return threads
