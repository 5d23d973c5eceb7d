"""Programs that use more memory, processes, files or output than `HOST` says they may.

They tell whether they got it, and stop at four times a limit.

>>> {attack.kind for attack in ATTACKS}
{'exhaust'}
"""

from overproof.records import Status
from overproof.sandbox.attacks.attack import (
    PRELUDE,
    Attack,
    Danger,
    Layer,
    corpus,
    reports,
)

_CHECK_BOUNDED = """
def check(candidate):
    assert candidate(2, 3) == "held", "it got more than it may"
"""
_CUT: tuple[Status, ...] = (
    *("passed", "error", "timeout", "out_of_memory", "output_limit", "crashed"),
)
"""Whatever stopped it; `wrong_answer` is the report of a program that got too much."""

_MEMORY = {
    "memory_of_one_process": """
        # one process gets more memory than it may
        def add(a, b):
            limit, blocks = HOST["memory_mib"], []
            try:
                while len(blocks) * 16 < 4 * limit: blocks.append(bytearray(b"x") * (16 << 20))
            except MemoryError: pass
            return "held" if len(blocks) * 16 <= 1.5 * limit else "too much"
    """,
    "memory_of_many_processes": """
        # many processes together get more memory than they may
        def add(a, b):
            share, count = HOST["memory_mib"] // 2, 8
            read, write = os.pipe()
            for _ in range(count):
                if os.fork() == 0:
                    try:
                        block = bytearray(b"x") * (share << 20)
                        os.write(write, b"+")
                        time.sleep(1.5)
                    finally: os._exit(0)
            os.close(write)
            got = 0
            while got < count and os.read(read, 1): got += 1
            time.sleep(0.3)
            return "held" if got * share <= 1.5 * HOST["memory_mib"] else "too much"
    """,
    "memory_shared_by_processes": """
        # memory that processes share, and map nowhere for long, is not counted
        import mmap
        def add(a, b):
            size = HOST["memory_mib"] // 2 << 20
            maps = []
            try:
                for _ in range(8):
                    area = mmap.mmap(-1, size)
                    for place in range(0, size, 4096): area[place] = 1
                    maps.append(area)
            except (OSError, MemoryError, ValueError): pass
            return "held" if len(maps) <= 3 else "too much"
    """,
    "memory_in_nameless_files": """
        # files of memory, which are mapped nowhere, are not counted
        def add(a, b):
            limit, got, files, block = HOST["memory_mib"] << 20, 0, [], bytes(1 << 20)
            try:
                while got < 3 * limit:
                    handle = os.memfd_create("x")
                    files.append(handle)
                    for _ in range(HOST["file_mib"]): got += os.write(handle, block)
            except OSError: pass
            return "held" if got <= 1.5 * limit else "too much"
    """,
    "memory_in_the_kernel": """
        # what lies in pipes and sockets is not counted
        def add(a, b):
            import fcntl
            limit, got, ends, block = HOST["memory_mib"] << 20, 0, [], bytes(1 << 16)
            try:
                while got < 3 * limit:
                    pair = os.pipe()
                    ends.append(pair)
                    os.set_blocking(pair[1], False)
                    fcntl.fcntl(pair[1], 1031, 1 << 20)
                    for _ in range(16): got += os.write(pair[1], block)
            except OSError: pass
            return "held" if got <= 1.5 * limit else "too much"
    """,
    "memory_of_stacks": """
        # the stacks of threads are not counted
        import threading
        def add(a, b):
            threading.stack_size(64 << 20)
            end, started = threading.Event(), []
            try:
                while len(started) * 64 < 4 * HOST["memory_mib"]:
                    thread = threading.Thread(target=end.wait, daemon=True)
                    thread.start()
                    started.append(thread)
            except (RuntimeError, MemoryError): pass
            end.set()
            return "held" if len(started) * 64 <= 2 * HOST["memory_mib"] else "too much"
    """,
    "memory_at_once": """
        # a terabyte can be asked for at once
        def add(a, b):
            try: return "too much" if len(bytearray(1 << 40)) else ""
            except MemoryError: return "held"
    """,
}

_MEMORY_FOLDERS = {
    "memory_in_shared_folders": """
        # files in folders of memory are not counted
        def add(a, b):
            limit, got, block = (HOST["memory_mib"] + HOST["folder_mib"]) << 20, 0, bytes(1 << 20)
            for folder in ("/dev/shm", "/tmp", "/run/lock", "/run"):
                try:
                    for number in range(3 * limit >> 20):
                        with open(f"{folder}/{HOST['mark']}{number}", "wb") as file:
                            got += file.write(block)
                except OSError: pass
                for number in range(3 * limit >> 20):
                    try: os.unlink(f"{folder}/{HOST['mark']}{number}")
                    except OSError: break
            return "held" if got <= 1.5 * limit else "too much"
    """,
}

