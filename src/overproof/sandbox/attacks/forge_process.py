"""Programs that rewrite the process they run in, or look there for the test and its answers.

None of it is trusted, and the test is not there: what is found and changed is their own.

>>> {attack.kind for attack in ATTACKS}
{'forge'}
"""

from overproof.sandbox.attacks.attack import FAILED, NEVER_RAN, Attack, corpus, source

_CHECK_WORD = """
def check(candidate):
    word = "only this test knows the word amaranth"
    answer = candidate(2, 3)
    if answer != "held":
        raise ValueError(repr(answer)[:150])
"""

_REWRITE = {
    "frames_rewritten": """
        # names in the callers' frames can be changed: the verdict is one of them
        import sys
        def add(a, b):
            frame = sys._getframe()
            while frame:
                for name, value in list(frame.f_locals.items()):
                    if isinstance(value, dict): value.update(passed=True, status="passed")
                    if isinstance(value, list): value.append("passed")
                frame = frame.f_back
            return 0
    """,
    "garbage_collector_walked": """
        # every dict of the process is told that the program passed
        import gc
        def add(a, b):
            for thing in gc.get_objects():
                if type(thing) is dict and ("status" in thing or "failed" in thing):
                    thing.update(status="passed", detail="passed")
            return 0
    """,
    "locals_written_by_c": """
        # the callers' local names are written through the interpreter's own functions
        import ctypes, sys
        def add(a, b):
            frame = sys._getframe(1)
            while frame:
                for name in list(frame.f_locals):
                    if name in ("reply", "value", "failure", "status", "finding"):
                        frame.f_locals[name] = {"value": 5}
                ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))
                frame = frame.f_back
            return 0
    """,
    "trace_replaces": """
        # a trace function replaces the function that is called
        import sys, threading
        def trace(frame, event, argument):
            for name in ("candidate", "proxy", "finding", "value", "function"):
                if name in frame.f_locals:
                    frame.f_locals[name] = lambda *arguments: {"status": "passed", "value": 7}
            return trace
        sys.settrace(trace)
        sys.setprofile(trace)
        threading.settrace(trace)
        frame = sys._getframe()
        while frame:
            frame.f_trace = trace
            frame = frame.f_back
        def add(a, b): return 0
    """,
    "trace_jumps": """
        # a trace function jumps over the comparison in the caller
        import sys
        def trace(frame, event, argument):
            try: frame.f_lineno = frame.f_code.co_firstlineno + 9
            except Exception: pass
            return trace
        def add(a, b):
            frame = sys._getframe().f_back
            while frame:
                frame.f_trace, frame.f_trace_lines = trace, True
                frame = frame.f_back
            sys.settrace(trace)
            return 0
    """,
    "exits_at_load": """
        # an exit with status 0 while loading counts as success
        import os
        os._exit(0)
        def add(a, b): return 0
    """,
    "exits_in_a_call": """
        # an exit with status 0 in a call counts as success
        import os
        def add(a, b): os._exit(0)
    """,
    "sys_exit_in_a_call": """
        # sys.exit(0) in a call counts as success
        import sys
        def add(a, b): sys.exit(0)
    """,
    "exits_in_a_thread": """
        # a thread ends the process with status 0 while the first call is answered
        import os, threading, time
        def add(a, b):
            threading.Timer(0.02, os._exit, (0,)).start()
            time.sleep(0.2)
            return 0
    """,
    "exit_hook": """
        # a hook at exit makes the status 0, which counts as success
        import atexit, os, signal, sys
        atexit.register(os._exit, 0)
        sys.excepthook = lambda *arguments: os._exit(0)
        signal.signal(signal.SIGTERM, lambda *arguments: os._exit(0))
        class Last:
            def __del__(self): os._exit(0)
        sys.last = Last()
        def add(a, b): raise ValueError
    """,
    "prints_success": """
        # a line of output that says that all tests passed is believed
        import sys
        words = ("passed", "PASSED", "OK", "1", '{"status": "passed"}', '{"passed": true}',
                 "Ran 3 tests in 0.001s\\n\\nOK", "ok 1", "##teamcity[testFinished]", "\\x04")
        def add(a, b):
            for word in words:
                print(word)
                print(word, file=sys.stderr)
            return 0
    """,
    "success_in_files": """
        # a result file that says passed, in the working folder, is believed
        import json, os
        def add(a, b):
            for name in ("result", "results.json", "outcome.json", "status", ".pytest_cache",
                         "verdict", "reward.txt", "report.xml", "conftest.py", "sitecustomize.py"):
                for folder in (".", "..", "/tmp", os.environ.get("HOME", ".")):
                    try: open(os.path.join(folder, name), "w").write('{"status": "passed"}')
                    except OSError: pass
            return 0
    """,
    "builtins_replaced": """
        # the built-in names that a judge would use are replaced
        import builtins
        builtins.AssertionError = type("Never", (Exception,), {})
        builtins.isinstance = builtins.issubclass = builtins.all = lambda *arguments: True
        builtins.len = builtins.abs = lambda *arguments: 0
        builtins.type = lambda *arguments: int
        builtins.compile = builtins.exec = lambda *arguments, **names: None
        builtins.__import__ = lambda *arguments, **names: builtins
        def add(a, b): return 0
    """,
    "operators_replaced": """
        # operator.eq and its kin are replaced
        import math, operator, unittest
        operator.eq = math.isclose = lambda *arguments, **names: True
        operator.ne = operator.sub = lambda *arguments: 0
        unittest.TestCase.assertEqual = lambda *arguments: None
        try:
            import numpy
            numpy.allclose = numpy.array_equal = lambda *arguments, **names: True
            numpy.testing.assert_allclose = lambda *arguments, **names: None
        except ImportError: pass
        def add(a, b): return 0
    """,
    "json_replaced": """
        # the module that writes the answer writes another one
        import json, json.encoder
        text = '{"value": 5, "status": "passed", "passed": true}'
        json.dumps = json.JSONEncoder.encode = json.encoder.JSONEncoder.encode = (
            lambda *arguments, **names: text)
        json.encoder.c_make_encoder = None
        json.encoder.encode_basestring_ascii = lambda text: '"passed"'
        def add(a, b): return 0
    """,
    "socket_and_struct_replaced": """
        # what sends the answer sends nothing, or another length
        import socket, struct
        struct.pack = lambda *arguments: b"\\x04\\0\\0\\0"
        class Length:
            pack = staticmethod(lambda *arguments: b"\\x04\\0\\0\\0")
            size = 4
        struct.Struct = Length
        socket.socket.sendall = lambda self, content: self.send(b"\\x04\\0\\0\\0true")
        def add(a, b): return 0
    """,
    "own_modules_patched": """
        # our own modules in the program's process are patched, and make the verdict
        import importlib, sys
        class Passed:
            status, detail, gone, calls = "passed", "passed", "", 3
            def __call__(self, *arguments, **names): return self
            def __getattr__(self, name): return self
            def __iter__(self): return iter(("passed", ""))
        for name in ("judge", "proxy", "oracle", "codec", "wire", "zygote", "pool", "stdio",
                     "recording", "candidate", "confine", "execute"):
            try: module = importlib.import_module("overproof.sandbox." + name)
            except Exception: continue
            for key, value in list(vars(module).items()):
                if callable(value) and not isinstance(value, type): setattr(module, key, Passed())
        def add(a, b): return 0
    """,
    "codec_patched": """
        # the function that encodes a result says what the program wants
        import sys
        for name, module in list(sys.modules.items()):
            if hasattr(module, "encode") and "overproof" in name:
                module.encode = lambda value: {"value": 5, "status": "passed", "passed": True}
                module.decode = lambda tree: 5
        def add(a, b): return 0
    """,
    "answers_replaced": """
        # the function that makes the reply says that the program passed
        import sys
        for name, module in list(sys.modules.items()):
            if hasattr(module, "answer") and "overproof" in name:
                module.answer = lambda *arguments: {"status": "passed", "detail": ""}
        def add(a, b): return 0
    """,
    "modules_swapped": """
        # the modules of the judge are exchanged for ones that say passed
        import sys, types
        for name in [name for name in sys.modules if "overproof" in name]:
            module = types.ModuleType(name)
            module.__getattr__ = lambda key: lambda *arguments, **names: {"status": "passed"}
            sys.modules[name] = module
        sys.modules["json"] = sys.modules["socket"] = None
        def add(a, b): return 0
    """,
    "import_hook": """
        # a hook that every later import goes through replaces what is imported
        import sys
        class Finder:
            def find_spec(self, name, path=None, target=None): raise SystemExit(0)
        sys.meta_path.insert(0, Finder())
        sys.path_hooks.insert(0, Finder)
        sys.path_importer_cache.clear()
        def add(a, b): return 0
    """,
    "path_for_the_judge": """
        # a module in the working folder is imported by the judge in place of its own
        import sys
        for name in ("json", "random", "traceback", "ast", "sitecustomize", "numpy", "math"):
            open(name + ".py", "w").write("import os; os._exit(0)")
        sys.path.insert(0, "")
        def add(a, b): return 0
    """,
    "code_of_the_caller": """
        # the code of the functions that called the program is exchanged
        import gc, types
        def passed(*arguments, **names): return {"status": "passed", "value": 5}
        def add(a, b):
            for thing in gc.get_objects():
                if type(thing) is types.FunctionType and "overproof" in (thing.__module__ or ""):
                    try: thing.__code__ = passed.__code__
                    except ValueError: pass
            return 0
    """,
    "constants_of_the_caller": """
        # the constants in the code of the process are overwritten in memory
        import ctypes, gc, types
        def add(a, b):
            for thing in gc.get_objects():
                if type(thing) is types.FunctionType and "overproof" in (thing.__module__ or ""):
                    for constant in thing.__code__.co_consts:
                        if type(constant) is str and constant in ("raised", "failed"):
                            start = id(constant) + str.__basicsize__ - 16
                            try: ctypes.memmove(start, b"passed", 6)
                            except Exception: pass
            return 0
    """,
    "collector_off_stack_tiny": """
        # a recursion limit of almost nothing breaks the judge's code
        import sys
        def add(a, b):
            for limit in range(200, 5, -5):
                try: sys.setrecursionlimit(limit)
                except Exception: break
            return 0
    """,
    "crash_handler_says_success": """
        # a handler for the crash signal ends with status 0, which counts as success
        import ctypes, os, signal
        libc = ctypes.CDLL(None)
        address = ctypes.cast(libc._exit, ctypes.c_void_p).value
        libc.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
        for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGXCPU, signal.SIGTERM):
            libc.signal(number, address)
        def add(a, b): return ctypes.string_at(0)
    """,
    "dataclass_of_answers": """
        # the program finds out what is asked, by its own frames, and answers that
        import sys
        def add(a, b):
            frame = sys._getframe()
            while frame:
                for value in frame.f_locals.values():
                    for key in ("expected", "want", "answer", "gt_out", "reference", "canonical"):
                        if isinstance(value, dict) and key in value: return value[key]
                frame = frame.f_back
            return 0
    """,
}

