"""Many programs in one compiler call: cheaper, and never another verdict than one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from toys import run, script, zygote

from overproof.errors import UnknownNameError
from overproof.languages import NAMES
from overproof.languages.language import Batch
from overproof.sandbox import AnyJob, ExampleJob, Job, Limits, StdioJob, run_jobs
from overproof.sandbox.builds import ROUNDS, prepare_many
from overproof.sandbox.warm import Zygote

COMPILER = """
status=0
for folder in {folders}; do
    if grep -q BAD $folder/main.sh; then echo "$folder/main.sh: error: bad"; status=1
    elif grep -q LATE $folder/main.sh && [ $status = 0 ]; then
        echo "$folder/main.sh: error: late"; status=1
    else cp $folder/main.sh $folder/program; fi
    if grep -q SILENT $folder/main.sh; then exit 1; fi
    if grep -q BLAMES $folder/main.sh; then echo "p0-1/main.sh: error"; ls; fi
    if grep -q CURIOUS $folder/main.sh; then cp p?/main.sh ../p?/main.sh $folder/program; fi
done
exit $status
"""


def command(folders: Sequence[str]) -> list[str]:
    return ["sh", "-c", COMPILER.replace("{folders}", " ".join(folders))]


BATCH = Batch(command=command, blames=r"^(p[^/]*)/main\.sh: error")
SINGLE = "! grep -n 'BAD' main.sh && ! grep -n LATE main.sh && cp main.sh program"
LANGUAGE = script(build=("sh", "-c", SINGLE), built="program", run=("sh", "./program"), batch=BATCH)


class Counting:
    """Notes what a zygote is asked to start."""

    def __init__(self, worker: Zygote, monkeypatch: pytest.MonkeyPatch) -> None:
        self.letters = b""
        start = worker.start

        def noting(letter: bytes, job: dict[str, Any], descriptors: Sequence[int]) -> Any:
            self.letters += letter
            return start(letter, job, descriptors)

        monkeypatch.setattr(worker, "start", noting)


@pytest.fixture(params=["best", "landlock"])
def worker(request: pytest.FixtureRequest) -> Iterator[Zygote]:
    with zygote(isolation=request.param) as started:
        yield started


def prepare_all(worker: Zygote, programs: Sequence[str], cache: Path, **fields: Any) -> int:
    language = replace(LANGUAGE, **fields)
    files = [language.files(program, "", []) for program in programs]
    return prepare_many(worker, language, files, asdict(Limits()), cache)


def echo(number: int, more: str = "") -> str:
    return f"echo {number} {'#' if more else ''}{more}\n"


def test_good_programs_take_one_call_and_are_then_ready(
    worker: Zygote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = Counting(worker, monkeypatch)
    programs = [echo(number) for number in range(16)]
    assert prepare_all(worker, programs, tmp_path) == 16
    assert started.letters == b"b"
    for number, program in enumerate(programs):
        assert run(worker, LANGUAGE, program, tmp_path) == (f"{number}\n", None)
    assert started.letters == b"b" + 16 * b"s"
    assert prepare_all(worker, programs, tmp_path) == 0
    assert started.letters == b"b" + 16 * b"s"


@pytest.mark.parametrize("partial", [False, True])
def test_who_is_blamed_is_taken_out_and_the_rest_is_built(
    worker: Zygote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, partial: bool
) -> None:
    started = Counting(worker, monkeypatch)
    programs = [echo(0), echo(1, "BAD"), echo(2), echo(3, "BAD"), echo(4)]
    assert prepare_all(worker, programs, tmp_path, batch=replace(BATCH, partial=partial)) == 3
    assert started.letters == (b"b" if partial else b"bb")
    for number, program in enumerate(programs):
        printed, finding = run(worker, LANGUAGE, program, tmp_path)
        if "BAD" in program:
            assert finding is not None
            assert (finding.status, "BAD" in finding.detail) == ("compile_error", True)
        else:
            assert (printed, finding) == (f"{number}\n", None)


def test_rounds_come_to_an_end(
    worker: Zygote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = Counting(worker, monkeypatch)
    programs = [echo(number, "LATE") for number in range(9)]  # each round blames one of them
    assert prepare_all(worker, programs, tmp_path) == 0
    assert started.letters == ROUNDS * b"b"


def test_a_failure_that_blames_nobody_leaves_all_to_their_own_builds(
    worker: Zygote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = Counting(worker, monkeypatch)
    programs = [echo(0), echo(1, "SILENT"), echo(2)]
    assert prepare_all(worker, programs, tmp_path) == 0
    assert started.letters == b"b"
    assert run(worker, LANGUAGE, programs[1], tmp_path) == ("1\n", None)


def test_a_program_can_neither_blame_nor_read_another(worker: Zygote, tmp_path: Path) -> None:
    programs = [echo(0), echo(1, "BLAMES"), echo(2)]
    assert prepare_all(worker, programs, tmp_path) == 3
    curious = [echo(3), echo(4, "CURIOUS")]
    prepare_all(worker, curious, tmp_path)
    assert run(worker, LANGUAGE, curious[1], tmp_path) == ("4\n", None)


def test_a_batch_that_never_ends_costs_time_only(worker: Zygote, tmp_path: Path) -> None:
    endless = Batch(command=lambda folders: ["sh", "-c", "while :; do :; done"], blames="()x")
    language = replace(LANGUAGE, batch=endless)
    files = [language.files(echo(number), "", []) for number in range(2)]
    with zygote(build_seconds=0.5) as hasty:
        limits = asdict(Limits(build_seconds=0.5))
        assert prepare_many(hasty, language, files, limits, tmp_path) == 0
        assert run(hasty, language, echo(1), tmp_path) == ("1\n", None)


def test_a_folder_comes_out_as_an_archive(worker: Zygote, tmp_path: Path) -> None:
    make = "mkdir -p program.zip/in; cp main.sh program.zip/in/; ln -s /etc/passwd program.zip/l"
    unpack = "import zipfile; z = zipfile.ZipFile('program.zip'); print(z.namelist())"
    language = script(
        build=("sh", "-c", make), built="program.zip", run=("/usr/bin/python3", "-c", unpack)
    )
    if not Path("/usr/bin/python3").exists():
        pytest.skip("no Python of the system's own")
    assert run(worker, language, "true", tmp_path) == ("['in/main.sh']\n", None)


@pytest.fixture
def toy_pool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """Let the pool believe that JavaScript compiles in batches; note what oracles are sent."""
    from overproof.sandbox import pool

    sent: list[dict[str, Any]] = []
    pack = pool.wire.pack

    def noting(message: Any, limit: int = 0) -> bytes:
        sent.append(message)
        return pack(message, limit)

    monkeypatch.setenv("OVERPROOF_HOME", str(tmp_path))
    monkeypatch.setattr(pool.wire, "pack", noting)
    monkeypatch.setattr(pool, "load_language", lambda name: LANGUAGE)
    return sent


PRINT = {"python": "print({})", "javascript": "console.log({})"}


def jobs_of(language: str, count: int) -> list[AnyJob]:
    return [
        StdioJob(
            key=f"{language} {number}", task_id="t", program=PRINT[language].format(number),
            cases=(("", str(number)),), language=language,
        )
        for number in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("workers", [1, 2])
def test_the_pool_prepares_groups_and_forgets_no_job(
    toy_pool: list[dict[str, Any]], workers: int
) -> None:
    pairs = zip(jobs_of("javascript", 40), jobs_of("python", 40), strict=True)
    jobs = [job for pair in pairs for job in pair]
    outcomes = {outcome.key: outcome for outcome in run_jobs(jobs, Limits(), workers)}
    assert len(outcomes) == len(jobs)
    assert {outcome.status for outcome in outcomes.values()} <= {"passed", "missing_tool"}
    groups = [message["prepare"] for message in toy_pool if "prepare" in message]
    assert sum(map(len, groups)) == 40
    assert max(map(len, groups)) == 16


def test_an_unknown_language_is_still_named() -> None:
    assert "cobol" not in NAMES
    job = replace(jobs_of("python", 1)[0], language="cobol")
    with pytest.raises(UnknownNameError, match="cobol"):
        list(run_jobs([job], Limits()))


def test_every_kind_of_job_can_be_prepared(toy_pool: list[dict[str, Any]]) -> None:
    common: dict[str, Any] = {"task_id": "t", "program": "x", "language": "javascript"}
    jobs: list[AnyJob] = [
        Job(key="j", entry_point="f", test="def check(c): assert c(1) == 1", **common),
        ExampleJob(key="e", entry_point="g", examples=(("g(1)", "1"),), **common),
        StdioJob(key="s", cases=(("", ""),), **common),
    ]
    assert len(list(run_jobs(jobs, Limits(), 1))) == 3
    (group,) = [message["prepare"] for message in toy_pool if "prepare" in message]
    assert [entry for _, entry in group] == ["f", "g", ""]
