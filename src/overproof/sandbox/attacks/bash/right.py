"""Right programs in Bash that use much of the language: all must pass.

>>> {attack.kind for attack in ATTACKS}, {attack.expect for attack in ATTACKS}
({'right'}, {('passed',)})
"""

from overproof.sandbox.attacks.attack import corpus

_SUMS = {
    "plain": r"""
        # a function
        add() { echo $(($1 + $2)); }
    """,
    "function_keyword": r"""
        # the other way to write a function, with its body in a subshell
        function add (
          cd /
          echo "$(($1 + $2))"
        )
    """,
    "fails_after_the_answer": r"""
        # a function whose last command has another status than 0
        add() { echo $(($1 + $2)); false; }
    """,
    "exits_after_the_answer": r"""
        # a function that exits
        add() { echo $(($1 + $2)); exit 1; }
    """,
    "strict_mode": r"""
        # a program that ends at the first failure
        set -euo pipefail
        shopt -s inherit_errexit
        IFS=$'\n\t'
        readonly offset=0
        add() { echo $(($1 + $2 + offset)); }
    """,
    "main_guard": r"""
        # a main part that reads input and exits
        add() { echo $(($1 + $2)); }
        if [[ ${BASH_SOURCE[0]} == "$0" ]]; then add "$@"; fi
        main() { add 1 2 > /dev/null; }
        main "$@"
        exit
    """,
    "prints_while_loading": r"""
        # a program that prints while it is loaded, on the other stream
        echo loading
        echo "value: 7" >&2
        add() { echo "adding $1 and $2" >&2; echo $(($1 + $2)); }
    """,
    "spaces_around": r"""
        # a number with white space around it
        add() { printf '  %d  \n\n\n' $(($1 + $2)); }
    """,
    "cleans_up": r"""
        # a temporary file that a trap removes
        add() {
          local file
          file=$(mktemp) || return
          trap 'rm -f "$file"' RETURN
          echo "$1 $2" > "$file"
          read -r a b < "$file"
          echo $((a + b))
        }
    """,
    "other_programs": r"""
        # awk, bc's like and pipelines
        add() { printf '%s\n' "$1" "$2" | awk '{ sum += $1 } END { print sum }' | tail -n 1 | cat; }
    """,
    "redefines_words": r"""
        # functions with the names of builtins and of programs
        echo() { builtin echo "$@"; }
        cd() { builtin cd "$@" && :; }
        send() { echo "$1"; }
        add() { send $(($1 + $2)); }
    """,
    "arrays_and_maps": r"""
        # arrays, maps, namerefs, here-strings and process substitution
        declare -A seen
        total() {
          local -n list=$1
          local sum=0 n
          for n in "${list[@]}"; do ((sum += n)); done
          echo $sum
        }
        add() {
          local numbers
          mapfile -t numbers < <(tr ' ' '\n' <<< "$1 $2")
          seen[$1]=$2
          total numbers
        }
    """,
    "recursion": r"""
        # recursion in subshells
        add() {
          if (($2 < 1)); then echo $(($1 + $2)); else echo "$(add $(($1 + 1)) $(($2 - 1)))"; fi
        }
    """,
    "background_work": r"""
        # work in the background that is waited for
        add() { { sleep 0.01; echo $(($1 + $2)) > sum; } & wait; cat sum; }
    """,
    "no_last_line_end": "# a program without a line break at its end\nadd() { echo $(($1 + $2)); }",
}
_CHECK_LIST = """
def check(candidate):
    assert candidate([3, 1], 2) == [[1, 2], [3, 2]]
"""
_LISTS = {
    "nested_list": r"""
        # a list of lists, one in a line
        add() { local n; for n in $1; do echo "$n $2"; done | sort -n; }
    """,
}
_SCRIPTS = {
    "reads_its_input": r"""
        # a whole program that reads standard input
        while read -r -a words; do sum=0; for n in "${words[@]}"; do ((sum += n)); done; done
        echo "$sum"
    """,
}

ATTACKS = (
    *corpus("right", _SUMS, language="bash", expect=("passed",)),
    *corpus(
        "right",
        _LISTS,
        language="bash",
        expect=("passed",),
        test=_CHECK_LIST,
        reference="    return [[n, b] for n in sorted(a)]\n",
    ),
    *corpus("right", _SCRIPTS, language="bash", expect=("passed",), cases=(("2 3\n", "5\n"),)),
)
