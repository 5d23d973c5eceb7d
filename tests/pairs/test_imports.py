import gzip
import json

import pytest

from overproof.errors import DataError, RowError, UnknownNameError, UsageError
from overproof.pairs.files import make_pair, write_pairs
from overproof.pairs.imports import COLUMNS, import_pairs
from overproof.pairs.ranking import has_examples
from overproof.pairs.shapes import SHAPES
from overproof.pairs.specs import parse_source

pyarrow = pytest.importorskip("pyarrow")
from pyarrow import parquet  # noqa: E402

CODE = "def drift(xs):\n    first = xs[0]\n    return xs[-1] - first\n"
TEXT = "Return how far the last of some numbers is from the first."
DOCUMENTED = CODE.replace("    first", f'    """{TEXT}"""\n    first', 1)
ANSWER = f"That is easy.\n\n```python\n{CODE}```\n\nIt subtracts."
JAVA = "public static int drift(int[] xs) {\n    int first = xs[0];\n    return xs[1] - first;\n}"

ROWS = {
    "codesearchnet": {
        "repository_name": "own/repo",
        "func_path_in_repository": "a/b.py",
        "func_name": "drift",
        "whole_func_string": DOCUMENTED,
        "func_code_string": CODE,
        "func_documentation_string": "Return how far.",
        "func_code_tokens": ["def"],
        "language": "python",
    },
    "codesearchnet_packed": {
        "repo": "own/repo",
        "path": "a/b.py",
        "func_name": "drift",
        "original_string": DOCUMENTED,
        "code": DOCUMENTED,
        "docstring": TEXT,
        "language": "python",
    },
    "vault": {
        "hexsha": "0",
        "repo": "own/repo",
        "path": "a/b.py",
        "license": ["MIT", "Apache-2.0"],
        "language": "Python",
        "identifier": "drift",
        "original_string": CODE,
        "code": CODE,
        "docstring": TEXT,
    },
    "mbpp": {
        "task_id": 601,
        "text": TEXT,
        "code": CODE.replace("\n", "\r\n"),
        "test_list": ["assert drift([1, 4]) == 3", "assert drift([2]) == 0"],
        "test_setup_code": "",
        "challenge_test_list": [],
    },
    "oss_instruct": {"problem": TEXT, "solution": ANSWER, "lang": "python", "index": 1},
    "opc_instruct": {
        "seq_id": 7,
        "instruction": TEXT,
        "output": ANSWER,
        "code": CODE,
        "entry_point": "drift",
        "testcase": ["assert drift([1, 4]) == 3"],
    },
    "response": {"instruction": TEXT, "response": ANSWER, "sha1": "0"},
    "input_output": {
        "id": "x",
        "input": TEXT,
        "output": ANSWER,
        "unit_tests": json.dumps(["\nassert drift([1, 4]) == 3\n", "assert drift([2]) == 0"]),
        "tests_execution_status": json.dumps(["pass", "pass"]),
        "average_test_score": "1.0",
    },
    "instruction_output": {"instruction": TEXT, "output": ANSWER},
}
CHECKED = ("mbpp", "opc_instruct", "input_output")


def write(tmp_path, *rows, name="rows.jsonl"):
    path = tmp_path / name
    content = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def read(path, options="", languages=("python",)):
    return import_pairs(parse_source(f"{path}{options}"), languages)


def reason(tmp_path, row, options="#licence=MIT", languages=("python",)):
    """Return why a row is left out, beside one that is not."""
    good = ROWS["response"] | {"instruction": "Return how wide a row of numbers spreads."}
    found = read(write(tmp_path, good, row), options, languages)
    assert (len(found.pairs), found.rows) == (1, 2)
    ((why, count),) = found.dropped.items()
    assert count == 1
    return why


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_every_shape_gives_the_same_pair(tmp_path, shape):
    (pair,) = read(write(tmp_path, ROWS[shape]), "#licence=MIT").pairs
    assert pair.text.split("\n")[0] == TEXT
    assert pair.code == CODE
    assert pair.prompt == CODE.split("\n")[0] + "\n    " + pair.prompt.split("\n    ", 1)[1]
    assert pair.body == CODE.split("\n", 1)[1]
    assert has_examples(pair) == (shape in CHECKED)
    assert pair.licence == ("MIT AND Apache-2.0" if shape == "vault" else "MIT")
    if shape in ("codesearchnet", "codesearchnet_packed", "vault"):
        assert pair.origin == "own/repo/a/b.py/drift"
    else:
        assert pair.origin == ("MBPP/601" if shape == "mbpp" else "rows.jsonl:1")
    assert set(SHAPES[shape].fields) <= COLUMNS


