"""What an installation of the core costs, in seconds and on disk, and whether it scores.

    make bench-install
    python benchmarks/install_cost.py --python python3.12 --python python3.13 --cached

Builds the wheel, installs it into an empty virtual environment for each interpreter, and there
runs `overproof doctor` and `overproof score` on a file with a right and a wrong sample. Exits
with 1 if one of them fails, or if the core costs more than `--seconds` or `--megabytes`.
Seconds are those of `pip install`, packages fetched anew (with `--cached`: from pip's cache);
megabytes are blocks on disk that it added, byte-compiled files included.
Not covered: a slow network; the extras, unless `--extra` names one.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROBLEM = {
    "task_id": "mine/0",
    "prompt": 'def add(a, b):\n    """Return the sum."""\n',
    "entry_point": "add",
    "canonical_solution": "    return a + b\n",
    "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
}
SAMPLES = [
    {"task_id": "mine/0", "completion": "    return a + b\n"},
    {"task_id": "mine/0", "completion": "    return a - b\n"},
]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one installation took."""

    python: str
    seconds: float
    megabytes: float
    packages: int
    tier: str
    """How the samples were isolated."""


def main() -> None:
    """Install and score with every interpreter, print a table, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--python", action="append", help="interpreter; repeat [this one]")
    parser.add_argument("--extra", default="", help="install this extra as well")
    parser.add_argument("--cached", action="store_true", help="let pip use its cache")
    parser.add_argument("--seconds", type=float, default=30.0, help="most that may be spent")
    parser.add_argument("--megabytes", type=float, default=150.0, help="most that may be added")
    args = parser.parse_args()
    print(f"{'python':<10}{'seconds':>9}{'MB':>8}{'packages':>10}  scored in tier")
    worst = 0
    with tempfile.TemporaryDirectory(prefix="overproof-install-") as folder:
        wheel = build_wheel(Path(folder))
        for python in args.python or [sys.executable]:
            cost = measure(python, wheel, Path(folder), args.extra, args.cached)
            print(
                f"{cost.python:<10}{cost.seconds:>9.1f}{cost.megabytes:>8.1f}"
                f"{cost.packages:>10}  {cost.tier}",
                flush=True,
            )
            worst += cost.seconds > args.seconds or cost.megabytes > args.megabytes
    print(f"on {platform.system()} {platform.machine()}, {os.cpu_count()} cores")
    if worst:
        sys.exit(f"more than {args.seconds:g} s or {args.megabytes:g} MB")


def build_wheel(folder: Path) -> Path:
    """Return the wheel of this checkout."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def measure(python: str, wheel: Path, folder: Path, extra: str, cached: bool) -> Cost:
    """Install into a new environment, score there, and remove it."""
    home = folder / "environment"
    subprocess.run([python, "-m", "venv", str(home)], check=True)
    own = home / "bin" / "python"
    packages = Path(ask(own, "import sysconfig; print(sysconfig.get_path('purelib'))"))
    before, there = disk_bytes(packages), len(list(packages.glob("*.dist-info")))
    named = f"{wheel}[{extra}]" if extra else str(wheel)
    pip = [str(own), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    start = time.perf_counter()
    subprocess.run([*pip, *([] if cached else ["--no-cache-dir"]), named], check=True)
    seconds = time.perf_counter() - start
    cost = Cost(
        python=ask(own, "import platform; print(platform.python_version())"),
        seconds=seconds,
        megabytes=(disk_bytes(packages) - before) / 1e6,
        packages=len(list(packages.glob("*.dist-info"))) - there,
        tier=try_it(home / "bin" / "overproof", folder),
    )
    shutil.rmtree(home)
    return cost


def try_it(command: Path, folder: Path) -> str:
    """Run doctor and score; return the tier in which the samples ran. Exits if either fails."""
    problems, samples = folder / "problems.jsonl", folder / "samples.jsonl"
    problems.write_text(json.dumps(PROBLEM) + "\n")
    samples.write_text("".join(json.dumps(row) + "\n" for row in SAMPLES))
    checks = json.loads(output(command, "doctor", "--json"))
    found = json.loads(output(command, "score", samples, "--problems", problems, "--json"))
    if not checks or (found["passed"], found["total"]) != (1, 2):
        sys.exit(f"one of two samples should pass, got {found}")
    return str(found["tier"])


def output(command: Path, *words: object) -> str:
    """Return what a command prints."""
    done = subprocess.run([command, *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command.name} {words[0]} failed: {done.stderr.strip()}")
    return done.stdout


def ask(python: Path, program: str) -> str:
    """Return what an interpreter prints."""
    return subprocess.run(
        [python, "-c", program], check=True, capture_output=True, text=True
    ).stdout.strip()


def disk_bytes(folder: Path) -> int:
    """Return the bytes of disk that a folder takes, as `du` counts them."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))


if __name__ == "__main__":
    main()
