"""The order in which the kernel's features are applied: once per worker, then per program.

    tier A   namespaces + landlock + seccomp + rlimits     a root and a pid space of its own
    tier B   landlock + seccomp + rlimits                  where user namespaces are forbidden
    tier C   seatbelt + rlimits                            macOS, best effort
    unsafe   rlimits                                       only if asked for

Once per worker: namespaces and root, the rules of Landlock, the filter of system calls. Per
program: session, folder, limits, Landlock. What held is the tier, and is written into outcomes.

    python -c "from overproof.sandbox.confine import probe; print(probe().tier)"
"""

import contextlib
import itertools
import math
import os
import select
import site
import sys
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from overproof.errors import UsageError
from overproof.sandbox import kernel, seatbelt, seccomp
from overproof.sandbox.environment import ENVIRONMENT
from overproof.sandbox.folders import remove_tree
from overproof.sandbox.jobs import Limits

SYSTEM_PATHS = (
    *("/usr", "/lib", "/lib64", "/bin", "/sbin"),
    *("/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives"),
)
_SETTINGS = ("java-*-openjdk", "mono", "perl", "php/*/cli", "php/*/mods-available")
"""Folders of /etc without which a runtime does not start, or lacks parts of its library."""
UNCONFINED_HINT = (
    "on Linux 5.13 or newer Landlock must be on (see `overproof doctor`); or, in a machine that "
    "may be lost, --unsafe (limits.unsafe=true)"
)
_BUILD_FOLDER_MIB = 1024
_SCOPED_SIGNALS = 6
"""The version of Landlock that keeps signals and abstract sockets inside."""


class UnconfinedError(UsageError):
    """This machine has nothing that holds a program, and nobody asked to run it anyway."""


@dataclass(frozen=True, kw_only=True)
class Confinement:
    """What this worker could set up."""

    tier: str
    """`A: namespaces+landlock+seccomp+rlimits`, or as much of it as the machine allows."""
    namespaces: bool
    """Whether this process is pid 1 of its own pid namespace."""
    restrict: Mapping[tuple[bool, bool], Callable[[], None]]
    """What applies Landlock rules to the process that calls it: for programs and compilers, which
    have a larger folder to write to, without and with what `/proc` shows; empty without Landlock.
    """
    seatbelt: bool
    """Whether each program applies the macOS profile to itself."""
    indulgent: bytes | None
    """A filter for programs that see themselves; see `seccomp.build_indulgent`."""
    filter_signals: bool
    """Whether each program installs a filter that keeps its signals to itself."""
    limits: Limits
    boxes: tuple[str, ...]
    """The folders that programs may write to; they hold nothing else."""
    folder: str
    """Working folder of each program, in the first box: made anew for each."""
    build_boxes: tuple[str, ...]
    """The folders that compilers may write to."""
    build_folder: str
    """Working folder of each compiler."""
    readable: tuple[str, ...]
    """All that may be read."""
    base_bytes: int
    """Address space of the bare interpreter."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What this machine offers, tried out without any program."""

    tier: str
    """As an outcome would say; empty if nothing but resource limits is there."""
    missing: tuple[str, ...]
    """What a stronger tier would need, a line each."""


def confine_worker(box: str, shared: str, limits: Limits, oracle: int) -> Confinement:
    """Set up what all programs of this worker share; returns in the process that forks them.

    `shared` is a folder that only the oracle writes to; see `shown_as`. `oracle` is the descriptor
    of the channel to it.
    Raises: UnconfinedError if nothing holds programs here and `limits.unsafe` is off.
    """
    shown = readable()
    landlock = limits.isolation != "rlimits" and kernel.landlock_version() > 0
    namespaces = landlock and limits.isolation == "best" and namespaces_work(box)
    tier = _tier(namespaces, landlock, limits)
    build_box = box
    if namespaces:
        kernel.enter_namespaces()
        pid = os.fork()
        if pid:
            _stand_by(pid, oracle)
        build_mib = max(limits.folder_mib, _BUILD_FOLDER_MIB)
        box = kernel.enter_root(box, shown, limits.folder_mib, shared, build_mib)
        build_box = kernel.BUILD
    leave_root(box)
    if namespaces:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, 9)  # after the change of user, which clears it
    else:
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    os.chdir("/")
    folder = str(Path(box, "work"))
    shown.append(shown_as(shared, tier))
    os.environ.clear()
    os.environ.update({**ENVIRONMENT, "HOME": folder, "TMPDIR": folder})
    sys.path[:] = [folder, *(path for path in sys.path if _is_inside(path, shown))]
    common = ("/dev/shm",) if namespaces else ()
    rules: dict[tuple[bool, bool], int] = {}
    for kind in itertools.product((False, True), (False, True)) if landlock else ():
        building, sees_itself = kind
        more = ["/proc"] if sees_itself and namespaces else []
        writable = [build_box if building else box, *common, *kernel.DEVICES]
        rules[kind] = kernel.landlock_rules([*shown, *more], writable)
    scoped = namespaces or kernel.landlock_version() >= _SCOPED_SIGNALS
    _limit_worker(limits, namespaces, landlock)
    if landlock and scoped:
        _filter_calls(namespaces)
    return Confinement(
        tier=tier,
        namespaces=namespaces,
        restrict={
            kind: kernel.landlock_restriction(ruleset, list(rules.values()))
            for kind, ruleset in rules.items()
        },
        seatbelt=tier.startswith("C"),
        indulgent=seccomp.build_indulgent() if namespaces else None,
        filter_signals=landlock and not scoped,
        limits=limits,
        boxes=(box, *common),
        folder=folder,
        build_boxes=(build_box, *common),
        build_folder=str(Path(build_box, "work")),
        readable=tuple(shown),
        base_bytes=kernel.address_space_bytes(),
    )