def test_assertions_become_worked_examples(tmp_path):
    (pair,) = read(write(tmp_path, ROWS["mbpp"]), "#licence=MIT").pairs
    assert pair.text == f"{TEXT}\n>>> drift([1, 4])\n3\n>>> drift([2])\n0"


def test_setup_code_stands_before_a_function_that_needs_it(tmp_path):
    row = ROWS["mbpp"] | {
        "code": "def twin(n):\n    return Duo(n, n)",
        "test_list": ["assert twin(3) == Duo(3, 3)"],
        "test_setup_code": "from collections import namedtuple\nDuo = namedtuple('Duo', 'a b')",
    }
    (pair,) = read(write(tmp_path, row), "#licence=MIT").pairs
    assert pair.prompt.startswith("from collections import namedtuple\nDuo = ")
    assert not has_examples(pair)
    unneeded = ROWS["mbpp"] | {"test_setup_code": "import math"}
    assert "math" not in read(write(tmp_path, unneeded), "#licence=MIT").pairs[0].prompt


@pytest.mark.parametrize("name", ["r.jsonl", "r.jsonl.gz", "r.json", "r.json.gz", "r.parquet"])
def test_every_form_of_file_holds_the_same_rows(tmp_path, name):
    rows = [ROWS["response"], ROWS["response"] | {"instruction": "Return how far it drifts."}]
    path = tmp_path / name
    if name.endswith(".parquet"):
        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    elif ".json." in f"{name}.":
        listed = json.dumps(rows).encode()
        path.write_bytes(gzip.compress(listed) if name.endswith(".gz") else listed)
    else:
        write(tmp_path, *rows, name=name)
    found = read(path, "#licence=MIT")
    assert [pair.text for pair in found.pairs] == [row["instruction"] for row in rows]
    assert [pair.origin for pair in found.pairs] == [f"{name}:1", f"{name}:2"]


def test_wild_cards_name_several_files_in_order(tmp_path):
    for number in (1, 0):
        row = ROWS["response"] | {"instruction": f"Return {number} and how far it drifts."}
        write(tmp_path, row, name=f"part-{number}.jsonl")
    found = read(tmp_path / "part-*.jsonl", "#licence=MIT")
    assert [pair.origin for pair in found.pairs] == ["part-0.jsonl:1", "part-1.jsonl:1"]
    with pytest.raises(UsageError, match="no file"):
        read(tmp_path / "none-*.jsonl")


