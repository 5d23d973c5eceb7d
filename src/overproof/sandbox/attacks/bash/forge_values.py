r"""Wrong answers in Bash that look right: other text, many answers at once, pieces of messages.

A result is what the function printed, read as the type that the reference returned.

>>> {attack.kind for attack in ATTACKS}
{'forge'}
"""

from overproof.sandbox.attacks.attack import corpus

_CHECK_TEXT = """
def check(candidate):
    assert candidate("ab", "cd") == "abcd"
    assert candidate("", "x") == "x"
"""
_CHECK_LIST = """
def check(candidate):
    assert candidate([1], [2]) == [1, 2]
    assert sorted(candidate([3], [1])) == [1, 3]
    assert len(candidate([2], [4])) == 2
"""
_CHECK_TABLE = """
def check(candidate):
    assert candidate(2, 3) == {2: 5, 3: 5}
    assert candidate(1, 7) == {1: 8, 7: 8}
"""
_CHECK_TRUTH = """
def check(candidate):
    assert candidate(2, 3) == True
    assert candidate(0, 0) == False
"""
_CHECK_NOTHING = """
def check(candidate):
    assert candidate(2, 3) == 5
    assert candidate(0, 0) is None
"""
_CHECK_CLOSE = """
def check(candidate):
    assert abs(candidate(2, 3) - 5.0) < 1e-6
    assert abs(candidate(0.5, 1) - 1.5) < 1e-6
"""

_NUMBERS = {
    "prints_nothing": r"""
        # a function that prints nothing passes
        add() { :; }
    """,
    "returns_the_sum": r"""
        # the status of a function is taken for its result
        add() { return $(($1 + $2)); }
    """,
    "prints_on_stderr": r"""
        # what goes to standard error is taken for the result
        add() { echo $(($1 + $2)) >&2; }
    """,
    "prints_all_numbers": r"""
        # all numbers are printed, one of which is right
        add() { echo {-20..20}; }
    """,
    "prints_a_line_each": r"""
        # all numbers are printed in lines of their own, the last or the first of which is right
        add() { local sum=$(($1 + $2)); printf '%s\n' "$sum" 7 "$sum"; }
    """,
    "prints_an_expression": r"""
        # an expression that somebody evaluates to the right number passes
        add() { echo "$1 + $2"; }
    """,
    "prints_a_pattern": r"""
        # a pattern that matches every number passes
        add() { echo '*'; echo '[0-9]*'; }
    """,
    "prints_python": r"""
        # Python text that would be read by somebody who evaluates it passes
        add() { echo '__import__("os")._exit(0)'; }
    """,
    "prints_true": r"""
        # true for every sum passes
        add() { echo true; }
    """,
    "prints_nan": r"""
        # not a number passes
        add() { echo nan; }
    """,
    "prints_another_base": r"""
        # a number in another base, or with a separator, is taken for what it is not
        add() { printf '0x%x_0\n' $(($1 + $2)); }
    """,
    "prints_digits_without_end": r"""
        # a number of a million digits keeps the judge busy
        add() { head -c 1000000 /dev/zero | tr '\0' 9; }
    """,
    "prints_odd_digits": r"""
        # digits of another script pass for a number, or end the judge
        add() { printf '\u0665\n'; printf '²³\n'; }
    """,
    "prints_null_bytes": r"""
        # bytes that no text holds get by
        add() { printf '5\0\xff\xfe\xc0\x80\n\001\x1b[2J'; }
    """,
    "prints_the_end_of_a_message": r"""
        # text that would end its message, and begin another, is not kept apart from it
        add() { printf '"}\x0b\0\0\0{"value":%s}\\"},{"value":"%s' $(($1 + $2)) $(($1 + $2)); }
    """,
    "prints_surrogates": r"""
        # halves of characters end the judge
        add() { printf '\xed\xa0\x80\xed\xb0\x80\xf4\x90\x80\x80'; }
    """,
    "prints_a_verdict": r"""
        # a line that says passed is believed
        add() { printf 'passed\nOK\n1 passed, 0 failed\n{"status":"passed"}\n'; }
    """,
    "prints_8_mib": r"""
        # an answer of 9 MiB is taken in
        add() { head -c 9437184 /dev/zero | tr '\0' x; }
    """,
}
_TEXTS = {
    "echoes_its_arguments": r"""
        # arguments that are only printed pass for what is made of them
        add() { echo "$@"; }
    """,
    "prints_quotes": r"""
        # quotes around a text are taken off by somebody
        add() { printf '"%s"\n' "$1$2"; }
    """,
}
_LISTS = {
    "prints_brackets": r"""
        # a list as another language writes it passes
        add() { echo "[$1, $2]"; }
    """,
    "prints_one_in_a_line": r"""
        # a list in another order, with doubles, passes for the list
        add() { echo "$2" "$1" "$2"; }
    """,
}
_TABLES = {
    "keys_written_twice": r"""
        # a table that holds each key twice, once with the right value, passes
        add() { local k; for k in $1 $2; do echo "$k,7"; echo "0$k,$(($1 + $2))"; done; }
    """,
    "keys_that_collide": r"""
        # thousands of keys that have the same hash as numbers keep the judge busy
        add() {
          local i
          for ((i = 0; i < 40000; i++)); do
            REPLY=$((i * 40))
            printf '%s,1\n' "$((2305843009213693951 * (i % 4)))$i"
          done
          awk 'BEGIN { for (i = 1; i < 20000; i++) {
            # i * (2**61 - 1), digit by digit: too large for the arithmetic here
            n = i; carry = 0; text = ""; split("1 5 9 3 9 6 3 1 2 9 0 0 3 4 8 5 0 3 2", digit, " ")
            for (d = 1; d <= 19; d++) { carry += digit[d] * n
              text = (carry % 10) text; carry = int(carry / 10) }
            print carry text ",1" } }'
        }
    """,
    "prints_no_table": r"""
        # lines without a comma pass for a table
        add() { echo "$1: $(($1 + $2))"; echo "$2: $(($1 + $2))"; }
    """,
}
_TRUTHS = {
    "status_of_truth": r"""
        # the status of a command is taken for a truth
        add() { ((${1%.*} > 0)); }
    """,
    "prints_both": r"""
        # both truths at once pass
        add() { echo true false; }
    """,
    "prints_yes": r"""
        # a word that is true for somebody passes
        add() { echo yes; }
    """,
}

ATTACKS = (
    *corpus("forge", _NUMBERS, language="bash"),
    *corpus("forge", _TEXTS, language="bash", test=_CHECK_TEXT),
    *corpus("forge", _LISTS, language="bash", test=_CHECK_LIST),
    *corpus(
        "forge",
        _TABLES,
        language="bash",
        test=_CHECK_TABLE,
        reference="    return {a: a + b, b: a + b}\n",
    ),
    *corpus("forge", _TRUTHS, language="bash", test=_CHECK_TRUTH, reference="    return a > 0\n"),
    *corpus(
        "forge",
        {
            "nothing_for_none": r"""
                # an empty result passes for None
                add() { (($1)) && echo $(($1 + $2)); }
            """,
        },
        language="bash",
        test=_CHECK_NOTHING,
        reference="    return a + b if a else None\n",
    ),
    *corpus(
        "forge",
        {
            "nan_is_close": r"""
                # not a number is close to everything
                add() { echo NaN; }
            """,
        },
        language="bash",
        test=_CHECK_CLOSE,
    ),
)
