import ast
import dataclasses
import doctest
import inspect

import pytest

from overproof.pairs.functions import find_pairs
from overproof.pairs.rules import DEFAULT_RULES, REASONS, MiningRules
from overproof.pairs.source import BUILTINS, compiles, free_names, missing_names, prose

GOOD = '''
def clamp(value, low, high):
    """Return the value, but not below low or above high.

    >>> clamp(5, 0, 3)
    3
    """
    # Comments stay.
    if value < low:
        return low
    return min(value, high)
'''


def only(source, rules=DEFAULT_RULES):
    pairs, dropped = find_pairs(source, "pkg/mod.py", "MIT", rules)
    assert not dropped
    (pair,) = pairs
    return pair


def reason(source, rules=DEFAULT_RULES):
    pairs, dropped = find_pairs(source, "pkg/mod.py", "MIT", rules)
    assert not pairs
    (row,) = dropped
    assert row.reason in REASONS
    return row.reason


def function(body="    n += 1\n    return n", text="Return the number that follows n.", head=""):
    return f'{head}def follow(n):\n    """{text}"""\n{body}\n'


def test_a_pair_has_the_form_of_a_suites_prompt():
    pair = only(GOOD)
    assert pair.prompt.startswith("def clamp(value, low, high):\n")
    assert pair.prompt.endswith('    """\n')
    assert pair.body.startswith("    # Comments stay.\n    if value < low:")
    assert pair.text.splitlines()[0] == "Return the value, but not below low or above high."
    assert '"""' not in pair.code
    assert "# Comments stay." in pair.code
    assert (pair.origin, pair.licence) == ("pkg/mod.py:2", "MIT")


def test_prompt_and_body_run_and_pass_the_examples_of_the_text():
    pair = only(GOOD)
    namespace = {}
    exec(pair.prompt + pair.body, namespace)
    assert inspect.getdoc(namespace["clamp"]) == pair.text
    examples = doctest.DocTestParser().get_doctest(pair.text, namespace, "pair", None, 0)
    assert doctest.DocTestRunner().run(examples) == (0, 1)


def test_the_needed_imports_come_along_and_no_others():
    source = (
        "import os, re\nimport sys as system\nfrom math import pi, tau as turn, e\n"
        + function("    n = re.sub('a', 'b', n)\n    return n, turn, pi, system.path")
    )
    pair = only(source)
    assert pair.prompt.startswith(
        "import re\nimport sys as system\nfrom math import pi, tau as turn\n\n\ndef follow(n):"
    )
    assert not missing_names(pair.prompt + pair.body)


def test_postponed_annotations_stay_postponed():
    source = "from __future__ import annotations\nfrom typing import Any\n" + function().replace(
        "(n)", "(n: int | 'Any') -> Any"
    )
    pair = only(source)
    assert pair.prompt.startswith("from __future__ import annotations\nfrom typing import Any\n")
    exec(pair.prompt + pair.body, {})


def test_a_nested_function_is_dedented():
    source = "try:\n    import fast\nexcept ImportError:\n" + "\n".join(
        f"    {line}" if line else "" for line in GOOD.splitlines()
    )
    pair = only(source)
    assert pair.prompt.startswith("def clamp(")
    assert pair.text == only(GOOD).text


def test_a_literal_that_dedenting_would_change_is_not_mined():
    inner = function("    n = '''a\n        b'''\n    return n")
    source = "if True:\n" + "".join(f"    {line}\n" for line in inner.splitlines())
    assert reason(source) == "layout"


def test_windows_lines_and_form_feeds_do_not_shift_the_cut():
    source = "\f\nX = 1\n\f\n" + GOOD
    pair = only(source.replace("\n", "\r\n"))
    assert pair.code == only(GOOD).code


