r"""What this machine can do for Overproof, and what would mend the rest: `overproof doctor`.

Nothing is loaded, downloaded or changed: versions come from the tools themselves, all asked at
once and given two seconds, and from the metadata of packages; torch is never imported.
Not covered: whether an accelerator really computes; how fast anything is.

    python -c "from overproof import doctor; print(*doctor.as_lines(doctor.diagnose()), sep='\n')"
"""

import contextlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from overproof.catalog import cache_folder, cached_file, list_entries
from overproof.engines.rounding import saturates
from overproof.extras import missing
from overproof.fetch import is_fetched
from overproof.languages import NAMES, load_language
from overproof.languages.language import Language
from overproof.sandbox.confine import readable
from overproof.sandbox.environment import ENVIRONMENT
from overproof.sandbox.toolchains import search_path

State = Literal["ok", "missing", "weak"]

ENGINES = ("ctranslate2", "xllamacpp", "transformers", "torch")
VECTOR_FLAGS = ("avx2", "avx512f", "avx512_vnni", "amx_int8", "asimd", "i8mm", "sve")
BFLOAT16_FLAGS = ("avx512_bf16", "amx_bf16", "bf16")
MEMORY_GIB, DISK_GIB = 10, 12
"""What the demo needs, of memory and of disk."""

_SECONDS = 2.0
_GIB = 2**30
_PROBE = (
    "import json; from overproof.sandbox.confine import probe; found = probe(); "
    "print(json.dumps([found.tier, list(found.missing)]))"
)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    area: str
    """sandbox, languages, engines, accelerators, machine or models."""
    name: str
    state: State
    """`weak`: there, but slower, smaller or less safe than it might be."""
    detail: str = ""
    """One line: the version, the size, what is there."""
    remedy: str = ""
    """What mends it, mostly a command; empty if nothing need or can be done."""


class Commands:
    """Commands that run side by side until a common deadline."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        """Start the clock; no command yet."""
        self.deadline = time.monotonic() + seconds
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.printed: dict[str, str] = {}

    def start(self, name: str, command: Sequence[str], env: dict[str, str] | None = None) -> None:
        """Start a command; one that cannot be started has no output."""
        with contextlib.suppress(OSError, ValueError):
            self.running[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=env,
                start_new_session=True,
            )

    def output(self, name: str) -> str:
        """Return what a command printed; nothing if it failed, or does not end in time."""
        process = self.running.get(name)
        if name in self.printed or process is None:
            return self.printed.get(name, "")
        try:
            printed, _ = process.communicate(timeout=max(self.deadline - time.monotonic(), 0.01))
        except subprocess.TimeoutExpired:
            return ""
        text = printed.decode(errors="replace").strip() if process.returncode == 0 else ""
        self.printed[name] = text
        return text

    def close(self) -> None:
        """End what still runs."""
        for process in self.running.values():
            if process.poll() is None:
                process.kill()
            process.communicate()


def diagnose() -> list[Check]:
    """Return all checks, area by area, in under three seconds; never raises."""
    checks: list[Check] = []
    with contextlib.closing(Commands()) as commands:
        commands.start("probe", [sys.executable, "-P", "-c", _PROBE])
        commands.start("nvidia-smi", ["nvidia-smi", "-L"])
        for language in languages().values():
            if language is not None and (path := search_path(language.toolchain)):
                commands.start(
                    language.name, language.toolchain.version, env={**ENVIRONMENT, "PATH": path}
                )
        for area, examine in AREAS.items():
            try:
                checks += examine(commands)
            except Exception as error:  # a machine that is odd in a way that nobody foresaw
                detail = f"could not be examined: {type(error).__name__}: {error}"
                checks.append(Check(area=area, name=area, state="weak", detail=detail))
    return checks


def as_lines(checks: Sequence[Check]) -> list[str]:
    """Return the checks as lines for a terminal, a heading for each area.

    >>> as_lines([Check(area="languages", name="go", state="missing", remedy="apt-get …")])
    ['languages', '  missing  go  apt-get …']
    """
    lines: list[str] = []
    for area in dict.fromkeys(check.area for check in checks):
        lines.append(area)
        part = [check for check in checks if check.area == area]
        width = max(len(check.name) for check in part)
        for check in part:
            remedy = f"hint: {check.remedy}" if check.detail and check.remedy else check.remedy
            text = "; ".join(filter(None, (check.detail, remedy)))
            lines.append(f"  {check.state:<7}  {check.name:<{width}}  {text}".rstrip())
    return lines


def as_json(checks: Sequence[Check]) -> str:
    """Return the checks as a JSON list of objects."""
    return json.dumps([asdict(check) for check in checks], indent=2, ensure_ascii=False)


def check_sandbox(commands: Commands) -> Iterator[Check]:
    """Say which tier programs get here, and what a stronger one would need."""
    printed = commands.output("probe").splitlines()
    if not printed:
        detail = "the probe did not come to its end"
        yield Check(area="sandbox", name="tier", state="weak", detail=detail)
        return
    tier, missing = json.loads(printed[-1])
    yield Check(
        area="sandbox",
        name="tier",
        state="missing" if not tier else "weak" if missing else "ok",
        detail=tier or "nothing here holds an untrusted program",
        remedy="" if tier else "use Linux with Landlock; --unsafe only in a machine to be lost",
    )
    for need in missing:
        name, _, detail = need.partition(": ")
        yield Check(area="sandbox", name=name if detail else "also", state="weak", remedy=need)


def tier_of(commands: Commands) -> str:
    """Return the tier that the probe has found; empty if there is none."""
    printed = commands.output("probe").splitlines()
    return str(json.loads(printed[-1])[0]) if printed else ""


def languages() -> dict[str, Language | None]:
    """Return all languages by name; None for one whose file cannot be loaded."""
    found: dict[str, Language | None] = {}
    for name in NAMES:
        try:
            found[name] = load_language(name)
        except ImportError:
            found[name] = None
    return found


def sandbox_sees(language: Language) -> bool:
    """Return whether programs in the sandbox can find a language's tool, and may read it."""
    path = search_path(language.toolchain)
    found = shutil.which(language.toolchain.tool, path=path) if path else None
    if found is None:
        return False
    real = Path(os.path.realpath(found))
    return any(real.is_relative_to(os.path.realpath(place)) for place in readable())


