"""Other benchmarks' files: which rows are theirs, by what names, and tests that run inside."""

import json
from pathlib import Path
from typing import Any

import pytest

from overproof.errors import DataError
from overproof.languages import load_language
from overproof.records import Outcome, Problem, Source
from overproof.sandbox import Limits
from overproof.sandbox.toolchains import toolchain
from overproof.scoring import score
from overproof.suites import read_problems
from overproof.suites.inside import job_inside, settled
from overproof.suites.peers import Aliases, SourceTested, sample_program
from overproof.suites.wrapping import WRAPPED, joined, without_vain_crates

PYTHON_CHECK = "def check(candidate):\n    assert candidate(1, 2) == 3\n"
MULTIPL_E = {
    "name": "HumanEval_53_add",
    "language": "js",
    "prompt": "function add(x, y){\n",
    "tests": "const assert = require('node:assert');\nassert.deepEqual(add(1, 2), 3);\n",
}
HUMANEVAL_X = {
    "task_id": "CPP/53",
    "prompt": "int add(int x,int y){\n",
    "canonical_solution": "    return x+y;\n}\n",
    "test": "int main(){\n    assert (add(1, 2)==3);\n}\n",
    "entry_point": "add",
}
MXEVAL = {
    "task_id": "MBRBP/7",
    "language": "ruby",
    "prompt": "def add(x, y)\n",
    "test": "raise 'Error at test case 1' if add(1, 2) != 3\n",
    "entry_point": "add",
    "canonical_solution": None,
}
MCEVAL = {
    "task_id": "Shell/2",
    "prompt": "add() {\n",
    "canonical_solution": "echo $(($1 + $2))\n}",
    "test": '[[ $(add 1 2) == "3" ]] || exit 1\n',
    "instruction": "…",
    "level": "easy",
    "entry_point": "add",
}


def written(folder: Path, *rows: dict[str, Any], name: str = "theirs.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("row", "task_id", "language"),
    [
        (MULTIPL_E, "HumanEval_53_add", "javascript"),
        (MULTIPL_E | {"language": "go_test.go"}, "HumanEval_53_add", "go"),
        (HUMANEVAL_X, "CPP/53", "cpp"),
        (MXEVAL, "MBRBP/7", "ruby"),
        (MCEVAL, "Shell/2", "bash"),
        (MCEVAL | {"task_id": "C#/2"}, "C#/2", "csharp"),
    ],
)
def test_rows_are_known_by_their_fields(
    tmp_path: Path, row: dict[str, Any], task_id: str, language: str
) -> None:
    (problem,) = read_problems(written(tmp_path, row))
    assert isinstance(problem, SourceTested)
    assert (problem.task_id, problem.language, problem.entry_point) == (task_id, language, "add")


@pytest.mark.parametrize("test", [PYTHON_CHECK, PYTHON_CHECK + "\ncheck(add)"])
def test_tests_in_python_are_judged_from_outside(tmp_path: Path, test: str) -> None:
    row = {"task_id": "Python/53", "prompt": "def add(x, y):\n", "test": test, "entry_point": "add"}
    (problem,) = read_problems(written(tmp_path, row))
    assert type(problem) is Problem
    assert problem.test == PYTHON_CHECK


def test_a_test_in_python_that_nobody_calls_is_called(tmp_path: Path) -> None:
    test = "def test_add():\n    assert add(1, 2) == 3\n"
    row = {"task_id": "Python/1", "prompt": "def add(x, y):\n", "test": test, "entry_point": "add"}
    problems = read_problems(written(tmp_path, row))
    samples = written(
        tmp_path,
        {"task_id": "Python/1", "completion": "    return x + y\n"},
        {"task_id": "Python/1", "completion": "    return x - y\n"},
        name="samples.jsonl",
    )
    found = score(samples, problems, Limits()).outcomes
    assert [outcome.status for outcome in found] == ["passed", "wrong_answer"]


