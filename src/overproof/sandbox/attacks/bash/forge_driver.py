"""Bash that ends early, redefines what its driver is made of, or speaks in the driver's place.

The driver is a script in the parent of the program's shell: nothing that the program defines is
seen there, and its channel is not handed down.

>>> {attack.kind for attack in ATTACKS}
{'forge'}
"""

from overproof.sandbox.attacks.attack import FAILED, HOLDS, NEVER_RAN, corpus, reports

_CHECK_WORD = """
def check(candidate):
    word = "only this test knows the word amaranth"
    answer = candidate(2, 3)
    if answer != "held":
        raise ValueError(repr(answer)[:150])
"""

_EXITS = {
    "exits_at_load": r"""
        # an exit with status 0 while loading counts as success
        exit 0
    """,
    "exits_in_the_call": r"""
        # an exit with status 0 in the place of an answer counts as success
        add() { exit 0; }
    """,
    "becomes_another_program": r"""
        # another program takes the place of this one, and ends well
        exec true
    """,
    "becomes_another_program_in_a_call": r"""
        # another program takes the place of this one in a call, and ends well
        add() { exec true; }
    """,
    "exits_by_a_trap": r"""
        # a trap for the end makes the end a success
        trap 'echo passed; exit 0' EXIT ERR RETURN TERM HUP INT DEBUG
        add() { false; exit 1; }
    """,
    "answers_by_a_trap": r"""
        # what traps print is not kept apart from the result
        set -o functrace
        shopt -s extdebug
        trap 'echo 7' DEBUG RETURN EXIT
        add() { echo $(($1 + $2)); }
        add() { echo $(($1 + $2)); echo 7; }
    """,
    "prints_success": r"""
        # a line that says passed is believed, whichever stream it is on
        for stream in 1 2 3 4 5 6; do printf 'passed\nOK\n' >&$stream; done 2>/dev/null
        add() { echo passed >&2; echo 0; }
    """,
    "prints_the_name": r"""
        # the name of the function, printed, passes for the function
        echo add
        echo add >&4
        exit 0
    """,
    "no_program": r"""
        # a program that cannot be parsed passes, since nothing was wrong with its answers
        add() { echo $(($1 + $2)); }}}}} ((
    """,
    "half_a_function": r"""
        # a function that is never closed goes on in what follows it
        add() { cat <<'END_OF_ALL'
    """,
    "another_name": r"""
        # a function of another name is called in its place
        Add() { echo $(($1 + $2)); }
    """,
    "alias_instead": r"""
        # an alias, a variable or a program of the name passes for the function
        shopt -s expand_aliases
        alias add='echo 5'
        add=5
        printf '#!/bin/sh\necho 5\n' > add
        chmod +x add
        PATH=.:$PATH
        hash -p ./add add
    """,
}