def check_languages(commands: Commands) -> Iterator[Check]:
    """Say in which languages programs can be run here, and what adds each of the others."""
    for name, language in languages().items():
        if name == "python":
            detail = f"{platform.python_version()}, {sys.executable}"
            yield Check(area="languages", name=name, state="ok", detail=detail)
        elif language is None:
            yield Check(area="languages", name=name, state="weak", detail="cannot be loaded")
        else:
            yield check_language(language, commands)


def check_language(language: Language, commands: Commands) -> Check:
    """Say whether programs of one language can be run here."""
    tool, remedy = language.toolchain.tool, remedy_for(language)
    if not sandbox_sees(language):
        elsewhere = shutil.which(tool, path=ENVIRONMENT["PATH"]) or shutil.which(tool)
        detail = f"{elsewhere}, which the sandbox does not see" if elsewhere else tool
        state: State = "weak" if elsewhere else "missing"
        return Check(
            area="languages", name=language.name, state=state, detail=detail, remedy=remedy
        )
    version = version_in(commands.output(language.name))
    if language.sees_itself and tier_of(commands)[:1] == "B":
        detail = f"{tool} {version}, which must read /proc/self: only with user namespaces"
        return Check(area="languages", name=language.name, state="weak", detail=detail)
    detail = f"{tool} {version}" if version else f"{tool} is there, its version unknown"
    return Check(area="languages", name=language.name, state="ok", detail=detail)


def remedy_for(language: Language) -> str:
    """Return the command that adds a language, and the one that does so without root, if any."""
    wheel = language.toolchain.wheel
    return language.toolchain.install + (f", or pip install {wheel}" if wheel else "")


def check_engines(_: Commands) -> Iterator[Check]:
    """Say which engines are installed."""
    for name in ENGINES:
        version = installed_version(name)
        yield Check(
            area="engines",
            name=name,
            state="ok" if version else "missing",
            detail=version,
            remedy="" if version else missing(name).hint,
        )


def check_accelerators(commands: Commands) -> Iterator[Check]:
    """Say which accelerators there are, and whether this torch was built for them."""
    names = re.findall(r"GPU \d+: (.+?)(?: \(UUID.*)?$", commands.output("nvidia-smi"), re.M)
    devices = sorted(path.name for path in Path("/dev").glob("nvidia[0-9]*"))
    found = ", ".join(names or devices)
    built_for = torch_cuda()
    if not found:
        yield Check(area="accelerators", name="cuda", state="missing", detail="no NVIDIA device")
    elif installed_version("torch") and not built_for:
        remedy = "install a build of torch with CUDA"
        detail = f"{found}, but torch is built for the CPU"
        yield Check(area="accelerators", name="cuda", state="weak", detail=detail, remedy=remedy)
    else:
        detail = f"{found}; torch for CUDA {built_for}" if built_for else found
        yield Check(area="accelerators", name="cuda", state="ok", detail=detail)
    apple = sys.platform == "darwin" and platform.machine() == "arm64"
    yield Check(
        area="accelerators",
        name="mps",
        state="ok" if apple else "missing",
        detail=platform.machine() if apple else "not an Apple GPU",
    )


