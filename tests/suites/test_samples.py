"""Sample files of other tools: every sample is found, with its task, or the file is refused."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from overproof.errors import DataError, RowError, UnknownNameError
from overproof.records import Problem
from overproof.suites import load_suite
from overproof.suites.peers import generated_program
from overproof.suites.samples import read_samples


def problem(number: int, name: str) -> Problem:
    return Problem(
        task_id=f"mine/{number}",
        prompt=f"def {name}(a):\n",
        entry_point=name,
        canonical_solution="",
        test="",
        suite="mine",
    )


PROBLEMS = {one.task_id: one for one in (problem(0, "first"), problem(1, "second"))}


def read(path: Path, content: Any) -> list[tuple[str, dict[str, Any]]]:
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return list(read_samples(path, PROBLEMS))


def test_lines_are_samples_and_lists_are_several(tmp_path: Path) -> None:
    rows = [
        {"task_id": "a", "completion": "x", "solution": "y"},
        {"name": "b", "completions": ["1", "2"], "language": "js"},
        {"task_id": "c", "generation": ["3"], "more": 1},
        {"task_id": "d"},
    ]
    for name in ("s.jsonl", "s.jsonl.gz", "s.json"):  # the last is not one JSON value
        assert read(tmp_path / name, "\n".join(map(json.dumps, rows))) == [
            ("1", {"task_id": "a", "solution": "y"}),
            ("2.1", {"name": "b", "language": "js", "completion": "1"}),
            ("2.2", {"name": "b", "language": "js", "completion": "2"}),
            ("3.1", {"task_id": "c", "more": 1, "generation": "3"}),
            ("4", {"task_id": "d"}),
        ]


def test_one_json_value_will_do(tmp_path: Path) -> None:
    row = {"name": "b", "completions": ["1"]}
    for name, content in (("s.json", json.dumps(row, indent=2)), ("s.json.gz", [row])):
        assert read(tmp_path / name, content) == [("1.1", {"name": "b", "completion": "1"})]


def test_a_folder_holds_a_file_for_each_problem(tmp_path: Path) -> None:
    folder = tmp_path / "humaneval-js"
    folder.mkdir()
    with pytest.raises(DataError, match="no file of samples"):
        list(read_samples(folder, PROBLEMS))
    for number in range(2):
        row = {"name": f"HumanEval_{number}_f", "completions": ["x", "y"]}
        for end in ("json.gz", "results.json.gz"):
            content = gzip.compress(json.dumps(row).encode())
            (folder / f"HumanEval_{number}_f.{end}").write_bytes(content)
    found = list(read_samples(folder, PROBLEMS))
    assert [place for place, _ in found] == [
        f"HumanEval_{number}_f.json.gz:1.{sample}" for number in range(2) for sample in (1, 2)
    ]


def test_lists_of_lists_belong_to_the_problems_in_order(tmp_path: Path) -> None:
    first, second, rest = (
        "def first(a):\n    return 1\n",
        "def second(a): return 2",
        "    return 3\n",
    )
    path = tmp_path / "generations.json"
    assert read(path, [[first, rest], [second]]) == [
        ("1.1", {"task_id": "mine/0", "generation": first}),
        ("1.2", {"task_id": "mine/0", "generation": rest}),
        ("2.1", {"task_id": "mine/1", "generation": second}),
    ]
    assert [fields["task_id"] for _, fields in read(path, [[], [rest]])] == ["mine/1"]
    with pytest.raises(DataError, match="list 1 is not about mine/0"):
        read(path, [[second], [first]])
    with pytest.raises(DataError, match="3 lists of texts for 2 problems"):
        read(path, [[first], [second], [rest]])
    with pytest.raises(RowError, match="entry 2: got int"):
        read(path, [{"task_id": "a"}, 5])


def test_verdicts_of_evalplus_hold_its_samples(tmp_path: Path) -> None:
    rows = [{"task_id": "mine/0", "solution": text, "base_status": "pass"} for text in ("x", "y")]
    content = {"date": "2026-01-01", "hash": "ab", "eval": {"mine/0": rows, "mine/1": []}}
    path = tmp_path / "samples_eval_results.json"
    assert [fields["solution"] for _, fields in read(path, content)] == ["x", "y"]


def test_a_named_format_says_which_field_counts_and_refuses_others(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text(json.dumps({"task_id": "mine/0", "completion": "c", "solution": "s"}))
    for form, field in (("human-eval", "completion"), ("evalplus", "solution"), ("", "solution")):
        ((_, fields),) = read_samples(path, PROBLEMS, form)
        assert set(fields) == {"task_id", field}
    lists = tmp_path / "g.json"
    lists.write_text(json.dumps([["def first(a): return 1"]]))
    refused = [
        (path, "bigcode", DataError),
        (path, "multipl-e", RowError),
        (lists, "evalplus", DataError),
        (path, "evalplsu", UnknownNameError),
    ]
    for file, form, kind in refused:
        with pytest.raises(kind) as caught:
            list(read_samples(file, PROBLEMS, form))
        assert caught.value.hint
    path.write_text(json.dumps({"task_id": "mine/0", "solution": "s"}))
    with pytest.raises(RowError, match="not human-eval"):
        list(read_samples(path, PROBLEMS, "human-eval"))


def test_what_was_generated_is_the_whole_or_the_rest() -> None:
    known = PROBLEMS["mine/0"]
    assert generated_program({}, known, "    return 1\n") == "def first(a):\n    return 1\n"
    assert generated_program({}, known, "def first(a): return 2") == "def first(a): return 2"
    javascript = load_suite("multicode:javascript")[0]
    body = "  return true;\n"
    whole = f"{javascript.prompt.rstrip()}\n{body}}}\n"
    for text in (body, javascript.prompt + body, whole):
        assert generated_program({}, javascript, text) == whole
    helped = next(one for one in load_suite("multicode:javascript") if one.task_id.endswith("/38"))
    program = generated_program({}, helped, helped.prompt + "  return s;\n}")
    assert program.count("function encode_cyclic") == 1
