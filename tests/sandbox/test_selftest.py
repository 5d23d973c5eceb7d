"""Every attack of the corpus is held here, every right program passes, and the traps do spring."""

import os
import secrets
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from overproof.errors import UnknownNameError
from overproof.sandbox import Job, Limits, run_jobs
from overproof.sandbox.attacks import ATTACKS, KINDS, RIGHT, Attack
from overproof.sandbox.selftest import Finding, budgets, run_selftest, summarise
from overproof.sandbox.traps import Traps, remove_tree

BY_NAME = {attack.name: attack for attack in (*ATTACKS, *RIGHT)}
UNSAFE = Limits(isolation="rlimits", unsafe=True)


@pytest.fixture(scope="module")
def findings() -> dict[str, Finding]:
    found = run_selftest(Limits(), languages=["python"])
    return {finding.name: finding for finding in found}


@pytest.mark.parametrize("name", [attack.name for attack in ATTACKS])
def test_an_attack_is_held(name: str, findings: dict[str, Finding]) -> None:
    finding = findings[name]
    if not finding.tried or finding.needs:
        pytest.skip(f"{finding.tier} lacks {finding.needs}")
    assert finding.held, finding


@pytest.mark.parametrize("name", [attack.name for attack in RIGHT])
def test_a_right_program_passes(name: str, findings: dict[str, Finding]) -> None:
    finding = findings[name]
    if finding.needs:
        pytest.skip(f"{finding.tier} lacks {finding.needs}")
    assert finding.held, finding


def test_nothing_is_left_that_belongs_to_no_attack(findings: dict[str, Finding]) -> None:
    assert set(findings) == set(BY_NAME)


REACHED = {
    "reads_files": "the secret came back",
    "reads_through_links": "the secret came back",
    "reads_in_another_program": "the secret came back",
    "sees_that_files_exist": "size",
    "overwrites_files": "canary was changed",
    "deletes_files": "FileNotFoundError",
    "makes_files": "holds",
    "writes_to_a_pipe": "pipe got its mark",
    "connects_tcp": "tcp got its mark",
    "connects_by_path": "sockets got its mark",
    "sends_by_path": "datagrams got its mark",
}
if sys.platform.startswith("linux"):
    REACHED |= {
        "connects_by_abstract_name": "abstract got its mark",
        "sends_udp": "udp got its mark",
        "leaves_files": "left /",
        "leaves_kernel_objects": "left an object of System V",
    }
if os.geteuid():  # what root owns may not be of the user that programs become
    REACHED |= {
        "changes_permissions": "canary was changed",
        "signals_processes": "trap SIGURG",
        "signals_by_descriptor": "trap SIGWINCH",
        "reads_their_memory": "the secret came back",
        "writes_their_memory": "trap memory",
    }


@pytest.fixture(scope="module")
def unheld() -> dict[str, Finding]:
    attacks = [BY_NAME[name] for name in REACHED]
    return {finding.name: finding for finding in run_selftest(UNSAFE, attacks=attacks)}


@pytest.mark.parametrize("name", REACHED)
def test_without_layers_the_trap_springs(name: str, unheld: dict[str, Finding]) -> None:
    finding = unheld[name]
    assert finding.tried
    assert not finding.held
    assert REACHED[name] in finding.detail, finding


def test_the_unheld_run_says_what_would_hold_and_leaves_nothing(
    unheld: dict[str, Finding],
) -> None:
    assert "namespaces" in unheld["reads_files"].needs
    lines = "\n".join(summarise(list(unheld.values())))
    assert "this tier lacks namespaces or landlock" in lines
    for folder in (Path("/tmp"), Path("/"), Path.home(), Path.cwd()):
        assert [path for path in folder.iterdir() if ".leaves_files." in path.name] == []


def test_what_would_do_harm_is_not_tried_where_nothing_holds_it() -> None:
    dangerous = [attack for attack in ATTACKS if attack.danger]
    found = run_selftest(UNSAFE, attacks=dangerous)
    assert dangerous
    assert [finding for finding in found if finding.tried] == []
    assert "not tried" in "\n".join(summarise(found))


COUNTING = (
    *("memory_of_one_process", "many_processes", "many_threads", "many_open_files"),
    *("one_big_file", "many_big_files", "memory_in_shared_folders"),
)


def test_what_counts_resources_tells_when_it_gets_more_than_it_was_told() -> None:
    small = budgets(Limits())["small"]
    with Traps(COUNTING, small) as traps:
        jobs = [
            Job(
                key=name,
                task_id="",
                program=BY_NAME[name].text(traps.host(name)),
                entry_point="add",
                test=BY_NAME[name].test,
            )
            for name in COUNTING
        ]
        generous = Limits(max_processes=400, open_files=1000, folder_mib=400, memory_mib=8000)
        found = {outcome.key: outcome.status for outcome in run_jobs(jobs, generous)}
    assert found == dict.fromkeys(COUNTING, "wrong_answer")


def test_what_is_slow_is_right_when_it_has_the_time() -> None:
    names = [name for name in BY_NAME if name.startswith("slow_")]
    with Traps(names, budgets(Limits())["small"]) as traps:
        jobs = [
            Job(
                key=name,
                task_id="",
                program=BY_NAME[name].text(traps.host(name)),
                entry_point="add",
                test=BY_NAME[name].test,
            )
            for name in names
        ]
        found = {outcome.key: outcome.status for outcome in run_jobs(jobs, Limits())}
    assert len(names) > 5
    assert found == dict.fromkeys(names, "passed")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked for in /proc")