_PROCESSES = {
    "many_processes": """
        # more processes can be started than it may
        def add(a, b):
            limit, started = HOST["processes"], 0
            try:
                while started < 4 * limit:
                    if os.fork() == 0:
                        time.sleep(3)
                        os._exit(0)
                    started += 1
            except OSError: pass
            time.sleep(0.3)
            return "held" if started <= 1.5 * limit else "too much"
    """,
    "many_threads": """
        # more threads can be started than it may
        import threading
        def add(a, b):
            limit, end, started = HOST["processes"], threading.Event(), 0
            threading.stack_size(65536)
            try:
                while started < 4 * limit:
                    threading.Thread(target=end.wait, daemon=True).start()
                    started += 1
            except (RuntimeError, MemoryError): pass
            time.sleep(0.3)
            end.set()
            return "held" if started <= 1.5 * limit else "too much"
    """,
    "many_detached_processes": """
        # processes that no longer belong to the program are not counted
        def add(a, b):
            limit, started = HOST["processes"], 0
            try:
                while started < 4 * limit:
                    read, write = os.pipe()
                    if os.fork() == 0:
                        os.setsid()
                        try:
                            if os.fork() == 0:
                                os.write(write, b"+")
                                os.close(write)
                                time.sleep(3)
                        finally: os._exit(0)
                    os.close(write)
                    os.wait()
                    if not os.read(read, 1): break
                    os.close(read)
                    started += 1
            except OSError: pass
            time.sleep(0.3)
            return "held" if started <= 1.5 * limit else "too much"
    """,
}

_BOMBS = {
    "fork_bomb": """
        # a program that forks without end takes the machine
        def add(a, b):
            end = time.monotonic() + 5
            while time.monotonic() < end:
                try: os.fork()
                except OSError: pass
            os._exit(0)
    """,
    "fork_bomb_that_moves_on": """
        # a bomb whose processes leave their group and session, and ignore signals, goes on
        import signal
        def add(a, b):
            for number in range(1, 64):
                try: signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError): pass
            end = time.monotonic() + 5
            while time.monotonic() < end:
                try:
                    if os.fork() == 0: os.setsid()
                except OSError: pass
            os._exit(0)
    """,
}

_FILES = {
    "one_big_file": """
        # a file becomes larger than it may
        import signal
        def add(a, b):
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            got, block = 0, bytes(1 << 20)
            try:
                with open("big", "wb", 0) as file:
                    while got < 4 * HOST["file_mib"]: got += file.write(block) >> 20
            except OSError: pass
            return "held" if got <= 1.5 * HOST["file_mib"] else "too much"
    """,
    "sparse_file": """
        # a file of a terabyte without content breaks what counts or copies it
        import signal
        def add(a, b):
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            try: os.truncate(os.open("sparse", os.O_CREAT | os.O_RDWR), 1 << 40)
            except OSError: return "held"
            return "too much"
    """,
    "many_open_files": """
        # more files can be open than it may
        def add(a, b):
            files = []
            try:
                while len(files) < 4 * HOST["open_files"]:
                    files.append(os.open(os.devnull, os.O_RDONLY))
            except OSError: pass
            return "held" if len(files) <= HOST["open_files"] else "too much"
    """,
    "deep_folders": """
        # folders nested a thousand deep cannot be removed
        def add(a, b):
            for _ in range(1000):
                try:
                    os.mkdir("deeper")
                    os.chdir("deeper")
                except OSError: break
            return "held"
    """,
    "locked_folders": """
        # folders without permissions cannot be removed
        def add(a, b):
            for number in range(50):
                os.makedirs(f"locked{number}/in/side")
                open(f"locked{number}/in/side/file", "w").close()
                for name in ("in/side", "in", ""): os.chmod(f"locked{number}/{name}", 0)
            os.chmod(".", 0)
            return "held"
    """,
    "many_small_files": """
        # thousands of files hold up the next program
        def add(a, b):
            for number in range(5000):
                try: open(f"file{number}", "w").close()
                except OSError: break
            return "held"
    """,
    "odd_names": """
        # files with odd names, or links to themselves, cannot be removed
        def add(a, b):
            for name in (b"-rf", b"\\n", b"\\xff\\xfe", b"a" * 255, b" ", b"*", b"\\\\", b"$(id)"):
                open(name, "w").close()
            os.symlink("loop", "loop")
            os.symlink("/", "root")
            os.symlink("..", "up")
            os.mkfifo("pipe")
            return "held"
    """,
}