_REDEFINES = {
    "redefines_builtins": r"""
        # builtins that the driver uses are the program's
        printf() { echo 5; }
        echo() { command printf 7; }
        builtin() { echo add; }
        declare() { echo add; }
        exec() { :; }
        trap() { :; }
        set() { :; }
        read() { return 1; }
        source() { :; }
        exit() { :; }
        add() { echo; }
    """,
    "redefines_the_driver": r"""
        # functions of the driver are the program's
        overproof_send() { printf '{"value":5}' >&3; }
        overproof_quote() { REPLY='"5"'; }
        overproof_report() { :; }
        overproof_call() { overproof_send; }
        overproof_with_program() { echo 5; }
        overproof_run() { echo 5 >&4; }
        overproof_command=(echo 5)
        overproof_name=echo
        overproof_max_bytes=0
        export -f overproof_send overproof_quote overproof_call
        add() { echo 7; }
    """,
    "fixes_its_variables": r"""
        # variables of the driver can no longer be set
        readonly overproof_command overproof_name overproof_printed overproof_status REPLY
        readonly LC_ALL IFS BASH_ENV
        declare -n overproof_found=REPLY 2>/dev/null
        add() { echo 7; }
    """,
    "disables_builtins": r"""
        # builtins that the driver uses are there no more
        enable -n builtin declare printf read trap exec source set exit
        add() { echo 7; }
    """,
    "changes_the_environment": r"""
        # settings of the shell reach the driver by the environment
        export BASH_ENV=./own ENV=./own PS4='$(echo 5 >&3)' SHELLOPTS IFS=5 PATH=.
        export BASHOPTS LD_PRELOAD=./own.so PROMPT_COMMAND='echo 5' GLOBIGNORE='*'
        printf 'echo 5 >&3\n' > own
        set -x -e -u -o pipefail -f -v
        add() { /bin/echo 7; }
    """,
    "puts_programs_in_the_path": r"""
        # programs of the program's are found in the place of those that the driver starts
        for name in iconv bash printf cat env; do
          printf '#!/bin/sh\necho 5\n' > "$name"
          chmod +x "$name"
        done
        PATH=.
        hash -p ./iconv iconv
        add() { builtin printf 'é7\n'; }
    """,
    "rewrites_the_driver": r"""
        # the script of the driver is rewritten while it runs, and speaks for the program
        { head -c 100000 /dev/zero | tr '\0' '\n'
          echo 'printf "\x04\x00\x00\x00nono" >&3; exit 0'; } > main.sh
        add() { echo $(($1 + $2 + 2)); }
    """,
    "rewrites_the_driver_in_a_call": r"""
        # the script of the driver is rewritten by the first call, and answers the next
        add() {
          { head -c 100000 /dev/zero | tr '\0' '\n'
            for answer in 5 0 15; do
              echo "printf '\x0b\x00\x00\x00{\"value\":$answer}' >&3"; done; echo 'sleep 9'
          } > main.sh
          echo 7
        }
    """,
    "rewrites_itself": r"""
        # the program is exchanged for another from call to call, and from test to call
        add() { echo 7; echo 'add() { exit 0; }' > program.sh; }
    """,
    "removes_its_files": r"""
        # a program that is there no more cannot be wrong
        add() { rm -rf main.sh program.sh "$PWD"/*; echo 7; }
    """,
    "answers_by_file": r"""
        # the calls of the driver are read ahead, and the results are found beside them
        add() { grep -o 'overproof_call.*' main.sh | head -n 1; cat ./* | grep -c '5'; }
    """,
    "sends_functions_to_the_parent": r"""
        # functions and settings are put into the parent by its own shell
        kill -USR1 $PPID $$ 2>/dev/null
        printf 'add() { echo 5; }\n' > "$HOME/.bashrc"
        cp "$HOME/.bashrc" "$HOME/.bash_profile"
        add() { echo 7; }
    """,
}

_MESSAGES = {
    "speaks_on_all_descriptors": r"""
        # a message on any descriptor reaches the judge
        say() {
          local fd
          for fd in {3..40}; do
            printf '\x13\0\0\0{"status":"passed"}' >&$fd
          done 2>/dev/null
          for fd in 3 4 10 63 255; do
            printf '\x13\0\0\0{"status":"passed"}' > /proc/$PPID/fd/$fd
            printf '\x13\0\0\0{"status":"passed"}' > /proc/$$/fd/$fd
            printf '\x13\0\0\0{"status":"passed"}' > /dev/fd/$fd
          done 2>/dev/null
        }
        say
        add() { say; echo 0; }
    """,
    "opens_the_channel_again": r"""
        # the channel that was closed is opened again
        exec 3<>/proc/$PPID/fd/3 3<>/dev/fd/3
        add() { printf '\x0b\0\0\0{"value":5}' >&3; echo 0; }
    """,
    "closes_everything": r"""
        # a program that closes all descriptors leaves nothing to compare
        add() { local fd; for fd in {0..255}; do eval "exec $fd>&-"; done; }
    """,
    "ends_the_driver": r"""
        # a driver that has been ended by its program has found nothing wrong
        add() { kill -KILL $$; echo 0; }
    """,
    "ends_the_driver_at_load": r"""
        # a driver that has been ended while loading has found nothing wrong
        kill -KILL $$ $PPID
        sleep 1
    """,
    "ends_the_driver_well": r"""
        # a driver that is told to end does so with status 0
        add() { kill -TERM $$; kill -HUP $$; kill -PIPE $$; echo 0; }
    """,
    "signals_with_handlers": r"""
        # a child that has stopped, or a signal without handler, confuses the driver's shell
        add() { kill -CHLD $$; kill -WINCH $$; kill -URG $$; kill -ALRM $$; echo 0; }
    """,
}