def test_a_process_with_a_mark_is_found_and_ended() -> None:
    with Traps(["one", "two"], Limits()) as traps:
        command = [sys.executable, "-S", "-c", "import time; time.sleep(60)", traps.mark("one")]
        process = subprocess.Popen(command)
        assert traps.survivors("two") == ""
        assert "1 process" in traps.survivors("one")
        assert process.wait(10) != 0


def test_files_with_a_mark_are_found_and_removed() -> None:
    with Traps(["one", "two"], Limits()) as traps:
        left = Path.home() / f"{traps.mark('one')}file"
        left.write_text("x")
        (traps.tops[0] / "two" / "canary").write_text("x")
        seen = traps.look()
    assert [str(left) in line for line in seen["one"]] == [True]
    assert len(seen["two"]) == 1
    assert not left.exists()
    assert traps.trapped == []
    assert not any(top.exists() for top in traps.tops)


def test_servers_note_who_called() -> None:
    with Traps(["one", "two"], Limits()) as traps:
        host = traps.host("one")
        with socket.create_connection(("127.0.0.1", host["tcp"])) as line:
            line.sendall(host["mark"].encode())
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(host["sockets"][-1])
            line.sendall(host["mark"].encode())
        seen = traps.look()
    assert seen == {"one": ["tcp got its mark", "sockets got its mark"], "two": []}


def test_a_decoy_that_was_signalled_says_so() -> None:
    with Traps(["one"], Limits()) as traps:
        os.kill(traps.host("one")["pid"], signal.SIGURG)
        traps.look()
        assert traps.trapped == ["SIGURG"]


def test_deep_and_closed_folders_are_removed_and_links_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    top = tmp_path / "top"
    top.mkdir()
    before = Path.cwd()
    os.chdir(top)
    try:
        for _ in range(1500):
            Path("deeper").mkdir()
            Path("link").symlink_to(outside)
            os.chdir("deeper")
    finally:
        os.chdir(before)
    (top / "closed" / "in").mkdir(parents=True)
    (top / "closed").chmod(0)
    remove_tree(top)
    assert not top.exists()
    assert (outside / "kept").exists()


def test_the_corpus_is_well_formed() -> None:
    everything = (*ATTACKS, *RIGHT)
    assert [name for name, n in Counter(a.name for a in everything).items() if n > 1] == []
    assert {attack.kind for attack in everything} == set(KINDS)
    for attack in everything:
        assert attack.what
        assert not attack.what.startswith(("import", "def"))
        if attack.kind != "source_text":
            compile(attack.text({}).removeprefix("\ufeff"), attack.name, "exec")


def test_kinds_are_chosen_by_name() -> None:
    plain = Attack(name="plain", kind="crash", what="it ends", program="raise SystemExit(3)\n")
    other = Attack(name="other", kind="right", what="it adds", program=BY_NAME["plain"].program)
    (finding,) = run_selftest(Limits(), kinds=["crash"], attacks=[plain, other])
    assert finding.held
    assert finding.name == "plain"
    with pytest.raises(UnknownNameError, match="crash"):
        run_selftest(Limits(), kinds=["crush"])


def test_a_program_that_ends_the_whole_run_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    token = secrets.token_hex(4)
    chosen = [
        Attack(name=f"{n}", kind="right", what="", program=f"def add(a, b): return a + b  # {n}\n")
        for n in range(4)
    ]
    bad = Attack(name="bad", kind="forge", what="", program=f"{token} = 1\n")

    def run(jobs, limits, workers):  # type: ignore[no-untyped-def]
        if any(token in job.program for job in jobs):
            raise ValueError("too large")
        yield from run_jobs(jobs, limits, workers)

    monkeypatch.setattr("overproof.sandbox.selftest.run_jobs", run)
    found = {f.name: f for f in run_selftest(Limits(), attacks=[*chosen[:2], bad, *chosen[2:]])}
    assert not found["bad"].held
    assert "it ended the whole run: ValueError: too large" in found["bad"].detail
    assert {finding.status for finding in found.values()} == {"passed", "harness_error"}


def test_the_summary_counts_by_kind_and_says_what_each_means() -> None:
    found = [
        Finding(name="a", kind="forge", held=True, tier="A: namespaces+rlimits"),
        Finding(name="b", kind="forge", held=False, status="passed", what="it passes"),
        Finding(name="c", kind="escape", held=False, needs="namespaces", what="it gets out"),
        Finding(name="d", kind="escape", held=False, tried=False, what="it ends all"),
        Finding(name="e", kind="right", held=False, status="error", detail="no", what="it adds"),
    ]
    lines = summarise(found)
    assert lines[0] == "tier A: namespaces+rlimits"
    rows = {line.split()[0]: line.split()[-3:] for line in lines[3:7] if line}
    assert rows["forge"] == ["forge", "1", "2"]
    assert rows["escape"] == ["0", "1", "1"]
    text = "\n".join(lines)
    assert "this tier lacks namespaces" in text
    assert "right, but failed:\n  right e: it adds\n      error: no" in text
