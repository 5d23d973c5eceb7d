import inspect
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overproof.errors import RowError, StorageError
from overproof.pairs.files import make_pair, read_pairs, write_pairs
from overproof.pairs.source import clean

CODE = "import math\n\n\ndef half(n):\n    # Down.\n    return math.floor(n / 2)\n"


def read(tmp_path, *rows):
    path = tmp_path / "user.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return read_pairs(path)


def run(pair, *arguments):
    namespace = {}
    exec(pair.prompt + pair.body, namespace)
    assert inspect.getdoc(namespace[pair.name]).strip() == pair.text
    return namespace[pair.name](*arguments)


def test_what_is_written_is_read_back(tmp_path):
    pairs = [make_pair(f"Return half of {n}.", CODE) for n in range(3)]
    assert read_pairs(write_pairs(tmp_path / "pairs.jsonl", pairs)) == pairs


def test_text_and_code(tmp_path):
    first, second = read(
        tmp_path,
        {"text": "Return half of n.", "code": CODE, "origin": "book:1", "license": "MIT"},
        {"docstring": "Double.", "code": "def two(n): return n * 2"},
    )
    assert run(first, 5) == 2
    assert first.prompt.startswith("import math\n\n\ndef half(n):\n")
    assert "# Down." in first.prompt
    assert first.code == "def half(n):\n    # Down.\n    return math.floor(n / 2)\n"
    assert (first.origin, first.licence) == ("book:1", "MIT")
    assert run(second, 5) == 10
    assert (second.origin, second.licence) == ("user.jsonl:2", "user")


def test_prompt_and_rest_of_the_function(tmp_path):
    prompt = 'from math import tau\n\n\ndef turn(n):\n    """ Return n turns.\n    """\n'
    row = {"task_id": "T/1", "prompt": prompt, "canonical_solution": "    return n * tau\n"}
    (pair,) = read(tmp_path, row)
    assert (pair.prompt, pair.body) == (prompt, "    return n * tau\n")
    assert (pair.text, pair.origin, pair.name) == ("Return n turns.", "T/1", "turn")


def test_prompt_and_whole_function(tmp_path):
    prompt = 'from math import tau\n\n\ndef turn(n):\n    """Return n turns."""\n'
    (pair,) = read(tmp_path, {"prompt": prompt, "solution": "def turn(n):\n    return n * tau"})
    assert run(pair, 0) == 0
    assert pair.text == "Return n turns."


def test_a_prompt_in_prose_is_the_text(tmp_path):
    (pair,) = read(tmp_path, {"prompt": "Write a function that halves.", "solution": CODE})
    assert pair.text == "Write a function that halves."
    assert run(pair, 5) == 2


def test_helpers_stay_before_or_behind_the_function_that_needs_them(tmp_path):
    behind = "def f(n):\n    return g(n) + 1\n\ndef g(n):\n    return n * 2\n\nprint(f(1))"
    before = "def g(n):\n    return n * 2\n\ndef f(n):\n    return g(n) + 1\n\nraise SystemExit"
    one, two = read(
        tmp_path,
        {"text": "Double and add one.", "code": behind, "entry_point": "f"},
        {"text": "Double and add one.", "code": before},
    )
    assert run(one, 3) == run(two, 3) == 7
    assert "def g" in one.body
    assert "def g" in two.prompt
    assert "SystemExit" not in two.body


def test_a_given_text_replaces_the_docstring(tmp_path):
    code = 'def f(n):\n    """Old."""\n    def inner():\n        return n\n    return inner()'
    (pair,) = read(tmp_path, {"text": "New text.", "code": code})
    assert run(pair, 4) == 4
    assert "Old" not in pair.prompt + pair.body + pair.code


def test_a_decorated_first_statement_stays_whole(tmp_path):
    code = "def f(n):\n    @staticmethod\n    def inner():\n        return n\n    return inner()"
    (pair,) = read(tmp_path, {"text": "Return n again.", "code": code})
    assert run(pair, 4) == 4


@pytest.mark.parametrize(
    ("row", "part"),
    [
        ({"text": "Only text."}, "no code"),
        ({}, "no code"),
        ({"text": "Half.", "code": "x = 1"}, "no function"),
        ({"text": "Half.", "code": CODE, "entry_point": "third"}, "no function third"),
        ({"text": "Half.", "code": "def f(:"}, "not Python"),
        ({"code": CODE}, "no description"),
        ({"text": 5, "code": CODE}, "text is a int"),
        ({"text": "Half.", "code": "function f() {}", "language": "javascript"}, "javascript"),
        ({"text": "Half.", "code": 'def f(n):\n    """Half."""'}, "after its docstring"),
        ({"text": "Half.", "code": "def f(n):\n    break"}, "does not compile"),
        ({"schema": 1, "text": "Half."}, "not a Pair row"),
        (["Half."], "not an object"),
    ],
)
def test_what_is_no_pair_is_named_with_its_line(tmp_path, row, part):
    with pytest.raises(RowError, match=part) as caught:
        read(tmp_path, {"text": "Return half of n.", "code": CODE}, row)
    assert "user.jsonl:2" in caught.value.message


def test_damaged_and_edited_rows(tmp_path):
    path = write_pairs(tmp_path / "pairs.jsonl", [make_pair("Return half of n.", CODE)])
    line = path.read_bytes()
    path.write_bytes(line.replace(b'Return half of n.","code', b'Return a third.","code'))
    with pytest.raises(RowError, match="edited"):
        read_pairs(path)
    path.write_bytes(b"\n" + line[:40])
    with pytest.raises(RowError, match=r"pairs\.jsonl:2: not JSON"):
        read_pairs(path)
    with pytest.raises(RowError, match="cannot be read"):
        read_pairs(tmp_path / "missing.jsonl")


def test_a_failed_write_keeps_the_old_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        write_pairs(tmp_path / "file" / "pairs.jsonl", [])


lines = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")))


@given(st.lists(lines, min_size=1, max_size=4))
def test_any_text_survives_as_a_docstring(rows):
    text = clean("\n".join(row.rstrip() for row in rows))
    if text:
        pair = make_pair(text, CODE)
        assert pair.text == text
        assert run(pair, 9) == 4
