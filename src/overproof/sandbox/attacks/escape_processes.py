"""Programs that reach for other processes: a decoy, the caller's own process, and all there are.

Signals are `SIGURG`, which nobody minds and the decoy counts; those that end processes are tried
only where that one did not get through.

>>> {attack.kind for attack in ATTACKS}
{'escape'}
"""

from overproof.sandbox.attacks.attack import FAILED, PRELUDE, corpus, reports

_SEE = {
    "sees_processes": """
        # other processes, with their command lines, can be seen
        def add(a, b):
            for pid in (HOST["pid"], HOST["self"]):
                attempt("command", lambda: open(f"/proc/{pid}/cmdline").read()[-60:])
                attempt("status", lambda: open(f"/proc/{pid}/stat").read()[:0])
            return report()
    """,
    "reads_their_environment": """
        # the environment of other processes, with its tokens and keys, can be read
        def add(a, b):
            for pid in (HOST["pid"], HOST["self"], 1, os.getppid()):
                try: found = open(f"/proc/{pid}/environ").read()
                except OSError: continue
                if HOST["variable"] in found:
                    reached.append("read " + found.partition(HOST["variable"])[2][:60])
            return report()
    """,
    "reads_their_memory": """
        # the memory of other processes can be read
        def add(a, b):
            size = 60
            def through_proc():
                with open(f"/proc/{HOST['pid']}/mem", "rb", 0) as memory:
                    memory.seek(HOST["address"])
                    return memory.read(size)
            attempt("read", through_proc)
            def directly():
                buffer = ctypes.create_string_buffer(size)
                ours = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), size)
                theirs = (ctypes.c_size_t * 2)(HOST["address"], size)
                if libc.process_vm_readv(HOST["pid"], ours, 1, theirs, 1, 0) < 0:
                    raise OSError
                return buffer.raw
            attempt("read", directly)
            return report()
    """,
    "takes_their_files": """
        # an open file of another process can be copied from it
        def add(a, b):
            def take():
                handle = os.pidfd_open(HOST["pid"])
                taken = libc.syscall(438, handle, HOST["open_file"], 0)
                if taken < 0: raise OSError
                return os.pread(taken, 60, 0)
            attempt("read", take)
            attempt("read", lambda: os.pread(os.open(
                f"/proc/{HOST['pid']}/fd/{HOST['open_file']}", os.O_RDONLY), 60, 0))
            return report()
    """,
    "traces_them": """
        # another process can be stopped and steered like under a debugger
        def add(a, b):
            call("seize", 101, 117, 0x4206, HOST["pid"], 0, 0)
            call("kcmp", 312, 272, HOST["pid"], HOST["pid"], 0, 1, 1)
            return report()
    """,
    "traces_the_watcher": """
        # the process that watches the program can be steered like under a debugger
        def add(a, b):
            for pid in (os.getppid(), 1):
                call("seize", 101, 117, 0x4206, pid, 0, 0)
                attempt("memory", lambda: open(f"/proc/{pid}/mem", "r+b", 0) and None)
                attempt("files", lambda: os.listdir(f"/proc/{pid}/fd")[:0])
            return report()
    """,
    "changes_their_limits": """
        # limits, priority and processors of other processes can be changed
        import resource
        def add(a, b):
            pid = HOST["pid"]
            attempt("limits", lambda: resource.prlimit(pid, resource.RLIMIT_CORE))
            attempt("priority", lambda: os.setpriority(os.PRIO_PROCESS, pid, 1))
            attempt("processors", lambda: os.sched_setaffinity(pid, os.sched_getaffinity(pid)))
            call("input and output", 251, 30, 1, pid, 0x4004)
            attempt("victim", lambda: open(f"/proc/{pid}/oom_score_adj", "w").write("1000"))
            return report()
    """,
}

_WRITE = {
    "writes_their_memory": """
        # the memory of other processes can be written
        def add(a, b):
            text = b"overwritten"
            def through_proc():
                with open(f"/proc/{HOST['pid']}/mem", "r+b", 0) as memory:
                    memory.seek(HOST["address"])
                    memory.write(text)
            attempt("wrote", through_proc)
            ours = (ctypes.c_size_t * 2)(
                ctypes.cast(ctypes.c_char_p(text), ctypes.c_void_p).value, len(text))
            theirs = (ctypes.c_size_t * 2)(HOST["address"], len(text))
            if libc.process_vm_writev(HOST["pid"], ours, 1, theirs, 1, 0) >= 0:
                reached.append("wrote")
            return report()
    """,
}

