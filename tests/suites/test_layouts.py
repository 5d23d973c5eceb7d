"""Problems in other layouts: MBPP, EvalPlus, lists and Parquet; damaged files say what is wrong.

The rows are made of HumanEval's own problems, in the fields of each benchmark.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from overproof.errors import DataError, RowError, UsageError
from overproof.records import Problem
from overproof.sandbox import Limits
from overproof.scoring import score
from overproof.suites import load_suite, read_problems
from overproof.suites.layouts import LAYOUTS, layout_lines
from overproof.suites.load import read_humaneval
from overproof.suites.mbpp import mbpp_problem

MBPP = {
    "task_id": 11,
    "text": 'Write a function to add a number to all.\r\nIt keeps \\n and """.',
    "code": "import math\r\nSTEP = 2\r\ndef helper(x):\r\n  return x\r\n"
    "def add_all(items, step=STEP):\r\n  return [helper(i) + step for i in items]",
    "test_list": ["assert add_all([1, 2]) == [3, 4]", "assert set(add_all([5], 1)) == {6}"],
    "test_setup_code": "",
    "challenge_test_list": [],
}


def written(folder: Path, *rows: Any, name: str = "theirs.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def statuses(folder: Path, problems: list[Problem], *samples: dict[str, Any]) -> list[str]:
    path = written(folder, *samples, name="samples.jsonl")
    return [outcome.status for outcome in score(path, problems, Limits()).outcomes]


def test_mbpp_becomes_a_function_with_its_text(tmp_path: Path) -> None:
    (problem,) = read_problems(written(tmp_path, MBPP))
    assert (problem.task_id, problem.entry_point) == ("MBPP/11", "add_all")
    assert problem.prompt.startswith("import math\nSTEP = 2\n\n\ndef add_all(items, step=STEP):\n")
    assert "helper" not in problem.prompt
    assert "assert add_all([1, 2]) == [3, 4]" in problem.prompt
    space: dict[str, Any] = {}
    exec(problem.prompt + problem.canonical_solution, space)
    assert 'It keeps \\n and """.' in space["add_all"].__doc__
    found = statuses(
        tmp_path,
        [problem],
        {"task_id": "MBPP/11", "completion": problem.canonical_solution},
        {"task_id": "Mbpp/11", "solution": "def add_all(items, step=2): return items"},
        {"task_id": "11", "generation": "def add_all(a, b=2):\n    return [i + b for i in a]"},
    )
    assert found == ["passed", "wrong_answer", "passed"]


def test_sanitised_mbpp_is_one_list(tmp_path: Path) -> None:
    row = {name: MBPP[name] for name in ("task_id", "code", "test_list")} | {
        "prompt": MBPP["text"],
        "source_file": "x.ipynb",
        "test_imports": ["import os"],
    }
    path = tmp_path / "sanitized-mbpp.json"
    path.write_text(json.dumps([row, row | {"task_id": 12}], indent=2))
    first, second = read_problems(path)
    assert (first.task_id, second.task_id, first.suite) == ("MBPP/11", "MBPP/12", "sanitized-mbpp")
    assert first.test.startswith("import os\n")


def test_mbpp_plus_of_the_hub_has_a_longer_test(tmp_path: Path) -> None:
    longer = (
        "import numpy as np\ndef same(a, b):\n    '''Equal.'''\n    assert a == b\n"
        "inputs = [[[1, 2]], [[]]]\nresults = [[3, 4], []]\n"
        "for i, (inp, exp) in enumerate(zip(inputs, results)):\n    same(add_all(*inp), exp)\n"
    )
    for test in (longer, longer.replace("    '''Equal.'''\n", "")):
        (problem,) = read_problems(written(tmp_path, MBPP | {"test": test}))
        found = statuses(
            tmp_path,
            [problem],
            {"task_id": "MBPP/11", "completion": problem.canonical_solution},
            {"task_id": "MBPP/11", "solution": "def add_all(a): return [3, 4]"},
        )
        assert found == ["passed", "wrong_answer"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"code": "def add_all(:"}, "its code or test is not Python"),
        ({"test_list": []}, "'test_list' is not a list of texts"),
        ({"test_list": ["assert other(1)"]}, "no assertion calls a function of its code"),
        ({"task_id": "x"}, "no number of a task"),
    ],
)
def test_damaged_mbpp_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(RowError, match=rf"theirs\.jsonl:1: .*{message}") as caught:
        read_problems(written(tmp_path, MBPP | change))
    assert "google-research-datasets/mbpp" in caught.value.hint


