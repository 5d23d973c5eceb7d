"""Attacks in other languages than Python are held, and reach what they aim at where nothing holds.

By default a part of each corpus is run; the whole of it is slow, and is what the selftest runs.
"""

from collections import Counter
from functools import cache

import pytest
from click.testing import CliRunner

from overproof.cli import main
from overproof.errors import UnknownNameError
from overproof.languages import NAMES, load_language
from overproof.records import Problem
from overproof.sandbox import Limits, run_jobs
from overproof.sandbox.attacks import KINDS, LANGUAGES, Attack, attacks_in
from overproof.sandbox.attacks.host import comment, place
from overproof.sandbox.execute import job_for
from overproof.sandbox.selftest import Finding, run_selftest, summarise
from overproof.sandbox.toolchains import toolchain
from overproof.suites import load_suite

OTHERS = [name for name in LANGUAGES if name != "python"]
EVERY = {"javascript": 6, "bash": 6, "cpp": 14}
"""Of each corpus, one program in so many is run by default."""
ALWAYS = (
    *("javascript_keys_that_collide", "javascript_set_for_a_list"),
    *("javascript_fraction_of_huge_numbers", "bash_inherits_the_channel"),
    *("bash_rewrites_the_driver", "bash_changes_what_is_asked", "cpp_assembles_a_canary"),
)
"""What once got through."""
SLOW = ("asleep", "building")
"""Budgets under which attacks take seconds by their nature."""


def needs(language: str) -> None:
    known = load_language(language)
    if toolchain(known) is None:
        pytest.skip(f"no {known.toolchain.tool}: {known.toolchain.install}")


@cache
def corpus() -> dict[str, Attack]:
    return {attack.name: attack for name in OTHERS for attack in attacks_in(name)}


def test_the_corpus_is_well_formed() -> None:
    everything = [attack for name in LANGUAGES for attack in attacks_in(name)]
    assert [name for name, n in Counter(a.name for a in everything).items() if n > 1] == []
    for name in OTHERS:
        attacks = attacks_in(name)
        assert {attack.language for attack in attacks} == {name}
        assert {attack.kind for attack in attacks} <= set(KINDS)
        assert {"forge", "escape", "outlive", "right"} <= {attack.kind for attack in attacks}
        for attack in attacks:
            assert attack.name.startswith(f"{name}_")
            assert attack.what and not attack.what.startswith(comment(name))
            assert attack.prompt and attack.reference
            assert "passed" not in attack.expect or attack.kind != "forge" or attack.test
    assert set(LANGUAGES) == set(NAMES)
    assert set(ALWAYS) <= set(corpus())


def judged(findings: list[Finding]) -> list[Finding]:
    """Return what was not held, though this machine should."""
    return [finding for finding in findings if not (finding.held or finding.needs)]


@pytest.mark.parametrize("language", EVERY)
def test_a_part_of_each_corpus_is_held(language: str) -> None:
    needs(language)
    attacks = attacks_in(language)
    few = [attack for attack in attacks[:: EVERY[language]] if attack.budget not in SLOW]
    few += [attack for attack in attacks if attack.name in ALWAYS and attack not in few]
    findings = run_selftest(Limits(), attacks=few)
    assert len(findings) == len(few)
    assert judged(findings) == []


@pytest.mark.slow
@pytest.mark.parametrize("language", OTHERS)
def test_the_whole_corpus_is_held(language: str) -> None:
    needs(language)
    findings = run_selftest(Limits(), languages=[language])
    assert len(findings) == len(attacks_in(language))
    assert [finding for finding in judged(findings) if finding.tried] == []


REACHED = {
    "javascript_reads_files": "the secret came back",
    "javascript_connects_tcp": "tcp got its mark",
    "bash_reads_through_links": "the secret came back",
    "bash_writes_to_files": "pipe got its mark",
    "cpp_includes_a_canary": "the secret came back",
    "cpp_assembles_a_canary": "the secret came back",
    "cpp_connects_by_path": "sockets got its mark",
    "ruby_reads_files": "the secret came back",
    "perl_connects_tcp": "tcp got its mark",
}


@cache
def unheld() -> dict[str, Finding]:
    attacks = [corpus()[name] for name in REACHED]
    found = run_selftest(Limits(isolation="rlimits", unsafe=True), attacks=attacks)
    return {finding.name: finding for finding in found}