_INHERIT = {
    "inherits_the_environment": """
        # tokens and keys in the environment of the run are there for the program
        import subprocess
        def add(a, b):
            if HOST["variable"] in os.environ: reached.append(os.environ[HOST["variable"]])
            code = "import os; print(*os.environ)"
            try: done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True)
            except OSError: return report()
            if HOST["variable"].encode() in done.stdout: reached.append("in a program")
            return report()
    """,
}

_SIGNAL = {
    "signals_processes": """
        # signals reach other processes: they can be ended
        import signal
        def add(a, b):
            for pid in (HOST["pid"], HOST["self"]):
                attempt("kill", os.kill, pid, signal.SIGURG)
                if pid > 1: attempt("killpg", os.killpg, pid, signal.SIGURG)
                call("tgkill", 234, 131, pid, pid, signal.SIGURG)
                call("tkill", 200, 130, pid, signal.SIGURG)
                attempt("pidfd", lambda: signal.pidfd_send_signal(
                    os.pidfd_open(pid), signal.SIGURG))
            return report()
    """,
    "signals_by_queue": """
        # signals with data reach other processes
        import signal
        def add(a, b):
            info = ctypes.create_string_buffer(struct.pack("<iii", signal.SIGURG, 0, -1), 128)
            call("queued", 129, 138, HOST["pid"], signal.SIGURG, info)
            return report()
    """,
    "signals_the_peer": """
        # the process at the other end of the program's socket can be found and signalled
        import signal, stat
        def add(a, b):
            for number in range(3, 256):
                try:
                    if not stat.S_ISSOCK(os.fstat(number).st_mode): continue
                    end = socket.socket(fileno=os.dup(number))
                    pid = struct.unpack("3i", end.getsockopt(
                        socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
                except OSError: continue
                if pid > 1 and pid not in (os.getpid(), os.getppid()):
                    attempt(f"signalled {pid}", os.kill, pid, signal.SIGURG)
            return report()
    """,
}

_SIGNAL_UNSEEN = {
    "signals_by_descriptor": """
        # a descriptor that signals its owner is given to another process
        import fcntl, signal
        def add(a, b):
            ours, theirs = socket.socketpair()
            def give():
                fcntl.fcntl(ours, fcntl.F_SETOWN, HOST["pid"])
                fcntl.fcntl(ours, fcntl.F_SETSIG, signal.SIGWINCH)
                fcntl.fcntl(ours, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
                theirs.send(b"x")
            try: give()
            except OSError: pass
            return "held"
    """,
}

_KILLERS = {
    "kills_everything": """
        # one signal to all ends every process of this user
        import signal
        def add(a, b):
            try: os.kill(-1, signal.SIGKILL)
            except OSError: pass
            return "held"
    """,
    "kills_every_number": """
        # one process after the other is ended, by its number
        import signal
        def add(a, b):
            for pid in range(1, 70_000):
                if pid != os.getpid():
                    try: os.kill(pid, signal.SIGKILL)
                    except OSError: pass
            return "held"
    """,
    "kills_the_watcher": """
        # the process that watches the program can be ended or stopped
        import signal
        def add(a, b):
            for number in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTERM, signal.SIGKILL):
                for pid in (os.getppid(), 1):
                    try: os.kill(pid, number)
                    except OSError: pass
            return "held"
    """,
    "kills_its_group": """
        # the group or session of the process holds more than the program's own
        import signal
        def add(a, b):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            for group in (0, -os.getpgrp(), -os.getsid(0)):
                try: os.kill(group, signal.SIGTERM)
                except OSError: pass
            return "held"
    """,
}

ATTACKS = (
    *reports("escape", _INHERIT),
    *reports("escape", _SEE, held_by=("namespaces", "landlock", "seatbelt")),
    *reports(
        "escape",
        _WRITE,
        held_by=("namespaces", "landlock", "seatbelt"),
        traps=("memory",),
    ),
    *reports(
        "escape",
        _SIGNAL,
        held_by=("namespaces", "landlock 6", "seccomp", "seatbelt"),
        traps=("SIGURG",),
    ),
    *reports(
        "escape",
        _SIGNAL_UNSEEN,
        held_by=("namespaces", "landlock 6", "seatbelt"),
        traps=("SIGWINCH",),
    ),
    *corpus(
        "escape",
        _KILLERS,
        prelude=PRELUDE,
        expect=("passed", *FAILED),
        held_by=("namespaces", "landlock 6", "seccomp"),
        budget="small",
        danger="signals",
        next_program="def add(a, b): return 'held'\n",
    ),
)
