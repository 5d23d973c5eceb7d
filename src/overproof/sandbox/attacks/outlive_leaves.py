"""Programs that leave something behind: files, objects of the kernel, settings, processes.

A second program in the same worker looks for it.

>>> {attack.kind for attack in ATTACKS}
{'outlive'}
"""

from overproof.sandbox.attacks.attack import FAILED, PRELUDE, corpus

_FINDER = """
def add(a, b):
    mark = HOST["mark"]
    tops = (".", "..", "/tmp", "/var/tmp", "/dev/shm", "/run/lock", os.path.dirname(os.__file__),
            os.environ.get("HOME", "."), os.environ.get("TMPDIR", "."), *HOST["places"])
    for top in tops:
        try: names = os.listdir(top)
        except OSError: continue
        reached.extend(f"{top}/{name}"[-40:] for name in names if mark in name)
    reached.extend(name for name in os.listdir(".") if name != "candidate.py")
    for name, find in (("segment", libc.shmget), ("semaphore", libc.semget)):
        if find(HOST["key"], 0, 0) >= 0: reached.append(name)
    if libc.msgget(HOST["key"], 0) >= 0: reached.append("messages")
    queue = libc.mq_open(b"/" + mark.encode(), os.O_RDONLY)
    if queue >= 0: reached.append("queue")
    attempt("listener", lambda: socket.socket(socket.AF_UNIX).connect("\\0" + mark))
    keys = {"x86_64": 250, "aarch64": 219}.get(os.uname().machine)
    if keys and libc.syscall(keys, 10, -3, b"user", mark.encode(), 0) >= 0: reached.append("key")
    if mark in sys.modules or mark in os.environ or hasattr(os, "left"): reached.append("module")
    if time.tzname[0] == "LEFT" or os.umask(0o77) != 0o77: reached.append("settings")
    if sys.getrecursionlimit() != 1000 or os.getpriority(os.PRIO_PROCESS, 0) > HOST["nice"]:
        reached.append("limits")
    import signal
    if signal.getsignal(signal.SIGTERM) != signal.SIG_DFL: reached.append("handler")
    try: pids = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError: pids = []
    for pid in pids:
        try:
            if HOST["tag"] in open(f"/proc/{pid}/comm").read(): reached.append("process " + pid)
        except OSError: pass
    try:
        with open("room", "wb") as file: file.write(bytes(1 << 20))
        for _ in range(3):
            if os.fork() == 0: os._exit(0)
            os.wait()
    except OSError as error: reached.append(f"no room: {error}")
    return report()
"""
"""The program that runs next: whatever it finds was left for it."""