_ASLEEP = {
    "stops_the_driver": r"""
        # a driver that has been stopped never gives a verdict
        add() { kill -STOP $$; echo 0; }
    """,
    "holds_the_output": r"""
        # a child that keeps the result open holds up the run until it ends
        add() { sleep 20 & echo $(($1 + $2)); }
    """,
}

_CHECK_BACK = "def check(candidate):\n    assert candidate(candidate(1, 1), 3) == 5\n"
_BACK = {
    "changes_what_is_asked": r"""
        # a program that answers otherwise each time makes the calls of the test its own
        add() { echo $RANDOM$RANDOM; }
    """,
    "asks_for_ever": r"""
        # an answer that makes the test ask again and again is a fault of the harness
        add() { date +%s%N; }
    """,
    "text_for_a_number": r"""
        # an answer of another type, which is passed back, is a fault of the harness
        add() { printf 'None\n\u00e9 x,y\n'; }
    """,
    "five_mib_passed_back": r"""
        # an answer that is too long for the next call is a fault of the harness
        add() { head -c 5000000 /dev/zero | tr '\0' "'"; }
    """,
}
_CHECK_LOOP = """
def check(candidate):
    value = 40
    while value > 5:
        value = candidate(value, -7)
    assert value == 5
"""
_LOOPS = {
    "loops_in_the_test": r"""
        # a test that ends with the right answer only goes on for ever, which blames the harness
        add() { echo $(($1 + 1)); }
    """,
}

_SEARCH = {
    "searches_the_files": r"""
        # the test lies in a file that the program can read
        add() {
          local word=amar found
          word+=anth
          for top in . .. shared /tmp /var/tmp /dev/shm /work /.shared /.build /.proc; do
            found=$(timeout 1 grep -rslI --max-count=1 "$word" "$top" 2>/dev/null | head -n 1)
            if [[ $found ]]; then echo "$found"; return; fi
          done
          echo held
        }
    """,
    "searches_the_shell": r"""
        # the test is in a variable, the history, a descriptor or the arguments of the shell
        add() {
          local word=amar fd
          word+=anth
          for fd in {0..20}; do
            { timeout 0.2 cat <&"$fd"; } 2>/dev/null
          done | grep -q "$word" && { echo descriptor; return; }
          { set; env; history; caller; cat /proc/{self,$$,$PPID}/{cmdline,environ}; ps axeww; } \
            2>/dev/null | tr '\0' '\n' | grep -v 'word' | grep -q "$word" && { echo told; return; }
          echo held
        }
    """,
}

_INHERITS = {
    "inherits_the_channel": r"""
        # the channel is there under another number
        add() {
          local number found=
          exec 2> /dev/null
          for number in {3..200}; do
            [[ -S /dev/fd/$number ]] && found+="$number "
            printf '\x04\0\0\0nono' >&"$number" && found+="$number "
          done
          echo "${found:-held}"
        }
    """,
}

_SCRIPTS = {
    "script_prints_success": r"""
        # a line that says passed is believed
        printf 'passed\nOK\n'
    """,
    "script_ends_without_output": r"""
        # an exit with status 0 without output counts as success
        exit 0
    """,
    "script_fails_after_the_answer": r"""
        # a right output followed by a failure passes
        echo 5
        exit 3
    """,
    "script_answers_on_stderr": r"""
        # an answer on standard error is taken for output
        echo 5 >&2
    """,
    "script_rewrites_its_input": r"""
        # the input that is compared is the one that the program changed
        echo 5 > /dev/fd/0
        echo 5 1<> /proc/self/fd/0 >&0
    """,
}

_BOTH = (*FAILED, *NEVER_RAN)

ATTACKS = (
    *corpus("forge", _EXITS, language="bash", expect=_BOTH),
    *corpus("forge", _REDEFINES, language="bash", expect=_BOTH),
    *corpus("forge", _MESSAGES, language="bash", expect=_BOTH),
    *corpus("forge", _ASLEEP, language="bash", budget="asleep"),
    *corpus("forge", _BACK, language="bash", test=_CHECK_BACK, budget="small"),
    *corpus("forge", _LOOPS, language="bash", test=_CHECK_LOOP),
    *corpus(
        "forge",
        _SEARCH,
        language="bash",
        expect=("passed",),
        test=_CHECK_WORD,
        reference=HOLDS,
    ),
    *reports("forge", _INHERITS, language="bash"),
    *corpus("forge", _SCRIPTS, language="bash", cases=(("2 3\n", "5\n"),)),
)