@pytest.mark.parametrize(
    ("expected", "source"),
    [
        ("syntax", "def f(:\n"),
        ("async", "async " + function()),
        ("method", function().replace("(n)", "(self, n)")),
        ("decorator", function(head="@app.route('/')\n")),
        ("no_docstring", "def f(n):\n    n += 1\n    return n\n"),
        ("no_docstring", function(text="   ")),
        ("stub", function("    pass")),
        ("stub", function("    ...")),
        ("stub", function("    raise NotImplementedError('later')")),
        ("stub", 'def f():\n    """Return what the subclass says."""\n'),
        ("layout", 'def f(n): "Return one more than n."; n += 1; return n\n'),
        ("layout", 'def f(n):\n    """Return one more than n."""; n += 1\n    return n\n'),
        ("not_english", function(text="Возвращает следующее число, большее чем данное")),
        ("not_english", function(text="Berechnet zu jeder Zahl ihren Nachfolger durch Addition")),
        ("short_text", function(text="Follow up.")),
        ("short_text", function(text="Follow.\n\n    >>> follow(1) # a b c d e f\n    2\n    ")),
        ("empty_text", function(text="Deprecated: use the other function instead.")),
        ("empty_text", function(text="See base class for what this does.")),
        ("short_body", function("    # one\n    # two\n\n    return n")),
        ("long_body", function("    n += 1\n" * 61)),
        ("long_code", function(f"    n += 1\n    return n, '{'x' * 2500}'")),
        ("long_prompt", function(text="The same word again. " * 75)),
        (
            "relative_import",
            "from .deep import thing\n" + function("    n = thing(n)\n    return n"),
        ),
        ("package_import", "import numpy as np\n" + function("    n = np.abs(n)\n    return n")),
        ("missing_name", "STEP = 1\n" + function("    n += STEP\n    return n")),
        ("missing_name", function("    global last\n    last = n\n    return n")),
        ("missing_name", function().replace("(n)", "(n=DEFAULT)")),
        ("missing_name", function().replace("(n)", "(n: Number)")),
        ("missing_name", "from os import *\n" + function("    n = open(n)\n    return n")),
        ("missing_name", function("    n = __file__\n    return globals()[n]")),
        ("secret", function("    n = 'jane.roe@corporation.com'\n    return n")),
        ("secret", function("    n = 'AKIAIOSFODNN7EXAMPLE'\n    return n")),
    ],
)
def test_what_is_not_mined_has_a_reason(expected, source):
    assert reason(source) == expected


@pytest.mark.parametrize(
    "binding",
    [
        "def sorted(x):\n    return x\n",
        "sorted = None\n",
        "try:\n    from fast import sorted\nexcept ImportError:\n    pass\n",
        "if 1:\n    import sorted\n",
        "class sorted: pass\n",
    ],
)
def test_a_builtin_that_the_module_rebinds_is_no_builtin(binding):
    source = binding + function("    n = sorted(n)\n    return n")
    _, dropped = find_pairs(source, "mod.py", "MIT")
    assert [row.reason for row in dropped][-1] == "missing_name"


def test_an_import_that_is_bound_again_is_not_copied():
    source = "import json\ntry:\n    import fast as json\nexcept ImportError:\n    pass\n"
    assert reason(source + function("    n = json.loads(n)\n    return n")) == "missing_name"


def test_caching_decorators_are_kept_with_their_import():
    pair = only("import functools\n" + function(head="@functools.lru_cache(maxsize=None)\n"))
    assert pair.prompt.startswith("import functools\n\n\n@functools.lru_cache(maxsize=None)\ndef ")
    assert pair.code.startswith("@functools.lru_cache")


def test_methods_and_inner_functions_are_no_candidates():
    source = "class A:\n" + "".join(f"    {line}\n" for line in GOOD.splitlines())
    assert find_pairs(source, "a.py", "MIT") == ([], [])


@pytest.mark.parametrize(
    ("source", "change"),
    [
        (function(text="Follow up."), {"min_words": 2}),
        (function("    return n + 1"), {"min_body_lines": 1}),
        (function("    n += 1\n" * 61), {"max_body_lines": 61}),
        (function(f"    n += 1\n    return n, '{'x' * 2500}'"), {"max_code_chars": 3000}),
        (function(text="The same word again. " * 75), {"max_prompt_chars": 3000}),
        ("STEP = 1\n" + function("    n += STEP\n    return n"), {"self_contained": False}),
        (
            "import numpy.linalg\n" + function("    n = numpy.abs(n)\n    return n"),
            {"packages": frozenset({"numpy"})},
        ),
    ],
)
def test_each_rule_decides(source, change):
    reason(source)
    assert only(source, dataclasses.replace(MiningRules(), **change)).name == "follow"


def test_free_names_sees_scopes():
    source = (
        "def f(a, b=B):\n"
        "    def inner(q: T):\n        nonlocal a\n        a = [x for x in outer if x]\n"
        "        return x\n"
        "    return inner, len, a\n"
    )
    assert free_names(source) == {"B", "T", "outer", "x", "len"}
    assert missing_names(source) == {"B", "T", "outer", "x"}


def test_what_is_called_a_builtin_is_one():
    assert {"len", "ValueError", "__import__"} <= BUILTINS
    assert not BUILTINS & {"exit", "quit", "license", "__name__", "__file__", "globals"}


def test_prose_ends_an_example_at_a_blank_line():
    assert prose("One.\n>>> f()\n... g()\nout\n\nTwo.").split() == ["One.", "Two."]


def test_compiles_is_stricter_than_parsing():
    assert ast.parse("return 1")
    assert not compiles("return 1")
    assert compiles("x = '\\d' is 'a'")
