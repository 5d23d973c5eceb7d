"""Programs that use more time than `HOST` says they may, or that never end.

Those that are slow compute the right answer, too late.

>>> {attack.kind for attack in ATTACKS}
{'exhaust'}
"""

from overproof.sandbox.attacks.attack import corpus

_SPIN = {
    "busy_at_load": """
        # a program that never finishes loading holds up the run
        while True: pass
        def add(a, b): return a + b
    """,
    "swallows_its_end": """
        # a loop that catches everything cannot be ended
        def add(a, b):
            while True:
                try:
                    while True: pass
                except BaseException: pass
    """,
    "one_long_operation": """
        # one operation that takes hours cannot be ended
        def add(a, b): return 3 ** (10 ** 9) % 7
    """,
    "pattern_that_explodes": """
        # a regular expression that tries everything cannot be ended
        import re
        def add(a, b): return bool(re.match(r"(a+)+$", "a" * 60 + "b"))
    """,
    "ignores_signals": """
        # a program that ignores all signals cannot be ended
        import signal
        for number in range(1, 64):
            try: signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError): pass
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))
        def add(a, b):
            while True: pass
    """,
    "finalizer_that_hangs": """
        # an object that is never done with its end holds up the run
        class Last:
            def __del__(self):
                while True: pass
        def add(a, b):
            Last()
            return a + b
    """,
    "crashes_without_end": """
        # a crash that is caught, and happens again, goes on for ever
        import ctypes, signal
        signal.signal(signal.SIGSEGV, lambda *arguments: None)
        def add(a, b): return ctypes.string_at(0)
    """,
}

_BURN = """
import os, time
LIMIT = HOST["cpu_seconds"]


def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end: pass


"""

_SLOW = {
    "slow_without_timers": """
        # turning off all timers lets a slow program pass
        import signal
        def add(a, b):
            for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
                signal.setitimer(timer, 0)
            for number in (signal.SIGXCPU, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF):
                signal.signal(number, signal.SIG_IGN)
            burn(1.5 * LIMIT)
            return a + b
    """,
    "slow_by_another_clock": """
        # a program that changes its clocks passes though it is slow
        times = {name: getattr(time, name) for name in dir(time)}
        def add(a, b):
            clock = times["process_time"]
            for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time"):
                setattr(time, name, lambda: 0.0)
            end = clock() + 1.5 * LIMIT
            while clock() < end: pass
            return a + b
    """,
    "slow_in_pieces": """
        # time that is spent a little in each call is not added up
        def add(a, b):
            burn(0.7 * LIMIT)
            return a + b
    """,
    "slow_in_threads": """
        # time that is spent in threads is not counted
        import threading
        def add(a, b):
            threads = [threading.Thread(target=burn, args=(1.5 * LIMIT,)) for _ in range(4)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
            return a + b
    """,
    "slow_in_children": """
        # time that is spent in children is not counted
        def add(a, b):
            for _ in range(3):
                if os.fork() == 0:
                    burn(LIMIT * 0.5)
                    os._exit(0)
                os.wait()
            return a + b
    """,
    "slow_in_programs": """
        # time that is spent in programs that are started is not counted
        import subprocess, sys
        def add(a, b):
            code = f"import time\\nwhile time.process_time() < {LIMIT * 0.5}: pass"
            for _ in range(3): subprocess.run([sys.executable, "-S", "-c", code])
            return a + b
    """,
    "slow_in_detached_children": """
        # time that is spent in processes that were let go is not counted
        def add(a, b):
            for _ in range(4):
                read, write = os.pipe()
                if os.fork() == 0:
                    os.setsid()
                    if os.fork() == 0: burn(LIMIT * 0.4)
                    os._exit(0)
                os.close(write)
                os.wait()
                os.read(read, 1)
            return a + b
    """,
    "slow_in_children_never_waited_for": """
        # time of children that vanish by themselves, in short pieces, is not counted
        import signal
        def add(a, b):
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            for _ in range(int(0.7 * LIMIT / 0.008)):
                read, write = os.pipe()
                if os.fork() == 0:
                    burn(0.008)
                    os._exit(0)
                os.close(write)
                os.read(read, 1)
                os.close(read)
            return a + b
    """,
}

_ASLEEP = {
    "sleeps_for_ever": """
        # a program that does nothing, for ever, holds up the run
        import time
        def add(a, b):
            while True: time.sleep(60)
    """,
    "stops_itself": """
        # a program that stops itself holds up the run
        import os, signal
        def add(a, b):
            os.kill(os.getpid(), signal.SIGSTOP)
            return a + b
    """,
    "waits_for_itself": """
        # a program that waits for a lock that it holds holds up the run
        import threading
        def add(a, b):
            lock = threading.Lock()
            lock.acquire()
            lock.acquire()
    """,
}

ATTACKS = (
    *corpus("exhaust", _SPIN, expect=("timeout",), budget="small"),
    *corpus("exhaust", _SLOW, prelude=_BURN, expect=("timeout",), budget="small"),
    *corpus("exhaust", _ASLEEP, expect=("timeout",), budget="asleep"),
)
