"""Right programs whose text, results or exceptions are of another form: all must pass.

>>> {attack.kind for attack in ATTACKS}, {attack.expect for attack in ATTACKS}
({'right'}, {('passed',)})
"""

from overproof.sandbox.attacks.attack import CHECK_ADD, Attack, source

_TEXTS = {
    "byte_order_mark": "\ufeffdef add(a, b):\n    return a + b\n",
    "mark_and_coding": "\ufeff# -*- coding: utf-8 -*-\ndef add(a, b): return a + b\n",
    "windows_line_ends": "def add(a, b):\r\n    if a:\r\n        pass\r\n    return a + b\r\n",
    "old_mac_line_ends": "def add(a, b):\r    return a + b\r",
    "no_line_end": "def add(a, b): return a + b",
    "coding_line": "#!/usr/bin/python3\n# coding: latin-1\ndef add(a, b): return a + b\n",
    "tabs": "def add(a, b):\n\tif a:\n\t\tpass\n\treturn a + b\n",
    "continued_lines": "def add(a,\\\n        b):\n    return a \\\n        + b\n",
}

_RESULTS: dict[str, tuple[str, str]] = {
    "generator": ("def add(a, b):\n    yield a\n    yield b\n", "list(candidate(2, 3)) == [2, 3]"),
    "map_object": ("def add(a, b): return map(int, (a, b))\n", "list(candidate(2, 3)) == [2, 3]"),
    "range_object": ("def add(a, b): return range(a, b)\n", "list(candidate(2, 5)) == [2, 3, 4]"),
    "range_with_length": (
        "def add(a, b): return range(a, b)\n",
        "len(candidate(2, 5)) == 3 and candidate(2, 5)[1] == 3",
    ),
    "view_of_keys": (
        "def add(a, b): return {a: 1, b: 2}.keys()\n",
        "len(candidate(2, 3)) == 2 and 3 in candidate(2, 3)",
    ),
    "view_of_values": (
        "def add(a, b): return {1: a, 2: b}.values()\n",
        "len(candidate(2, 3)) == 2 and sorted(candidate(2, 3)) == [2, 3]",
    ),
    "deque": (
        "import collections\ndef add(a, b): return collections.deque([a, b])\n",
        "list(candidate(2, 3)) == [2, 3] and len(candidate(2, 3)) == 2",
    ),
    "byte_array": (
        "def add(a, b): return bytearray((a, b))\n",
        "candidate(2, 3) == b'\\x02\\x03'",
    ),
    "ordered_dict": (
        "import collections\ndef add(a, b): return collections.OrderedDict([(b, a), (a, b)])\n",
        "list(candidate(2, 3).items()) == [(3, 2), (2, 3)]",
    ),
    "date": (
        "import datetime\ndef add(a, b): return datetime.date(2000, a, b)\n",
        "str(candidate(2, 3)) == '2000-02-03'",
    ),
    "tuple": ("def add(a, b): return a, b\n", "candidate(2, 3) == (2, 3)"),
    "none": ("def add(a, b): pass\n", "candidate(2, 3) is None"),
    "truth": ("def add(a, b): return a == b\n", "candidate(2, 3) is False"),
    "set": ("def add(a, b): return {a, b}\n", "candidate(2, 3) == {3, 2}"),
    "frozen_set": ("def add(a, b): return frozenset({a})\n", "candidate(2, 3) == frozenset({2})"),
    "dict": ("def add(a, b): return {(a, 1): [b]}\n", "candidate(2, 3) == {(2, 1): [3]}"),
    "counter": (
        "import collections\ndef add(a, b): return collections.Counter([a, a, b])\n",
        "candidate(2, 3) == {2: 2, 3: 1}",
    ),
    "default_dict": (
        "import collections\ndef add(a, b):\n    d = collections.defaultdict(list)\n"
        "    d[a].append(b)\n    return d\n",
        "candidate(2, 3) == {2: [3]}",
    ),
    "named_tuple": (
        "import collections\nP = collections.namedtuple('P', 'x y')\n"
        "def add(a, b): return P(a, b)\n",
        "candidate(2, 3) == (2, 3)",
    ),
    "int_enum": (
        "import enum\nclass E(enum.IntEnum):\n    five = 5\ndef add(a, b): return E.five\n",
        "candidate(2, 3) == 5",
    ),
    "big_int": ("def add(a, b): return 10 ** 5000 + a\n", "candidate(2, 3) == 10 ** 5000 + 2"),
    "float": ("def add(a, b): return a / b\n", "abs(candidate(1, 3) - 1 / 3) < 1e-12"),
    "infinite": ("def add(a, b): return float('-inf')\n", "candidate(1, 3) == -float('inf')"),
    "negative_zero": (
        "def add(a, b): return -0.0\n",
        "str(candidate(1, 3)) == '-0.0'",
    ),
    "complex": ("def add(a, b): return complex(a, b)\n", "candidate(2, 3) == 2 + 3j"),
    "bytes": ("def add(a, b): return bytes((a, b))\n", "candidate(2, 3) == b'\\x02\\x03'"),
    "text": ("def add(a, b): return '\\u00e9\\x00\\U0001f600'\n", "candidate(2, 3)[1] == chr(0)"),
    "long_text": ("def add(a, b): return 'x' * 10 ** 6\n", "len(candidate(2, 3)) == 10 ** 6"),
    "long_list": (
        "def add(a, b): return list(range(10 ** 5))\n",
        "candidate(2, 3)[-1] == 99_999",
    ),
    "nested": (
        "def add(a, b):\n    x = []\n    for _ in range(50): x = [x]\n    return x\n",
        "repr(candidate(2, 3)) == '[' * 51 + ']' * 51",
    ),
    "shared_parts": (
        "def add(a, b):\n    x = [a]\n    return [x, x]\n",
        "candidate(2, 3) == [[2], [2]]",
    ),
    "fraction": (
        "from fractions import Fraction\ndef add(a, b): return Fraction(a) + b\n",
        "candidate(2, 3) == 5",
    ),
    "decimal_number": (
        "from decimal import Decimal\ndef add(a, b): return Decimal(a) + b\n",
        "candidate(2, 3) == 5",
    ),
}

