"""Programs that reach out of their process: for other processes, files, secrets, the network."""

import os
import socket
import tempfile
from pathlib import Path
from textwrap import dedent

import pytest

from overproof.records import Outcome
from overproof.sandbox import Job, Limits, kernel, run_jobs
from overproof.sandbox.zygote import clear

REPORTS = """
def check(candidate):
    assert candidate(1, 2) == "held"
"""


def run_one(program: str, test: str = REPORTS, limits: Limits | None = None) -> Outcome:
    job = Job(key="k", task_id="t", program=dedent(program), entry_point="f", test=test)
    (outcome,) = run_jobs([job], limits or Limits(), workers=1)
    return outcome


@pytest.fixture(scope="module")
def tier() -> str:
    return run_one("def f(a, b): return 'held'\n").tier


@pytest.fixture
def signals_held(tier: str) -> None:
    if "namespaces" not in tier and ("landlock" not in tier or kernel.landlock_version() < 6):
        pytest.skip("nothing here keeps a program from killing its user's processes")


@pytest.fixture
def files_held(tier: str) -> None:
    if "landlock" not in tier:
        pytest.skip("nothing here keeps a program from its user's files")


def processes_with(mark: str) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [str(entry)] if mark.encode() in entry.read_bytes() else []
        except OSError:
            continue
    return found


@pytest.mark.usefixtures("signals_held")
@pytest.mark.parametrize("isolation", ["best", "landlock"])
def test_no_process_outside_can_be_killed(isolation: str) -> None:
    if isolation == "landlock" and kernel.landlock_version() < 6:
        pytest.skip("this Landlock does not scope signals")
    outcome = run_one(
        f"""
        import os
        def f(a, b):
            hit = []
            for pid in (os.getppid(), {os.getpid()}, {os.getppid()}):
                try: os.kill(pid, 0); hit.append(pid)
                except OSError: pass
            return hit or "held"
        """,
        test="def check(candidate):\n    assert candidate(1, 2) in ('held', [1])\n",
        limits=Limits(isolation=isolation),  # type: ignore[arg-type]
    )
    assert outcome.passed, outcome


def test_killing_everything_ends_only_the_program(tier: str) -> None:
    if "namespaces" not in tier:
        pytest.skip("too dangerous to try without a pid namespace")
    killer = """
        import os
        def f(a, b):
            for pid in (-1, os.getppid(), 1, *range(2, 64)):
                if pid != os.getpid():
                    try: os.kill(pid, 9)
                    except OSError: pass
            return "alive"
    """
    jobs = [
        Job(key=str(n), task_id="t", program=dedent(text), entry_point="f", test=REPORTS)
        for n, text in enumerate((killer, "def f(a, b): return 'held'\n"))
    ]
    statuses = {o.key: o.status for o in run_jobs(jobs, Limits(), workers=1)}
    assert statuses == {"0": "wrong_answer", "1": "passed"}


@pytest.mark.parametrize("isolation", ["best", "rlimits"])
def test_nothing_survives_a_program(isolation: str) -> None:
    mark = f"survivor-{os.getpid()}-{isolation}"
    outcome = run_one(
        f"""
        import os, subprocess, sys, time
        command = [sys.executable, "-S", "-c", "import time; time.sleep(600)  # {mark}"]
        def f(a, b):
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.execv(command[0], command)
                os._exit(0)
            subprocess.Popen(command)
            time.sleep(0.1)
            return "held"
        """,
        limits=Limits(isolation=isolation, unsafe=True),  # type: ignore[arg-type]
    )
    assert outcome.passed, outcome
    assert processes_with(mark) == []


@pytest.mark.usefixtures("files_held")
@pytest.mark.parametrize("isolation", ["best", "landlock"])
def test_files_of_the_machine_are_out_of_reach(isolation: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("token")
    outcome = run_one(
        f"""
        import os
        def f(a, b):
            reached = []
            for name in ({str(secret)!r}, "/etc/passwd", "/proc/1/environ", "/proc/self/maps"):
                try: open(name).read(); reached.append("read " + name)
                except OSError: pass
                try: open(name, "w").write("x"); reached.append("wrote " + name)
                except OSError: pass
                try: os.unlink(name); reached.append("removed " + name)
                except OSError: pass
            for name in ("/etc", "/home", "/root", "/var", {str(tmp_path)!r}):
                try: os.listdir(name); reached.append("listed " + name)
                except OSError: pass
            try: reached += [name for name in os.listdir("/tmp") if name != "work"]
            except OSError: pass
            for name in ("/", "/etc", "/usr", "/home", {str(tmp_path)!r}):
                try: os.mkdir(name + "/x"); reached.append("made " + name)
                except OSError: pass
            return reached or "held"
        """,
        limits=Limits(isolation=isolation),  # type: ignore[arg-type]
    )
    assert outcome.passed, outcome
    assert secret.read_text() == "token"


@pytest.mark.usefixtures("files_held")
def test_there_is_no_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        outcome = run_one(
            f"""
            import socket
            def f(a, b):
                try: socket.create_connection(("127.0.0.1", {server.getsockname()[1]}), 2)
                except OSError: return "held"
            """
        )
    assert outcome.passed, outcome


def test_the_environment_is_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERPROOF_SECRET", "token")
    outcome = run_one(
        """
        import os, subprocess, sys
        def f(a, b):
            code = "import os; print(len([n for n in os.environ if 'SECRET' in n]))"
            inner = subprocess.run([sys.executable, "-c", code], capture_output=True).stdout
            return "held" if "OVERPROOF_SECRET" not in os.environ and inner == b"0\\n" else "leak"
        """
    )
    assert outcome.passed, outcome


def test_one_program_leaves_nothing_for_the_next() -> None:
    program = """
        import os, random, sys, tempfile
        seen = [os.listdir("."), sys.modules.get("left"), getattr(os, "left", None)]
        def f(a, b):
            open("left", "w").write("x")
            open(os.path.join(os.path.dirname(os.getcwd()), "left"), "w").write("x")
            sys.modules["left"] = os.left = "x"
            return "held" if seen == [["candidate.py"], None, None] else str(seen)
    """
    jobs = [
        Job(
            key=str(n),
            task_id="t",
            program=dedent(program) + f"# {n}",
            entry_point="f",
            test=REPORTS,
        )
        for n in range(3)
    ]
    assert [o.status for o in run_jobs(jobs, Limits(), workers=1)] == ["passed"] * 3


def test_no_folder_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    program = "import os\ndef f(a, b):\n    os.mkdir('x', 0)\n    return 'held'\n"
    for isolation in ("best", "rlimits"):
        limits = Limits(isolation=isolation, unsafe=True)  # type: ignore[arg-type]
        assert run_one(program, limits=limits).passed
    assert list(tmp_path.iterdir()) == []


def test_closed_folders_are_removed_and_links_not_followed() -> None:
    nobody = os.geteuid() or 65534
    box = Path(tempfile.mkdtemp())
    outside = Path(tempfile.mkdtemp())
    outside.chmod(0o500)
    for folder in (box, outside):
        os.chown(folder, nobody, -1)
    before = os.geteuid()
    os.seteuid(nobody)
    try:
        deep = box / "work" / "deep" / "er"
        deep.mkdir(parents=True)
        (deep / "file").write_text("x")
        (box / "work" / "link").symlink_to(outside)
        for folder in (deep, deep.parent, box / "work"):
            folder.chmod(0)
        assert clear(box)
        assert list(box.iterdir()) == []
        assert outside.stat().st_mode & 0o777 == 0o500
    finally:
        os.seteuid(before)
        box.rmdir()
        outside.rmdir()