def test_our_own_form_in_another_language_stays_ours(tmp_path: Path) -> None:
    row = HUMANEVAL_X | {"task_id": "mine/1", "language": "cpp", "test": PYTHON_CHECK}
    (problem,) = read_problems(written(tmp_path, row))
    assert type(problem) is Problem


def test_other_languages_are_skipped_and_a_file_of_them_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    swift = MULTIPL_E | {"language": "swift", "name": "HumanEval_1_x"}
    (problem,) = read_problems(written(tmp_path, swift, MULTIPL_E, MCEVAL | {"task_id": "R/1"}))
    assert problem.language == "javascript"
    told = capsys.readouterr().err
    assert "1 problems in swift skipped" in told
    assert "1 problems in r skipped" in told
    with pytest.raises(DataError, match="problems in swift only"):
        read_problems(written(tmp_path, swift))


def translated(language: str, entry_point: str = "has_close_elements") -> Problem:
    return Problem(
        task_id=f"{language}/0",
        prompt="function has_close_elements(numbers, threshold){\n",
        entry_point=entry_point,
        canonical_solution="",
        test=PYTHON_CHECK,
        language=language,
        source=Source(
            task_id="HumanEval/0",
            prompt="",
            entry_point="has_close_elements",
            canonical_solution="",
        ),
    )


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("rust/0", {}),
        ("Rust/0", {}),
        ("HumanEval_0_has_close_elements", {"language": "rs"}),
        ("HumanEval/0", {"language": "rust"}),
    ],
)
def test_problems_are_known_by_the_names_of_others(name: str, fields: dict[str, Any]) -> None:
    aliases = Aliases([translated("rust"), translated("java")])
    assert aliases.resolve(name, fields) == "rust/0"


def test_a_name_without_a_language_is_found_in_a_suite_of_one() -> None:
    name = "HumanEval_0_has_close_elements"
    assert Aliases([translated("rust")]).resolve(name, {}) == "rust/0"
    assert Aliases([translated("rust"), translated("java")]).resolve(name, {}) == name
    assert Aliases([translated("rust")]).resolve("Java/0", {}) == "Java/0"
    assert Aliases([translated("rust")]).resolve("mine/0", {}) == "mine/0"


def test_a_completion_follows_the_prompt_of_the_sample_where_that_begins_the_function() -> None:
    own = "const hasCloseElements = (xs, limit) => {\n"
    problem = translated("javascript")
    body = "  let has_close_elements = xs;\n  return true;\n"
    assert sample_program({"prompt": own}, problem, body, False) == f"{own}{body}}}\n"
    assert sample_program({"prompt": "Write it."}, problem, body, False).startswith(problem.prompt)


@pytest.mark.parametrize("line", ["echo ${#1} ${1//a/b} $#", "echo ${1##*/}"])
def test_what_is_no_comment_in_bash_hides_no_brace(line: str) -> None:
    problem = translated("bash", "f")
    prompt = {"prompt": "f() {\n"}
    assert sample_program(prompt, problem, f"    {line}\n", False) == f"f() {{\n    {line}\n}}\n"


def test_crates_that_are_only_named_are_no_matter() -> None:
    used = 'use regex::Regex;\nfn f() { Regex::new("a"); }\n'
    assert without_vain_crates("use rand::Rng;\nuse md5;\nfn f() {}\n").strip() == "fn f() {}"
    assert without_vain_crates(used) == used
    assert job_inside("a", "rust", used, "", "key") == "crate regex"


@pytest.mark.parametrize(
    ("language", "tests"),
    [
        ("go", "func TestA(t *testing.T) { assert.JSONEq(t, a(), b) }"),
        ("lua", "lu = require('luaunit')\nlu.assertItemsEquals(f(), {})"),
        ("javascript", 'const _ = require("lodash")\n_.sortBy(f())'),
        ("csharp", "Debug.Assert(F(1) == (1, 2));"),
    ],
)
def test_functions_of_libraries_that_are_not_here_are_missing(language: str, tests: str) -> None:
    assert isinstance(job_inside("a", language, "", tests, "key"), str)


