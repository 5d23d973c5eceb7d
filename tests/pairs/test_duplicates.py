import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overproof.errors import UsageError
from overproof.pairs.duplicates import dedupe
from overproof.pairs.files import make_pair
from overproof.pairs.fingerprints import (
    code_tokens,
    nameless_tokens,
    ngrams,
    normalised_code,
    tree_hashes,
    words,
)
from overproof.pairs.rules import summarise

CODE = """
def total(numbers, start=0):
    for number in numbers:
        start += number
    return start
"""


def test_the_first_of_each_kind_of_copy_stays():
    first = make_pair("Return the total of the numbers.", CODE)
    copies = [
        make_pair("return the TOTAL of the\n\nnumbers", "def f(x):\n    return sum(x)"),
        make_pair("Add up.", CODE.replace("    return", "    # Done.\n\n    return")),
        make_pair("Sum up.", CODE.replace("number", "n").replace("total", "t")),
    ]
    other = make_pair("Return the product.", CODE.replace("+=", "*="))
    result = dedupe([first, *copies, other])
    assert result.pairs == [first, other]
    assert summarise(result.dropped) == {"same_code": 1, "same_text": 1, "same_tree": 1}
    assert dedupe(result.pairs).dropped == []


def test_other_languages_are_compared_by_their_tokens():
    pair = make_pair("Return the total.", CODE)
    one = dataclasses.replace(pair, text="one", code="f = x => x + 1;", language="javascript")
    two = dataclasses.replace(one, text="two", code="f =  x =>\n  x + 1;")
    assert [row.reason for row in dedupe([one, two]).dropped] == ["same_code"]


LONG = """
def spread(numbers, step=1):
    smallest, largest = numbers[0], numbers[0]
    for number in numbers[1:]:
        if number < smallest:
            smallest = number
        elif number > largest:
            largest = number
    return (largest - smallest) // step
"""
TEXT = "Return the distance between the smallest and the largest of some numbers, in whole steps"


def test_near_copies_go_where_a_threshold_is_given():
    first = make_pair(f"{TEXT}.", LONG)
    retold = make_pair(f"{TEXT} of one size.", "def g(x, y):\n    return x.width // y")
    longer = make_pair("Measure the width.", LONG.replace("    return", "    print()\n    return"))
    other = make_pair("Return the mean of the numbers.", CODE)
    pairs = [first, retold, longer, other]
    assert dedupe(pairs).pairs == pairs
    result = dedupe(pairs, 0.7)
    assert result.pairs == [first, other]
    assert [row.reason for row in result.dropped] == ["near_text", "near_code"]
    assert dedupe(pairs, 0.99).pairs == pairs
    assert dedupe(result.pairs, 0.7).dropped == []


def test_what_was_dropped_drops_nothing_in_its_turn():
    words = TEXT.split()
    chain = [
        make_pair(" ".join(words[number : number + 10]), code * 3)
        for number in range(4)
        for code in [f"def f{number}(x):\n    return {'x.a' + str(number)} - {number}\n"]
    ]
    kept = dedupe(chain, 0.7).pairs
    assert kept == [chain[0], chain[2]]


def test_translations_are_pairs_of_their_own():
    pair = make_pair(TEXT, LONG)
    lua = dataclasses.replace(pair, language="lua", key="0")
    assert dedupe([pair, lua], 0.5).pairs == [pair, lua]


@pytest.mark.parametrize("near", [-0.1, 1.1])
def test_a_threshold_is_a_jaccard_index(near):
    with pytest.raises(UsageError, match="near_duplicate"):
        dedupe([], near)


@given(st.permutations(["a_v", "zz_v", "list", "sum", "print", "begin_v", "x_v"]))
def test_the_tree_does_not_depend_on_bound_names(chosen):
    renamed = CODE
    for old, new in zip(("numbers", "number", "start", "total"), chosen, strict=False):
        renamed = renamed.replace(old, new)
    assert tree_hashes(renamed).keys() == tree_hashes(CODE).keys()


def test_the_tree_depends_on_all_else():
    changed = [
        CODE.replace("+=", "-="),
        CODE.replace("=0", "=1"),
        CODE.replace("start += number", "start += abs(number)"),
        CODE.replace("start += number", "number += start"),
        CODE.replace("start += number", "start += outer"),
        CODE.replace("start += number", "start += number.real"),
        CODE.replace("start += number", "start += number.imag"),
        CODE + "    return None\n",
    ]
    digests = [digest for code in [CODE, *changed] for digest in tree_hashes(code)]
    assert len(set(digests)) == len(changed) + 1


def test_the_tree_ignores_annotations_docstrings_and_layout():
    same = '''
def total(numbers: list[int], start: int = 0) -> int:
    """Add up."""
    for number in numbers: start += number
    return (start)
'''
    assert tree_hashes(same) == tree_hashes(CODE)
    typed = "def f(a):\n    b: int = a\n    return b"
    assert tree_hashes(typed) == tree_hashes(typed.replace(": int", ""))


def test_what_does_not_parse_has_no_tree_but_tokens():
    assert tree_hashes("fn f() {}") == {}
    assert normalised_code("fn f()  {}") == "fn f ( ) { }"


def test_tokens():
    assert words("Don't;  2.5\n\nX_y") == ["don", "t", "2", "5", "x", "y"]
    assert code_tokens("  # no\nA[i]  # yes") == ["a", "[", "i", "]", "#", "yes"]
    assert list(ngrams("abcd", 3)) == [("a", "b", "c"), ("b", "c", "d")]
    assert list(ngrams("ab", 3)) == []
    assert nameless_tokens("let best = parts.map(clean); // all") == nameless_tokens(
        "let y = z.map(x);"
    )
    assert nameless_tokens("a.size") != nameless_tokens("a.length")