@pytest.mark.parametrize("name", REACHED)
def test_without_layers_the_trap_springs(name: str) -> None:
    needs(corpus()[name].language)
    finding = unheld()[name]
    assert finding.tried and not finding.held
    assert REACHED[name] in finding.detail, finding
    assert "namespaces" in finding.needs


def test_a_language_that_cannot_be_run_counts_as_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("overproof.sandbox.selftest.toolchain", lambda language: None)
    attacks = [corpus()[name] for name in ("bash_exits_at_load", "cpp_plain")]
    findings = run_selftest(Limits(), attacks=attacks)
    assert [(finding.tried, finding.held) for finding in findings] == [(False, False)] * 2
    lines = summarise(findings)
    assert lines[3:5] == ["forge            0     0           1", ""]
    assert "  cpp: g++: apt-get install -y --no-install-recommends g++" in lines
    assert not any("not held" in line or "harm" in line for line in lines)


def test_the_summary_has_a_table_for_each_language() -> None:
    found = [
        Finding(name="a", kind="forge", held=True, tier="A: rlimits"),
        Finding(name="b", kind="forge", held=False, language="bash", what="it passes"),
        Finding(name="c", kind="right", held=True, language="bash"),
    ]
    lines = summarise(found)
    assert [line.split() for line in lines[2:4]] == [
        ["python", "held", "of", "not", "tried"],
        ["forge", "1", "1"],
    ]
    assert [line.split()[-2:] for line in lines[6:8]] == [["0", "1"], ["1", "1"]]


def test_languages_are_chosen_by_name() -> None:
    with pytest.raises(UnknownNameError, match="basch"):
        run_selftest(Limits(), languages=["basch"])
    arguments = ["selftest", "sandbox", "--language", "bash", "--kind", "crash"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[3].split() == ["crash", "3", "3"]


def test_what_is_told_of_the_machine_is_quoted_in_every_language() -> None:
    host = {"mark": "a'b\"c$d\\", "places": ["/x y", "/z"], "pid": 7}
    assert 'const HOST = {"mark": "a\'b\\"c$d\\\\"' in place("HOST.mark", host, "javascript")
    lines = place("HOST_mark", host, "cpp").splitlines()
    assert lines[0].split("'") == ['#define HOST_mark "a', r'b\"c$d\\"']
    assert lines[1:3] == ['#define HOST_places {"/x y", "/z"}', "#define HOST_pid 7"]
    assert place("echo HOST_pid HOST_none", host, "ruby") == "echo 7 HOST_none"
    assert place("nothing", host, "cpp") == "nothing"


CHEATS = {
    "javascript": (
        *("process.exit(0);", "return undefined;", 'return "";', "return true;", "return NaN;"),
        *("return [];", "return arguments[0];", "return new Set(arguments);", "throw null;"),
        "return new Proxy({}, { get: () => () => true });",
    ),
    "bash": (
        *("exit 0", ":", "echo", "echo true", "echo false", "echo 0", 'echo "$@"', "echo None"),
        *("echo nan", "echo {0..100}", "kill -9 $$"),
    ),
    "cpp": ("std::exit(0);", "return {};", "throw 5;", 'std::cout << "passed"; _exit(0);'),
}
"""Bodies that are right for no problem."""


def cheated(language: str, problems: list[Problem], cheats: tuple[str, ...]) -> None:
    jobs = [
        job_for(problem, f"{problem.task_id} {cheat}", f"{problem.prompt}{cheat}\n}}\n")
        for problem in problems
        for cheat in cheats
    ]
    outcomes = list(run_jobs(jobs, Limits(cpu_seconds=2)))
    assert len(outcomes) == len(jobs)
    failed = ("wrong_answer", "error", "crashed", "protocol_violation")
    assert [outcome for outcome in outcomes if outcome.status not in failed] == []


@pytest.mark.parametrize("language", ["javascript", "bash"])
def test_no_answer_is_right_for_whatever_is_asked(language: str) -> None:
    needs(language)
    cheated(language, load_suite(f"multicode:{language}", 5), CHEATS[language])


@pytest.mark.slow
@pytest.mark.parametrize("language", CHEATS)
def test_no_answer_is_right_for_any_problem(language: str) -> None:
    needs(language)
    cheated(language, load_suite(f"multicode:{language}"), CHEATS[language])