def test_braces_of_a_class_around_the_tests_fit_either_form() -> None:
    tests = "    }\n    public static void main(String[] args) {\n    }\n\n}\n"
    for program in ("class P { void f() {\n}\n}", "class P { void f() {\n}\n}\n\n"):
        whole = "".join(joined(program, tests, "java"))
        assert whole.count("{") == whole.count("}")


# A right completion, a wrong one, and one that ends the program before its tests, with status 0.
CASES: dict[str, tuple[str, str, str, str, str]] = {
    "bash": (
        "add() {\n",
        '}\n\nset -e\nrun_test() {\n    [[ $(add 1 2) = "3" ]]\n'
        '    [[ $(add 2 2) = "4" ]]\n}\n\nrun_test',
        "    echo $(($1 + $2))\n",
        "    echo 3\n",
        "    echo 3\n}\nexit 0\nmore() {\n    true\n",
    ),
    "cpp": (
        "#include <cstdlib>\nlong add(long x, long y) {\n",
        "}\nint main() {\n    auto candidate = add;\n    assert(candidate(1, 2) == 3);\n"
        "    assert(candidate(2, 2) == 4);\n}\n",
        "    return x + y;\n",
        "    return 3;\n",
        "    std::exit(0);\n",
    ),
    "csharp": (
        "using System;\nusing System.Diagnostics;\nclass Problem {\n"
        "    public static long Add(long x, long y) {\n",
        "    }\n    public static void Main(string[] args) {\n"
        "    Debug.Assert(Add(1L, 2L) == (3L));\n"
        "    Debug.Assert(Add(2L, 2L) == (4L));\n    }\n\n}\n",
        "        return x + y;\n",
        "        return 3;\n",
        "        Environment.Exit(0); return 0;\n",
    ),
    "go": (
        'package add_test\n\nimport (\n    "testing"\n    "fmt"\n    "os"\n)\n\n'
        "func add(x int, y int) int {\n",
        "}\n\nfunc TestAdd(t *testing.T) {\n    tests := [][]int{{add(1, 2), 3}, {add(2, 2), 4}}\n"
        '    for i, tc := range tests {\n        t.Run(fmt.Sprintf("%d", i), func(t *testing.T) {\n'
        '            if tc[0] != tc[1] {\n                t.Errorf("wrong")\n            }\n'
        "        })\n    }\n}\n",
        "    return x + y\n",
        "    return 3\n",
        "    os.Exit(0)\n    return 0\n",
    ),
    "java": (
        "class Problem {\n    public static long add(long x, long y) {\n",
        "    }\n    public static void main(String[] args) {\n"
        "    assert(add((1l), (2l)) == (3l));\n"
        "    assert(add((2l), (2l)) == (4l));\n    }\n\n}\n",
        "        return x + y;\n",
        "        return 3;\n",
        "        System.exit(0); return 0;\n",
    ),
    "javascript": (
        "function add(x, y){\n",
        "const assert = require('node:assert');\nfunction test() {\n"
        "  assert.deepEqual(add(1, 2),3);\n"
        "  console.assert(add(2, 2) === 4);\n}\n\ntest();",
        "    return x + y;\n}\n",
        "    return 3;\n}\n",
        "    process.exit(0);\n}\n",
    ),
    "lua": (
        "local function add(x, y)\n",
        "lu = require('luaunit')\n\nfunction test_humaneval()\nlocal candidate = add\n"
        "    lu.assertEquals(candidate(1, 2), 3)\n    lu.assertEquals({candidate(2, 2)}, {4})\n"
        "end\n\nos.exit(lu.LuaUnit.run())",
        "    return x + y\nend\n",
        "    return 3\nend\n",
        "    os.exit(0)\nend\n",
    ),
    "perl": (
        "sub add {\n    my($x, $y) = @_;\n",
        "use Test::Deep;\n\nsub testhumaneval {\n    my $candidate = \\&add;\n"
        '    if(eq_deeply($candidate->(1, 2),3)) {\n        print "ok!" }else{\n'
        "        exit 1;\n    }\n"
        "    if(eq_deeply([$candidate->(2, 2)],[4])) { }else{ exit 1; }\n}\n\ntesthumaneval();",
        "    return $x + $y;\n}\n",
        "    return 3;\n}\n",
        "    exit 0;\n}\n",
    ),
    "php": (
        "<?php\nfunction add($x, $y) {\n",
        "function candidate(...$args) {\n    return add(...$args);\n}\n\nfunction test(): void {\n"
        '    if (candidate(1, 2) !== 3) { throw new Exception("Test failed!"); }\n'
        "    assert(candidate(2, 2) === 4);\n}\n\ntest();\n?>",
        "    return $x + $y;\n}\n",
        "    return 3;\n}\n",
        "    return 3;\n}\n?>\n<b>\n",
    ),
    "ruby": (
        "def add(x, y)\n",
        "require 'test/unit'\nclass TestHumanEval < Test::Unit::TestCase\n  def test_add\n"
        "    candidate = method(:add)\n    assert_equal(3, candidate.call(1, 2))\n"
        "    assert_equal(4, candidate.call(2, 2))\n  end\nend\n",
        "  x + y\nend\n",
        "  3\nend\n",
        "  exit 0\nend\n",
    ),
    "rust": (
        "fn add(x: isize, y: isize) -> isize {\n",
        "}\n\nfn main() {\n    let candidate = add;\n    assert_eq!(candidate(1, 2), 3);\n"
        "    assert_eq!(candidate(2, 2), 4);\n}\n",
        "    x + y\n",
        "    3\n",
        "    std::process::exit(0)\n",
    ),
    "typescript": (
        "function add(x: number, y: number): number {\n",
        "declare var require: any;\nconst assert = require('node:assert');\nfunction test() {\n"
        "  assert.deepEqual(add(1, 2),3);\n  console.assert(add(2, 2) === 4);\n}\n\ntest();",
        "    return x + y;\n}\n",
        "    return 3;\n}\n",
        "    (globalThis as any).process.exit(0);\n    return 0;\n}\n",
    ),
}