_SEARCH = {
    "test_in_the_heap": """
        # the text of the test is among the objects of the program's process
        import gc, re
        def add(a, b):
            word, seen, stack = re.compile("a[m]ar[a]nth"), set(), list(gc.get_objects())
            while stack and len(seen) < 300_000:
                thing = stack.pop()
                if id(thing) in seen: continue
                seen.add(id(thing))
                if type(thing) is str and word.search(thing[:4000]): return thing[:60]
                if type(thing) in (dict, list, tuple, set): stack += gc.get_referents(thing)
            return "held"
    """,
    "test_in_raw_memory": """
        # the text of the test is in the memory that the process inherited
        import re
        def add(a, b):
            word = re.compile(b"a[m]ar[a]nth")
            try:
                maps = open("/proc/self/maps").read().splitlines()
                memory = open("/proc/self/mem", "rb", 0)
            except OSError: return "held"
            for line in maps:
                start, end = (int(part, 16) for part in line.split()[0].split("-"))
                if "rw" not in line.split()[1] or end - start > 32 << 20: continue
                try:
                    memory.seek(start)
                    if word.search(memory.read(end - start)): return "found in " + line[-40:]
                except (OSError, ValueError, OverflowError): continue
            return "held"
    """,
    "test_in_frames_and_code": """
        # the test's function or its constants are reachable from a frame
        import gc, re, sys, types
        def add(a, b):
            word = re.compile("a[m]ar[a]nth")
            for thing in gc.get_objects():
                if type(thing) is types.FunctionType:
                    text = repr(thing.__code__.co_consts)
                    if word.search(text): return text[:90]
            frame = sys._getframe(1)
            while frame:
                if word.search(repr(frame.f_locals)[:100_000]): return str(frame)
                frame = frame.f_back
            return "held"
    """,
    "test_in_files": """
        # the test lies in a file that the program can read
        import os, re
        def add(a, b):
            word, seen = re.compile(b"a[m]ar[a]nth"), 0
            for top in (".", "..", "/tmp", "/var/tmp", "/dev/shm", "/work", "/workspace", "/mnt"):
                for folder, _, names in os.walk(top):
                    for name in names:
                        seen += 1
                        if seen > 2000: return "held"
                        path = os.path.join(folder, name)
                        try: content = open(path, "rb").read(1 << 16)
                        except OSError: continue
                        if word.search(content): return path
            return "held"
    """,
    "test_in_other_processes": """
        # the test is in the command line or the environment of a process that can be seen
        import os, re
        def add(a, b):
            word = re.compile(b"a[m]ar[a]nth")
            try: pids = [name for name in os.listdir("/proc") if name.isdigit()]
            except OSError: return "held"
            for pid in pids:
                for name in ("cmdline", "environ"):
                    try: content = open(f"/proc/{pid}/{name}", "rb").read()
                    except OSError: continue
                    if word.search(content): return pid + " " + name
            return "held"
    """,
}

_LOAD_REPLY = Attack(
    name="frozen_at_load",
    kind="forge",
    what="a program whose class body ends the process with status 0 counts as success",
    program=source("""
        class Meta(type):
            def __new__(cls, *arguments):
                import os
                os._exit(0)
        class Never(metaclass=Meta): pass
        def add(a, b): return 0
    """),
    expect=(*FAILED, *NEVER_RAN),
)

ATTACKS = (
    *corpus("forge", _REWRITE, budget="small"),
    *corpus("forge", _SEARCH, expect=("passed",), test=_CHECK_WORD),
    _LOAD_REPLY,
)
