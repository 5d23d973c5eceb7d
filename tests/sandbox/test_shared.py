"""What programs of a language share: made once, seen by builds and runs, changed by none."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from toys import run, script, zygote

from overproof.languages.language import Shared
from overproof.sandbox.builds import prune
from overproof.sandbox.warm import Zygote

MAKE = Shared(
    files=lambda: {"source": "made", "drivers/more": "of it"},
    command=(
        "sh",
        "-c",
        "cat source drivers/more > both; mkdir -p out/deep; cp both out/deep/i",
    ),
    results=("both", "out"),
)
LANGUAGE = script(shared=MAKE)
SHOW = "cat shared/both; echo; cat shared/out/deep/i"
MADE = "madeof it\nmadeof it"
CHANGES = """
link=$(readlink -f shared)
echo changed > shared/both
chmod 000 shared/both shared/out shared "$link"
chmod 777 shared/both shared/out shared "$link" "$link/.."
rm -rf shared/both shared/out
mv "$link" "$link-moved"
mv shared/both both
touch shared/new
ln shared/both mine && echo changed > mine
cp /bin/true "$link/both"
rm shared; mkdir shared; echo changed > shared/both
"""


@pytest.fixture(params=["best", "landlock"])
def worker(request: pytest.FixtureRequest) -> Iterator[Zygote]:
    with zygote(isolation=request.param) as started:
        yield started


def test_it_is_made_once_and_every_program_sees_it(worker: Zygote, tmp_path: Path) -> None:
    assert run(worker, LANGUAGE, SHOW, tmp_path) == (MADE, None)
    (made,) = tmp_path.glob("??/*")
    state = (made / "both").stat()
    assert run(worker, LANGUAGE, "cat shared/both", tmp_path) == ("madeof it", None)
    with zygote() as another:
        assert run(another, LANGUAGE, SHOW, tmp_path) == (MADE, None)
    assert ((made / "both").stat().st_ino, (made / "both").stat().st_mtime_ns) == (
        state.st_ino,
        state.st_mtime_ns,
    )


def test_a_build_sees_it_too(worker: Zygote, tmp_path: Path) -> None:
    language = script(
        shared=MAKE,
        build=("sh", "-c", "cat shared/both main.sh > program"),
        built="program",
        run=("cat", "program", "shared/both"),
    )
    assert run(worker, language, "!", tmp_path) == ("madeof it!madeof it", None)


def test_no_program_changes_what_the_next_one_sees(worker: Zygote, tmp_path: Path) -> None:
    if "landlock" not in worker.tier:
        pytest.skip("nothing here keeps a program from its user's files")
    for line in ["true", *CHANGES.strip().splitlines(), CHANGES]:
        run(worker, LANGUAGE, f"link=$(readlink -f shared)\n{line}\n", tmp_path)
        assert run(worker, LANGUAGE, SHOW, tmp_path) == (MADE, None), line
    build = script(shared=MAKE, build=("sh", "main.sh"), built="main.sh")
    for line in CHANGES.strip().splitlines():
        run(worker, build, f"link=$(readlink -f shared)\n{line}\n", tmp_path)
        assert run(worker, LANGUAGE, SHOW, tmp_path) == (MADE, None), line
    (made,) = (entry for entry in tmp_path.glob("??/*") if entry.is_dir())
    assert sorted(path.name for path in made.rglob("*")) == ["both", "deep", "i", "out"]
    assert (made / "both").read_text() == "madeof it"


@pytest.mark.parametrize(
    ("command", "status", "detail"),
    [
        (("sh", "-c", "echo oh no; exit 3"), "harness_error", "oh no"),
        (("true",), "harness_error", "no result"),
        (("no-such-tool",), "missing_tool", "no-such-tool"),
    ],
)
def test_what_cannot_be_made_is_not_the_programs_fault(
    worker: Zygote, tmp_path: Path, command: tuple[str, ...], status: str, detail: str
) -> None:
    language = script(shared=Shared(files=dict, command=command, results=("both",)))
    _, finding = run(worker, language, SHOW, tmp_path)
    assert finding is not None
    assert (finding.status, detail in finding.detail) == (status, True)
    assert not list(tmp_path.glob("??/*"))


def test_it_is_found_again_after_the_cache_was_pruned(
    worker: Zygote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(worker, LANGUAGE, SHOW, tmp_path) == (MADE, None)
    monkeypatch.setattr("overproof.sandbox.builds._KEPT_BYTES", 0)
    prune(tmp_path)
    assert not list(tmp_path.glob("??/*"))
    assert run(worker, LANGUAGE, SHOW, tmp_path) == (MADE, None)
    with zygote() as another:
        assert run(another, LANGUAGE, SHOW, tmp_path) == (MADE, None)


def test_two_processes_make_it_only_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from toys import run, script, zygote\n"
        "from overproof.languages.language import Shared\n"
        "make = 'sleep 0.5; head -c 8 /dev/urandom | od > both'\n"
        "shared = Shared(files=dict, command=('sh', '-c', make), results=('both',))\n"
        "with zygote() as worker:\n"
        "    print(run(worker, script(shared=shared), 'cat shared/both', Path(sys.argv[1]))[0])\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", code, str(tmp_path)]
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    first, second = (process.communicate(timeout=60)[0] for process in both)
    assert first.startswith("0000000")
    assert first == second


def test_large_files_are_made_but_not_by_programs(worker: Zygote, tmp_path: Path) -> None:
    size = 100 << 20
    make = ("sh", "-c", f"head -c {size} /dev/zero > header.gch")
    language = script(shared=Shared(files=dict, command=make, results=("header.gch",)))
    assert run(worker, language, "wc -c < shared/header.gch", tmp_path) == (f"{size}\n", None)
    printed, _ = run(worker, language, f"{make[2]}; wc -c < header.gch", tmp_path)
    assert "File too large" in printed
