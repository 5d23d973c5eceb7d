import ast
import dataclasses
import json
import random
from collections import Counter

import pytest

from overproof.errors import DataError, UsageError
from overproof.pairs.certificates import check_certificate, summarise_suites
from overproof.pairs.contamination import decontaminate
from overproof.pairs.files import make_pair
from overproof.pairs.overlap import OverlapRules, content_words
from overproof.pairs.ranking import as_problem
from overproof.pairs.source import bare_string, docstrings, find_function, prose
from overproof.records import Problem, Source
from overproof.suites import load_suites

RUNS = Problem(
    task_id="Own/0",
    prompt='''from typing import List


def longest_plateau(heights: List[int]) -> int:
    """ Given the heights of neighbouring hills along a valley, measure how many hills in a row
    have the same height at most.
    >>> longest_plateau([1, 2, 2, 3])
    2
    """
''',
    entry_point="longest_plateau",
    canonical_solution="""    best = current = 0
    previous = None
    for height in heights:
        current = current + 1 if height == previous else 1
        best = max(best, current)
        previous = height
    return best
""",
    test="def check(candidate):\n    assert candidate([1, 2, 2, 3]) == 2\n",
    suite="own",
)
TERSE = Problem(
    task_id="Own/1",
    prompt='def common(a, b):\n    """Find the greatest common divisor of two whole numbers."""\n',
    entry_point="common",
    canonical_solution="    while b:\n        a, b = b, a % b\n    return a\n",
    test="",
    suite="own",
)
SUITE = [RUNS, TERSE]
CLEAN = make_pair(
    "Split a sentence at its blanks and strip what is left.",
    "def parts(s):\n    found = [p.strip() for p in s.split()]\n    return [*filter(None, found)]",
)


def verdict(text, code, problems=SUITE, rules=None):
    """Return rule and task of the removal of one pair; None if it is clean."""
    pair = make_pair(text, code)
    options = () if rules is None else (rules,)
    result = decontaminate([CLEAN, pair], problems, *options)
    assert result.certificate.pairs_out == len(result.pairs)
    if result.pairs == [CLEAN, pair]:
        return None
    assert result.pairs == [CLEAN]
    (removal,) = result.certificate.removed
    assert removal.pair == pair.key
    assert removal.evidence
    return removal.rule, removal.task_id


def test_the_problem_itself():
    for problem in SUITE:
        program = problem.prompt + problem.canonical_solution
        assert verdict("", program) == ("docstring", problem.task_id)


def test_a_docstring_below_an_import_counts():
    first, rest = TERSE.prompt.split("\n", 1)
    late = dataclasses.replace(TERSE, prompt=f"{first}\n    import math\n{rest}")
    text = "Find the greatest common divisor of two whole numbers"
    assert verdict(text, "def f(x):\n    return solve(x)", [late]) == ("docstring", "Own/1")
    code = "def f(p, q):\n    import math\n    while q:\n        p, q = q, p % q\n    return p"
    assert verdict("Solve it.", code, [late]) == ("tree", "Own/1")


def test_an_otherwise_new_function_under_the_same_docstring():
    text = (
        "given the HEIGHTS of neighbouring hills\nalong a valley; measure how many hills in a row"
    )
    text += " have the same height (at most)!\n\n>>> f([7])\n1"
    assert verdict(text, "def f(x):\n    return solve(x)") == ("docstring", "Own/0")


def test_a_canonical_solution_with_other_names_annotations_and_comments():
    code = """
def streak(xs: list) -> "int":
    # Count.
    top = run = 0
    last: object = None
    for x in xs:
        run = run + 1 if x == last else 1

        top = max(top, run)
        last = x
    return top
"""
    assert verdict("Count the longest streak.", code) == ("tree", "Own/0")
    assert verdict("Count the longest streak.", code.replace("else 1", "else 2")) == (
        "near_code",
        "Own/0",
    )


def test_a_solution_hidden_behind_another_function():
    helper = "def other(p, q):\n    while q:\n        p, q = q, p % q\n    return p\n\n"
    code = helper + "def lowest(p, q):\n    return p * q // other(p, q)"
    assert verdict("Find the lowest shared multiple.", code) == ("tree", "Own/1")


