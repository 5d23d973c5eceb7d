"""Bash that uses more time, memory, processes, files or output than it may, or that crashes.

>>> sorted({attack.kind for attack in ATTACKS})
['crash', 'exhaust']
"""

from overproof.records import Status
from overproof.sandbox.attacks.attack import HOLDS, corpus, reports

_CHECK_BOUNDED = """
def check(candidate):
    assert candidate(2, 3) == "held", "it got more than it may"
"""
_CUT: tuple[Status, ...] = (
    *("passed", "error", "timeout", "out_of_memory", "output_limit", "crashed"),
)
"""Whatever stopped it; `wrong_answer` is the report of a program that got too much."""

_SPINS = {
    "busy_at_load": r"""
        # a program that never finishes loading holds up the run
        while :; do :; done
    """,
    "busy_in_a_call": r"""
        # a call that never ends holds up the run
        add() { while :; do :; done; }
    """,
    "busy_in_the_background": r"""
        # what children compute is not counted
        add() { (while :; do :; done) & wait; }
    """,
    "busy_in_short_lives": r"""
        # processes that live for a moment are never counted
        add() { while :; do /bin/true; done; }
    """,
    "swallows_its_end": r"""
        # a loop that ignores all signals cannot be ended
        trap '' HUP INT TERM QUIT XCPU ALRM USR1 USR2 PIPE
        add() { while :; do :; done; }
    """,
}
_SLEEPS = {
    "asleep": r"""
        # a program that sleeps uses no time, and is never ended
        add() { sleep 20; echo $(($1 + $2)); }
    """,
    "waits_for_a_pipe": r"""
        # a program that waits for what never comes is never ended
        add() { mkfifo pipe; cat pipe; }
    """,
}
_BOUNDED = {
    "memory_of_the_shell": r"""
        # the shell gets more memory than it may
        add() {
          local text=xxxxxxxxxxxxxxxx
          while ((${#text} < 4 * HOST_memory_mib << 20)); do text=$text$text; done
          echo "too much"
        }
    """,
    "memory_of_programs": r"""
        # many processes together get more memory than they may
        add() {
          local number
          for ((number = 0; number < 6; number++)); do
            (head -c $((HOST_memory_mib << 19)) /dev/zero | tail -c $((HOST_memory_mib << 19)) |
              sleep 3) &
          done
          sleep 2.5
          echo "too much"
        }
    """,
    "many_processes": r"""
        # more processes can be started than it may
        add() {
          local started=0
          echo held  # a shell that cannot fork says no more
          while ((started < 4 * HOST_processes)); do
            sleep 5 > /dev/null 2>&1 &
            ((started++))
          done 2>/dev/null
          (($(jobs -pr | wc -l) > 3 * HOST_processes / 2)) && echo "too much"
        }
    """,
    "many_open_files": r"""
        # more files can be open than it may
        add() {
          local open=0 file
          while ((open < 4 * HOST_open_files)) && exec {file}< /dev/null; do ((open++)); done
          ((open <= HOST_open_files)) && echo held || echo "too much"
        } 2>/dev/null
    """,
    "big_file": r"""
        # a file becomes larger than it may
        add() {
          trap '' XFSZ
          dd if=/dev/zero of=big bs=1M count=$((4 * HOST_file_mib))
          local size=$(stat -c %s big)
          ((size <= 3 * HOST_file_mib << 19)) && echo held || echo "too much"
        } 2>/dev/null
    """,
    "many_small_files": r"""
        # thousands of files, and folders nested deep, hold up the next program
        add() {
          local number
          for ((number = 0; number < 2000; number++)); do : > "file$number"; done
          while mkdir deeper && cd deeper; do ((number++ > 2300)) && break; done
          echo held
        } 2>/dev/null
    """,
    "recursion_without_end": r"""
        # a recursion without end takes more than its stack
        add() { add "$@"; }
    """,
}
_BOMBS = {
    "fork_bomb": r"""
        # a function that calls itself twice in the background takes the machine
        SECONDS=0
        bomb() { ((SECONDS > 4)) && exit; bomb | bomb & }
        add() { bomb; sleep 1; bomb; }
    """,
}
_OUTPUT = {
    "prints_64_mib": r"""
        # what is printed beside the result fills the memory, or holds up the program
        add() { head -c 67108864 /dev/zero >&2; echo held; }
    """,
}
_ANSWERS = {
    "answer_without_end": r"""
        # a result without end fills the memory
        add() { yes; }
    """,
}
_FLOODS = {
    "output_without_end": r"""
        # output without end fills the memory of the judge
        yes
    """,
}
_CRASHES = {
    "kills_itself": r"""
        # a shell that kills itself is not told from one that was killed by the limits
        add() { kill -SEGV $BASHPID; }
    """,
    "kills_its_group": r"""
        # the group of the process holds more than the program's own
        add() { kill -TERM 0; sleep 1; }
    """,
    "kills_all_it_sees": r"""
        # one process after the other is ended, by its number
        add() { kill -KILL -- $(jobs -p) $BASHPID; }
    """,
}
_WORKS_ON = "add() { echo held; }\n"

ATTACKS = (
    *corpus("exhaust", _SPINS, language="bash", budget="small"),
    *corpus("exhaust", _SLEEPS, language="bash", budget="asleep"),
    *corpus(
        "exhaust",
        _BOUNDED,
        language="bash",
        expect=_CUT,
        test=_CHECK_BOUNDED,
        reference=HOLDS,
        budget="small",
    ),
    *corpus(
        "exhaust",
        _BOMBS,
        language="bash",
        expect=_CUT,
        test=_CHECK_BOUNDED,
        reference=HOLDS,
        held_by=("namespaces",),
        budget="small",
        danger="processes",
        next_program=_WORKS_ON,
    ),
    *reports("exhaust", _OUTPUT, language="bash"),
    *corpus("exhaust", _ANSWERS, language="bash", budget="small"),
    *corpus(
        "exhaust",
        _FLOODS,
        language="bash",
        expect=("output_limit", "timeout"),
        cases=(("", "x"),),
        budget="small",
    ),
    *corpus("crash", _CRASHES, language="bash", budget="small"),
)
