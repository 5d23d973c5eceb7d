import json

import pytest

from overproof.errors import DataError, UsageError
from overproof.evaluation import mine
from overproof.pairs.collect import collect
from overproof.pairs.files import make_pair, read_pairs, write_pairs
from overproof.pairs.gather import gather_pairs
from overproof.recipe import PairsConfig
from overproof.records import Problem
from overproof.store import RunFolder

PYTHON = '''
def {name}(numbers):
    """Return the {name} of the numbers, or 0 without any at all."""
    found = [{number} * n for n in numbers]
    return {name}er(found) if found else {number}
'''.replace("{name}er", "sum")
GO = """package own

// Halve returns half of a whole number.
func Halve(n int) int {
\tm := n
\treturn m / 2
}
"""
LEAK = Problem(
    task_id="Own/0",
    prompt='def weigh(boxes):\n    """Return what all boxes on the scale weigh together."""\n',
    entry_point="weigh",
    canonical_solution="    return sum(box.weight for box in boxes)\n",
    test="",
    suite="own",
)


@pytest.fixture
def sources(tmp_path):
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "LICENSE").write_text("MIT License")
    names = ("width", "height", "depth")
    text = "".join(PYTHON.format(name=name, number=n) for n, name in enumerate(names, 3))
    (folder / "a.py").write_text(text)
    (folder / "b.go").write_text(GO)
    leaked = "def f(x):\n    return solve(x)\n"
    same = "Return the width of the numbers, or 0 without any at all."
    third = "Return the third of a number.\n>>> third(3)\n1"
    rows = [
        {"text": "Return what the boxes on the scale weigh together.", "code": leaked},
        {"text": same, "code": "def g(x):\n    return x"},
        {"text": third, "code": "def third(n):\n    return n // 3"},
    ]
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return str(folder), str(tmp_path / "rows.jsonl")


def gather(tmp_path, sources, folder="run", **options):
    config = PairsConfig(sources=tuple(sources), **options)
    run = RunFolder(tmp_path / folder)
    with run.locked():
        return gather_pairs(config, [LEAK], 0, run)


def test_all_kinds_of_sources_go_one_way(tmp_path, sources):
    pairs, summary = gather(tmp_path, sources, languages=("python", "go"))
    assert pairs[0].name == "third"
    assert sorted(pair.name for pair in pairs) == ["Halve", "depth", "height", "third", "width"]
    assert (summary["pairs before"], summary["pairs after"], summary["pairs used"]) == (6, 5, 5)
    assert summary["removed by near_text"] == 1
    assert summary["removed"] == ["f (rows.jsonl:1) for Own/0"]
    assert summary["compared with"] == "own (1)"
    assert "same_text 1" in summary["left out before"]
    assert summary["languages"] == "python 4, go 1"
    assert summary["licences"] == "MIT 4, user 1"
    (certificate,) = (tmp_path / "run").glob("pairs-*.certificate.json")
    stored = json.loads(certificate.read_text())
    assert stored["sources"] == {sources[0]: 4, sources[1]: 3}
    assert stored["certificate"]["content"] in summary["certificate"]
    assert all(isinstance(value, str | int | list) for value in summary.values())


def test_a_rerun_takes_what_is_there_and_another_run_finds_the_same(tmp_path, sources):
    first = gather(tmp_path, sources)
    assert gather(tmp_path, sources, "other") == first
    for path in sources:
        (tmp_path / path).rename(f"{path}.gone")
    assert gather(tmp_path, sources) == first
    with pytest.raises(UsageError):
        gather(tmp_path, sources, "third")


def test_options_of_the_recipe_decide(tmp_path, sources):
    def names(**options):
        return {pair.name for pair in gather(tmp_path, sources, **options)[0]}

    assert "Halve" not in names()
    assert len(names(limit=2)) == 2
    assert names(max_prompt_chars=83) == {"g", "third"}
    assert "width" in names(near_duplicate=0.0)
    assert len(names(near_duplicate=0.3)) < len(names(near_duplicate=0.99))
    assert len(gather(tmp_path, [f"{sources[0]}#limit=1"])[0]) == 1


def test_nothing_left_is_an_error(tmp_path, sources):
    (tmp_path / "leak.jsonl").write_text(
        json.dumps({"text": "", "code": LEAK.prompt + "    x = 1"})
    )
    with pytest.raises(DataError, match="no code–text pair is left of 1"):
        gather(tmp_path, [str(tmp_path / "leak.jsonl")])


def test_a_limit_is_spread_over_the_sources(tmp_path):
    def written(name):
        pairs = [
            make_pair(f"Return {name} number {n}.", f"def f(x):\n    return x.{name}{n}")
            for n in range(40)
        ]
        return str(write_pairs(tmp_path / f"{name}.jsonl", pairs))

    found = collect([written("one"), written("two")], limit=20)
    assert len(found.pairs) == 20
    texts = [pair.text for pair in found.pairs]
    assert 4 <= sum("one" in text for text in texts) <= 16
    assert texts == sorted(texts, key=lambda text: ("two" in text, int(text.split()[-1][:-1])))


def test_the_command_reads_and_writes(tmp_path, sources):
    out = tmp_path / "out.jsonl"
    lines = list(mine(sources, out, None, "", [], ["python", "go"]).as_lines())
    assert lines[0].startswith("6 pairs from ")
    assert "same_text 1" in lines[2]
    pairs = read_pairs(out)
    assert [pair.name for pair in pairs] == ["width", "height", "depth", "Halve", "f", "third"]
    assert collect([str(out)], languages=["python"]).pairs == pairs
    with pytest.raises(UsageError, match="cobol"):
        collect(sources, languages=["cobol"])