def test_ten_words_of_the_description_inside_another_text():
    text = "A puzzle: from the heights of neighbouring hills along a valley, measure how many fit."
    assert verdict(text, "def f(x):\n    return solve(x)") == ("text", "Own/0")
    nine = "A puzzle: heights of neighbouring hills along a valley, measure how it goes."
    assert verdict(nine, "def f(x):\n    return solve(x)") is None


def test_the_description_in_a_helpers_docstring():
    quoted = RUNS.prompt.split('"""')[1]
    code = f'def helper():\n    """{quoted}"""\n\ndef f(x):\n    return helper()'
    assert verdict("Do what the helper does.", code) == ("text", "Own/0")


def test_a_part_of_the_solution_with_its_own_names():
    code = """
def count(heights, shift):
    previous = current = shift
    for height in heights:
        current = current + 1 if height == previous else 1
    return current
"""
    assert verdict("Count something with a shift.", code) == ("code", "Own/0")


def test_a_terse_solution_inside_more_code():
    code = "def reduce(a, b):\n    c = a\n    while b:\n        a, b = b, a % b\n    return a and c"
    code = code.replace("% b", "% (b or c)")
    assert verdict("Reduce a fraction to lowest terms.", code) is None
    code = code.replace("% (b or c)", "% b")
    assert verdict("Reduce a fraction to lowest terms.", code) == ("code", "Own/1")


def test_a_solution_pasted_into_the_text():
    text = f"Say what this does.\n\n{RUNS.canonical_solution}"
    assert verdict(text, "def f():\n    return 'nothing'") in [("code", "Own/0"), ("text", "Own/0")]


def test_the_same_task_in_other_words_under_the_same_name():
    code = "def Longest_Plateau(xs):\n    return solve(xs)"
    other = "Measure how many neighbouring hills have the same height."
    assert verdict(other, code) == ("name", "Own/0")
    assert verdict("Draw a flat mountain on the canvas.", code) is None
    assert verdict(other, code.replace("Plateau", "Hill")) is None


@pytest.mark.parametrize(
    "code",
    [
        "def f(n):\n    r = []\n    for i in range(len(n)):\n        r.append(n[i])\n    return r",
        "def f(n):\n    return [x for x in n if isinstance(x, int) and not isinstance(x, bool)]",
    ],
)
def test_boilerplate_is_no_overlap(code):
    problem = dataclasses.replace(
        RUNS,
        prompt='def g(x):\n    """Measure the depth of a lake."""\n',
        entry_point="g",
        canonical_solution="\n".join(code.replace("(n)", "(x)").split("\n")[1:])
        + "".join(f"\n    lake{n} = {n} * depth{n} + {n}" for n in range(9)),
    )
    assert verdict("Copy a list of something.", code, [problem]) is None


def test_content_words():
    assert content_words(["return", "the", "list", "of", "heights", "in", "valley"]) == 2
    assert content_words(["1", "2", "3", "4", "heights", "heights", "ab"]) == 1


@pytest.mark.parametrize(
    ("change", "text", "code"),
    [
        (
            {"n": 11},
            "A puzzle: the heights of neighbouring hills along a valley, measure how it.",
            "",
        ),
        (
            {"min_text_content": 8},
            "the heights of neighbouring hills along a valley, measure how",
            "",
        ),
        ({"min_docstring_words": 10}, "Find the greatest common divisor of two whole numbers.", ""),
        (
            {"min_similarity": 0.9},
            "Find the greatest divisor of two numbers.",
            "def common(x):\n    return solve(x)",
        ),
        (
            {"min_code_content": 4},
            "Count something.",
            "def f(heights, previous):\n    for height in heights:\n"
            "        current = current + 1 if height == previous else previous",
        ),
        (
            {"min_code_share": 0.9},
            "Count something.",
            "def f(a, b):\n    while b:\n        a, b = b, a % b\n    return b",
        ),
        (
            {"min_shared_runs": 6},
            "Count something.",
            "def f(a, b):\n    while b:\n        a, b = b, a % b\n    return b",
        ),
    ],
)
def test_each_bound_decides(change, text, code):
    code = code or "def f(x):\n    return solve(x)"
    exact = {"min_jaccard": 1.0, "min_near_runs": 1000}
    assert verdict(text, code, rules=OverlapRules(**exact)) is not None
    assert verdict(text, code, rules=OverlapRules(**exact | change)) is None