def check_machine(_: Commands) -> Iterator[Check]:
    """Say what the processor, memory and disk allow."""
    name, flags = processor()
    vector = [flag for flag in VECTOR_FLAGS if flag in flags]
    bfloat16 = [flag for flag in BFLOAT16_FLAGS if flag in flags]
    yield Check(area="machine", name="processor", state="ok", detail=name)
    yield Check(
        area="machine",
        name="vectors",
        state="ok" if vector else "weak",
        detail=", ".join(vector) or "none that engines use",
    )
    yield Check(
        area="machine",
        name="bfloat16",
        state="ok" if bfloat16 else "weak",
        detail=", ".join(bfloat16) or "emulated, and slow; training falls back to float32",
    )
    if saturates(frozenset(flags), platform.machine()):
        yield Check(
            area="machine",
            name="int8",
            state="weak",
            detail="no VNNI: sums saturate in ctranslate2, and very small models suffer",
            remedy="models.precision=float32, or --engine xllamacpp",
        )
    cores = usable_cores()
    yield Check(
        area="machine", name="cores", state="ok" if cores >= 2 else "weak", detail=f"{cores:g}"
    )
    size, free = memory_bytes()
    enough = size >= MEMORY_GIB * _GIB
    yield Check(
        area="machine",
        name="memory",
        state="ok" if enough else "weak",
        detail=f"{size / _GIB:.1f} GiB" + (f", {free / _GIB:.1f} GiB free" if free else ""),
        remedy="" if enough else f"the demo needs {MEMORY_GIB} GiB; name a smaller teacher",
    )
    yield from check_cache()


def check_cache() -> Iterator[Check]:
    """Say where models go, whether that can be written to, and what room there is."""
    folder = cache_folder()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    writable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    origin = "OVERPROOF_HOME" if os.environ.get("OVERPROOF_HOME") else "by default"
    remedy = "set OVERPROOF_HOME to a folder of yours"
    yield Check(
        area="machine",
        name="cache",
        state="ok" if writable else "weak",
        detail=f"{folder} ({origin})" + ("" if writable else ", not writable"),
        remedy="" if writable else remedy,
    )
    free = shutil.disk_usage(there).free
    enough = free >= DISK_GIB * _GIB
    yield Check(
        area="machine",
        name="disk",
        state="ok" if enough else "weak",
        detail=f"{free / _GIB:.1f} GiB free in the cache folder",
        remedy="" if enough else f"the demo needs {DISK_GIB} GiB; {remedy}",
    )


def check_models(_: Commands) -> Iterator[Check]:
    """Say which models and data of the catalogue are here."""
    for entry in list_entries():
        here = is_fetched(entry.name)
        size = f"{max(entry.size_bytes / 1e6, 0.1):,.1f} MB"
        yield Check(
            area="models",
            name=entry.name,
            state="ok" if here else "missing",
            detail=f"{size}, {cached_file(entry)}" if here else size,
            remedy="" if here else f"overproof models fetch {entry.name}",
        )


AREAS: dict[str, Callable[[Commands], Iterator[Check]]] = {
    "sandbox": check_sandbox,
    "languages": check_languages,
    "engines": check_engines,
    "accelerators": check_accelerators,
    "machine": check_machine,
    "models": check_models,
}


def version_in(text: str) -> str:
    """Return the first version number in what a tool printed, else its first line.

    >>> version_in('openjdk version "17.0.15" 2025-04-15')
    '17.0.15'
    """
    number = re.search(r"\d+(\.\d+)+", text)
    return number[0] if number else text.partition("\n")[0][:60]


def installed_version(package: str) -> str:
    """Return the version of an installed package; empty if it is not there."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def torch_cuda() -> str:
    """Return the CUDA version that the installed torch is built for, read without importing it."""
    try:
        path = metadata.distribution("torch").locate_file("torch/version.py")
        found = re.search(r"^cuda\b[^=]*= *['\"]([\d.]+)", Path(str(path)).read_text(), re.M)
    except (metadata.PackageNotFoundError, OSError):
        return ""
    return found[1] if found else ""


def processor() -> tuple[str, set[str]]:
    """Return the processor's name and the flags that the system reports for it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        name = platform.processor() or platform.machine()
        return name, {"asimd"} if platform.machine() == "arm64" else set()
    fields = {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in lines}
    flags = set(fields.get("flags", fields.get("Features", "")).split())
    return fields.get("model name", platform.machine()), flags


def usable_cores() -> float:
    """Return the cores that this process may use: affinity, and a container's quota."""
    if hasattr(os, "sched_getaffinity"):
        cores = float(len(os.sched_getaffinity(0)))
    else:
        cores = float(os.cpu_count() or 1)
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        cores = min(cores, float(quota) / float(period))  # ValueError for "max"
    return cores


def memory_bytes() -> tuple[int, int]:
    """Return the memory of this machine or container, and what is free; 0 if not known."""
    size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    free = 0
    with contextlib.suppress(OSError, ValueError):
        found = re.search(r"^MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text(), re.M)
        free = int(found[1]) << 10 if found else 0
    with contextlib.suppress(OSError, ValueError):
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())  # ValueError for "max"
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        size, free = min(size, limit), min(free, limit - used)
    return size, free
