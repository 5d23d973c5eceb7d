"""Toolchains that must read /proc/self see themselves, and nothing else there."""

from pathlib import Path

import pytest
from toys import run, script, zygote

LOOK = """
for name in /proc/self/maps /proc/self/status; do
    if cat $name > /dev/null 2>&1; then echo $name; fi
done
for name in /proc/1/* /proc/sys/kernel/* /proc/cpuinfo /proc/meminfo /proc/kallsyms /.proc/1/*; do
    if cat $name > /dev/null 2>&1; then echo $name; fi
done
for entry in /proc/[0-9]*; do if [ "$entry" != /proc/$$ ]; then echo $entry; fi; done
echo 0 > /proc/self/oom_score_adj && echo written
"""
ITSELF = "/proc/self/maps\n/proc/self/status\n"
UNWRITABLE = "echo x > /.build/x; echo x > /.shared/x; ls /.build /.proc; echo end"


def printed(language_sees: bool, program: str, cache: Path, building: bool = False) -> str:
    with zygote() as worker:
        if not worker.tier.startswith("A"):
            pytest.skip("needs namespaces")
        build = ("sh", "-c", "sh main.sh > out 2> /dev/null; true") if building else ()
        language = script(
            sees_itself=language_sees,
            build=build,
            built="out" if building else "",
            run=("sh", "-c", "cat out") if building else ("sh", "-c", "sh main.sh 2> /dev/null"),
        )
        text, finding = run(worker, language, program, cache / str(language_sees))
        assert finding is None
        return text


@pytest.mark.parametrize("building", [False, True])
def test_what_is_seen(tmp_path: Path, building: bool) -> None:
    assert printed(False, LOOK, tmp_path, building) in ("", "/proc/[0-9]*\n")
    seen = printed(True, LOOK, tmp_path, building)
    assert seen.startswith(ITSELF)
    rest = seen.removeprefix(ITSELF).splitlines()
    # no more than the numbers of processes that it has started itself, or that started it
    assert all(line.startswith("/proc/") and line[6:].isdigit() for line in rest), rest
    assert "/proc/1" not in rest


def test_programs_do_not_write_where_compilers_do(tmp_path: Path) -> None:
    for sees in (False, True):
        assert printed(sees, UNWRITABLE, tmp_path) == "end\n"


def test_without_namespaces_it_is_a_missing_tool(tmp_path: Path) -> None:
    with zygote(isolation="landlock") as worker:
        _, finding = run(worker, script(sees_itself=True), "echo", tmp_path)
        assert finding is not None
        assert (finding.status, "namespaces" in finding.detail) == ("missing_tool", True)


def test_priorities_of_other_processes_stay(tmp_path: Path) -> None:
    python = Path("/usr/bin/python3")
    if not python.exists():
        pytest.skip("no Python of the system's own")
    code = (
        "import os; os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0));"
        "print(os.sched_getscheduler(1))"
    )
    text = printed(True, f"{python} -c '{code}'", tmp_path)
    assert text == "0\n"  # it says that it has done it, and has not