@pytest.mark.parametrize(
    ("shape", "change", "why"),
    [
        ("response", {"response": "I cannot."}, "syntax"),
        ("response", {"response": "```java\nint x;\n```"}, "no_code"),
        ("response", {"response": ""}, "no_code"),
        ("response", {"response": "```python\nclass A:\n    pass\n```"}, "no_function"),
        ("response", {"response": ANSWER.replace("xs[0]", "lost[0]")}, "missing_name"),
        ("response", {"response": ANSWER.replace("```python", "```python\nimport numpy")},
         "package_import"),
        ("response", {"response": ANSWER.replace("def", "async def")}, "async"),
        ("response", {"instruction": "Do it."}, "short_text"),
        ("response", {"instruction": "Verschiebe все на 数字 и 数字 и всё 数字."}, "not_english"),
        ("response", {"instruction": TEXT + " Or else ask me@company.com."}, "secret"),
        ("response", {"instruction": TEXT * 30}, "long_prompt"),
        ("response", {"response": ANSWER.replace("xs[0]", "xs[0]" + " + 0" * 800)}, "long_code"),
        ("response", {"instruction": 3}, "damaged"),
        ("oss_instruct", {"lang": "swift"}, "language"),
        ("oss_instruct", {"lang": "rust"}, "language"),
        ("input_output", {"average_test_score": "0.9"}, "failed_tests"),
        ("input_output", {"average_test_score": "high"}, "damaged"),
        ("input_output", {"tests_execution_status": '["pass", "fail"]'}, "failed_tests"),
        ("mbpp", {"test_list": [1]}, "damaged"),
        ("vault", {"license": ["GPL-3.0-only"]}, "licence"),
        ("vault", {"license": ["MIT", "nobody's"]}, "licence"),
        ("vault", {"identifier": "other"}, "no_function"),
        ("codesearchnet", {"whole_func_string": DOCUMENTED.replace("(xs)", "(self, xs)")},
         "method"),
        ("codesearchnet", {"whole_func_string": DOCUMENTED.replace("    first = xs[0]\n", "")
          .replace("first", "xs[0]")}, "short_body"),
    ],
)  # fmt: skip
def test_rows_that_are_not_fit_are_counted(tmp_path, shape, change, why):
    assert reason(tmp_path, ROWS[shape] | change) == why


def test_what_was_written_to_be_learnt_from_may_be_short(tmp_path):
    row = ROWS["response"] | {"response": "```\ndef drift(xs):\n    return xs[-1] - xs[0]\n```"}
    assert read(write(tmp_path, row), "#licence=MIT").pairs[0].body == "    return xs[-1] - xs[0]\n"


def test_the_function_that_is_asked_for_is_found_among_others(tmp_path):
    program = f"def norm(xs):\n    return xs\n\n\n{CODE}\n\ndef main():\n    print(drift([1]))\n"
    two = program.replace("first = xs[0]", "first = norm(xs)[0]")
    texts = {"norm": "Return what `norm` makes of some numbers.", "drift": TEXT}
    for name, text in texts.items():
        row = {"instruction": text, "response": f"```py\n{program}```"}
        assert read(write(tmp_path, row), "#licence=MIT").pairs[0].name == name
    row = {"instruction": TEXT, "response": f"```\n{two}```"}
    pair = read(write(tmp_path, row), "#licence=MIT").pairs[0]
    assert (pair.name, "def norm" in pair.prompt) == ("drift", True)


def test_other_languages_where_they_are_asked_for(tmp_path):
    rows = [
        {"problem": TEXT, "solution": f"```java\n{JAVA}\n```", "lang": "java"},
        ROWS["vault"] | {"language": "Java", "code": JAVA, "original_string": JAVA},
        ROWS["codesearchnet"]
        | {"language": "java", "whole_func_string": JAVA, "func_documentation_string": TEXT},
    ]
    for row in rows:
        (pair,) = read(write(tmp_path, row), "#licence=MIT", ("java",)).pairs
        assert pair.prompt == f"/**\n * {TEXT}\n */\n" + JAVA.split("\n")[0] + "\n"
        assert (pair.text, pair.language, pair.name) == (TEXT, "java", "drift")
        assert pair.code == JAVA + "\n"
    assert reason(tmp_path, rows[0]) == "language"


