"""Right programs that lesser sandboxes fail: all must pass."""

from textwrap import dedent

import pytest

from overproof.records import Outcome
from overproof.sandbox import Job, Limits, run_jobs

CHECK_ADD = """
def check(candidate):
    assert candidate(2, 3) == 5
    assert candidate(-1, 1) == 0
    assert candidate(10, 5) == 15
"""

LIMITS = Limits()

RIGHT = {
    "plain": "def add(a, b): return a + b\n",
    "lambda": "add = lambda a, b: a + b\n",
    "bom_crlf": "\ufeffdef add(a, b):\r\n    return a + b\r\n",
    "form_feed": "import math\n\x0c\ndef add(a, b):\n    return a + b\n",
    "future": "from __future__ import annotations\ndef add(a: int, b: int) -> int: return a + b\n",
    "main_guard": """
        def add(a, b): return a + b
        if __name__ == "__main__":
            import sys
            sys.exit(add(int(input()), int(input())))
    """,
    "helper_under_the_guard": """
        def add(a, b): return helper(a, b)
        if __name__ == "__main__":
            helper = lambda a, b: a + b
            input()
    """,
    "defined_under_the_guard": """
        if __name__ == "__main__":
            def add(a, b): return a + b
    """,
    "guard_shadows_a_local": """
        def add(a, b):
            n = a + b
            return n
        if __name__ == "__main__":
            n = int(input())
            while True: pass
    """,
    "exits_at_the_end": """
        import sys
        def add(a, b): return a + b
        sys.exit(0)
    """,
    "multiprocessing": """
        import multiprocessing
        def work(pair): return sum(pair)
        def add(a, b):
            with multiprocessing.Pool(2) as pool:
                return pool.map(work, [(a, b)])[0]
    """,
    "prints": """
        import sys
        print("hello"); sys.stdout.write("x"); sys.stderr.write("y")
        def add(a, b):
            sys.stdout.buffer.write(b"z"); sys.stdout.flush()
            return a + b
    """,
    "print_flood": """
        print("x" * (64 << 20))
        def add(a, b): return a + b
    """,
    "raw_flood": """
        import os
        def add(a, b):
            for fd in (1, 2): os.write(fd, b"x" * (1 << 20))
            return a + b
    """,
    "tempfile": """
        import os, tempfile
        def add(a, b):
            with tempfile.TemporaryDirectory() as folder:
                name = os.path.join(folder, "f")
                open(name, "w").write(str(a + b))
                return int(open(name).read())
    """,
    "own_folder": """
        import os, pathlib
        def add(a, b):
            assert os.path.isdir(os.getcwd())
            pathlib.Path("x").write_text(str(a + b))
            return int(pathlib.Path.home().joinpath("x").read_text())
    """,
    "dataclass_pickle": """
        import dataclasses, pickle
        @dataclasses.dataclass
        class Pair:
            a: int
            b: int
        def add(a, b):
            pair = pickle.loads(pickle.dumps(Pair(a, b)))
            return pair.a + pair.b
    """,
    "threads": """
        import threading
        def add(a, b):
            out = []
            threads = [threading.Thread(target=out.append, args=(x,)) for x in (a, b)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
            return sum(out)
    """,
    "asyncio": """
        import asyncio
        async def later(a, b):
            await asyncio.sleep(0)
            return a + b
        def add(a, b): return asyncio.run(later(a, b))
    """,
    "getsource": """
        import inspect
        def add(a, b):
            assert "inspect.getsource" in inspect.getsource(add)
            return a + b
    """,
    "subprocess": """
        import subprocess, sys
        total = {}
        def add(a, b):
            code = f"print({a} + {b})"
            done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True)
            return int(done.stdout)
    """,
    "fork": """
        import os
        def add(a, b):
            read, write = os.pipe()
            if os.fork() == 0:
                os.write(write, str(a + b).encode())
                os._exit(0)
            os.wait()
            return int(os.read(read, 99))
    """,
    "recursion": """
        import sys
        sys.setrecursionlimit(30000)
        def down(n): return 0 if n == 0 else down(n - 1)
        def add(a, b): return a + b + down(15000)
    """,
    "decimal_context": """
        from decimal import Decimal
        def add(a, b): return int(Decimal(a) + Decimal(b))
    """,
    "int_enum": """
        import enum
        class Five(enum.IntEnum):
            five = 5
        def add(a, b): return Five.five if a + b == 5 else a + b
    """,
    "swallows_own_errors": """
        def add(a, b):
            try: raise SystemExit(3)
            except SystemExit: return a + b
    """,
    "lingering_thread": """
        import threading, time
        threading.Thread(target=time.sleep, args=(60,)).start()
        def add(a, b): return a + b
    """,
    "unremovable_folder": """
        import os
        def add(a, b):
            if not os.path.exists("deep"):
                os.makedirs("deep/er")
                os.chmod("deep", 0)
            return a + b
    """,
}

PROGRAMS = [(name, dedent(program)) for name, program in RIGHT.items()]


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    jobs = [
        Job(key=name, task_id="add", program=program, entry_point="add", test=CHECK_ADD)
        for name, program in PROGRAMS
    ]
    return {outcome.key: outcome for outcome in run_jobs(jobs, LIMITS)}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_program_passes(name: str, outcomes: dict[str, Outcome]) -> None:
    assert outcomes[name].status == "passed", outcomes[name]
