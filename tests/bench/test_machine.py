"""CPU time, other programs and joules: from counters that say what they say, or not at all."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from overproof.bench.machine import Meter, Usage, disturbed, pinned


def burn(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        sum(range(1000))


def zone(folder: Path, name: str, label: str, energy_uj: int, span: int = 1_000_000) -> Path:
    path = folder / name
    path.mkdir(parents=True)
    (path / "name").write_text(f"{label}\n")
    (path / "energy_uj").write_text(f"{energy_uj}\n")
    (path / "max_energy_range_uj").write_text(f"{span}\n")
    return path


def test_cpu_seconds_are_this_process_s() -> None:
    program = (
        "import time; from overproof.bench.machine import Meter; meter = Meter(); "
        "until = time.process_time() + 0.3\n"
        "while time.process_time() < until: sum(range(1000))\n"
        "time.sleep(0.2); used = meter.read(); print(used.cpu_seconds, used.seconds)"
    )  # of its own: here threads of other tests may be at work
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
    cpu_seconds, seconds = map(float, said.split())
    assert 0.3 <= cpu_seconds < 0.45
    assert seconds >= 0.5


def test_other_programs_are_seen_and_oneself_is_not(tmp_path: Path) -> None:
    tick = os.sysconf("SC_CLK_TCK")
    stat = tmp_path / "stat"
    stat.write_text("cpu  0 0 0 1000 0 0 0 0 0 0\n")
    meter = Meter(stat=stat)
    burn(0.2)
    # 0.2 s of this process and 5 s of others, a second of it stolen; idle and iowait do not count
    stat.write_text(f"cpu  {int(2.2 * tick)} 0 {2 * tick} 9000 500 0 0 {tick} 700 0\n")
    used = meter.read()
    assert used.others is not None
    assert used.others * used.seconds == pytest.approx(5, abs=0.1)


def test_joules_come_from_packages_only_and_run_over(tmp_path: Path) -> None:
    one = zone(tmp_path, "intel-rapl:0", "package-0", 900_000)
    two = zone(tmp_path, "intel-rapl:1", "package-1", 100)
    core = zone(tmp_path, "intel-rapl:0:0", "core", 5)
    meter = Meter(powercap=tmp_path)
    (one / "energy_uj").write_text("99999")  # ran over at 1,000,000
    (two / "energy_uj").write_text("300100")
    (core / "energy_uj").write_text("800000")
    assert meter.read().joules == pytest.approx(0.2 + 0.3, abs=1e-5)


def test_without_a_counter_there_are_no_joules(tmp_path: Path) -> None:
    assert Meter(powercap=tmp_path / "nothing").read().joules is None
    broken = zone(tmp_path, "intel-rapl:0", "package-0", 1)
    meter = Meter(powercap=tmp_path)
    (broken / "energy_uj").unlink()
    assert meter.read().joules is None


def test_a_part_of_a_measurement() -> None:
    early = Usage(seconds=2.0, cpu_seconds=1.0, joules=5.0, others=0.5)
    late = Usage(seconds=6.0, cpu_seconds=4.0, joules=25.0, others=1.5)
    part = late.since(early)
    assert (part.seconds, part.cpu_seconds, part.joules) == (4.0, 3.0, 20.0)
    assert part.others == pytest.approx((1.5 * 6 - 0.5 * 2) / 4)


def test_disturbed_is_when_more_is_wanted_than_is_free() -> None:
    cores = os.cpu_count() or 1
    assert not disturbed(None, 1)
    assert not disturbed(cores - 1.0, 1)
    assert disturbed(cores - 0.5, 1)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system cannot pin")
def test_pinned_threads_stay_and_are_let_go() -> None:
    before = os.sched_getaffinity(0)
    with pinned(1) as cores:
        assert len(cores) == 1
        assert os.sched_getaffinity(0) == set(cores)
        child = subprocess.run(
            [sys.executable, "-c", "import os; print(*os.sched_getaffinity(0))"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert child.stdout.split() == [str(cores[0])]
    assert os.sched_getaffinity(0) == before