def test_licences_come_from_the_row_the_source_or_the_card(tmp_path):
    (tmp_path / "data").mkdir()
    path = write(tmp_path / "data", ROWS["response"])
    with pytest.raises(DataError, match="none of its 1 rows") as error:
        read(path)
    assert "no licence was found" in error.value.hint
    assert read(path, "#licence=user").pairs[0].licence == "user"
    (tmp_path / "README.md").write_text("---\nlicense: odc-by\n---\nA data set.\n")
    assert read(path).pairs[0].licence == "ODC-By-1.0"
    assert read(path, "#licence=MIT").pairs[0].licence == "MIT"
    (tmp_path / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    with pytest.raises(DataError, match="CC-BY-NC"):
        read(path)
    owned = write(tmp_path / "data", ROWS["response"] | {"license": "Apache-2.0"})
    assert read(owned).pairs[0].licence == "Apache-2.0"


def test_rows_of_the_user_s_own_need_no_licence_but_keep_to_the_lengths(tmp_path):
    plain = {"text": TEXT, "code": CODE}
    found = read(write(tmp_path, plain, {"text": TEXT * 40, "code": CODE}, {"text": "no code"}))
    assert [pair.licence for pair in found.pairs] == ["user"]
    assert found.dropped == {"long_prompt": 1, "damaged": 1}
    assert read(write(tmp_path, plain), "#licence=MIT").pairs[0].licence == "MIT"


def test_rows_that_were_written_before_are_taken_as_they_are(tmp_path):
    pairs = [make_pair(TEXT, CODE, licence="ISC"), make_pair("Do.", CODE.replace("drift", "f"))]
    path = write_pairs(tmp_path / "pairs.jsonl", pairs)
    assert read(path).pairs == pairs
    table = pyarrow.Table.from_pylist([json.loads(line) for line in path.read_text().splitlines()])
    parquet.write_table(table, tmp_path / "pairs.parquet")
    assert read(tmp_path / "pairs.parquet").pairs == pairs
    path.write_text(path.read_text().replace("xs[-1]", "xs[0]"))
    with pytest.raises(RowError, match="edited"):
        read(path)


def test_a_limit_takes_the_first_that_are_fit(tmp_path):
    rows = [
        ROWS["response"] | {"instruction": text}
        for text in ("Short.", "Return how far one drifts.", "Return how far two drift.", "No.")
    ]
    found = read(write(tmp_path, *rows), "#limit=1&licence=MIT")
    assert [pair.text for pair in found.pairs] == [rows[1]["instruction"]]
    assert (found.rows, found.dropped) == (2, {"short_text": 1})


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("a.jsonl", b'{"text": 1\n', r"a.jsonl:1: not JSON"),
        ("a.jsonl", b'{"a": 1}\n\n[1]\n', r"a.jsonl:3: a list, not an object"),
        ("a.jsonl", b'{"a": "\xff"}\n', r"a.jsonl:1: not JSON"),
        ("a.jsonl.gz", b"no gzip", r"a.jsonl.gz: cannot be read"),
        (
            "a.jsonl.gz",
            gzip.compress(b'{"a": 1}\n' * 99, mtime=0)[:-9],
            r"a.jsonl.gz: cannot be read",
        ),
        ("a.json", b"[1, 2", r"a.json:1: not JSON"),
        ("a.parquet", b"PAR1 no", r"a.parquet: cannot be read as Parquet"),
        ("a.jsonl", b"", r"none of its 0 rows"),
        ("a.jsonl", b'{"foo": "x", "bar": "y"}\n', r"a.jsonl:1: no code or .* among bar, foo"),
    ],
)
def test_files_that_cannot_be_read_say_where(tmp_path, name, content, match):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=match) as error:
        read(path)
    assert error.value.hint


def test_sources_are_taken_apart():
    spec = parse_source("mbpp:my/mbpp.jsonl")
    assert (spec.kind, spec.place, spec.split) == ("mbpp", "my/mbpp.jsonl", "train")
    spec = parse_source("mbpp:a:b.parquet:validation#limit=3")
    assert (spec.place, spec.split, spec.limit) == ("a:b.parquet", "validation", 3)
    spec = parse_source("hub:o/n/c:test#licence=bsd-3-clause&limit=2")
    assert (spec.kind, spec.place, spec.split) == ("hub", "o/n/c", "test")
    assert (spec.licence, spec.limit) == ("BSD-3-Clause", 2)
    assert parse_source("src").kind == parse_source("installed:numpy").kind == "tree"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("mbpp:a.jsonl:rest", UnknownNameError),
        ("hub:alone", UsageError),
        ("hub:o//n", UsageError),
        ("a.jsonl#most=3", UnknownNameError),
        ("a.jsonl#limit=0", UsageError),
        ("a.jsonl#limit", UsageError),
        ("a.jsonl#licence=GPL-3.0", UsageError),
    ],
)
def test_sources_that_make_no_sense(text, kind):
    with pytest.raises(kind) as error:
        parse_source(text)
    assert error.value.hint
