"""Bash whose processes go on after the verdict, or that leaves something for the next program.

>>> {attack.kind for attack in ATTACKS}
{'outlive'}
"""

from overproof.sandbox.attacks.attack import FAILED, HOLDS, corpus, reports
from overproof.sandbox.attacks.bash.prelude import REPORT

_STAY = r"""
stay="sleep 30; : $HOST_mark"
"""
_STAYS = {
    "job_stays": r"""
        # a job in the background goes on after the verdict
        add() { bash -c "$stay" > /dev/null 2>&1 & echo held; }
    """,
    "disowned_job_stays": r"""
        # a job that the shell has disowned, and that hears no hangup, goes on
        add() { nohup bash -c "$stay" > /dev/null 2>&1 & disown -a; echo held; }
    """,
    "daemon_stays": r"""
        # a process that has left its parent, group and session goes on after the verdict
        add() {
          (setsid bash -c "trap '' HUP TERM INT QUIT; ($stay) &" > /dev/null 2>&1 < /dev/null &)
          sleep 0.1
          echo held
        }
    """,
    "coprocess_stays": r"""
        # a coprocess goes on after the verdict
        add() { coproc bash -c "$stay" > /dev/null 2>&1; echo held; }
    """,
    "child_at_load_stays": r"""
        # a process that was started while loading goes on after the verdict
        (setsid bash -c "$stay" > /dev/null 2>&1 4>&- &)
        add() { echo held; }
    """,
    "trap_starts_another": r"""
        # the end of the program starts a process
        trap '(setsid bash -c "$stay" > /dev/null 2>&1 &)' EXIT TERM HUP INT
        add() { trap '(setsid bash -c "$stay" > /dev/null 2>&1 &)' EXIT TERM HUP; echo held; }
    """,
    "exec_with_another_name_stays": r"""
        # a process under another name goes on after the verdict
        add() { (exec -a "$HOST_mark" setsid sleep 30 > /dev/null 2>&1 &); sleep 0.05; echo held; }
    """,
}
_ENDS_AND_STAYS = {
    "stays_after_an_exit": r"""
        # children go on when the program itself has ended
        add() {
          local i
          for i in 1 2 3; do setsid bash -c "$stay" > /dev/null 2>&1 & done
          kill -9 $$
        }
    """,
    "stays_after_a_limit": r"""
        # children go on when the program itself was ended by a limit
        add() {
          local i
          for i in 1 2 3; do setsid bash -c "$stay" > /dev/null 2>&1 & done
          while :; do :; done
        }
    """,
}
_PRINTS_AND_STAYS = {
    "output_is_held_open": r"""
        # a child that keeps the output open holds up the run until it ends
        echo 5
        bash -c "$stay" &
        exit 0
    """,
}
_FINDER = r"""
add() {
  local top name
  for top in . .. /tmp /var/tmp /dev/shm /run/lock "$HOME" "$TMPDIR" "${HOST_places[@]}"; do
    for name in "$top"/*"$HOST_mark"* "$top"/.*"$HOST_mark"*; do
      [[ -e $name || -L $name ]] && reached+="$name; "
    done
  done
  for name in * .[!.]*; do
    [[ -e $name && $name != main.sh && $name != program.sh ]] && reached+="$name; "
  done
  [[ -v left || $(umask) != *077 ]] && reached+=settings
  declare -F | grep -q left && reached+=function
  report
}
"""
_LEAVES = {
    "leaves_files": r"""
        # files, links, functions and settings that one program leaves are there for the next
        add() {
          local top
          export left=5
          left_behind() { :; }
          export -f left_behind
          umask 0
          for top in . .. /tmp /var/tmp /dev/shm "$HOME" "$TMPDIR" "${HOST_top_folders[@]}"; do
            : > "$top/$HOST_mark"
            mkdir -p "$top/${HOST_mark}d/in" && chmod 0 "$top/${HOST_mark}d"
            ln -s / "$top/${HOST_mark}l"
          done
          echo held
        } 2>/dev/null
    """,
}

ATTACKS = (
    *reports("outlive", _STAYS, language="bash", prelude=_STAY),
    *corpus("outlive", _ENDS_AND_STAYS, language="bash", prelude=_STAY, budget="small"),
    *corpus(
        "outlive",
        _PRINTS_AND_STAYS,
        language="bash",
        prelude=_STAY,
        expect=("passed",),
        cases=(("2 3\n", "5\n"),),
    ),
    *corpus(
        "outlive",
        _LEAVES,
        language="bash",
        expect=("passed", *FAILED),
        reference=HOLDS,
        held_by=("namespaces",),
        next_program=REPORT + _FINDER,
    ),
)
