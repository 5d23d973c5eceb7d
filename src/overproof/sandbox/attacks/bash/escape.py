"""Bash that reaches for files, processes, the environment and the network of the machine.

What it reaches is what `HOST` names: see `overproof.sandbox.traps`.

>>> {attack.kind for attack in ATTACKS}
{'escape'}
"""

from overproof.sandbox.attacks.attack import FAILED, HOLDS, Layer, corpus, reports
from overproof.sandbox.attacks.bash.prelude import REPORT

_READ = {
    "reads_files": r"""
        # files of the machine can be read: home, temporary folders, shared memory
        add() {
          local folder
          for folder in "${HOST_places[@]}"; do
            attempt read cat "$folder/canary"
            attempt redirected eval 'text=$(< "$folder/canary") && echo "$text"'
            attempt sourced eval 'source "$folder/canary" 2>&1 | grep -E "[0-9a-f]{24}"'
            attempt listed ls "$folder"
            attempt matched compgen -G "$folder/*"
            attempt mapped eval 'mapfile -t lines < "$folder/canary" && echo "${lines[@]}"'
          done
          report
        }
    """,
    "reads_system_files": r"""
        # files that tell of users and of this machine can be read
        add() {
          local name
          for name in /etc/passwd /etc/shadow /etc/machine-id /etc/hostname /etc/resolv.conf; do
            attempt "$name" head -c 1 "$name"
          done
          for name in /root /home /var/log /boot /etc/ssh; do attempt "$name" ls "$name"; done
          attempt user getent passwd root
          attempt home eval 'ls ~root'
          report
        }
    """,
    "reads_through_proc": r"""
        # links of /proc lead out: another process's root, folder or open files
        add() {
          local pid way target=${HOST_places[0]}/canary
          for pid in self 1 $$ $PPID "$HOST_pid" "$HOST_self"; do
            for way in root cwd/../../../../../../../.. task/1/root; do
              attempt read cat "/proc/$pid/$way$target"
            done
            attempt read cat "/proc/$pid/fd/$HOST_open_file"
          done
          report
        }
    """,
    "reads_through_links": r"""
        # a link in the working folder leads to a file outside
        add() {
          local folder number=0
          for folder in "${HOST_places[@]}"; do
            ((number++))
            ln -s "$folder/canary" "s$number"
            ln "$folder/canary" "h$number"
            cp -rL "$folder" "c$number"
            cat "s$number" "h$number" "c$number/canary"
          done > taken 2>/dev/null
          [[ -s taken ]] && reached+=$(head -c 60 taken)
          report
        }
    """,
    "sees_processes": r"""
        # other processes, with their command lines and environments, can be seen
        add() {
          local pid
          for pid in "$HOST_pid" "$HOST_self"; do
            attempt command eval 'tr "\0" " " < "/proc/$pid/cmdline" | grep .'
            attempt environment grep -aq "$HOST_variable" "/proc/$pid/environ"
            attempt listed eval 'ps -p "$pid" -o args= | grep .'
          done
          attempt parent grep -aq "$HOST_variable" /proc/1/environ "/proc/$PPID/environ"
          report
        }
    """,
}
_WRITE = {
    "writes_to_files": r"""
        # files of the machine can be overwritten, deleted and moved, and others made
        add() {
          local folder
          for folder in "${HOST_places[@]}"; do
            attempt appended eval 'echo x >> "$folder/canary"'
            attempt wrote eval 'echo x > "$folder/canary"'
            attempt copied cp program.sh "$folder/canary"
            attempt moved mv "$folder/canary" "$folder/canary2"
            attempt deleted rm "$folder/canary2"
            [[ -e $folder ]] && attempt removed rm -r "$folder"
            attempt file touch "$folder/$HOST_mark"
            attempt folder mkdir "$folder/${HOST_mark}d"
            attempt link ln -s / "$folder/${HOST_mark}l"
            attempt queue mkfifo "$folder/${HOST_mark}p"
          done
          [[ -p $HOST_pipe ]] && attempt pipe timeout 1 bash -c "echo $HOST_mark > '$HOST_pipe'"
          report
        }
    """,
    "writes_to_start_files": r"""
        # files that are run at the next login, by the clock or by every program can be written
        add() {
          local name
          for name in "${HOST_start_files[@]}" /etc/crontab /etc/ld.so.preload /etc/profile \
              /etc/passwd /bin/bash /usr/bin/env; do
            [[ -e $name ]] && attempt "$name" eval ': 1<> "$name"'  # which would make it
          done
          for name in "$HOST_package" "${HOST_python[@]}" /usr/lib /usr/local/bin /etc; do
            attempt "$name" eval ': > "$name/$HOST_mark" && rm "$name/$HOST_mark"'
          done
          report
        }
    """,
}
_METADATA = {
    "changes_permissions": r"""
        # permissions and times of the machine's files can be changed
        add() {
          local folder
          for folder in "${HOST_places[@]}"; do
            attempt chmod chmod 600 "$folder/canary"
            attempt times touch -d 1970-01-02 "$folder/canary"
          done
          report
        }
    """,
}
_ENVIRONMENT = {
    "inherits_the_environment": r"""
        # tokens and keys in the environment of the run are there for the program
        add() {
          [[ -v $HOST_variable ]] && reached+=${!HOST_variable}
          attempt exported eval 'export -p | grep "$HOST_variable"'
          attempt started eval 'env | grep "$HOST_variable"'
          report
        }
    """,
}
_PRIVILEGES = {
    "becomes_root": r"""
        # programs that give rights, or other views of the machine, can be used
        add() {
          attempt su su -c true root < /dev/null
          attempt sudo sudo -n true
          attempt mount mount -t tmpfs none .
          attempt unshare unshare -r -m true
          attempt nsenter nsenter -t 1 -m true
          attempt chroot chroot . true
          attempt hostname hostname "$(hostname)"
          attempt clock date -s "@$(date +%s)"
          attempt device mknod device c 1 3
          attempt log dmesg
          report
        }
    """,
    "raises_its_limits": r"""
        # a program can raise its own limits
        add() {
          local letter
          for letter in t u n f v; do
            attempt "limit $letter" bash -c "ulimit -H$letter unlimited"
          done
          [[ $(nice -n -5 nice) -lt $(nice) ]] && reached+=nicer
          report
        }
    """,
}
_SIGNALS = {
    "signals_processes": r"""
        # signals reach other processes: they can be ended
        add() {
          local pid
          for pid in "$HOST_pid" "$HOST_self"; do
            attempt builtin kill -URG "$pid"
            ((pid > 1)) && attempt group kill -URG -- "-$pid"
            attempt program /bin/kill -URG "$pid"
          done
          report
        }
    """,
}
_KILLERS = {
    "kills_its_parents": r"""
        # the process that watches the program can be ended or stopped
        add() { kill -STOP 1; kill -KILL 1 "$PPID" "$(ps -o ppid= -p $$)"; echo held; }
    """,
    "kills_everything": r"""
        # one signal to all ends every process of this user
        add() { kill -KILL -1; echo held; }
    """,
}
_NETWORK = {
    "connects_tcp": r"""
        # a server of this machine, and so of the internet, can be reached
        add() {
          local host
          for host in 127.0.0.1 localhost ::1; do
            attempt "$host" timeout 2 bash -c "echo $HOST_mark > /dev/tcp/$host/$HOST_tcp"
          done
          attempt other timeout 2 perl -MIO::Socket::INET -e '
            my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $ARGV[0]) or exit 1;
            print $s $ARGV[1]' "$HOST_tcp" "$HOST_mark"
          report
        }
    """,
    "sends_udp": r"""
        # packets, and so questions for names, get out
        add() {
          attempt sent timeout 2 bash -c "echo $HOST_mark > /dev/udp/127.0.0.1/$HOST_udp"
          attempt name timeout 2 getent hosts example.com
          report
        }
    """,
}

