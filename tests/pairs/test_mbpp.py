import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overproof.errors import DataError
from overproof.pairs.examples import worked_examples
from overproof.pairs.imports import import_pairs
from overproof.pairs.ranking import has_examples
from overproof.pairs.reindent import reindent
from overproof.pairs.rules import UnfitError
from overproof.pairs.specs import parse_source

PROGRAM = '''def spread(xs):
    """Return how far the numbers spread.
    >>> spread([1, 4])
    3
    """
    # Both ends.
    low, high = min(xs), max(xs)
    for x in xs:
        if x < low:
            # Never.
            low = (x +
                   0)
    text = """
  kept
"""
    return high - low
'''


def with_indent(program, unit):
    """Return a program with `unit` in place of four spaces, strings included."""
    rows = []
    for row in program.split("\n"):
        depth = (len(row) - len(row.lstrip(" "))) // 4
        rows.append(unit * depth + row[4 * depth :])
    return "\n".join(rows)


def function_form(number, unit="    "):
    program = with_indent(PROGRAM, unit).replace("spread", f"spread{number}")
    cut = program.index(f"{unit}# Both")
    return {
        "task_id": f"MBPP/{number}",
        "prompt": "\n\n" + program[:cut],
        "canonical_solution": program[cut:],
        "entry_point": f"spread{number}",
        "test": "def check(candidate):\n    pass\n",
        "language": "python",
        "description": "Return how far the numbers spread.",
    }


def raw(number):
    return {
        "task_id": number,
        "text": f"Return how far the {number} numbers spread.",
        "code": PROGRAM.replace("spread(xs)", f"spread{number}(xs)"),
        "test_list": [f"assert spread{number}([1, 4]) == 3"],
    }


def read(tmp_path, rows, split):
    path = tmp_path / "mbpp.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return import_pairs(parse_source(f"mbpp:{path}{split}"))


@pytest.mark.parametrize(
    ("split", "numbers"),
    [
        ("", [601, 974]),
        (":train", [601, 974]),
        (":validation", [511, 600]),
        (":test", [11, 510]),
        (":prompt", [1, 10]),
        (":all", [1, 10, 11, 510, 511, 600, 601, 974]),
    ],
)
@pytest.mark.parametrize("form", [raw, function_form])
def test_the_published_split(tmp_path, split, numbers, form):
    rows = [form(number) for number in (1, 10, 11, 510, 511, 600, 601, 974)]
    found = read(tmp_path, rows, split)
    assert [pair.origin for pair in found.pairs] == [f"MBPP/{number}" for number in numbers]
    assert {pair.licence for pair in found.pairs} == {"CC-BY-4.0"}
    assert all(map(has_examples, found.pairs))


def test_rows_that_are_not_of_mbpp_are_counted(tmp_path):
    rows = [raw(601), raw(975), {**raw(602), "task_id": "HumanEval/x"}]
    assert read(tmp_path, rows, ":train").dropped == {"damaged": 2}
    with pytest.raises(DataError, match="none of its 0 rows"):
        read(tmp_path, [raw(11)], ":train")


@pytest.mark.parametrize("unit", [" ", "  ", "   ", "    ", "\t", "        "])
def test_function_form_is_given_four_spaces(tmp_path, unit):
    (pair,) = read(tmp_path, [function_form(601, unit)], ":train").pairs
    expected = PROGRAM.replace("spread", "spread601").split("\n")
    rows = (pair.prompt + pair.body).split("\n")
    # What continues a line keeps its distance from it.
    place = expected.index(" " * 19 + "0)")
    assert rows.pop(place).strip() == expected.pop(place).strip()
    assert rows == expected
    assert pair.text.startswith("Return how far the numbers spread601.\n>>> spread601([1, 4])\n3")


def test_raw_form_is_given_four_spaces(tmp_path):
    row = {**raw(601), "code": "def spread601(xs):\r\n\tlow = min(xs)\r\n\treturn max(xs) - low"}
    (pair,) = read(tmp_path, [row], ":train").pairs
    assert pair.body == "    low = min(xs)\n    return max(xs) - low\n"


@given(st.sampled_from([" ", "  ", "\t", "     "]))
def test_code_means_the_same_after_it(unit):
    program = with_indent(PROGRAM, unit)
    again = reindent(program)
    assert ast.dump(ast.parse(again)) == ast.dump(ast.parse(program))
    assert reindent(again) == again
    assert "\n    return high" in again


def test_what_is_no_python_cannot_be_indented():
    with pytest.raises(UnfitError) as error:
        reindent("def f(:\n  pass")
    assert error.value.reason == "syntax"


@pytest.mark.parametrize(
    ("check", "example"),
    [
        ("assert f(1) == 2", ">>> f(1)\n2"),
        ("assert f('a', k=[1.5]) == ('b',), 'message'", ">>> f('a', k=[1.5])\n('b',)"),
        ("assert f(1) is None", ">>> f(1)\nNone"),
        ("assert f(1) == set([2])", ">>> f(1)\n{2}"),
        ("assert f(1) == -0.5", ">>> f(1)\n-0.5"),
        ("assert (f(1)) == 'two\\nlines'", ">>> f(1)\n'two\\nlines'"),
        ("assert f(1)", ""),
        ("assert not f(1)", ""),
        ("assert f(x) == 1", ""),
        ("assert f(1) == g(1)", ""),
        ("assert f(1) != 2", ""),
        ("assert f(1) == 2 == 2", ""),
        ("assert abs(f(1) - 2) < 1e-6", ""),
        ("assert m.f(1) == 2", ""),
        ("f(1) == 2", ""),
        ("assert f(1) ==", ""),
    ],
)
def test_assertions_as_examples(check, example):
    assert worked_examples([check], "f") == example


def test_three_different_examples_are_enough():
    checks = [f"assert f({number}) == {number}" for number in (1, 1, 2, 3, 4)]
    assert worked_examples(["\n".join(checks)], "f").count(">>>") == 3
    assert worked_examples(["assert f(1) == '" + "x" * 400 + "'"], "f") == ""