def shown_as(shared: str, tier: str) -> str:
    """Return the path under which programs see the folder of what languages share."""
    return kernel.SHARED if tier.startswith("A") else shared


def confine_program(
    confinement: Confinement,
    cpu_seconds: float,
    address_space_bytes: int | None,
    file_bytes: int,
    building: bool,
    sees_itself: bool,
) -> None:
    """Limit this process for good, just before it reads an untrusted program.

    Only what could not be done once for the worker: this is paid for by every program.
    """
    if not confinement.namespaces:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, 9)
        kernel.set_rlimit("NPROC", confinement.limits.max_processes + _threads_of_this_user())
    os.setsid()
    os.chdir(confinement.build_folder if building else confinement.folder)
    if address_space_bytes is not None:
        kernel.set_rlimit("AS", address_space_bytes)
    kernel.set_rlimit("CPU", math.ceil(cpu_seconds) + 1)
    kernel.set_rlimit("FSIZE", file_bytes)
    if confinement.restrict:
        confinement.restrict[building, sees_itself]()
    if sees_itself and confinement.indulgent is not None:
        seccomp.install(confinement.indulgent)
    if confinement.filter_signals:
        _filter_calls(namespaces=False, signals_to=os.getpid())
    if confinement.seatbelt:
        seatbelt.apply(confinement.readable, [*confinement.boxes, "/dev/null"])


def _limit_worker(limits: Limits, namespaces: bool, landlock: bool) -> None:
    """Set the limits that the forking process can live with as well."""
    os.umask(0o077)
    kernel.set_rlimit("NOFILE", limits.open_files)
    kernel.set_rlimit("CORE", 0)
    kernel.set_rlimit("MEMLOCK", 0)
    kernel.set_rlimit("MSGQUEUE", 0)
    if namespaces:
        kernel.set_rlimit("NPROC", limits.max_processes + 1)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    # With Landlock nobody inside can look into /proc, and the watchdog must: see `_overstepped`.
    kernel.prctl(kernel.PR_SET_DUMPABLE, int(landlock))
    kernel.drop_capabilities()


def probe(limits: Limits | None = None) -> Probe:
    """Return the tier that programs would get here, and what is missing for a better one."""
    import tempfile  # not in a zygote: what it imports, every fork pays for

    limits = limits or Limits()
    box = tempfile.mkdtemp(prefix="overproof-sandbox-")
    missing = []
    try:
        version = kernel.landlock_version()
        landlock = version > 0 and limits.isolation != "rlimits"
        namespaces = landlock and limits.isolation == "best" and namespaces_work(box)
        if kernel.LINUX and not version:
            missing.append("Landlock: Linux 5.13 or newer, with `landlock` among the LSMs")
        elif kernel.LINUX and version < _SCOPED_SIGNALS:
            missing.append(f"Landlock 6 (Linux 6.12) scopes signals; this is version {version}")
        if kernel.LINUX and not namespaces:
            missing.append(
                "user namespaces: sysctl kernel.unprivileged_userns_clone=1, "
                "kernel.apparmor_restrict_unprivileged_userns=0"
            )
        if kernel.LINUX and seccomp.build() is None:
            missing.append("seccomp: no table of system calls for this architecture")
        with contextlib.suppress(UnconfinedError):
            return Probe(tier=_tier(namespaces, landlock, limits), missing=tuple(missing))
        return Probe(tier="", missing=tuple(missing))
    finally:
        remove_tree(Path(box))


