"""Programs whose processes go on after the verdict.

Each carries a mark, in its name or its command line, that is looked for from outside as soon as
the program has its verdict.

>>> {attack.kind for attack in ATTACKS}
{'outlive'}
"""

from overproof.sandbox.attacks.attack import FAILED, PRELUDE, corpus, reports

_STAY = """
import signal, subprocess
SECONDS = 30
libc.prctl(15, HOST["tag"].encode(), 0, 0, 0)
COMMAND = [sys.executable, "-S", "-c", f"import time; time.sleep({SECONDS})  # {HOST['mark']}"]


def stay():
    end = time.monotonic() + SECONDS
    while time.monotonic() < end: time.sleep(0.05)
    os._exit(0)


"""

_STAYS = {
    "child_stays": """
        # a child goes on after the verdict
        def add(a, b):
            if os.fork() == 0: stay()
            return "held"
    """,
    "program_stays": """
        # a program that was started goes on after the verdict
        def add(a, b):
            try: subprocess.Popen(COMMAND)
            except OSError: pass
            time.sleep(0.05)
            return "held"
    """,
    "daemon_stays": """
        # a process that has left its parent, group and session goes on after the verdict
        def add(a, b):
            if os.fork() == 0:
                os.setsid()
                if os.fork(): os._exit(0)
                os.setpgid(0, 0)
                try: os.execv(COMMAND[0], COMMAND)
                except OSError: stay()
            os.wait()
            return "held"
    """,
    "daemon_of_a_thread_stays": """
        # a process started by a thread, without any word to its parent, goes on
        import threading
        def add(a, b):
            def start():
                if os.fork() == 0:
                    os.setsid()
                    os.closerange(0, 1024)
                    stay()
            threading.Thread(target=start).start()
            time.sleep(0.05)
            return "held"
    """,
    "deaf_process_stays": """
        # a process that ignores and blocks all signals goes on
        def add(a, b):
            if os.fork() == 0:
                for number in range(1, 64):
                    try: signal.signal(number, signal.SIG_IGN)
                    except (OSError, ValueError): pass
                signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))
                libc.prctl(1, 0, 0, 0, 0)
                stay()
            return "held"
    """,
    "stopped_process_stays": """
        # a process that has stopped is not waited for, and stays
        def add(a, b):
            for number in (signal.SIGSTOP, signal.SIGTSTP):
                if os.fork() == 0:
                    os.setsid()
                    os.kill(os.getpid(), number)
                    stay()
            time.sleep(0.05)
            return "held"
    """,
    "sibling_stays": """
        # a child that is made a child of the watcher goes on
        def add(a, b):
            number = {"x86_64": 56, "aarch64": 220}.get(os.uname().machine)
            if number and libc.syscall(number, 0x8000 | signal.SIGCHLD, 0, 0, 0, 0) == 0:
                os.setsid()
                stay()
            return "held"
    """,
    "chain_runs_away": """
        # a process that forks and ends, again and again, is never caught
        def add(a, b):
            if os.fork() == 0:
                os.setsid()
                end = time.monotonic() + 10
                while time.monotonic() < end:
                    try:
                        if os.fork(): os._exit(0)
                    except OSError: pass
                os._exit(0)
            return "held"
    """,
    "unwaited_children_stay": """
        # children that have ended, and that nobody waits for, fill the table of processes
        def add(a, b):
            for _ in range(40):
                try:
                    if os.fork() == 0: os._exit(0)
                except OSError: break
            return "held"
    """,
    "thread_stays": """
        # a thread that is not done keeps the process
        import threading
        def add(a, b):
            threading.Thread(target=time.sleep, args=(SECONDS,)).start()
            return "held"
    """,
    "exit_starts_another": """
        # the end of the program starts a process
        import atexit
        def start():
            if os.fork() == 0:
                os.setsid()
                stay()
        atexit.register(start)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGXCPU):
            signal.signal(number, lambda *arguments: (start(), os._exit(0)))
        def add(a, b):
            return "held"
    """,
    "pool_stays": """
        # the workers of a pool go on after the verdict
        import multiprocessing
        def add(a, b):
            global pool
            try: pool = multiprocessing.get_context("fork").Pool(4)
            except OSError: return "held"
            pool.apply_async(time.sleep, (SECONDS,))
            return "held"
    """,
}

_ENDS_AND_STAYS = {
    "stays_after_an_exit": """
        # children go on when the program itself has exited
        def add(a, b):
            for _ in range(5):
                if os.fork() == 0:
                    os.setsid()
                    stay()
            os._exit(0)
    """,
    "stays_after_a_kill": """
        # children go on when the program itself was killed
        def add(a, b):
            for _ in range(5):
                if os.fork() == 0:
                    os.setsid()
                    stay()
            os.kill(os.getpid(), signal.SIGKILL)
    """,
    "stays_after_a_limit": """
        # children go on when the program itself was ended by a limit
        def add(a, b):
            for _ in range(5):
                if os.fork() == 0:
                    os.setsid()
                    stay()
            while True: pass
    """,
}

_CROWDS = {
    "crowd_runs_away": """
        # processes that start each other anew are never all caught
        def add(a, b):
            for _ in range(12):
                try: child = os.fork()
                except OSError: break
                if child == 0:
                    os.setsid()
                    end = time.monotonic() + 10
                    while time.monotonic() < end:
                        try:
                            if os.fork(): os._exit(0)
                        except OSError: time.sleep(0.001)
                    os._exit(0)
            time.sleep(0.05)
            return "held"
    """,
}

_PRINTS_AND_STAYS = {
    "output_is_held_open": """
        # a child that keeps the output open holds up the run until it ends
        print(sum(map(int, input().split())), flush=True)
        if os.fork() == 0: stay()
    """,
}

ATTACKS = (
    *reports("outlive", _STAYS, prelude=_STAY),
    *corpus("outlive", _CROWDS, prelude=PRELUDE + _STAY, expect=("passed", *FAILED)),
    *corpus("outlive", _ENDS_AND_STAYS, prelude=PRELUDE + _STAY, budget="small"),
    *corpus(
        "outlive",
        _PRINTS_AND_STAYS,
        prelude=PRELUDE + _STAY,
        expect=("passed",),
        cases=(("2 3\n", "5\n"),),
    ),
)