@pytest.mark.parametrize(
    "change",
    [{"n": 1}, {"min_similarity": 0}, {"min_code_share": 1.1}, {"min_jaccard": 0}],
)
def test_bounds_that_would_remove_all_or_nothing_are_refused(change):
    with pytest.raises(UsageError, match=next(iter(change))):
        decontaminate([], [], OverlapRules(**change))


def test_problems_of_other_languages_are_compared_by_words_and_tokens():
    problem = Problem(
        task_id="JS/0",
        prompt="// Measure how many hills in one row of the valley are equal.\nfunction f(x) {",
        entry_point="f",
        canonical_solution="return x;}",
        test="",
        suite="js",
        language="javascript",
    )
    text = "Measure how many hills in one row of the valley are equal, please."
    assert verdict(text, "def f(x):\n    return solve(x)", [problem]) == ("text", "JS/0")
    (suite,) = decontaminate([], [problem]).certificate.suites
    assert (suite.name, suite.problems, suite.without_tree) == ("js", 1, 1)


def test_the_certificate_is_plain_json_and_counts_add_up():
    dirty = make_pair("", RUNS.prompt + RUNS.canonical_solution, origin="leak:1")
    certificate = decontaminate([CLEAN, dirty], SUITE).certificate
    plain = json.loads(json.dumps(certificate.as_json()))
    assert (plain["pairs_in"], plain["pairs_out"], len(plain["removed"])) == (2, 1, 1)
    assert plain["removed"][0]["origin"] == "leak:1"
    assert plain["removed"][0]["name"] == "longest_plateau"
    assert plain["method"]["n"] == 10
    assert [suite["problems"] for suite in plain["suites"]] == [2]
    assert plain["version"] == 2
    assert plain["method"]["minhash"] == {"permutations": 128, "seed": 1, "bands": [32, 4]}


def test_decontaminating_twice_removes_nothing_more():
    dirty = make_pair("", TERSE.prompt + TERSE.canonical_solution)
    once = decontaminate([dirty, CLEAN], SUITE)
    twice = decontaminate(once.pairs, SUITE)
    assert twice.pairs == once.pairs == [CLEAN]
    assert twice.certificate.removed == []
    assert twice.certificate.content == once.certificate.content


def test_without_problems_everything_stays():
    assert decontaminate([CLEAN], []).pairs == [CLEAN]


def test_pairs_are_removed_by_their_own_problems():
    assert decontaminate([CLEAN], [as_problem(CLEAN)]).pairs == []


def test_a_certificate_is_about_these_pairs_and_these_problems():
    result = decontaminate([CLEAN], SUITE)
    check_certificate(result.certificate, [CLEAN], SUITE)
    check_certificate(result.certificate, [CLEAN], [])
    dirty = make_pair("", RUNS.prompt + RUNS.canonical_solution)
    with pytest.raises(DataError, match="other pairs"):
        check_certificate(result.certificate, [CLEAN, dirty], SUITE)
    changed = dataclasses.replace(TERSE, canonical_solution="    return a\n")
    with pytest.raises(DataError, match="'own'"):
        check_certificate(result.certificate, [CLEAN], [RUNS, changed])
    with pytest.raises(DataError, match="'new'"):
        check_certificate(result.certificate, [CLEAN], [dataclasses.replace(RUNS, suite="new")])