_FILES_HELD: tuple[Layer, ...] = ("namespaces", "landlock", "seatbelt")
_WORKS_ON = "add() { echo held; }\n"

ATTACKS = (
    *reports("escape", _READ, language="bash", prelude=REPORT, held_by=_FILES_HELD),
    *reports("escape", _WRITE, language="bash", prelude=REPORT, held_by=_FILES_HELD),
    *reports(
        "escape", _METADATA, language="bash", prelude=REPORT, held_by=("namespaces", "seatbelt")
    ),
    *reports("escape", _ENVIRONMENT, language="bash", prelude=REPORT),
    *reports("escape", _PRIVILEGES, language="bash", prelude=REPORT, held_by=_FILES_HELD),
    *reports(
        "escape",
        _SIGNALS,
        language="bash",
        prelude=REPORT,
        held_by=("namespaces", "landlock 6", "seccomp", "seatbelt"),
        traps=("SIGURG",),
    ),
    *corpus(
        "escape",
        _KILLERS,
        language="bash",
        expect=("passed", *FAILED),
        reference=HOLDS,
        held_by=("namespaces", "landlock 6", "seccomp"),
        budget="small",
        danger="signals",
        next_program=_WORKS_ON,
    ),
    *reports(
        "escape",
        _NETWORK,
        language="bash",
        prelude=REPORT,
        held_by=("namespaces", "landlock", "seccomp", "seatbelt"),
    ),
)