def leave_root(box: str) -> bool:
    """Become the user nobody, if we are root and nobody can read this Python installation."""
    if os.geteuid() != 0:
        return False
    try:
        os.chown(box, kernel.NOBODY, kernel.NOBODY)
        os.seteuid(kernel.NOBODY)  # fails in a container that has no such user
        Path(box).stat()
        for path in filter(os.path.isdir, sys.path):
            next(Path(path).iterdir(), None)
        Path(os.__file__).read_bytes()
        Path(sys.executable).open("rb").close()
    except OSError:
        os.seteuid(0)
        os.chown(box, 0, 0)  # without capabilities, only its owner may write to it
        return False
    os.seteuid(0)
    os.setgroups([])
    os.setresgid(kernel.NOBODY, kernel.NOBODY, kernel.NOBODY)
    os.setresuid(kernel.NOBODY, kernel.NOBODY, kernel.NOBODY)
    return True


def namespaces_work(box: str) -> bool:
    """Return whether namespaces and mounts are allowed, tried out in a child that then ends."""
    if not kernel.LINUX:
        return False
    pid = os.fork()
    if pid == 0:
        try:
            kernel.enter_namespaces()
            inner = os.fork()
            if inner == 0:
                kernel.enter_root(box, readable(), 1)
                os._exit(0)
            os._exit(os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]) & 255)
        except BaseException:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def _stand_by(pid: int, oracle: int) -> None:
    """Stay as the parent of pid 1, which dies with us; a sleeper takes least memory."""
    kernel.prctl(kernel.PR_SET_PDEATHSIG, 9)
    hung_up = select.poll()
    hung_up.register(oracle, 0)
    if hung_up.poll(0):  # the oracle was killed before it could take us with it
        os.kill(pid, 9)
        os._exit(1)
    os.closerange(3, 256)
    for sleeper in ("/bin/sleep", "/usr/bin/sleep"):
        with contextlib.suppress(OSError):
            os.execv(sleeper, ["sleep", "infinity"])
    os.waitpid(pid, 0)
    os._exit(0)


def _tier(namespaces: bool, landlock: bool, limits: Limits) -> str:
    """Return the name of the tier. Raises: UnconfinedError."""
    layers = ["landlock"] if landlock else []
    if landlock and seccomp.build() is not None:
        layers.append("seccomp")
    if namespaces:
        return "+".join(["A: namespaces", *layers, "rlimits"])
    if landlock:
        return "+".join([f"B: {layers[0]}", *layers[1:], "rlimits"])
    if seatbelt.available() and limits.isolation == "best":
        return "C: seatbelt+rlimits"
    if limits.unsafe:
        return "unsafe: rlimits"
    raise UnconfinedError(
        "nothing on this machine holds an untrusted program", hint=UNCONFINED_HINT
    )


def _filter_calls(namespaces: bool, signals_to: int = 0) -> None:
    # without a network namespace, sockets reach whatever listens on this machine
    families = ("AF_UNIX", "AF_INET", "AF_INET6") if namespaces else ()
    instructions = seccomp.build(*families, signals_to=signals_to)
    if instructions is not None:
        seccomp.install(instructions)


def readable() -> list[str]:
    """Return what a program may read: the system's programs and this Python, no more.

    Folders that only a path file puts on `sys.path` (editable installs) are left out.
    """
    packages = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    installed = [sys.prefix, sys.base_prefix, sys.exec_prefix, *site.getsitepackages(), *packages]
    settings = [str(path) for name in _SETTINGS for path in Path("/etc").glob(name)]
    # not Path.home, which raises for a user that the system has no entry for
    outside = {"/", os.path.expanduser("~")}  # noqa: PTH111
    shown = [path for path in dict.fromkeys(installed) if path not in outside]
    return [*SYSTEM_PATHS, *settings, *shown]


def _is_inside(path: str, folders: list[str]) -> bool:
    real = Path(os.path.realpath(path))
    return any(real.is_relative_to(os.path.realpath(folder)) for folder in folders)


def _threads_of_this_user() -> int:
    user, threads = os.geteuid(), 0
    for pid, usage in kernel.processes().items():
        try:
            threads += usage.threads if Path(f"/proc/{pid}").stat().st_uid == user else 0
        except OSError:
            continue
    return threads