SPILL = Problem(
    task_id="Own/2",
    prompt='def spill(jugs):\n    """Tell how much water the fullest jug of a shelf spills."""\n',
    entry_point="spill",
    canonical_solution="""    lost, empty = 0, []
    for number, jug in enumerate(jugs):
        over = jug.level - jug.size
        if over > lost and not jug.closed:
            lost = over
        elif jug.level == 0:
            empty.append(number)
    return lost if len(empty) < len(jugs) else -1
""",
    test="",
    suite="own",
)
EDITED = """def f(shelf):
    most, rest = 0, []
    for place, one in enumerate(shelf):
        much = one.level - one.size
        if much > most and not one.closed:
            most = much
        elif one.level == 0:
            rest.append(place)
    most = abs(most)
    return most if len(rest) < len(shelf) else -1
"""


def test_a_description_with_a_few_words_changed():
    text = "Tell how much water the fullest jug of one shelf spills."
    assert verdict(text, "def f(x):\n    return solve(x)", [SPILL]) == ("near_text", "Own/2")
    strict = OverlapRules(min_jaccard=0.9)
    assert verdict(text, "def f(x):\n    return solve(x)", [SPILL], strict) is None


def test_a_solution_with_other_names_and_one_more_line():
    assert verdict("Count something.", EDITED, [SPILL]) == ("near_code", "Own/2")
    for change in ({"near_code_run": 20}, {"min_near_runs": 80}, {"min_jaccard": 0.95}):
        assert verdict("Count something.", EDITED, [SPILL], OverlapRules(**change)) is None


def test_a_translated_problem_counts_in_both_languages():
    translated = dataclasses.replace(
        SPILL,
        task_id="lua/2",
        prompt="-- A shelf of jugs is given.\nlocal function spill(jugs)\n",
        canonical_solution="",
        suite="multicode:lua",
        language="lua",
        source=Source(
            task_id=SPILL.task_id,
            prompt=SPILL.prompt,
            entry_point=SPILL.entry_point,
            canonical_solution=SPILL.canonical_solution,
        ),
    )
    text = "Tell how much water the fullest jug of a shelf spills."
    other = dataclasses.replace(make_pair(text, "def f(x):\n    return solve(x)"), language="lua")
    copied = make_pair("Count something.", EDITED.replace("    most = abs(most)\n", ""))
    both = decontaminate([other, copied, CLEAN], [translated, dataclasses.replace(translated)])
    assert both.pairs == [CLEAN]
    assert [(row.rule, row.task_id) for row in both.certificate.removed] == [
        ("docstring", "lua/2"),
        ("tree", "lua/2"),
    ]
    (suite,) = both.certificate.suites
    assert suite.without_tree == 0
    bare = dataclasses.replace(translated, source=None)
    assert summarise_suites([bare])[0].content != summarise_suites([translated])[0].content
    assert summarise_suites([bare])[0].without_tree == 1


@pytest.mark.models
def test_humaneval_with_words_and_lines_changed_is_found():
    problems = load_suites(["humaneval"])
    draw = random.Random(0)
    told, edited = [], []
    for problem in problems:
        said = prose(docstrings(problem.prompt)[-1][1]).split()
        for place in draw.sample(range(len(said)), 1 + len(said) // 15):
            said[place] = draw.choice(["item", "record", "number", "particular"])
        told.append(make_pair(" ".join(said), "def f(x):\n    return solve(x)"))
        lines = renamed(problem).split("\n")
        lines.insert(1, "    extra = 0")
        edited.append(make_pair("Do what is needed here.", "\n".join(lines)))
    rules = Counter(row.rule for row in decontaminate(told, problems).certificate.removed)
    assert rules.total() >= 0.97 * len(problems), rules
    rules = Counter(row.rule for row in decontaminate(edited, problems).certificate.removed)
    assert rules.total() >= 0.9 * len(problems), rules


def renamed(problem):
    """Return the entry point alone, with every name that it binds replaced."""
    tree = ast.parse(problem.prompt + problem.canonical_solution)
    node = find_function(tree, problem.entry_point)
    bound = {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}
    bound |= {
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)
    }
    node.name = "work"
    node.body = [s for s in node.body if not bare_string(s)] or node.body
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and part.id in bound:
            part.id = f"x{sorted(bound).index(part.id)}"
        elif isinstance(part, ast.arg):
            part.arg = f"x{sorted(bound).index(part.arg)}"
    return ast.unparse(node)