def test_an_overridden_function_does_not_come_back() -> None:
    code = "def f(a):\n    return 1\ndef f(a):\n    return 2\n"
    row = MBPP | {"code": code, "test_list": ["assert f(1) == 2"]}
    problem = mbpp_problem(row, "mbpp", "x")
    assert problem is not None
    assert "return 1" not in problem.prompt + problem.canonical_solution


def plus_row(number: int, inputs: list[list[Any]], atol: float = 0) -> dict[str, Any]:
    problem = read_humaneval()[number]
    return {
        "task_id": problem.task_id,
        "prompt": problem.prompt,
        "entry_point": problem.entry_point,
        "canonical_solution": problem.canonical_solution,
        "contract": "",
        "base_input": inputs[:1],
        "plus_input": inputs[1:] or {},
        "atol": atol,
    }


def test_plus_inputs_find_what_the_base_input_does_not(tmp_path: Path) -> None:
    row = plus_row(0, [[[1.0, 2.0], 0.5], [[], 0.1], [[1.0, 1.05], 0.1]])
    (problem,) = read_problems(written(tmp_path, row))
    found = statuses(
        tmp_path,
        [problem],
        {"task_id": "HumanEval/0", "completion": problem.canonical_solution},
        {"task_id": "HumanEval/0", "completion": "    return False\n"},
    )
    assert found == ["passed", "wrong_answer"]
    (base,) = read_problems(written(tmp_path, row | {"plus_input": {}}))
    wrong = {"task_id": "HumanEval/0", "completion": "    return False\n"}
    assert statuses(tmp_path, [base], wrong) == ["passed"]


def test_floats_may_differ_as_in_evalplus(tmp_path: Path) -> None:
    (problem,) = read_problems(written(tmp_path, plus_row(4, [[[1.0, 2.0, 4.0]]])))
    near = problem.canonical_solution.replace("return sum", "return 1e-8 + sum")
    far = problem.canonical_solution.replace("return sum", "return 1e-3 + sum")
    rows = [{"task_id": "HumanEval/4", "completion": body} for body in (near, far)]
    assert statuses(tmp_path, [problem], *rows) == ["passed", "wrong_answer"]


def test_a_zero_is_judged_by_its_polynomial(tmp_path: Path) -> None:
    (problem,) = read_problems(written(tmp_path, plus_row(32, [[[-6, 11, -6, 1]]], atol=1e-4)))
    rows = [
        {"task_id": "HumanEval/32", "completion": f"    {body}\n"}
        for body in ("return 3.0", "return 2.5", "xs.clear(); return 0")
    ]
    assert statuses(tmp_path, [problem], *rows) == ["passed", "wrong_answer", "wrong_answer"]


def test_damaged_plus_files_are_refused(tmp_path: Path) -> None:
    row = plus_row(0, [[[1.0], 0.5]])
    cases = [
        (row | {"base_input": [1]}, RowError, "'base_input' is not a list of lists"),
        (row | {"atol": "x"}, RowError, "'atol': got str"),
        (row | {"prompt": None}, RowError, "'prompt' is no text"),
        (row | {"task_id": "Mbpp/2"}, DataError, "have lost their types"),
    ]
    for content, kind, message in cases:
        with pytest.raises(kind, match=message):
            read_problems(written(tmp_path, content))


def test_parquet_is_read_as_the_hub_gives_it(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    problem = read_humaneval()[0]
    names = ("task_id", "prompt", "canonical_solution", "test", "entry_point")
    rows = [{name: getattr(problem, name) for name in names}]
    path = tmp_path / "test-00000-of-00001.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    assert [one.task_id for one in load_suite(str(path))] == ["HumanEval/0"]
    with pytest.raises(UsageError, match="no such file"):
        read_problems(tmp_path / "none.parquet")
    path.write_bytes(b"PAR1")
    with pytest.raises(DataError):
        read_problems(path)


def test_an_unknown_layout_names_its_fields_and_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(RowError, match="no known layout; its fields: question, answer") as caught:
        read_problems(written(tmp_path, {"question": "x", "answer": "y"}))
    assert "suite formats" in caught.value.hint
    assert len(list(layout_lines())) == len(LAYOUTS)


def test_infinities_as_python_writes_them_are_read(tmp_path: Path) -> None:
    row = plus_row(0, [[[float("inf"), 1.0], 0.5]])
    (problem,) = read_problems(written(tmp_path, row))
    good = {"task_id": "HumanEval/0", "completion": problem.canonical_solution}
    assert statuses(tmp_path, [problem], good) == ["passed"]
