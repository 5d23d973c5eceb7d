r"""Programs whose text is odd: to the reader, the compiler, or whoever shows it.

>>> next(a for a in ATTACKS if a.name == "null_byte").text({})
'def add(a, b): return "\x00"\n'
"""

from collections.abc import Callable

from overproof.records import Status
from overproof.sandbox.attacks.attack import FAILED, NEVER_RAN, Attack

_WRONG = "def add(a, b): return a - b\n"
_TEXTS: dict[str, tuple[str, str | Callable[[], str]]] = {
    "null_byte": ("a null byte ends the judge", 'def add(a, b): return "\0"\n'),
    "null_bytes_only": ("a text of null bytes ends the judge", "\0" * 1000),
    "surrogate_in_a_string": (
        "text without bytes ends the judge",
        "def add(a, b): return '\ud800'\n",
    ),
    "surrogate_name": ("a name without bytes ends the judge", "def add\udcff(a, b): return 5\n"),
    "empty": ("an empty text passes", ""),
    "white_space": ("a text of white space passes", " \t\n\x0c\n" * 100),
    "comment": ("a comment passes", "# def add(a, b): return a + b\n"),
    "prose": ("an answer in words ends the judge", "Sure! Here is the function you asked for:\n"),
    "fenced": ("a fence around the code ends the judge", f"```python\n{_WRONG}```\n"),
    "nested_parentheses": (
        "deep parentheses overflow the compiler",
        lambda: _WRONG + "x = " + "(" * 5000 + ")" * 5000 + "\n",
    ),
    "nested_brackets": (
        "deep brackets overflow the compiler",
        lambda: _WRONG + "x = " + "[" * 150 + "(" * 150 + "\n",
    ),
    "tower_of_signs": (
        "a tower of signs overflows the compiler",
        lambda: _WRONG + "x = " + "-" * 200_000 + "1\n",
    ),
    "tower_of_not": (
        "a tower of operators overflows the compiler",
        lambda: _WRONG + "x = " + "not " * 50_000 + "1\n",
    ),
    "chain_of_sums": (
        "a long sum overflows the compiler",
        lambda: _WRONG + "x = " + "1 + " * 60_000 + "1\n",
    ),
    "chain_of_attributes": (
        "a long chain of attributes overflows the compiler",
        lambda: _WRONG + "x = a" + ".b" * 60_000 + "\n",
    ),
    "chain_of_calls": (
        "a long chain of calls overflows the compiler",
        lambda: _WRONG + "x = a" + "()" * 60_000 + "\n",
    ),
    "chain_of_comparisons": (
        "a long comparison keeps the compiler busy",
        lambda: _WRONG + "x = 1" + " < 1" * 30_000 + "\n",
    ),
    "chain_of_lambdas": (
        "nested functions overflow the compiler",
        lambda: _WRONG + "x = " + "lambda: " * 5000 + "1\n",
    ),
    "chain_of_else": (
        "a long chain of conditions overflows the compiler",
        lambda: _WRONG + "if 0: pass\n" + "elif 0: pass\n" * 8000,
    ),
    "deep_blocks": (
        "deep blocks overflow the compiler",
        lambda: "".join(" " * n + "if 1:\n" for n in range(120)) + " " * 120 + "pass\n" + _WRONG,
    ),
    "deep_functions": (
        "nested definitions overflow the compiler",
        lambda: (
            "".join(f"{' ' * n}def f{n}():\n" for n in range(90)) + " " * 90 + "pass\n" + _WRONG
        ),
    ),
    "nested_f_strings": (
        "nested f-strings keep the compiler busy",
        lambda: _WRONG + "x = " + "f'{" * 100 + "1" + "}'" * 100 + "\n",
    ),
    "nested_comprehensions": (
        "nested comprehensions overflow the compiler",
        lambda: _WRONG + "x = " + "[0 for _ in " * 60 + "[]" + "]" * 60 + "\n",
    ),
    "many_decorators": (
        "thousands of decorators overflow the compiler",
        lambda: "@(lambda f: f)\n" * 20_000 + _WRONG,
    ),
    "many_dict_entries": (
        "a dict of many entries keeps the compiler busy",
        lambda: _WRONG + "x = {" + ", ".join(f"{n}: {n}" for n in range(50_000)) + "}\n",
    ),
    "many_parameters": (
        "a function of many parameters keeps the compiler busy",
        lambda: _WRONG + "def f(" + ", ".join(f"x{n}" for n in range(20_000)) + "): pass\n",
    ),
    "line_of_3_mib": (
        "one long line keeps the compiler busy",
        lambda: _WRONG + "x = '" + "a" * (3 << 20) + "'\n",
    ),
    "line_of_20_mib": (
        "one huge line fills the memory of the judge",
        lambda: _WRONG + "x = '" + "a" * (20 << 20) + "'\n",
    ),
    "comment_of_20_mib": (
        "a huge comment fills the memory of the judge",
        lambda: _WRONG + "#" + "\u2028" * (20 << 20) + "\n",
    ),
    "a_million_lines": (
        "a million empty lines keep the compiler busy",
        lambda: "\n" * 1_000_000 + _WRONG,
    ),
    "constant_folded": ("the compiler works out a huge power", _WRONG + "x = 9 ** 9 ** 9\n"),
    "constant_repeated": ("the compiler builds a huge text", _WRONG + "x = 'x' * 10**12\n"),
    "constant_shifted": ("the compiler shifts by billions", _WRONG + "x = 1 << (1 << 40)\n"),
    "huge_number": (
        "a number of a million digits keeps the compiler busy",
        lambda: _WRONG + "x = " + "9" * 1_000_000 + "\n",
    ),
    "unknown_coding": (
        "an unknown coding line ends the judge",
        "# -*- coding: no-such-coding -*-\n" + _WRONG,
    ),
    "odd_coding": ("a coding line hides code", "# -*- coding: utf-7 -*-\n" + _WRONG),
    "late_future_import": (
        "an import from the future in a later line ends the judge",
        _WRONG + "from __future__ import annotations\n",
    ),
    "barry": (
        "an import from the future changes the comparison of the test",
        "from __future__ import barry_as_FLUFL\n" + _WRONG,
    ),
    "mixed_tabs": (
        "tabs and spaces mixed mean another thing to each reader",
        "def add(a, b):\n\tif a:\n        return 5\n\treturn a - b\n",
    ),
    "right_to_left": (
        "marks of direction make the code look right",
        "def add(a, b):\n    return a - b  # \u202e b + a nruter \u2066\n",
    ),
    "look_alike_letters": (
        "letters that look alike pass for the entry point",
        "def \u0430dd(a, b): return a + b\n",
    ),
    "return_outside": ("a return outside of a function ends the judge", "return 5\n"),
    "await_outside": ("an await outside of a function ends the judge", "await 5\n"),
    "unfinished": ("an answer that was cut off ends the judge", "def add(a, b):\n    return (a +"),
    "open_quotes": ("quotes that never close end the judge", "def add(a, b):\n    '''add\n"),
    "backslash_at_the_end": ("a backslash at the end ends the judge", _WRONG + "x = 1 + \\"),
    "executes_itself": (
        "a text that executes itself overflows the judge",
        "exec(open(__file__).read())\n" + _WRONG,
    ),
    "imports_itself": (
        "a module that imports itself passes half loaded",
        "import candidate, __main__\nadd = getattr(candidate, 'add', 5)\n",
    ),
    "deletes_its_text": (
        "a program that removes its own file ends the judge",
        "import os\nos.unlink(__file__)\n" + _WRONG,
    ),
    "warns_of_its_text": (
        "warnings of the compiler end the judge",
        "import warnings\nwarnings.simplefilter('error')\nx = '\\d'\nx is 5\n" + _WRONG,
    ),
    "assigns_to_debug": ("an assignment to a constant ends the judge", "__debug__ = 1\n" + _WRONG),
    "walrus_at_class_level": (
        "a syntax error that is found late ends the judge",
        "class A:\n    x = [y := 1 for _ in ()]\n" + _WRONG,
    ),
    "nonlocal_at_top": ("a nonlocal name at the top ends the judge", "nonlocal add\n" + _WRONG),
    "many_globals": (
        "a hundred thousand names keep the judge busy",
        lambda: "".join(f"v{n} = {n}\n" for n in range(40_000)) + _WRONG,
    ),
    "escape_sequences": (
        "a message with control sequences steers the user's terminal",
        "def add(a, b): raise ValueError('\\x1b[2J\\x1b]0;passed\\x07\\x9b31m\\r\\npassed')\n",
    ),
    "exception_of_many_lines": (
        "a message of many lines breaks the report",
        "def add(a, b): raise ValueError('\\n'.join(['passed'] * 999) + '\\u2028\\u202e')\n",
    ),
}

_ANY: tuple[Status, ...] = (*FAILED, *NEVER_RAN)

ATTACKS = tuple(
    Attack(name=name, kind="source_text", what=what, program=program, expect=_ANY, budget="small")
    for name, (what, program) in _TEXTS.items()
)
