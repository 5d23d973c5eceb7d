"""Each way to fail has its status."""

import pytest

from overproof.records import Outcome
from overproof.sandbox import Job, Limits, run_jobs

CHECK_ADD = """
def check(candidate):
    assert candidate(2, 3) == 5
    assert candidate(-1, 1) == 0
    assert candidate(10, 5) == 15
"""

LIMITS = Limits(cpu_seconds=0.5)

STATUS = {
    "wrong_answer": ["def add(a, b): return a - b", "def add(a, b): return None"],
    "timeout": [
        "def add(a, b):\n    while True: pass",
        "while True: pass",
        "def add(a, b):\n    while True:\n        try:\n            while True: pass\n"
        "        except BaseException: pass",
        "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\n"
        "def add(a, b):\n    while True: pass",
        "import time\ntime.time = time.process_time = lambda: 0\ndef add(a, b):\n    t = 0\n"
        "    for i in range(10**9): t += 1\n    return a + b",
        "import os\ndef add(a, b):\n    for _ in range(3): os.fork()\n    while True: pass",
    ],
    "out_of_memory": [
        "def add(a, b): return len(bytearray(1 << 31))",
        "data = ['x' * (1 << 31)]\ndef add(a, b): return 0",
        "def add(a, b):\n    x = []\n    while True: x.append(bytes(1 << 26))",
    ],
    "compile_error": [
        "def add(a, b) return a + b",
        "def add(a, b):\nreturn a + b",
        "def add(a, b): return '\x00'",
        "def add(a, b): return '\ud800'",
        "x = " + "(" * 5000 + ")" * 5000,
        "def add(a, b):\n    return a + b\n  x = 1",
    ],
    "no_code": ["", "  \n", "def sub(a, b): return a - b", "add = 5", "# nothing but a comment"],
    "crashed": [
        "import ctypes\ndef add(a, b): return ctypes.string_at(0)",
        "import os\ndef add(a, b): os.abort()",
        "import os, signal\ndef add(a, b): os.kill(os.getpid(), signal.SIGKILL)",
    ],
    "output_limit": [
        "def add(a, b): return 'x' * (32 << 20)",
    ],
    "protocol_violation": [
        "import os, socket, stat\ndef add(a, b):\n    for fd in range(3, 20):\n        try:\n"
        "            if stat.S_ISSOCK(os.fstat(fd).st_mode): os.write(fd, b'\\5\\0\\0\\0[[[[[')\n"
        "        except OSError: pass\n    return a + b",
    ],
    "error": [
        "def add(a, b): raise ValueError('x' * 10**7)",
        "def add(a, b): return undefined",
        "raise RuntimeError('at load')\ndef add(a, b): return a + b",
        "def add(a): return a",
        "def add(a, b): return add(a, b)",
        "def add(a, b): return input()",
        "class E(Exception):\n    def __str__(self):\n        while True: pass\n"
        "def add(a, b): raise E",
        "import os\ndef add(a, b):\n    while True: os.fork()",
    ],
}

PROGRAMS = [
    (f"{status}-{number}", program)
    for status, programs in STATUS.items()
    for number, program in enumerate(programs)
]


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    jobs = [
        Job(key=name, task_id="add", program=program, entry_point="add", test=CHECK_ADD)
        for name, program in PROGRAMS
    ]
    return {outcome.key: outcome for outcome in run_jobs(jobs, LIMITS)}


@pytest.mark.parametrize("name", [name for name, _ in PROGRAMS])
def test_status(name: str, outcomes: dict[str, Outcome]) -> None:
    assert outcomes[name].status == name.partition("-")[0], outcomes[name]