def test_every_language_has_its_case() -> None:
    assert set(CASES) == set(WRAPPED)


@pytest.mark.parametrize("name", sorted(CASES))
def test_tests_inside_tell_right_from_wrong_and_from_an_early_end(
    tmp_path: Path, name: str
) -> None:
    if toolchain(load_language(name)) is None:
        pytest.skip(f"{name} cannot be run here")
    prompt, tests, *completions = CASES[name]
    row = {"name": "HumanEval_53_add", "language": name, "prompt": prompt, "tests": tests}
    problems = read_problems(written(tmp_path, row))
    samples = [{"task_id": "HumanEval_53_add", "completion": text} for text in completions]
    found = score(written(tmp_path, *samples, name="samples.jsonl"), problems, Limits()).outcomes
    assert [outcome.passed for outcome in found] == [True, False, False], found
    assert found[1].status == "wrong_answer", found[1]
    assert all(outcome.inside for outcome in found)


def test_a_verdict_names_the_library_that_the_problem_needs() -> None:
    (problem,) = [
        SourceTested(
            task_id="JavaScript/162",
            prompt="",
            entry_point="f",
            canonical_solution="const md5 = require('js-md5')",
            test="f()",
            language="javascript",
        )
    ]
    detail = "Error: Cannot find module 'js-md5'"
    found = settled(Outcome(key="k", task_id="t", status="error", detail=detail), problem)
    assert (found.status, found.detail) == ("missing_tool", "js-md5")
    other = "Error: Cannot find module 'left-pad'"
    found = settled(Outcome(key="k", task_id="t", status="error", detail=other), problem)
    assert found.status == "error"
