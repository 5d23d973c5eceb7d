"""Programs that end their own process in every way there is.

The status says how it ended, and the next program is not concerned.

>>> {attack.kind for attack in ATTACKS}
{'crash'}
"""

from overproof.sandbox.attacks.attack import FAILED, NEVER_RAN, corpus

_SIGNALS = {
    "reads_address_zero": """
        # a crash of the process is not told from an exception
        import ctypes
        def add(a, b): return ctypes.string_at(0)
    """,
    "writes_address_zero": """
        # a crash of the process is not told from an exception
        import ctypes
        def add(a, b): ctypes.memset(0, 1, 1)
    """,
    "aborts": """
        # an abort of the process is not told from an exception
        import os
        def add(a, b): os.abort()
    """,
    "aborts_at_load": """
        # an abort while loading is not told from an exception
        import os
        os.abort()
    """,
    "kills_itself": """
        # a program that kills itself is not told from one that was killed by the limits
        import os, signal
        def add(a, b): os.kill(os.getpid(), signal.SIGKILL)
    """,
    "ends_by_termination": """
        # a program that terminates itself is taken for one that was stopped by the user
        import os, signal
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        def add(a, b): os.kill(os.getpid(), signal.SIGTERM)
    """,
    "illegal_instruction": """
        # an illegal instruction is not told from an exception
        import ctypes, mmap, os
        def add(a, b):
            page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
            page.write(b"\\x0f\\x0b" * 8 if os.uname().machine == "x86_64" else bytes(64))
            ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
    """,
    "reads_past_a_file": """
        # a read past the end of a mapped file is not told from an exception
        import mmap, os
        def add(a, b):
            with open("file", "w+b") as file:
                file.write(bytes(8192))
                file.flush()
                area = mmap.mmap(file.fileno(), 8192)
                os.truncate("file", 0)
                return area[5000]
    """,
    "division_by_zero_in_c": """
        # a fault of arithmetic is not told from an exception
        import os, signal
        def add(a, b): os.kill(os.getpid(), signal.SIGFPE)
    """,
    "freed_twice": """
        # memory that is freed twice ends more than the program
        import ctypes
        def add(a, b):
            libc = ctypes.CDLL(None)
            libc.malloc.restype = ctypes.c_void_p
            for _ in range(9):
                block = libc.malloc(48)
                libc.free(ctypes.c_void_p(block))
                libc.free(ctypes.c_void_p(block))
    """,
    "bytecode_that_is_none": """
        # code that no compiler made ends more than the program
        def add(a, b):
            broken = bytes([100, 255, 131, 7, 83, 0]) * 9
            def empty(): pass
            empty.__code__ = empty.__code__.replace(co_code=broken, co_consts=(), co_stacksize=0)
            return empty()
    """,
    "crash_in_a_thread": """
        # a crash in a thread is not noticed
        import ctypes, threading, time
        def add(a, b):
            threading.Thread(target=ctypes.string_at, args=(1,)).start()
            time.sleep(5)
            return a + b
    """,
    "stack_of_c_overflows": """
        # a recursion that no limit of Python's counts ends more than the program
        import sys
        sys.setrecursionlimit(2**30)
        class Odd:
            def __getattr__(self, name): return getattr(self, name + "x")
            def __repr__(self): return repr([self])
        def add(a, b): return repr(Odd())
    """,
}

_ENDS = {
    "recursion_without_end": """
        # a recursion without end ends more than the program
        def add(a, b): return add(a, b)
    """,
    "recursion_past_the_limit": """
        # a recursion a million deep ends more than the program
        import sys
        sys.setrecursionlimit(10**9)
        def down(n): return 0 if n == 0 else down(n - 1) + 1
        def add(a, b): return down(10**7)
    """,
    "exit_status_0": """
        # an exit in a call counts as success
        import sys
        def add(a, b): sys.exit()
    """,
    "exit_status_1": """
        # an exit in a call is a fault of the harness
        import os
        def add(a, b): os._exit(1)
    """,
    "exit_status_255": """
        # an exit in a call is a fault of the harness
        import os
        def add(a, b): os._exit(255)
    """,
    "exit_at_load": """
        # an exit before the entry point is defined counts as success
        raise SystemExit(0)
        def add(a, b): return a + b
    """,
    "becomes_another_program": """
        # a program that becomes another one, which ends well, counts as success
        import os
        def add(a, b): os.execv("/bin/true", ["true"])
    """,
    "becomes_python": """
        # a program that becomes another Python, which ends well, counts as success
        import os, sys
        def add(a, b): os.execv(sys.executable, [sys.executable, "-S", "-c", "pass"])
    """,
    "closes_all_descriptors": """
        # a program that closes everything holds up the judge
        import os
        def add(a, b):
            os.closerange(0, 4096)
            return a - b
    """,
    "closes_and_goes_on": """
        # a program that closes everything and goes on is waited for
        import os
        def add(a, b):
            os.closerange(0, 4096)
            while True: pass
    """,
    "broken_exception": """
        # an exception that cannot be made ends more than the program
        class Odd(Exception):
            def __new__(cls, *arguments): return 5
        def add(a, b): raise Odd
    """,
    "breaks_the_interpreter": """
        # a program that takes the interpreter apart ends more than itself
        import builtins, sys
        def add(a, b):
            sys.modules.clear()
            builtins.__dict__.clear()
            return a - b
    """,
    "memory_error_at_load": """
        # an error of memory while loading is a fault of the harness
        raise MemoryError
    """,
    "none_is_freed": """
        # objects that the whole interpreter shares are broken
        import ctypes
        def add(a, b):
            ctypes.memset(id(None), 0, 16)
            ctypes.memset(id(True), 0, 16)
            return None
    """,
}

ATTACKS = (
    *corpus("crash", _SIGNALS, expect=("crashed",), budget="small"),
    *corpus("crash", _ENDS, expect=(*FAILED, *NEVER_RAN), budget="small"),
)