_LEAVES = {
    "leaves_files": """
        # files that one program leaves are there for the next
        def add(a, b):
            for folder in (".", "..", "/tmp", "/var/tmp", "/dev/shm", "/run/lock",
                           os.environ.get("HOME", "."), *HOST["top_folders"]):
                try: open(f"{folder}/{HOST['mark']}", "w").write("x")
                except OSError: pass
            return "held"
    """,
    "leaves_closed_folders": """
        # folders without permissions, in every place, are there for the next program
        def add(a, b):
            for folder in (".", "..", "/tmp", "/dev/shm"):
                try:
                    top = f"{folder}/{HOST['mark']}"
                    os.makedirs(top + "/in/side")
                    open(top + "/in/file", "w").close()
                    os.chmod(top + "/in", 0)
                    os.chmod(top, 0)
                except OSError: pass
            return "held"
    """,
    "leaves_a_full_disk": """
        # a folder that one program fills is full for the next
        def add(a, b):
            for folder in (".", "/tmp", "/dev/shm"):
                try:
                    for number in range(24):
                        with open(f"{folder}/{HOST['mark']}{number}", "wb") as file:
                            file.write(bytes(3 << 20))
                except OSError: pass
            return "held"
    """,
    "leaves_a_link_as_its_folder": """
        # the working folder of the next program is a link that this one made
        def add(a, b):
            here = os.getcwd()
            try:
                os.rename(here, here + "-left")
                os.symlink("/tmp", here)
            except OSError: pass
            return "held"
    """,
    "leaves_a_file_as_its_folder": """
        # the working folder of the next program is a file that this one made
        def add(a, b):
            here = os.getcwd()
            try:
                os.rename(here, here + "-left")
                open(here, "w").write("x")
            except OSError: pass
            return "held"
    """,
    "leaves_shared_memory": """
        # memory with a name is there for the next program
        from multiprocessing import resource_tracker, shared_memory
        def add(a, b):
            try: memory = shared_memory.SharedMemory(HOST["mark"], create=True, size=4096)
            except OSError: return "held"
            memory.buf[0] = 1
            memory.close()
            resource_tracker.unregister("/" + HOST["mark"], "shared_memory")
            return "held"
    """,
    "leaves_kernel_objects": """
        # memory, messages and semaphores in the kernel are there for the next program
        def add(a, b):
            libc.shmget(HOST["key"], 4096, 0o1666)
            libc.msgget(HOST["key"], 0o1666)
            libc.semget(HOST["key"], 1, 0o1666)
            libc.mq_open(b"/" + HOST["mark"].encode(), os.O_CREAT | os.O_RDWR, 0o666, None)
            return "held"
    """,
    "leaves_keys": """
        # keys in the kernel are there for the next program
        def add(a, b):
            number = {"x86_64": 248, "aarch64": 217}.get(os.uname().machine)
            for ring in (-3, -4, -5):
                if number: libc.syscall(number, b"user", HOST["mark"].encode(), b"left", 4, ring)
            return "held"
    """,
    "leaves_a_listener": """
        # a process of one program listens to the next
        def add(a, b):
            try:
                server = socket.socket(socket.AF_UNIX)
                server.bind("\\0" + HOST["mark"])
            except OSError: return "held"
            server.listen()
            libc.prctl(15, HOST["tag"].encode(), 0, 0, 0)
            if os.fork() == 0:
                os.setsid()
                time.sleep(20)
                os._exit(0)
            return "held"
    """,
    "leaves_patches": """
        # modules, variables and built-in names that one program changes are changed for the next
        import builtins, types
        def add(a, b):
            sys.modules[HOST["mark"]] = types.ModuleType("left")
            os.environ[HOST["mark"]] = os.left = "left"
            builtins.len = lambda thing: 5
            for name in list(sys.modules):
                if "overproof" in name: sys.modules[name].left = "left"
            return "held"
    """,
    "leaves_settings": """
        # limits, priorities and settings that one program changes are changed for the next
        import resource, signal
        def add(a, b):
            os.environ["TZ"] = "LEFT"
            time.tzset()
            os.umask(0)
            os.nice(5)
            os.chdir("/")
            sys.setrecursionlimit(50)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC):
                resource.setrlimit(kind, (5, 5))
            return "held"
    """,
    "leaves_bytecode": """
        # compiled modules that one program writes are loaded by the next
        import py_compile
        def add(a, b):
            os.makedirs("__pycache__", exist_ok=True)
            open("left.py", "w").write("import os; os.left = 1")
            for target in (os.path.dirname(os.__file__) + "/__pycache__", "__pycache__", ".."):
                for name in ("colorsys", "bisect", "candidate"):
                    tag = sys.implementation.cache_tag
                    try: py_compile.compile("left.py", f"{target}/{HOST['mark']}.{name}.{tag}.pyc")
                    except OSError: pass
            return "held"
    """,
    "leaves_many_processes": """
        # the processes that one program starts are counted against the next
        def add(a, b):
            libc.prctl(15, HOST["tag"].encode(), 0, 0, 0)
            try:
                for _ in range(500):
                    if os.fork() == 0:
                        os.setsid()
                        time.sleep(20)
                        os._exit(0)
            except OSError: pass
            return "held"
    """,
    "leaves_a_writer": """
        # a process of one program goes on writing into the folder of the next
        def add(a, b):
            here = os.getcwd()
            libc.prctl(15, HOST["tag"].encode(), 0, 0, 0)
            if os.fork() == 0:
                os.setsid()
                end = time.monotonic() + 8
                while time.monotonic() < end:
                    try: open(here + "/left", "w").write("x")
                    except OSError: time.sleep(0.001)
                os._exit(0)
            return "held"
    """,
}

ATTACKS = corpus(
    "outlive",
    _LEAVES,
    prelude=PRELUDE,
    expect=("passed", *FAILED),
    budget="small",
    next_program=PRELUDE + _FINDER,
)
