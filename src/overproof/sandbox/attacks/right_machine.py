"""Right programs that use files, processes, threads, output and clocks: all must pass.

>>> {attack.kind for attack in ATTACKS}, {attack.expect for attack in ATTACKS}
({'right'}, {('passed',)})
"""

from overproof.sandbox.attacks.attack import corpus

_PROGRAMS = {
    "working_folder": """
        # getcwd, a file written and read back
        import os
        def add(a, b):
            assert os.path.isdir(os.getcwd())
            with open("numbers.txt", "w") as file: file.write(f"{a}\\n{b}\\n")
            with open(os.path.join(os.getcwd(), "numbers.txt")) as file:
                return sum(int(line) for line in file)
    """,
    "pathlib_and_home": """
        # pathlib, the home folder, renaming and listing
        import pathlib, shutil
        def add(a, b):
            here = pathlib.Path.home() / "some" / "folder"
            here.mkdir(parents=True, exist_ok=True)
            (here / "x.txt").write_text(str(a), encoding="utf-8")
            (here / "x.txt").rename(here / "y.txt")
            (here / "z.txt").write_text(str(b))
            total = sum(int(path.read_text()) for path in sorted(here.glob("*.txt")))
            shutil.rmtree(here)
            return total
    """,
    "temporary_files": """
        # tempfile
        import os, tempfile
        def add(a, b):
            with tempfile.TemporaryDirectory() as folder:
                name = os.path.join(folder, "f")
                open(name, "w").write(str(a))
                with tempfile.NamedTemporaryFile("w+") as file, tempfile.TemporaryFile() as other:
                    file.write(str(b))
                    file.seek(0)
                    other.write(b"x")
                    return int(open(name).read()) + int(file.read())
    """,
    "reads_its_own_file": """
        # __file__, inspect.getsource
        import inspect, os
        def add(a, b):
            assert "inspect.getsource" in inspect.getsource(add)
            assert "def add" in open(__file__).read()
            return a + b + len(os.path.dirname(os.path.abspath(__file__))) * 0
    """,
    "environment": """
        # os.environ, read and written
        import os
        def add(a, b):
            os.environ["TOTAL"] = str(a + b)
            assert os.environ.get("PATH") and os.environ.get("HOME")
            return int(os.getenv("TOTAL"))
    """,
    "starts_python": """
        # a subprocess of Python
        import subprocess, sys
        def add(a, b):
            done = subprocess.run([sys.executable, "-c", f"print({a} + {b})"],
                                  capture_output=True, text=True, check=True)
            return int(done.stdout)
    """,
    "starts_itself": """
        # a subprocess that runs this program's own file
        import subprocess, sys
        def add(a, b):
            if len(sys.argv) > 3: return a + b
            command = [sys.executable, __file__, "run", str(a), str(b)]
            return int(subprocess.check_output(command))
        if __name__ == "__main__" and len(sys.argv) > 3:
            print(int(sys.argv[2]) + int(sys.argv[3]))
    """,
    "starts_a_shell": """
        # a shell command
        import os, subprocess
        def add(a, b):
            assert os.system("true") == 0
            return int(subprocess.check_output(f"echo $(( {a} + {b} ))", shell=True))
    """,
    "forks_and_pipes": """
        # fork, pipe and wait
        import os
        def add(a, b):
            read, write = os.pipe()
            child = os.fork()
            if child == 0:
                os.write(write, str(a + b).encode())
                os._exit(3)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
            return int(os.read(read, 99))
    """,
    "children_that_share": """
        # children that only read what their parent made: memory that is there once
        import os, time
        table = bytes(range(256)) * (150 << 12)
        def add(a, b):
            read, write = os.pipe()
            for _ in range(9):
                if os.fork() == 0:
                    os.write(write, table[5:6])
                    time.sleep(0.3)
                    os._exit(0)
            for _ in range(9): os.wait()
            return a + b if os.read(read, 99) == b"\\x05" * 9 else None
    """,
    "threads": """
        # threads with locks, events, queues and local data
        import queue, threading
        def add(a, b):
            lock, event, found = threading.Lock(), threading.Event(), queue.Queue()
            def put(x):
                event.wait()
                with lock: found.put(x)
            threads = [threading.Thread(target=put, args=(x,)) for x in (a, b)]
            for thread in threads: thread.start()
            event.set()
            for thread in threads: thread.join()
            return found.get() + found.get()
    """,
    "thread_that_lingers": """
        # a thread that is not done
        import threading, time
        threading.Thread(target=time.sleep, args=(60,)).start()
        def add(a, b): return a + b
    """,
    "asyncio": """
        # asyncio with tasks, queues and a subprocess
        import asyncio, sys
        async def later(x):
            await asyncio.sleep(0.01)
            return x
        async def main(a, b):
            one, two = await asyncio.gather(later(a), later(b))
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-S", "-c", "print(1)", stdout=asyncio.subprocess.PIPE)
            output, _ = await process.communicate()
            return one + two + int(output) - 1
        def add(a, b): return asyncio.run(main(a, b))
    """,
    "pair_of_sockets": """
        # a pair of sockets, one end in a thread
        import socket, threading
        def add(a, b):
            ours, theirs = socket.socketpair()
            threading.Thread(target=lambda: theirs.sendall(str(a + b).encode())).start()
            return int(ours.recv(99))
    """,
    "alarm": """
        # signal.alarm and a handler
        import signal, time
        def add(a, b):
            rung = []
            signal.signal(signal.SIGALRM, lambda *arguments: rung.append(1))
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            end = time.monotonic() + 5
            while not rung and time.monotonic() < end: time.sleep(0.005)
            signal.alarm(0)
            return a + b if rung else None
    """,
    "sleeps_a_little": """
        # time.sleep and clocks
        import datetime, time
        def add(a, b):
            start = time.perf_counter()
            time.sleep(0.05)
            assert time.perf_counter() - start >= 0.04
            assert datetime.datetime.now().year > 2000
            return a + b
    """,
    "prints": """
        # print, sys.stdout, sys.stdout.buffer, sys.stderr
        import sys
        print("hello", flush=True)
        def add(a, b):
            print(a, b, file=sys.stderr)
            sys.stdout.write("x")
            sys.stdout.buffer.write(b"y\\n")
            sys.stdout.flush()
            return a + b
    """,
    "prints_a_mebibyte": """
        # output of a mebibyte
        def add(a, b):
            for _ in range(1024): print("x" * 1023)
            return a + b
    """,
    "redirects_output": """
        # contextlib.redirect_stdout, io.StringIO
        import contextlib, io
        def add(a, b):
            text = io.StringIO()
            with contextlib.redirect_stdout(text): print(a + b)
            return int(text.getvalue())
    """,
    "replaces_output": """
        # sys.stdout and sys.stdin replaced
        import io, sys
        def add(a, b):
            before = sys.stdin, sys.stdout
            sys.stdin, sys.stdout = io.StringIO(f"{a}\\n{b}\\n"), io.StringIO()
            try:
                print(int(input()) + int(input()))
                return int(sys.stdout.getvalue())
            finally: sys.stdin, sys.stdout = before
    """,
    "wraps_output": """
        # sys.stdout opened anew with another encoding
        import io, sys
        sys.stdout.reconfigure(encoding="utf-8")
        sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", errors="replace")
        def add(a, b):
            print("\\u00e4\\u4e2d\\U0001f600")
            return a + b
    """,
    "logs": """
        # logging to stderr and to a file
        import logging
        logging.basicConfig(level=logging.DEBUG)
        handler = logging.FileHandler("add.log")
        logging.getLogger(__name__).addHandler(handler)
        def add(a, b):
            logging.getLogger(__name__).warning("adding %d and %d", a, b)
            return a + b if "adding" in open("add.log").read() else None
    """,
    "databases_and_archives": """
        # sqlite3 in memory and in a file, zlib, zipfile
        import sqlite3, zipfile, zlib
        def add(a, b):
            total = 0
            for name in (":memory:", "numbers.db"):
                base = sqlite3.connect(name)
                base.execute("drop table if exists numbers")
                base.execute("create table numbers (x integer)")
                base.executemany("insert into numbers values (?)", [(a,), (b,)])
                base.commit()
                total = base.execute("select sum(x) from numbers").fetchone()[0]
                base.close()
            with zipfile.ZipFile("x.zip", "w") as archive: archive.writestr("x", str(total))
            with zipfile.ZipFile("x.zip") as archive: text = archive.read("x")
            return int(zlib.decompress(zlib.compress(text)))
    """,
    "writes_and_imports_a_module": """
        # a module written by the program and imported
        import importlib, pathlib, sys
        def add(a, b):
            pathlib.Path("helper.py").write_text("def plus(a, b): return a + b\\n")
            sys.path.insert(0, ".")
            importlib.invalidate_caches()
            import helper
            return helper.plus(a, b)
    """,
    "imports_from_its_folder": """
        # a module beside the program, found as beside any script
        def add(a, b):
            with open("beside.py", "w") as file: file.write("def plus(a, b): return a + b\\n")
            import beside
            return beside.plus(a, b)
    """,
    "ctypes": """
        # ctypes
        import ctypes
        def add(a, b):
            numbers = (ctypes.c_int * 2)(a, b)
            return sum(numbers) + ctypes.CDLL(None).abs(0)
    """,
    "mapped_file": """
        # mmap and a large sparse read
        import mmap
        def add(a, b):
            with open("data", "w+b") as file:
                file.write(bytes(4096))
                file.flush()
                with mmap.mmap(file.fileno(), 0) as area: area[:2] = bytes((abs(a), abs(b)))
            return a + b
    """,
    "uses_memory": """
        # two hundred mebibytes for a moment
        def add(a, b):
            block = bytearray(200 << 20)
            block[::4096] = b"x" * len(block[::4096])
            return a + b + 0 * len(block)
    """,
    "locale_and_time_zones": """
        # locale, zoneinfo, calendar
        import calendar, datetime, locale, zoneinfo
        locale.setlocale(locale.LC_ALL, "")
        def add(a, b):
            try: zone = zoneinfo.ZoneInfo("Europe/Berlin")
            except zoneinfo.ZoneInfoNotFoundError: zone = datetime.timezone.utc
            datetime.datetime.now(zone)
            return a + b + 0 * len(calendar.month(2024, 1))
    """,
    "platform": """
        # platform, os.cpu_count, getpass, socket.gethostname, sys.version
        import getpass, os, platform, socket, sys
        def add(a, b):
            try: getpass.getuser()
            except (KeyError, OSError): pass
            parts = (platform.platform(), os.cpu_count(), socket.gethostname(), sys.version)
            return a + b if all(parts) else None
    """,
}