_FOLDER = {
    "many_big_files": """
        # all files together become larger than they may
        def add(a, b):
            limit, got, block = HOST["folder_mib"], 0, bytes(1 << 20)
            try:
                while got < 4 * limit:
                    with open(f"file{got}", "wb", 0) as file: got += file.write(block) >> 20
            except OSError: pass
            return "held" if got <= 1.5 * limit else "too much"
    """,
}

_LIMITS_RAISED = {
    "raises_its_limits": """
        # a program can raise its own limits
        import resource
        def add(a, b):
            for name in ("AS", "CPU", "FSIZE", "NOFILE", "NPROC", "CORE"):
                kind = getattr(resource, "RLIMIT_" + name)
                soft, hard = resource.getrlimit(kind)
                if hard == resource.RLIM_INFINITY: reached.append(name + " has no end")
                for value in (hard + 1, resource.RLIM_INFINITY):
                    try: resource.setrlimit(kind, (value, value))
                    except (OSError, ValueError): continue
                    reached.append(name)
            return report()
    """,
}

_ANSWERS = {
    "answer_of_64_mib": """
        # an answer of 64 MiB is taken in
        def add(a, b): return "x" * (64 << 20)
    """,
    "answer_of_many_parts": """
        # an answer of three million parts is taken in
        def add(a, b): return list(range(3_000_000))
    """,
    "answer_of_many_digits": """
        # an answer of a hundred million binary digits is taken in
        def add(a, b): return 1 << 100_000_000
    """,
    "answer_of_shared_parts": """
        # a small answer that is huge when it is written out fills the memory
        def add(a, b):
            nest = [7] * 10
            for _ in range(12): nest = [nest] * 10
            return nest
    """,
    "exception_of_32_mib": """
        # an exception with a message of 32 MiB is taken in
        def add(a, b): raise ValueError("x" * (32 << 20))
    """,
    "chain_of_exceptions": """
        # an exception that was raised from ten thousand others is taken in
        def add(a, b):
            error = None
            for _ in range(10_000):
                try: raise ValueError("x" * 100) from error
                except ValueError as latest: error = latest
            raise error
    """,
}

_OUTPUT = {
    "prints_64_mib": """
        # what is printed fills the memory, or holds up the program
        def add(a, b):
            for _ in range(64): print("x" * (1 << 20))
            return "held"
    """,
    "writes_to_raw_descriptors": """
        # what is written to the standard descriptors arrives at the user's terminal
        def add(a, b):
            for number in (0, 1, 2):
                try: os.write(number, b"x" * (1 << 18))
                except OSError: pass
            return "held"
    """,
}

_FLOODS = {
    "output_without_end": """
        # output without end fills the memory of the judge
        while True: print("x" * 4096)
    """,
    "line_without_end": """
        # a line without end fills the memory of the judge
        import sys
        while True: sys.stdout.write("x" * (1 << 16))
    """,
}

_WORKS_ON = "def add(a, b): return 'held'\n"


def _bounded(
    programs: dict[str, str],
    held_by: tuple[Layer, ...] = (),
    danger: Danger = "",
    next_program: str = "",
) -> tuple[Attack, ...]:
    return corpus(
        "exhaust",
        programs,
        prelude=PRELUDE,
        expect=_CUT,
        test=_CHECK_BOUNDED,
        held_by=held_by,
        budget="small",
        danger=danger,
        next_program=next_program,
    )


ATTACKS = (
    *_bounded(_MEMORY),
    *_bounded(_MEMORY_FOLDERS, held_by=("namespaces",)),
    *_bounded(_PROCESSES),
    *_bounded(_BOMBS, held_by=("namespaces",), danger="processes"),
    *_bounded(_FILES, next_program=_WORKS_ON),
    *_bounded(_FOLDER, held_by=("namespaces",)),
    *reports("exhaust", _LIMITS_RAISED, budget="small"),
    *corpus("exhaust", _ANSWERS, budget="small"),
    *reports("exhaust", _OUTPUT),
    *corpus(
        "exhaust",
        _FLOODS,
        expect=("output_limit", "timeout"),
        cases=(("", "x"),),
        budget="small",
    ),
)
