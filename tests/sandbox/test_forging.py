"""Wrong programs that try to be called right: none may pass."""

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

LIMITS = Limits(cpu_seconds=1, wall_seconds=1.5)

FORGED_RESULT = """
class Always(int):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 5
    def __sub__(self, other): return 0
    __rsub__ = __sub__
"""

FORGERIES = {
    "eq_always_true": """
        class Yes:
            def __eq__(self, other): return True
            def __bool__(self): return True
        def add(a, b): return Yes()
    """,
    "int_subclass_eq": FORGED_RESULT + "\ndef add(a, b): return Always(7)\n",
    "float_subclass_of_nan": """
        class Near(float):
            def __eq__(self, other): return True
            def __float__(self): return 5.0
        def add(a, b): return Near("nan")
    """,
    "frame_walk": """
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
    "gc_walk": """
        import gc
        def add(a, b):
            for thing in gc.get_objects():
                if type(thing) is dict and "status" in thing: thing["status"] = "passed"
            return 0
    """,
    "expected_from_frames": """
        import gc, sys
        def add(a, b):
            for thing in gc.get_objects():
                try: code = thing.__code__
                except Exception: continue
                if thing.__name__ == "check": return code.co_consts[3]
            return 0
    """,
    "trace_replaces": """
        import sys
        def trace(frame, event, argument):
            for name in ("candidate", "proxy", "finding", "value"):
                if name in frame.f_locals: frame.f_locals[name] = lambda a, b: a + b
            return trace
        sys.settrace(trace)
        def add(a, b): return 0
    """,
    "os_exit": "import os\nos._exit(0)\ndef add(a, b): return 0\n",
    "os_exit_in_call": "import os\ndef add(a, b): os._exit(0)\n",
    "sys_exit": "import sys\nsys.exit(0)\ndef add(a, b): return 0\n",
    "sys_exit_in_call": "import sys\ndef add(a, b): sys.exit(0)\n",
    "atexit": "import atexit, os\natexit.register(os._exit, 0)\ndef add(a, b): return 0\n",
    "success_tokens": """
        import sys, os
        for word in ("passed", "PASSED", "OK", '{"status": "passed"}', "1"):
            print(word); print(word, file=sys.stderr)
        def add(a, b): print("passed"); os._exit(0)
    """,
    "write_all_fds": """
        import os
        def add(a, b):
            for fd in range(64):
                try: os.write(fd, b'\\x12\\0\\0\\0{"value":5,"passed":1}' * 3)
                except OSError: pass
            return 0
    """,
    "frames_on_all_fds": """
        import json, os, struct
        text = json.dumps({"status": "passed", "detail": "", "cpu": 0, "tier": "", "again": False})
        for fd in range(64):
            try: os.write(fd, struct.pack("<I", len(text)) + text.encode())
            except OSError: pass
        def add(a, b): return 0
    """,
    "patched_codec": """
        import overproof.sandbox.codec as codec, overproof.sandbox.wire as wire
        codec.encode = lambda value: {"passed": True}
        wire.send = lambda *args: None
        def add(a, b): return 0
    """,
    "patched_builtins": """
        import builtins
        builtins.AssertionError = type("Never", (Exception,), {})
        builtins.isinstance = lambda *a: True
        builtins.len = lambda *a: 0
        def add(a, b): return 0
    """,
    "patched_operators": """
        import operator, json
        operator.eq = lambda a, b: True
        json.dumps = lambda *a, **k: '{"value": 5}'
        def add(a, b): return 0
    """,
    "pickle_code": """
        class Evil:
            def __reduce__(self): return (print, ("x",))
        def add(a, b): return Evil()
    """,
    "raises_assertion_false": "def add(a, b): raise AssertionError('passed')\n",
    "close_all_fds": "import os\ndef add(a, b):\n    os.closerange(0, 256)\n    return 0\n",
    "opaque_message": "def add(a, b): return object()\n",
    "endless_generator": "def add(a, b):\n    while True: yield 5\n",
    "cyclic": "def add(a, b):\n    x = []\n    x.append(x)\n    return x\n",
    "wrong": "def add(a, b): return a - b\n",
}

PROGRAMS = [(name, dedent(program)) for name, program in FORGERIES.items()]


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    jobs = [
        Job(key=name, task_id="add", program=program, entry_point="add", test=CHECK_ADD)
        for name, program in PROGRAMS
    ]
    return {outcome.key: outcome for outcome in run_jobs(jobs, LIMITS)}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_wrong_program_never_passes(name: str, outcomes: dict[str, Outcome]) -> None:
    assert outcomes[name].status in (
        "wrong_answer",
        "error",
        "timeout",
        "protocol_violation",
        "crashed",
    ), outcomes[name]


def test_details_are_short_lines(outcomes: dict[str, Outcome]) -> None:
    for outcome in outcomes.values():
        assert 0 < len(outcome.detail) <= 200
        assert "\n" not in outcome.detail