_MULTIPROCESSING = {
    "pool_of_processes": """
        # multiprocessing.Pool
        import multiprocessing
        def same(x): return x
        def add(a, b):
            with multiprocessing.Pool(2) as pool: return sum(pool.map(same, [a, b]))
    """,
    "queue_of_processes": """
        # multiprocessing.Process, Queue, Value and Lock
        import multiprocessing
        def work(queue, total, lock, x):
            with lock: total.value += x
            queue.put(x)
        def add(a, b):
            queue, lock = multiprocessing.Queue(), multiprocessing.Lock()
            total = multiprocessing.Value("i", 0)
            workers = [multiprocessing.Process(target=work, args=(queue, total, lock, x))
                       for x in (a, b)]
            for worker in workers: worker.start()
            got = queue.get(timeout=10) + queue.get(timeout=10)
            for worker in workers: worker.join()
            assert got == total.value
            return got
    """,
    "spawned_processes": """
        # multiprocessing with the method spawn
        import multiprocessing
        def put(queue, x): queue.put(x)
        def add(a, b):
            context = multiprocessing.get_context("spawn")
            queue = context.Queue()
            worker = context.Process(target=put, args=(queue, a + b))
            worker.start()
            result = queue.get(timeout=3)
            worker.join()
            return result
        if __name__ == "__main__": print(add(1, 2))
    """,
    "manager_of_processes": """
        # multiprocessing.Manager and Pipe
        import multiprocessing
        def put(shared, end, x):
            shared["x"] = x
            end.send(x)
        def add(a, b):
            ours, theirs = multiprocessing.Pipe()
            with multiprocessing.Manager() as manager:
                shared = manager.dict()
                worker = multiprocessing.Process(target=put, args=(shared, theirs, a + b))
                worker.start()
                worker.join()
                assert shared["x"] == ours.recv()
                return shared["x"]
    """,
    "executors": """
        # both executors of concurrent.futures
        from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
        def same(x): return x
        def add(a, b):
            with ThreadPoolExecutor(2) as threads, ProcessPoolExecutor(2) as processes:
                futures = [threads.submit(same, a), processes.submit(same, b)]
                return sum(future.result() for future in as_completed(futures))
    """,
}
"""These need named semaphores, which live in /dev/shm."""

ATTACKS = (
    *corpus("right", _PROGRAMS, expect=("passed",)),
    *corpus("right", _MULTIPROCESSING, expect=("passed",), held_by=("namespaces",)),
)