_RAISES = Attack(
    name="raises_what_is_expected",
    kind="right",
    what="an exception that the test expects, with its message",
    program="def add(a, b):\n    raise ValueError(f'cannot add {a} and {b}')\n",
    expect=("passed",),
    test=source("""
        def check(candidate):
            try:
                candidate(2, 3)
            except ValueError as error:
                assert "cannot add 2 and 3" in str(error)
            else:
                assert False, "nothing was raised"
    """),
)

_KEYWORDS = Attack(
    name="keyword_arguments",
    kind="right",
    what="arguments by name, defaults, many values",
    program="def add(*values, start=0, **names): return sum(values, start) + sum(names.values())\n",
    expect=("passed",),
    test="def check(candidate):\n    assert candidate(1, 2, start=3, other=4) == 10\n",
)

_IN_PLACE = Attack(
    name="keeps_what_it_was_told",
    kind="right",
    what="state that lasts from one call to the next",
    program="seen = []\ndef add(a, b):\n    seen.append(a + b)\n    return list(seen)\n",
    expect=("passed",),
    test=source("""
        def check(candidate):
            assert candidate(1, 2) == [3]
            assert candidate(3, 4) == [3, 7]
    """),
)

ATTACKS = (
    *(
        Attack(
            name=name,
            kind="right",
            what="a text that begins or ends in another way",
            program=program,
            expect=("passed",),
            test=CHECK_ADD,
        )
        for name, program in _TEXTS.items()
    ),
    *(
        Attack(
            name=f"returns_{name}",
            kind="right",
            what=f"a result of another kind: {name.replace('_', ' ')}",
            program=program,
            expect=("passed",),
            test=f"def check(candidate):\n    assert {assertion}\n",
        )
        for name, (program, assertion) in _RESULTS.items()
    ),
    _RAISES,
    _KEYWORDS,
    _IN_PLACE,
)
